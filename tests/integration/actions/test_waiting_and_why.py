"""Waiting for jobs and flows, and why a job does not run, on a real queue."""

from __future__ import annotations

from typing import Any

import pytest
from staged import Stage

from controller.documents import utc_now
from controller.errors import ArgumentError, FlowNotFoundError, JobNotFoundError
from controller.locks import MongoLock
from controller.rules.waiting import Verdict
from controller.states import FlowState, JobState
from controller.waiting import LONGEST_PAUSE, Awaited, WaitOptions, wait_for_flows, wait_for_jobs
from controller.why import why

STEPS = ["CHECKED_OUT", "UPLOADED", "SUBMITTED", "RUNNING", "RUN_FINISHED", "DOWNLOADED"]


class Clock:
    """Time that passes only while somebody sleeps, and what happens meanwhile."""

    def __init__(self, *happenings: Any) -> None:
        self.now = 0.0
        self.pauses: list[float] = []
        self.happenings = list(happenings)

    def options(self, timeout: float | None = 1000, progress: Any = None) -> WaitOptions:
        return WaitOptions(timeout, progress, lambda: self.now, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)
        if self.happenings:
            self.happenings.pop(0)()


def setting(stage: Stage, db_id: str, state: str) -> Any:
    change = {"$set": {"state": state}}
    return lambda: stage.controller.jobs.update_one({"db_id": db_id}, change)


def test_a_job_is_waited_for_to_its_end(stage: Stage) -> None:
    ids = stage.flow(a="READY")
    clock = Clock(*(setting(stage, ids["a"], state) for state in [*STEPS, "COMPLETED"]))
    seen: list[str] = []

    def progress(waited: list[Awaited]) -> None:
        seen.append(waited[0].state.value)

    result = wait_for_jobs(stage.controller, [ids["a"]], options=clock.options(1000, progress))
    assert result.verdict is Verdict.REACHED
    assert seen[0] == "READY"
    assert seen[-1] == "COMPLETED"
    assert result.seconds == pytest.approx(clock.now)


def test_time_is_up(stage: Stage) -> None:
    ids = stage.flow(a="READY")
    clock = Clock()
    result = wait_for_jobs(stage.controller, [ids["a"]], options=clock.options(30))
    assert result.verdict is Verdict.PENDING
    assert clock.now == pytest.approx(30)
    assert max(clock.pauses) <= LONGEST_PAUSE
    at_once = wait_for_jobs(stage.controller, [ids["a"]], options=Clock().options(0))
    assert at_once.verdict is Verdict.PENDING


def test_what_cannot_come_any_more_is_not_waited_for(stage: Stage) -> None:
    ids = stage.flow(a="FAILED", b=("WAITING", "a"))
    options = Clock().options(None)  # would wait for ever
    result = wait_for_jobs(stage.controller, [ids["b"]], options=options)
    assert result.verdict is Verdict.FAILED
    assert result.waited[0].state is JobState.WAITING
    dead = stage.flow(a="REMOTE_ERROR", b=("WAITING", "a"))
    result = wait_for_flows(stage.controller, [dead["flow"]], options=options)
    assert result.verdict is Verdict.FAILED


def test_a_flow_has_ended_when_nothing_of_it_moves(stage: Stage) -> None:
    """A failed or stopped job beside a running one is not the end of their flow."""
    for state in ("FAILED", "STOPPED"):
        ids = stage.flow(a=state, b="RUNNING")
        stage.controller.flows.update_one({"uuid": ids["flow"]}, {"$set": {"state": state}})
        options = Clock().options(5)
        assert wait_for_flows(stage.controller, [ids["flow"]], options=options).verdict is (
            Verdict.PENDING
        )
        clock = Clock(setting(stage, ids["b"], "COMPLETED"))
        ended = wait_for_flows(stage.controller, [ids["flow"]], options=clock.options())
        assert ended.verdict is Verdict.FAILED


def test_children_that_are_about_to_be_released_move(stage: Stage) -> None:
    ids = stage.flow(a="COMPLETED", b=("WAITING", "a"))
    result = wait_for_flows(stage.controller, [ids["flow"]], options=Clock().options(5))
    assert result.verdict is Verdict.PENDING


def test_what_only_a_person_can_move_is_not_waited_for(stage: Stage) -> None:
    ids = stage.flow(a="PAUSED", b=("WAITING", "a"), c="RUNNING")
    for name, verdict in (("a", Verdict.FAILED), ("b", Verdict.PENDING)):
        result = wait_for_jobs(stage.controller, [ids[name]], options=Clock().options(5))
        assert result.verdict is verdict
    setting(stage, ids["c"], "COMPLETED")()
    result = wait_for_jobs(stage.controller, [ids["b"]], options=Clock().options(5))
    assert result.verdict is Verdict.FAILED


def test_one_is_enough_and_a_state_on_the_way_too(stage: Stage) -> None:
    ids = stage.flow(a="RUNNING", b="READY")
    both = [ids["a"], ids["b"]]
    how: dict[str, Any] = {"options": Clock().options(0)}
    assert (
        wait_for_jobs(stage.controller, both, [JobState.SUBMITTED], **how).verdict
        is Verdict.PENDING
    )
    one = wait_for_jobs(stage.controller, both, [JobState.SUBMITTED], any_of=True, **how)
    assert one.verdict is Verdict.REACHED
    assert [awaited.name for awaited in one.waited] == ["a", "b"]


def test_flows_are_waited_for(stage: Stage) -> None:
    ids = stage.flow(a="RUNNING")

    def end() -> None:
        setting(stage, ids["a"], "COMPLETED")()
        stage.controller.flows.update_one({"uuid": ids["flow"]}, {"$set": {"state": "COMPLETED"}})

    result = wait_for_flows(stage.controller, [ids["flow"]], options=Clock(end).options())
    assert result.verdict is Verdict.REACHED
    assert result.waited[0].state is FlowState.COMPLETED
    assert result.waited[0].db_id == ids["a"]


def test_what_does_not_exist_is_named(stage: Stage) -> None:
    with pytest.raises(JobNotFoundError, match="4711"):
        wait_for_jobs(stage.controller, ["4711"])
    with pytest.raises(FlowNotFoundError, match="nowhere"):
        wait_for_flows(stage.controller, ["nowhere"])
    ids = stage.flow(a="READY")
    with pytest.raises(ArgumentError, match="-1"):
        wait_for_jobs(stage.controller, [ids["a"]], options=WaitOptions(timeout=-1))


def reasons_of(stage: Stage, db_id: str) -> list[str]:
    job = stage.controller.get_job_info(db_id=db_id)
    assert job is not None
    return [reason.text for reason in why(stage.controller, job)]


def test_why_a_job_waits(stage: Stage) -> None:
    ids = stage.flow(a="FAILED", b=("WAITING", "a"), c="READY", d="READY")
    assert reasons_of(stage, ids["b"]) == [
        f"its parent {ids['a']} (a) is FAILED",
        "no runner is alive",
    ]
    record = {"runner_id": "r", "last_pinged": utc_now(), "ping_every": 10.0}
    stage.controller.auxiliary.update_one(
        {"running_runner": {"$exists": True}}, {"$set": {"running_runner": record}}
    )
    assert reasons_of(stage, ids["b"]) == [f"its parent {ids['a']} (a) is FAILED"]
    stage.controller.jobs.update_one({"db_id": ids["c"]}, {"$set": {"priority": 3}})
    assert reasons_of(stage, ids["d"]) == ["1 job on worker local comes before it"]
    with MongoLock(collection=stage.controller.jobs, filter={"db_id": ids["c"]}):
        assert any("is working on it" in text for text in reasons_of(stage, ids["c"]))
    stage.controller.jobs.update_one({"db_id": ids["c"]}, {"$set": {"lock_id": "theirs"}})
    assert any("other software" in text for text in reasons_of(stage, ids["c"]))
    stage.controller.jobs.update_one({"db_id": ids["d"]}, {"$set": {"worker": "gone"}})
    assert reasons_of(stage, ids["d"]) == ["the project has no worker gone (it has local, other)"]


def test_the_newest_index_of_a_parent_counts(stage: Stage) -> None:
    ids = stage.flow(a="COMPLETED", a_2="RUNNING", b=("WAITING", "a"))
    assert reasons_of(stage, ids["b"])[0] == f"its parent {ids['a_2']} (a) is RUNNING"
