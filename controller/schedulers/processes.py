"""Jobs that the shell of this machine runs: whether one lives, and ending it with its family.

A process is only ever signalled when it is known for certain to be the one that is meant.
"""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from controller.identity import (
    Liveness,
    Process,
    all_processes,
    described,
    exists,
    find_process,
    liveness,
    working_folder,
)

GRACE = 3.0
"""Seconds between asking a process to end and killing it."""
_KILLED = 1.0
"""Seconds to wait for a killed process to be gone."""


def is_over(pid: str) -> bool:
    """Whether a process that was just started has ended, if it ever began."""
    if not pid.isdigit():
        return True
    process = find_process(int(pid))
    return not exists(int(pid)) if process is None else process.has_ended


def job_liveness(known: Mapping[str, Any], run_dir: Path | None) -> Liveness:
    """Tell whether the process of a job runs.

    Parameters
    ----------
    known
        See `controller.identity.liveness`.
    run_dir
        Where its start time is not known, a process that works there is the one.
    """
    found = liveness(known, trust_number=True)
    if found is not Liveness.UNKNOWN or known.get("start_time") or run_dir is None:
        return found
    process = find_process(int(known["pid"]))
    if process is None or not _is_visible(known, process):
        return Liveness.UNKNOWN
    folder = working_folder(process.pid)
    if folder is None:
        return Liveness.UNKNOWN
    here = (run_dir, run_dir.resolve())
    is_ours = any(folder == place or place in folder.parents for place in here)
    return Liveness.ALIVE if is_ours else Liveness.ENDED


def _is_visible(known: Mapping[str, Any], process: Process) -> bool:
    """Whether the number means the same process here as where it was written down."""
    with_start = {**known, "start_time": process.start}
    return liveness(with_start, trust_number=True) is Liveness.ALIVE


def complete_identity(known: Mapping[str, Any], run_dir: Path) -> dict[str, Any] | None:
    """Add what this machine says to what a start file says; None where that is too little.

    Parameters
    ----------
    known
        ``pid``, and what else the file holds.
    """
    told = {key: value for key, value in known.items() if value}
    if not str(told.get("pid")).isdigit():
        return None
    if job_liveness(told, run_dir) is Liveness.ALIVE:
        return {**described(int(told["pid"])), **told}
    return {**known, "host": socket.gethostname()} if told.get("start_time") else None


def end_process(known: Mapping[str, Any], run_dir: Path | None = None) -> None:
    """End the process of a job with its descendants and its session: politely, then for certain.

    One that has ended is fine, and one that is not known for certain is left alone. Waits up to
    `GRACE` seconds for those that take their time.
    """
    if job_liveness(known, run_dir) is not Liveness.ALIVE:
        return
    leader = find_process(int(known["pid"]))
    if leader is None:
        return
    family = _family(leader)
    _signal(family, signal.SIGTERM)
    _signal(family, signal.SIGCONT)  # one that is stopped would never see the other
    _wait_for_end(family, GRACE)
    family |= {child for member in family for child in _family(member)}
    _signal(family, signal.SIGKILL)
    _wait_for_end(family, _KILLED)


def _family(leader: Process) -> set[Process]:
    """Return a process with its descendants, and all of the session and group that it leads."""
    processes = all_processes()
    own = {os.getpid(), os.getppid()}
    found = {p.pid for p in processes if p.pid == leader.pid and p.start == leader.start}
    found |= {p.pid for p in processes if leader.pid in (p.session, p.group)}
    grown = True
    while grown:
        children = {p.pid for p in processes if p.parent in found} - found
        grown = bool(children)
        found |= children
    return {p for p in processes if p.pid in found - own}


def _is_running(process: Process) -> bool:
    now = find_process(process.pid)
    return now is not None and not now.has_ended and now.start == process.start


def _signal(processes: Iterable[Process], number: signal.Signals) -> None:
    for process in processes:
        if _is_running(process):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process.pid, number)


def _wait_for_end(processes: Iterable[Process], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and any(map(_is_running, processes)):
        time.sleep(0.02)
