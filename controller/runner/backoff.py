"""Jobs that were held up (their flow is locked, a database is away) are left alone for a while."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

logger = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 10.0
"""Seconds until a job that was held up is tried again; doubled each time."""
TELL_AFTER = 5.0
"""Pause, in seconds, from which on the log says what holds a job up."""


@dataclass
class _Pause:
    length: float
    end: float
    reason: str = ""


class JobBackoff:
    """Remembers which jobs of this runner to leave alone for how long.

    Without it a job that cannot be advanced now would be taken again at once, for ever, before
    all those that stand behind it.

    Parameters
    ----------
    clock
        Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pauses: dict[str, _Pause] = {}

    def hold_back(self, job: Mapping[str, Any], reason: BaseException) -> None:
        """Leave a job alone for a while, longer each time; say why if it takes long."""
        db_id, text = str(job["db_id"]), str(reason)
        known = self._pauses.get(db_id)
        length = min(known.length * 2, LONGEST_PAUSE) if known else FIRST_PAUSE
        told = known.reason if known else ""
        if length >= TELL_AFTER and text != told:
            logger.warning("job %s is held up: %s", db_id, text)
            told = text
        self._pauses[db_id] = _Pause(length, self._clock() + length, told)

    def forget(self, job: Mapping[str, Any]) -> None:
        """Note that a job was advanced."""
        self._pauses.pop(str(job["db_id"]), None)

    def others(self, query: dict[str, Any], also: Collection[str] = ()) -> dict[str, Any]:
        """Return a filter that leaves out the jobs that have to wait.

        Parameters
        ----------
        also
            db_ids of further jobs to leave out.
        """
        now = self._clock()
        waiting = {db_id for db_id, pause in self._pauses.items() if pause.end > now}
        if not waiting.union(also):
            return query
        left_out = {"db_id": {"$nin": sorted(waiting.union(also))}}
        return {**query, "$and": [*query.get("$and", []), left_out]}

    def seconds_left(self) -> float | None:
        """Seconds until the first job may be tried again; None when none waits."""
        now = self._clock()
        return min((p.end - now for p in self._pauses.values() if p.end > now), default=None)
