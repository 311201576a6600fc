"""The runner's log: a rotating file in the project's ``log_dir``, and standard error."""

from __future__ import annotations

import logging
import sys
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controller.config import Project

FILE_SIZE, FILES = 5 * 1024 * 1024, 5
_ROOT = "controller"


def start_logging(project: Project, level: int, runner_id: str) -> list[logging.Handler]:
    """Begin to log; give what is returned to `stop_logging`.

    Parameters
    ----------
    level
        As `logging` numbers them.
    runner_id
        Stands in every line: several runners may write to one file.
    """
    Path(project.log_dir).mkdir(parents=True, exist_ok=True)
    form = logging.Formatter(f"%(asctime)s [%(levelname)s] ID {runner_id} %(name)s: %(message)s")
    file = RotatingFileHandler(
        Path(project.log_dir) / "runner.log",
        maxBytes=FILE_SIZE,
        backupCount=FILES,
        encoding="utf-8",
        delay=True,
    )
    handlers: list[logging.Handler] = [file, logging.StreamHandler(sys.stderr)]
    root = logging.getLogger(_ROOT)
    root.setLevel(level)
    for handler in handlers:
        handler.setFormatter(form)
        root.addHandler(handler)
    return handlers


def stop_logging(handlers: list[logging.Handler]) -> None:
    """Close what `start_logging` opened."""
    root = logging.getLogger(_ROOT)
    root.setLevel(logging.NOTSET)  # whoever runs in this process next logs as it was
    for handler in handlers:
        root.removeHandler(handler)
        if not isinstance(handler, logging.StreamHandler) or isinstance(
            handler, logging.FileHandler
        ):
            handler.close()
