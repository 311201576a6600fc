"""RUN_FINISHED -> DOWNLOADED: the output files of a job on another machine are copied here."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from controller.documents import flow_of
from controller.execution.files import EXIT_FILE, OUT_FILE, QUEUE_ERR, QUEUE_OUT, run_dir_path
from controller.paths import make_private_folder
from controller.runner.context import RunnerContext
from controller.runner.stages.upload import files_of_outputs
from controller.schedulers.start import STARTED
from controller.states import JobState

logger = logging.getLogger(__name__)


def download(context: RunnerContext, job: dict[str, Any]) -> dict[str, Any]:
    """Fetch the output files of a job; return the fields to set.

    A missing file is not an error here: its meaning is decided when the job is completed.
    """
    fetch(context, job)
    return {"state": JobState.DOWNLOADED.value}


def fetch_again(context: RunnerContext, job: dict[str, Any]) -> dict[str, Any]:
    """Fetch the output files of a job on another machine; its state does not change."""
    fetch(context, job)
    context.to_fetch.discard(job["db_id"])
    return {}


def download_folder(context: RunnerContext, job: dict[str, Any]) -> Path:
    """Return the folder that keeps the files of a job on another machine until it is completed."""
    return run_dir_path(Path(context.project.tmp_dir) / "download", job["uuid"], job["index"])


def fetch(context: RunnerContext, job: dict[str, Any]) -> None:
    """Fetch the files of a job that are needed to complete it."""
    fetch_many(context, [job])


def fetch_many(context: RunnerContext, jobs: Sequence[dict[str, Any]]) -> None:
    """Fetch the files that are needed to complete jobs of one worker, all together."""
    wanted: dict[Path, Path] = {}
    folders = []
    for job in jobs:
        spec = context.jobstore_spec(flow_of(job))
        results = [OUT_FILE, *files_of_outputs(context, spec).values()]
        twins = [n.removesuffix(".gz") if n.endswith(".gz") else f"{n}.gz" for n in results]
        run_dir, folder = Path(job["run_dir"]), download_folder(context, job)
        folders.append(folder)
        for name in (QUEUE_OUT, QUEUE_ERR, EXIT_FILE, STARTED, *results, *twins):
            wanted[run_dir / name] = folder / name
    found = set(context.host(jobs[0]["worker"]).fetch(wanted))
    for source, target in wanted.items():
        if source not in found:
            target.unlink(missing_ok=True)  # of an earlier run
    for folder in folders:
        make_private_folder(folder)


def remove_download(context: RunnerContext, job: dict[str, Any]) -> None:
    """Remove the files of a job that has been completed, unless the project keeps them."""
    if context.project.runner.delete_tmp_folder:
        shutil.rmtree(download_folder(context, job), ignore_errors=True)
