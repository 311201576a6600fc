"""Workers whose files go through another machine than their commands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from controller.hosts.archive import Content
from controller.hosts.base import CommandResult, Exchange, ExchangeResult, Host, Progress
from controller.hosts.simple import SimpleCalls


class SplitHost(SimpleCalls):
    """Two machines that share their files.

    Parameters
    ----------
    commands
        Runs commands, creates and removes folders.
    files
        Transfers files.
    """

    def __init__(self, commands: Host, files: Host) -> None:
        self.name = commands.name
        self._commands, self._files = commands, files

    def execute(
        self,
        command: str,
        workdir: Path | None = None,
        *,
        timeout: float | None = None,
        stdin: bytes = b"",
    ) -> CommandResult:
        """See `Host.execute`."""
        return self._commands.execute(command, workdir, timeout=timeout, stdin=stdin)

    def exchange(self, request: Exchange) -> ExchangeResult:
        """See `Host.exchange`; three round trips, because there are two machines."""
        self.write_files(request.write, make_folders=request.make_folders)
        result = None
        if request.command is not None:
            result = self.execute(request.command, request.workdir)
        return ExchangeResult(result, self.read_files(request.read))

    def write_files(self, files: Mapping[Path, Content], *, make_folders: bool = True) -> None:
        """See `Host.write_files`."""
        self._files.write_files(files, make_folders=make_folders)

    def read_files(self, paths: Iterable[Path]) -> dict[Path, bytes]:
        """See `Host.read_files`."""
        return self._files.read_files(paths)

    def send(self, files: Mapping[Path, Path], progress: Progress | None = None) -> None:
        """See `Host.send`."""
        self._files.send(files, progress)

    def fetch(self, files: Mapping[Path, Path], progress: Progress | None = None) -> list[Path]:
        """See `Host.fetch`."""
        return self._files.fetch(files, progress)

    def mkdir(self, *paths: Path) -> None:
        """See `Host.mkdir`."""
        self._commands.mkdir(*paths)

    def exists(self, path: Path) -> bool:
        """See `Host.exists`."""
        return self._files.exists(path)

    def listdir(self, path: Path) -> list[str]:
        """See `Host.listdir`."""
        return self._files.listdir(path)

    def remove(self, *paths: Path) -> None:
        """See `Host.remove`."""
        self._files.remove(*paths)

    def rmtree(self, *paths: Path) -> None:
        """See `Host.rmtree`."""
        self._commands.rmtree(*paths)

    def connect(self) -> None:
        """See `Host.connect`."""
        self._commands.connect()
        self._files.connect()

    @property
    def is_connected(self) -> bool:
        """See `Host.is_connected`."""
        return self._commands.is_connected and self._files.is_connected

    def close(self) -> None:
        """See `Host.close`."""
        self._commands.close()
        self._files.close()
