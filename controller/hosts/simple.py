"""Calls for one file, over those for many."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from controller.errors import ControllerError
from controller.hosts.archive import Content
from controller.hosts.base import CommandResult


class SimpleCalls:
    """What every host says of one file, and that it can be used in a ``with`` statement."""

    is_local = False

    def write_files(self, files: Mapping[Path, Content], *, make_folders: bool = True) -> None:
        """See `Host.write_files`."""
        raise NotImplementedError

    def read_files(self, paths: Iterable[Path]) -> dict[Path, bytes]:
        """See `Host.read_files`."""
        raise NotImplementedError

    def close(self) -> None:
        """See `Host.close`."""

    def execute(
        self,
        command: str,
        workdir: Path | None = None,
        *,
        timeout: float | None = None,
        stdin: bytes = b"",
    ) -> CommandResult:
        """See `Host.execute`."""
        raise NotImplementedError

    def test(self) -> str | None:
        """Try whether commands can be run; return what is wrong, None when nothing is."""
        try:
            done = self.execute("echo test")
        except ControllerError as error:
            return f"no command can be run: {error}"
        if done.returncode or done.stdout.strip() != "test":
            return (
                f"`echo test` ended with status {done.returncode} and printed {done.stdout!r}, "
                f"with the error output {done.stderr!r}: see the start-up files of the shell there"
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
