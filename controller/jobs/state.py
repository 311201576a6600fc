"""The place where scripts for jobflow-remote look for states: see `controller.states`."""

from controller.errors import DeprecatedStateError
from controller.states import (
    DELETABLE_STATES,
    ERROR_STATES,
    PAUSABLE_STATES,
    RESETTABLE_STATES,
    RUNNING_STATES,
    BatchState,
    FlowState,
    JobState,
)

__all__ = [
    "DELETABLE_STATES",
    "ERROR_STATES",
    "PAUSABLE_STATES",
    "RESETTABLE_STATES",
    "RUNNING_STATES",
    "BatchState",
    "DeprecatedStateError",
    "FlowState",
    "JobState",
]
