"""The machines that run jobs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from controller.config.amounts import megabytes
from controller.config.base import RefusedError, StrictModel
from controller.config.retries import Retries
from controller.late_binding import bound

if TYPE_CHECKING:
    from qtoolkit.io.base import BaseSchedulerIO

    from controller import Host

SCHEDULERS = ("shell", "slurm", "pbs", "sge", "hyperqueue")
"""Names of schedulers; anything else is the MSON description of one."""

_DEFAULT_COMMAND = "jf -fe execution run {}"

Port = Annotated[int, Field(ge=1, le=65535)]
Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[float, Field(ge=0)]


def described(value: Any) -> Any:
    """Return the MSON description of an object that has ``as_dict``, else the value itself."""
    return value.as_dict() if hasattr(value, "as_dict") else value


class ConnectionData(StrictModel):
    """How to reach a host over SSH; ``~/.ssh/config`` is respected.

    Attributes
    ----------
    host, user, port
        Host, user name and port of the connection.
    password, key_filename, passphrase
        Credentials of the login; the passphrase decrypts the key.
    gateway
        A host to connect through: a proxy command, a host name, or a connection.
    connect_kwargs
        Further arguments of paramiko's ``connect``.
    """

    host: str = Field(min_length=1)
    user: str | None = None
    port: Port | None = None
    password: str | None = None
    key_filename: str | list[str] | None = None
    passphrase: str | None = None
    gateway: str | ConnectionData | None = None
    connect_kwargs: dict[str, Any] | None = None


class BatchConfig(StrictModel):
    """Runs many jobs of a worker inside one queue submission.

    Attributes
    ----------
    jobs_handle_dir
        Pool folder on the worker; no other worker may use it.
    work_dir
        Folder of the batch processes on the worker.
    max_jobs_per_batch
        Number of jobs after which a batch process ends; None for no limit.
    max_wait
        Seconds without a job after which it ends; None for 60, the default of the command.
    max_time
        Seconds after which it starts no more jobs; None for no limit.
    parallel_jobs
        Number of jobs that it runs at once; None or 0 for one.
    sleep_time
        Seconds between checks of the pool; None for 10.
    warm
        Whether jobs that need nothing but jobflow run one after the other in processes that have
        already imported it; None for no. jobflow-remote does not have this key.
    """

    jobs_handle_dir: Path
    work_dir: Path
    max_jobs_per_batch: Count | None = None
    max_wait: Seconds | None = 60
    max_time: Seconds | None = None
    parallel_jobs: Count | None = None
    sleep_time: Seconds | None = None
    warm: bool | None = None


class WarmConfig(StrictModel):
    """Limits of the processes of a warm worker; see docs/warm.md.

    Attributes
    ----------
    processes
        Number of jobs that run at once; None for ``max_jobs`` or, without it, one per processor.
    jobs_per_process
        Number of jobs after which a process is replaced.
    memory_growth
        Growth of memory after which a process is replaced: MB, or a string such as "1G".
    memory_limit
        Maximum memory of a process, in the same form; None for no limit.
    idle_time
        Seconds without a job after which a process ends.
    """

    processes: Annotated[int, Field(ge=1)] | None = None
    jobs_per_process: Annotated[int, Field(ge=1)] = 1000
    memory_growth: Annotated[float, Field(gt=0)] = 200.0
    memory_limit: Annotated[float, Field(gt=0)] | None = None
    idle_time: Seconds = 60.0

    @field_validator("memory_growth", "memory_limit", mode="before")
    @classmethod
    def _in_megabytes(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        found = megabytes(value)
        if found is None:
            raise RefusedError(f"must be an amount of memory, not {value!r}", "for example 2G")
        return found


class WorkerBase(StrictModel):
    """The fields of all workers.

    Attributes
    ----------
    type
        local, remote or separated_transfer.
    scheduler_type
        shell, slurm, pbs, sge, hyperqueue, or the MSON description of a qtoolkit scheduler.
    work_dir
        Absolute path of the folder under which every job gets a folder of its own.
    resources
        Default resources: keywords of the scheduler, or the MSON description of a QResources.
    pre_run, post_run
        Shell lines before and after every job.
    execution_cmd
        Command that runs a job; ``{}`` stands for its folder. See `command`.
    timeout_execute
        Time limit of a command on the worker, in seconds.
    max_jobs
        Maximum number of jobs in the queue, or of batch processes; None or 0 for no limit.
    batch
        Makes this a batch worker.
    scheduler_username
        List the jobs of this user in the queue, instead of listing by ids (Grid Engine needs it).
    sanitize_command
        Wrap commands in markers and strip what the shell prints around them.
    delay_download
        Seconds to wait between the end of a job and the download of its files.
    retry
        Retry rules of the worker's jobs, after those of the job itself and of its exec_config;
        see `RetryRule`.
    """

    type: str
    scheduler_type: str | dict[str, Any]
    work_dir: Path
    resources: dict[str, Any] | None = None
    pre_run: str | None = None
    post_run: str | None = None
    execution_cmd: str | None = None
    timeout_execute: Annotated[int, Field(gt=0)] = 60
    max_jobs: Count | None = None
    batch: BatchConfig | None = None
    scheduler_username: str | None = None
    sanitize_command: bool = False
    delay_download: Count | None = None
    retry: Retries | None = None

    @field_validator("scheduler_type", "resources", mode="before")
    @classmethod
    def _as_description(cls, value: Any) -> Any:
        return described(value)

    @field_validator("scheduler_type")
    @classmethod
    def _known_scheduler(cls, value: str | dict[str, Any]) -> str | dict[str, Any]:
        if isinstance(value, str) and value not in SCHEDULERS:
            raise RefusedError(
                f"must be one of {', '.join(SCHEDULERS)}, or a description, not {value!r}"
            )
        if isinstance(value, dict) and not {"@module", "@class"} <= set(value):
            raise RefusedError("a described scheduler needs the keys '@module' and '@class'")
        return value

    @field_validator("work_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        if not value.is_absolute():
            raise RefusedError(
                f"must be an absolute path, not {value}",
                "write it in full: neither ~ nor variables are expanded",
            )
        return value

    @field_validator("execution_cmd")
    @classmethod
    def _has_place(cls, value: str | None) -> str | None:
        if value and "{}" not in value:
            raise RefusedError("must contain {}, which stands for the folder of the job")
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
    def warm_config(self) -> WarmConfig | None:
        """How jobs run in warm processes; None where each starts an interpreter."""
        return None

    @property
    def scheduler_name(self) -> str:
        """Name of the scheduler, or of the class in its description."""
        if isinstance(self.scheduler_type, str):
            return self.scheduler_type
        return str(self.scheduler_type["@class"])

    @property
    def cli_info(self) -> dict[str, Any]:
        """What ``jf project worker list -v`` shows: plain data, without secrets."""
        info: dict[str, Any] = {
            "scheduler_type": self.scheduler_name,
            "work_dir": str(self.work_dir),
        }
        if self.batch is not None:
            info["batch"] = self.batch.model_dump(mode="json", exclude_none=True)
        return info

    def get_host(self) -> Host:
        """Return the machine of this worker; nothing is connected yet.

        Close it after use: its connection is shared with other hosts of this process.
        """
        return bound("Worker.get_host")(self)

    def get_scheduler_io(self) -> BaseSchedulerIO:
        """Build the qtoolkit scheduler of this worker.

        Raises
        ------
        ConfigError
            The description of the scheduler cannot be decoded.
        """
        return bound("Worker.get_scheduler_io")(self.scheduler_type)


class LocalWorker(WorkerBase):
    """The runner's own machine.

    Attributes
    ----------
    warm
        Run jobs one after the other in processes that have already imported jobflow: true, or
        the limits of these processes. None and false start an interpreter for each job.
    """

    type: Literal["local"] = "local"
    warm: bool | WarmConfig | None = None

    @field_validator("warm")
    @classmethod
    def _can_be_warm(
        cls, value: bool | WarmConfig | None, info: ValidationInfo
    ) -> bool | WarmConfig | None:
        if not value:
            return value
        if info.data.get("scheduler_type") not in (None, "shell"):
            raise RefusedError(
                f"needs scheduler_type: shell, not {info.data['scheduler_type']}",
                "a queue starts a process for each job",
            )
        if info.data.get("batch"):
            raise RefusedError(
                "cannot be combined with batch: its jobs run in batch processes",
                "remove warm, or move it under batch",
            )
        return value

    @property
    def warm_config(self) -> WarmConfig | None:
        """How jobs run in warm processes; None where each starts an interpreter.

        So does each where the worker has shell lines or a command of its own for jobs.
        """
        if self.pre_run or self.post_run or self.execution_cmd:
            return None
        return WarmConfig() if self.warm is True else self.warm or None


class SSHWorker(WorkerBase):
    """A machine reached over SSH, of either type.

    Attributes
    ----------
    host, user, port, password, key_filename, passphrase, gateway, connect_kwargs
        As in `ConnectionData`.
    forward_agent
        Forward the SSH agent.
    connect_timeout
        Time limit for connecting, in seconds.
    inline_ssh_env
        Prefix commands with the environment instead of sending it separately.
    keepalive
        Seconds between keep-alive messages on an idle connection; None for none.
    shell_cmd, login_shell
        Shell that runs commands, and whether it is a login shell; None runs them directly.
    interactive_login
        Whether a login requires a user, for example for a second factor: see ``jf worker login``.
    backend
        paramiko, or openssh for the program ``ssh``; None means openssh if the login is
        interactive, else paramiko.
    ssh_config
        File to read instead of ``~/.ssh/config``.
    """

    host: str = Field(min_length=1)
    user: str | None = None
    port: Port | None = None
    password: str | None = None
    key_filename: str | list[str] | None = None
    passphrase: str | None = None
    gateway: str | ConnectionData | None = None
    forward_agent: bool | None = None
    connect_timeout: Count | None = None
    connect_kwargs: dict[str, Any] | None = None
    inline_ssh_env: bool | None = None
    keepalive: Count | None = 60
    shell_cmd: str | None = "bash"
    login_shell: bool = True
    interactive_login: bool = False
    backend: Literal["paramiko", "openssh"] | None = None
    ssh_config: str | None = None

    @property
    def uses_openssh(self) -> bool:
        """Whether the connection uses the program ``ssh``."""
        return self.backend == "openssh" or (self.backend is None and self.interactive_login)

    @property
    def connection(self) -> ConnectionData:
        """The host for commands."""
        return ConnectionData(**{n: getattr(self, n) for n in ConnectionData.model_fields})

    @property
    def cli_info(self) -> dict[str, Any]:
        """What ``jf project worker list -v`` shows: plain data, without secrets."""
        return {"host": self.host, "user": self.user, **super().cli_info}


class RemoteWorker(SSHWorker):
    """A machine reached over SSH."""

    type: Literal["remote"] = "remote"


class SeparatedTransferWorker(SSHWorker):
    """A machine whose files go through another host than its commands.

    Attributes
    ----------
    transfer
        The host for files. Its user and port fall back to those of the worker, its credentials
        only if it has none at all; the gateway is not inherited.
    """

    type: Literal["separated_transfer"] = "separated_transfer"
    transfer: ConnectionData

    @property
    def transfer_connection(self) -> ConnectionData:
        """The host for files, completed with settings of the worker."""
        own = self.transfer
        taken: dict[str, Any] = {"user": own.user or self.user, "port": own.port or self.port}
        if not (own.password or own.key_filename or own.passphrase):
            names = ("password", "key_filename", "passphrase")
            taken.update({name: getattr(self, name) for name in names})
        return own.model_copy(update=taken)

    @property
    def cli_info(self) -> dict[str, Any]:
        """What ``jf project worker list -v`` shows: plain data, without secrets."""
        return {**super().cli_info, "transfer": self.transfer.host}


Worker = Annotated[
    LocalWorker | RemoteWorker | SeparatedTransferWorker, Field(discriminator="type")
]
"""A worker as a project file describes it; its key ``type`` says which."""


def same_host(a: WorkerBase, b: WorkerBase) -> bool:
    """Whether two workers are reached in exactly the same way.

    All local workers are; others when every parameter of their connections is equal.
    """
    if a.type != b.type:
        return False
    connection = set(type(a).model_fields) - set(WorkerBase.model_fields)
    return a.model_dump(include=connection) == b.model_dump(include=connection)
