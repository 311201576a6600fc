"""DOWNLOADED -> COMPLETED or FAILED: the output is stored and the flow continues."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from controller.documents import flow_of
from controller.errors import NotYetError
from controller.runner.context import RunnerContext
from controller.runner.stages.download import download_folder, remove_download
from controller.states import JobState

logger = logging.getLogger(__name__)


def complete(context: RunnerContext, job: dict[str, Any]) -> dict[str, Any]:
    """Complete a job; return the fields to set, of which there are none."""
    store = context.jobstore(flow_of(job))
    local = context.worker(job["worker"]).is_local
    good = context.controller.complete_job(job, _files(context, job, local=local), store)
    if not local:
        remove_download(context, job)
    again = job["state"] == JobState.READY.value
    bad = "has not completed, and will be retried" if again else "failed"
    logger.info("job %s %s", job["db_id"], "completed" if good else bad)
    return {}


def _files(context: RunnerContext, job: dict[str, Any], *, local: bool) -> Path:
    """Return where the files of a job are on this machine."""
    if local:
        return Path(job["run_dir"])
    folder = download_folder(context, job)
    if not folder.exists():
        # They may have been fetched by a runner on another machine; or the folder was emptied.
        context.to_fetch.add(job["db_id"])
        raise NotYetError(f"the files of job {job['db_id']} are not on this machine yet")
    return folder
