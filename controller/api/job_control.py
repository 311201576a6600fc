"""Pause, resume and stop jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from controller.api.base import ControllerGroup
from controller.filters import JobFilter
from controller.operations.acting import act_on_job, act_on_jobs
from controller.operations.actions import PAUSE, RESUME, STOP
from controller.operations.bulk import BulkResult, Progress
from controller.states import JobState


class JobControl(ControllerGroup):
    """Methods that pause, resume and stop jobs.

    They lock the flows concerned while they write, and require each job to be unlocked.
    `controller.rules.actions` says which states they accept.
    """

    def pause_job(
        self,
        job_id: str | None = None,
        db_id: str | None = None,
        job_index: int | None = None,
        wait: int | None = None,
    ) -> str:
        """Pause a job that has not started.

        Parameters
        ----------
        job_id, db_id, job_index
            The job; see `get_job_info`.
        wait
            Maximum number of seconds to wait for a locked job or flow; None does not wait.

        Returns
        -------
        str
            db_id of the job.

        Raises
        ------
        JobNotFoundError
            There is no such job.
        StateError
            It is neither READY nor WAITING; one that is PAUSED is not changed.
        JobLockedError, FlowLockedError
            Another process has locked the job or its flow.
        """
        db_id_, _ = act_on_job(
            self.queue,
            self.project,
            PAUSE,
            job_id=job_id,
            db_id=db_id,
            job_index=job_index,
            wait=wait,
        )
        return db_id_

    def pause_jobs(
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
        *,
        max_limit: int = 0,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> BulkResult:
        """Pause those of the selected jobs that are READY or WAITING.

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
            PAUSE,
            selection,
            raise_on_error=raise_on_error,
            wait=wait,
            max_limit=max_limit,
            dry_run=dry_run,
            progress=progress,
        )

    def resume_job(
        self,
        job_id: str | None = None,
        db_id: str | None = None,
        job_index: int | None = None,
        wait: int | None = None,
        break_lock: bool = False,
    ) -> str:
        """Resume a paused or stopped job: READY, or WAITING while its parents are not done.

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
            It is not PAUSED, STOPPED or USER_STOPPED.
        JobLockedError, FlowLockedError
            Another process has locked the job or its flow.
        """
        db_id_, _ = act_on_job(
            self.queue,
            self.project,
            RESUME,
            job_id=job_id,
            db_id=db_id,
            job_index=job_index,
            wait=wait,
            break_lock=break_lock,
        )
        return db_id_

    def resume_jobs(
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
        """Resume the selected paused and stopped jobs.

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
            RESUME,
            selection,
            raise_on_error=raise_on_error,
            wait=wait,
            break_lock=break_lock,
            max_limit=max_limit,
            dry_run=dry_run,
            progress=progress,
        )

    play_job = resume_job
    play_jobs = resume_jobs

    def stop_job(
        self,
        job_id: str | None = None,
        db_id: str | None = None,
        job_index: int | None = None,
        wait: int | None = None,
        break_lock: bool = False,
    ) -> str:
        """Stop a job that is READY or in progress; it is cancelled in its queue.

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
            It is neither READY nor in progress; one that is USER_STOPPED is not changed.
        JobLockedError, FlowLockedError
            Another process has locked the job or its flow.
        """
        db_id_, _ = act_on_job(
            self.queue,
            self.project,
            STOP,
            job_id=job_id,
            db_id=db_id,
            job_index=job_index,
            wait=wait,
            break_lock=break_lock,
        )
        return db_id_

    def stop_jobs(
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
        """Stop those of the selected jobs that are READY or in progress.

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
            STOP,
            selection,
            raise_on_error=raise_on_error,
            wait=wait,
            break_lock=break_lock,
            max_limit=max_limit,
            dry_run=dry_run,
            progress=progress,
        )
