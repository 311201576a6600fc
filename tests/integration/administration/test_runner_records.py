"""The record of the running runner, on each engine."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from stored import FOREIGN_LOCK

from controller.config import Project
from controller.documents import utc_now
from controller.errors import MissingDocumentError, RunnerLockedError, RunningRunnerError
from controller.jobcontroller import JobController
from controller.leases import this_owner
from controller.operations import runner_record
from controller.operations.runner_processes import enroll, runner_processes
from controller.rules.runner_requests import ProcessState
from controller.runner import registration
from controller.service.requests import Choice, end_runners

RUNNER = {"running_runner": {"$exists": True}}


def enter(controller: JobController, project: Project, runner_id: str = "r1") -> None:
    registration.enter(controller.queue, registration.describe(project, runner_id, None))


def foreign(controller: JobController) -> None:
    record = {"hostname": "elsewhere", "user": "ada", "start_time": utc_now()}
    controller.auxiliary.update_one(RUNNER, {"$set": {"running_runner": record}})


def record_of(controller: JobController) -> dict[str, Any]:
    record = controller.get_running_runner()
    assert isinstance(record, dict)
    return record


def test_a_runner_registers_and_is_cleaned(controller: JobController, project: Project) -> None:
    assert controller.get_running_runner() is None
    enter(controller, project)
    assert record_of(controller)["runner_id"] == "r1"
    enter(controller, project, "r2")  # joins
    assert record_of(controller)["runner_id"] == "r1"
    controller.clean_running_runner()
    assert controller.get_running_runner() is None
    document = controller.auxiliary.find_one(RUNNER)
    assert document is not None
    assert document["lock_id"] is None


def test_without_a_record(controller: JobController, project: Project) -> None:
    controller.auxiliary.delete_many(RUNNER)
    assert controller.get_running_runner() == "NO_DOCUMENT"
    with pytest.raises(MissingDocumentError, match="admin upgrade"):
        controller.clean_running_runner()
    with pytest.raises(MissingDocumentError):
        enter(controller, project)


def test_a_locked_record_is_left_alone(
    controller: JobController, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registration, "LOCK_WAIT", 0)
    foreign(controller)
    controller.auxiliary.update_one(RUNNER, {"$set": FOREIGN_LOCK})
    with pytest.raises(RunnerLockedError, match="lock somebody"):
        controller.clean_running_runner()
    with pytest.raises(RunnerLockedError):
        enter(controller, project)
    assert record_of(controller)["user"] == "ada"
    controller.clean_running_runner(break_lock=True)
    assert controller.get_running_runner() is None


def test_a_live_foreign_runner_is_not_joined(controller: JobController, project: Project) -> None:
    foreign(controller)
    with pytest.raises(RunningRunnerError, match="elsewhere"):
        enter(controller, project)
    assert record_of(controller)["user"] == "ada"
    assert controller.unlock_runner() == (1, 0)


def test_pings_are_kept_and_forgotten(controller: JobController, project: Project) -> None:
    registered, pings = controller.ping_running_runner({"daemon_id": "7"})
    assert not registered
    assert [p["daemon_id"] for p in pings] == ["7"]
    assert controller.get_running_runner() is None
    enter(controller, project)
    for number in range(55):
        registered, pings = controller.ping_running_runner({"daemon_id": str(number)})
    assert registered
    assert [p["daemon_id"] for p in pings] == [str(n) for n in range(5, 55)]
    assert controller.get_runner_pings() == pings
    assert record_of(controller)["last_pinged"] == pings[-1]["time"]
    assert controller.clean_runner_pings() == 50
    assert controller.get_runner_pings() == []


def test_pings_of_a_database_without_the_document(controller: JobController) -> None:
    controller.auxiliary.delete_many({"runner_pings": {"$exists": True}})
    assert controller.ping_running_runner({"daemon_id": None}) == (False, [])
    assert controller.get_runner_pings() == []
    assert controller.clean_runner_pings() == 0


def test_a_runner_whose_record_was_cleaned_registers_again(
    controller: JobController, project: Project
) -> None:
    enter(controller, project)
    entry = registration.describe(project, "r1", None)
    controller.clean_running_runner()
    runner_record.keep_registered(controller.queue, entry)
    assert record_of(controller)["runner_id"] == "r1"
    foreign(controller)
    runner_record.keep_registered(controller.queue, entry)
    assert record_of(controller)["user"] == "ada", "a live one is not replaced"
    controller.clean_running_runner()
    controller.auxiliary.update_one(RUNNER, {"$set": FOREIGN_LOCK})
    runner_record.keep_registered(controller.queue, entry)
    assert controller.get_running_runner() is None, "and a locked record is not touched"


def dead_process() -> dict[str, Any]:
    """A process of this machine that has ended."""
    return {**this_owner(), "pid": 2**22 + 1}


def entry_of(project: Project, runner_id: str, **more: Any) -> dict[str, Any]:
    return {**registration.describe(project, runner_id, None), **more}


def status(controller: JobController) -> tuple[str, Any]:
    found = controller.get_runner_status()
    return found.state.value, (found.record or {}).get("runner_id")


def test_a_runner_keeps_nobody_else_alive(controller: JobController, project: Project) -> None:
    enter(controller, project, "a")
    before = record_of(controller)["last_pinged"] - timedelta(seconds=20)
    last = {"$set": {"running_runner.last_pinged": before}}
    controller.auxiliary.update_one(RUNNER, last)
    runner_record.keep_registered(controller.queue, entry_of(project, "b"))
    assert record_of(controller)["last_pinged"] == before
    runner_record.keep_registered(controller.queue, entry_of(project, "a"))
    assert record_of(controller)["last_pinged"] > before


def test_a_killed_runner_is_not_alive_and_who_is_beside_it_is(
    controller: JobController, project: Project
) -> None:
    enter(controller, project, "a")
    killed = {"$set": {"running_runner.process": dead_process()}}
    controller.auxiliary.update_one(RUNNER, killed)
    assert status(controller) == ("silent", "a")
    assert controller.get_runner_status().has_ended
    runner_record.ping(controller.queue.auxiliary, entry_of(project, "b"))
    assert status(controller) == ("alive", "b"), "before b registers itself"
    runner_record.keep_registered(controller.queue, entry_of(project, "b"))
    assert record_of(controller)["runner_id"] == "b"
    assert status(controller) == ("alive", "b")
    runner_record.deregister(controller.queue, entry_of(project, "b"))
    assert status(controller) == ("none", None)


def test_a_runner_that_joined_is_seen_when_the_first_one_ends(
    controller: JobController, project: Project
) -> None:
    enter(controller, project, "a")
    enter(controller, project, "b")
    runner_record.keep_registered(controller.queue, entry_of(project, "b"))
    runner_record.deregister(controller.queue, entry_of(project, "a"))
    assert status(controller) == ("alive", "b")
    with pytest.raises(RunningRunnerError):
        controller.reset()
    killed = entry_of(project, "b", process=dead_process())
    runner_record.ping(controller.queue.auxiliary, killed)
    assert status(controller) == ("none", None)


def test_lock_auxiliary(controller: JobController) -> None:
    with controller.lock_auxiliary(filter=RUNNER) as lock:
        assert lock.acquired
        with controller.lock_auxiliary(filter=RUNNER, get_locked_doc=True) as second:
            assert second.is_locked


def test_after_a_reboot_nothing_is_in_the_way(controller: JobController, project: Project) -> None:
    """What a runner left that ended with the machine: it is not waited for, and is forgotten."""
    left = {**registration.describe(project, "before", None), "beat_on": utc_now()}
    left["process"] = {**this_owner(), "boot_id": "of yesterday"}  # the number is in use again
    registered = {**left, "start_time": utc_now(), "last_pinged": utc_now(), "ping_every": 10.0}
    controller.auxiliary.update_one(RUNNER, {"$set": {"running_runner": registered}})
    enroll(controller.queue, left)
    assert [found.state for found in runner_processes(controller.queue)] == [ProcessState.ENDED]
    assert not controller.get_runner_status().alive
    assert end_runners(controller.queue, Choice(), max_wait=0.0) == [], "nobody is signalled"
    enter(controller, project, "after")
    assert record_of(controller)["runner_id"] == "after"
    enroll(controller.queue, registration.describe(project, "after", None))
    assert [found.runner_id for found in runner_processes(controller.queue)] == ["after"]
