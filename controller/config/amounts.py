"""Times and amounts of memory, in the notations of Slurm, PBS and Grid Engine."""

from __future__ import annotations

import re
from collections.abc import Callable

_CLOCK = re.compile(r"(?:(\d+)-)?(\d+(?::\d+){0,3})")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgtpKMGTP]?)([bB]?)")
_MEGABYTES = {"k": 1 / 1024, "m": 1.0, "g": 1024.0, "t": 1024.0**2, "p": 1024.0**3}


def seconds(value: int | str) -> int | None:
    """Read a time: a number of seconds, ``M:S``, ``H:M:S``, ``D:H:M:S`` or ``D-H:M:S``.

    Returns
    -------
    int
        None if it is not a time, such as UNLIMITED.
    """
    return _clock(value, lambda number: number)


def slurm_seconds(value: int | str) -> int | None:
    """Read a time of Slurm, where a number alone is minutes and ``D-H:M`` has no seconds."""
    return _clock(value, lambda number: number * 60)


def _clock(value: int | str, alone: Callable[[int], int]) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return alone(int(value))
    found = _CLOCK.fullmatch(value.strip())
    if found is None:
        return None
    days, parts = found[1], [int(part) for part in found[2].split(":")]
    if days is not None:
        parts = [int(days), *parts, 0, 0, 0][:4]
    elif len(parts) == 1:
        return alone(parts[0])
    parts = [0] * (4 - len(parts)) + parts
    return ((parts[0] * 24 + parts[1]) * 60 + parts[2]) * 60 + parts[3]


def clock(total: int) -> str:
    """Write a time as ``HH:MM:SS``, with any number of hours."""
    return f"{total // 3600:02d}:{total // 60 % 60:02d}:{total % 60:02d}"


def slurm_clock(total: int) -> str:
    """Write a time as Slurm does: ``D-HH:MM:SS`` from one day on."""
    days, rest = divmod(total, 86400)
    return f"{days}-{clock(rest)}" if days else clock(rest)


def megabytes(value: float | str, default_unit: str = "m") -> float | None:
    """Read an amount of memory, in MB of 1024 * 1024 bytes.

    Parameters
    ----------
    default_unit
        Unit of a plain number: ``m`` (Slurm) or ``b`` (PBS, Grid Engine).

    Returns
    -------
    float
        None if it is not an amount.
    """
    if isinstance(value, bool):
        return None
    found = _SIZE.fullmatch(str(value).strip())
    if found is None:
        return None
    unit = found[2].lower() or ("b" if found[3] else default_unit)
    return float(found[1]) * (1 / 1024**2 if unit == "b" else _MEGABYTES[unit])
