"""A job as it was submitted, and as its queue sees it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

ENDED_STATES = (None, "DONE", "FAILED")
"""States of jobs that have left the queue."""
UNSEEN = "UNDETERMINED"
"""State of a job about which the queue says nothing: it may be running, or may have ended."""


class Submission(NamedTuple):
    """A job that was submitted.

    Attributes
    ----------
    process_id
        Its id in the queue.
    run_dir
        Its run directory.
    token
        Token of the attempt.
    process
        Data on its process, if the queue is the shell: see
        `controller.identity.liveness`.
    """

    process_id: str
    run_dir: Path | None = None
    token: str | None = None
    process: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, job: Mapping[str, Any]) -> Submission:
        """Return the submission that a job document records."""
        remote = job.get("remote") or {}
        return cls(
            process_id=str(remote.get("process_id")),
            run_dir=Path(job["run_dir"]) if job.get("run_dir") else None,
            token=remote.get("submission_token"),
            process=remote.get("process"),
        )


class QueuedJob(NamedTuple):
    """A job as its queue sees it.

    Attributes
    ----------
    process_id
        Its id; it differs from the requested one if another submission of the attempt is the one
        that runs.
    state
        Name of qtoolkit's QState: QUEUED, RUNNING, DONE, FAILED and so on; None for a job that
        the queue no longer lists.
    process
        See `Submission`.
    word, reason
        The queue's own word for the state, and why the job waits, if the queue reports them.
    """

    process_id: str
    state: str | None
    process: Mapping[str, Any] | None = None
    word: str | None = None
    reason: str | None = None
