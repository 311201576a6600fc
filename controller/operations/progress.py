"""What follows when jobs end: which jobs become READY, and the states of their flows.

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

from controller.documents import utc_now
from controller.operations.flow_states import (
    HELD_UP,
    JOB_FIELDS,
    PROBE,
    Newest,
    Overlay,
    derive_flow_state,
    exact_states,
    find_jobs,
    has_job,
    learn_newest,
    state_of,
    state_under_way,
)
from controller.operations.queue import Queue
from controller.rules import flow_state, is_satisfied, newest_by_uuid
from controller.rules.readiness import acceptable_parent_states, on_missing_of
from controller.states import FlowState, JobState
from controller.storage.base import Document, UpdateMany

FLOW_FIELDS: dict[str, Any] = {"uuid": 1, "state": 1, "jobs": {"$slice": -20}}
"""What `plan_progress` needs of a flow; of its jobs, only the last ones."""

_LAST = 4
"""Of the last jobs of a flow, those that are read to find an open one."""


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
        return len(self.flow["jobs"]) < PROBE

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

    All flows are queried together, so that the number of queries hardly grows with the number of
    jobs and flows.

    Parameters
    ----------
    ends
        One entry for each flow.
    """
    states = {key: state for end in ends for key, state in end.states.items()}
    uuids = sorted({uuid for uuid, _ in states})
    inserted = {uuid for end in ends for uuid in end.inserted}
    read = {*uuids, *(uuid for end in ends for uuid in end.last)}
    docs = find_jobs(
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
    more = find_jobs(queue, questions, session)
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
        {uuid: a leaf that is not COMPLETED}, for flows in which one is known.
    """
    states: dict[str, FlowState] = {}
    small = {
        end.flow["uuid"]: end.overlay
        for end in ends
        if leaves.get(end.flow["uuid"]) is None and end.is_known_whole
    }
    if small:
        states.update(exact_states(queue, small, session))
    good = [
        end.flow["uuid"]
        for end in ends
        if leaves.get(end.flow["uuid"]) is not None and JobState.FAILED not in end.states.values()
    ]
    if len(good) > 1 and not has_job(queue, {"$in": sorted(good)}, HELD_UP, session):
        # None of them has a problem: the jobs in progress decide.
        states.update(dict.fromkeys(good, flow_state([JobState.RUNNING], [JobState.RUNNING])))
    for end in ends:
        uuid = end.flow["uuid"]
        if (
            JobState.READY in end.states.values()
        ):  # retried: possibly no job counts as started any more
            states[uuid] = derive_flow_state(queue, uuid, end.overlay, session=session)
        if uuid not in states:
            leaf = leaves.get(uuid)
            states[uuid] = state_under_way(queue, uuid, end.overlay, leaf, session)
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
    waiting = list(queue.jobs.find(query, JOB_FIELDS, session=session))
    newest: Newest = {}
    learn_newest(queue, _to_probe(waiting, newest), newest, session)
    ready = _ready_among(queue, waiting, newest, session)
    if ready:
        queue.jobs.bulk_write([release_operation(ready)], session=session)
    return ready


def _to_probe(waiting: Iterable[Document], newest: Newest) -> list[str]:
    """Uuids to read first: of the waiting jobs themselves, and of their last parents."""
    uuids = {u for d in waiting for u in (d["uuid"], *(d["parents"] or ())[-PROBE:])}
    return sorted(uuids - newest.keys())


def _ready_among(
    queue: Queue, waiting: Iterable[Document], newest: Newest, session: Any
) -> list[str]:
    """Return the db_ids of the waiting jobs that may run; read further parents if necessary."""
    current = [d for d in waiting if newest[d["uuid"]]["index"] == d["index"]]
    open_ = [d for d in current if not _is_held_back(d, newest)]
    rest = {p for d in open_ for p in d["parents"] or ()} - newest.keys()
    learn_newest(queue, sorted(rest), newest, session)
    return [d["db_id"] for d in open_ if _may_run(d, newest)]


def _is_held_back(doc: Document, newest: Newest) -> bool:
    """Whether one of the known parents blocks a job."""
    good = acceptable_parent_states(on_missing_of(doc))
    return any(newest[p]["state"] not in good for p in doc["parents"] or () if p in newest)


def _may_run(doc: Document, newest: Newest) -> bool:
    parents = doc["parents"] or []
    if any(p not in newest for p in parents):
        return False  # a parent that is not in the database will never finish
    return is_satisfied(on_missing_of(doc), [state_of(newest[p]) for p in parents])


def _last_open(uuids: Sequence[str], newest: Newest, docs: Iterable[Document]) -> str | None:
    """Return the last of these jobs that is not COMPLETED and, as far as known, has no children."""
    parents = {p for d in docs for p in d["parents"] or ()}
    for uuid in reversed(uuids):
        if newest[uuid]["state"] != JobState.COMPLETED.value and uuid not in parents:
            return uuid
    return None
