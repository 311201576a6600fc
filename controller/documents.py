"""What the queue database holds, and the lighter views of it.

`JobDoc`, `FlowDoc` and `BatchDoc` are whole documents; `JobInfo` and `FlowInfo` are what lists
and tables need, without the serialised job. Names, types and defaults are those of
jobflow-remote 1.0.1, so that both programs work on one database; unknown fields are kept where a
document is read and ignored where a view is made.

Times are naive and in UTC, as the database returns them.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import Enum, StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from controller.errors import RemoteError
from controller.states import BatchState, FlowState, JobState

if TYPE_CHECKING:
    from jobflow.core.job import Job
    from qtoolkit.core.data_objects import QResources

__all__ = [
    "JOB_INFO_PROJECTION",
    "BatchDoc",
    "DbCollection",
    "DynamicResponseType",
    "FlowDoc",
    "FlowInfo",
    "JobDoc",
    "JobInfo",
    "RemoteError",
    "RemoteInfo",
    "db_id_order",
    "get_reset_job_base_dict",
    "new_batch_document",
    "new_flow_document",
    "new_job_document",
    "utc_now",
]


class DbCollection(Enum):
    """The collections of the queue database that users may ask for."""

    JOBS = "jobs"
    FLOWS = "flows"
    AUXILIARY = "aux"
    BATCHES = "batches"


class DynamicResponseType(StrEnum):
    """How a job's Response adds jobs to its flow."""

    REPLACE = "replace"
    DETOUR = "detour"
    ADDITION = "addition"


def utc_now() -> datetime:
    """Return the present time, naive, in UTC, with the milliseconds that a database keeps."""
    now = datetime.now(UTC).replace(tzinfo=None)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


class _Stored(BaseModel):
    # Built when used: a command that lists jobs has no use for most of them.
    model_config = ConfigDict(extra="ignore", arbitrary_types_allowed=True, defer_build=True)


class RemoteInfo(_Stored):
    """Sub-document ``remote`` of a job: what the runner knows about its present step.

    Attributes
    ----------
    step_attempts
        Failed attempts of the present step.
    queue_state
        Last state seen in the worker's queue.
    process_id
        Id in the worker's queue (that of the batch process on a batch worker).
    retry_time_limit
        The step is not tried again before this time.
    error
        Text of the runner's last error.
    prerun_cleanup
        The run directory has to be removed before the next upload.
    queue_out, queue_err
        The beginning of the job's standard output and error, kept when it failed.
    """

    step_attempts: int = 0
    queue_state: str | None = None
    process_id: str | None = None
    retry_time_limit: datetime | None = None
    error: str | None = None
    prerun_cleanup: bool = False
    queue_out: str | None = None
    queue_err: str | None = None


_NEW_REMOTE = RemoteInfo().model_dump()


class _JobEnvelope(_Stored):
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
        """Whether somebody holds the document."""
        return self.lock_id is not None

    @property
    def run_time(self) -> float | None:
        """Duration of the finished run in seconds, None while it is not known."""
        if self.start_time is None or self.end_time is None:
            return None
        return (self.end_time - self.start_time).total_seconds()

    @property
    def estimated_run_time(self) -> float | None:
        """Seconds since the start of the run, None when it has not started."""
        if self.start_time is None:
            return None
        return (utc_now() - self.start_time).total_seconds()


class JobInfo(_JobEnvelope):
    """A job without its function, arguments, resources and execution settings.

    Attributes
    ----------
    name, metadata, hosts
        Of the serialised job. ``hosts`` are the uuids of the flows it lies in, innermost first;
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
"""What `JobInfo` needs of a job document."""


class JobDoc(_JobEnvelope):
    """A whole job document.

    Attributes
    ----------
    exec_config
        Name of an execution configuration of the project, or the configuration itself as a
        dictionary; None for none.
    job_data
        The serialised jobflow Job (field ``job`` of the document).
    resources_data
        Keywords of the scheduler, or a serialised QResources (field ``resources``).
    """

    model_config = ConfigDict(
        extra="ignore", arbitrary_types_allowed=True, populate_by_name=True, ignored_types=()
    )

    exec_config: Any = None
    job_data: dict[str, Any] = Field(alias="job")
    resources_data: dict[str, Any] | None = Field(default=None, alias="resources")

    @model_validator(mode="before")
    @classmethod
    def _accept_objects(cls, data: Any) -> Any:
        """Take a Job or QResources where their serialised form is expected."""
        if not isinstance(data, Mapping):
            return data
        taken = dict(data)
        for field in ("job", "resources"):
            if hasattr(taken.get(field), "as_dict"):
                taken[field] = taken[field].as_dict()
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

    def as_db_dict(self) -> dict[str, Any]:
        """Return the document as the database stores it, without ``_id``."""
        data = self.model_dump(by_alias=True, exclude=None if self.lock_lease else {"lock_lease"})
        data["state"] = self.state.value
        data["previous_state"] = self.previous_state and self.previous_state.value
        return data


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
    now: datetime | None = None,
) -> dict[str, Any]:
    """Compose the document of a job that enters the database.

    Parameters
    ----------
    job_data
        The serialised jobflow Job.
    parents
        Uuids of the jobs it waits for.
    now
        Naive UTC; the present when None.
    """
    created = now or utc_now()
    return {
        "uuid": job_data["uuid"],
        "index": job_data["index"],
        "db_id": db_id,
        "worker": worker,
        "state": state.value,
        "remote": dict(_NEW_REMOTE),
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
        "job": job_data,
    }


def get_reset_job_base_dict(now: datetime | None = None) -> dict[str, Any]:
    """Fields that a job loses when it starts afresh, as dotted paths for ``$set``.

    ``remote.process_id``, ``run_dir``, ``remote.prerun_cleanup``, ``worker``, ``priority`` and
    the lock stay: they tell what the last run left behind.
    """
    cleared = (
        "remote.retry_time_limit",
        "previous_state",
        "remote.queue_state",
        "remote.error",
        "remote.queue_out",
        "remote.queue_err",
        "error",
        "start_time",
        "end_time",
        "stored_data",
    )
    return {
        "remote.step_attempts": 0,
        **dict.fromkeys(cleared),
        "updated_on": now or utc_now(),
    }


class FlowDoc(_Stored):
    """A whole flow document.

    Attributes
    ----------
    jobs
        Uuids of the jobs, each once, in the order in which they came.
    parents
        {uuid: {index as text: uuids of the parents}}.
    ids
        (db_id, uuid, index) of every job document.
    jobstore
        Name in ``optional_jobstores`` of the project, None for its default JobStore.
    """

    uuid: str
    jobs: list[str]
    state: FlowState = FlowState.READY
    name: str = ""
    lock_id: str | None = None
    lock_time: datetime | None = None
    lock_lease: dict[str, Any] | None = None
    created_on: datetime = Field(default_factory=utc_now)
    updated_on: datetime = Field(default_factory=utc_now)
    metadata: dict[str, Any] = Field(default_factory=dict)
    parents: dict[str, dict[str, list[str]]] = Field(default_factory=dict)
    ids: list[tuple[str, str, int]] = Field(default_factory=list)
    jobstore: str | None = None

    def as_db_dict(self) -> dict[str, Any]:
        """Return the document as the database stores it, without ``_id``."""
        data = self.model_dump(exclude=None if self.lock_lease else {"lock_lease"})
        data["state"] = self.state.value
        data["ids"] = [list(triple) for triple in self.ids]
        return data

    @cached_property
    def ids_mapping(self) -> dict[str, dict[int, str]]:
        """{uuid: {index: db_id}}."""
        mapping: dict[str, dict[int, str]] = defaultdict(dict)
        for db_id, uuid, index in self.ids:
            mapping[uuid][index] = db_id
        return dict(mapping)

    @cached_property
    def int_index_parents(self) -> dict[str, dict[int, list[str]]]:
        """``parents`` with indices as numbers."""
        return {
            uuid: {int(index): parents for index, parents in by_index.items()}
            for uuid, by_index in self.parents.items()
        }

    @cached_property
    def children(self) -> dict[str, list[tuple[str, int]]]:
        """{uuid: (uuid, index) of the jobs that have it as a parent}."""
        children: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for uuid, by_index in self.int_index_parents.items():
            for index, parents in by_index.items():
                for parent in parents:
                    children[parent].append((uuid, index))
        return dict(children)

    def descendants(self, uuid: str) -> list[tuple[str, int]]:
        """(uuid, index) of the children, their children and so on, each once, nearest first."""
        found: dict[tuple[str, int], None] = {}
        queue = deque(self.children.get(uuid, []))
        while queue:
            child = queue.popleft()
            if child not in found:
                found[child] = None
                queue.extend(self.children.get(child[0], []))
        return list(found)


def new_flow_document(
    *,
    uuid: str,
    name: str,
    metadata: dict[str, Any] | None,
    ids: Iterable[tuple[str, str, int]],
    parents: Mapping[str, Mapping[str, list[str]]],
    jobstore: str | None = None,
    state: FlowState = FlowState.READY,
    now: datetime | None = None,
) -> dict[str, Any]:
    """Compose the document of a submitted flow; arguments as the attributes of `FlowDoc`."""
    created = now or utc_now()
    triples = [list(triple) for triple in ids]
    return {
        "uuid": uuid,
        "jobs": list(dict.fromkeys(triple[1] for triple in triples)),
        "state": state.value,
        "name": name,
        "lock_id": None,
        "lock_time": None,
        "created_on": created,
        "updated_on": created,
        "metadata": metadata or {},
        "parents": {uuid: dict(by_index) for uuid, by_index in parents.items()},
        "ids": triples,
        "jobstore": jobstore,
    }


class FlowInfo(_Stored):
    """A flow as lists and tables show it.

    Attributes
    ----------
    db_ids, job_ids, job_indexes, job_names, job_states, workers, parents, hosts
        One entry per job document, in one order. Without the jobs' own documents only the first
        three are filled.
    jobs_info
        The jobs' views when they were asked for, else None.
    """

    db_ids: list[str]
    job_ids: list[str]
    job_indexes: list[int]
    flow_id: str
    state: FlowState
    name: str
    created_on: datetime
    updated_on: datetime
    workers: list[str] = Field(default_factory=list)
    job_states: list[JobState] = Field(default_factory=list)
    job_names: list[str] = Field(default_factory=list)
    parents: list[list[str]] = Field(default_factory=list)
    hosts: list[list[str]] = Field(default_factory=list)
    flow_metadata: dict[str, Any] = Field(default_factory=dict)
    jobs_info: list[JobInfo] | None = None
    lock_id: str | None = None
    lock_time: datetime | None = None
    jobstore: str | None = None

    @property
    def db_id(self) -> str | None:
        """db_id that stands for the flow: its first job's; None for a flow without jobs."""
        return min(self.db_ids, key=db_id_order, default=None)

    @property
    def is_locked(self) -> bool:
        """Whether somebody holds the flow."""
        return self.lock_id is not None

    @classmethod
    def from_query_dict(cls, document: Mapping[str, Any]) -> FlowInfo:
        """Make a view of a flow document, whose jobs may have been joined as ``jobs_list``."""
        triples = document.get("ids") or []
        base = {
            "flow_id": document["uuid"],
            "flow_metadata": document.get("metadata") or {},
            "db_ids": [triple[0] for triple in triples],
            "job_ids": [triple[1] for triple in triples],
            "job_indexes": [triple[2] for triple in triples],
            **{k: document.get(k) for k in ("state", "name", "created_on", "updated_on")},
            **{k: document.get(k) for k in ("lock_id", "lock_time", "jobstore")},
        }
        if document.get("jobs_list") is None:
            return cls.model_validate(base)
        return cls.model_validate({**base, **_joined(document["jobs_list"])})


def _joined(job_docs: list[Mapping[str, Any]]) -> dict[str, Any]:
    jobs = [JobInfo.from_query_output(doc) for doc in job_docs]
    return {
        "jobs_info": jobs,
        "db_ids": [job.db_id for job in jobs],
        "job_ids": [job.uuid for job in jobs],
        "job_indexes": [job.index for job in jobs],
        "job_names": [job.name for job in jobs],
        "job_states": [job.state for job in jobs],
        "workers": [job.worker for job in jobs],
        "parents": [job.parents or [] for job in jobs],
        "hosts": [job.hosts for job in jobs],
    }


def db_id_order(db_id: str) -> tuple[str, int]:
    """Sort key of a db_id: by its prefix, then by its number."""
    match = re.fullmatch(r"(.*?)(\d*)", db_id, re.DOTALL)
    assert match is not None  # both parts may be empty
    return match[1], int(match[2] or -1)


class BatchDoc(_Stored):
    """A batch process.

    Attributes
    ----------
    batch_uid
        Our id, known before the process has one in the queue.
    process_id
        Id in the worker's queue.
    jobs
        (db_id, uuid, index) of the jobs it executed.
    """

    batch_uid: str
    process_id: str
    worker: str
    batch_state: BatchState = BatchState.SUBMITTED
    jobs: list[tuple[str, str, int]] = Field(default_factory=list)
    created_on: datetime = Field(default_factory=utc_now)
    updated_on: datetime = Field(default_factory=utc_now)
    start_time: datetime | None = None
    end_time: datetime | None = None
    last_ping_time: datetime | None = None


def new_batch_document(
    *, batch_uid: str, process_id: str, worker: str, now: datetime | None = None
) -> dict[str, Any]:
    """Compose the document of a batch process that was just submitted."""
    created = now or utc_now()
    return {
        "batch_uid": batch_uid,
        "process_id": process_id,
        "batch_state": BatchState.SUBMITTED.value,
        "worker": worker,
        "jobs": [],
        "created_on": created,
        "updated_on": created,
        "start_time": None,
        "end_time": None,
        "last_ping_time": None,
    }
