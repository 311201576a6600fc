"""Which action accepts which job states, in one table."""

from __future__ import annotations

from dataclasses import dataclass

from controller.errors import StateError
from controller.states import (
    BATCH_STATES,
    DELETABLE_STATES,
    NOT_STARTED_STATES,
    PAUSABLE_STATES,
    RESETTABLE_STATES,
    RUNNING_STATES,
    JobState,
)

_S = JobState
_SETTLED = (
    _S.READY,
    _S.WAITING,
    _S.COMPLETED,
    _S.FAILED,
    _S.PAUSED,
    _S.REMOTE_ERROR,
    _S.STOPPED,
    _S.USER_STOPPED,
)


@dataclass(frozen=True)
class ActionRule:
    """What an action accepts.

    Attributes
    ----------
    accepts
        States in which the action may be applied.
    forced
        Further states accepted with ``force``.
    done
        States in which nothing needs to be done: not an error, the job counts as unchanged.
    """

    accepts: frozenset[JobState]
    forced: frozenset[JobState] = frozenset()
    done: frozenset[JobState] = frozenset()

    def allowed(self, *, force: bool = False) -> frozenset[JobState]:
        """States accepted with or without ``force``."""
        return self.accepts | self.forced if force else self.accepts


def _rule(
    accepts: tuple[JobState, ...],
    forced: tuple[JobState, ...] = (),
    done: tuple[JobState, ...] = (),
) -> ActionRule:
    return ActionRule(frozenset(accepts), frozenset(forced), frozenset(done))


ACTIONS: dict[str, ActionRule] = {
    # Back to READY. READY and WAITING are refused even with force: there is nothing to rerun.
    "rerun": _rule(
        (*RESETTABLE_STATES, _S.FAILED, _S.REMOTE_ERROR),
        forced=(_S.COMPLETED, _S.PAUSED, _S.STOPPED, _S.USER_STOPPED, *BATCH_STATES),
    ),
    # Back to the state before the error, or retry the current step immediately.
    "retry": _rule((_S.REMOTE_ERROR, *RUNNING_STATES)),
    "pause": _rule(PAUSABLE_STATES, done=(_S.PAUSED,)),
    "resume": _rule(
        (_S.PAUSED, _S.STOPPED, _S.USER_STOPPED),
        done=NOT_STARTED_STATES,
    ),
    "stop": _rule((_S.READY, *RUNNING_STATES), done=(_S.USER_STOPPED,)),
    "delete": _rule(DELETABLE_STATES),
    # Run properties are read when the job is uploaded and submitted: not while it is running.
    "set_run_properties": _rule(_SETTLED),
    # The priority only affects the order of claims: it can be changed at any time.
    "set_priority": _rule(tuple(JobState)),
    "set_state": _rule(tuple(JobState)),
    # stop_children and stop_jobflow of a Response turn these into STOPPED.
    "stop_by_job": _rule(NOT_STARTED_STATES, done=(_S.STOPPED,)),
}
"""Accepted states by action. The same as in jobflow-remote 1.0.1, except where docs/differences.md
says otherwise."""


_WORDS = {
    "set_run_properties": "setting worker, resources, exec_config or retry",
    "set_priority": "setting the priority",
    "set_state": "setting the state",
}
"""Actions whose name no user types, in words."""


def check_action(
    action: str, db_id: str, state: JobState, *, force: bool = False, hint: str | None = None
) -> None:
    """Raise if the job's state does not allow the action.

    Raises
    ------
    StateError
        The state does not allow the action; the error names the accepted states, and ``force``.
    """
    rule = ACTIONS[action]
    allowed = rule.allowed(force=force)
    if state in allowed:
        return
    if hint is None and state in rule.forced:
        hint = "use force (--force)"
    names = ", ".join(s.value for s in JobState if s in allowed)
    raise StateError(
        f"job {db_id} is in state {state.value}: {_WORDS.get(action, action)} accepts {names}",
        action=action,
        db_id=db_id,
        state=state,
        allowed=tuple(s for s in JobState if s in allowed),
        hint=hint,
    )
