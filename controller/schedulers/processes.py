"""Processes of this machine: whether one runs, and ending it with everything that it started.

A process is known by its number and its start time, since numbers are given out again.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

GRACE = 3.0
"""Seconds between asking a process to end and killing it."""
_KILLED = 1.0
"""Seconds to wait for a killed process to be gone."""


@dataclass(frozen=True)
class Process:
    """A line of the process table.

    Attributes
    ----------
    start
        Clock ticks since the machine started, as in ``/proc/PID/stat``.
    """

    pid: int
    state: str
    parent: int
    session: int
    start: str

    @property
    def has_ended(self) -> bool:
        """Whether only its entry is left, until its parent asks for it."""
        return self.state in ("Z", "X", "x")


def find_process(pid: int | str) -> Process | None:
    """Look a process up; None when there is none, or the number is none of a process."""
    try:
        text = Path(f"/proc/{int(pid)}/stat").read_text(errors="replace")
    except (OSError, ValueError):
        return None
    # The name before the last parenthesis may hold anything.
    fields = text.rpartition(")")[2].split()
    return Process(int(pid), fields[0], int(fields[1]), int(fields[3]), fields[19])


def is_alive(pid: int | str, start: str | None) -> bool:
    """Whether a process runs and is the one that started then.

    Parameters
    ----------
    start
        Its start time; None accepts any process of that number.
    """
    process = find_process(pid)
    return process is not None and not process.has_ended and start in (None, process.start)


def end_process(pid: str, start: str | None) -> None:
    """End a process with its descendants and its session: politely, then for certain.

    One that has ended, or whose number now belongs to another process, is fine. Waits up to
    `GRACE` seconds for those that take their time.
    """
    if not pid.isdigit() or not is_alive(pid, start):
        return
    family = _family(int(pid))
    _signal(family, signal.SIGTERM)
    _signal(family, signal.SIGCONT)  # one that is stopped would never see the other
    _wait_for_end(family, GRACE)
    family |= {child for member in family for child in _family(member.pid, member.start)}
    _signal(family, signal.SIGKILL)
    _wait_for_end(family, _KILLED)


def _family(pid: int, start: str | None = None) -> set[Process]:
    """Return a process with its descendants, and all of the session that it leads."""
    processes = [p for p in map(find_process, _pids()) if p is not None]
    own = {os.getpid(), os.getppid()}
    found = {p.pid for p in processes if p.pid == pid and start in (None, p.start)}
    found |= {p.pid for p in processes if p.session == pid}
    grown = True
    while grown:
        children = {p.pid for p in processes if p.parent in found} - found
        grown = bool(children)
        found |= children
    return {p for p in processes if p.pid in found - own}


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _signal(processes: Iterable[Process], number: signal.Signals) -> None:
    for process in processes:
        if is_alive(process.pid, process.start):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process.pid, number)


def _wait_for_end(processes: Iterable[Process], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(is_alive(p.pid, p.start) for p in processes):
        time.sleep(0.02)
