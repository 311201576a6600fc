"""What happens between the selection and the work, and what is left when an error ends it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from crashes import Fuse, Killed, bury, dying
from staged import Stage

from controller import bulk_locks
from controller.api import flow_deletion as flow_methods
from controller.errors import (
    LockLostError,
    StateError,
    StorageUnavailableError,
    TooManyError,
    WriteConflictError,
)
from controller.filters import FlowFilter, JobFilter
from controller.operations import acting, actions, flow_deletion, reading
from controller.operations.connections import Connections
from controller.storage.embedded import patching


def after_the_choice(
    monkeypatch: pytest.MonkeyPatch, home: Any, name: str, change: Callable[[], object]
) -> None:
    """Let something happen between the selection and the work: once."""
    original, changed = getattr(home, name), []

    def then(*args: Any, **kwargs: Any) -> Any:
        found = original(*args, **kwargs) if home is acting else None
        if not changed:
            changed.append(change())
        return found if home is acting else original(*args, **kwargs)

    monkeypatch.setattr(home, name, then)


# ------------------------------------------------------------------ the selection, asked again


def test_a_job_that_completed_meanwhile_is_not_deleted_as_failed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = stage.flow(x="FAILED", y="FAILED", z="READY"), stage.flow(x="FAILED", y="READY")

    def complete() -> None:
        stage.controller.jobs.update_one({"db_id": a["x"]}, {"$set": {"state": "COMPLETED"}})

    after_the_choice(monkeypatch, acting, "select_jobs", complete)
    done = stage.controller.delete_jobs(states="FAILED", max_limit=0, raise_on_error=False)
    assert sorted(done) == sorted([a["y"], b["x"]])
    (refused,) = done.refused
    assert refused.db_id == a["x"]
    assert "is COMPLETED now" in refused.reason
    assert stage.states(a) == {"x": "COMPLETED", "y": "gone", "z": "READY"}


def test_a_job_that_was_named_is_deleted_whatever_it_became(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = stage.flow(x="FAILED", y="READY")

    def complete() -> None:
        stage.controller.jobs.update_one({"db_id": a["x"]}, {"$set": {"state": "COMPLETED"}})

    after_the_choice(monkeypatch, acting, "select_jobs", complete)
    assert stage.controller.delete_jobs(db_ids=[a["x"]]) == [a["x"]]


@pytest.mark.parametrize(
    ("method", "more"),
    [
        ("set_jobs_state", {"state": "PAUSED"}),
        ("rerun_jobs", {"force": True}),
        ("set_job_run_properties", {"priority": 3}),
    ],
)
def test_every_action_leaves_alone_what_was_not_asked_for(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, method: str, more: dict[str, Any]
) -> None:
    a = stage.flow(x="FAILED", y="FAILED")

    def complete() -> None:
        stage.controller.jobs.update_one({"db_id": a["x"]}, {"$set": {"state": "COMPLETED"}})

    after_the_choice(monkeypatch, acting, "select_jobs", complete)
    act = getattr(stage.controller, method)
    done = act(**more, states="FAILED", raise_on_error=False)
    assert done == [a["y"]]
    assert [refused.db_id for refused in done.refused] == [a["x"]]
    assert stage.state(a["x"]) == "COMPLETED"


def test_what_is_not_asked_for_any_more_is_refused_before_its_flow_is_written(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    a, b = stage.flow(x="FAILED", y="READY"), stage.flow(x="FAILED", y="FAILED", z="READY")

    def complete() -> None:
        stage.controller.jobs.update_one({"db_id": b["x"]}, {"$set": {"state": "COMPLETED"}})

    after_the_choice(monkeypatch, acting, "select_jobs", complete)
    with pytest.raises(StateError, match="is COMPLETED now") as caught:
        stage.controller.delete_jobs(states="FAILED")
    assert caught.value.done == [a["x"]]
    assert stage.states(b) == {"x": "COMPLETED", "y": "FAILED", "z": "READY"}


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_flow_that_goes_on_again_is_not_deleted_as_failed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, dry_run: bool
) -> None:
    a, b = stage.flow(x="FAILED"), stage.flow(x="FAILED")

    def go_on() -> None:
        stage.controller.flows.update_one({"uuid": a["flow"]}, {"$set": {"state": "RUNNING"}})

    after_the_choice(monkeypatch, flow_methods, "delete_flows", go_on)
    failed = FlowFilter(states="FAILED")
    done = stage.controller.delete_flows(selection=failed, dry_run=dry_run)
    assert done == [b["flow"]]
    (refused,) = done.refused
    assert refused.flow_id == a["flow"]
    assert "is RUNNING now" in refused.reason
    assert stage.states(a) == {"x": "FAILED"}


def test_a_flow_that_is_held_is_asked_for_the_selection_too(stage: Stage) -> None:
    a, b = stage.flow(x="FAILED"), stage.flow(x="READY")
    stage.hold_flow(a)
    done = stage.controller.delete_flows(selection=FlowFilter(states="FAILED"))
    assert done == []
    assert "locked" in done.refused[0].reason
    assert stage.controller.delete_flows(
        [a["flow"], b["flow"]], selection=FlowFilter(states="FAILED"), break_lock=True
    ) == [a["flow"]]


# ------------------------------------------------------------------ limits


@pytest.mark.parametrize(
    ("method", "more"),
    [
        ("pause_jobs", {}),
        ("resume_jobs", {}),
        ("stop_jobs", {}),
        ("rerun_jobs", {}),
        ("retry_jobs", {}),
        ("delete_jobs", {}),
        ("set_jobs_state", {"state": "PAUSED"}),
        ("set_job_run_properties", {"priority": 3}),
    ],
)
def test_a_limit_is_one_of_the_selection_itself(
    stage: Stage, method: str, more: dict[str, Any]
) -> None:
    stage.flow(x="READY", y="READY", z="READY")
    before = list(stage.controller.jobs.find({}))
    act = getattr(stage.controller, method)
    with pytest.raises(TooManyError, match=r"3 jobs are selected.*limit of 2") as caught:
        act(**more, max_limit=2)
    with pytest.raises(TooManyError):
        act(**more, max_limit=2, dry_run=True)
    assert (caught.value.number, caught.value.limit) == (3, 2)
    assert list(stage.controller.jobs.find({})) == before
    assert act(**more, max_limit=3, raise_on_error=False).matched == 3


# ------------------------------------------------------------------ what ends work early


def losing(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let the second chunk end in an error, before anything of it is written."""
    original, seen = bulk_locks._take, []

    def take(*args: Any, **kwargs: Any) -> None:
        original(*args, **kwargs)
        seen.append(1)
        if len(seen) == 2:
            raise error

    monkeypatch.setattr(bulk_locks, "_take", take)
    monkeypatch.setattr("controller.operations.chunks.FLOWS_AT_ONCE", 1)


ENDS = [
    *(partial(kind, "said") for kind in (LockLostError, StorageUnavailableError, OSError)),
    KeyboardInterrupt,
]
NAMES = ["lock-lost", "away", "no-room", "interrupted"]


@pytest.mark.parametrize("make", ENDS, ids=NAMES)
def test_whatever_ends_an_action_says_what_was_done(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, make: Callable[[], BaseException]
) -> None:
    error = make()
    a, b = stage.flow(x="READY", y="COMPLETED"), stage.flow(x="READY")
    losing(monkeypatch, error)
    told: list[tuple[int, int]] = []
    with pytest.raises(type(error)) as caught:
        stage.controller.pause_jobs(raise_on_error=False, progress=lambda *n: told.append(n))
    done = caught.value.done  # type: ignore[attr-defined]
    assert (done, len(done.refused), done.matched) == ([a["x"]], 1, 3)
    assert told[-1] == (2, 3)
    assert stage.state(b["x"]) == "READY"
    assert stage.controller.flows.count_documents({"lock_id": {"$ne": None}}) == 0


@pytest.mark.parametrize("make", ENDS, ids=NAMES)
def test_whatever_ends_a_deletion_of_flows_says_what_was_done(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, make: Callable[[], BaseException]
) -> None:
    error = make()
    a, b = stage.flow(x="READY"), stage.flow(x="READY")
    losing(monkeypatch, error)
    with pytest.raises(type(error)) as caught:
        stage.controller.delete_flows()
    assert caught.value.done == [a["flow"]]  # type: ignore[attr-defined]
    assert stage.state(b["x"]) == "READY"


@pytest.mark.parametrize(
    "act",
    [
        lambda stage: stage.controller.stop_jobs(states="SUBMITTED"),
        lambda stage: stage.controller.delete_flows(),
    ],
    ids=["jobs", "flows"],
)
def test_the_first_error_is_the_one_that_is_raised(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, act: Callable[[Stage], object]
) -> None:
    stage.flow(x="SUBMITTED", y="READY"), stage.flow(x="SUBMITTED", y="READY")
    losing(monkeypatch, LockLostError("lost"))

    def away(*args: Any) -> None:
        raise StorageUnavailableError("away")

    monkeypatch.setattr(acting, "run_own", away)
    monkeypatch.setattr(flow_deletion, "run_own", away)
    with pytest.raises(LockLostError) as caught:
        act(stage)
    assert len(caught.value.done or ()) == 1


def test_an_error_after_the_work_says_that_it_was_done(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = stage.flow(x="SUBMITTED")

    def away(queue: Any, connections: Connections, db_ids: Any) -> None:
        raise StorageUnavailableError("away")

    monkeypatch.setattr(acting, "run_own", away)
    with pytest.raises(StorageUnavailableError) as caught:
        stage.controller.stop_jobs()
    assert caught.value.done == [a["x"]]


def test_a_deletion_of_flows_is_tried_again_after_a_conflict(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not stage.controller.queue.database.supports_transactions:
        pytest.skip("conflicts abort transactions")
    a = stage.flow(x="READY", y="SUBMITTED")
    original, tried = flow_deletion.request, []

    def conflicting(*args: Any, **kwargs: Any) -> None:
        original(*args, **kwargs)
        tried.append(1)
        if len(tried) == 1:
            raise WriteConflictError("somebody else")

    monkeypatch.setattr(flow_deletion, "request", conflicting)
    done = stage.controller.delete_flows()
    assert (done, done.jobs, len(tried)) == ([a["flow"]], 2, 2)


# ------------------------------------------------------------------ a flow larger than a chunk


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let two jobs be a large flow; collects how many jobs each part has."""
    parts: list[int] = []
    original = acting.write_plans

    def counted(queue: Any, views: Any, plans: Any, *args: Any, **kwargs: Any) -> Any:
        parts.append(sum(len(plan.changes) for plan in plans))
        return original(queue, views, plans, *args, **kwargs)

    monkeypatch.setattr(acting, "PART_OF_FLOW", 2)
    monkeypatch.setattr(acting, "write_plans", counted)
    return parts


def test_a_large_flow_is_changed_part_by_part(stage: Stage, in_parts: list[int]) -> None:
    a = stage.flow(v="READY", w="READY", x="COMPLETED", y="READY", z="READY")
    told: list[tuple[int, int]] = []
    done = stage.controller.pause_jobs(
        flow_ids=a["flow"], raise_on_error=False, progress=lambda *now: told.append(now)
    )
    assert in_parts == [2, 1, 1]
    assert sorted(done) == sorted(a[name] for name in "vwyz")
    assert [refused.db_id for refused in done.refused] == [a["x"]]
    assert told[:3] == [(2, 5), (4, 5), (5, 5)]
    flow = stage.controller.flows.find_one({"uuid": a["flow"]})
    assert flow is not None
    assert (flow["state"], flow["lock_id"]) == ("PAUSED", None)


def test_what_was_changed_before_a_crash_is_right_and_the_same_call_does_the_rest(
    stage: Stage, in_parts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    a = stage.flow(w="READY", x="READY", y="READY", z="READY")
    counted = acting.write_plans

    def crash(*args: Any, **kwargs: Any) -> Any:
        if in_parts:
            raise StorageUnavailableError("gone")
        return counted(*args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(acting, "write_plans", crash)
        with pytest.raises(StorageUnavailableError) as caught:
            stage.controller.pause_jobs(flow_ids=a["flow"], raise_on_error=False)
    assert caught.value.done == [a["w"], a["x"]]
    assert stage.states(a) == {"w": "PAUSED", "x": "PAUSED", "y": "READY", "z": "READY"}
    done = stage.controller.pause_jobs(flow_ids=a["flow"], raise_on_error=False)
    assert (sorted(done), len(done.unchanged)) == (sorted([a["y"], a["z"]]), 2)


@pytest.mark.parametrize("raises", [True, False])
def test_a_flow_stays_whole_where_its_jobs_depend_on_each_other_or_a_refusal_is_raised(
    stage: Stage, in_parts: list[int], raises: bool
) -> None:
    a = stage.flow(w="READY", x="READY", y="READY", z="COMPLETED")
    if raises:
        with pytest.raises(StateError, match="COMPLETED"):
            stage.controller.pause_jobs(flow_ids=a["flow"])
        assert stage.states(a) == {"w": "READY", "x": "READY", "y": "READY", "z": "COMPLETED"}
    else:
        stage.controller.delete_jobs(db_ids=[a[n] for n in "wxy"], raise_on_error=False)
        assert in_parts == [3]


# ------------------------------------------------------------------ many jobs, read from indexes

EACH = {
    "a": "READY",
    "b": ("WAITING", "a"),
    "c": ("PAUSED", "a"),
    "d": "COMPLETED",
    "e": ("USER_STOPPED", "d"),
    "f": "FAILED",
    "g": ("STOPPED", "f"),
    "h": "RUNNING",
    "i": "SUBMITTED",
    "j": "PAUSED",
}
ACTIONS = {"pause": actions.PAUSE, "resume": actions.RESUME, "stop": actions.STOP}


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let any number of jobs be many."""
    monkeypatch.setattr(reading, "_MANY", 1)
    monkeypatch.setattr(patching, "FEWEST", 1)


def tolerant(stage: Stage, db_id: str) -> None:
    """Let a job run without the outputs of its parents."""
    stage.controller.jobs.update_one(
        {"db_id": db_id}, {"$set": {"job.config.on_missing_references": "none"}}
    )


@pytest.mark.parametrize("name", ACTIONS)
def test_what_is_read_from_indexes_leads_to_the_same(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    flows = [stage.flow(**EACH) for _ in range(2)]
    results = []
    for number, flow in enumerate(flows):
        tolerant(stage, flow["g"])
        lock = {"lock_id": "theirs", "lock_time": None}
        stage.controller.jobs.update_one({"db_id": flow["j"]}, {"$set": lock})
        monkeypatch.setattr(reading, "_MANY", 1 if number else 1000)
        monkeypatch.setattr(patching, "FEWEST", 1 if number else 1000)
        done = acting.act_on_jobs(
            stage.controller.queue, None, ACTIONS[name], JobFilter(flow_ids=flow["flow"])
        )
        of = {db_id: letter for letter, db_id in flow.items()}
        events = stage.controller.get_events(flow_ids=[flow["flow"]])
        results.append(
            (
                sorted(of[db_id] for db_id in done),
                sorted(of[db_id] for db_id in done.unchanged),
                sorted((of[r.db_id], type(r.error)) for r in done.refused),
                sorted((of[c.db_id], c.before, c.after, c.cancel, c.name) for c in done.changes),
                stage.states(flow),
                sorted(
                    (of.get(e.db_id or ""), str(e.kind), str(e.to_state)) for e in events if e.db_id
                ),
            )
        )
    assert results[0] == results[1]
    assert results[0][0]


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("transactions", [True, False], ids=["transactions", "no transactions"])
def test_a_pause_killed_at_any_write_is_completed_by_the_next(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, transactions: bool
) -> None:
    monkeypatch.setattr(acting, "PART_OF_FLOW", 3)
    queue, at, after = stage.controller.queue, 1, False
    while True:
        flow = stage.flow(v="READY", w=("WAITING", "v"), x="READY", y="READY", z="COMPLETED")
        asked, fuse = JobFilter(flow_ids=flow["flow"]), Fuse(at, after=after)
        mortal = dying(queue, fuse, transactions=transactions)
        with suppress(Killed):
            acting.act_on_jobs(mortal, None, actions.PAUSE, asked)
        bury(queue)
        done = acting.act_on_jobs(queue, None, actions.PAUSE, asked)
        assert [refused.db_id for refused in done.refused] == [flow["z"]], (at, after)
        states = {**dict.fromkeys("vwxy", "PAUSED"), "z": "COMPLETED"}
        assert stage.states(flow) == states, (at, after)
        found = stage.controller.flows.find_one({"uuid": flow["flow"]})
        assert found is not None
        assert (found["state"], found["lock_id"]) == ("PAUSED", None), (at, after)
        if not fuse.blown:
            break
        at, after = (at, True) if not after else (at + 1, False)
    assert at > 4


@pytest.mark.usefixtures("many")
def test_a_job_that_a_runner_claimed_meanwhile_is_refused(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = stage.flow(x="READY", y="READY", z="READY")
    original, claimed = acting.read_views, []

    def then(*args: Any, **kwargs: Any) -> Any:
        views = original(*args, **kwargs)
        if not claimed:
            claimed.append(flow["x"])
            fields = {"state": "CHECKED_OUT", "lock_id": "a runner"}
            stage.controller.jobs.update_one({"db_id": flow["x"]}, {"$set": fields})
        return views

    monkeypatch.setattr(acting, "read_views", then)
    done = stage.controller.pause_jobs(flow_ids=flow["flow"], raise_on_error=False)
    assert sorted(done) == sorted([flow["y"], flow["z"]])
    assert [refused.db_id for refused in done.refused] == [flow["x"]]
    assert stage.states(flow) == {"x": "CHECKED_OUT", "y": "PAUSED", "z": "PAUSED"}
