"""What a runner that has nothing to do is woken for, and how rarely it asks."""

from __future__ import annotations

from typing import Any

import pytest

from controller.config import Project
from controller.jobcontroller import JobController
from controller.runner import Runner
from controller.runner.context import RunnerContext
from controller.runner.idle import AnyChange, LaneIdle, RunnerIdle
from controller.runner.roles import RunnerRoles
from controller.runner.rounds import Rounds

FAR = {"type": "remote", "scheduler_type": "slurm", "host": "cluster", "work_dir": "/w"}
JOB = {"uuid": "u", "index": 1, "db_id": "1", "worker": "local", "lock_id": None}


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def served(project: Project) -> Project:
    known = {name: worker.model_dump() for name, worker in project.workers.items()}
    return Project.model_validate({**project.model_dump(), "workers": {**known, "far": FAR}})


@pytest.fixture
def context(served: Project, controller: JobController) -> RunnerContext:
    return RunnerContext(controller, served)


TABLE: list[tuple[str, dict[str, Any], bool, bool, float]] = [
    # collection, document, whether it ends the rest of the runner, of a lane, the longest rest
    ("jobs", {**JOB, "state": "READY"}, True, False, 2),
    ("jobs", {**JOB, "state": "DOWNLOADED", "worker": "far"}, True, False, 2),
    ("jobs", {**JOB, "state": "UPLOADED", "worker": "far"}, True, True, 2),
    ("jobs", {**JOB, "state": "RUNNING"}, True, False, 2),
    ("jobs", {**JOB, "state": "RUNNING", "worker": "far"}, False, False, 30),
    ("jobs", {**JOB, "state": "READY", "worker": "unknown"}, False, False, 30),
    ("jobs", {**JOB, "state": "COMPLETED"}, False, False, 30),
    ("jobs", {**JOB, "state": "COMPLETED", "lock_id": "held"}, True, False, 2),
    ("flows", {"uuid": "f", "state": "COMPLETED", "lock_id": "held"}, True, False, 2),
    ("auxiliary", {"aftermath": {"uuid": "u", "index": 1}}, True, True, 10),
]


def test_what_ends_a_rest(controller: JobController, context: RunnerContext) -> None:
    roles = RunnerRoles()
    for name, document, wakes, wakes_lane, seconds in TABLE:
        collection = getattr(controller.queue, name)
        made = collection.insert_one(dict(document)).inserted_id
        idle = RunnerIdle(context, roles)
        lane = LaneIdle(context, roles.on_hosts.ends, lambda: ["far"])
        assert idle.longest() == seconds, document
        assert not idle.needs_round(changed=False), "the database says that nothing is new"
        assert idle.needs_round(changed=True) is wakes, document
        assert RunnerIdle(context, roles).needs_round(changed=None) is wakes, document
        assert [lane.needs_round(changed=True), lane.longest() == 10] == [wakes_lane] * 2, document
        collection.delete_one({"_id": made})


def test_each_question_has_its_pace(controller: JobController, context: RunnerContext) -> None:
    """Where the database does not tell of changes: jobs at once, locks after two seconds."""
    clock = Clock()
    idle = RunnerIdle(context, RunnerRoles(), clock)
    assert not idle.needs_round(changed=None)
    controller.queue.flows.insert_one({"uuid": "f", "state": "COMPLETED", "lock_id": "held"})
    clock.now += 1.9
    assert not idle.needs_round(changed=None)
    assert idle.needs_round(changed=True)
    clock.now += 2.1
    assert idle.needs_round(changed=None)
    controller.queue.jobs.insert_one({**JOB, "state": "READY"})
    clock.now += 0.5
    assert idle.needs_round(changed=None)


def test_a_part_of_the_work_and_a_machine_that_is_away(
    controller: JobController, context: RunnerContext
) -> None:
    controller.queue.jobs.insert_one({**JOB, "state": "UPLOADED", "worker": "far"})
    claims = RunnerIdle(context, RunnerRoles(transfer=False, queue=False, complete=False))
    assert not claims.needs_round(changed=True)
    idle = RunnerIdle(context, RunnerRoles())
    context.outages._pauses.pause("far")
    assert not idle.needs_round(changed=True), "it is tried again at a time that is known"
    context.to_fetch.add("1")
    assert idle.needs_round(changed=True), "files are missing here"


def test_a_caller_that_looks_at_everything_takes_any_change() -> None:
    assert [AnyChange().needs_round(changed=changed) for changed in (True, False, None)] == [
        1,
        0,
        1,
    ]
    assert AnyChange().longest() == 2


def test_a_service_with_nothing_to_do_makes_no_rounds(
    project: Project, controller: JobController, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[RunnerRoles] = []
    advance = Rounds.advance

    def counted(self: Rounds, roles: RunnerRoles) -> bool:
        rounds.append(roles)
        return advance(self, roles)

    monkeypatch.setattr(Rounds, "advance", counted)
    runner = Runner(project=project, log_level="error")
    try:
        runner.run(max_time=1.3)
    finally:
        runner.cleanup()
    assert len(rounds) == 1
