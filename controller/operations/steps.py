"""A step of a runner: how often it is tried, and what is recorded about it.

`controller.operations.batch_steps` does the step of many jobs at once.

The outcome is a value, `StepOutcome`. What the step itself did is in the fields that it returns or
in the error that it raises; either is written to the job together with the end of the lock.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.documents import utc_now
from controller.documents.attempts import ended_attempts
from controller.locks import MongoLock
from controller.operations.failures import error_text, log_fields
from controller.operations.queue import Queue
from controller.operations.retrying import planned_retry
from controller.rules.causes import cause_of_failed_step
from controller.rules.step_retry import (
    LONGEST_REFUSAL,
    due_query,
    failed_step_update,
    is_busy,
    is_final,
    refused_update,
    succeeded_step_update,
)
from controller.rules.why import error_line
from controller.states import Cause, JobState
from controller.storage.base import Document

if TYPE_CHECKING:
    from controller.config import Project
    from controller.config.retries import RetryRule

logger = logging.getLogger(__name__)

CLAIM_ORDER = [("priority", -1), ("created_on", 1)]
"""Higher priority first, then order of submission."""


@dataclass(frozen=True)
class RetryPolicy:
    """How often and when a step is retried; times are in seconds.

    Attributes
    ----------
    max_attempts, delays
        ``max_step_attempts`` and ``delta_retry`` of the project.
    longest_delay
        Longest time by which the next step of a job can have been postponed.
    project
        Its workers and exec_configs define when jobs are retried.
    """

    max_attempts: int
    delays: Sequence[float]
    longest_delay: float = 0.0
    project: Project | None = None

    @classmethod
    def for_project(
        cls,
        project: Project | None,
        max_attempts: int | None = None,
        delays: Sequence[float] | None = None,
    ) -> RetryPolicy:
        """Create from a project, with the longest delay of its workers."""
        if project is not None:
            options = project.runner
            max_attempts = options.max_step_attempts if max_attempts is None else max_attempts
            delays = options.delta_retry if delays is None else delays
        assert max_attempts is not None
        assert delays is not None
        workers = project.workers.values() if project else ()
        waits = [w.delay_download or 0.0 for w in workers]
        waits += [wait for rule in _rules(project) for wait in (rule.delay, rule.delay_max)]
        longest = max([LONGEST_REFUSAL, *delays, *waits])
        return cls(max_attempts, delays, longest, project)


def _rules(project: Project | None) -> list[RetryRule]:
    """All retry rules of a project file."""
    if project is None:
        return []
    holders = [*project.workers.values(), *project.exec_config.values()]
    return [rule for holder in holders for rule in holder.retry or ()]


class StepResult(Enum):
    """The kinds of outcome of a step."""

    ADVANCED = auto()  # recorded: the job continues
    FAILED = auto()  # recorded: another attempt later, or REMOTE_ERROR
    HELD_UP = auto()  # no attempt is counted: a lock or a machine is in use, or a queue is full
    LOST = auto()  # nothing is recorded: another process now has the job, or has deleted it
    NOT_RECORDED = auto()  # the outcome cannot be written; this affects only this job


@dataclass(frozen=True)
class StepOutcome:
    """The outcome of a step.

    Attributes
    ----------
    job
        The job's document when it was locked.
    result
        The kind of outcome.
    fields
        The fields that the step set; empty if it did not succeed.
    error
        Why it did not advance the job.
    """

    job: Document
    result: StepResult
    fields: Mapping[str, Any] = field(default_factory=dict)
    error: Exception | None = None


def due_job_lock(
    queue: Queue, query: Mapping[str, Any], retries: RetryPolicy, **kwargs: Any
) -> MongoLock:
    """Return a lock, not acquired yet, for the first eligible job whose next step is due.

    Parameters
    ----------
    kwargs
        Further keywords of `MongoLock`.
    """
    eligible = eligible_query(query, retries)
    return MongoLock(collection=queue.jobs, filter=eligible, **{"sort": CLAIM_ORDER, **kwargs})


def eligible_query(query: Mapping[str, Any], retries: RetryPolicy) -> dict[str, Any]:
    """Return the filter of the jobs among those of a query whose next step is due."""
    due = due_query(utc_now(), retries.longest_delay)
    return {**query, "$and": [*query.get("$and", []), due]}


def plan_end(
    job: Document,
    error: Exception | None,
    retries: RetryPolicy,
    now: datetime,
    *,
    next_step_delay: float | None = None,
) -> tuple[StepResult, dict[str, Any] | None]:
    """Decide what to record about a step.

    Parameters
    ----------
    job
        The document when it was locked; READY if the step ended it and it is retried.
    error
        Why the step failed, or what delayed it; None if it succeeded.
    now
        Naive UTC.
    next_step_delay
        Minimum time in seconds before the next step.

    Returns
    -------
    StepResult
        ADVANCED, HELD_UP or FAILED.
    dict or None
        The fields to set, besides those of a step that succeeded. With None the job is only
        unlocked, provided that its state has not changed: a step that was recorded but not
        finished is left to the process that takes the lock over.
    """
    if error is None:
        fields = succeeded_step_update(now, next_step_delay)
        if job["state"] == JobState.READY.value:  # it ended in this step, and is retried
            fields["remote.retry_time_limit"] = job["remote"]["retry_time_limit"]
        return StepResult.ADVANCED, fields
    if is_busy(error):
        logger.debug("job %s: held up: %.1000s", job["db_id"], error)
        return StepResult.HELD_UP, refused_update(error, now)
    logger.warning("job %s: a step failed: %.1000s", job["db_id"], error)
    return StepResult.FAILED, _failure_fields(job, error, retries, now)


def record_end(
    lock: MongoLock,
    job: Document,
    error: Exception | None,
    retries: RetryPolicy,
    *,
    next_step_delay: float | None = None,
) -> StepResult:
    """Write the outcome of a step, and unlock its job.

    Parameters
    ----------
    lock
        The job's lock; its ``update_on_release`` contains the changes of a successful step.
    job
        The document when it was locked; READY if the step ended it and it is retried.
    error
        Why the step failed, or what delayed it; None if it succeeded.
    next_step_delay
        Minimum time in seconds before the next step.

    Raises
    ------
    LockLostError
        The lock on the job was lost; nothing was written.
    """
    result, fields = plan_end(job, error, retries, utc_now(), next_step_delay=next_step_delay)
    if fields is None:
        lock.abandon(unchanged={"state": job["state"]})
        return result
    if error is not None:
        lock.update_on_release = {"$set": fields}
    elif isinstance(given := lock.update_on_release, dict):
        given["$set"] = {**fields, **given.get("$set", {})}
    lock.release()
    return result


def _failure_fields(
    job: Document, error: Exception, retries: RetryPolicy, now: datetime
) -> dict[str, Any]:
    fields = failed_step_update(
        state=JobState(job["state"]),
        attempts=(job.get("remote") or {}).get("step_attempts") or 0,
        max_attempts=retries.max_attempts,
        delays=retries.delays,
        final=is_final(error),
        text=error_text(error),
        now=now,
    )
    if fields.get("state"):
        reads = job["state"] == JobState.DOWNLOADED.value
        cause = cause_of_failed_step(fields["remote.error"], reads_result=reads)
        fields["error_cause"] = cause.value
        if job.get("run_dir"):
            fields.update(log_fields(Path(job["run_dir"])))
        fields = _or_repeated(job, fields, cause, retries)
    return fields


def _or_repeated(
    job: Document, fields: dict[str, Any], cause: Cause, retries: RetryPolicy
) -> dict[str, Any]:
    """Record the end of an attempt by a failed step; rules may have the step repeated later."""
    retry = None
    if cause is not Cause.UNREADABLE_OUTPUT:  # reading it again would not help
        retry = planned_retry(retries.project, job, cause, fields["remote.error"], of_step=True)
    if retry is not None:
        # A time beyond all delays that are known would count as reached: see `due_query`.
        farthest = fields["updated_on"] + timedelta(seconds=retries.longest_delay)
        retry = replace(retry, at=min(retry.at, farthest))
    attempts = ended_attempts(
        job,
        now=fields["updated_on"],
        state=JobState.REMOTE_ERROR,
        step=JobState(job["state"]),
        cause=cause.value,
        headline=error_line(fields["remote.error"]),
        retry=retry.as_stored() if retry else None,
    )
    if retry is None:
        return {**fields, "attempts": attempts}
    return {
        "remote.error": fields["remote.error"],
        "remote.step_attempts": 0,
        "remote.retry_time_limit": retry.at,
        "updated_on": fields["updated_on"],
        "attempts": attempts,
    }
