"""Databases of older versions, on each engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version
from stored import Stock

from controller.config import Project
from controller.documents import utc_now
from controller.errors import ArgumentError, RemoteError, RunningRunnerError, StateError
from controller.hosts import LocalHost
from controller.jobcontroller import JobController
from controller.operations.upgrade import DatabaseUpgrader
from controller.rules.upgrades import ManualAction, UpdateDocuments

VERSION = {"jobflow_remote_version": {"$exists": True}}
RUNNER = {"running_runner": {"$exists": True}}


@pytest.fixture
def old(controller: JobController, stock: Stock, project: Project) -> JobController:
    """What jobflow-remote 0.1.4 left, with a folder of a batch worker."""
    stock.flow("TERMINATED", "COMPLETED")
    stock.flow("REMOTE_ERROR", job_fields={"previous_state": "TERMINATED"})
    auxiliary = controller.queue.auxiliary
    auxiliary.delete_many({"next_id": {"$exists": False}})
    auxiliary.insert_one({"batch_processes": {"pool": {}}})
    old_pool = pool(project) / "terminated"
    old_pool.mkdir(parents=True)
    (old_pool / "u_1_b").touch()
    (pool(project) / "run_finished").mkdir()
    (pool(project) / "run_finished" / "u_2_b").touch()
    return controller


def pool(project: Project) -> Path:
    batch = project.workers["pool"].batch
    assert batch is not None
    return batch.jobs_handle_dir


def everything(controller: JobController) -> list[list[dict[str, Any]]]:
    queue = controller.queue
    many = (queue.jobs, queue.flows, queue.batches, queue.auxiliary)
    return [sorted(c.find({}), key=lambda d: str(d["_id"])) for c in many]


def test_an_old_database_is_upgraded_once(old: JobController, project: Project) -> None:
    assert old.get_current_db_version() == Version("0.1.0")
    before = everything(old)
    plan = old.upgrade()
    told: list[tuple[int, int]] = []
    assert (plan.versions, plan.failed) == (("0.1.5", "1.0"), ())
    assert [p.count for p in plan.actions if isinstance(p.action, UpdateDocuments)] == [1, 1]
    manual = [p.action.description for p in plan.actions if isinstance(p.action, ManualAction)]
    assert manual == [
        "on the machine of worker far, rename /scratch/pool/terminated to run_finished"
    ]
    assert old.upgrade_plan() == plan
    assert everything(old) == before, "a dry run changes nothing"
    assert (pool(project) / "terminated").exists()

    assert old.upgrade(dry_run=False, progress=lambda *numbers: told.append(numbers)) == plan
    steps = len(plan.actions) + 1
    assert (told[0][0] > 0, told[-1]) == (True, (steps, steps))
    assert {j.db_id: j.state.value for j in old.get_jobs_info()} == {
        "1": "RUN_FINISHED",
        "2": "COMPLETED",
        "3": "REMOTE_ERROR",
    }
    failed = old.get_job_info(db_id="3")
    assert failed is not None
    assert failed.previous_state == "RUN_FINISHED"
    assert old.auxiliary.count_documents({"batch_processes": {"$exists": True}}) == 0
    assert old.get_running_runner() is None
    assert old.get_runner_pings() == []
    assert old.get_current_db_version() == Version("1.0.1")
    assert sorted(p.name for p in (pool(project) / "run_finished").iterdir()) == ["u_1_b", "u_2_b"]
    assert not (pool(project) / "terminated").exists()
    assert len(old.jobs.index_information()) > 5

    after = everything(old)
    again = old.upgrade(dry_run=False)
    assert (again.is_empty, again.actions) == (True, ())
    assert everything(old) == after


def test_weakness_33_a_registered_runner_stays(old: JobController) -> None:
    record = {"hostname": "far", "start_time": utc_now().replace(year=2020)}
    old.auxiliary.insert_one({"running_runner": record})
    old.upgrade("0.1.5", dry_run=False)
    assert old.get_running_runner() == record
    assert old.get_current_db_version() == Version("0.1.5")
    assert old.jobs.count_documents({"state": "TERMINATED"}) == 1, "that is for 1.0"


def test_an_interrupted_upgrade_is_finished_by_the_next(
    old: JobController, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def kill(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(DatabaseUpgrader, "_change", kill)
        with pytest.raises(Killed):
            old.upgrade(dry_run=False)
    assert old.get_current_db_version() == Version("0.1.0")
    old.upgrade(dry_run=False)
    assert old.jobs.count_documents({"state": "RUN_FINISHED"}) == 1
    assert not (pool(project) / "terminated").exists()


def test_files_that_were_moved_in_part_are_moved_once(
    old: JobController, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        (pool(project) / "terminated" / f"u_{number + 3}_b").touch()
    remove, calls = LocalHost.remove, []

    def remove_one(host: LocalHost, path: Path) -> None:
        calls.append(path)
        if len(calls) == 2:
            raise RemoteError("the disk is gone")
        remove(host, path)

    with monkeypatch.context() as patch:
        patch.setattr(LocalHost, "remove", remove_one)
        with pytest.raises(RemoteError):
            old.upgrade(dry_run=False)
    assert old.jobs.count_documents({"state": "TERMINATED"}) == 1
    old.upgrade(dry_run=False)
    names = sorted(p.name for p in (pool(project) / "run_finished").iterdir())
    assert names == [f"u_{number}_b" for number in range(1, 6)]


def test_listed_batch_processes_are_passed_by_with_force(old: JobController) -> None:
    old.auxiliary.update_one(
        {"batch_processes": {"$exists": True}}, {"$set": {"batch_processes.pool": {"12": "uid"}}}
    )
    before = everything(old)
    assert [f.condition.skippable for f in old.upgrade_plan().failed] == [True]
    with pytest.raises(StateError, match="listed as running"):
        old.upgrade(dry_run=False)
    assert everything(old) == before
    old.upgrade(dry_run=False, force=True)
    assert old.get_current_db_version() == Version("1.0.1")


def test_running_batches_forbid_it_even_with_force(old: JobController) -> None:
    old.add_batch_process("1", "uid", "pool")
    with pytest.raises(StateError, match="submitted or running"):
        old.upgrade(dry_run=False, force=True)
    old.set_finished_batch_process("uid")
    old.upgrade(dry_run=False)


def test_a_live_runner_forbids_it(old: JobController) -> None:
    old.auxiliary.insert_one({"running_runner": {"hostname": "far", "start_time": utc_now()}})
    with pytest.raises(RunningRunnerError, match="upgrade is refused"):
        old.upgrade(dry_run=False)
    assert old.get_current_db_version() == Version("0.1.0")
    assert old.upgrade().versions == ("0.1.5", "1.0")


def test_bad_targets(controller: JobController) -> None:
    with pytest.raises(ArgumentError, match="newer than"):
        controller.upgrade("0.1.5")
    with pytest.raises(ArgumentError, match="install a newer jfr"):
        controller.upgrade_plan("3.0")
    with pytest.raises(ArgumentError, match="not a version"):
        controller.upgrade("latest", dry_run=False)
    controller.update_version_information("9.0")
    with pytest.raises(ArgumentError, match=r"has version 9\.0"):
        controller.upgrade()


def test_upgrades_of_ones_own(old: JobController) -> None:
    upgrader = DatabaseUpgrader(old)

    @upgrader.register_upgrade("0.1.7")
    def to_0_1_7(_: Project | None) -> list[Any]:
        return []

    assert [u.version for u in upgrader.collect_upgrades()] == ["0.1.5", "0.1.7", "1.0"]
    assert upgrader.dry_run("0.1.7").versions == ("0.1.5", "0.1.7")
    assert [u.version for u in DatabaseUpgrader(old).collect_upgrades()] == ["0.1.5", "1.0"]


def test_the_version_document(controller: JobController) -> None:
    assert controller.get_current_db_version() == Version("1.0.1")
    assert controller.upgrade_check_jobflow() == ""
    assert controller.upgrade_full_check() == ""
    controller.update_version_information("1.0.0")
    controller.update_version_information(Version("1.0"))
    assert controller.auxiliary.count_documents(VERSION) == 1
    assert controller.get_current_db_version() == Version("1.0")
    controller.auxiliary.update_one(
        VERSION,
        {"$set": {"jobflow_version": "0.1", "full_environment.jobflow": "0.1"}},
    )
    installed = controller.upgrade_check_jobflow().split()
    assert "0.1," in installed
    assert controller.upgrade_full_check().startswith("jobflow: 0.1 -> ")
    assert "\n" not in controller.upgrade_full_check()
    controller.update_version_information()
    assert controller.get_current_db_version() == Version("1.0.1")
    assert controller.upgrade_full_check() == ""


def test_a_database_that_does_not_say(controller: JobController) -> None:
    controller.auxiliary.delete_many(VERSION)
    assert controller.get_current_db_version() == Version("0.1.0")
    assert controller.upgrade_check_jobflow() == ""
    assert controller.upgrade_full_check() == ""
    with pytest.raises(ArgumentError):
        controller.update_version_information("x")
    assert controller.auxiliary.count_documents(VERSION) == 0
