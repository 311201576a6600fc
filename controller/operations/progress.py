"""Derive from the states of jobs which jobs become READY, and the state of their flow.

Everything here is derived from the documents, never counted, so it can be repeated at any time and
is right whichever program wrote them. Whole flows are rarely read: since parents are inserted
before children, the last few parents of a job, or the last few jobs of a flow, nearly always
suffice; the rest is read only if they do not.
"""

from __future__ import annotations

from collections.abc import Collection as Several
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controller.documents import flow_of, utc_now
from controller.errors import FlowNotFoundError
from controller.operations.queue import Queue
from controller.rules import flow_state, get_flow_leafs, is_satisfied, newest_by_uuid
from controller.rules.readiness import acceptable_parent_states, on_missing_of
from controller.states import NOT_STARTED_STATES, FlowState, JobState, stored_state
from controller.storage.base import Document, UpdateMany

Overlay = Mapping[str, Mapping[int, JobState | None]]
"""{uuid: {index: state not yet stored, or None for a job that is being deleted}}."""

FLOW_FIELDS: dict[str, Any] = {"uuid": 1, "state": 1, "jobs": {"$slice": -20}}
"""What `plan_progress` needs of a flow; of its jobs, only the last ones."""

SMALL_FLOW = 250
"""A flow with fewer uuids is read as a whole: one query, shared by all such flows."""

_PROBE = 20
_LAST = 4
"""Of the last jobs of a flow, those that are read to find an open one."""
_FIELDS = [
    *("uuid", "index", "db_id", "state", "parents", "lock_id"),
    "job.config.on_missing_references",
]
_NOT_STARTED = [state.value for state in NOT_STARTED_STATES]
_HELD_UP = [
    state.value
    for state in (JobState.FAILED, JobState.PAUSED, JobState.STOPPED, JobState.USER_STOPPED)
]
_DECIDE_OVER = {
    JobState.FAILED: [],
    JobState.STOPPED: [JobState.FAILED.value],
    JobState.USER_STOPPED: [JobState.FAILED.value],
    JobState.PAUSED: [state for state in _HELD_UP if state != JobState.PAUSED.value],
}
"""Of the states that block a flow, those for which the number of jobs matters."""
_UNFINISHED = [state.value for state in JobState if state is not JobState.COMPLETED]

Newest = dict[str, Mapping[str, Any]]
"""{uuid: document with the largest index}, for uuids whose every index was read."""


@dataclass(frozen=True)
class JobsThatEnd:
    """Jobs of one flow that end together.

    Attributes
    ----------
    flow
        Its document, with `FLOW_FIELDS`.
    states
        {(uuid, index): its new state, which is not stored yet; READY if it is retried}.
    inserted
        Uuids of jobs that they added to the flow.
    """

    flow: Mapping[str, Any]
    states: Mapping[tuple[str, int], JobState]
    inserted: Several[str] = ()

    @property
    def last(self) -> list[str]:
        """Uuids of the last jobs of the flow."""
        return [*self.flow["jobs"][-_LAST:], *self.inserted]

    @property
    def is_known_whole(self) -> bool:
        """Whether the flow is so small that its document names all its jobs."""
        return len(self.flow["jobs"]) < _PROBE

    @property
    def overlay(self) -> Overlay:
        """The states, as the derivation of a flow's state takes them."""
        by_uuid: dict[str, dict[int, JobState | None]] = {}
        for (uuid, index), state in self.states.items():
            by_uuid.setdefault(uuid, {})[index] = state
        return by_uuid


@dataclass(frozen=True)
class Progress:
    """What follows from the end of jobs.

    Attributes
    ----------
    jobs
        {(uuid, index): document as it was read} of those that end; one that is not there is
        missing.
    ready
        db_ids of the jobs that become READY.
    flow_states
        {uuid: state of the flow}.
    """

    jobs: Mapping[tuple[str, int], Document]
    ready: list[str]
    flow_states: Mapping[str, FlowState]


def plan_progress(queue: Queue, ends: Sequence[JobsThatEnd], *, session: Any = None) -> Progress:
    """Find out what follows from the end of jobs. Nothing is written.

    The questions are asked for all flows together, so that their number hardly grows with that of
    the jobs and flows.

    Parameters
    ----------
    ends
        One entry for each flow.
    """
    states = {key: state for end in ends for key, state in end.states.items()}
    uuids = sorted({uuid for uuid, _ in states})
    inserted = {uuid for end in ends for uuid in end.inserted}
    read = {*uuids, *(uuid for end in ends for uuid in end.last)}
    docs = _find(
        queue,
        [
            {"parents": {"$in": uuids}, "state": JobState.WAITING.value},
            {"uuid": {"$in": sorted(read)}},
        ],
        session,
    )
    ended = {key: d for d in docs if (key := (d["uuid"], d["index"])) in states}
    for key, doc in ended.items():
        doc["state"] = states[key].value
    newest: Newest = newest_by_uuid(d for d in docs if d["uuid"] in read)
    waiting = [
        d
        for d in docs
        if d["state"] == JobState.WAITING.value
        and (d["uuid"] in inserted or not set(uuids).isdisjoint(d["parents"] or ()))
    ]
    leaves = {
        end.flow["uuid"]: _last_open([u for u in end.last if u in newest], newest, docs)
        for end in ends
    }
    unknown, open_ = _to_probe(waiting, newest), {u for u in leaves.values() if u is not None}
    questions: list[dict[str, Any]] = []
    if unknown:
        questions.append({"uuid": {"$in": unknown}})
    if open_:
        questions.append({"parents": {"$in": sorted(open_)}})
    more = _find(queue, questions, session)
    wanted = set(unknown)
    newest.update(newest_by_uuid(d for d in more if d["uuid"] in wanted))
    parents = {p for d in more for p in d["parents"] or ()}
    shown = {flow: leaf for flow, leaf in leaves.items() if leaf is None or leaf not in parents}
    ready = _ready_among(queue, waiting, newest, session)
    return Progress(ended, ready, _states_of(queue, ends, shown, session))


def _states_of(
    queue: Queue, ends: Sequence[JobsThatEnd], leaves: Mapping[str, str | None], session: Any
) -> dict[str, FlowState]:
    """States of flows of which jobs have just ended.

    Parameters
    ----------
    leaves
        {uuid: a leaf that is not COMPLETED}, where one is known.
    """
    states: dict[str, FlowState] = {}
    small = {
        end.flow["uuid"]: end.overlay
        for end in ends
        if leaves.get(end.flow["uuid"]) is None and end.is_known_whole
    }
    if small:
        states.update(_exact_states(queue, small, session))
    good = [
        end.flow["uuid"]
        for end in ends
        if leaves.get(end.flow["uuid"]) is not None and JobState.FAILED not in end.states.values()
    ]
    if len(good) > 1 and not _exists(queue, {"$in": sorted(good)}, _HELD_UP, session):
        # Nothing went wrong in any of them: what is under way decides.
        states.update(dict.fromkeys(good, flow_state([JobState.RUNNING], [JobState.RUNNING])))
    for end in ends:
        uuid = end.flow["uuid"]
        if JobState.READY in end.states.values():  # retried: perhaps no job has begun any more
            states[uuid] = derive_flow_state(queue, uuid, end.overlay, session=session)
        if uuid not in states:
            leaf = leaves.get(uuid)
            states[uuid] = _state_under_way(queue, uuid, end.overlay, leaf, session)
    return states


def release_operation(ready: list[str]) -> UpdateMany:
    """Return the write that makes jobs READY; those no longer WAITING stay as they are."""
    return UpdateMany(
        {"db_id": {"$in": ready}, "state": JobState.WAITING.value},
        {"$set": {"state": JobState.READY.value, "updated_on": utc_now()}},
    )


def release_children(
    queue: Queue, parents: Iterable[str], *, also: Iterable[str] = (), session: Any = None
) -> list[str]:
    """Make jobs READY that no longer wait for anything.

    Parameters
    ----------
    parents
        Uuids of jobs that have finished: their children are checked.
    also
        Uuids of further jobs to check.

    Returns
    -------
    list
        db_ids of the jobs that became READY.
    """
    selections = [{"parents": {"$in": list(parents)}}, {"uuid": {"$in": list(also)}}]
    return _release(queue, {"$or": selections}, session)


def release_flow(queue: Queue, flow_uuid: str, *, session: Any = None) -> list[str]:
    """Make all jobs of a flow READY that no longer wait for anything; return their db_ids."""
    return _release(queue, {"job.hosts": flow_uuid}, session)


def _release(queue: Queue, selection: dict[str, Any], session: Any) -> list[str]:
    query = {**selection, "state": JobState.WAITING.value}
    waiting = list(queue.jobs.find(query, _FIELDS, session=session))
    newest: Newest = {}
    _learn(queue, _to_probe(waiting, newest), newest, session)
    ready = _ready_among(queue, waiting, newest, session)
    if ready:
        queue.jobs.bulk_write([release_operation(ready)], session=session)
    return ready


def _find(queue: Queue, questions: list[dict[str, Any]], session: Any) -> list[Document]:
    if not questions:
        return []
    query = questions[0] if len(questions) == 1 else {"$or": questions}
    return list(queue.jobs.find(query, _FIELDS, session=session))


def _learn(queue: Queue, uuids: list[str], newest: Newest, session: Any) -> None:
    if uuids:
        newest.update(newest_by_uuid(_find(queue, [{"uuid": {"$in": uuids}}], session)))


def _to_probe(waiting: Iterable[Document], newest: Newest) -> list[str]:
    """Uuids to read first: of the waiting jobs themselves, and of their last parents."""
    uuids = {u for d in waiting for u in (d["uuid"], *(d["parents"] or ())[-_PROBE:])}
    return sorted(uuids - newest.keys())


def _ready_among(
    queue: Queue, waiting: Iterable[Document], newest: Newest, session: Any
) -> list[str]:
    """Return the db_ids of the waiting jobs that may run; read further parents if necessary."""
    current = [d for d in waiting if newest[d["uuid"]]["index"] == d["index"]]
    open_ = [d for d in current if not _is_held_back(d, newest)]
    rest = {p for d in open_ for p in d["parents"] or ()} - newest.keys()
    _learn(queue, sorted(rest), newest, session)
    return [d["db_id"] for d in open_ if _may_run(d, newest)]


def _is_held_back(doc: Document, newest: Newest) -> bool:
    """Whether one of the known parents blocks a job."""
    good = acceptable_parent_states(on_missing_of(doc))
    return any(newest[p]["state"] not in good for p in doc["parents"] or () if p in newest)


def _may_run(doc: Document, newest: Newest) -> bool:
    parents = doc["parents"] or []
    if any(p not in newest for p in parents):
        return False  # a parent that is not in the database will never finish
    return is_satisfied(on_missing_of(doc), [_state(newest[p]) for p in parents])


def _last_open(uuids: Sequence[str], newest: Newest, docs: Iterable[Document]) -> str | None:
    """Return the last of these jobs that is not COMPLETED and, as far as known, has no children."""
    parents = {p for d in docs for p in d["parents"] or ()}
    for uuid in reversed(uuids):
        if newest[uuid]["state"] != JobState.COMPLETED.value and uuid not in parents:
            return uuid
    return None


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
    if not _exists(queue, flow_uuid, begun, session):
        ready = _exists(queue, flow_uuid, [JobState.READY.value], session)
        return flow_state([JobState.READY] if ready else [], [])
    return _state_under_way(queue, flow_uuid, {}, None, session)


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
                _state_under_way(queue, uuid, {}, None, session)
                if begun
                else derive_flow_state(queue, uuid, session=session)
            )
    return states


def _state_of_all(docs: list[Document]) -> FlowState:
    leaves = get_flow_leafs(docs)
    return flow_state(map(_state, docs), map(_state, leaves))


def _state_under_way(
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
        or not (overlay or _exists(queue, flow_uuid, [JobState.COMPLETED.value], session))
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
    decisive: Sequence[str] = _HELD_UP
    while decisive:
        query = {"job.hosts": flow_uuid, "state": {"$in": list(decisive)}}
        some = queue.jobs.find_one(query, ["state"], session=session)
        if some is None:
            break
        found = _state(some)
        decisive = _DECIDE_OVER[found]
    return [] if found is None else [found]


def _exists(queue: Queue, flow_uuid: Any, states: list[str], session: Any) -> bool:
    """Whether a flow, or one of those that a condition selects, has a job in these states."""
    query = {"job.hosts": flow_uuid, "state": {"$in": states}}
    return queue.jobs.find_one(query, ["_id"], session=session) is not None


def _has_open_leaf(queue: Queue, flow_uuid: str, overlay: Overlay, session: Any) -> bool:
    """Whether there is a leaf among a few of the jobs that are not COMPLETED.

    False does not mean that there is none.
    """
    query = {"job.hosts": flow_uuid, "state": {"$in": _UNFINISHED}}
    some = queue.jobs.find(query, ["uuid"], limit=_PROBE, session=session)
    uuids = sorted({doc["uuid"] for doc in some})
    newest: Newest = {}
    _learn(queue, uuids, newest, session)
    open_ = {u for u, doc in newest.items() if _shown(doc, overlay) is not JobState.COMPLETED}
    if not open_:
        return False
    children = queue.jobs.find({"parents": {"$in": sorted(open_)}}, ["parents"], session=session)
    return bool(open_ - {p for child in children for p in child["parents"]})


def _shown(doc: Mapping[str, Any], overlay: Overlay) -> JobState:
    """Return the state of a document under an overlay that deletes nothing."""
    return overlay.get(doc["uuid"], {}).get(doc["index"]) or _state(doc)


def _exact_state(queue: Queue, flow_uuid: str, overlay: Overlay, session: Any) -> FlowState:
    return _exact_states(queue, {flow_uuid: overlay}, session)[flow_uuid]


def _exact_states(
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
    for doc in queue.jobs.find(query, fields, session=session):
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
    return flow_state(map(_state, kept), map(_state, leaves))


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


def _state(job: Mapping[str, Any]) -> JobState:
    """Return the state of a job; for an unknown one, the error names the job."""
    return stored_state(JobState, job["state"], f"job {job.get('db_id')}")
