"""The first jobs by the number of their db_id, which is a string: a database puts "10" before "9".

Numbers come from a counter, so the newest lie just below it. Windows of numbers of the same length
are read, each up to ten times as large as the one before, until enough jobs are found. A counter
that is too low is a fault that the doctor repairs; until then the newest jobs show what it should
be, and if too few are found below it, all jobs are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import nlargest, nsmallest
from typing import Any

from controller.documents import db_id_order
from controller.filters import Query
from controller.operations.queue import Queue

_FIRST_WINDOW = 1000
_FACTOR = 10
_NAMED = 10_000
_NEWEST = 100


def first_db_ids(queue: Queue, query: Query, number: int | None, *, descending: bool) -> list[str]:
    """Return the db_ids of the jobs of a query that come first by their numbers.

    Parameters
    ----------
    number
        Maximum number of ids; None for all.
    """
    if number is None:
        return sorted(_ids(queue, query), key=db_id_order, reverse=descending)
    counter = None if "db_id" in query else _counter(queue)
    if counter is None:
        return _first(_ids(queue, query), number, descending=descending)
    found: list[str] = []
    for low, high in windows(counter, descending=descending):
        read = list(_ids(queue, {**query, "db_id": _within(low, high)}))
        if not all(map(str.isdecimal, read)):  # such as "12b"
            return _first(_ids(queue, query), number, descending=descending)
        some = [i for i in read if low <= int(i) <= high]
        found += _first(some, number - len(found), descending=descending)
        if len(found) >= number:
            return found
    return _first(_ids(queue, query), number, descending=descending)


def windows(counter: int, *, descending: bool) -> Iterator[tuple[int, int]]:
    """Yield (smallest, largest) of ranges of the numbers from 1 to below a counter, in order.

    Those of one range have the same number of digits.
    """
    size, left = _FIRST_WINDOW, counter - 1
    at = left if descending else 1
    while 1 <= at <= left:
        digits = len(str(at))
        if descending:
            low = max(at - size + 1, 10 ** (digits - 1))
            yield low, at
            whole, at = at - low + 1 == size, low - 1
        else:
            high = min(at + size - 1, 10**digits - 1, left)
            yield at, high
            whole, at = high - at + 1 == size, high + 1
        size *= _FACTOR if whole else 1


def _within(low: int, high: int) -> Query:
    """Few numbers are listed one by one: a range of strings would include longer ones as well."""
    if high - low < _NAMED:
        return {"$in": list(map(str, range(low, high + 1)))}
    return {"$gte": str(low), "$lte": str(high)}


def _counter(queue: Queue) -> int | None:
    """Return the counter of db_ids; None if there are db_ids that are not plain numbers."""
    for bound in ({"$lt": "1"}, {"$gte": ":"}):
        if queue.jobs.find_one({"db_id": bound}, ["_id"]) is not None:
            return None
    found = queue.auxiliary.find_one({"next_id": {"$exists": True}}, ["next_id"])
    if found is None:
        return None
    newest = queue.jobs.find({}, ["db_id"], sort=[("created_on", -1)], limit=_NEWEST)
    numbers = [int(job["db_id"]) for job in newest if str(job.get("db_id")).isdecimal()]
    return max(int(found["next_id"]), 1 + max(numbers, default=0))


def _ids(queue: Queue, query: Query) -> Iterable[str]:
    """The db_ids of a query, as groups: an index that answers the query also answers this."""
    groups: Iterable[dict[str, Any]] = queue.jobs.aggregate(
        [{"$match": query}, {"$group": {"_id": "$db_id", "count": {"$sum": 1}}}]
    )
    return [group["_id"] for group in groups if group["_id"] is not None]


def _first(ids: Iterable[str], number: int, *, descending: bool) -> list[str]:
    many = list(ids)
    order = int if all(map(str.isdecimal, many)) else db_id_order
    return (nlargest if descending else nsmallest)(number, many, key=order)
