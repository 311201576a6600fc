"""How many jobs or flows reached a state in each of the last hours, days, weeks and so on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from controller.documents import utc_now
from controller.operations.intervals import Interval, last_intervals
from controller.states import FlowState, JobState
from controller.storage.base import Collection

S = TypeVar("S", JobState, FlowState)


def count_trends(
    collection: Collection,
    states: Sequence[S],
    interval: str = "days",
    number: int | None = None,
    zone: str = "UTC",
) -> dict[str, dict[S, int]]:
    """Count documents by state and by the interval in which they were last updated.

    One command per interval, which an index on (state, updated_on) answers: if the engine counts in
    the index, the cost grows with the number of intervals only.

    Parameters
    ----------
    collection
        Jobs or flows.
    interval, number, zone
        See `last_intervals`.

    Returns
    -------
    dict
        {key of the interval: {state: number}}, oldest first, every state in every interval.
    """
    return {
        span.key: _count(collection, states, span)
        for span in last_intervals(utc_now(), interval, number, zone)
    }


def _count(collection: Collection, states: Sequence[S], span: Interval) -> dict[S, int]:
    window = {"$gte": span.start, **({} if span.end is None else {"$lt": span.end})}
    match = {"state": {"$in": [s.value for s in states]}, "updated_on": window}
    groups = collection.aggregate(
        [{"$match": match}, {"$group": {"_id": "$state", "count": {"$sum": 1}}}]
    )
    counts = {group["_id"]: group["count"] for group in groups}
    return {state: counts.get(state.value, 0) for state in states}
