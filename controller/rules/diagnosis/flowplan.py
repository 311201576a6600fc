"""Plan the changes that make a flow consistent with its jobs.

The documents of the jobs are authoritative; the flow's lists and state follow from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from controller.rules.flows import flow_state, get_flow_leafs, newest_by_uuid
from controller.rules.readiness import is_satisfied, on_missing_of
from controller.states import NOT_STARTED_STATES, FlowState, JobState

Doc = Mapping[str, Any]
Key = tuple[str, int]


@dataclass(frozen=True)
class FlowView:
    """A flow and its jobs, as read.

    Attributes
    ----------
    flow
        The flow's document.
    jobs
        The documents of all its jobs, with every index.
    foreign_jobs
        {uuid: document with the largest index} of jobs named by the flow or its jobs although they
        belong to another flow.
    of_others
        Uuids of those that belong to another existing flow: this flow must not list them.
    """

    flow: Doc
    jobs: Sequence[Doc]
    foreign_jobs: Mapping[str, Doc] = field(default_factory=dict)
    of_others: frozenset[str] = frozenset()

    @property
    def unclear(self) -> set[str]:
        """Uuids of jobs that belong to no existing flow: the user must decide about them."""
        return self.foreign_jobs.keys() - self.of_others


@dataclass(frozen=True)
class JobChange:
    """Changes of a job.

    Attributes
    ----------
    job
        The document, as read.
    state
        Its new state, or None.
    lost_parents
        Parents to remove, because they do not exist.
    """

    job: Doc
    state: JobState | None
    lost_parents: tuple[str, ...]


@dataclass(frozen=True)
class Lists:
    """The lists of jobs in a flow's document; fields as in `FlowDoc`."""

    ids: list[list[Any]]
    jobs: list[str]
    parents: dict[str, dict[str, list[str]]]


@dataclass(frozen=True)
class FlowPlan:
    """Changes that make a flow consistent with its jobs.

    Attributes
    ----------
    jobs
        Changes of its jobs; conditional on the states that were read.
    lists
        The correct lists of the flow.
    state
        The correct state of the flow after the changes; None if a job has an invalid state.
    """

    jobs: tuple[JobChange, ...]
    lists: Lists
    state: FlowState | None

    def fields(self, flow: Doc) -> dict[str, Any]:
        """Return the lists that differ from those of the flow, by the names of the fields."""
        return {name: value for name, value in vars(self.lists).items() if value != flow.get(name)}


def known_states(jobs: Iterable[Doc]) -> bool:
    """Whether all jobs have valid states."""
    return all(job.get("state") in JobState.__members__ for job in jobs)


def job_key(job: Doc) -> Key:
    """(uuid, index) of a job."""
    return job["uuid"], job["index"]


def plan_flow(view: FlowView) -> FlowPlan:
    """Plan the changes that make a flow consistent with its jobs."""
    newest = newest_by_uuid(view.jobs)
    known = {**view.foreign_jobs, **newest}
    judged = known_states(view.jobs)
    changes, after = [], []
    for job in view.jobs:
        parents = list(job.get("parents") or ())
        lost = tuple(p for p in parents if p not in known)
        kept = [p for p in parents if p in known]
        current = newest[job["uuid"]]["index"] == job["index"]
        state = _begin_or_wait(job, kept, known) if judged and current else None
        if lost or state is not None:
            changes.append(JobChange(job, state, lost))
        after.append({**job, "parents": kept, "state": state or job["state"]})
    derived = None
    if judged:
        derived = flow_state(
            [JobState(j["state"]) for j in after],
            [JobState(j["state"]) for j in get_flow_leafs(after)],
        )
    return FlowPlan(tuple(changes), _lists(view, after), derived)


def _begin_or_wait(job: Doc, parents: list[str], known: Mapping[str, Doc]) -> JobState | None:
    """Return the correct state of a job, or None if it has it.

    A job that loses a parent is STOPPED, as after the deletion of the parent, unless it can run
    without inputs: the user must decide whether its input is stored somewhere.
    """
    if job["state"] not in NOT_STARTED_STATES:
        return None
    if len(parents) < len(job.get("parents") or ()) and on_missing_of(job) in (None, "error"):
        return JobState.STOPPED
    states = [known[p]["state"] for p in parents]
    if not all(s in JobState.__members__ for s in states):
        return None
    satisfied = is_satisfied(on_missing_of(job), [JobState(s) for s in states])
    ought = JobState.READY if satisfied else JobState.WAITING
    return None if ought == job["state"] else ought


def _lists(view: FlowView, jobs: Sequence[Doc]) -> Lists:
    """Return the correct lists of the flow, in the order of the existing ones."""
    own = {job_key(j): j["db_id"] for j in jobs}
    stored = dict.fromkeys(entries(view.flow))
    kept = [e for e in stored if own.get(e[1:]) == e[0] or e[1] in view.unclear]
    listed = {e[1:] for e in kept}
    ids = [*kept, *((db_id, *key) for key, db_id in own.items() if key not in listed)]
    wanted = {entry[1] for entry in ids} | view.unclear
    known = [u for u in view.flow.get("jobs") or () if u in wanted]
    names = list(dict.fromkeys([*known, *(entry[1] for entry in ids)]))
    return Lists([list(e) for e in ids], names, _parents(view, jobs))


def entries(flow: Doc) -> list[tuple[Any, ...]]:
    """(db_id, uuid, index) of the jobs listed by a flow."""
    return [tuple(entry) for entry in flow.get("ids") or () if len(entry) == 3]


def _parents(view: FlowView, jobs: Sequence[Doc]) -> dict[str, dict[str, list[str]]]:
    """Return ``parents`` of the flow, keeping lists that differ only in their order."""
    stored = view.flow.get("parents") or {}
    out = {u: dict(by_index) for u, by_index in stored.items() if u in view.unclear}
    for job in jobs:
        uuid, index = job["uuid"], str(job["index"])
        present = (stored.get(uuid) or {}).get(index)
        if present is None or sorted(present) != sorted(job["parents"]):
            present = job["parents"]
        out.setdefault(uuid, {})[index] = list(present)
    return out
