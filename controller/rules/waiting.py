"""When waiting for jobs or flows is over."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from enum import StrEnum
from typing import TypeVar

from controller.states import RUNNING_STATES, FlowState, JobState

S = TypeVar("S", JobState, FlowState)

FINAL_JOB_STATES = frozenset(
    {
        JobState.COMPLETED,
        JobState.FAILED,
        JobState.REMOTE_ERROR,
        JobState.STOPPED,
        JobState.USER_STOPPED,
    }
)
"""States that a job does not leave by itself, and no person is expected to end."""
FINAL_FLOW_STATES = frozenset({FlowState.COMPLETED, FlowState.FAILED, FlowState.STOPPED})
"""States that a flow does not leave by itself, and no person is expected to end."""

MOVING_STATES = (JobState.READY, *RUNNING_STATES, JobState.PAUSED)
"""States that end without a change of another job: by the runner, or by who paused it."""

_J, _F = JobState, FlowState
_JOB_STEPS: dict[JobState, int] = {
    _J.WAITING: 0,
    _J.READY: 1,
    _J.CHECKED_OUT: 2,
    _J.UPLOADED: 3,
    _J.SUBMITTED: 4,
    _J.BATCH_SUBMITTED: 4,
    _J.RUNNING: 5,
    _J.BATCH_RUNNING: 5,
    _J.RUN_FINISHED: 6,
    _J.DOWNLOADED: 7,
    _J.COMPLETED: 8,
}
_FLOW_STEPS: dict[FlowState, int] = {_F.WAITING: 0, _F.READY: 1, _F.RUNNING: 2, _F.COMPLETED: 3}


class Verdict(StrEnum):
    """What waiting has come to."""

    PENDING = "pending"
    REACHED = "reached"
    FAILED = "failed"  # what is waited for cannot come any more, or ended in an error


def has_reached(state: S, wanted: Collection[S]) -> bool:
    """Whether a state is one of those, or lies after one of them on the way to COMPLETED.

    A state that lasts for a moment is so never missed.
    """
    if state in wanted:
        return True
    step = _step(state)
    return step is not None and any(
        before is not None and before < step for before in map(_step, wanted)
    )


def _step(state: JobState | FlowState) -> int | None:
    """Place of a state on the way to COMPLETED, None where it lies beside the way."""
    return _JOB_STEPS.get(state) if isinstance(state, JobState) else _FLOW_STEPS.get(state)


def wait_verdict(
    states: Iterable[S],
    wanted: Collection[S] | None = None,
    *,
    any_of: bool = False,
    stuck: bool = False,
) -> Verdict:
    """Decide whether waiting is over.

    Parameters
    ----------
    states
        Of the jobs, or of the flows, that are waited for.
    wanted
        States that each has to reach; see `has_reached`. None waits for the end of each, and
        calls it a failure unless it is COMPLETED.
    any_of
        One of them is enough.
    stuck
        None of them can change by itself any more: nothing moves in their flows.
    """
    found: Sequence[S] = list(states)
    enough = any if any_of else all
    final = [state in FINAL_JOB_STATES or state in FINAL_FLOW_STATES for state in found]
    if wanted is None:
        if enough(final) or not found:
            done = enough(state.value == "COMPLETED" for state in found) or not found
            return Verdict.REACHED if done else Verdict.FAILED
        return Verdict.FAILED if stuck else Verdict.PENDING
    reached = [has_reached(state, wanted) for state in found]
    if enough(reached) or not found:
        return Verdict.REACHED
    lost = [ended and not come for ended, come in zip(final, reached)]
    hopeless = all(lost) if any_of else any(lost)
    return Verdict.FAILED if hopeless or stuck else Verdict.PENDING
