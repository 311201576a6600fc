"""Actions on jobs: what they change, refuse and leave consistent, on each engine."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from staged import Stage

from controller.errors import (
    ArgumentError,
    FlowLockedError,
    JobLockedError,
    JobNotFoundError,
    StateError,
)
from controller.operations import acting, chunks, writing
from controller.states import JobState


def test_pause_holds_back_what_has_not_begun(stage: Stage) -> None:
    a = stage.flow(x="READY", y=("WAITING", "x"), z="COMPLETED")
    b = stage.flow(x="READY", y="PAUSED")
    done = stage.controller.pause_jobs(raise_on_error=False)
    assert sorted(done) == sorted([a["x"], a["y"], b["x"]])
    assert done.matched == 5
    assert done.unchanged == [b["y"]]
    assert [r.db_id for r in done.refused] == [a["z"]]
    assert "COMPLETED" in done.refused[0].reason
    assert stage.flow_state(a) == stage.flow_state(b) == "PAUSED"
    stage.check()


def test_one_job_is_many_with_one_job(stage: Stage) -> None:
    a = stage.flow(x="READY", y=("WAITING", "x"))
    assert stage.controller.pause_job(db_id=a["y"]) == a["y"]
    assert stage.controller.pause_job(db_id=a["y"]) == a["y"]
    assert stage.states(a) == {"x": "READY", "y": "PAUSED"}
    uuid = stage.job(a["x"])["uuid"]
    assert stage.controller.pause_job(job_id=uuid) == a["x"]
    stage.check()


def test_resume_asks_what_the_parents_allow(stage: Stage) -> None:
    a = stage.flow(
        x="COMPLETED",
        y=("PAUSED", "x"),
        z=("PAUSED", "y"),
        f="FAILED",
        t=("STOPPED", "f", {"on_missing": "none"}),
        s=("USER_STOPPED", "f"),
    )
    done = stage.controller.resume_jobs(states=["PAUSED", "STOPPED", "USER_STOPPED"])
    assert len(done) == 4
    states = stage.states(a)
    assert (states["y"], states["z"], states["t"], states["s"]) == (
        "READY",
        "WAITING",
        "READY",
        "WAITING",
    )
    stage.check()
    assert stage.controller.play_job(db_id=a["y"]) == a["y"]


def test_a_flow_goes_on_as_a_whole(stage: Stage) -> None:
    a = stage.flow(x="PAUSED", y=("STOPPED", "x"), z="COMPLETED")
    assert stage.controller.resume_flow(db_id=a["y"]) == 2
    assert stage.states(a) == {"x": "READY", "y": "WAITING", "z": "COMPLETED"}
    with pytest.raises(StateError, match="RUNNING"):
        stage.controller.resume_flow(flow_id=a["flow"])
    stage.check()


def test_stop_releases_children_that_do_without(stage: Stage) -> None:
    a = stage.flow(
        x="READY", y=("WAITING", "x"), t=("WAITING", "x", {"on_missing": "none"}), w="WAITING"
    )
    done = stage.controller.stop_jobs(db_ids=[a["x"], a["w"]], raise_on_error=False)
    assert done == [a["x"]]
    assert stage.states(a) == {"x": "USER_STOPPED", "y": "WAITING", "t": "READY", "w": "WAITING"}
    assert [r.db_id for r in done.refused] == [a["w"]]
    stage.check()


def test_a_light_rerun_touches_nothing_else(stage: Stage) -> None:
    a = stage.flow(x=("DOWNLOADED", {"run_dir": "/w", "previous_state": None}), y=("WAITING", "x"))
    assert stage.controller.rerun_job(db_id=a["x"]) == [a["x"]]
    assert stage.states(a) == {"x": "READY", "y": "WAITING"}
    assert stage.job(a["x"])["remote"]["prerun_cleanup"] is True
    assert stage.flow_state(a) == "READY"
    stage.check()


def test_a_full_rerun_takes_children_back(stage: Stage) -> None:
    a = stage.flow(
        x=("FAILED", {"error": "no"}),
        y=("PAUSED", "x"),
        t=("READY", "x", {"on_missing": "none"}),
        z=("WAITING", "y"),
    )
    done = stage.controller.rerun_job(db_id=a["x"])
    assert done == [a["y"], a["t"], a["x"]]
    assert stage.states(a) == {"x": "READY", "y": "WAITING", "t": "WAITING", "z": "WAITING"}
    assert stage.job(a["x"])["error"] is None
    stage.check()


@pytest.mark.parametrize("deep", [2, 7])
def test_force_takes_back_all_generations(stage: Stage, deep: int) -> None:
    jobs: dict[str, Any] = {"j0": "COMPLETED"}
    jobs.update({f"j{n}": ("COMPLETED", f"j{n - 1}") for n in range(1, deep)})
    a = stage.flow(**jobs)
    with pytest.raises(StateError, match=r"use force \(--force\)"):
        stage.controller.rerun_job(db_id=a["j0"])
    done = stage.controller.rerun_job(db_id=a["j0"], force=True, delete_files=False)
    assert sorted(done) == sorted(v for k, v in a.items() if k != "flow")
    assert stage.states(a) == {"j0": "READY", **{f"j{n}": "WAITING" for n in range(1, deep)}}
    stage.check()


def test_rerun_refuses_where_it_would_contradict_what_was_replaced(stage: Stage) -> None:
    a = stage.flow(x="FAILED", x_2="FAILED", y=("WAITING", "x"), y_2=("WAITING", "x"))
    with pytest.raises(StateError, match="replaced by index 2"):
        stage.controller.rerun_job(db_id=a["x"], force=True)
    with pytest.raises(StateError, match="was replaced"):
        stage.controller.rerun_job(db_id=a["x_2"], force=True)
    stage.check()


def test_a_forced_rerun_waits_for_parents_that_are_not_done(stage: Stage) -> None:
    a = stage.flow(x="RUNNING", y=("PAUSED", "x"))
    stage.controller.rerun_job(db_id=a["y"], force=True)
    assert stage.state(a["y"]) == "WAITING"
    stage.check()


def test_retry_goes_back_to_where_the_error_was(stage: Stage) -> None:
    a = stage.flow(
        x=("REMOTE_ERROR", {"previous_state": "UPLOADED"}),
        y=("REMOTE_ERROR", {"previous_state": None}),
        z="RUNNING",
        w="READY",
    )
    done = stage.controller.retry_jobs(raise_on_error=False)
    assert sorted(done) == sorted([a["x"], a["z"]])
    assert stage.states(a) == {
        "x": "UPLOADED",
        "y": "REMOTE_ERROR",
        "z": "RUNNING",
        "w": "READY",
    }
    assert {r.db_id for r in done.refused} == {a["y"], a["w"]}
    stage.check()


def test_a_state_can_be_set_and_the_flow_follows(stage: Stage) -> None:
    a = stage.flow(x="RUNNING", y=("WAITING", "x"))
    assert stage.controller.set_job_state(JobState.COMPLETED, db_id=a["x"]) == a["x"]
    assert stage.states(a) == {"x": "COMPLETED", "y": "READY"}
    stage.check()
    stage.controller.set_jobs_state("failed", flow_ids=a["flow"])
    assert stage.flow_state(a) == "FAILED"
    stage.check()


def test_run_properties(stage: Stage) -> None:
    a = stage.flow(x="READY", y="RUNNING", z=("PAUSED", {"exec_config": "fast"}))
    done = stage.controller.set_job_run_properties(
        worker="other",
        exec_config={"pre_run": "$HOME/x.sh"},
        resources={"nodes": 1, "ntasks": 4},
        raise_on_error=False,
    )
    assert sorted(done) == sorted([a["x"], a["z"]])
    assert [r.db_id for r in done.refused] == [a["y"]]
    assert stage.job(a["x"])["exec_config"]["pre_run"] == "$HOME/x.sh"
    assert stage.job(a["z"])["exec_config"] == {"pre_run": "$HOME/x.sh"}
    stage.controller.set_job_run_properties(resources={"nodes": 2}, db_ids=a["x"])
    assert stage.job(a["x"])["resources"] == {"nodes": 2, "ntasks": 4}
    stage.controller.set_job_run_properties(
        resources={"nodes": 3, "ntasks": 1}, update=False, db_ids=a["x"]
    )
    assert stage.job(a["x"])["resources"] == {"nodes": 3, "ntasks": 1}


@pytest.mark.parametrize("priority", [0, 5])
def test_a_priority_alone_can_always_be_set(stage: Stage, priority: int) -> None:
    a = stage.flow(x=("RUNNING", {"priority": 1}), y="READY")
    assert stage.controller.set_job_run_properties(priority=priority, db_ids=a["x"]) == [a["x"]]
    assert stage.job(a["x"])["priority"] == priority
    with pytest.raises(StateError):
        stage.controller.set_job_run_properties(resources={"nodes": 1}, priority=7, db_ids=a["x"])
    assert stage.job(a["x"])["priority"] == priority


def test_fields_can_be_set(stage: Stage) -> None:
    a = stage.flow(x="READY")
    set_ = stage.controller.set_job_doc_properties
    assert set_({"remote.error": "$state"}, db_id=a["x"]) == a["x"]
    assert stage.job(a["x"])["remote"]["error"] == "$state"
    accepted = {"acceptable_states": [JobState.READY], "use_pipeline": True}
    set_({"error": "$state"}, db_id=a["x"], **accepted)
    assert stage.job(a["x"])["error"] == "READY"
    with pytest.raises(StateError):
        set_({"error": None}, db_id=a["x"], acceptable_states=[JobState.FAILED])
    with pytest.raises(StateError):
        set_({"error": "no"}, db_id=a["x"], acceptable_states=["FAILED"], use_pipeline=True)
    with pytest.raises(ArgumentError, match="lock_id"):
        set_({"lock_id": "mine"}, db_id=a["x"])
    stage.check()


# ------------------------------------------------------------------ locks


def test_what_others_hold_is_refused(stage: Stage) -> None:
    a, b = stage.flow(x="READY", y="READY"), stage.flow(x="READY")
    stage.hold(a["x"])
    stage.hold_flow(b)
    done = stage.controller.pause_jobs(raise_on_error=False)
    assert done == [a["y"]]
    assert {type(r.error) for r in done.refused} == {JobLockedError, FlowLockedError}
    with pytest.raises(FlowLockedError):
        stage.controller.pause_job(db_id=b["x"])
    with pytest.raises(JobLockedError):
        stage.controller.rerun_job(db_id=a["x"]) if stage.state(a["x"]) == "FAILED" else (
            stage.controller.pause_job(db_id=a["x"])
        )


def test_a_lock_can_be_broken(stage: Stage) -> None:
    a = stage.flow(x="READY")
    stage.hold(a["x"], leased=False)
    stage.hold_flow(a, leased=False)
    assert stage.controller.stop_job(db_id=a["x"], break_lock=True) == a["x"]
    assert stage.state(a["x"]) == "USER_STOPPED"
    stage.check()


@pytest.mark.parametrize("dry_run", [False, True])
def test_waiting_takes_what_is_given_back_meanwhile(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, dry_run: bool
) -> None:
    a, b = stage.flow(x="READY"), stage.flow(x="READY")
    stage.hold(a["x"])
    stage.hold_flow(b)

    def give_back(seconds: float) -> None:
        theirs = {"lock_id": {"$in": ["elsewhere", "far"]}}
        free = {"$set": {"lock_id": None, "lock_lease": None}}
        stage.controller.jobs.update_many(theirs, free)
        stage.controller.flows.update_many(theirs, free)

    clock = SimpleNamespace(monotonic=time.monotonic, sleep=give_back)
    monkeypatch.setattr(chunks, "time", clock)  # not `time` itself: threads of pymongo sleep, too
    done = stage.controller.pause_jobs(wait=30, dry_run=dry_run)
    assert sorted(done) == sorted([a["x"], b["x"]])
    stage.check()


def test_waiting_ends(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    a = stage.flow(x="READY")
    stage.hold(a["x"])
    now = [0.0]
    clock = SimpleNamespace(
        monotonic=lambda: now[0], sleep=lambda s: now.__setitem__(0, now[0] + max(s, 0.1))
    )
    monkeypatch.setattr(chunks, "time", clock)
    with pytest.raises(JobLockedError):
        stage.controller.pause_job(db_id=a["x"], wait=3)
    assert 3 <= now[0] < 5


def test_whoever_was_faster_wins(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    a = stage.flow(x="READY", y="READY")
    original = writing.write_plans

    def claimed_first(*args: Any, **kwargs: Any) -> Any:
        stage.controller.jobs.update_one({"db_id": a["x"]}, {"$set": {"state": "CHECKED_OUT"}})
        return original(*args, **kwargs)

    monkeypatch.setattr(acting, "write_plans", claimed_first)
    done = stage.controller.pause_jobs(raise_on_error=False)
    assert done == [a["y"]]
    assert "CHECKED_OUT" in done.refused[0].reason
    assert stage.states(a) == {"x": "CHECKED_OUT", "y": "PAUSED"}
    stage.check()


# ------------------------------------------------------------------ results


def test_an_error_tells_what_was_done_before(stage: Stage) -> None:
    a, b, c = (stage.flow(x=s, y="READY") for s in ("READY", "COMPLETED", "READY"))
    with pytest.raises(StateError) as caught:
        stage.controller.pause_jobs()
    assert caught.value.done == [a["x"], a["y"]]
    assert stage.states(b) == {"x": "COMPLETED", "y": "READY"}
    assert stage.states(c) == {"x": "READY", "y": "READY"}
    stage.check()


def test_a_dry_run_writes_nothing(stage: Stage) -> None:
    a = stage.flow(x="READY", y="COMPLETED")
    before = list(stage.controller.jobs.find({})), list(stage.controller.flows.find({}))
    done = stage.controller.pause_jobs(raise_on_error=False, dry_run=True)
    assert done == [a["x"]]
    assert done.dry_run
    assert [(c.before, c.after) for c in done.changes] == [(JobState.READY, JobState.PAUSED)]
    assert (list(stage.controller.jobs.find({})), list(stage.controller.flows.find({}))) == before


def test_what_depends_on_the_chosen_is_told_apart(stage: Stage) -> None:
    a = stage.flow(x="FAILED", y=("WAITING", "x"), z="COMPLETED")
    for dry_run in (True, False):
        done = stage.controller.delete_jobs(db_ids=a["x"], dry_run=dry_run)
        assert done == [a["x"]]
        assert [(c.db_id, c.after) for c in done.dependents] == [(a["y"], JobState.STOPPED)]
        assert {c.db_id: c.name for c in done.changes} == {a["x"]: "x", a["y"]: "y"}
    b = stage.flow(x="FAILED", y=("READY", "x", {"on_missing": "none"}))
    done = stage.controller.rerun_jobs(db_ids=b["x"])
    assert done == [b["y"], b["x"]]
    assert [c.db_id for c in done.dependents] == [b["y"]]


def test_nothing_chosen_is_no_error(stage: Stage) -> None:
    stage.flow(x="READY")
    assert stage.controller.pause_jobs(db_ids=[]) == []
    assert stage.controller.pause_jobs(states=[]).matched == 0
    with pytest.raises(JobNotFoundError, match="99"):
        stage.controller.pause_job(db_id="99")
    with pytest.raises(ArgumentError):
        stage.controller.pause_job()
    with pytest.raises(ArgumentError):
        stage.controller.pause_job(db_id="1", job_id="x")


def test_progress_is_told(stage: Stage) -> None:
    for _ in range(3):
        stage.flow(x="READY", y="COMPLETED")
    told: list[tuple[int, int]] = []
    stage.controller.pause_jobs(raise_on_error=False, progress=lambda *n: told.append(n))
    assert told[-1] == (6, 6)


def test_a_thousand_jobs_cost_a_handful_of_commands(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        stage.flow(**{f"j{n}": "READY" for n in range(150)})
    commands = 0
    for collection in (stage.controller.jobs, stage.controller.flows, stage.controller.auxiliary):
        for name in ("find", "find_one", "update_many", "bulk_write", "count_documents"):
            original = getattr(type(collection), name)

            def counted(self: Any, *args: Any, _original: Any = original, **kwargs: Any) -> Any:
                nonlocal commands
                commands += 1
                return _original(self, *args, **kwargs)

            if not getattr(original, "counted", False):
                counted.counted = True  # type: ignore[attr-defined]
                monkeypatch.setattr(type(collection), name, counted)
    assert len(stage.controller.pause_jobs()) == 750
    assert commands <= 60
    stage.check()
