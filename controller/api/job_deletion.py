"""Delete jobs, and the files of runs."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from controller.api.base import ControllerGroup
from controller.documents import JobInfo
from controller.errors import ConfigError, RemoteError, StateError
from controller.filters import JobFilter
from controller.operations.acting import act_on_job, act_on_jobs
from controller.operations.actions import delete
from controller.operations.bulk import BulkResult, Progress
from controller.operations.cleanup import remove_run_dir
from controller.operations.connections import Connections
from controller.states import JobState

logger = logging.getLogger(__name__)


class JobDeletion(ControllerGroup):
    """Methods that delete jobs.

    The flow stays consistent: its lists and its children no longer name the job. A child that
    still waited for its output is STOPPED, unless it can run without it. A deleted job that runs
    is cancelled.
    """

    def delete_job(
        self,
        job_id: str | None = None,
        db_id: str | None = None,
        job_index: int | None = None,
        delete_output: bool = False,
        delete_files: bool = False,
        wait: int | None = None,
        break_lock: bool = False,
    ) -> str:
        """Delete a job.

        Parameters
        ----------
        job_id, db_id, job_index
            The job; see `get_job_info`.
        delete_output
            Delete its output in the JobStore too.
        delete_files
            Also delete its run directory: immediately if the worker can be reached, otherwise the
            next runner that can reach it does so.
        wait
            Maximum number of seconds to wait for a locked job or flow; None does not wait.
        break_lock
            Take the lock even if another process holds it.

        Returns
        -------
        str
            db_id of the job.

        Raises
        ------
        JobNotFoundError
            There is no such job.
        StateError
            A batch process is running it, or it is the last job of its flow.
        JobLockedError, FlowLockedError
            Another process has locked the job or its flow.
        """
        db_id_, _ = act_on_job(
            self.queue,
            self.project,
            delete(files=delete_files, outputs=delete_output),
            job_id=job_id,
            db_id=db_id,
            job_index=job_index,
            wait=wait,
            break_lock=break_lock,
        )
        return db_id_

    def delete_jobs(
        self,
        job_ids: tuple[str, int] | list[tuple[str, int]] | None = None,
        db_ids: str | list[str] | None = None,
        flow_ids: str | list[str] | None = None,
        states: JobState | list[JobState] | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        name: str | None = None,
        metadata: dict[str, Any] | None = None,
        workers: str | list[str] | None = None,
        custom_query: dict[str, Any] | None = None,
        raise_on_error: bool = True,
        wait: int | None = None,
        delete_output: bool = False,
        delete_files: bool = False,
        max_limit: int = 10,
        *,
        break_lock: bool = False,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> BulkResult:
        """Delete the selected jobs; see `delete_job`.

        Parameters
        ----------
        job_ids, db_ids, flow_ids, states, start_date, end_date, name, metadata, workers
            See `JobFilter`.
        custom_query
            See `JobFilter`.
        raise_on_error, wait, break_lock, dry_run, progress
            See `pause_jobs` and `stop_jobs`.
        delete_output, delete_files
            See `delete_job`.
        max_limit
            Refuse to delete more jobs than this; 0 means no limit.

        Raises
        ------
        TooManyError
            More jobs than ``max_limit`` are selected; nothing was deleted.
        """
        selection = JobFilter(
            job_ids=job_ids,
            db_ids=db_ids,
            flow_ids=flow_ids,
            states=states,
            start_date=start_date,
            end_date=end_date,
            name=name,
            metadata=metadata,
            workers=workers,
            custom_query=custom_query,
        )
        return act_on_jobs(
            self.queue,
            self.project,
            delete(files=delete_files, outputs=delete_output),
            selection,
            max_limit=max_limit,
            raise_on_error=raise_on_error,
            wait=wait,
            break_lock=break_lock,
            dry_run=dry_run,
            progress=progress,
        )

    def safe_delete_files(self, jobs_info: Iterable[JobInfo]) -> list[JobInfo]:
        """Delete run directories: only those that contain a job's input.

        Parameters
        ----------
        jobs_info
            The jobs, in any state.

        Returns
        -------
        list
            The jobs whose folder was deleted. Others are logged with the reason.
        """
        connections = Connections(self._need_project())
        deleted = []
        for job in jobs_info:
            if not job.run_dir:
                continue
            try:
                host, confirm = connections.host(job.worker), partial(self._same_attempt, job)
                remove_run_dir(
                    host, Path(job.run_dir), confirm=confirm, token=job.remote.submission_token
                )
            except (RemoteError, ConfigError, StateError) as error:
                logger.warning("files of job %s: %s", job.db_id, error)
            else:
                deleted.append(job)
        return deleted

    def _same_attempt(self, job: JobInfo) -> None:
        """Check that a job, if it still exists, was not restarted since it was read."""
        now = self.queue.jobs.find_one({"uuid": job.uuid, "index": job.index}, ["db_id", "remote"])
        if (
            now is not None
            and (now.get("remote") or {}).get("submission_token") != job.remote.submission_token
        ):
            raise StateError(f"job {job.db_id} was restarted: its folder was not deleted")
