"""The machines that run jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

_DEFAULT_COMMAND = "jf -fe execution run {}"
SCHEDULERS = ("shell", "slurm", "pbs", "sge")
"""Names of schedulers; anything else is the MSON description of one."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ConnectionData(_Strict):
    """How to reach a host over SSH; ``~/.ssh/config`` is honoured."""

    host: str
    user: str | None = None
    port: int | None = None
    password: str | None = None
    key_filename: str | list[str] | None = None
    passphrase: str | None = None
    gateway: str | ConnectionData | None = None
    connect_kwargs: dict[str, Any] | None = None


class BatchConfig(_Strict):
    """Makes a worker run many jobs inside one queue submission.

    Attributes
    ----------
    jobs_handle_dir
        Pool folder on the worker.
    work_dir
        Folder of the batch processes.
    max_jobs_per_batch, parallel_jobs
        How many jobs a process runs in all, and at once.
    max_wait, max_time, sleep_time
        Seconds: idle before it stops, after which no new job starts, between polls.
    """

    jobs_handle_dir: Path
    work_dir: Path
    max_jobs_per_batch: int | None = None
    max_wait: float | None = 60
    max_time: float | None = None
    parallel_jobs: int | None = None
    sleep_time: float | None = None


class WorkerBase(_Strict):
    """What all workers have.

    Attributes
    ----------
    scheduler_type
        shell, slurm, pbs, sge, or the MSON description of a qtoolkit scheduler.
    work_dir
        Absolute folder under which every job gets a folder of its own.
    resources
        Default keywords of the scheduler.
    pre_run, post_run
        Shell lines around every job.
    execution_cmd
        Runs a job; ``{}`` stands for its folder.
    timeout_execute
        Seconds that a command on the worker may take.
    max_jobs
        Jobs in the queue at once; None or 0 for any number.
    delay_download
        Seconds to wait between the end of a job and the download of its files.
    """

    type: str
    scheduler_type: str | dict[str, Any]
    work_dir: Path
    resources: dict[str, Any] | None = None
    pre_run: str | None = None
    post_run: str | None = None
    execution_cmd: str | None = None
    timeout_execute: int = 60
    max_jobs: Annotated[int, Field(ge=0)] | None = None
    batch: BatchConfig | None = None
    scheduler_username: str | None = None
    sanitize_command: bool = False
    delay_download: int | None = None

    @field_validator("work_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        if not value.is_absolute():
            raise ValueError("has to be an absolute path")
        return value

    @field_validator("scheduler_type")
    @classmethod
    def _known_scheduler(cls, value: str | dict[str, Any]) -> str | dict[str, Any]:
        if isinstance(value, str) and value not in SCHEDULERS:
            raise ValueError(f"has to be one of {', '.join(SCHEDULERS)}, or a description")
        return value

    @field_validator("execution_cmd")
    @classmethod
    def _has_place(cls, value: str | None) -> str | None:
        if value and "{}" not in value:
            raise ValueError("has to contain {} for the folder of the job")
        return value

    @property
    def command(self) -> str:
        """Command that runs a job, with ``{}`` for its folder."""
        return self.execution_cmd or _DEFAULT_COMMAND

    @property
    def is_local(self) -> bool:
        """Whether jobs run on the runner's own machine."""
        return self.type == "local"

    @property
    def is_batch(self) -> bool:
        """Whether jobs go to batch processes."""
        return self.batch is not None

    @property
    def cli_info(self) -> dict[str, Any]:
        """What ``jf project worker list`` shows."""
        info: dict[str, Any] = {"scheduler_type": self.scheduler_type, "work_dir": self.work_dir}
        if self.batch is not None:
            info["batch"] = self.batch.model_dump(exclude_none=True)
        return info


class LocalWorker(WorkerBase):
    """The runner's own machine."""

    type: Literal["local"] = "local"


class RemoteWorker(WorkerBase):
    """A machine reached over SSH."""

    type: Literal["remote"] = "remote"
    host: str
    user: str | None = None
    port: int | None = None
    password: str | None = None
    key_filename: str | list[str] | None = None
    passphrase: str | None = None
    gateway: str | ConnectionData | None = None
    forward_agent: bool | None = None
    connect_timeout: int | None = None
    connect_kwargs: dict[str, Any] | None = None
    inline_ssh_env: bool | None = None
    keepalive: int | None = 60
    shell_cmd: str | None = "bash"
    login_shell: bool = True
    interactive_login: bool = False

    @property
    def cli_info(self) -> dict[str, Any]:
        """What ``jf project worker list`` shows."""
        return {**super().cli_info, "host": self.host, "user": self.user}


class SeparatedTransferWorker(RemoteWorker):
    """A machine whose files go through another host than its commands."""

    type: Literal["separated_transfer"] = "separated_transfer"  # type: ignore[assignment]
    transfer: ConnectionData


Worker = Annotated[
    LocalWorker | RemoteWorker | SeparatedTransferWorker, Field(discriminator="type")
]


def same_host(a: WorkerBase, b: WorkerBase) -> bool:
    """Whether two workers are on one machine, as far as their descriptions tell."""
    if a.is_local or b.is_local:
        return a.is_local and b.is_local
    keys = set(ConnectionData.model_fields) | {"transfer"}
    return a.type == b.type and a.model_dump(include=keys) == b.model_dump(include=keys)
