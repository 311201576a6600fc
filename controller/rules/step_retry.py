"""What happens to a job whose runner step failed."""

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
"""Maximum time in seconds until a job that its queue did not accept is retried."""


def is_busy(error: BaseException) -> bool:
    """Whether a step was only delayed: it does not count as an attempt or fail the job."""
    return isinstance(error, _BUSY)


def is_final(error: BaseException) -> bool:
    """Whether repeating the step cannot help."""
    if isinstance(error, RemoteError):
        return error.no_retry
    if isinstance(error, DocumentTooLargeError):
        return True
    return isinstance(error, ControllerError) and isinstance(error, ValueError)


def refused_update(error: BaseException, now: datetime) -> dict[str, Any] | None:
    """Return the ``$set`` that records why a queue accepted no job and when it is retried.

    Parameters
    ----------
    now
        Naive UTC.

    Returns
    -------
    dict or None
        None for other errors: nothing is stored.
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
    """Return the filter of jobs whose next step is due.

    A time further in the future than any delay was written before the machine's clock was set back;
    it counts as reached.

    Parameters
    ----------
    now
        Naive UTC.
    longest_delay
        Longest time in seconds by which a step can have been postponed.
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
        The job's state, in which the step was tried.
    attempts
        Failed attempts before this one.
    max_attempts, delays
        ``max_step_attempts`` and ``delta_retry`` (seconds) of the project.
    final
        The result of `is_final`.
    text
        The error.
    now
        Naive UTC.

    Returns
    -------
    dict
        If attempts are left: when to retry. Otherwise REMOTE_ERROR, and where it happened.
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
    """Return the ``$set`` that accompanies every successful step."""
    wait = None if next_step_delay is None else now + timedelta(seconds=next_step_delay)
    return {
        "remote.step_attempts": 0,
        "remote.retry_time_limit": wait,
        "remote.error": None,
        "updated_on": now,
    }
