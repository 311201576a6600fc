"""Hold jobs back, let them go on, end them."""

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

    They lock the flows concerned while they write, and ask of each job that it is not locked.
    `controller.rules.actions` says which states they accept.
    """

    def pause_job(
        self,
        job_id: str | None = None,
        db_id: str | None = None,
        job_index: int | None = None,
        wait: int | None = None,
    ) -> str:
        """Hold a job back that has not begun.

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
            It is neither READY nor WAITING; one that is PAUSED is left as it is.
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
        """Hold the selected jobs back, those that are READY or WAITING.

        Parameters
        ----------
        job_ids, db_ids, flow_ids, states, start_date, end_date, name, metadata, workers
            See `JobFilter`.
        custom_query
            See `JobFilter`.
        raise_on_error
            Raise at the first job that is refused, before anything of its flow is written; else
            refusals are in the result.
        wait
            Maximum number of seconds to wait for a locked job or flow; None does not wait.
        max_limit
            Refuse to do it to more jobs than this; 0 means no limit.
        dry_run
            Plan only; the result says what would change.
        progress
            Called with (jobs dealt with, jobs in total).
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
        """Let a paused or stopped job go on: READY, or WAITING while it has to wait for others.

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
            It is neither PAUSED nor STOPPED nor USER_STOPPED.
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
        """Let the selected paused and stopped jobs go on.

        Parameters
        ----------
        job_ids, db_ids, flow_ids, states, start_date, end_date, name, metadata, workers
            See `JobFilter`.
        custom_query
            See `JobFilter`.
        raise_on_error
            Raise at the first job that is refused, before anything of its flow is written; else
            refusals are in the result.
        wait
            Maximum number of seconds to wait for a locked job or flow; None does not wait.
        break_lock
            Take the lock even if another process holds it; its writes are refused from then on.
        max_limit
            Refuse to do it to more jobs than this; 0 means no limit.
        dry_run
            Plan only; the result says what would change.
        progress
            Called with (jobs dealt with, jobs in total).
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
        """End a job that is READY or under way; what runs of it is ended in its queue.

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
            It is neither READY nor under way; one that is USER_STOPPED is left as it is.
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
        """End the selected jobs, those that are READY or under way.

        Parameters
        ----------
        job_ids, db_ids, flow_ids, states, start_date, end_date, name, metadata, workers
            See `JobFilter`.
        custom_query
            See `JobFilter`.
        raise_on_error
            Raise at the first job that is refused, before anything of its flow is written; else
            refusals are in the result.
        wait
            Maximum number of seconds to wait for a locked job or flow; None does not wait.
        break_lock
            Take the lock even if another process holds it; its writes are refused from then on.
        max_limit
            Refuse to do it to more jobs than this; 0 means no limit.
        dry_run
            Plan only; the result says what would change.
        progress
            Called with (jobs dealt with, jobs in total).
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
