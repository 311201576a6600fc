"""When a wait for jobs or flows is over."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from controller.rules.readiness import is_satisfied, on_missing_of
from controller.states import RUNNING_STATES, FlowState, JobState

S = TypeVar("S", JobState, FlowState)

MOVING_STATES = (JobState.READY, *RUNNING_STATES)
"""States that a runner ends without the user and without changes of other jobs."""

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
    """The outcome of a wait."""

    PENDING = "pending"
    REACHED = "reached"
    FAILED = "failed"  # the awaited state cannot be reached any more, or ended in an error


def has_reached(state: S, wanted: Collection[S]) -> bool:
    """Whether a state is a target, or comes after one of them on the way to COMPLETED.

    So a short-lived state is never missed.
    """
    if state in wanted:
        return True
    step = _step(state)
    return step is not None and any(
        before is not None and before < step for before in map(_step, wanted)
    )


def _step(state: JobState | FlowState) -> int | None:
    """Position of a state on the way to COMPLETED; None if it is not on it."""
    return _JOB_STEPS.get(state) if isinstance(state, JobState) else _FLOW_STEPS.get(state)


def has_ended(state: JobState | FlowState, *, moves: bool) -> bool:
    """Whether a job or a flow will not change any more without user action.

    A flow with a failed job continues as long as others run. A paused job stays paused. A WAITING
    one depends on the others.

    Parameters
    ----------
    moves
        Whether a job of the flow is READY or running.
    """
    if isinstance(state, FlowState):
        return state is FlowState.COMPLETED or not moves
    if state is JobState.WAITING:
        return not moves
    return state not in MOVING_STATES


def wait_verdict(
    found: Sequence[tuple[S, bool]],
    wanted: Collection[S] | None = None,
    *,
    any_of: bool = False,
) -> Verdict:
    """Decide whether the wait is over.

    Parameters
    ----------
    found
        For each job or flow: its state, and whether a job of its flow is READY or running.
    wanted
        States that each must reach; see `has_reached`. None waits for the end of each, which is a
        failure unless it is COMPLETED.
    any_of
        One of them is enough.
    """
    if not found:
        return Verdict.REACHED
    enough = any if any_of else all
    ended = [has_ended(state, moves=moves) for state, moves in found]
    if wanted is None:
        if not enough(ended):
            return Verdict.PENDING
        done = enough(state.value == "COMPLETED" for state, _ in found)
        return Verdict.REACHED if done else Verdict.FAILED
    reached = [has_reached(state, wanted) for state, _ in found]
    if enough(reached):
        return Verdict.REACHED
    lost = [over and not come for over, come in zip(ended, reached)]
    return Verdict.FAILED if (all(lost) if any_of else any(lost)) else Verdict.PENDING


def is_about_to_move(
    waiting: Iterable[Mapping[str, Any]], parents: Mapping[str, Mapping[str, Any]]
) -> bool:
    """Whether all parents of one of some WAITING jobs have ended: it is about to be released.

    Without transactions a job is recorded as COMPLETED shortly before its children become READY.

    Parameters
    ----------
    waiting
        Documents with ``parents`` and ``job.config.on_missing_references``.
    parents
        {uuid: document with the newest index}.
    """
    return any(
        all(uuid in parents for uuid in job.get("parents") or ())
        and is_satisfied(
            on_missing_of(job), (parents[uuid]["state"] for uuid in job.get("parents") or ())
        )
        for job in waiting
    )
