"""``jf backup``, ``jf admin upgrade`` and ``jf admin doctor``, on each engine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from installed_jf import Project, answering

from controller.documents import utc_now

VERSION = {"jobflow_remote_version": {"$exists": True}}
RUNNER = {"running_runner": {"$exists": True}}


def report(project: Project, *words: str, code: int = 0) -> Any:
    done = project.jf(*words, "--json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


def job(db_id: str, **more: Any) -> dict[str, Any]:
    return {"db_id": db_id, "uuid": f"u{db_id}", "index": 1, "state": "READY", **more}


@pytest.mark.parametrize("flags", [[], ["-c", "-p"]])
def test_backup_there_and_back(fresh: Project, tmp_path: Path, flags: list[str]) -> None:
    fresh.controller.jobs.insert_many([job(str(i)) for i in range(3)])
    folder = tmp_path / "backups"
    planned = report(fresh, "backup", "create", str(folder), "--dry-run")
    assert planned["documents"]["jobs"] == 3
    assert not folder.exists()
    made = report(fresh, "backup", "create", str(folder), *flags)
    assert made["documents"] == {
        "jobs": 3,
        "flows": 0,
        "jf_auxiliary": 4,
        "batches": 0,
        "jf_auxiliary_events": 1,
    }
    place = made["folder"]
    assert fresh.jf("backup", "restore", place).returncode == 6
    assert fresh.jf("backup", "restore", place, "--dry-run").returncode == 6
    fresh.controller.reset()
    assert report(fresh, "backup", "restore", place, "--dry-run")["documents"]["jobs"] == 3
    assert fresh.controller.jobs.count_documents({}) == 0
    restored = report(fresh, "backup", "restore", place, *flags[1:])
    assert restored["documents"] == made["documents"]
    assert fresh.controller.jobs.count_documents({}) == 3


def test_a_folder_that_holds_no_backup(fresh_embedded: Project, tmp_path: Path) -> None:
    done = fresh_embedded.jf("backup", "restore", str(tmp_path))
    assert done.returncode == 2
    assert "no backup" in done.stderr


def register(project: Project) -> None:
    record = {"hostname": "h", "pid": 1, "ping_every": 600.0, "last_pinged": utc_now()}
    project.controller.auxiliary.update_one(RUNNER, {"$set": {"running_runner": record}})


def test_beside_a_live_runner(fresh: Project, tmp_path: Path) -> None:
    place = report(fresh, "backup", "create", str(tmp_path / "before"))["folder"]
    register(fresh)
    one_moment = fresh.controller.queue.database.supports_transactions
    made = fresh.jf("backup", "create", str(tmp_path / "beside"))
    assert made.returncode == (0 if one_moment else 6)
    assert fresh.jf("backup", "restore", place).returncode == 6


@pytest.fixture
def old(fresh: Project) -> Project:
    """A database as jobflow-remote 0.1.4 left it."""
    fresh.controller.auxiliary.update_one(VERSION, {"$set": {"jobflow_remote_version": "0.1.4"}})
    fresh.controller.auxiliary.delete_many(RUNNER)
    return fresh


def version_of(project: Project) -> str:
    return str(project.controller.get_current_db_version())


def test_upgrade(old: Project) -> None:
    planned = report(old, "admin", "upgrade", "-ce")
    assert (planned["current"], planned["dry_run"]) == ("0.1.4", True)
    assert planned["actions"]
    assert version_of(old) == "0.1.4"
    refused = old.jf("admin", "upgrade", "-ndr")
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert version_of(old) == "0.1.4"
    assert report(old, "admin", "upgrade", "-ndr", "-y", "-t", "0.1.5")["target"] == "0.1.5"
    assert version_of(old) == "0.1.5"
    assert report(old, "admin", "upgrade", "-ndr", "-y", "-f")["dry_run"] is False
    assert "already" in old.jf("admin", "upgrade").stdout


@pytest.mark.parametrize(("answer", "version"), [("mine", "1.0.1"), ("yes", "0.1.4")])
def test_upgrade_wants_the_name_of_the_project(old: Project, answer: str, version: str) -> None:
    words = ["admin", "upgrade", "--no-dry-run"]
    screen, code = answering(old.folder, words, [("Type mine to continue", answer)])
    assert code == 0
    assert "0.1.4" in screen
    assert version_of(old) == version


def test_upgrade_beside_a_live_runner(fresh_embedded: Project) -> None:
    changed = {"$set": {"jobflow_remote_version": "0.1.5"}}
    fresh_embedded.controller.auxiliary.update_one(VERSION, changed)
    register(fresh_embedded)
    assert fresh_embedded.jf("admin", "upgrade", "-ndr", "-y").returncode == 6


@pytest.fixture
def ill(fresh: Project) -> Project:
    """A flow in a wrong state, a lock of jobflow-remote, and an index that is missing."""
    now = utc_now()
    fresh.controller.jobs.insert_one(
        job("1", parents=[], job={"hosts": ["f"], "name": "j"}, worker="local", lock_id=None)
    )
    fresh.controller.flows.insert_one(
        {
            "uuid": "f",
            "name": "f",
            "jobs": ["u1"],
            "ids": [["1", "u1", 1]],
            "parents": {"u1": {"1": []}},
            "state": "COMPLETED",
            "lock_id": None,
            "created_on": now,
            "updated_on": now,
        }
    )
    fresh.controller.auxiliary.update_one({"next_id": {"$exists": True}}, {"$set": {"next_id": 2}})
    fresh.controller.jobs.drop_index("worker_1")
    return fresh


def test_doctor(ill: Project) -> None:
    found = report(ill, "admin", "doctor", code=9)
    assert {"flow-state", "index"} <= {finding["kind"] for finding in found["findings"]}
    assert {done["outcome"] for done in found["mended"]} == {"planned"}
    subjects = ill.jf("admin", "doctor", "--format", "name").stdout.split()
    assert "f" in subjects
    assert ill.jf("admin", "doctor", "--format", "count").stdout == f"{len(found['remaining'])}\n"
    shown = ill.jf("admin", "doctor", "--fix", "--dry-run")
    assert shown.returncode == 9
    assert "--fix repairs" in shown.stdout
    assert ill.controller.flows.count_documents({"state": "COMPLETED"}) == 1
    mended = report(ill, "admin", "doctor", "--fix")
    assert mended["ok"]
    assert {done["outcome"] for done in mended["mended"]} == {"done"}
    assert ill.controller.flows.count_documents({"state": "READY"}) == 1
    assert "no problem in 1 job and 1 flow" in ill.jf("admin", "doctor").stdout


def test_the_doctor_frees_foreign_locks_on_demand(ill: Project) -> None:
    held = {"$set": {"lock_id": "x", "lock_time": utc_now()}}
    ill.controller.jobs.update_one({"db_id": "1"}, held)
    assert ill.jf("admin", "doctor", "--fix").returncode in (0, 9)
    assert ill.controller.jobs.count_documents({"lock_id": "x"}) == 1
    words = ("admin", "doctor", "--fix", "--foreign-locks")
    assert ill.jf(*words).returncode == 2
    assert ill.jf(*words, "-y").returncode == 0
    assert ill.controller.jobs.count_documents({"lock_id": "x"}) == 0
