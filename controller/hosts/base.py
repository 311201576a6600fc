"""What the runner asks of a machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from controller.errors import ConfigError

if TYPE_CHECKING:
    from controller.config.workers import WorkerBase


@dataclass(frozen=True)
class CommandResult:
    """What a command printed, and its exit status."""

    stdout: str
    stderr: str
    returncode: int


class Host(Protocol):
    """Commands and files on one machine. Paths are absolute; nothing needs quoting.

    Whatever the machine refuses is a RemoteError; a file that is not there, where one has to be,
    a FileNotFoundError.
    """

    def execute(self, command: str, workdir: Path | None = None) -> CommandResult:
        """Run a shell command and wait for it.

        Raises
        ------
        RemoteError
            It took longer than the worker's ``timeout_execute``.
        """

    def mkdir(self, path: Path) -> None:
        """Create a folder and those above it; one that exists is fine."""

    def write_bytes(self, path: Path, content: bytes) -> None:
        """Write a file: the whole of it or nothing."""

    def read_bytes(self, path: Path) -> bytes:
        """Return the content of a file (FileNotFoundError when there is none)."""

    def exists(self, path: Path) -> bool:
        """Whether a file or folder is there."""

    def listdir(self, path: Path) -> list[str]:
        """Names in a folder; none when it does not exist."""

    def remove(self, path: Path) -> None:
        """Delete a file; one that does not exist is fine."""

    def rmtree(self, path: Path) -> None:
        """Delete a folder with all it holds; one that does not exist is fine."""


def open_host(worker: WorkerBase) -> Host:
    """Return the host of a worker.

    Raises
    ------
    ConfigError
        Its kind of worker cannot be used yet.
    """
    from controller.hosts.local import LocalHost

    if not worker.is_local:
        raise ConfigError(
            f"workers of type {worker.type} cannot be run by this version",
            hint="use a worker of type local",
        )
    return LocalHost(timeout=worker.timeout_execute)
