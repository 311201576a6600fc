"""Find and read the jobs and flows of the archive.

The summary of each part narrows down which parts to read; their jobs are then unpacked and tested.
When sorting by a time, only as many jobs are unpacked as were requested.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from heapq import merge
from itertools import islice
from typing import Any

from controller.documents import db_id_order
from controller.filters import FlowFilter, JobFilter, Query, job_id_query
from controller.operations.archive_bundles import flows_in, flows_of_jobs, jobs_in
from controller.operations.queue import Queue
from controller.rules.archiving import (
    FLOW_TIMES,
    STAGES,
    bundles_for_flows,
    heads_for_flows,
    parts_for_jobs,
)
from controller.storage.base import Document, Sort
from controller.storage.embedded.filters import Test, compile_filter
from controller.storage.embedded.values import normalise, sort_key
from controller.storage.packing import unpack

_BOUNDS = {
    ("updated_on", -1): "last_on",
    ("updated_on", 1): "first_on",
    ("created_on", -1): "newest_on",
    ("created_on", 1): "oldest_on",
}
"""{(field, direction): field of a part that none of its jobs comes before}."""


def archived_jobs(
    queue: Queue, query: Query | None = None, *, sort: Sort = None, limit: int = 0, skip: int = 0
) -> list[Document]:
    """Return the documents of the archived jobs that match a query.

    Parameters
    ----------
    sort
        One field: ``updated_on``, ``created_on`` or ``db_id``, which is sorted as a number.
    limit
        Maximum number of jobs; 0 means all.
    """
    order = (sort or [("created_on", 1)])[0]
    end = skip + limit if limit else None
    found: list[Document] = []
    for some in _by_part(queue, query or {}, order):
        found += some
        if end is not None and len(found) >= end:
            break
    return found[skip:end]


def _by_part(queue: Queue, query: Query, order: tuple[str, int]) -> Iterator[list[Document]]:
    """Yield jobs in order, each time as many as are certain to come next."""
    field, way = order
    bound = _BOUNDS.get((field, way))
    test = compile_filter(normalise(query)[0])
    waiting: list[Document] = []
    parts = queue.archive.find(
        parts_for_jobs(query),
        ["body", "both", "flow", *_BOUNDS.values()],
        sort=[(bound, way)] if bound else None,
    )
    unfinished = {d["flow"] for d in queue.archive.find({"stage": {"$in": list(STAGES)}}, ["flow"])}
    for part in parts:
        if part.get("flow") in unfinished:  # the queue has them
            continue
        if bound is not None:
            first = [d for d in waiting if _is_before(d.get(field), part[bound], way)]
            if first:
                yield first
                waiting = waiting[len(first) :]
        jobs = [job for job in jobs_in(part) if test(job)]
        jobs.sort(key=lambda d: _key(d, field), reverse=way < 0)
        waiting = list(merge(waiting, jobs, key=lambda d: _key(d, field), reverse=way < 0))
    yield waiting


def _is_before(value: Any, bound: Any, way: int) -> bool:
    if not isinstance(value, datetime) or not isinstance(bound, datetime):
        return False
    return value >= bound if way < 0 else value <= bound


def _key(document: Mapping[str, Any], field: str) -> Any:
    if field == "db_id":
        return db_id_order(str(document.get("db_id") or ""))
    value = document.get(field)
    return value if isinstance(value, datetime) else datetime.min


def archived_flows(
    queue: Queue,
    query: Query | None = None,
    *,
    sort: Sort = None,
    limit: int = 0,
    skip: int = 0,
) -> list[Document]:
    """Return the documents of the archived flows that match a query.

    Parameters
    ----------
    sort
        (field, direction) pairs; a flow's ``db_id`` sorts by time of submission.
    limit
        Maximum number of flows; 0 means all.
    """
    wanted = dict(query or {})
    test = compile_filter(normalise(wanted)[0])
    end = skip + limit if limit else None
    order = [("created_on" if key == "db_id" else key, way) for key, way in sort or ()]
    found = list(islice(_single_flows(queue, wanted, test, order), end))
    for some in _bundled_flows(queue, wanted, test, order, found, end):
        found += some
        for field, way in reversed(order):
            found.sort(key=lambda flow: _flow_key(flow, field), reverse=way < 0)
        found = found[:end]
    return found[skip:]


def _single_flows(
    queue: Queue, wanted: Query, test: Test, order: list[tuple[str, int]]
) -> Iterator[Document]:
    heads = heads_for_flows(wanted)
    if "jobs" in wanted:
        of_jobs = queue.archive.find({"uuids": wanted["jobs"]}, ["flow"])
        uuids = [part["flow"] for part in of_jobs if "flow" in part]
        heads = {"$and": [heads, {"flow": {"$in": uuids}}]}
    for head in queue.archive.find({**heads, "n": 0}, ["whole", "stage"], sort=order or None):
        if head.get("stage") is not None:  # the queue has it
            continue
        flow = next(unpack(head["whole"]))
        if test(flow):
            yield flow


def _bundled_flows(
    queue: Queue,
    wanted: Query,
    test: Test,
    order: list[tuple[str, int]],
    found: list[Document],
    end: int | None,
) -> Iterator[list[Document]]:
    """Yield the flows of bundles that match, until none can be among the first any more.

    Parameters
    ----------
    found
        The first of the other flows, in order.
    end
        How many are wanted; None means all.
    """
    field, way = order[0] if order else ("", 1)
    times = [f"flows_{name}" for name in FLOW_TIMES]
    bundles = list(queue.archive.find(bundles_for_flows(wanted), times))
    has_bounds = field in FLOW_TIMES and all(f"flows_{field}" in each for each in bundles)
    last = _last_of_first(found, field, end)
    if has_bounds:
        side = 0 if way > 0 else 1
        bundles.sort(key=lambda each: each[f"flows_{field}"][side], reverse=way < 0)
    for each in bundles:
        if has_bounds and last is not None:
            bound = each[f"flows_{field}"][0 if way > 0 else 1]
            if bound > last if way > 0 else bound < last:
                return
        whole = queue.archive.find_one({"_id": each["_id"]}, ["both"])
        some = [flow for flow in flows_in(whole) if test(flow)] if whole else []
        yield some
        if has_bounds:
            known = sorted(
                [*found, *some], key=lambda flow: _flow_key(flow, field), reverse=way < 0
            )
            found = known[:end]
            last = _last_of_first(found, field, end)


def _last_of_first(found: list[Document], field: str, end: int | None) -> Any:
    """Return the time of the last flow that is wanted; None while there are too few."""
    return found[-1].get(field) if end is not None and len(found) >= end > 0 else None


def _flow_key(flow: Mapping[str, Any], field: str) -> Any:
    return sort_key(flow.get(field))


def with_jobs(queue: Queue, flows: Iterable[Document], jobs_sort: Sort = None) -> list[Document]:
    """Add the jobs to flows of the archive, as ``jobs_list``.

    Parameters
    ----------
    jobs_sort
        None keeps the order in which they were added.
    """
    made = []
    for flow in flows:
        jobs = archived_jobs(queue, {"job.hosts": flow["uuid"]})
        if jobs_sort:
            field, way = jobs_sort[0]
            jobs.sort(key=lambda d: _key(d, field), reverse=way < 0)
        else:
            place = {triple[0]: n for n, triple in enumerate(flow.get("ids") or ())}
            jobs.sort(key=lambda d: place.get(d["db_id"], len(place)))
        made.append({**flow, "jobs_list": jobs})
    return made


def archived_uuids(queue: Queue, query: Query) -> list[str]:
    """Return the uuids of the archived flows that match a query, oldest first."""
    found = archived_flows(queue, query, sort=[("created_on", 1)])
    return [flow["uuid"] for flow in found]


def flows_of_db_ids(queue: Queue, db_ids: Iterable[str]) -> dict[str, str]:
    """Return {db_id: uuid of its flow} of archived jobs; other jobs are omitted."""
    wanted = set(db_ids)
    found = list(queue.archive.find({"db_ids": {"$in": list(wanted)}}, ["db_ids", "flow"]))
    single = {i: p["flow"] for p in found if "flow" in p for i in p["db_ids"] if i in wanted}
    ids = [part["_id"] for part in found if "flow" not in part]
    bundles = queue.archive.find({"_id": {"$in": ids}}, ["both"]) if ids else ()
    return {**single, **{i: flow for i, flow in flows_of_jobs(bundles).items() if i in wanted}}


def archived_query(queue: Queue, selection: JobFilter | FlowFilter) -> Query:
    """Translate a filter into a query; db_ids of jobs refer to archived flows."""
    return selection.query(flows_of_db_ids(queue, selection.db_ids_of_flows))


def archived_job(
    queue: Queue, *, db_id: str | None, job_id: str | None, job_index: int | None
) -> Document | None:
    """Return the document of an archived job, that of the largest index if there are several."""
    query, _ = job_id_query(db_id=db_id, job_id=job_id, job_index=job_index)
    found = archived_jobs(queue, query)
    return max(found, key=lambda job: int(job["index"]), default=None)
