"""Read the data of an examination: projections, in batches, without the bodies of jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from controller.documents import db_id_order, flow_if_named
from controller.leases import OBSERVER, live_lease
from controller.operations.archiving import unfinished
from controller.operations.backup import COUNTER, UNFINISHED
from controller.operations.pending_cleanup import PendingCleanup, any_entry
from controller.operations.queue import Queue
from controller.rules import newest_by_uuid
from controller.rules.diagnosis.findings import Finding
from controller.rules.diagnosis.flowplan import FlowView
from controller.rules.diagnosis.locks import LockView
from controller.rules.diagnosis.unfinished import PendingCleanupView, examine_restore
from controller.storage.base import Collection, Document
from controller.storage.indexes import (
    AUXILIARY_INDEXES,
    BATCH_INDEXES,
    FLOW_INDEXES,
    JOB_INDEXES,
    Keys,
)

if TYPE_CHECKING:
    from jobflow.core.store import JobStore

LOCK_FIELDS = ["lock_id", "lock_time", "lock_lease"]
NAME_FIELDS = ["uuid", "db_id", "aftermath.db_id"]
"""Fields that identify a locked document."""
FLOW_FIELDS = [
    *("uuid", "name", "state", "jobs", "ids", "parents", "jobstore", "created_on"),
    *LOCK_FIELDS,
]
JOB_FIELDS = [
    *("uuid", "index", "db_id", "state", "parents", "worker", "created_on"),
    *LOCK_FIELDS,
    "job.hosts",
    "job.config.on_missing_references",
]
INDEXES: Mapping[str, tuple[tuple[Keys, bool], ...]] = {
    "jobs": JOB_INDEXES,
    "flows": FLOW_INDEXES,
    "batches": BATCH_INDEXES,
    "auxiliary": AUXILIARY_INDEXES,
}
"""{collection: required indexes}."""

Progress = Callable[[str, int, int], None]
"""Called with (activity, amount done, total amount)."""

_FLOWS_AT_ONCE = 500
_JOBS_AT_ONCE = 5000


def flow_batches(queue: Queue, uuids: Iterable[str] | None = None) -> Iterator[list[FlowView]]:
    """Read flows with their jobs, some thousands of jobs at a time.

    Parameters
    ----------
    uuids
        Read only these flows; None for all.
    """
    if uuids is None:
        yield from _in_batches(queue, queue.flows.find({}, FLOW_FIELDS))
        return
    wanted = sorted(uuids)
    for start in range(0, len(wanted), _FLOWS_AT_ONCE):
        query = {"uuid": {"$in": wanted[start : start + _FLOWS_AT_ONCE]}}
        yield from _in_batches(queue, queue.flows.find(query, FLOW_FIELDS))


def _in_batches(queue: Queue, flows: Iterable[Document]) -> Iterator[list[FlowView]]:
    batch: list[Document] = []
    jobs = 0
    for flow in flows:
        batch.append(flow)
        jobs += len(flow.get("ids") or ())
        if jobs >= _JOBS_AT_ONCE or len(batch) >= _FLOWS_AT_ONCE:
            yield read_views(queue, batch)
            batch, jobs = [], 0
    if batch:
        yield read_views(queue, batch)


def read_views(queue: Queue, flows: Sequence[Document], *, session: Any = None) -> list[FlowView]:
    """Read the jobs of flows, and jobs of other flows that they list."""
    own: dict[str, list[Document]] = {flow["uuid"]: [] for flow in flows}
    query = {"job.hosts": {"$in": list(own)}}
    for job in queue.jobs.find(query, JOB_FIELDS, session=session):
        mine = own.get(flow_if_named(job) or "")
        if mine is not None:
            mine.append(job)
    for mine in own.values():
        mine.sort(key=_order)
    strange = {flow["uuid"]: _strangers(flow, own[flow["uuid"]]) for flow in flows}
    asked = sorted(set().union(*strange.values()))
    foreign_jobs: Mapping[str, Mapping[str, Any]] = {}
    if asked:
        query = {"uuid": {"$in": asked}}
        foreign_jobs = newest_by_uuid(queue.jobs.find(query, JOB_FIELDS, session=session))
    of_others = _of_others(queue, foreign_jobs, session)
    return [
        FlowView(
            flow,
            own[flow["uuid"]],
            {u: foreign_jobs[u] for u in strange[flow["uuid"]] if u in foreign_jobs},
            of_others & strange[flow["uuid"]],
        )
        for flow in flows
    ]


def _of_others(
    queue: Queue, foreign_jobs: Mapping[str, Mapping[str, Any]], session: Any
) -> frozenset[str]:
    """Uuids of existing flows that the jobs belong to and that list them too."""
    named = sorted({of for job in foreign_jobs.values() if (of := flow_if_named(job)) is not None})
    if not named:
        return frozenset()
    flows = queue.flows.find({"uuid": {"$in": named}}, ["uuid", "jobs"], session=session)
    listed = {flow["uuid"]: set(flow.get("jobs") or ()) for flow in flows}
    return frozenset(
        u for u, job in foreign_jobs.items() if u in listed.get(flow_if_named(job) or "", ())
    )


def _order(job: Document) -> tuple[str, int]:
    """Sort key, so that two readings have the same order; a damaged job may have no db_id."""
    return db_id_order(str(job.get("db_id")))


def _strangers(flow: Document, jobs: Iterable[Document]) -> set[str]:
    """Uuids named by a flow or its jobs that none of its jobs has."""
    named = {*(flow.get("jobs") or ()), *(flow.get("parents") or {})}
    named.update(entry[1] for entry in flow.get("ids") or () if len(entry) == 3)
    uuids = set()
    for job in jobs:
        uuids.add(job["uuid"])
        named.update(job.get("parents") or ())
    return named - uuids


def jobs_of_no_flow(
    queue: Queue, flow_uuids: set[str], among: Iterable[str] | None = None
) -> dict[str | None, list[Document]]:
    """Read the jobs whose flow does not exist.

    Parameters
    ----------
    flow_uuids
        Uuids of all flows.
    among
        Read only jobs that belong to one of these flows; None reads all jobs.

    Returns
    -------
    dict
        {uuid of the flow they belong to, None if none: jobs}.
    """
    query = {} if among is None else {"job.hosts": {"$in": sorted(among)}}
    found: dict[str | None, list[Document]] = {}
    for job in queue.jobs.find(query, JOB_FIELDS):
        uuid = flow_if_named(job)
        if uuid not in flow_uuids:
            found.setdefault(uuid, []).append(job)
    for jobs in found.values():
        jobs.sort(key=_order)
    return found


def existing_flows(queue: Queue, uuids: Iterable[str]) -> set[str]:
    """The uuids for which a flow exists."""
    found = queue.flows.find({"uuid": {"$in": sorted(uuids)}}, ["uuid"])
    return {flow["uuid"] for flow in found}


def lock_views(queue: Queue) -> list[LockView]:
    """Read the locked documents; each call also observes their leases."""
    return [
        view_of_lock(where, document)
        for where in ("jobs", "flows", "auxiliary")
        for document in getattr(queue, where).find(
            {"lock_id": {"$ne": None}}, [*NAME_FIELDS, *LOCK_FIELDS]
        )
    ]


def auxiliary_documents(queue: Queue) -> list[Document]:
    """Read the documents about the database itself."""
    return list(queue.auxiliary.find({"aftermath": {"$exists": False}}))


def restore_finding(queue: Queue) -> Finding | None:
    """Return the finding about an unfinished restore; None if there is none."""
    note = queue.auxiliary.find_one(UNFINISHED)
    if note is None:
        return None
    countable = queue.auxiliary.find_one(COUNTER, ["_id"]) is not None
    return examine_restore(note["unfinished_restore"], at_work=is_held(note), countable=countable)


def pending_cleanup_views(queue: Queue) -> list[PendingCleanupView]:
    """Read the pending clean-ups."""
    entries = (
        PendingCleanup(**document["aftermath"])
        for document in queue.auxiliary.find(any_entry(), ["aftermath"])
    )
    return [
        PendingCleanupView(
            w.db_id, w.worker if w.needs_worker else None, w.requested_on, w.left_to_do
        )
        for w in entries
    ]


def view_of_lock(where: str, document: Document) -> LockView:
    """Describe a document with a lock, or with leftover fields of one."""
    entry = document.get("aftermath")
    kind, subject = {
        "jobs": ("job ", str(document.get("db_id"))),
        "flows": ("flow ", str(document.get("uuid"))),
        "auxiliary": ("the entry for job ", str(entry["db_id"]))
        if entry
        else ("the document ", "running_runner"),
    }[where]
    return LockView(
        where,
        subject,
        kind + subject,
        document,
        live_lease(document),
        OBSERVER.is_expired(document),
    )


def unfinished_moves(queue: Queue) -> list[Document]:
    """Heads of flows whose move to or from the archive was interrupted, not just in progress."""
    return [head for head in unfinished(queue) if not is_held(head)]


def is_held(document: Mapping[str, Any]) -> bool:
    """Whether a document is locked by a process that is, or may be, alive."""
    return document.get("lock_id") is not None and not OBSERVER.is_expired(document)


def doubles(collection: Collection, fields: Sequence[str]) -> list[str]:
    """Describe the keys shared by several documents; for collections without the index."""
    seen: set[Any] = set()
    found: dict[str, None] = {}
    for document in collection.find({}, list(fields)):
        key = tuple(document.get(name) for name in fields)
        if key in seen:
            pairs = zip(fields, key)
            found[", ".join(f"{name} {value}" for name, value in pairs)] = None
        seen.add(key)
    return list(found)


def without_output(store: JobStore, jobs: Sequence[Mapping[str, Any]]) -> list[str]:
    """db_ids of the jobs whose outputs are missing in a connected JobStore."""
    from controller.storage.outputs import stored_outputs

    stored = stored_outputs(store, {job["uuid"] for job in jobs})
    return [str(job["db_id"]) for job in jobs if (job["uuid"], job["index"]) not in stored]
