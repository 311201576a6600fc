"""The log of a runner on a disk without locks, one that was away, and one that was emptied."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from controller.runner.logs import start_logging, stop_logging

logger = logging.getLogger("controller.test")


@pytest.fixture
def project(tmp_path: Path) -> Any:
    return SimpleNamespace(log_dir=str(tmp_path / "log"))


def test_a_network_disk_without_locks(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runners write into one file then; neither fails."""

    def no_locks(descriptor: int, kind: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    one = start_logging(project, logging.INFO, "one", to_stderr=False)
    two = start_logging(project, logging.INFO, "two", to_stderr=False)
    logger.info("said")
    stop_logging(one)
    stop_logging(two)
    assert [p.name for p in Path(project.log_dir).glob("*.log")] == ["runner.log"]
    assert (Path(project.log_dir) / "runner.log").read_text().count("said") == 2


def test_a_network_disk_that_was_away(project: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written meanwhile is lost; then the file is opened again: the old one is stale."""
    handlers = start_logging(project, logging.INFO, "one", to_stderr=False)

    class Stale:
        def __init__(self, stream: Any) -> None:
            self._stream = stream

        def write(self, text: str) -> None:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

        def __getattr__(self, name: str) -> Any:
            return getattr(self._stream, name)

    logger.info("before")
    handlers[0].stream = Stale(handlers[0].stream)  # type: ignore[attr-defined]
    logger.info("lost")
    logger.info("after")
    stop_logging(handlers)
    text = (Path(project.log_dir) / "runner.log").read_text()
    assert [word in text for word in ("before", "lost", "after")] == [True, False, True]


@pytest.mark.parametrize("whole_folder", [True, False])
def test_logs_that_are_removed_beside_the_runner(project: Any, whole_folder: bool) -> None:
    handlers = start_logging(project, logging.INFO, "one", to_stderr=False)
    folder = Path(project.log_dir)
    logger.info("before")
    if whole_folder:
        shutil.rmtree(folder)
    else:
        (folder / "runner.log").rename(folder / "kept.log")
    logger.info("after")
    stop_logging(handlers)
    assert "before" not in (folder / "runner.log").read_text()
    assert "after" in (folder / "runner.log").read_text()
