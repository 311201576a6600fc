"""SUBMITTED, RUNNING -> RUNNING, RUN_FINISHED, DOWNLOADED: from the queue's reply."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from controller.documents import utc_now
from controller.schedulers.queued_jobs import ENDED_STATES, QueuedJob
from controller.states import JobState


def queue_update(
    job: dict[str, Any], queued: QueuedJob, *, local: bool, delay_download: float | None = None
) -> dict[str, Any] | None:
    """Return the update of a job due to a queue's reply; None for no change.

    Parameters
    ----------
    job
        Document with ``state`` and ``remote``.
    queued
        The reply of the queue.
    local
        Whether the worker is local, so that nothing is downloaded.
    delay_download
        Seconds after the end of a job until its files are certainly visible; None for no delay.
    """
    state, known = queued.state, job.get("remote") or {}
    found: dict[str, Any] = {}
    if queued.process_id != str(known.get("process_id")):
        found["remote.process_id"] = queued.process_id
    if queued.process is not None and queued.process != known.get("process"):
        found["remote.process"] = dict(queued.process)
    if state == "RUNNING" and job["state"] != JobState.RUNNING.value:
        return {
            "state": JobState.RUNNING.value,
            "start_time": utc_now(),
            "end_time": None,  # of an earlier run, if any
            "remote.queue_state": queued.word or state,
            "remote.queue_reason": None,
            **found,
        }
    if state == "QUEUED" and queued.word and job["state"] == JobState.RUNNING.value:
        # It was requeued under the same id: the queue will start it again.
        return {
            "state": JobState.SUBMITTED.value,
            "start_time": None,
            "remote.queue_state": queued.word,
            "remote.queue_reason": queued.reason,
            **found,
        }
    if state in ENDED_STATES:
        finished = JobState.DOWNLOADED if local else JobState.RUN_FINISHED
        if delay_download and not local:
            found["remote.retry_time_limit"] = utc_now() + timedelta(seconds=delay_download)
        return {
            "state": finished.value,
            "remote.queue_state": queued.word or state,
            "remote.queue_reason": None,
            **found,
        }
    return found or None


def waiting_update(job: dict[str, Any], queued: QueuedJob) -> dict[str, Any] | None:
    """Return the update of the reason why a job waits in its queue; None for no change.

    It is shown to users only: no step depends on it, and it may change often.
    """
    if queued.state != "QUEUED" or job["state"] != JobState.SUBMITTED.value:
        return None
    known = job.get("remote") or {}
    new = {"queue_state": queued.word or queued.state, "queue_reason": queued.reason}
    if all(known.get(name) == value for name, value in new.items()):
        return None
    return {f"remote.{name}": value for name, value in new.items()}
