"""SUBMITTED, RUNNING -> RUNNING, DOWNLOADED: what the queue says."""

from __future__ import annotations

from typing import Any

from controller.documents import utc_now
from controller.states import JobState


def queue_update(job: dict[str, Any], state: str | None, *, local: bool) -> dict[str, Any] | None:
    """Return what a queue's answer changes about a job; None for nothing.

    Parameters
    ----------
    job
        Document with ``state``.
    state
        Name of the queue's state; None when the queue no longer lists the job.
    local
        On a local worker there is nothing to download.
    """
    if state == "RUNNING":
        if job["state"] == JobState.RUNNING.value:
            return None
        return {
            "state": JobState.RUNNING.value,
            "start_time": utc_now(),
            "end_time": None,  # of an earlier run, if any
            "remote.queue_state": state,
        }
    if state in (None, "DONE", "FAILED"):
        finished = JobState.DOWNLOADED if local else JobState.RUN_FINISHED
        return {"state": finished.value, "remote.queue_state": state}
    return None
