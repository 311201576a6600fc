"""Run jobs again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from controller.api.base import ControllerGroup
from controller.filters import JobFilter
from controller.operations.acting import act_on_job, act_on_jobs
from controller.operations.actions import RETRY, rerun
from controller.operations.bulk import BulkResult, Progress
from controller.states import JobState


class JobRestart(ControllerGroup):
    """Methods that run jobs again."""

    def rerun_job(
        self,
        job_id: str | None = None,
        db_id: str | None = None,
        job_index: int | None = None,
        force: bool = False,
        wait: int | None = None,
        break_lock: bool = False,
        *,
        delete_files: bool = True,
    ) -> BulkResult:
        """Run a job and those that depend on it again from the start.

        A job in progress only starts over: its process is cancelled before its folder is
        used again. One that FAILED, or has a REMOTE_ERROR, sets its children back to WAITING.

        Parameters
        ----------
        job_id, db_id, job_index
            The job; see `get_job_info`.
        force
            Accept jobs in any final state, and also rerun all that depend on them.
        wait
            Maximum number of seconds to wait for a locked job or flow; None does not wait.
        break_lock
            Take the lock even if another process holds it; its writes are refused from then on.
        delete_files
            The next upload removes the run directory first.

        Returns
        -------
        BulkResult
            db_ids of the jobs that changed: those that depend on the job first.

        Raises
        ------
        JobNotFoundError
            There is no such job.
        StateError
            The state of the job, or of one that depends on it, does not allow it; or the job
            was replaced.
        JobLockedError, FlowLockedError
            Another process has locked the job or its flow.
        """
        _, done = act_on_job(
            self.queue,
            self.project,
            rerun(force=force, delete_files=delete_files),
            job_id=job_id,
            db_id=db_id,
            job_index=job_index,
            wait=wait,
            break_lock=break_lock,
        )
        return done

    def rerun_jobs(
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
        force: bool = False,
        wait: int | None = None,
        break_lock: bool = False,
        *,
        delete_files: bool = True,
        max_limit: int = 0,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> BulkResult:
        """Run the selected jobs again from the start; see `rerun_job`.

        Parameters
        ----------
        job_ids, db_ids, flow_ids, states, start_date, end_date, name, metadata, workers
            See `JobFilter`.
        custom_query
            See `JobFilter`.
        raise_on_error
            Raise at the first refused job, before anything of its flow is written; otherwise
            refusals are in the result.
        force
            Accept jobs in any final state, and also rerun all that depend on them.
        wait
            Maximum number of seconds to wait for a locked job or flow; None does not wait.
        break_lock
            Take the lock even if another process holds it; its writes are refused from then on.
        delete_files
            The next upload removes the run directory first.
        max_limit
            Maximum number of jobs: with more, nothing is changed; 0 means no limit.
        dry_run
            Plan only; the result says what would change.
        progress
            Called with (jobs processed, jobs in total).
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
            rerun(force=force, delete_files=delete_files),
            selection,
            raise_on_error=raise_on_error,
            wait=wait,
            break_lock=break_lock,
            max_limit=max_limit,
            dry_run=dry_run,
            progress=progress,
        )

    def retry_job(
        self,
        job_id: str | None = None,
        db_id: str | None = None,
        job_index: int | None = None,
        wait: int | None = None,
        break_lock: bool = False,
    ) -> str:
        """Retry a step of the runner immediately.

        A job with a REMOTE_ERROR goes back to the state in which it happened.

        Parameters
        ----------
        job_id, db_id, job_index
            The job; see `get_job_info`.
        wait
            Maximum number of seconds to wait for a locked job or flow; None does not wait.
        break_lock
            Take the lock even if another process holds it; its writes are refused from then on.

        Returns
        -------
        str
            db_id of the job.

        Raises
        ------
        JobNotFoundError
            There is no such job.
        StateError
            It is neither in REMOTE_ERROR nor in progress.
        JobLockedError, FlowLockedError
            Another process has locked the job or its flow.
        """
        db_id_, _ = act_on_job(
            self.queue,
            self.project,
            RETRY,
            job_id=job_id,
            db_id=db_id,
            job_index=job_index,
            wait=wait,
            break_lock=break_lock,
        )
        return db_id_

    def retry_jobs(
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
        break_lock: bool = False,
        *,
        max_limit: int = 0,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> BulkResult:
        """Retry steps of the runner immediately; see `retry_job`.

        Parameters
        ----------
        job_ids, db_ids, flow_ids, states, start_date, end_date, name, metadata, workers
            See `JobFilter`.
        custom_query
            See `JobFilter`.
        raise_on_error
            Raise at the first refused job, before anything of its flow is written; otherwise
            refusals are in the result.
        wait
            Maximum number of seconds to wait for a locked job or flow; None does not wait.
        break_lock
            Take the lock even if another process holds it; its writes are refused from then on.
        max_limit
            Maximum number of jobs: with more, nothing is changed; 0 means no limit.
        dry_run
            Plan only; the result says what would change.
        progress
            Called with (jobs processed, jobs in total).
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
            RETRY,
            selection,
            raise_on_error=raise_on_error,
            wait=wait,
            break_lock=break_lock,
            max_limit=max_limit,
            dry_run=dry_run,
            progress=progress,
        )
