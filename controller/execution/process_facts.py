"""The open files, children and memory of a process."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path


def open_files() -> set[int]:
    """Return the numbers of the open files of this process."""
    folder = "/proc/self/fd" if sys.platform == "linux" else "/dev/fd"
    try:
        names = os.listdir(folder)  # noqa: PTH208 (after each job)
    except OSError:
        return set()
    # The listing itself had a file open, which is closed by now.
    return {int(n) for n in names if n.isdigit() and is_open(int(n))}


def is_open(number: int) -> bool:
    """Whether a file of this number is open."""
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def has_children() -> bool:
    """Whether there are processes that this one started or adopted."""
    while True:
        try:
            ended, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if not ended:
            return True


def memory_in_use() -> float:
    """Return the resident memory of this process, in MB of 1024 * 1024 bytes."""
    return memory_of(os.getpid())


def memory_of(pid: int) -> float:
    """Return the resident memory of a process, in MB; 0 if the system does not report it."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_bytes().split()[1])
    except (OSError, ValueError, IndexError):
        return 0.0
    return pages * resource.getpagesize() / 1024**2
