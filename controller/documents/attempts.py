"""The attempts of a job that ended: field ``attempts`` of its document, the oldest first.

jobflow-remote does not know the field, and ignores it. An entry contains only what is known::

    number            1 for the first attempt; older ones than the newest 20 are forgotten
    state             what the job became: COMPLETED, FAILED or REMOTE_ERROR; absent where a user
                      took the job back before it ended
    step              state whose step failed, where it was a step of the runner
    cause             one word of `Cause`
    error             the line of the error that says most
    worker, node      where it ran
    queue_id          in the worker's queue
    submission_token  by which it was known there
    start_time, end_time
                      of the job's function
    ended_on          when that was recorded
    retry             of a retry that the runner planned: its ``number`` out of ``limit`` by the
                      ``rule``, ``at`` which time it may begin, and the ``changes`` in words

All times are naive UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from controller.states import JobState

KEPT = 20
"""Maximum number of attempts in a document."""
_HEADLINE = 300
"""Maximum length of the error of an attempt, in characters."""

Attempts = list[dict[str, Any]]


def ended_attempts(
    job_doc: Mapping[str, Any],
    *,
    now: datetime,
    state: JobState | None,
    cause: str | None = None,
    headline: str | None = None,
    step: JobState | None = None,
    start_time: datetime | None = None,
    end_time: datetime | None = None,
    node: str | None = None,
    retry: Mapping[str, Any] | None = None,
) -> Attempts:
    """Return the attempts of a job with the one that ends now.

    Parameters
    ----------
    job_doc
        The document as it was before.
    now
        Naive UTC.
    state, cause, step, node, retry
        See the description of the entries.
    headline
        The most informative line of the error.
    start_time, end_time
        Start and end of the job's function; None means those of the document.
    """
    known, remote = earlier_attempts(job_doc), job_doc.get("remote") or {}
    ran = step is None
    entry = {
        "number": (known[-1].get("number") or len(known)) + 1 if known else 1,
        "state": state.value if state else None,
        "step": step.value if step else None,
        "cause": cause,
        "error": headline[:_HEADLINE] if headline else None,
        "worker": job_doc.get("worker"),
        "node": node or (remote.get("process") or {}).get("host"),
        "queue_id": remote.get("process_id") if ran or remote.get("queue_state") else None,
        "submission_token": remote.get("submission_token"),
        "start_time": start_time or job_doc.get("start_time"),
        "end_time": end_time or (job_doc.get("end_time") if ran else None),
        "ended_on": now,
        "retry": dict(retry) if retry else None,
    }
    return [*known, {k: v for k, v in entry.items() if v is not None}][-KEPT:]


def with_withdrawn(job_doc: Mapping[str, Any], *, now: datetime) -> Attempts | None:
    """Return the attempts of a job that is about to start a new one; None if they do not change.

    A user may have reset the job before the last attempt ended, so that its end is not recorded.
    """
    known, token = earlier_attempts(job_doc), (job_doc.get("remote") or {}).get("submission_token")
    if not token or any(attempt.get("submission_token") == token for attempt in known):
        return None
    return ended_attempts(job_doc, now=now, state=None)


def earlier_attempts(job_doc: Mapping[str, Any]) -> Attempts:
    """Return the attempts in a document, the oldest first."""
    return list(job_doc.get("attempts") or ())
