"""Forked children that do something, may die at it, and tell what they did."""

from __future__ import annotations

import gc
import os
import pickle
import selectors
import signal
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from points import Fuse, Recorder, install

from controller.errors import ControllerError

NEVER = Fuse()
DEADLINE = 60
"""Seconds that a child may take."""


@dataclass
class Report:
    """What became of a child.

    Attributes
    ----------
    result
        What its work returned; None when it died.
    refused
        The product's own error, as a line of text.
    error
        Traceback of any other exception.
    killed
        Point at which it killed itself.
    seen
        Points that it passed.
    notes
        What it wrote down, the more so before it died; see `note`.
    """

    result: Any = None
    refused: str | None = None
    error: str | None = None
    killed: str | None = None
    seen: list[str] = field(default_factory=list)
    notes: list[tuple[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Task:
    """Work for a child.

    Attributes
    ----------
    work
        What to do.
    fuse
        When it dies.
    """

    work: Callable[[], Any]
    fuse: Fuse = NEVER


_TELL: list[Callable[[str, str], None]] = []


def note(what: str, value: Any) -> None:
    """Tell something that the parent has to know even if this child dies next."""
    for tell in _TELL:
        tell("note", pickle.dumps((what, value)).hex())


def run(tasks: Sequence[Task], *, transactions: bool) -> list[Report]:
    """Carry out tasks, each in a child of its own, all at once.

    Nothing may be open in this process: no database, no client.
    """
    selector = selectors.DefaultSelector()
    reports = [Report() for _ in tasks]
    received = [bytearray() for _ in tasks]
    pids = []
    for number, task in enumerate(tasks):
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            _child(task, writer, transactions)
        os.close(writer)
        pids.append(pid)
        selector.register(reader, selectors.EVENT_READ, number)
    end = time.monotonic() + DEADLINE
    while selector.get_map():
        ready = selector.select(max(0.0, end - time.monotonic()))
        if not ready:
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            raise AssertionError(f"a child was not done after {DEADLINE} s")
        for key, _ in ready:
            data = os.read(key.fd, 65536)
            received[key.data] += data
            if not data:
                selector.unregister(key.fileobj)
                os.close(key.fd)
    for pid, report, data in zip(pids, reports, received):
        _, status = os.waitpid(pid, 0)
        _read(report, bytes(data))
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGKILL:
            report.error = f"died of signal {os.WTERMSIG(status)}"
    return reports


def _child(task: Task, writer: int, transactions: bool) -> None:
    """Work, tell, end; never return."""

    untold = bytearray()

    def tell(what: str, name: str) -> None:
        untold.extend(f"{what}\t{name}\n".encode())
        if what == "seen":
            return  # one write for many: each wakes the parent
        while untold:
            del untold[: os.write(writer, untold)]

    gc.disable()  # a collection would copy every page that the parent warmed up
    _TELL.append(tell)
    try:
        signal.alarm(DEADLINE)
        install(Recorder(task.fuse, tell), transactions=transactions)
        try:
            outcome = {"result": task.work()}
        except ControllerError as error:
            outcome = {"refused": f"{type(error).__name__}: {error}"}
        except BaseException:
            outcome = {"error": traceback.format_exc()}
        tell("end", pickle.dumps(outcome).hex())
    finally:
        os._exit(0)


def _read(report: Report, data: bytes) -> None:
    for line in data.decode().splitlines():
        what, _, value = line.partition("\t")
        if what == "seen":
            report.seen.append(value)
        elif what == "killed":
            report.killed = value
        elif what == "note":
            report.notes.append(pickle.loads(bytes.fromhex(value)))
        else:
            vars(report).update(pickle.loads(bytes.fromhex(value)))
