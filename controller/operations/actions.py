"""The actions on jobs: which plan each uses, and what it reads. `acting` executes them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from controller.operations.reading import Neighbours
from controller.operations.writing import Deletion
from controller.rules.plans import (
    FlowPlan,
    FlowView,
    Key,
    RunChange,
    pause_needs,
    plan_deletion,
    plan_pause,
    plan_rerun,
    plan_resume,
    plan_retry,
    plan_set_fields,
    plan_set_run,
    plan_set_state,
    plan_stop,
    resume_needs,
    stop_needs,
)
from controller.states import JobState


@dataclass(frozen=True)
class Action:
    """An action on jobs.

    Attributes
    ----------
    plan
        Decides what changes; pure.
    neighbours
        Related jobs to read besides the chosen ones.
    fields
        Fields of a job to read in addition to `reading.JOB_FIELDS`.
    holds_flow
        Whether the action can change the state of a flow, and so has to lock the flow.
    deletion
        What to delete along with the jobs.
    job_by_job
        Whether the result for a chosen job does not depend on the results for other jobs.
    needs
        The jobs of a view of which the plan needs more than `LIGHT_FIELDS`; None for all.
    """

    plan: Callable[[FlowView], FlowPlan]
    neighbours: Neighbours = Neighbours.NONE
    fields: tuple[str, ...] = ()
    holds_flow: bool = True
    deletion: Deletion | None = None
    job_by_job: bool = True
    needs: Callable[[FlowView], Sequence[Key]] | None = None

    @property
    def name(self) -> str:
        """Name of the action in the event log, from that of the plan: "rerun" or "set state"."""
        function: Any = self.plan.func if isinstance(self.plan, partial) else self.plan
        return str(function.__name__).removeprefix("plan_").replace("_", " ")


PAUSE = Action(plan_pause, needs=pause_needs)
RESUME = Action(plan_resume, Neighbours.INDICES | Neighbours.PARENTS, needs=resume_needs)
STOP = Action(plan_stop, needs=stop_needs)
RETRY = Action(plan_retry, holds_flow=False)
"""A job in REMOTE_ERROR counts as running for its flow, so the state of the flow stays."""


def rerun(*, force: bool, delete_files: bool) -> Action:
    """Reset jobs to the beginning; see `plan_rerun`."""
    below = Neighbours.DESCENDANTS if force else Neighbours.CHILDREN
    plan = partial(plan_rerun, force=force, delete_files=delete_files)
    return Action(plan, Neighbours.INDICES | Neighbours.PARENTS | below, job_by_job=False)


def delete(*, files: bool, outputs: bool) -> Action:
    """Delete jobs; see `plan_deletion`."""
    return Action(
        partial(plan_deletion, keeps_outputs=not outputs),
        Neighbours.INDICES | Neighbours.CHILDREN | Neighbours.SIZE,
        deletion=Deletion(files=files, outputs=outputs),
        job_by_job=False,
    )


def set_state(state: JobState) -> Action:
    """Set the state of jobs; see `plan_set_state`."""
    return Action(partial(plan_set_state, state=state))


def set_run(wanted: RunChange) -> Action:
    """Change how jobs run; see `plan_set_run`."""
    read = ("exec_config", "resources", "retry")
    fields = tuple(f for f in read if getattr(wanted, f) is not None)
    return Action(partial(plan_set_run, wanted=wanted), fields=fields, holds_flow=False)


def set_fields(values: Mapping[str, Any], accepted: Collection[JobState] | None) -> Action:
    """Set fields of jobs; see `plan_set_fields`."""
    plan = partial(plan_set_fields, values=values, accepted=accepted)
    return Action(plan, holds_flow="state" in values)
