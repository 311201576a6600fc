"""What follows from the states of jobs: which jobs become READY, and the state of their flow.

Everything here is derived from the documents, never counted, so that it can be done again at any
time and is right whoever wrote them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from controller.documents import utc_now
from controller.errors import FlowNotFoundError
from controller.operations.queue import Queue
from controller.rules import flow_state, get_flow_leafs, is_satisfied, newest_by_uuid
from controller.states import FlowState, JobState
from controller.storage.base import Document

Overlay = Mapping[str, Mapping[int, JobState | None]]
"""{uuid: {index: state not yet stored, or None for a job that is being deleted}}."""

_LAST = 20
"""So many of a flow's last jobs are asked first: flows come in with parents before children, so
one of them is nearly always a leaf."""
_CHILD_FIELDS = ["uuid", "index", "db_id", "state", "parents", "job.config.on_missing_references"]


def release_children(
    queue: Queue, parents: Iterable[str], *, also: Iterable[str] = (), session: Any = None
) -> list[str]:
    """Make the jobs READY that wait for nothing any more.

    Parameters
    ----------
    parents
        Uuids of jobs that have finished: their children are looked at.
    also
        Uuids of further jobs to look at.

    Returns
    -------
    list
        db_ids of the jobs that became READY.
    """
    query: dict[str, Any] = {
        "$or": [{"parents": {"$in": list(parents)}}, {"uuid": {"$in": list(also)}}],
        "state": JobState.WAITING.value,
    }
    waiting = list(queue.jobs.find(query, _CHILD_FIELDS, session=session))
    if not waiting:
        return []
    uuids = {p for doc in waiting for p in doc.get("parents") or ()} | {d["uuid"] for d in waiting}
    known = queue.jobs.find(
        {"uuid": {"$in": sorted(uuids)}}, ["uuid", "index", "state"], session=session
    )
    newest = newest_by_uuid(known)
    ready = [doc["db_id"] for doc in waiting if _may_run(doc, newest)]
    if ready:
        queue.jobs.update_many(
            {"db_id": {"$in": ready}, "state": JobState.WAITING.value},
            {"$set": {"state": JobState.READY.value, "updated_on": utc_now()}},
            session=session,
        )
    return ready


def _may_run(doc: Document, newest: Mapping[str, Mapping[str, Any]]) -> bool:
    if newest[doc["uuid"]]["index"] != doc["index"]:
        return False  # replaced meanwhile
    parents = doc.get("parents") or []
    if any(p not in newest for p in parents):
        return False  # a parent outside the database will never finish here
    on_missing = ((doc.get("job") or {}).get("config") or {}).get("on_missing_references")
    if isinstance(on_missing, Mapping):  # an enum, serialised
        on_missing = on_missing.get("value")
    return is_satisfied(on_missing, [JobState(newest[p]["state"]) for p in parents])


def derive_flow_state(
    queue: Queue, flow_uuid: str, overlay: Overlay | None = None, *, session: Any = None
) -> FlowState:
    """Return the state that a flow's jobs give it.

    Parameters
    ----------
    overlay
        States that are not stored yet.
    """
    if overlay:
        return _exact_state(queue, flow_uuid, overlay, session)
    groups = queue.jobs.aggregate(
        [
            {"$match": {"job.hosts": flow_uuid}},
            {"$group": {"_id": "$state", "count": {"$sum": 1}}},
        ],
        session=session,
    )
    states = {JobState(group["_id"]) for group in groups}
    if states <= {JobState.COMPLETED} or not states & {JobState.COMPLETED}:
        return flow_state(states, states)  # all leaves, or none, are COMPLETED
    if _has_open_leaf(queue, flow_uuid, session):
        return flow_state(states, states - {JobState.COMPLETED})
    return _exact_state(queue, flow_uuid, {}, session)


def _has_open_leaf(queue: Queue, flow_uuid: str, session: Any) -> bool:
    """Whether one of the flow's last jobs is a leaf that is not COMPLETED."""
    flow = queue.flows.find_one(
        {"uuid": flow_uuid}, {"jobs": {"$slice": -_LAST}, "state": 1}, session=session
    )
    last = (flow or {}).get("jobs") or []
    found = queue.jobs.find({"uuid": {"$in": last}}, ["uuid", "index", "state"], session=session)
    open_jobs = {
        uuid
        for uuid, doc in newest_by_uuid(found).items()
        if doc["state"] != JobState.COMPLETED.value
    }
    if not open_jobs:
        return False
    children = queue.jobs.find(
        {"parents": {"$in": sorted(open_jobs)}}, ["parents"], session=session
    )
    return bool(open_jobs - {p for child in children for p in child["parents"]})


def _exact_state(queue: Queue, flow_uuid: str, overlay: Overlay, session: Any) -> FlowState:
    docs = list(
        queue.jobs.find(
            {"job.hosts": flow_uuid}, ["uuid", "index", "parents", "state"], session=session
        )
    )
    deleted = set()
    for doc in docs:
        changed = overlay.get(doc["uuid"], {})
        if doc["index"] in changed:
            state = changed[doc["index"]]
            if state is None:
                deleted.add((doc["uuid"], doc["index"]))
            else:
                doc["state"] = state.value
    kept = [d for d in docs if (d["uuid"], d["index"]) not in deleted]
    leaves = [d for d in get_flow_leafs(docs) if (d["uuid"], d["index"]) not in deleted]
    return flow_state([JobState(d["state"]) for d in kept], [JobState(d["state"]) for d in leaves])


def update_flow_state(
    queue: Queue, flow_uuid: str, overlay: Overlay | None = None, *, session: Any = None
) -> FlowState:
    """Write the state that a flow's jobs give it; ``updated_on`` changes with it only.

    The caller holds the flow.

    Raises
    ------
    FlowNotFoundError
        There is no such flow.
    """
    state = derive_flow_state(queue, flow_uuid, overlay, session=session)
    done = queue.flows.update_one(
        {"uuid": flow_uuid, "state": {"$ne": state.value}},
        {"$set": {"state": state.value, "updated_on": utc_now()}},
        session=session,
    )
    if not done.matched_count and not queue.flows.find_one(
        {"uuid": flow_uuid}, ["_id"], session=session
    ):
        raise FlowNotFoundError(f"there is no flow {flow_uuid}")
    return state
