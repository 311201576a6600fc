"""Pages of jobs and flows: each starts where the previous one ended."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from controller.documents import JOB_INFO_PROJECTION, FlowInfo, JobInfo
from controller.errors import ArgumentError
from controller.filters import FlowFilter, JobFilter, Query
from controller.reader import QueueReader
from controller.storage.base import Collection, Document, Projection

T = TypeVar("T")

SORTS = ("updated_on", "created_on")
"""Times by which a page can be sorted; the order of db_ids is that of ``created_on``."""
_LIGHT = {"parents": 0, "jobs": 0}


@dataclass(frozen=True)
class Listed(Generic[T]):
    """One page of a list.

    Attributes
    ----------
    items
        The entries of the page.
    after
        Start of the next page; None on the last page.
    """

    items: list[T]
    after: str | None


@dataclass(frozen=True)
class Order:
    """How a list is sorted, and where a page of it begins.

    Attributes
    ----------
    field
        One of `SORTS`.
    ascending
        The oldest first.
    after
        `Listed.after` of the page before; None for the first page.
    size
        Number of things on a page.
    """

    field: str = "updated_on"
    ascending: bool = False
    after: str | None = None
    size: int = 100

    def __post_init__(self) -> None:
        if self.field not in SORTS:
            raise ArgumentError(
                f"cannot sort by {self.field!r}", hint=f"choose one of {', '.join(SORTS)}"
            )


def list_jobs(reader: QueueReader, selection: JobFilter, order: Order) -> Listed[JobInfo]:
    """Return a page of jobs.

    Raises
    ------
    ArgumentError
        ``order.after`` was not returned by a previous page, or an id is ambiguous.
    """
    query = reader.queue.query(selection)
    return _page(reader.queue.jobs, query, JOB_INFO_PROJECTION, order, JobInfo.from_query_output)


def list_flows(reader: QueueReader, selection: FlowFilter, order: Order) -> Listed[FlowInfo]:
    """Return a page of flows, without their jobs; errors as `list_jobs`."""
    query = reader.queue.query(selection)
    return _page(reader.queue.flows, query, _LIGHT, order, FlowInfo.from_query_dict)


def _page(
    collection: Collection,
    query: Query,
    projection: Projection,
    order: Order,
    view: Callable[[Document], T],
) -> Listed[T]:
    wanted, skip = _from(query, order)
    found = list(
        collection.find(
            wanted,
            projection,
            sort=[(order.field, 1 if order.ascending else -1)],
            skip=skip,
            limit=order.size + 1,
        )
    )
    shown = found[: order.size]
    more = len(found) > order.size
    return Listed([view(doc) for doc in shown], _after(shown, order, skip) if more else None)


def _from(query: Query, order: Order) -> tuple[Query, int]:
    """Restrict a query to what follows the previous page.

    Times are not unique: a page starts at the time of the last item of the previous page, and skips
    the items with that time that were already shown. An index on the time answers that directly.
    """
    if order.after is None:
        return query, 0
    time, skip = _read(order.after)
    bound = {order.field: {"$gte" if order.ascending else "$lte": time}}
    return {"$and": [query, bound]} if query else bound, skip


def _read(after: str) -> tuple[datetime, int]:
    text, _, number = after.partition("~")
    try:
        if number.isdecimal():
            return datetime.fromisoformat(text).replace(tzinfo=None), int(number)
    except ValueError:
        pass
    raise ArgumentError(f"{after!r} is not the start of a page", hint="go to the first page")


def _after(shown: Sequence[Document], order: Order, skipped: int) -> str:
    last: Any = shown[-1][order.field]
    same = sum(doc[order.field] == last for doc in shown)
    if same == len(shown):  # the whole page is of one time, as may be those before
        same += skipped
    return f"{last.isoformat()}~{same}"
