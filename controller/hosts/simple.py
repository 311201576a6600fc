"""Methods for one file, based on those for many."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from controller.errors import ControllerError
from controller.hosts.archive import Content
from controller.hosts.base import CommandResult


class SimpleCalls(ABC):
    """Methods for one file, and use in a ``with`` statement, for every host."""

    is_local = False

    @abstractmethod
    def write_files(self, files: Mapping[Path, Content], *, make_folders: bool = True) -> None:
        """See `Host.write_files`."""

    @abstractmethod
    def read_files(self, paths: Iterable[Path]) -> dict[Path, bytes]:
        """See `Host.read_files`."""

    def close(self) -> None:  # noqa: B027 (this machine has no connection to close)
        """See `Host.close`."""

    @abstractmethod
    def execute(
        self,
        command: str,
        workdir: Path | None = None,
        *,
        timeout: float | None = None,
        stdin: bytes = b"",
    ) -> CommandResult:
        """See `Host.execute`."""

    def test(self) -> str | None:
        """Check whether commands can be run; return what is wrong, or None."""
        try:
            done = self.execute("echo test")
        except ControllerError as error:
            return f"commands cannot be run: {error}"
        if done.returncode or done.stdout.strip() != "test":
            return (
                f"`echo test` ended with status {done.returncode} and printed {done.stdout!r}, "
                f"with the error output {done.stderr!r}: check the shell's start-up files"
            )
        return None

    def write_bytes(self, path: Path, content: bytes) -> None:
        """See `Host.write_bytes`."""
        self.write_files({path: content}, make_folders=False)

    def read_bytes(self, path: Path) -> bytes:
        """See `Host.read_bytes`."""
        found = self.read_files([path])
        if path not in found:
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return found[path]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
