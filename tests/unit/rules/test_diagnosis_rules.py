"""The pure part of the doctor, as tables."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from controller.rules.diagnosis import Action, FindingKind, Mending, Severity, plan_mendings
from controller.rules.diagnosis.database import Census, examine_auxiliary, examine_work
from controller.rules.diagnosis.flowplan import FlowView, plan_flow
from controller.rules.diagnosis.flows import SUBMISSION_TIME, examine_flow, some
from controller.rules.diagnosis.locks import BUSY_TIME, LockView, examine_lock
from controller.states import JobState

NOW = datetime(2030, 1, 2)
OLD = NOW - timedelta(days=1)


def job(
    db_id: str, state: str, *parents: str, index: int = 1, on_missing: str = "error"
) -> dict[str, Any]:
    return {
        "_id": f"{db_id}.{index}",
        "uuid": f"u{db_id}",
        "index": index,
        "db_id": db_id if index == 1 else f"{db_id}{index}",
        "state": state,
        "parents": list(parents),
        "job": {"hosts": ["f"], "config": {"on_missing_references": on_missing}},
    }


def flow(*jobs: dict[str, Any], state: str = "RUNNING", **fields: Any) -> dict[str, Any]:
    parents: dict[str, Any] = {}
    for j in jobs:
        parents.setdefault(j["uuid"], {})[str(j["index"])] = list(j["parents"])
    return {
        "uuid": "f",
        "name": "a flow",
        "state": state,
        "ids": [[j["db_id"], j["uuid"], j["index"]] for j in jobs],
        "jobs": list(dict.fromkeys(j["uuid"] for j in jobs)),
        "parents": parents,
        "created_on": OLD,
        **fields,
    }


@pytest.mark.parametrize("parent", [s.value for s in JobState])
@pytest.mark.parametrize("on_missing", ["error", "none", "pass"])
@pytest.mark.parametrize("child", [s.value for s in JobState])
def test_only_waiting_and_ready_follow_from_the_parents(
    parent: str, on_missing: str, child: str
) -> None:
    jobs = [job("1", parent), job("2", child, "u1", on_missing=on_missing)]
    tolerated = {"COMPLETED"} if on_missing == "error" else {"COMPLETED", "FAILED", "USER_STOPPED"}
    ought = "READY" if parent in tolerated else "WAITING"
    changes = {
        c.job["db_id"]: c.state and c.state.value for c in plan_flow(FlowView({}, jobs)).jobs
    }
    expected = ought if child in ("WAITING", "READY") and child != ought else None
    assert changes.get("2") == expected


@pytest.mark.parametrize(
    ("jobs", "changed"),
    [
        # A replaced job: the newest index counts, as parent and as child.
        ([job("1", "COMPLETED"), job("1", "RUNNING", index=2), job("2", "READY", "u1")], {"2"}),
        ([job("1", "FAILED"), job("1", "COMPLETED", index=2), job("2", "WAITING", "u1")], {"2"}),
        ([job("1", "WAITING"), job("1", "RUNNING", index=2)], set()),
        # Several parents: all of them.
        ([job("1", "COMPLETED"), job("2", "RUNNING"), job("3", "WAITING", "u1", "u2")], set()),
        ([job("1", "COMPLETED"), job("2", "RUNNING"), job("3", "READY", "u1", "u2")], {"3"}),
        # A state that is none: nothing is judged.
        ([job("1", "TERMINATED"), job("2", "READY", "u1")], set()),
    ],
)
def test_readiness(jobs: list[dict[str, Any]], changed: set[str]) -> None:
    assert {c.job["db_id"] for c in plan_flow(FlowView(flow(*jobs), jobs)).jobs} == changed


@pytest.mark.parametrize(
    ("state", "on_missing", "after"),
    [
        ("WAITING", "error", JobState.STOPPED),
        ("READY", "error", JobState.STOPPED),
        ("WAITING", "none", JobState.READY),
        ("READY", "pass", None),
        ("PAUSED", "error", None),
        ("COMPLETED", "error", None),
    ],
)
def test_a_lost_parent_is_forgotten(state: str, on_missing: str, after: JobState | None) -> None:
    jobs = [job("1", "COMPLETED"), job("2", state, "u1", "gone", on_missing=on_missing)]
    plan = plan_flow(FlowView(flow(*jobs), jobs))
    (change,) = plan.jobs
    assert (change.lost_parents, change.state) == (("gone",), after)
    assert plan.lists.parents["u2"] == {"1": ["u1"]}


def test_a_parent_in_another_flow_is_not_lost() -> None:
    jobs = [job("1", "COMPLETED"), job("2", "WAITING", "u1", "u9")]
    assert plan_flow(FlowView(flow(*jobs), jobs, {"u9": job("9", "RUNNING")})).jobs == ()


def test_the_order_of_the_lists_is_kept() -> None:
    jobs = [job("1", "COMPLETED"), job("2", "COMPLETED", "u1"), job("3", "COMPLETED", "u1", "u2")]
    stored = flow(*reversed(jobs), state="COMPLETED")
    stored["parents"]["u3"]["1"] = ["u2", "u1"]
    view = FlowView(stored, jobs)
    assert plan_flow(view).fields(stored) == {}
    assert examine_flow(view, NOW) == []


@pytest.mark.parametrize(
    ("age", "severity", "mended"),
    [
        (timedelta(seconds=-30), Severity.NOTE, False),  # another clock is ahead
        (SUBMISSION_TIME - timedelta(seconds=1), Severity.NOTE, False),
        (SUBMISSION_TIME, Severity.PROBLEM, True),
    ],
)
def test_a_flow_on_its_way(age: timedelta, severity: Severity, mended: bool) -> None:
    half = flow(job("1", "READY"), job("2", "READY"), state="READY", created_on=NOW - age)
    (found,) = examine_flow(FlowView(half, [job("1", "READY")]), NOW)
    assert (found.severity, found.mending is not None) == (severity, mended)
    (found,) = examine_flow(FlowView(half, []), NOW)
    assert (found.severity, found.mending is not None) == (severity, mended)
    assert found.kind is FindingKind.HALF_INSERTED


LEASE = {"id": "l", "owner": {"pid": 7, "host": "h"}, "seq": 2}


@pytest.mark.parametrize(
    ("fields", "lease", "expired", "foreign_runner", "expected"),
    [
        ({}, None, False, False, None),
        ({"lock_id": None, "lock_time": None, "lock_lease": None}, None, False, False, None),
        ({"lock_time": OLD}, None, False, False, (FindingKind.LOCK_REMAINS, "warning")),
        ({"lock_lease": LEASE}, None, False, False, (FindingKind.LOCK_REMAINS, "warning")),
        ({"lock_id": "l", "lock_time": OLD}, LEASE, False, False, None),
        ({"lock_id": "l"}, {**LEASE, "seq": 119}, False, False, None),
        ({"lock_id": "l"}, {**LEASE, "seq": 120}, False, False, ("lock-long", "warning")),
        ({"lock_id": "l"}, {**LEASE, "seq": 120}, True, False, ("lock-dead", "problem")),
        ({"lock_id": "l", "lock_time": OLD}, LEASE, True, False, ("lock-dead", "problem")),
        ({"lock_id": "l", "lock_time": OLD}, None, False, False, ("lock-foreign", "problem")),
        ({"lock_id": "l", "lock_time": OLD}, None, False, True, ("lock-foreign", "warning")),
        ({"lock_id": "l"}, None, False, False, ("lock-foreign", "problem")),
        (
            {"lock_id": "l", "lock_time": NOW - BUSY_TIME / 2},
            None,
            False,
            False,
            ("lock-foreign", "warning"),
        ),
    ],
)
def test_locks(
    fields: dict[str, Any], lease: Any, expired: bool, foreign_runner: bool, expected: Any
) -> None:
    view = LockView("jobs", "1", "job 1", {"_id": 1, **fields}, lease, expired)
    found = examine_lock(view, NOW, foreign_runner=foreign_runner)
    assert (found and (found.kind, found.severity)) == expected


def test_the_age_of_a_foreign_lock_is_shown() -> None:
    for age, said in [(timedelta(days=2), "2 days"), (timedelta(hours=1, minutes=59), "1 hour")]:
        document = {"_id": 1, "lock_id": "l", "lock_time": NOW - age}
        view = LockView("jobs", "1", "job 1", document, None, False)
        found = examine_lock(view, NOW, foreign_runner=False)
        assert found is not None
        assert said in found.what


@pytest.mark.parametrize(
    ("prefix", "db_ids", "next_id", "raised"),
    [
        ("", ["1", "2"], 3, None),
        ("", ["1", "2"], 2, 3),
        ("", ["1", "9", "10"], 10, 11),
        ("", ["other77", "1"], 2, None),
        ("v2", ["v217", "300"], 18, None),
        ("v2", ["v217", "300"], 17, 18),
        ("", ["\u0663"], 1, None),  # a digit elsewhere, but no number of ours
    ],
)
def test_the_counter(prefix: str, db_ids: list[str], next_id: int, raised: int | None) -> None:
    census = Census(prefix)
    for db_id in db_ids:
        census.add({"db_id": db_id, "state": "COMPLETED", "worker": "w"})
    documents: list[dict[str, Any]] = [
        {"_id": 1, "next_id": next_id},
        {"_id": 2, "running_runner": None},
        {"_id": 3, "runner_pings": []},
        {"_id": 4, "jobflow_remote_version": "1.0.1"},
    ]
    found = examine_auxiliary(documents, census)
    assert [f.mending.value for f in found if f.mending] == ([] if raised is None else [raised])
    without = examine_auxiliary(documents[1:], census)
    assert [f.mending.value for f in without if f.mending] == [census.largest + 1]


@pytest.mark.parametrize("state", [s.value for s in JobState])
def test_who_works_on_it(state: str) -> None:
    census = Census()
    for number in range(7):
        census.add({"db_id": str(number), "state": state, "worker": "gone"})
    at_rest = state in ("COMPLETED", "FAILED", "STOPPED", "USER_STOPPED")
    kinds = [f.kind.value for f in examine_work(census, {"w"}, live_runner=True)]
    assert kinds == ([] if at_rest else ["unknown-worker"])
    found = examine_work(census, None, live_runner=False)
    under_way = not at_rest and state not in (*("WAITING", "READY", "PAUSED", "REMOTE_ERROR"),)
    assert [f.kind.value for f in found] == (["unattended"] if under_way else [])
    if under_way:
        assert found[0].severity is Severity.NOTE
        assert "7 jobs" in found[0].what
        assert found[0].what.endswith("0, 1, 2, 3, 4 and 2 more")


def test_the_plan_does_each_thing_once_and_locks_first() -> None:
    jobs = [job("1", "COMPLETED"), job("2", "WAITING", "u1", "gone"), job("3", "WAITING", "u1")]
    findings = examine_flow(FlowView(flow(*jobs, state="PAUSED"), jobs), NOW)
    assert [f.kind.value for f in findings] == ["parent-missing", "job-state", "flow-state"]
    dead = LockView("jobs", "1", "job 1", {"_id": 1, "lock_id": "l"}, LEASE, True)
    foreign = LockView("jobs", "2", "job 2", {"_id": 2, "lock_id": "l"}, None, False)
    for view in (dead, foreign):
        found = examine_lock(view, NOW, foreign_runner=False)
        assert found is not None
        findings.append(found)
    assert [p.mending.action for p in plan_mendings(findings)] == [
        Action.FREE_LOCK,
        Action.MEND_FLOW,
    ]
    allowed = plan_mendings(findings, consents=["foreign_locks"])
    assert [p.mending for p in allowed if p.mending.action is Action.FREE_FOREIGN_LOCK] == [
        Mending(Action.FREE_FOREIGN_LOCK, "jobs", 2, "l")
    ]
    assert {f for p in allowed for f in p.findings} == set(findings)


def test_long_lists_are_cut() -> None:
    assert some(["a", "b"]) == "a, b"
    assert some([str(n) for n in range(9)]) == "0, 1, 2, 3, 4 and 4 more"
