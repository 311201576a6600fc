"""Whatever is damaged, and however much: after mending, all that has to hold holds again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from crashes import Snapshot, restore, snapshot
from damages import OLD
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from jobflow import Flow
from lifecycle_jobs import add, detoured, everything
from thoroughness import examples
from world import World

from controller.doctor import Severity, diagnose, examine
from controller.doctor import diagnosing as diagnosing_module
from controller.leases import this_owner
from controller.rules import flow_state, get_flow_leafs, is_satisfied, newest_by_uuid
from controller.rules.readiness import on_missing_of
from controller.states import FlowState, JobState

STATES = [s.value for s in JobState]
CONSENTS = {"foreign_locks": True, "half_inserted": True}
DEAD = {"id": "l", "owner": {**this_owner(), "start_time": "before"}, "seq": 1}


@dataclass
class Patients:
    """A world with three flows, and how it was before any damage."""

    world: World
    healthy: Snapshot = field(repr=False)


@pytest.fixture(scope="module")
def patients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Patients]:
    """On the embedded engine; each kind of damage is mended on both in another test."""
    folder: Path = tmp_path_factory.mktemp("doctor")
    store = {"type": "EmbeddedStore", "path": str(folder / "queue.db"), "collection_name": "jobs"}
    world = World(store, folder)
    for start in (everything(1), detoured(1)):
        world.submit(Flow([start, add(start.output)]))
        for _ in range(2):
            db_id = world.execute()
            assert db_id is not None
            world.complete(db_id)
    first = add(1)
    second = add(first.output)
    third = add(first.output)
    third.config.on_missing_references = "none"
    world.submit(Flow([first, second, third, add(second.output, third.output)]))
    for collection in (world.controller.jobs, world.controller.flows):
        collection.update_many({}, {"$set": {"created_on": OLD}})
    assert diagnose(world.controller).findings == ()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diagnosing_module, "CONFIRM_AFTER", 0.0)
        yield Patients(world, snapshot(world.controller.queue))
    world.close()


Operation = Callable[[dict[str, list[dict[str, Any]]], int, int], None]


def _pick(documents: list[dict[str, Any]], number: int) -> dict[str, Any]:
    return documents[number % len(documents)]


def _job_state(all_: Snapshot, number: int, value: int) -> None:
    _pick(all_["jobs"], number)["state"] = STATES[value % len(STATES)]


def _flow_state(all_: Snapshot, number: int, value: int) -> None:
    states = [s.value for s in FlowState]
    _pick(all_["flows"], number)["state"] = states[value % len(states)]


def _drop_job(all_: Snapshot, number: int, value: int) -> None:
    del all_["jobs"][number % len(all_["jobs"])]


def _drop_flow(all_: Snapshot, number: int, value: int) -> None:
    del all_["flows"][number % len(all_["flows"])]


def _drop_entry(all_: Snapshot, number: int, value: int) -> None:
    flow = _pick(all_["flows"], number)
    part = flow[("ids", "jobs", "parents")[value % 3]]
    if part:
        del part[list(part)[value % len(part)] if isinstance(part, dict) else value % len(part)]


def _add_entry(all_: Snapshot, number: int, value: int) -> None:
    flow, uuid = _pick(all_["flows"], number), f"ghost{value}"
    which = value % 4
    if which in (0, 3):
        flow["ids"].append([f"9{value}", uuid, 1])
    if which in (1, 3):
        flow["jobs"].append(uuid)
    if which in (2, 3):
        flow["parents"][uuid] = {"1": []}


def _other_parents(all_: Snapshot, number: int, value: int) -> None:
    job = _pick(all_["jobs"], number)
    others = [j["uuid"] for j in all_["jobs"][:number] if j["job"]["hosts"] == job["job"]["hosts"]]
    job["parents"] = [*others[:1], *(["ghost"] if value % 2 else [])]


def _lock(all_: Snapshot, number: int, value: int) -> None:
    document = _pick(all_["flows" if value % 2 else "jobs"], number)
    document["lock_id"] = ("l", "theirs", None)[value % 3]
    document["lock_time"] = OLD
    document["lock_lease"] = DEAD


def _counter(all_: Snapshot, number: int, value: int) -> None:
    for document in all_["auxiliary"]:
        if "next_id" in document:
            document["next_id"] = value


OPERATIONS: list[Operation] = [
    _job_state,
    _flow_state,
    _drop_job,
    _drop_flow,
    _drop_entry,
    _add_entry,
    _other_parents,
    _lock,
    _counter,
]


@settings(
    max_examples=examples(100),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    damages=st.lists(
        st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 30), st.integers(0, 40)),
        min_size=1,
        max_size=6,
    )
)
def test_random_damages(patients: Patients, damages: list[tuple[Operation, int, int]]) -> None:
    world, queue = patients.world, patients.world.controller.queue
    restore(queue, patients.healthy)
    damaged = snapshot(queue)
    for operation, number, value in damages:
        if damaged["jobs"] and damaged["flows"]:
            operation(damaged, number, value)
            event(operation.__name__)
    restore(queue, damaged)
    before = snapshot(queue)
    dry = examine(world.controller, **CONSENTS)
    assert snapshot(queue) == before
    assert not dry.diagnosis.findings or dry.mended or not _mendable(dry.diagnosis.findings)

    after = examine(world.controller, fix=True, **CONSENTS)
    left = [f for f in after.remaining.findings if f.severity is not Severity.NOTE]
    assert left == []
    world.check()
    derived_is_stored(world)
    finished = {j["db_id"] for j in before["jobs"] if j["state"] in ("COMPLETED", "FAILED")}
    assert finished <= set(world.states())


def _mendable(findings: Any) -> bool:
    return any(finding.mending is not None for finding in findings)


def derived_is_stored(world: World) -> None:
    """Compare what is stored with what the rules make of the jobs."""
    jobs = list(world.controller.jobs.find({}))
    newest = newest_by_uuid(jobs)
    for job in newest.values():
        if job["state"] in (JobState.READY, JobState.WAITING):
            parents = [JobState(newest[p]["state"]) for p in job["parents"]]
            assert is_satisfied(on_missing_of(job), parents) is (job["state"] == JobState.READY)
    for flow in world.controller.flows.find({}):
        mine = [j for j in jobs if j["job"]["hosts"][-1] == flow["uuid"]]
        states = [JobState(j["state"]) for j in mine]
        leaves = [JobState(j["state"]) for j in get_flow_leafs(mine)]
        assert flow_state(states, leaves) == flow["state"]
    assert {j["job"]["hosts"][-1] for j in jobs} == {
        f["uuid"] for f in world.controller.flows.find({})
    }
