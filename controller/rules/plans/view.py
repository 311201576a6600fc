"""What was read of a flow, and the parts of a plan."""

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

CANCELLABLE = frozenset({JobState.UPLOADED, *QUEUED_STATES})
"""States in which something of the job may be in a queue; an UPLOADED one may have been submitted
by a runner that died before it could write that down."""


@dataclass(frozen=True)
class JobChange:
    """How one document changes.

    Attributes
    ----------
    db_id, uuid, index
        The job.
    before
        Its state when it was read; the write asks for it.
    after
        Its state afterwards; None when it is deleted.
    fields
        What else is set, as dotted paths.
    cancel
        Whether what runs of it is to be ended.
    dependent
        The change is a consequence of another one, and is written before it.
    name
        The job's name, where it was read.
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
    """A job that the action leaves alone, and why."""

    db_id: str
    error: ControllerError

    @property
    def reason(self) -> str:
        """The reason in one line, with what to do next."""
        return str(self.error)


@dataclass(frozen=True)
class FlowPlan:
    """What an action does to one flow.

    Attributes
    ----------
    flow_uuid
        The flow.
    changes
        Jobs that change, each once.
    unchanged
        db_ids of chosen jobs for which nothing is left to do.
    refused
        Chosen jobs that the action leaves alone.
    detached
        Uuids of jobs that are no job's parent any more.
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
    """What was read of one flow.

    Attributes
    ----------
    uuid
        The flow.
    chosen
        (uuid, index) of the jobs that the action is asked for, parents before children as far as
        their db_ids tell.
    jobs
        {(uuid, index): document} of all jobs that were read. Of a uuid that occurs here all
        indices were read, where the action needs to know the newest one.
    held
        Why a job cannot be changed: another process has locked it.
    size
        How many jobs the flow has, where the action has to know.
    unmatched
        Jobs that were chosen and are not what was asked for any more.
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
        It is none that this version knows.
    """
    return stored_state(JobState, doc["state"], f"job {doc.get('db_id')}")


def may_run(doc: Doc) -> bool:
    """Whether something of a job may be in a queue.

    A REMOTE_ERROR may come of a submission whose answer was lost.
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
    """Compose the change of a document; leaving the states under way ends what runs."""
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
    """Plan an action that looks at each chosen job by itself.

    Parameters
    ----------
    action
        Its name in `ACTIONS`, which says what it accepts.
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
    """Refuse a job that another process has locked."""
    if key in view.held:
        raise view.held[key]


def startable_state(view: FlowView, doc: Doc, assumed: Mapping[Key, JobState]) -> JobState:
    """READY when every parent of a job lets it run, else WAITING.

    Parameters
    ----------
    assumed
        States that the plan gives to jobs.
    """
    states = []
    for uuid in doc.get("parents") or ():
        parent = view.newest.get(uuid)
        if parent is None:
            return JobState.WAITING  # a parent that is not there never ends
        key = (parent["uuid"], parent["index"])
        states.append(assumed.get(key, state_of(parent)))
    return resumed_state(on_missing_of(doc), states)


def is_in_batch(doc: Doc) -> bool:
    """Whether a batch process has the job in its hands, or soon will."""
    return state_of(doc) in BATCH_STATES
