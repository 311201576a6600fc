"""The runner's log: a rotating file in the project's ``log_dir``, and standard error."""

from __future__ import annotations

import logging
import sys
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
_ROOT = "controller"


def start_logging(project: Project, level: int, runner_id: str) -> list[logging.Handler]:
    """Start logging; pass the return value to `stop_logging`.

    Parameters
    ----------
    level
        As numbered by `logging`.
    runner_id
        Included in every line, because several runners may write to one file.

    Raises
    ------
    ConfigError
        The file cannot be opened.
    """
    form = _Lines(f"%(asctime)s [%(levelname)s] ID {runner_id} %(name)s: %(message)s")
    file = _open_file(Path(project.log_dir))
    handlers: list[logging.Handler] = [file, logging.StreamHandler(sys.stderr)]
    root = logging.getLogger(_ROOT)
    root.setLevel(level)
    for handler in handlers:
        handler.setFormatter(form)
        root.addHandler(handler)
    return handlers


class _Lines(logging.Formatter):
    """Writes records so that no name in one looks like another, or is obeyed by a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as lines, all but the first one indented."""
        return log_text(super().format(record))


class _LogFile(RotatingFileHandler):
    """A log file that tolerates write errors, because standard error gets every line too."""

    def _open(self) -> TextIOWrapper:
        stream = open_private(Path(self.baseFilename), self.mode, encoding=self.encoding)
        return cast(TextIOWrapper, stream)

    def handleError(self, record: logging.LogRecord) -> None:
        """Drop the line; a full disk must neither stop the runner nor flood the terminal."""


def _open_file(folder: Path) -> _LogFile:
    try:
        make_private_folder(folder)
        return _LogFile(
            folder / "runner.log", maxBytes=FILE_SIZE, backupCount=FILES, encoding="utf-8"
        )
    except OSError as error:
        raise ConfigError(
            f"cannot write the log {folder / 'runner.log'}: {error.strerror}",
            hint="check the permissions of the folder, or set log_dir in the project file",
        ) from None


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
