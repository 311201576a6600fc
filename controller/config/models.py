"""A project: its database, its stores of outputs, its workers and how its runner behaves."""

from __future__ import annotations

from enum import StrEnum
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

from controller.config.settings import SETTINGS
from controller.config.workers import Worker, same_host
from controller.errors import ConfigError

if TYPE_CHECKING:
    from jobflow.core.store import JobStore

    from controller.jobcontroller import JobController


class LogLevel(StrEnum):
    """How much the runner writes to its log."""

    ERROR = "error"
    WARN = "warn"
    INFO = "info"
    DEBUG = "debug"

    def to_logging(self) -> int:
        """Return the number that `logging` knows it by."""
        return {"error": 40, "warn": 30, "info": 20, "debug": 10}[self.value]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class RunnerOptions(_Strict):
    """How the runner behaves. Times are in seconds.

    Attributes
    ----------
    delay_checkout, delay_check_run_status, delay_advance_status
        Longest time between two looks for new, running and advancing jobs; events are acted on
        at once.
    delay_refresh_limited, delay_update_batch
        The same for workers with max_jobs and for batch processes.
    delay_ping_db
        Longest time between two signs of life; the runner gives one more often.
    lock_timeout
        Accepted for old project files: locks are leases, which expire by themselves.
    delete_tmp_folder
        Remove downloaded copies after the completion of a job.
    max_step_attempts
        Attempts of a step after which its job becomes REMOTE_ERROR.
    delta_retry
        Waiting time before each further attempt; the last one repeats.
    """

    delay_checkout: float = 30
    delay_check_run_status: float = 30
    delay_advance_status: float = 30
    delay_refresh_limited: float = 600
    delay_update_batch: float = 60
    delay_ping_db: float = 3600
    lock_timeout: float | None = 86400
    delete_tmp_folder: bool = True
    max_step_attempts: int = Field(default=3, ge=0)
    delta_retry: tuple[float, ...] = Field(default=(30, 300, 1200), min_length=1)


class ExecutionConfig(_Strict):
    """What surrounds a job on the worker.

    Attributes
    ----------
    modules
        Names for ``module load``.
    export
        Environment variables; ``$NAME`` within a value is expanded on the worker.
    pre_run, post_run
        Shell lines before and after the job.
    """

    modules: list[str] | None = None
    export: dict[str, Any] | None = None
    pre_run: str | None = None
    post_run: str | None = None


class QueueConfig(_Strict):
    """Where the states of jobs are kept."""

    store: dict[str, Any] = Field(default_factory=dict)
    flows_collection: str = "flows"
    auxiliary_collection: str = "jf_auxiliary"
    batches_collection: str = "batches"
    db_id_prefix: str | None = None


class RemoteJobStore(_Strict):
    """Format of the files that carry inputs and outputs.

    Attributes
    ----------
    store
        maggma_json, orjson, msgspec_json, msgpack, or the MSON description of a file store.
    zip
        Compress them.
    extension
        Of a described store's files.
    """

    store: str | dict[str, Any] = "maggma_json"
    zip: bool = False
    extension: str | None = None

    @model_validator(mode="after")
    def _check(self) -> RemoteJobStore:
        known = ("maggma_json", "orjson", "msgspec_json", "msgpack")
        if isinstance(self.store, str) and self.store not in known:
            raise ValueError(f"store has to be one of {', '.join(known)}, or a description")
        if isinstance(self.store, dict) and not self.extension:
            raise ValueError("a described store needs an extension")
        return self


class Project(_Strict):
    """A project, as its file describes it; folders left out lie under ``base_dir``."""

    name: str
    base_dir: str = ""
    tmp_dir: str = ""
    log_dir: str = ""
    daemon_dir: str = ""
    log_level: LogLevel = LogLevel.INFO
    runner: RunnerOptions = Field(default_factory=RunnerOptions)
    workers: dict[str, Worker] = Field(default_factory=dict)
    queue: QueueConfig
    exec_config: dict[str, ExecutionConfig] = Field(default_factory=dict)
    jobstore: dict[str, Any] = Field(
        default_factory=lambda: {"docs_store": {"type": "MemoryStore"}},
        validation_alias=AliasChoices("jobstore", "JOB_STORE"),
    )
    remote_jobstore: RemoteJobStore | None = None
    metadata: dict[str, Any] | None = None
    optional_jobstores: dict[str, dict[str, Any]] | None = None

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, data: Any) -> Any:
        """Null stands for the default wherever a default exists."""
        if not isinstance(data, dict):
            return data
        return {k: v for k, v in data.items() if v is not None}

    @model_validator(mode="after")
    def _complete(self) -> Project:
        base = self.base_dir or str(SETTINGS.projects_path / self.name)
        self.base_dir = str(Path(base).expanduser())
        for name in ("tmp", "log", "daemon"):
            given = getattr(self, f"{name}_dir")
            setattr(self, f"{name}_dir", given or str(Path(self.base_dir) / name))
        for (name, a), (other, b) in combinations(self.workers.items(), 2):
            if (
                a.batch is not None
                and b.batch is not None
                and a.batch.jobs_handle_dir == b.batch.jobs_handle_dir
                and same_host(a, b)
            ):
                raise ValueError(f"workers {name} and {other} share jobs_handle_dir")
        return self

    @property
    def has_interactive_workers(self) -> bool:
        """Whether a worker asks for a login on the terminal."""
        return any(getattr(w, "interactive_login", False) for w in self.workers.values())

    def jobstore_spec(self, name: str | None = None) -> dict[str, Any]:
        """Return the description of the default JobStore, or of an optional one.

        Raises
        ------
        ConfigError
            No optional JobStore has this name.
        """
        if name is None:
            return self.jobstore
        optional = self.optional_jobstores or {}
        if name not in optional:
            raise ConfigError(
                f"project {self.name} has no optional jobstore {name!r}",
                hint=f"known: {', '.join(optional) or 'none'}",
            )
        return optional[name]

    def get_jobstore(self, name: str | None = None) -> JobStore:
        """Build the default JobStore or an optional one; not connected."""
        from controller.storage.outputs import open_jobstore

        return open_jobstore(self.jobstore_spec(name))

    def get_queue_store(self) -> Any:
        """Build the maggma Store of the queue; not connected."""
        from controller.storage.outputs import build_store

        return build_store(self.queue.store)

    def get_job_controller(self) -> JobController:
        """Open the project's JobController; close it after use."""
        from controller.jobcontroller import JobController

        return JobController.from_project(self)


SECRET_KEYS = frozenset({"password", "passphrase", "uri", "secret", "token"})


def masked(value: Any) -> Any:
    """Return a copy of plain data in which secrets are hidden."""
    if isinstance(value, dict):
        return {
            k: "********" if v and str(k).lower() in SECRET_KEYS else masked(v)
            for k, v in value.items()
        }
    return [masked(v) for v in value] if isinstance(value, list) else value
