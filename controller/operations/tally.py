"""The counters of a process for metrics: kept in memory, and regularly added to the database.

One document of the auxiliary collection holds the sums over all runners. Counts since the last
update are lost if the process is killed: metrics may miss a minute, the event log does not.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from controller.states import STATE_CHANGES, EventKind
from controller.storage.base import Collection

BOUNDS = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 3600.0, 86400.0)
"""Upper bounds of the classes of durations, in seconds; one more class holds all above."""
FIELD = "jfr_tally"
_CHANGES = frozenset(kind.value for kind in STATE_CHANGES)


class Tally:
    """The counts of one process; can be used by several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def events(self, events: Iterable[Mapping[str, Any]], now: datetime) -> None:
        """Count events.

        Parameters
        ----------
        events
            As they are stored, with ``since``: when the job got its previous state, naive UTC; None
            or left out where that is not known.
        now
            Naive UTC.
        """
        # Most of the jobs that change together are alike.
        alike = Counter(
            (e["kind"], e.get("cause"), e.get("from"), e.get("to"), e.get("since")) for e in events
        )
        with self._lock:
            for (kind, cause, before, after, since), number in alike.items():
                if kind == EventKind.TAKEOVER.value:
                    self._counts["takeovers"] += number
                elif kind == EventKind.STEP_FAILED.value:
                    self._counts[f"step_failures.{cause or 'UNKNOWN'}"] += number
                elif kind in _CHANGES:
                    self._counts[f"changes.{after}"] += number
                    if since is not None and before:
                        self._duration(before, max(0.0, (now - since).total_seconds()), number)

    def _duration(self, state: str, seconds: float, number: int) -> None:
        place = bisect_left(BOUNDS, seconds)
        self._counts[f"durations.{state}.c{place}"] += number
        self._counts[f"durations.{state}.millis"] += number * round(1000 * seconds)

    def error(self, where: str) -> None:
        """Count an error of the database or of a queue."""
        with self._lock:
            self._counts[f"errors.{where}"] += 1

    def flush(self, auxiliary: Collection) -> None:
        """Add what was counted to the database.

        Raises
        ------
        StorageError
            It cannot be written; no count is lost.
        """
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            auxiliary.update_one(
                {FIELD: {"$exists": True}},
                {"$inc": {f"{FIELD}.{name}": number for name, number in counts.items()}},
                upsert=True,
            )
        except BaseException:
            with self._lock:
                self._counts.update(counts)
            raise


def stored_tally(auxiliary: Collection) -> dict[str, Any]:
    """Return the sums over all processes, nested by the dots in their names; {} if none."""
    found = auxiliary.find_one({FIELD: {"$exists": True}})
    tally: dict[str, Any] = found[FIELD] if found else {}
    return tally
