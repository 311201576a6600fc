"""What jfr makes is for the user alone, whatever the umask."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.config import ConfigManager, quickstart_project
from controller.hosts import LocalHost
from controller.jobcontroller import JobController
from controller.paths import make_private_folder, open_private
from controller.runner import logs
from controller.storage.embedded.database import open_database

pytestmark = pytest.mark.usefixtures("real_reset")


def project_file(base: Path) -> None:
    manager = ConfigManager(folder=base / "projects")
    manager.create_project(quickstart_project("p", base / "p"))
    manager.backup_project("p")
    manager.remove_worker("local", "p")


def log(base: Path) -> None:
    project = quickstart_project("p", base / "p")
    manager = ConfigManager(folder=base / "projects")
    manager.create_project(project)
    (base / "p" / "log").rmdir()
    size, logs.FILE_SIZE = logs.FILE_SIZE, 50
    try:
        handlers = logs.start_logging(manager.get_project("p"), logging.INFO, "1")
        for _ in range(3):
            logging.getLogger("controller").info("x" * 40)
    finally:
        logs.FILE_SIZE = size
    logs.stop_logging(handlers)
    assert len(list((base / "p" / "log").iterdir())) > 2, "it was rotated"


def run_dir(base: Path) -> None:
    host = LocalHost()
    host.mkdir(base / "work" / "0a")
    host.write_files({base / "work" / "0a" / "1b" / "in.json": b"{}"})
    host.fetch({base / "work" / "0a" / "1b" / "in.json": base / "tmp" / "download" / "in.json"})


def database(base: Path) -> None:
    open_database(base / "a" / "b" / "queue.sqlite").collection("jobs").insert_one({"a": 1})


def backup(base: Path) -> None:
    manager = ConfigManager(folder=base / "projects")
    manager.create_project(quickstart_project("p", base / "p"))
    with JobController.from_project(manager.get_project("p")) as controller:
        controller.reset()
        controller.backup_dump(base / "backups" / "of today")


def plain(base: Path) -> None:
    make_private_folder(base / "x" / "y")
    with open_private(base / "x" / "y" / "z", "w", encoding="utf-8") as stream:
        stream.write("z")


@pytest.mark.parametrize("umask", [0o000, 0o077], ids=["000", "077"])
@pytest.mark.parametrize("make", [project_file, log, run_dir, database, backup, plain])
def test_nobody_else_can_read_it(tmp_path: Path, umask: int, make: Callable[[Path], None]) -> None:
    base = tmp_path / "base"
    base.mkdir()
    before = os.umask(umask)
    try:
        make(base)
        modes = {path: path.stat().st_mode & 0o777 for path in base.rglob("*")}
    finally:
        os.umask(before)
    assert modes
    wrong = {p.relative_to(base): oct(m) for p, m in modes.items() if m & 0o077}
    assert not wrong
