"""What becomes of a job whose runner step failed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from controller.errors import (
    ControllerError,
    DocumentTooLargeError,
    HostUnavailableError,
    LockedDocumentError,
    LockLostError,
    NotYetError,
    QueueBusyError,
    RemoteError,
    StillRunningError,
    StorageUnavailableError,
)
from controller.states import JobState

_BUSY = (
    LockedDocumentError,
    LockLostError,
    StillRunningError,
    NotYetError,
    StorageUnavailableError,
    HostUnavailableError,
    QueueBusyError,
)

LONGEST_REFUSAL = 300.0
"""Seconds at most until a job that its queue did not take is tried again."""


def is_busy(error: BaseException) -> bool:
    """Whether a step was only held up: it consumes no attempt and fails no job."""
    return isinstance(error, _BUSY)


def is_final(error: BaseException) -> bool:
    """Whether repeating the step cannot help."""
    if isinstance(error, RemoteError):
        return error.no_retry
    if isinstance(error, DocumentTooLargeError):
        return True
    return isinstance(error, ControllerError) and isinstance(error, ValueError)


def refused_update(error: BaseException, now: datetime) -> dict[str, Any] | None:
    """Return the ``$set`` that says why a queue took no job and when it is tried again.

    Parameters
    ----------
    now
        Naive UTC.

    Returns
    -------
    dict or None
        None for errors that say nothing of the kind: nothing is to be stored.
    """
    if not isinstance(error, QueueBusyError):
        return None
    wait = timedelta(seconds=error.retry_in or 0.0)
    return {
        "remote.queue_reason": error.reason,
        "remote.retry_time_limit": now + wait,
        "updated_on": now,
    }


def due_query(now: datetime, longest_delay: float) -> dict[str, Any]:
    """Return the filter of jobs whose next step may begin.

    A time that lies further ahead than any delay was written before the machine's clock was set
    back; it counts as reached.

    Parameters
    ----------
    now
        Naive UTC.
    longest_delay
        Seconds that a step may have been put off at most.
    """
    path, farthest = "remote.retry_time_limit", now + timedelta(seconds=longest_delay)
    return {"$or": [{path: None}, {path: {"$lte": now}}, {path: {"$gt": farthest}}]}


def failed_step_update(
    *,
    state: JobState,
    attempts: int,
    max_attempts: int,
    delays: Sequence[float],
    final: bool,
    text: str,
    now: datetime,
) -> dict[str, Any]:
    """Return the ``$set`` that records a failed step.

    Parameters
    ----------
    state
        The job's state, which the step should have advanced.
    attempts
        Failed attempts before this one.
    max_attempts, delays
        ``max_step_attempts`` and ``delta_retry`` (seconds) of the project.
    final
        From `is_final`.
    text
        What went wrong.
    now
        Naive UTC.

    Returns
    -------
    dict
        With attempts left: when to try again. Otherwise REMOTE_ERROR, and where it happened.
    """
    update: dict[str, Any] = {"remote.error": text, "updated_on": now}
    if final or attempts >= max_attempts:
        update.update(state=JobState.REMOTE_ERROR.value, previous_state=state.value)
        return update
    delay = delays[min(attempts, len(delays) - 1)]
    update["remote.step_attempts"] = attempts + 1
    update["remote.retry_time_limit"] = now + timedelta(seconds=delay)
    return update


def succeeded_step_update(now: datetime, next_step_delay: float | None = None) -> dict[str, Any]:
    """Return the ``$set`` that goes with every step that succeeded."""
    wait = None if next_step_delay is None else now + timedelta(seconds=next_step_delay)
    return {
        "remote.step_attempts": 0,
        "remote.retry_time_limit": wait,
        "remote.error": None,
        "updated_on": now,
    }
