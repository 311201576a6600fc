"""The fields to record for a job that a pilot has run, lost or refused. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from controller.config.workers import WorkerBase
from controller.documents import get_reset_job_base_dict, utc_now
from controller.documents.attempts import ended_attempts
from controller.rules.pilots import BLAMELESS, DEATHS, cause_of_pilots_end, deaths_of
from controller.states import Cause, JobState

Fields = dict[str, Any]


def ended_fields(job: Mapping[str, Any], process_id: str | None, worker: WorkerBase) -> Fields:
    """Return the fields to set on a job whose script has ended."""
    fields: Fields = {
        "state": (JobState.DOWNLOADED if worker.is_local else JobState.RUN_FINISHED).value,
        "remote.process_id": process_id or (job.get("remote") or {}).get("process_id"),
        "remote.queue_state": None,
        "remote.queue_reason": None,
    }
    if worker.delay_download and not worker.is_local:
        later = utc_now() + timedelta(seconds=worker.delay_download)
        fields["remote.retry_time_limit"] = later
    return fields


def given_back_fields(job: Mapping[str, Any], batch_uid: str, why: str, word: str | None) -> Fields:
    """Return the fields to set on a job that a pilot did not finish.

    The job runs again from the beginning, and no attempt is counted, unless too many pilots in a
    row have ended while running it.

    Parameters
    ----------
    batch_uid
        batch_uid of the pilot; "" if unknown.
    why
        The reason given by the pilot; "" if it gave none because it died.
    word
        The queue's word for the end of the pilot, if any.
    """
    now, cause = utc_now(), cause_of_pilots_end(word)
    said = why or f"its pilot ended while it ran{f' ({word})' if word else ''}"
    # A pilot that gives a reason ended as planned: no job is to blame.
    counts = not why and cause.value not in BLAMELESS
    deaths = deaths_of(job) + counts
    is_poison = counts and deaths >= DEATHS
    text = (
        f"{deaths} pilots in a row ended while they ran this job (the last one: {word or 'killed'})"
        ": it may need more memory or time than they have. Correct that, then `jf job rerun`"
    )
    attempts = ended_attempts(
        job,
        now=now,
        state=JobState.REMOTE_ERROR if is_poison else None,
        cause=(Cause.CANCELLED_OUTSIDE if why else cause).value,
        headline=text if is_poison else said,
    )
    if batch_uid:
        attempts[-1]["batch_uid"] = batch_uid
    if is_poison:
        return {
            "state": JobState.REMOTE_ERROR.value,
            # A retry starts with the upload: the job is no longer in the pool.
            "previous_state": JobState.CHECKED_OUT.value,
            "remote.error": text,
            "error_cause": cause.value,
            "attempts": attempts,
            "updated_on": now,
        }
    return {
        **get_reset_job_base_dict(now),
        "state": JobState.READY.value,
        "remote.prerun_cleanup": True,
        "remote.process_id": None,
        "attempts": attempts,
    }


def refused_fields(job: Mapping[str, Any], why: str) -> Fields:
    """Return the fields to set on a job that no pilot of its worker can run."""
    now = utc_now()
    text = f"{why}: give it less time (`jf job set resources`), or another worker, and retry it"
    attempts = ended_attempts(
        job,
        now=now,
        state=JobState.REMOTE_ERROR,
        step=JobState.BATCH_SUBMITTED,
        cause=Cause.WALLTIME.value,
        headline=text,
    )
    return {
        "state": JobState.REMOTE_ERROR.value,
        "previous_state": JobState.CHECKED_OUT.value,
        "remote.error": text,
        "error_cause": Cause.WALLTIME.value,
        "attempts": attempts,
        "updated_on": now,
    }
