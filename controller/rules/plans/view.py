"""The data read from a flow, and the parts of a plan."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from controller.errors import ControllerError
from controller.rules.actions import ACTIONS, check_action
from controller.rules.flows import newest_by_uuid
from controller.rules.readiness import on_missing_of, resumed_state
from controller.states import BATCH_STATES, QUEUED_STATES, JobState, stored_state

Key = tuple[str, int]
"""(uuid, index) of a job."""
Doc = Mapping[str, Any]

LIGHT_FIELDS = ("db_id", "uuid", "index", "state", "parents", "lock_id", "job.name", "job.hosts")
"""What suffices to plan for most jobs of a large flow, and what indexes know of them."""

CANCELLABLE = frozenset({JobState.UPLOADED, *QUEUED_STATES, *BATCH_STATES})
"""States in which a job may have something in a queue or a pool; an UPLOADED one may have been
submitted by a runner that died before it could record that."""


@dataclass(frozen=True)
class JobChange:
    """The change of one document.

    Attributes
    ----------
    db_id, uuid, index
        The job.
    before
        Its state when it was read; required by the write.
    after
        Its state afterwards; None if it is deleted.
    fields
        Other fields to set, as dotted paths.
    cancel
        Whether its process must be ended.
    dependent
        The change is a consequence of another one, and is written before it.
    name
        The job's name, if it was read.
    """

    db_id: str
    uuid: str
    index: int
    before: JobState
    after: JobState | None
    fields: Mapping[str, Any] = field(default_factory=dict)
    cancel: bool = False
    dependent: bool = False
    name: str | None = None


@dataclass(frozen=True)
class Refusal:
    """A job that the action does not change, and why."""

    db_id: str
    error: ControllerError

    @property
    def reason(self) -> str:
        """The reason in one line, with what to do next."""
        return str(self.error)


@dataclass(frozen=True)
class FlowPlan:
    """The plan of an action for one flow.

    Attributes
    ----------
    flow_uuid
        The flow.
    changes
        Jobs that change, once each.
    unchanged
        db_ids of chosen jobs that need no change.
    refused
        Chosen jobs that are refused.
    detached
        Uuids of jobs that are no longer a parent of any job.
    flow_update
        Update operators for the flow's document.
    """

    flow_uuid: str
    changes: tuple[JobChange, ...] = ()
    unchanged: tuple[str, ...] = ()
    refused: tuple[Refusal, ...] = ()
    detached: tuple[str, ...] = ()
    flow_update: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class FlowView:
    """The data read from one flow.

    Attributes
    ----------
    uuid
        The flow.
    chosen
        (uuid, index) of the chosen jobs, parents before children as far as their db_ids tell.
    jobs
        {(uuid, index): document} of all jobs that were read. If the action needs the newest index,
        all indices of these uuids were read.
    held
        Why jobs cannot be changed: another process has locked them.
    size
        Number of jobs of the flow, if the action needs it.
    unmatched
        Chosen jobs that no longer match the selection.
    """

    uuid: str
    chosen: tuple[Key, ...]
    jobs: Mapping[Key, Doc]
    held: Mapping[Key, ControllerError] = field(default_factory=dict)
    size: int = 0
    unmatched: tuple[Refusal, ...] = ()

    @cached_property
    def newest(self) -> Mapping[str, Doc]:
        """{uuid: document with the largest index}."""
        return newest_by_uuid(self.jobs.values())

    @cached_property
    def children(self) -> Mapping[str, list[Key]]:
        """{uuid: (uuid, index) of the jobs that wait for it}."""
        found: dict[str, list[Key]] = {}
        for key, doc in self.jobs.items():
            for parent in doc.get("parents") or ():
                found.setdefault(parent, []).append(key)
        return found

    def descendants(self, uuid: str) -> list[Key]:
        """Children, their children and so on, each once, nearest first."""
        found: dict[Key, None] = {}
        queue = deque(self.children.get(uuid, ()))
        while queue:
            key = queue.popleft()
            if key not in found:
                found[key] = None
                queue.extend(self.children.get(key[0], ()))
        return list(found)

    def chosen_docs(self) -> Iterator[tuple[Key, Doc]]:
        """The chosen jobs."""
        return ((key, self.jobs[key]) for key in self.chosen)


def state_of(doc: Doc) -> JobState:
    """State of a job document.

    Raises
    ------
    StorageFormatError
        This version does not know it.
    """
    return stored_state(JobState, doc["state"], f"job {doc.get('db_id')}")


def may_run(doc: Doc) -> bool:
    """Whether a job may have something in a queue.

    A REMOTE_ERROR may be due to a submission whose reply was lost.
    """
    state = state_of(doc)
    if state is JobState.REMOTE_ERROR:
        return doc.get("previous_state") in {s.value for s in CANCELLABLE}
    return state in CANCELLABLE


def change(
    doc: Doc,
    after: JobState | None,
    fields: Mapping[str, Any] | None = None,
    *,
    dependent: bool = False,
) -> JobChange:
    """Return the change of a document; leaving a running state ends the process."""
    before = state_of(doc)
    return JobChange(
        db_id=doc["db_id"],
        uuid=doc["uuid"],
        index=doc["index"],
        before=before,
        after=after,
        fields=fields or {},
        cancel=may_run(doc) and after not in CANCELLABLE,
        dependent=dependent,
        name=(doc.get("job") or {}).get("name"),
    )


def plan_each(
    view: FlowView,
    action: str,
    decide: Callable[[Doc], JobChange],
    *,
    force: bool = False,
    also: Callable[[Doc], bool] | None = None,
) -> FlowPlan:
    """Plan an action that treats each chosen job separately.

    Parameters
    ----------
    action
        Its name in `ACTIONS`, which defines the accepted states.
    decide
        Composes the change of a job that is accepted; may raise a ControllerError to refuse it.
    also
        Whether a job is accepted whatever its state says.
    """
    changes: list[JobChange] = []
    unchanged: list[str] = []
    refused: list[Refusal] = []
    for key, doc in view.chosen_docs():
        if state_of(doc) in ACTIONS[action].done:
            unchanged.append(doc["db_id"])
            continue
        try:
            check_held(view, key)
            if also is None or not also(doc):
                check_action(action, doc["db_id"], state_of(doc), force=force)
            changes.append(decide(doc))
        except ControllerError as error:
            refused.append(Refusal(doc["db_id"], error))
    return FlowPlan(view.uuid, tuple(changes), tuple(unchanged), tuple(refused))


def check_held(view: FlowView, key: Key) -> None:
    """Raise if another process has locked a job."""
    if key in view.held:
        raise view.held[key]


def startable_state(view: FlowView, doc: Doc, assumed: Mapping[Key, JobState]) -> JobState:
    """Return READY if every parent of a job lets it run, else WAITING.

    Parameters
    ----------
    assumed
        States assigned to jobs by the plan.
    """
    states = []
    for uuid in doc.get("parents") or ():
        parent = view.newest.get(uuid)
        if parent is None:
            return JobState.WAITING  # a missing parent never ends
        key = (parent["uuid"], parent["index"])
        states.append(assumed.get(key, state_of(parent)))
    return resumed_state(on_missing_of(doc), states)


def is_in_batch(doc: Doc) -> bool:
    """Whether a batch process is running the job, or soon will."""
    return state_of(doc) in BATCH_STATES
