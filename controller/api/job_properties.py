"""Set properties of jobs: state, worker, execution settings, priority, any field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from controller.api.base import ControllerGroup
from controller.api.locking import check_states, unavailable_job, waiting
from controller.config.retries import plain_retries
from controller.documents import utc_now
from controller.errors import ArgumentError, EntryNotFoundError
from controller.execution.values import unstorable
from controller.filters import JobFilter, job_id_query
from controller.locks import MongoLock
from controller.operations.acting import act_on_job, act_on_jobs
from controller.operations.actions import set_fields, set_run, set_state
from controller.operations.bulk import BulkResult, Progress
from controller.operations.insertion import plain_exec_config, plain_resources, retries_of
from controller.rules.plans import RunChange, check_fields
from controller.rules.run_settings import run_settings_problem
from controller.states import JobState, parse_state, parse_states

if TYPE_CHECKING:
    from qtoolkit.core.data_objects import QResources

    from controller.config import ExecutionConfig


class JobProperties(ControllerGroup):
    """Methods that set properties of jobs."""

    def set_job_state(
        self,
        state: JobState,
        job_id: str | None = None,
        db_id: str | None = None,
        job_index: int | None = None,
        wait: int | None = None,
        break_lock: bool = False,
    ) -> str:
        """Set the state of a job without any checks. For repairs only.

        The flow's state is updated, and children whose parents are all done become READY.
        A running job is cancelled, unless its state stays the same.

        Parameters
        ----------
        state
            The new state, or its name.
        job_id, db_id, job_index
            The job; see `get_job_info`.
        wait
            Maximum number of seconds to wait for a locked job or flow; None does not wait.
        break_lock
            Take the lock even if another process holds it.

        Returns
        -------
        str
            db_id of the job.
        """
        db_id_, _ = act_on_job(
            self.queue,
            self.project,
            set_state(parse_state(JobState, state)),
            job_id=job_id,
            db_id=db_id,
            job_index=job_index,
            wait=wait,
            break_lock=break_lock,
        )
        return db_id_

    def set_jobs_state(
        self,
        state: JobState,
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
        """Set the state of the selected jobs; see `set_job_state`.

        Parameters
        ----------
        state
            The new state, or its name.
        job_ids, db_ids, flow_ids, states, start_date, end_date, name, metadata, workers
            See `JobFilter`.
        custom_query
            See `JobFilter`.
        raise_on_error, wait, break_lock, max_limit, dry_run, progress
            See `pause_jobs` and `stop_jobs`.
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
            set_state(parse_state(JobState, state)),
            selection,
            raise_on_error=raise_on_error,
            wait=wait,
            break_lock=break_lock,
            max_limit=max_limit,
            dry_run=dry_run,
            progress=progress,
        )

    def set_job_run_properties(
        self,
        worker: str | None = None,
        exec_config: str | ExecutionConfig | dict[str, Any] | None = None,
        resources: dict[str, Any] | QResources | None = None,
        update: bool = True,
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
        *,
        priority: int | None = None,
        retry: list[dict[str, Any]] | dict[str, Any] | None = None,
        wait: int | None = None,
        break_lock: bool = False,
        max_limit: int = 0,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> BulkResult:
        """Change where and how the selected jobs run. Jobs in progress are refused.

        Parameters
        ----------
        worker
            Name of a worker.
        exec_config
            Name of an execution configuration, or the configuration itself.
        resources
            Scheduler keywords, or a QResources.
        update
            Add the keys of ``exec_config`` and ``resources`` to those that a job has, instead of
            replacing them. The name of a configuration is replaced, and so are keywords of a
            scheduler by a QResources.
        job_ids, db_ids, flow_ids, states, start_date, end_date, name, metadata, workers
            See `JobFilter`.
        custom_query
            See `JobFilter`.
        raise_on_error, wait, break_lock, max_limit, dry_run, progress
            See `pause_jobs` and `stop_jobs`.
        priority
            Jobs with a higher one are claimed first. On its own it is accepted in every state.
        retry
            Retry rules, one or several, instead of those that a job has; see `RetryRule`. ``[]``
            removes its own rules. Accepted in every state.

        Raises
        ------
        ArgumentError
            Nothing was given to set, the retry rules cannot be used, or a value cannot be stored or
            put into a script.
        EntryNotFoundError
            The project has no such worker or execution configuration.
        """
        _check_kinds(exec_config, resources)
        rules = plain_retries(retry)
        wanted = RunChange(
            worker=worker,
            exec_config=plain_exec_config(exec_config),
            resources=_keys_said(resources),
            stored=plain_resources(resources),
            of_qresources=resources is not None and not isinstance(resources, dict),
            priority=priority,
            retry=retries_of(exec_config) if rules is None else rules,
            merge=update,
        )
        if (worker, exec_config, resources, priority, retry) == (None,) * 5:
            raise ArgumentError(
                "nothing to set", hint="give a worker, exec_config, resources, priority or retry"
            )
        self._check_names(wanted)
        said = {"exec_config": wanted.exec_config, "resources": wanted.stored, "priority": priority}
        if problem := run_settings_problem(said) or unstorable(said):
            raise ArgumentError(problem, hint="use only text, numbers, lists and dictionaries")
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
            set_run(wanted),
            selection,
            raise_on_error=raise_on_error,
            wait=wait,
            break_lock=break_lock,
            max_limit=max_limit,
            dry_run=dry_run,
            progress=progress,
        )

    def _check_names(self, wanted: RunChange) -> None:
        if self.project is None:
            return
        for what, name, known in (
            ("worker", wanted.worker, self.project.workers),
            ("exec_config", wanted.exec_config, self.project.exec_config),
        ):
            if isinstance(name, str) and name not in known:
                raise EntryNotFoundError(
                    f"the project has no {what} {name!r}",
                    hint=f"one of {', '.join(known)}" if known else "it has none at all",
                )

    def set_job_doc_properties(
        self,
        values: dict[str, Any],
        db_id: str | None = None,
        job_id: str | None = None,
        job_index: int | None = None,
        wait: int | None = None,
        break_lock: bool = False,
        acceptable_states: list[JobState] | None = None,
        use_pipeline: bool = False,
    ) -> str:
        """Set fields of a job's document.

        Parameters
        ----------
        values
            {dotted path: value}. Strings starting with ``$`` are taken literally.
        db_id, job_id, job_index
            The job; see `get_job_info`.
        wait
            Maximum number of seconds to wait for a locked job; None does not wait.
        break_lock
            Take the lock even if another process holds it.
        acceptable_states
            Refuse a job in another state; None accepts all.
        use_pipeline
            Values are aggregation expressions, where a string starting with ``$`` is a path.

        Returns
        -------
        str
            db_id of the job.

        Raises
        ------
        ArgumentError
            A path cannot be set, or a value cannot be stored.
        StateError
            The job is in another state.
        """
        accepted = parse_states(JobState, acceptable_states)
        check_fields(values)
        if not use_pipeline and (problem := unstorable(values, binary=True)):
            raise ArgumentError(
                f"this cannot be stored: {problem}",
                hint="a database stores text, numbers, times, and lists and dictionaries of these",
            )
        if "state" in values:
            values = {**values, "state": parse_state(JobState, values["state"]).value}
        if use_pipeline:
            query, sort = job_id_query(db_id=db_id, job_id=job_id, job_index=job_index)
            how = {"break_lock": break_lock, **waiting(wait)}
            return self._set_by_pipeline(values, query, sort, accepted, how)
        db_id_, _ = act_on_job(
            self.queue,
            self.project,
            set_fields(values, accepted),
            job_id=job_id,
            db_id=db_id,
            job_index=job_index,
            wait=wait,
            break_lock=break_lock,
        )
        return db_id_

    def _set_by_pipeline(
        self,
        values: dict[str, Any],
        query: Mapping[str, Any],
        sort: list[tuple[str, int]] | None,
        accepted: Sequence[JobState] | None,
        how: Mapping[str, Any],
    ) -> str:
        lock = MongoLock(
            collection=self.queue.jobs,
            filter=query,
            get_locked_doc=True,
            projection=["db_id", "state"],
            sort=sort,
            **how,
        )
        with lock:
            job = lock.locked_document
            if job is None:
                raise unavailable_job(lock, query)
            if accepted is not None:
                check_states(job, accepted)
            lock.update_on_release = [{"$set": {**values, "updated_on": utc_now()}}]
        return str(job["db_id"])


def _check_kinds(exec_config: Any, resources: Any) -> None:
    """Refuse values that could be stored but would fail when a job runs."""
    known = exec_config is None or isinstance(exec_config, (str, dict))
    if not known and not hasattr(exec_config, "model_dump"):
        raise ArgumentError(
            f"{exec_config!r} is not an execution configuration",
            hint="give the name of one, an ExecutionConfig or a dictionary",
        )
    if not (resources is None or isinstance(resources, dict) or hasattr(resources, "as_dict")):
        raise ArgumentError(
            f"resources cannot be {resources!r}", hint="give a dictionary or a QResources"
        )


def _keys_said(resources: Any) -> dict[str, Any] | None:
    if resources is None or isinstance(resources, dict):
        return resources
    fields: dict[str, Any] = resources.as_dict()
    return {k: v for k, v in fields.items() if v is not None and not k.startswith("@")}
