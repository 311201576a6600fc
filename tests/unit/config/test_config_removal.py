"""The removal of a project deletes what jfr made, and leaves and names what is the user's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from config_samples import MINIMAL

from controller.config import Project
from controller.config.removal import RUN_DIR_MARKS, plan_removal
from controller.execution import files
from controller.hosts.ownership import REMOVED_FILE, owner_file
from controller.storage.embedded.database import open_database

UUID = "0a1b2c3d-0000-4000-8000-000000000000"
RUN = f"work/0a/1b/2c/{UUID}_1"

OURS = (
    "log/runner.log",
    "log/runner.log.3",
    "log/runner-2.log",
    "log/.runner.log.lock",
    "log/supervisord.log",
    "daemon/supervisord.conf",
    "daemon/s.sock",
    "queue.sqlite.lock",
    f"{RUN}/jfremote_in.json",
    f"{RUN}/POSCAR",
    f"{RUN}/deep/er/WAVECAR",
    f"work/0a/1b/2d/{UUID.replace('0a1b2c', '0a1b2d')}_2/jfr_owner.0123",
    "work/ab/ab_1/jfremote_in.json.gz",
    f"work/0a/1b/2c/.{UUID}_7.removed/x",
    "work/0a/1b/2c/0a1b2cbatch/submit.sh",
    f"tmp/download/0a/1b/2c/{UUID}_1/jfremote_out.json",
    "pool/submitted/anything",
)
USERS = (
    "thesis.txt",
    "figures/1.png",
    "log/thesis.log",
    "log/2024/runner.log",
    "runner.log",
    "daemon/notes",
    "tmp/mine",
    "work/mine/jfremote_in.json",
    "work/0a/mine.txt",
    f"work/0a/1b/2c/{UUID}_4/POSCAR",
    f"work/0b/1b/2c/{UUID}_1/jfremote_in.json",
    f"work/{UUID}_1/jfremote_in.json",
    "work/0a/1b/2c/d/x",
    "queue.sqlite.txt",
    "other.sqlite",
    "pool/thesis.txt",
)


def project(base: Path, **fields: Any) -> Project:
    stores = {
        "queue": {"store": {"type": "EmbeddedStore", "path": str(base / "queue.sqlite")}},
        "jobstore": {"docs_store": {"type": "EmbeddedStore", "path": str(base / "fake.sqlite")}},
    }
    worker = {
        "type": "local",
        "scheduler_type": "shell",
        "work_dir": str(base / "work"),
        "batch": {"jobs_handle_dir": str(base / "pool"), "work_dir": str(base / "batches")},
    }
    named = {"base_dir": str(base), "workers": {"w": worker}}
    return Project.model_validate({**MINIMAL, **stores, **named, **fields})


def put(base: Path, *names: str) -> None:
    for name in names:
        path = base / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def test_the_marks_are_names_that_a_run_gives() -> None:
    names = (files.IN_FILE, files.OUT_FILE, files.SUBMIT_SCRIPT, files.QUEUE_OUT, files.QUEUE_ERR)
    for name in (*names, files.EXIT_FILE, REMOVED_FILE, owner_file("0123")):
        assert RUN_DIR_MARKS.fullmatch(name), name


@pytest.mark.parametrize("foreign", USERS)
def test_what_is_not_ours_stays_and_is_named(tmp_path: Path, foreign: str) -> None:
    base = tmp_path / "research"
    put(base, *OURS, foreign)
    open_database(base / "queue.sqlite").close()
    plan = plan_removal(project(base))
    assert [path for path in plan.left if (base / foreign).is_relative_to(path)] == plan.left
    plan.carry_out()
    assert (base / foreign).read_text() == foreign
    assert [p for p in base.rglob("*") if not p.is_dir()] == [base / foreign]
    assert not any(path.exists() for path in plan.shown)


def test_all_that_is_ours_goes_with_the_folder(tmp_path: Path) -> None:
    base = tmp_path / "research"
    put(base, *OURS)
    open_database(base / "queue.sqlite").close()
    plan = plan_removal(project(base))
    assert (plan.shown, plan.left) == ([base], [])
    plan.carry_out()
    assert not base.exists()


def test_a_file_that_is_no_database_of_ours_stays(tmp_path: Path) -> None:
    base = tmp_path / "base"
    put(base, "fake.sqlite", "fake.sqlite-wal")
    plan = plan_removal(project(base))
    assert plan.left == [base / "fake.sqlite", base / "fake.sqlite-wal"]
    plan.carry_out()
    assert (base / "fake.sqlite").exists()


def test_links_are_not_followed(tmp_path: Path) -> None:
    base, disk = tmp_path / "base", tmp_path / "disk"
    put(disk, "runner.log", "POSCAR")
    put(base, "work/0a/x")
    (base / "log").symlink_to(disk)
    (base / "work/0a/1b").symlink_to(disk)
    plan_removal(project(base)).carry_out()
    assert sorted(path.name for path in disk.iterdir()) == ["POSCAR", "runner.log"]
    assert (base / "log").is_symlink()


def test_a_file_that_comes_meanwhile_stays(tmp_path: Path) -> None:
    base = tmp_path / "base"
    put(base, *OURS)
    plan = plan_removal(project(base))
    put(base, "tmp/late")
    plan.carry_out()
    assert [p for p in base.rglob("*") if not p.is_dir()] == [base / "tmp/late"]


def test_ids_of_any_length_are_found_where_they_are_put(tmp_path: Path) -> None:
    for uuid in ("a", "abc", "abcdef", "a-b-c-d-e-f-g", UUID, "with_under_score"):
        base = tmp_path / uuid
        run_dir = files.run_dir_path(base / "work", uuid, 12)
        put(run_dir, "jfremote_in.json")
        assert plan_removal(project(base)).trees == [run_dir]
