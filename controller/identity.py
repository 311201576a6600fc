"""What tells a process or a run of a machine from every other one, also after its end."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any


def named_process(owner: Mapping[str, Any] | None) -> str:
    """Return who works on something, in words, from the owner that a lease names."""
    known = owner or {}
    return f"process {known.get('pid')} on {known.get('host')}"


@cache
def boot_id() -> str:
    """Return what changes at each boot of this host; "" where the system does not tell."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


def start_time(pid: int) -> str:
    """Return when a process started, in clock ticks since the boot, as text.

    Returns
    -------
    str
        "" when there is none, or when it has ended and only its entry is left. A number alone
        is given out again.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    return "" if fields[0] in ("Z", "X") else fields[19]
