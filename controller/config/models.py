"""A project: its database, its output stores, its workers and the options of its runner."""

from __future__ import annotations

from enum import StrEnum
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import AliasChoices, ConfigDict, Field, field_validator, model_validator

from controller.config.base import RefusedError, StrictModel
from controller.config.events import EventOptions
from controller.config.notify import Notification
from controller.config.retries import Retries
from controller.config.settings import expanded, get_settings
from controller.config.stores import check_jobstore, check_queue_store
from controller.config.suggestions import no_such
from controller.config.workers import Count, Seconds, Worker, WorkerBase, described, same_host
from controller.errors import ArgumentError, ConfigError, EntryNotFoundError
from controller.late_binding import bound
from controller.paths import below

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jobflow.core.store import JobStore

    from controller import JobController

Entry = TypeVar("Entry")

REMOTE_FORMATS = ("maggma_json", "orjson", "msgspec_json", "msgpack")
"""Names of the formats of the files that carry inputs and outputs."""


class LogLevel(StrEnum):
    """How much the runner writes to its log."""

    ERROR = "error"
    WARN = "warn"
    INFO = "info"
    DEBUG = "debug"

    def to_logging(self) -> int:
        """Return the corresponding number of `logging`."""
        return {"error": 40, "warn": 30, "info": 20, "debug": 10}[self.value]


class RunnerOptions(StrictModel):
    """Options of the runner. Times are in seconds.

    Attributes
    ----------
    delay_checkout, delay_check_run_status, delay_advance_status
        Maximum time between checks for new, running and advancing jobs; events are handled
        immediately.
    delay_refresh_limited, delay_update_batch
        The same, for workers with ``max_jobs`` and for batch processes.
    delay_ping_db
        Maximum time between two heartbeats; the runner sends them more often.
    lock_timeout
        Accepted for old project files: locks are leases, which expire by themselves.
    delete_tmp_folder
        Remove downloaded copies of files once a job is complete.
    max_step_attempts
        Number of attempts of a step after which its job becomes REMOTE_ERROR.
    delta_retry
        Delays before each further attempt; the last one is repeated.
    """

    delay_checkout: Seconds = 30
    delay_check_run_status: Seconds = 30
    delay_advance_status: Seconds = 30
    delay_refresh_limited: Seconds = 600
    delay_update_batch: Seconds = 60
    delay_ping_db: Seconds = 3600
    lock_timeout: Seconds | None = 86400
    delete_tmp_folder: bool = True
    max_step_attempts: Count = 3
    delta_retry: Annotated[tuple[Seconds, ...], Field(min_length=1)] = (30, 300, 1200)


class ExecutionConfig(StrictModel):
    """The environment of a job on the worker.

    Attributes
    ----------
    modules
        Names for ``module load``.
    export
        Environment variables; ``$NAME`` within a value is expanded on the worker.
    pre_run, post_run
        Shell lines before and after the job.
    retry
        Retry rules of jobs with this configuration; see `RetryRule`.
    """

    modules: list[str] | None = None
    export: dict[str, Any] | None = None
    pre_run: str | None = None
    post_run: str | None = None
    retry: Retries | None = None


def archive_name(flows_collection: str) -> str:
    """Return the name of the collection of archived flows."""
    return f"{flows_collection}_archive"


class QueueConfig(StrictModel):
    """Where the states of jobs are kept.

    Attributes
    ----------
    store
        Description of the store of the jobs; its database also holds the other collections.
    flows_collection, auxiliary_collection, batches_collection
        Names of the other collections.
    events_collection
        Name of the collection of events; None means that of the auxiliary one plus ``_events``.
    db_id_prefix
        Prefix of every db_id.
    """

    store: dict[str, Any] = Field(default_factory=dict)
    flows_collection: str = Field(default="flows", min_length=1)
    auxiliary_collection: str = Field(default="jf_auxiliary", min_length=1)
    batches_collection: str = Field(default="batches", min_length=1)
    events_collection: str | None = Field(default=None, min_length=1)
    db_id_prefix: str | None = None

    @field_validator("store", mode="before")
    @classmethod
    def _usable(cls, value: Any) -> Any:
        store = described(value)
        check_queue_store(store)
        return store

    @model_validator(mode="after")
    def _distinct(self) -> QueueConfig:
        names = [*self.collection_names, archive_name(self.flows_collection)]
        doubled = {n for n in names if names.count(n) > 1}
        if doubled:
            raise RefusedError(
                f"the collection {doubled.pop()!r} is used twice",
                "use different collections for jobs, flows, auxiliary, batches and events",
            )
        return self

    @property
    def collection_names(self) -> tuple[str, str, str, str, str]:
        """Names of the collections of jobs, flows, auxiliary documents, batches and events."""
        return (
            str(self.store.get("collection_name") or "jobs"),
            self.flows_collection,
            self.auxiliary_collection,
            self.batches_collection,
            self.events_collection or f"{self.auxiliary_collection}_events",
        )


class RemoteJobStore(StrictModel):
    """Format of the files that carry inputs and outputs.

    Attributes
    ----------
    store
        maggma_json, orjson, msgspec_json, msgpack, or the MSON description of a file store.
    zip
        Compress them.
    extension
        File name extension for a described store.
    """

    store: str | dict[str, Any] = "maggma_json"
    zip: bool = False
    extension: str | None = None

    @model_validator(mode="after")
    def _known_format(self) -> RemoteJobStore:
        if isinstance(self.store, str) and self.store not in REMOTE_FORMATS:
            raise RefusedError(
                f"store must be one of {', '.join(REMOTE_FORMATS)}, or a description, "
                f"not {self.store!r}"
            )
        if isinstance(self.store, dict):
            if not {"@module", "@class"} <= set(self.store):
                raise RefusedError("a described store needs the keys '@module' and '@class'")
            if not self.extension:
                raise RefusedError("a described store needs the key 'extension'")
        return self


class Project(StrictModel):
    """A project, as its file describes it.

    Attributes
    ----------
    name
        Name of the project; the name of its file does not matter.
    base_dir, tmp_dir, log_dir, daemon_dir
        Absolute paths of folders. By default, ``base_dir`` is the folder with the project's name
        beside the project files, and the others are ``tmp``, ``log`` and ``daemon`` within it.
    log_level
        How much the runner logs.
    runner
        How the runner behaves.
    events
        What is kept of the event log.
    notify
        {name: notification}.
    workers
        {name: worker}; the first is the default.
    queue
        Where the states of jobs are kept.
    exec_config
        {name: execution configuration, the environment of a job on the worker}.
    jobstore
        Description of the JobStore, which holds the outputs.
    remote_jobstore
        Format of the files between runner and worker; None for maggma's JSON.
    datetimes
        How times in outputs are stored: ``date``, as jobflow itself does, in UTC and milliseconds;
        or ``iso``, as text, as jobflow-remote does.
    metadata
        Free for users; jfr does not use it.
    optional_jobstores
        {name: description} of JobStores that a flow may choose instead.
    """

    model_config = ConfigDict(populate_by_name=True)

    name: str = Field(min_length=1)
    base_dir: str = ""
    tmp_dir: str = ""
    log_dir: str = ""
    daemon_dir: str = ""
    log_level: LogLevel = LogLevel.INFO
    runner: RunnerOptions = Field(default_factory=RunnerOptions)
    events: EventOptions = Field(default_factory=EventOptions)
    notify: dict[str, Notification] = Field(default_factory=dict)
    workers: dict[str, Worker] = Field(default_factory=dict)
    queue: QueueConfig
    exec_config: dict[str, ExecutionConfig] = Field(default_factory=dict)
    jobstore: dict[str, Any] = Field(
        default_factory=lambda: {"docs_store": {"type": "MemoryStore"}},
        validation_alias=AliasChoices("jobstore", "JOB_STORE"),
    )
    remote_jobstore: RemoteJobStore | None = None
    datetimes: Literal["date", "iso"] = "date"
    metadata: dict[str, Any] | None = None
    optional_jobstores: dict[str, dict[str, Any]] | None = None

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, data: Any) -> Any:
        """Treat null as the default; a required key then counts as missing."""
        if not isinstance(data, dict):
            return data
        return {k: v for k, v in data.items() if v is not None}

    @field_validator("base_dir", "tmp_dir", "log_dir", "daemon_dir")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if not value:
            return value
        path = expanded(value)
        if not path.is_absolute():
            raise RefusedError(
                f"must be an absolute path, not {value}",
                "a relative path would depend on the working directory of each command",
            )
        return str(path)

    @field_validator("jobstore", mode="before")
    @classmethod
    def _usable_jobstore(cls, value: Any) -> Any:
        jobstore = described(value)
        check_jobstore(jobstore)
        return jobstore

    @field_validator("optional_jobstores", mode="before")
    @classmethod
    def _usable_jobstores(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        described_all = {name: described(store) for name, store in value.items()}
        for name, store in described_all.items():
            try:
                check_jobstore(store)
            except RefusedError as error:
                raise RefusedError(f"{name}: {error.message}", error.hint) from None
        return described_all

    @model_validator(mode="after")
    def _complete(self) -> Project:
        if not self.queue.store:
            raise RefusedError("queue needs the key 'store'", "for example {type: EmbeddedStore}")
        if not self.base_dir:
            try:
                self.base_dir = str(below(get_settings().projects_path, self.name))
            except ArgumentError:
                raise RefusedError(
                    f"the name {self.name!r} cannot be used as the name of a folder",
                    "or give a base_dir",
                ) from None
        for name in ("tmp", "log", "daemon"):
            given = getattr(self, f"{name}_dir")
            setattr(self, f"{name}_dir", given or str(Path(self.base_dir) / name))
        for (name, a), (other, b) in combinations(self.workers.items(), 2):
            if _share_pool(a, b):
                raise RefusedError(
                    f"the batch workers {name} and {other} share a jobs_handle_dir",
                    "give each its own folder",
                )
        return self

    @property
    def has_interactive_workers(self) -> bool:
        """Whether a worker asks for a login on the terminal."""
        return any(getattr(w, "interactive_login", False) for w in self.workers.values())

    @property
    def folders(self) -> dict[str, Path]:
        """The project's own folders, {field: path}."""
        names = ("base_dir", "tmp_dir", "log_dir", "daemon_dir")
        return {name: Path(getattr(self, name)) for name in names}

    def get_worker(self, name: str | None = None) -> WorkerBase:
        """Return a worker; None for the first one.

        Raises
        ------
        ConfigError
            The project has no such worker, or none at all.
        """
        if name is None:
            if not self.workers:
                raise ConfigError(
                    f"project {self.name} has no worker", hint="add one under the key 'workers'"
                )
            return next(iter(self.workers.values()))
        return _entry("worker", name, self.workers, self.name)

    def get_exec_config(self, name: str) -> ExecutionConfig:
        """Return an execution configuration.

        Raises
        ------
        ConfigError
            The project has none of this name.
        """
        return _entry("exec_config", name, self.exec_config, self.name)

    def jobstore_spec(self, name: str | None = None) -> dict[str, Any]:
        """Return the description of the default JobStore, or of an optional one.

        Raises
        ------
        ConfigError
            No optional JobStore has this name.
        """
        if name is None:
            return self.jobstore
        return _entry("optional jobstore", name, self.optional_jobstores or {}, self.name)

    def get_jobstore(self, name: str | None = None) -> JobStore:
        """Build the default JobStore or an optional one; not connected."""
        return bound("Project.get_jobstore")(self.jobstore_spec(name))

    def get_queue_store(self) -> Any:
        """Build the maggma Store of the queue; not connected."""
        return bound("Project.get_queue_store")(self.queue.store)

    def get_job_controller(self) -> JobController:
        """Open the project's JobController; close it after use."""
        return bound("Project.get_job_controller")(self)


def _share_pool(a: WorkerBase, b: WorkerBase) -> bool:
    if a.batch is None or b.batch is None:
        return False
    return a.batch.jobs_handle_dir == b.batch.jobs_handle_dir and same_host(a, b)


def _entry(kind: str, name: str, known: Mapping[str, Entry], project: str) -> Entry:
    if name not in known:
        text = f"project {project} has no {kind} {name!r}"
        raise EntryNotFoundError(text, hint=no_such(name, known))
    return known[name]
