"""What is derived from a few documents is what the rules make of all of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from thoroughness import examples

from controller.operations import flow_states, progress
from controller.operations.event_log import EventLog
from controller.operations.queue import Queue
from controller.rules import flow_state, get_flow_leafs, is_satisfied, newest_by_uuid
from controller.states import JobState
from controller.storage.embedded import open_database
from controller.storage.indexes import FLOW_INDEXES, JOB_INDEXES, build_indexes

FLOW = "the flow"


@dataclass(frozen=True)
class Case:
    """A flow, and the job of it that ends."""

    jobs: list[dict[str, Any]]
    order: list[str]
    ending: tuple[int, ...]
    end: JobState


@st.composite
def cases(draw: st.DrawFn) -> Case:
    count = draw(st.integers(1, 9))
    jobs: list[dict[str, Any]] = []
    for number in range(count):
        earlier = [f"u{n}" for n in range(number)]
        parents = draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
        for index in range(1, draw(st.sampled_from([1, 1, 1, 2])) + 1):
            on_missing = draw(st.sampled_from(["error", "none"]))
            jobs.append(
                {
                    "uuid": f"u{number}",
                    "index": index,
                    "db_id": str(len(jobs)),
                    "state": draw(st.sampled_from(JobState)).value,
                    "parents": parents,
                    "lock_id": None,
                    "job": {
                        "hosts": ["inner", FLOW],
                        "config": {"on_missing_references": on_missing},
                    },
                }
            )
    numbers = st.integers(0, len(jobs) - 1)
    ending = tuple(sorted(draw(st.lists(numbers, unique=True, min_size=1, max_size=3))))
    for number in ending:
        jobs[number]["state"] = JobState.DOWNLOADED.value
    order = draw(st.permutations(sorted({j["uuid"] for j in jobs})))
    end = draw(st.sampled_from([JobState.COMPLETED, JobState.FAILED]))
    return Case(jobs, order, ending, end)


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Queue]:
    """An embedded queue; the same queries run on the other engine in the other tests."""
    path: Path = tmp_path_factory.mktemp("progress") / "queue.db"
    database = open_database(path, synchronous="NORMAL")
    names = {n: database.collection(n) for n in ("jobs", "flows", "auxiliary", "batches")}
    build_indexes(names["jobs"], JOB_INDEXES)
    build_indexes(names["flows"], FLOW_INDEXES)
    yield Queue(database, **names, events=EventLog(database.collection("events"), enabled=False))
    database.close()


def fill(queue: Queue, jobs: list[dict[str, Any]]) -> None:
    queue.jobs.delete_many({})
    queue.jobs.insert_many([dict(job) for job in jobs])


def state_of(jobs: list[dict[str, Any]]) -> Any:
    leaves = get_flow_leafs(jobs)
    return flow_state([JobState(j["state"]) for j in jobs], [JobState(j["state"]) for j in leaves])


def job(uuid: str, state: str, *parents: str) -> dict[str, Any]:
    return {
        "uuid": uuid,
        "index": 1,
        "db_id": uuid,
        "state": state,
        "parents": list(parents),
        "lock_id": None,
        "job": {"hosts": [FLOW], "config": {}},
    }


HIDDEN_STOP = Case(
    [job("a", "DOWNLOADED"), job("b", "PAUSED", "a"), job("c", "STOPPED", "a"), job("d", "READY")],
    ["a", "b", "c", "d"],
    (0,),
    JobState.COMPLETED,
)
UNFINISHED_FIRST = Case(
    [job("a", "RUNNING"), *(job(f"z{n}", "COMPLETED") for n in range(5)), job("e", "DOWNLOADED")],
    ["a", *(f"z{n}" for n in range(5)), "e"],
    (6,),
    JobState.COMPLETED,
)


@pytest.mark.parametrize("probe", [1, 20])
@settings(
    max_examples=examples(150),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(case=cases())
@example(case=HIDDEN_STOP)
@example(case=UNFINISHED_FIRST)
def test_the_end_of_a_job(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, probe: int, case: Case
) -> None:
    for module in (flow_states, progress):
        monkeypatch.setattr(module, "PROBE", probe)
    fill(queue, case.jobs)
    ended = {case.jobs[n]["db_id"]: case.jobs[n] for n in case.ending}
    flow = {"uuid": FLOW, "jobs": case.order, "state": "RUNNING"}
    states = {(j["uuid"], j["index"]): case.end for j in ended.values()}
    found = progress.plan_progress(queue, [progress.JobsThatEnd(flow, states)])

    assert found.jobs.keys() == states.keys()
    after = [{**j, "state": case.end.value} if j["db_id"] in ended else dict(j) for j in case.jobs]
    newest = newest_by_uuid(after)
    ready = [
        j["db_id"]
        for j in after
        if j["state"] == "WAITING"
        and not {e["uuid"] for e in ended.values()}.isdisjoint(j["parents"])
        and newest[j["uuid"]] is j
        and is_satisfied(
            j["job"]["config"].get("on_missing_references"),
            [JobState(newest[p]["state"]) for p in j["parents"]],
        )
    ]
    assert sorted(found.ready) == sorted(ready)
    for j in after:
        if j["db_id"] in ready:
            j["state"] = "READY"
    assert found.flow_states == {FLOW: state_of(after)}


@pytest.mark.parametrize("probe", [1, 20])
@settings(
    max_examples=examples(100),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(case=cases(), begun=st.booleans())
def test_the_state_of_a_flow(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, probe: int, case: Case, begun: bool
) -> None:
    for module in (flow_states, progress):
        monkeypatch.setattr(module, "PROBE", probe)
    jobs = case.jobs
    if not begun:
        jobs = [{**j, "state": "READY" if n % 2 else "WAITING"} for n, j in enumerate(jobs)]
    fill(queue, jobs)
    assert flow_states.derive_flow_state(queue, FLOW) is state_of(jobs)
    first = jobs[0]
    overlay = {first["uuid"]: {first["index"]: None}}
    leaves = [j for j in get_flow_leafs(jobs) if j["db_id"] != first["db_id"]]
    expected = flow_state(
        [JobState(j["state"]) for j in jobs[1:]], [JobState(j["state"]) for j in leaves]
    )
    assert flow_states.derive_flow_state(queue, FLOW, overlay) is expected


def test_a_flow_without_jobs_waits(queue: Queue) -> None:
    assert flow_states.derive_flow_state(queue, "no such flow").value == "WAITING"
