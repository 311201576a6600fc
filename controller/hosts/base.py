"""What the runner asks of a machine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from controller.hosts.archive import Content

Progress = Callable[[int, int], None]
"""Called with (bytes done, bytes in all) of a transfer."""


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
        {where: content, or a file of this machine}; folders are made. All of them are written
        before the command runs; where one cannot be written, it does not run.
    command
        Shell command; None for none.
    workdir
        Where it runs; None for the home folder.
    read
        Files to return, whatever the command's status.
    make_folders
        Otherwise a folder that does not exist is a FileNotFoundError.
    """

    write: Mapping[Path, Content] = field(default_factory=dict)
    command: str | None = None
    workdir: Path | None = None
    read: Sequence[Path] = ()
    make_folders: bool = True


@dataclass(frozen=True)
class ExchangeResult:
    """What came of an `Exchange`.

    Attributes
    ----------
    result
        Of the command; None where there was none.
    files
        {path: content} of those that were there.
    """

    result: CommandResult | None
    files: dict[Path, bytes]


class Host(Protocol):
    """Commands and files on one machine. Paths are absolute; nothing needs quoting.

    Many files travel at once: each method takes any number, for the price of one round trip.
    Whatever the machine refuses is a RemoteError; a file that is not there, where one has to be,
    a FileNotFoundError. A machine that cannot be reached is a HostUnavailableError. All methods
    may be called from several threads.

    Attributes
    ----------
    name
        Of the machine, for messages.
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
            What the command reads.

        Raises
        ------
        FileNotFoundError
            There is no such folder.
        RemoteError
            It took longer; it was killed with its children.
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
        """Write files: of each the whole or nothing; the folders are as for an `Exchange`."""

    def read_files(self, paths: Iterable[Path]) -> dict[Path, bytes]:
        """Return the content of files; those that are not there are left out."""

    def send(self, files: Mapping[Path, Path], progress: Progress | None = None) -> None:
        """Copy files from this machine to that one.

        A large one that was cut off goes on where it ended.

        Parameters
        ----------
        files
            {file here: where it goes}.
        """

    def fetch(self, files: Mapping[Path, Path], progress: Progress | None = None) -> list[Path]:
        """Copy files from that machine to this one; as `send` where one is cut off.

        Parameters
        ----------
        files
            {file there: where it goes}; folders here are made.

        Returns
        -------
        list
            The files that were there.
        """

    def write_bytes(self, path: Path, content: bytes) -> None:
        """Write a file into a folder that exists: the whole of it or nothing."""

    def read_bytes(self, path: Path) -> bytes:
        """Return the content of a file (FileNotFoundError when there is none)."""

    def exists(self, path: Path) -> bool:
        """Whether a file or folder is there."""

    def listdir(self, path: Path) -> list[str]:
        """Names in a folder; none when it does not exist."""

    def remove(self, *paths: Path) -> None:
        """Delete files; one that does not exist is fine."""

    def rmtree(self, *paths: Path) -> None:
        """Delete folders with all they hold; one that does not exist is fine."""

    def connect(self) -> None:
        """Log in, if that has not been done; what needs the connection does it by itself."""

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection, as far as one can tell without using it."""

    def test(self) -> str | None:
        """Try whether commands can be run; return what is wrong, None when nothing is."""

    def close(self) -> None:
        """Give the connection back; it ends when no other host of this process uses it."""
