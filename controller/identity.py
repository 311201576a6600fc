"""What tells a process or a run of a machine from every other one, also after its end.

A number says little: it is given out again, means another process in another PID namespace, and
may be hidden from us. So a process is known by its number, its start time, the boot of its machine
and its PID namespace, and where these cannot be compared the answer is: unknown.

On Linux a start time is the clock ticks since the boot that ``/proc`` shows: they do not move when
the clock is set, and a shell can read them too. Everywhere else, and where there is no ``/proc``,
psutil tells.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

NO_NAMESPACES = "none"
"""The PID namespace of every process where the system has no such thing."""


class Liveness(Enum):
    """Whether a process runs, as far as this one can tell."""

    ALIVE = "alive"
    ENDED = "ended"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Process:
    """A line of the process table.

    Attributes
    ----------
    session, group
        Its session and its process group; 0 where they are not known.
    start
        Start time, as `start_time` returns it, but never "".
    has_ended
        Whether it is a zombie: only its entry is left, until its parent collects it.
    """

    pid: int
    parent: int
    session: int
    group: int
    start: str
    has_ended: bool = False


def named_process(owner: Mapping[str, Any] | None) -> str:
    """Return who works on something, in words, from the owner that a lease names."""
    known = owner or {}
    return f"process {known.get('pid')} on {known.get('host')}"


@cache
def boot_id() -> str:
    """Return what changes at each boot of this host; "" where the system does not tell."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    if sys.platform != "linux":
        with suppress(OSError, subprocess.SubprocessError):
            command = ["sysctl", "-n", "kern.bootsessionuuid"]
            done = subprocess.run(command, capture_output=True, text=True, timeout=5, check=True)
            return done.stdout.strip()
    return ""


def pid_namespace() -> str:
    """Return which processes the numbers of this one mean; "" where the system does not tell."""
    return _own_namespace(os.getpid())


@cache
def _own_namespace(pid: int) -> str:
    if sys.platform != "linux":
        return NO_NAMESPACES
    if _has_own_proc():
        with suppress(OSError):
            return str(Path("/proc/self/ns/pid").readlink())
    return ""


def this_process() -> dict[str, Any]:
    """Describe this process such that its end can be told later."""
    return {"host": socket.gethostname(), **_described(os.getpid())}


def described(pid: int) -> dict[str, Any]:
    """Describe another process of this machine in the same way."""
    return {
        "host": socket.gethostname(),
        "boot_id": boot_id(),
        "pid": pid,
        "start_time": start_time(pid),
        "pid_namespace": pid_namespace(),
    }


@cache
def _described(own_pid: int) -> dict[str, Any]:
    return {key: value for key, value in described(own_pid).items() if key != "host"}


def start_time(pid: int) -> str:
    """Return when a process started, as text that is the same whenever it is asked for.

    Returns
    -------
    str
        Clock ticks since the boot, or "@" and a time of day in UTC where there is no ``/proc``. ""
        when it cannot be seen, or when it has ended and only its entry is left.
    """
    process = find_process(pid)
    return "" if process is None or process.has_ended else process.start


def liveness(known: Mapping[str, Any], *, trust_number: bool = False) -> Liveness:
    """Tell whether a process runs.

    Parameters
    ----------
    known
        ``host``, ``pid``, ``start_time``, ``boot_id`` and ``pid_namespace``, as `this_process` has
        them; what is missing or "" is not known.
    trust_number
        The process is one of this machine's jobs: where its namespace was not written down it is
        taken to be ours. Otherwise nothing can be told then.

    Notes
    -----
    One that is out of sight (another machine or namespace, a ``/proc`` that hides it) has not
    ended, and one whose start time is not known may have given its number away: both are unknown.
    """
    boot, here = known.get("boot_id"), boot_id()
    is_renamed = known.get("host") not in (None, "", socket.gethostname())
    if boot and here and boot != here:
        return Liveness.UNKNOWN if is_renamed else Liveness.ENDED
    if is_renamed and not (boot and here):
        return Liveness.UNKNOWN
    namespace, ours = known.get("pid_namespace"), pid_namespace()
    if namespace != ours if namespace else not trust_number:
        return Liveness.UNKNOWN
    return _state_of(known.get("pid"), str(known.get("start_time") or ""))


def _state_of(pid: Any, start: str) -> Liveness:
    try:
        number = int(pid)
    except (TypeError, ValueError):
        return Liveness.ENDED  # what is no number was never a process
    process = find_process(number)
    if process is None:
        return Liveness.UNKNOWN if exists(number) else Liveness.ENDED
    if process.has_ended:
        return Liveness.ENDED
    if not start or start.startswith("@") != process.start.startswith("@"):
        return Liveness.UNKNOWN
    return Liveness.ALIVE if start == process.start else Liveness.ENDED


def exists(pid: int) -> bool:
    """Whether the number is given out, be it to a process that we may not see."""
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def find_process(pid: int) -> Process | None:
    """Look a process up; None when there is none, or the system does not show it."""
    if sys.platform == "linux":
        if _has_own_proc():
            return _from_proc(pid)
        if Path("/proc/version").exists():
            return None  # it is that of another namespace: its numbers are not ours
    return _from_psutil(pid)


def all_processes() -> list[Process]:
    """Return the process table, as far as the system shows it."""
    if sys.platform == "linux" and _has_own_proc():
        pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    else:
        import psutil

        try:
            pids = psutil.pids()
        except (psutil.Error, OSError):
            pids = []
    return [process for process in map(find_process, pids) if process is not None]


def working_folder(pid: int) -> Path | None:
    """Return where a process works, None where the system does not tell."""
    if sys.platform == "linux" and _has_own_proc():
        try:
            found = str(Path(f"/proc/{pid}/cwd").readlink())
        except OSError:
            return None
        return Path(found.removesuffix(" (deleted)"))
    if sys.platform == "linux" and Path("/proc/version").exists():
        return None
    import psutil

    try:
        return Path(psutil.Process(pid).cwd())
    except (psutil.Error, OSError, ValueError):
        return None


def _has_own_proc() -> bool:
    """Whether ``/proc`` shows the processes of our own namespace."""
    try:
        return Path("/proc/self").readlink() == Path(str(os.getpid()))
    except OSError:
        return False


def _from_proc(pid: int) -> Process | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    # The name before the last parenthesis may hold anything.
    fields = text.rpartition(")")[2].split()
    # The first thread may be gone while others still hold files and locks.
    ended = fields[0] in ("Z", "X", "x") and int(fields[17]) <= 1
    return Process(pid, int(fields[1]), int(fields[3]), int(fields[2]), fields[19], ended)


def _from_psutil(pid: int) -> Process | None:
    import psutil

    try:
        process = psutil.Process(pid)
        with process.oneshot():
            created, parent, status = process.create_time(), process.ppid(), process.status()
        session, group = os.getsid(pid), os.getpgid(pid)
    except psutil.ZombieProcess:
        return Process(pid, 0, 0, 0, "@", has_ended=True)
    except (psutil.Error, OSError, ValueError, OverflowError):
        return None
    ended = status == psutil.STATUS_ZOMBIE
    return Process(pid, parent, session, group, clock_text(created), ended)


def clock_text(seconds: float) -> str:
    """Write a start time as ``ps -o lstart`` shows it in UTC, without the weekday."""
    moment = time.gmtime(int(seconds))
    return f"@{time.strftime('%b', moment)}_{moment.tm_mday}_{time.strftime('%T_%Y', moment)}"
