"""DOWNLOADED -> COMPLETED or FAILED: the output is stored and the flow continues."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from controller.errors import NotYetError
from controller.operations.batch_steps import RECORDED, Answers
from controller.operations.endings import DownloadedJob
from controller.runner.context import RunnerContext
from controller.runner.stages.download import download_folder, remove_download
from controller.states import JobState

logger = logging.getLogger(__name__)


def complete(
    context: RunnerContext,
    jobs: Sequence[dict[str, Any]],
    also: Mapping[tuple[str, int], Mapping[str, Any]] | None = None,
) -> Answers:
    """Complete jobs.

    Parameters
    ----------
    also
        {(uuid, index): further fields to set when a job ends}.

    Returns
    -------
    dict
        For each job: an empty dictionary of fields to set, `RECORDED` if the job was unlocked as
        its end was recorded, or the error.
    """
    answers: Answers = {}
    here: list[DownloadedJob] = []
    stores = context.output_stores(jobs)
    for job in jobs:
        key = job["uuid"], job["index"]
        try:
            store = stores(job)
            local = context.worker(job["worker"]).is_local
            more = (also or {}).get(key, {})
            here.append(DownloadedJob(job, _files(context, job, local=local), store, more))
        except Exception as error:  # noqa: BLE001 (it is the answer for this job)
            answers[key] = error
    documents = {each.key: each.doc for each in here}
    for key, answer in context.controller.complete_jobs(here, gives_back=True).items():
        answers[key] = answer if isinstance(answer, Exception) else {}
        if isinstance(answer, JobState):
            job = documents[key]
            answers[key] = RECORDED if job["lock_id"] is None else {}
            if answer is JobState.READY:
                context.note_retry(job["remote"]["retry_time_limit"])
            if not context.worker(job["worker"]).is_local:
                remove_download(context, job)
            logger.info("job %s %s", job["db_id"], _ENDS.get(answer, answer.value))
    return answers


_ENDS = {
    JobState.COMPLETED: "completed",
    JobState.FAILED: "failed",
    JobState.READY: "has not completed, and will be retried",
}


def _files(context: RunnerContext, job: dict[str, Any], *, local: bool) -> Path:
    """Return the folder that holds the files of a job on this machine."""
    if local:
        return Path(job["run_dir"])
    folder = download_folder(context, job)
    if not folder.exists():
        # They may have been fetched by a runner on another machine; or the folder was emptied.
        context.to_fetch.add(job["db_id"])
        raise NotYetError(f"the files of job {job['db_id']} are not on this machine yet")
    return folder
