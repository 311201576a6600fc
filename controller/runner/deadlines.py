"""Deadlines: times of the monotonic clock in seconds; None is no limit."""

from __future__ import annotations

import time


def deadline_after(seconds: float | None) -> float | None:
    """Return the time after a number of seconds."""
    return None if seconds is None else time.monotonic() + seconds


def earlier(first: float | None, second: float | None) -> float | None:
    """Return the deadline that is reached first."""
    return min((d for d in (first, second) if d is not None), default=None)


def is_past(deadline: float | None) -> bool:
    """Whether a deadline has been reached."""
    return deadline is not None and time.monotonic() >= deadline
