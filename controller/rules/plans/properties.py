"""Set properties of jobs: state, worker, run settings, priority."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controller.errors import ArgumentError, StateError
from controller.rules.plans.restart import reset_fields
from controller.rules.plans.view import Doc, FlowPlan, FlowView, change, plan_each, state_of
from controller.states import NOT_STARTED_STATES, JobState

_BEFORE_A_RUN = (
    *NOT_STARTED_STATES,
    JobState.PAUSED,
    JobState.CHECKED_OUT,
    JobState.UPLOADED,
    JobState.SUBMITTED,
    JobState.BATCH_SUBMITTED,
)
"""States in which recorded times belong to an earlier run."""
_STATE_FIELDS = (
    "remote.step_attempts",
    "remote.retry_time_limit",
    "previous_state",
    "remote.queue_state",
    "remote.queue_reason",
    "remote.error",
    "error",
    "error_cause",
)


@dataclass(frozen=True)
class RunChange:
    """New run settings of jobs; None leaves a setting unchanged.

    Attributes
    ----------
    worker
        Name of a worker.
    exec_config
        Name of an execution configuration, or its keys.
    resources
        The keys given: keywords of the scheduler, or fields of a QResources.
    stored
        ``resources`` as a whole, as stored in documents: keywords, or a serialised QResources.
    priority
        Jobs with a larger one are claimed first.
    retry
        Retry rules as stored in documents; an empty list removes them.
    merge
        Add the keys of ``exec_config`` and ``resources`` to those of a job; the name of a
        configuration, and keywords combined with a QResources, are replaced.
    of_qresources
        Whether ``resources`` were given as a QResources.
    """

    worker: str | None = None
    exec_config: str | Mapping[str, Any] | None = None
    resources: Mapping[str, Any] | None = None
    stored: Mapping[str, Any] | None = None
    priority: int | None = None
    retry: Sequence[Mapping[str, Any]] | None = None
    merge: bool = True
    of_qresources: bool = False

    @property
    def action(self) -> str:
        """The name of the rule in `ACTIONS` for the accepted states."""
        # Neither a place in the queue nor what follows an end concerns the run itself.
        concerns_run = (self.worker, self.exec_config, self.resources) != (None, None, None)
        return "set_run_properties" if concerns_run else "set_priority"

    def fields_for(self, doc: Doc) -> dict[str, Any]:
        """Return the fields to set on a job.

        Raises
        ------
        StateError
            Keys cannot be added to those of the job.
        """
        fields: dict[str, Any] = {}
        if self.worker is not None:
            fields["worker"] = self.worker
        if self.priority is not None:
            fields["priority"] = self.priority
        if self.retry is not None:
            fields["retry"] = [dict(rule) for rule in self.retry]
        if self.exec_config is not None:
            fields["exec_config"] = self._exec_config(doc)
        if self.resources is not None:
            fields["resources"] = self._resources(doc)
        return fields

    def _exec_config(self, doc: Doc) -> Any:
        old, new = doc.get("exec_config"), self.exec_config
        if not self.merge or isinstance(new, str) or not isinstance(old, Mapping):
            return new  # a name is replaced, because its content is defined by the project
        assert new is not None
        return {**old, **{k: v for k, v in new.items() if v is not None}}

    def _resources(self, doc: Doc) -> Any:
        old, new = doc.get("resources"), self.resources
        assert new is not None
        if not self.merge or not old:
            return self.stored
        if _is_qresources(old):
            strange = [key for key in new if key not in old]
            if strange:
                raise _cannot_merge(
                    doc, f"its resources are a QResources, which has no {', '.join(strange)}"
                )
        elif isinstance(self.stored, Mapping) and self.of_qresources:
            return self.stored  # scheduler keywords cannot be combined with a QResources
        return {**old, **new}


def _is_qresources(resources: Mapping[str, Any]) -> bool:
    return resources.get("@class") == "QResources"


def _cannot_merge(doc: Doc, why: str) -> StateError:
    return StateError(
        f"keys cannot be added to those of job {doc['db_id']}: {why}",
        action="set_run_properties",
        db_id=doc["db_id"],
        state=state_of(doc),
        hint="replace them completely",
    )


def plan_set_run(view: FlowView, *, wanted: RunChange) -> FlowPlan:
    """Change run settings of jobs. A job that has them already is unchanged."""
    plan = plan_each(
        view, wanted.action, lambda doc: change(doc, state_of(doc), wanted.fields_for(doc))
    )
    same = {
        c.db_id
        for c in plan.changes
        if all(view.jobs[c.uuid, c.index].get(k) == v for k, v in c.fields.items())
    }
    if not same:
        return plan
    return FlowPlan(
        view.uuid,
        tuple(c for c in plan.changes if c.db_id not in same),
        (*plan.unchanged, *sorted(same)),
        plan.refused,
    )


def plan_set_state(view: FlowView, *, state: JobState) -> FlowPlan:
    """Set the state of jobs, whatever it is; recorded attempts and errors are cleared.

    Times of an earlier run are also cleared, if another run will follow. A running job is
    cancelled, unless the new state is one of a running job.
    """
    forgotten: tuple[str, ...] = _STATE_FIELDS
    if state in _BEFORE_A_RUN:
        forgotten += ("start_time", "end_time")
    elif state in (JobState.RUNNING, JobState.BATCH_RUNNING):
        forgotten += ("end_time",)
    fields = {k: v for k, v in reset_fields().items() if k in forgotten}
    return plan_each(view, "set_state", lambda doc: change(doc, state, fields))


def plan_set_fields(
    view: FlowView, *, values: Mapping[str, Any], accepted: Collection[JobState] | None
) -> FlowPlan:
    """Set fields of jobs.

    Parameters
    ----------
    values
        {dotted path: value}.
    accepted
        Refuse jobs in other states; None accepts all states.
    """

    def decide(doc: Doc) -> Any:
        state = state_of(doc)
        if accepted is not None and state not in accepted:
            names = ", ".join(s.value for s in JobState if s in accepted)
            raise StateError(
                f"job {doc['db_id']} is in state {state.value}, not {names}",
                action="set",
                db_id=doc["db_id"],
                state=state,
                allowed=accepted,
            )
        after = JobState(values["state"]) if "state" in values else state
        return change(doc, after, {k: v for k, v in values.items() if k != "state"})

    check_fields(values)
    return plan_each(view, "set_state", decide)


def check_fields(values: Any) -> None:
    """Check {dotted path: value} that are to be set.

    Raises
    ------
    ArgumentError
        It is not a dictionary, or is empty; a path cannot be set.
    """
    if not isinstance(values, Mapping):
        raise ArgumentError(
            f"the fields must be a dictionary, not {values!r}",
            hint='for example {"error": None}',
        )
    if not values:
        raise ArgumentError("no fields to set", hint="give {path of a field: value}")
    for path in values:
        if not isinstance(path, str) or any(p == "" or p[0] == "$" for p in path.split(".")):
            raise ArgumentError(
                f"{path!r} is not a field of a job", hint='for example "remote.error"'
            )
        if path.partition(".")[0] in ("lock_id", "lock_time", "lock_lease", "_id"):
            raise ArgumentError(
                f"{path} cannot be set", hint="use `unlock` or `break_lock` to remove locks"
            )
