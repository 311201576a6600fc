"""The runner's log: a separate rotating file in the project's ``log_dir``, and standard error.

The first runner in a folder writes ``runner.log``; each further one writes a file named after its
host. Lock files next to the logs show which names are in use: two processes that rotated the same
file would lose each other's lines.
"""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import sys
from contextlib import suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, cast

from controller.errors import ConfigError
from controller.paths import make_private_folder, open_private
from controller.safe_text import log_text

if TYPE_CHECKING:
    from controller.config import Project

FILE_SIZE, FILES = 5 * 1024 * 1024, 5
MOST_FILES = 100
"""Maximum number of runners of one host that can log into one folder."""
_ROOT = "controller"


def start_logging(
    project: Project, level: int, runner_id: str, *, to_stderr: bool = True
) -> list[logging.Handler]:
    """Start logging; pass the return value to `stop_logging`.

    Parameters
    ----------
    level
        Level, as a number of `logging`.
    runner_id
        Included in every line.
    to_stderr
        Log to standard error, too.

    Raises
    ------
    ConfigError
        The file cannot be opened.
    """
    form = _Lines(f"%(asctime)s [%(levelname)s] ID {runner_id} %(name)s: %(message)s")
    handlers: list[logging.Handler] = [_open_file(Path(project.log_dir))]
    if to_stderr:
        handlers.append(logging.StreamHandler(sys.stderr))
    root = logging.getLogger(_ROOT)
    root.setLevel(level)
    for handler in handlers:
        handler.setFormatter(form)
        root.addHandler(handler)
    return handlers


def log_file_of(handlers: list[logging.Handler]) -> str | None:
    """Return the path of the file among what `start_logging` returned."""
    return next((h.baseFilename for h in handlers if isinstance(h, logging.FileHandler)), None)


class _Lines(logging.Formatter):
    """Writes records so that no name in one looks like another, or is obeyed by a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as lines, all but the first one indented."""
        return log_text(super().format(record))


class _LogFile(RotatingFileHandler):
    """A log file that tolerates write errors, because standard error gets every line too."""

    def __init__(self, path: Path, lock: int) -> None:
        self._lock_descriptor = lock
        try:
            super().__init__(path, maxBytes=FILE_SIZE, backupCount=FILES, encoding="utf-8")
        except OSError:
            os.close(lock)
            raise

    def _open(self) -> TextIOWrapper:
        make_private_folder(Path(self.baseFilename).parent)
        stream = open_private(Path(self.baseFilename), self.mode, encoding=self.encoding)
        return cast(TextIOWrapper, stream)

    def shouldRollover(self, record: logging.LogRecord) -> bool:
        """Whether the file is full; one that was deleted or moved is made anew first."""
        if self.stream is not None and not _bears_its_name(self.stream, self.baseFilename):
            self._let_go()
        return bool(super().shouldRollover(record))

    def handleError(self, record: logging.LogRecord) -> None:
        """Drop the line; a full disk must neither stop the runner nor flood the terminal.

        The next line opens the file again: on a network disk that was away, the old one is stale.
        """
        self._let_go()

    def _let_go(self) -> None:
        stream, self.stream = self.stream, None
        if stream is not None:
            with suppress(OSError, ValueError):  # what it holds cannot be written
                stream.close()

    def close(self) -> None:
        """Close the file, and let another runner have its name."""
        super().close()
        if self._lock_descriptor >= 0:
            os.close(self._lock_descriptor)
            self._lock_descriptor = -1


def _bears_its_name(stream: TextIOWrapper, path: str) -> bool:
    """Whether an open file is still the one of this path."""
    with suppress(OSError):
        return os.path.samestat(Path(path).stat(), os.fstat(stream.fileno()))
    return False


def _open_file(folder: Path) -> _LogFile:
    try:
        make_private_folder(folder)
        for name in _names():
            lock = _lock(folder / f".{name}.log.lock")
            if lock is not None:
                return _LogFile(folder / f"{name}.log", lock)
    except OSError as error:
        raise ConfigError(
            f"cannot write the log {folder / 'runner.log'}: {error.strerror}",
            hint="check the permissions of the folder, or set log_dir in the project file",
        ) from None
    raise ConfigError(f"{MOST_FILES} runners of this host already write logs into {folder}")


def _names() -> list[str]:
    host = "".join(c if c.isalnum() or c in "-." else "_" for c in socket.gethostname())
    return ["runner", *(f"runner-{host}-{number}" for number in range(1, MOST_FILES))]


def _lock(path: Path) -> int | None:
    """Hold the name of a log file; None when another process holds it."""
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    except OSError:
        pass  # a file system without locks: one file for all is better than none
    return descriptor


def stop_logging(handlers: list[logging.Handler]) -> None:
    """Undo `start_logging`."""
    root = logging.getLogger(_ROOT)
    root.setLevel(logging.NOTSET)  # later code in this process logs as before
    for handler in handlers:
        root.removeHandler(handler)
        if not isinstance(handler, logging.StreamHandler) or isinstance(
            handler, logging.FileHandler
        ):
            handler.close()
