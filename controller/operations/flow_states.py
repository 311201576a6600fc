"""The states of flows, derived from those of their jobs.

They are derived from the documents, never counted. Large flows are rarely read as a whole: a few of
the jobs that are not COMPLETED nearly always suffice; the rest is read only if they do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from controller.documents import flow_of, utc_now
from controller.errors import FlowNotFoundError
from controller.operations.queue import Queue
from controller.rules import flow_state, get_flow_leafs, newest_by_uuid
from controller.states import NOT_STARTED_STATES, FlowState, JobState, stored_state
from controller.storage.base import Document, known_fields

Overlay = Mapping[str, Mapping[int, JobState | None]]
"""{uuid: {index: state not yet stored, or None for a job that is being deleted}}."""

Newest = dict[str, Mapping[str, Any]]
"""{uuid: document with the largest index}, for uuids whose every index was read."""

SMALL_FLOW = 250
"""A flow with fewer uuids is read as a whole: one query, shared by all such flows."""
PROBE = 20
"""Number of jobs, or of parents of a job, that are read before all of them are."""

JOB_FIELDS = [
    *("uuid", "index", "db_id", "state", "parents", "lock_id"),
    "job.config.on_missing_references",
]
"""What the derivations read of a job."""
_NOT_STARTED = [state.value for state in NOT_STARTED_STATES]
HELD_UP = [
    state.value
    for state in (JobState.FAILED, JobState.PAUSED, JobState.STOPPED, JobState.USER_STOPPED)
]
"""States of jobs that block a flow."""
_DECIDE_OVER = {
    JobState.FAILED: [],
    JobState.STOPPED: [JobState.FAILED.value],
    JobState.USER_STOPPED: [JobState.FAILED.value],
    JobState.PAUSED: [state for state in HELD_UP if state != JobState.PAUSED.value],
}
"""Of the states that block a flow, those for which the number of jobs matters."""
_UNFINISHED = [state.value for state in JobState if state is not JobState.COMPLETED]


def derive_flow_state(
    queue: Queue, flow_uuid: str, overlay: Overlay | None = None, *, session: Any = None
) -> FlowState:
    """Return the state of a flow, derived from its jobs.

    Parameters
    ----------
    overlay
        States that are not stored yet.
    """
    if overlay:
        return _exact_state(queue, flow_uuid, overlay, session)
    begun = [state.value for state in JobState if state.value not in _NOT_STARTED]
    if not has_job(queue, flow_uuid, begun, session):
        ready = has_job(queue, flow_uuid, [JobState.READY.value], session)
        return flow_state([JobState.READY] if ready else [], [])
    return state_under_way(queue, flow_uuid, {}, None, session)


def derive_flow_states(
    queue: Queue,
    flows: Mapping[str, Mapping[str, Any]],
    known: Mapping[str, Sequence[tuple[str, int, JobState]]],
    *,
    session: Any = None,
) -> dict[str, FlowState]:
    """Return the states of several flows, derived from their jobs.

    Parameters
    ----------
    flows
        {uuid: document with the last `SMALL_FLOW` of its ``jobs``}.
    known
        {uuid: (uuid, index, state) of jobs whose state was just written}.
    """
    small = [uuid for uuid, flow in flows.items() if len(flow["jobs"]) < SMALL_FLOW]
    docs: dict[str, list[Document]] = {uuid: [] for uuid in small}
    if small:
        fields = ["uuid", "index", "parents", "state", "job.hosts"]
        for doc in queue.jobs.find({"job.hosts": {"$in": small}}, fields, session=session):
            docs[flow_of(doc)].append(doc)
    states = {uuid: _state_of_all(docs[uuid]) for uuid in small}
    for uuid in flows:
        if uuid not in states:
            begun = any(s.value not in _NOT_STARTED for *_, s in known.get(uuid, ()))
            states[uuid] = (
                state_under_way(queue, uuid, {}, None, session)
                if begun
                else derive_flow_state(queue, uuid, session=session)
            )
    return states


def _state_of_all(docs: list[Document]) -> FlowState:
    leaves = get_flow_leafs(docs)
    return flow_state(map(state_of, docs), map(state_of, leaves))


def state_under_way(
    queue: Queue, flow_uuid: str, overlay: Overlay, leaf: str | None, session: Any
) -> FlowState:
    """Return the state of a flow with at least one job that has started.

    Parameters
    ----------
    overlay
        A job that has just ended, if any.
    leaf
        A leaf that is not COMPLETED, if one is known.
    """
    ended = [s for by_index in overlay.values() for s in by_index.values() if s is not None]
    if leaf is None and not (
        _has_open_leaf(queue, flow_uuid, overlay, session)
        # Where nothing is COMPLETED, no leaf is: no need to read a large flow that was paused.
        or not (overlay or has_job(queue, flow_uuid, [JobState.COMPLETED.value], session))
    ):
        return _exact_state(queue, flow_uuid, overlay, session)
    under_way = [JobState.RUNNING]  # represents the open leaf, whose exact state does not matter
    if JobState.FAILED in ended:
        return flow_state([JobState.FAILED], under_way)
    return flow_state([*_held_up(queue, flow_uuid, session), *ended, *under_way], under_way)


def _held_up(queue: Queue, flow_uuid: str, session: Any) -> list[JobState]:
    """Return the states of a flow's jobs that decide the state of a running flow.

    A flow without failures costs one query; no query counts or sorts jobs.
    """
    found: JobState | None = None
    decisive: Sequence[str] = HELD_UP
    while decisive:
        query = {"job.hosts": flow_uuid, "state": {"$in": list(decisive)}}
        some = queue.jobs.find_one(query, ["state"], session=session)
        if some is None:
            break
        found = state_of(some)
        decisive = _DECIDE_OVER[found]
    return [] if found is None else [found]


def has_job(queue: Queue, flow_uuid: Any, states: list[str], session: Any) -> bool:
    """Whether a flow, or one of those that a condition selects, has a job in these states."""
    query = {"job.hosts": flow_uuid, "state": {"$in": states}}
    return queue.jobs.find_one(query, ["_id"], session=session) is not None


def _has_open_leaf(queue: Queue, flow_uuid: str, overlay: Overlay, session: Any) -> bool:
    """Whether there is a leaf among a few of the jobs that are not COMPLETED.

    False does not mean that there is none.
    """
    query = {"job.hosts": flow_uuid, "state": {"$in": _UNFINISHED}}
    some = queue.jobs.find(query, ["uuid"], limit=PROBE, session=session)
    uuids = sorted({doc["uuid"] for doc in some})
    newest: Newest = {}
    learn_newest(queue, uuids, newest, session)
    open_ = {u for u, doc in newest.items() if _shown(doc, overlay) is not JobState.COMPLETED}
    if not open_:
        return False
    children = queue.jobs.find({"parents": {"$in": sorted(open_)}}, ["parents"], session=session)
    return bool(open_ - {p for child in children for p in child["parents"]})


def _shown(doc: Mapping[str, Any], overlay: Overlay) -> JobState:
    """Return the state of a document under an overlay that deletes nothing."""
    return overlay.get(doc["uuid"], {}).get(doc["index"]) or state_of(doc)


def _exact_state(queue: Queue, flow_uuid: str, overlay: Overlay, session: Any) -> FlowState:
    return exact_states(queue, {flow_uuid: overlay}, session)[flow_uuid]


def exact_states(
    queue: Queue, overlays: Mapping[str, Overlay], session: Any
) -> dict[str, FlowState]:
    """Derive the states of flows from all their jobs.

    Parameters
    ----------
    overlays
        {uuid: states of its jobs that are not stored yet}.
    """
    flows = sorted(overlays)
    query = {"job.hosts": flows[0] if len(flows) == 1 else {"$in": flows}}
    fields = ["uuid", "index", "db_id", "parents", "state", "job.hosts"]
    docs: dict[str, list[Document]] = {uuid: [] for uuid in flows}
    for doc in known_fields(queue.jobs, query, fields, session=session):
        for uuid in docs.keys() & set(doc["job"]["hosts"]):
            docs[uuid].append(doc)
    return {uuid: _state_with(docs[uuid], overlay) for uuid, overlay in overlays.items()}


def _state_with(docs: list[Document], overlay: Overlay) -> FlowState:
    """State of a flow with these jobs, some of which change or are being deleted."""
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
    return flow_state(map(state_of, kept), map(state_of, leaves))


def update_flow_state(
    queue: Queue, flow_uuid: str, overlay: Overlay | None = None, *, session: Any = None
) -> FlowState:
    """Write the state derived from a flow's jobs; ``updated_on`` changes only if the state does.

    The caller holds the lock on the flow.

    Raises
    ------
    FlowNotFoundError
        The flow does not exist.
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


def state_of(job: Mapping[str, Any]) -> JobState:
    """Return the state of a job; for an unknown one, the error names the job."""
    return stored_state(JobState, job["state"], f"job {job.get('db_id')}")


def find_jobs(queue: Queue, questions: list[dict[str, Any]], session: Any) -> list[Document]:
    """Return the jobs that match any of these queries, with `JOB_FIELDS`; one query in all."""
    if not questions:
        return []
    query = questions[0] if len(questions) == 1 else {"$or": questions}
    return list(queue.jobs.find(query, JOB_FIELDS, session=session))


def learn_newest(queue: Queue, uuids: list[str], newest: Newest, session: Any) -> None:
    """Read all indices of some uuids and add the newest of each to ``newest``."""
    if uuids:
        newest.update(newest_by_uuid(find_jobs(queue, [{"uuid": {"$in": uuids}}], session)))
