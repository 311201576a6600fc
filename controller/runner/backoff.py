"""Delay retries of blocked jobs and of full queues."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from controller.rules.step_retry import LONGEST_REFUSAL

logger = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 0.25, 10.0
"""Seconds until a blocked job is retried; doubled each time."""
TELL_AFTER = 5.0
"""Delay, in seconds, from which the log reports what blocks a job."""


FIRST_REFUSAL = 2.0
"""Seconds until a queue that accepted no job is retried; doubled each time."""


class Pauses:
    """Exponentially growing delays of things that do not work at present, with jitter.

    Parameters
    ----------
    first, longest
        Seconds.
    clock
        Monotonic seconds.
    """

    def __init__(
        self, first: float, longest: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._first, self._longest, self._clock = first, longest, clock
        self._pauses: dict[str, tuple[float, float]] = {}

    def pause(self, name: str, *, at_least: float = 0.0, longest: float | None = None) -> float:
        """Delay a thing; return for how many seconds.

        Parameters
        ----------
        at_least, longest
            Bounds of this pause, in seconds; of the two, and of what holds for all pauses, the
            smaller upper bound wins.
        """
        length = self._pauses[name][0] * 2 if name in self._pauses else self._first
        length = min(length, self._longest, self._longest if longest is None else longest)
        # Runners refused at the same time must not retry at the same time.
        seconds = max(length * random.uniform(0.8, 1.0), min(at_least, self._longest))
        self._pauses[name] = (length, self._clock() + seconds)
        return seconds

    def end(self, name: str) -> None:
        """Note that a thing works."""
        self._pauses.pop(name, None)

    def holds(self, name: str) -> bool:
        """Whether a thing is being delayed."""
        known = self._pauses.get(name)
        return known is not None and self._clock() < known[1]

    def seconds_left(self) -> list[float]:
        """Return the seconds until each delayed thing may be retried."""
        now = self._clock()
        return [end - now for _, end in list(self._pauses.values()) if end > now]


def refusal_pauses() -> Pauses:
    """Return the delays of queues that accept no jobs."""
    return Pauses(FIRST_REFUSAL, LONGEST_REFUSAL)


@dataclass
class _Pause:
    length: float
    end: float
    reason: str = ""


class JobBackoff:
    """The delays of blocked jobs of this runner.

    Without it, a job that cannot be advanced now would be taken again at once, forever, before all
    those behind it.

    Parameters
    ----------
    clock
        Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pauses: dict[str, _Pause] = {}

    def hold_back(self, job: Mapping[str, Any], reason: BaseException) -> None:
        """Delay a job, longer each time; log why if it takes long."""
        db_id, text = str(job["db_id"]), str(reason)
        known = self._pauses.get(db_id)
        length = min(known.length * 2, LONGEST_PAUSE) if known else FIRST_PAUSE
        told = known.reason if known else ""
        if length >= TELL_AFTER and text != told:
            logger.warning("job %s is blocked: %s", db_id, text)
            told = text
        self._pauses[db_id] = _Pause(length, self._clock() + length, told)

    def forget(self, job: Mapping[str, Any]) -> None:
        """Note that a job was advanced."""
        self._pauses.pop(str(job["db_id"]), None)

    def others(self, query: dict[str, Any], also: Collection[str] = ()) -> dict[str, Any]:
        """Return a filter that excludes the delayed jobs.

        Parameters
        ----------
        also
            db_ids of further jobs to exclude.
        """
        now = self._clock()
        waiting = {db_id for db_id, pause in self._pauses.items() if pause.end > now}
        if not waiting.union(also):
            return query
        left_out = {"db_id": {"$nin": sorted(waiting.union(also))}}
        return {**query, "$and": [*query.get("$and", []), left_out]}

    def seconds_left(self) -> float | None:
        """Seconds until the first job may be retried; None if there is none."""
        now = self._clock()
        return min((p.end - now for p in self._pauses.values() if p.end > now), default=None)
