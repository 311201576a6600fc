"""When periodic tasks are due."""

from __future__ import annotations

import time


class Timers:
    """When periodic tasks are due, by the monotonic clock."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}

    def due(self, name: str, every: float) -> bool:
        """Whether a periodic task is due; the next time is counted from now."""
        now = time.monotonic()
        if now < self._next.get(name, 0.0):
            return False
        self._next[name] = now + every
        return True
