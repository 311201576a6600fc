"""The number of jobs in each state, counted from time to time, so that reading is always cheap."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from controller.documents.stored import utc_now
from controller.operations.queue import Queue
from controller.states import JobState

FIELD = "jfr_job_counts"
FRESH_FOR = 30.0
"""Seconds for which a count is valid, unless counting took long."""
TIMES_ITS_COST = 20.0
"""A count is reused for this multiple of the time that it took."""


@dataclass(frozen=True)
class JobCounts:
    """A count of all jobs.

    Attributes
    ----------
    counted_on
        Time of counting, naive UTC.
    took
        Duration of the counting, in seconds.
    numbers
        {(state, worker): number}; without those that are 0.
    oldest_ready
        Submission time of the oldest READY job, naive UTC; None if there is none.
    """

    counted_on: datetime
    took: float
    numbers: dict[tuple[str, str], int]
    oldest_ready: datetime | None

    def is_fresh(self, now: datetime) -> bool:
        """Whether it is still valid."""
        seconds = max(FRESH_FOR, TIMES_ITS_COST * self.took)
        return abs(now - self.counted_on) < timedelta(seconds=seconds)


def kept_counts(queue: Queue) -> JobCounts | None:
    """Return the stored count; None if there is none."""
    found = queue.auxiliary.find_one({FIELD: {"$exists": True}})
    if found is None:
        return None
    kept = found[FIELD]
    numbers = {(entry["state"], entry["worker"]): entry["number"] for entry in kept["numbers"]}
    return JobCounts(kept["counted_on"], kept["took"], numbers, kept["oldest_ready"])


def fresh_counts(queue: Queue) -> JobCounts:
    """Return the stored count if it is valid, else a new one, which is stored."""
    kept = kept_counts(queue)
    if kept is not None and kept.is_fresh(utc_now()):
        return kept
    counted = count_jobs(queue)
    entries: list[dict[str, Any]] = [
        {"state": state, "worker": worker, "number": number}
        for (state, worker), number in counted.numbers.items()
    ]
    stored = {
        "counted_on": counted.counted_on,
        "took": counted.took,
        "numbers": entries,
        "oldest_ready": counted.oldest_ready,
    }
    queue.auxiliary.update_one({FIELD: {"$exists": True}}, {"$set": {FIELD: stored}}, upsert=True)
    return counted


def count_jobs(queue: Queue) -> JobCounts:
    """Count all jobs; each query is answered by an index."""
    began, counted_on = time.monotonic(), utc_now()
    numbers: dict[tuple[str, str], int] = {}
    counting = {"count": {"$sum": 1}}
    for group in queue.jobs.aggregate([{"$group": {"_id": "$worker", **counting}}]):
        of_worker = {"$match": {"worker": group["_id"]}}
        states = queue.jobs.aggregate([of_worker, {"$group": {"_id": "$state", **counting}}])
        for entry in states:
            numbers[str(entry["_id"]), str(group["_id"])] = entry["count"]
    ready = {"state": JobState.READY.value}
    oldest = queue.jobs.find_one(ready, ["created_on"], sort=[("created_on", 1)])
    took = time.monotonic() - began
    return JobCounts(counted_on, took, numbers, oldest["created_on"] if oldest else None)
