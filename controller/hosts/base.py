"""What the runner needs of a machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from controller.hosts.archive import Content

Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in total) of a transfer."""


@dataclass(frozen=True)
class CommandResult:
    """What a command printed, and its exit status."""

    stdout: str
    stderr: str
    returncode: int


@dataclass(frozen=True)
class Exchange:
    """Files to write, then a command to run, then files to read: one round trip.

    Attributes
    ----------
    write
        {path: content, or a file on this machine}; folders are created. All files are written
        before the command runs; if one cannot be written, it does not run.
    command
        Shell command, or None.
    workdir
        Working folder; None for the home folder.
    read
        Files to return, whatever the command's status.
    make_folders
        If False, a folder that does not exist is a FileNotFoundError.
    """

    write: Mapping[Path, Content] = field(default_factory=dict)
    command: str | None = None
    workdir: Path | None = None
    read: Sequence[Path] = ()
    make_folders: bool = True


@dataclass(frozen=True)
class ExchangeResult:
    """The result of an `Exchange`.

    Attributes
    ----------
    result
        Result of the command; None without a command.
    files
        {path: content} of the files that exist.
    """

    result: CommandResult | None
    files: dict[Path, bytes]


class Host(Protocol):
    """Commands and files on one machine. Paths are absolute; nothing needs quoting.

    Each method takes any number of files, in one round trip. Anything the machine refuses is a
    RemoteError; a missing file that must exist is a FileNotFoundError. A machine that cannot be
    reached is a HostUnavailableError. All methods may be called from several threads.

    Attributes
    ----------
    name
        Name of the machine, for messages.
    is_local
        Whether it is this machine.
    """

    name: str
    is_local: bool

    def execute(
        self,
        command: str,
        workdir: Path | None = None,
        *,
        timeout: float | None = None,
        stdin: bytes = b"",
    ) -> CommandResult:
        """Run a shell command and wait for it.

        Parameters
        ----------
        timeout
            Seconds; None for the worker's ``timeout_execute``.
        stdin
            Standard input of the command.

        Raises
        ------
        FileNotFoundError
            The folder does not exist.
        RemoteError
            It took too long, and was killed with its children.
        HostUnavailableError
            The connection was lost; ``sent`` says whether the command may have run.
        """

    def exchange(self, request: Exchange) -> ExchangeResult:
        """Write files, run a command and read files, in one round trip.

        Raises
        ------
        RemoteError
            A file could not be written: the command did not run. Or as for `execute`.
        """

    def mkdir(self, *paths: Path) -> None:
        """Create folders and those above them; one that exists is fine."""

    def write_files(self, files: Mapping[Path, Content], *, make_folders: bool = True) -> None:
        """Write files, each completely or not at all; folders are handled as in an `Exchange`."""

    def read_files(self, paths: Iterable[Path]) -> dict[Path, bytes]:
        """Return the content of files; missing files are left out."""

    def send(self, files: Mapping[Path, Path], progress: Progress | None = None) -> None:
        """Copy files from this machine to the host.

        An interrupted large file is continued where it stopped.

        Parameters
        ----------
        files
            {local file: path on the host}.
        """

    def fetch(self, files: Mapping[Path, Path], progress: Progress | None = None) -> list[Path]:
        """Copy files from the host to this machine; interrupted files are handled as in `send`.

        Parameters
        ----------
        files
            {file on the host: local path}; local folders are created.

        Returns
        -------
        list
            The files that exist.
        """

    def write_bytes(self, path: Path, content: bytes) -> None:
        """Write a file into an existing folder, completely or not at all."""

    def read_bytes(self, path: Path) -> bytes:
        """Return the content of a file (FileNotFoundError if it is missing)."""

    def exists(self, path: Path) -> bool:
        """Whether a file or folder exists."""

    def listdir(self, path: Path) -> list[str]:
        """Names in a folder; empty if it does not exist."""

    def remove(self, *paths: Path) -> None:
        """Delete files; missing ones are ignored."""

    def rmtree(self, *paths: Path) -> None:
        """Delete folders with their contents; missing ones are ignored."""

    def connect(self) -> None:
        """Log in, if necessary; methods that need the connection also do so."""

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection, as far as one can tell without using it."""

    def test(self) -> str | None:
        """Check whether commands can be run; return what is wrong, or None."""

    def close(self) -> None:
        """Release the connection; it ends when no other host of this process uses it."""
