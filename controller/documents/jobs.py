"""Jobs: the whole document, and the view of it that lists and tables need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict, Field, model_validator

from controller.documents.stored import Stored, utc_now
from controller.errors import RemoteError
from controller.states import JobState, stored_state

if TYPE_CHECKING:
    from jobflow.core.job import Job
    from qtoolkit.core.data_objects import QResources

    from controller.config import ExecutionConfig


class RemoteInfo(Stored):
    """Sub-document ``remote`` of a job: the runner's data about its current step.

    Attributes
    ----------
    step_attempts
        Number of failed attempts of the current step.
    queue_state
        Last state seen in the worker's queue.
    queue_reason
        Why the queue does not run or accept the job, in the queue's own words.
    process_id
        Id in the worker's queue (that of the batch process on a batch worker).
    retry_time_limit
        Earliest time of the next attempt of the step.
    error
        Text of the runner's last error.
    prerun_cleanup
        Whether the run directory must be removed before the next upload.
    queue_out, queue_err
        The beginning of the job's standard output and error, kept when it failed.
    submission_token
        Token of the current attempt in the queue and in the run directory; created by the upload.
    process
        The process of the job, if the queue is the shell: ``host``, ``pid``, ``start_time``,
        ``boot_id`` and ``pid_namespace``.
    scheduler
        The ``scheduler_type`` of the worker when the current attempt was submitted; None for
        attempts of jobflow-remote and of earlier versions.
    """

    step_attempts: int = 0
    queue_state: str | None = None
    queue_reason: str | None = None
    process_id: str | None = None
    retry_time_limit: datetime | None = None
    error: str | None = None
    prerun_cleanup: bool = False
    queue_out: str | None = None
    queue_err: str | None = None
    submission_token: str | None = None
    process: dict[str, Any] | None = None
    scheduler: str | dict[str, Any] | None = None


class _JobEnvelope(Stored):
    """The fields of a job that do not depend on its serialised body."""

    uuid: str
    index: int
    db_id: str
    worker: str
    state: JobState
    remote: RemoteInfo = Field(default_factory=RemoteInfo)
    parents: list[str] | None = None
    previous_state: JobState | None = None
    error: str | None = None
    error_cause: str | None = None
    lock_id: str | None = None
    lock_time: datetime | None = None
    lock_lease: dict[str, Any] | None = None
    run_dir: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    created_on: datetime = Field(default_factory=utc_now)
    updated_on: datetime = Field(default_factory=utc_now)
    priority: int = 0
    stored_data: dict[str, Any] | None = None

    @property
    def is_locked(self) -> bool:
        """Whether the document is locked."""
        return self.lock_id is not None

    @property
    def run_time(self) -> float | None:
        """Duration of the finished run in seconds; None if unknown.

        An end before the start belongs to an earlier run, or to another clock, and is ignored.
        """
        if self.start_time is None or self.end_time is None or self.end_time < self.start_time:
            return None
        return (self.end_time - self.start_time).total_seconds()

    @property
    def estimated_run_time(self) -> float | None:
        """Seconds since the start of the run; None if it has not started."""
        if self.start_time is None:
            return None
        return max(0.0, (utc_now() - self.start_time).total_seconds())


def _states(document: Mapping[str, Any]) -> dict[str, JobState | None]:
    """Both states of a job's document, as far as it has them."""
    what = f"job {document.get('db_id')}"
    return {
        name: None if document[name] is None else stored_state(JobState, document[name], what)
        for name in ("state", "previous_state")
        if name in document
    }


class JobInfo(_JobEnvelope):
    """A job without its function, arguments, resources and execution settings.

    Attributes
    ----------
    name, metadata, hosts
        From the serialised job. ``hosts`` are the uuids of its enclosing flows, innermost first;
        the last one is the submitted flow.
    """

    name: str
    metadata: dict[str, Any] = Field(default_factory=dict)
    hosts: list[str] = Field(default_factory=list)

    @classmethod
    def from_query_output(cls, document: Mapping[str, Any]) -> JobInfo:
        """Make a view of a job document; `JOB_INFO_PROJECTION` reads just what it needs."""
        job = document.get("job") or {}
        return cls.model_validate(
            {
                **document,
                **_states(document),
                "name": job.get("name") or "",
                "metadata": job.get("metadata") or {},
                "hosts": job.get("hosts") or [],
            }
        )


JOB_INFO_PROJECTION: list[str] = [
    *(name for name in _JobEnvelope.model_fields),
    "job.name",
    "job.metadata",
    "job.hosts",
]
"""The fields of a job document that `JobInfo` needs."""


class JobDoc(_JobEnvelope):
    """A whole job document.

    Attributes
    ----------
    exec_config_data
        Name of an execution configuration of the project, or the configuration itself as a
        dictionary; None if there is none (field ``exec_config``).
    job_data
        The serialised jobflow Job (field ``job`` of the document).
    resources_data
        Keywords of the scheduler, or a serialised QResources (field ``resources``).
    attempts
        The attempts that ended; see `controller.documents.attempts`.
    retry
        The job's own retry rules; see `controller.config.retries`.
    """

    model_config = ConfigDict(
        extra="ignore", arbitrary_types_allowed=True, populate_by_name=True, ignored_types=()
    )

    exec_config_data: Any = Field(default=None, alias="exec_config")
    job_data: dict[str, Any] = Field(alias="job")
    resources_data: dict[str, Any] | None = Field(default=None, alias="resources")
    attempts: list[dict[str, Any]] | None = None
    retry: list[dict[str, Any]] | None = None

    @model_validator(mode="before")
    @classmethod
    def _accept_objects(cls, data: Any) -> Any:
        """Accept a Job or QResources in place of their serialised form."""
        if not isinstance(data, Mapping):
            return data
        taken = {**data, **_states(data)}
        for field in ("job", "resources"):
            if hasattr(taken.get(field), "as_dict"):
                taken[field] = taken[field].as_dict()
        if hasattr(taken.get("exec_config"), "model_dump"):
            taken["exec_config"] = taken["exec_config"].model_dump(
                exclude_none=True, exclude={"retry"}
            )
        return taken

    @cached_property
    def job(self) -> Job:
        """The jobflow Job, decoded on first use (which imports jobflow)."""
        from jobflow.core.job import Job
        from monty.json import MontyDecoder

        job: Job = MontyDecoder().process_decoded(self.job_data)
        if not isinstance(job, Job):
            raise RemoteError(f"the document of job {self.db_id} holds no jobflow Job", True)
        return job

    @cached_property
    def exec_config(self) -> ExecutionConfig | str | None:
        """Execution settings: the configuration itself, or its name in the project; or None."""
        if not isinstance(self.exec_config_data, Mapping):
            name: str | None = self.exec_config_data
            return name
        from controller.config import ExecutionConfig

        return ExecutionConfig.model_validate(self.exec_config_data)

    @cached_property
    def resources(self) -> QResources | dict[str, Any] | None:
        """Resources to ask the scheduler for; a serialised QResources is decoded on first use."""
        if self.resources_data is None or "@class" not in self.resources_data:
            return self.resources_data
        from monty.json import MontyDecoder

        decoded: QResources = MontyDecoder().process_decoded(self.resources_data)
        return decoded

    @property
    def name(self) -> str:
        """Name of the job."""
        return str(self.job_data.get("name") or "")

    @property
    def hosts(self) -> list[str]:
        """Uuids of the flows around the job, innermost first, the submitted flow last."""
        return list(self.job_data.get("hosts") or [])

    def _absent(self) -> set[str]:
        """Fields unknown to jobflow-remote that are empty."""
        ours = ("lock_lease", "error_cause", "attempts", "retry")
        return {name for name in ours if not getattr(self, name)}

    def as_db_dict(self) -> dict[str, Any]:
        """Return the document as the database stores it, without ``_id``."""
        data = self.model_dump(by_alias=True, exclude=self._absent())
        data["state"] = self.state.value
        data["previous_state"] = self.previous_state and self.previous_state.value
        return data


@cache
def _new_remote() -> dict[str, Any]:
    return RemoteInfo().model_dump()


def new_job_document(
    job_data: dict[str, Any],
    *,
    db_id: str,
    parents: Iterable[str],
    state: JobState,
    worker: str,
    exec_config: Any = None,
    resources: dict[str, Any] | None = None,
    priority: int = 0,
    retry: list[dict[str, Any]] | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Compose the document of a new job.

    Parameters
    ----------
    job_data
        The serialised jobflow Job.
    parents
        Uuids of the jobs that it waits for.
    retry
        Its own retry rules; None omits the field, which jobflow-remote does not know.
    now
        Naive UTC; None means the present time.
    """
    created = now or utc_now()
    return {
        "uuid": job_data["uuid"],
        "index": job_data["index"],
        "db_id": db_id,
        "worker": worker,
        "state": state.value,
        "remote": dict(_new_remote()),
        "parents": list(parents),
        "previous_state": None,
        "error": None,
        "lock_id": None,
        "lock_time": None,
        "run_dir": None,
        "start_time": None,
        "end_time": None,
        "created_on": created,
        "updated_on": created,
        "priority": priority,
        "exec_config": exec_config,
        "resources": resources,
        "stored_data": None,
        **({} if retry is None else {"retry": retry}),
        "job": job_data,
    }


def get_reset_job_base_dict(now: datetime | None = None) -> dict[str, Any]:
    """Fields that are reset when a job starts again, as dotted paths for ``$set``.

    ``remote.process_id``, ``run_dir``, ``remote.prerun_cleanup``, ``worker``, ``priority`` and
    the lock stay: they tell what the last run left behind.
    """
    cleared = (
        "remote.retry_time_limit",
        "previous_state",
        "remote.queue_state",
        "remote.queue_reason",
        "remote.error",
        "remote.queue_out",
        "remote.queue_err",
        "error",
        "error_cause",
        "start_time",
        "end_time",
        "stored_data",
    )
    return {
        "remote.step_attempts": 0,
        **dict.fromkeys(cleared),
        "updated_on": now or utc_now(),
    }
