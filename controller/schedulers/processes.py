"""Jobs run by the shell of this machine: whether they are alive, and ending them.

A process is signalled only if it is certainly the intended one. A warm process runs other jobs
before and after a job; it belongs to the job from its start file to its exit file.
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
from controller.paths import PRIVATE_FILE
from controller.schedulers.start import STARTED, parse_start, stop_file

EXIT = "jfr_exit"
"""Name of the file that holds the exit status of a job's command."""
GRACE = 3.0
"""Seconds between asking a process to end and killing it."""
_KILLED = 1.0
"""Seconds to wait for a killed process to end."""


def is_over(pid: str) -> bool:
    """Whether a process that was just started has ended, if it ever began."""
    if not pid.isdigit():
        return True
    process = find_process(int(pid))
    return not exists(int(pid)) if process is None else process.has_ended


def job_liveness(known: Mapping[str, Any], run_dir: Path | None) -> Liveness:
    """Return whether the process of a job is running.

    Parameters
    ----------
    known
        See `controller.identity.liveness`.
    run_dir
        If the start time is unknown, a process whose working folder is this one counts.
    """
    found = liveness(known, trust_number=True)
    if found is Liveness.ALIVE and known.get("warm"):
        return found if run_dir is not None and _has_warm_job(run_dir, known) else Liveness.ENDED
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


def _has_warm_job(run_dir: Path, known: Mapping[str, Any]) -> bool:
    """Whether a live warm process has started a job and not finished it."""
    if (run_dir / EXIT).exists():
        return False
    try:
        start = parse_start((run_dir / STARTED).read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return False  # the folder is gone, so there can be no result any more
    is_its = start is not None and start.pid == str(known.get("pid"))
    return is_its and start is not None and known["warm"] in (True, start.token)


def _is_visible(known: Mapping[str, Any], process: Process) -> bool:
    """Whether the process id refers to the same process here as where it was recorded."""
    with_start = {**known, "start_time": process.start}
    return liveness(with_start, trust_number=True) is Liveness.ALIVE


def complete_identity(known: Mapping[str, Any], run_dir: Path) -> dict[str, Any] | None:
    """Complete the data of a start file with those of this machine; None if insufficient.

    Parameters
    ----------
    known
        ``pid``, and the other entries of the file.
    """
    told = {key: value for key, value in known.items() if value}
    if not str(told.get("pid")).isdigit():
        return None
    if job_liveness(told, run_dir) is Liveness.ALIVE:
        return {**described(int(told["pid"])), **told}
    return {**known, "host": socket.gethostname()} if told.get("start_time") else None


def end_process(known: Mapping[str, Any], run_dir: Path | None = None) -> None:
    """End the process of a job with its descendants and its session: gracefully, then by force.

    A process that has ended is ignored, and so is one that is not certainly the intended one. Waits
    up to `GRACE` seconds for processes to end.
    """
    if run_dir is not None and isinstance(token := known.get("warm"), str):
        with suppress(OSError):  # it must take no other job from now on
            (run_dir / stop_file(token)).touch(mode=PRIVATE_FILE)
    if job_liveness(known, run_dir) is not Liveness.ALIVE:
        return
    leader = find_process(int(known["pid"]))
    if leader is None:
        return
    family = _family(leader)
    _signal(family, signal.SIGTERM)
    _signal(family, signal.SIGCONT)  # a stopped process would never receive the other signal
    _wait_for_end(family, GRACE)
    family |= {child for member in family for child in _family(member)}
    _signal(family, signal.SIGKILL)
    _wait_for_end(family, _KILLED)


def _family(leader: Process) -> set[Process]:
    """Return a process with its descendants, and all members of the session and group it leads."""
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
