"""Real jobflow flows, from submission to their end, on each engine."""

from __future__ import annotations

import pytest
from jobflow import Flow
from lifecycle_jobs import add, adds, detoured, everything, fail, replaced, stopping
from world import World

from controller.documents import FlowDoc
from controller.errors import SubmissionError
from controller.rules import flow_state, get_flow_leafs
from controller.states import FlowState, JobState


def state_of_flow(world: World) -> FlowState:
    """Return the stored state of the only flow, after comparing it with all of its jobs."""
    flow = world.controller.flows.find_one({})
    assert flow is not None
    jobs = list(world.controller.jobs.find({}, ["uuid", "index", "parents", "state"]))
    leaves = get_flow_leafs(jobs)
    derived = flow_state(
        [JobState(j["state"]) for j in jobs], [JobState(j["state"]) for j in leaves]
    )
    assert FlowState(flow["state"]) is derived
    return derived


def test_a_chain_runs_in_order(world: World) -> None:
    first = add(1, 2)
    second = add(first.output, 3)
    ids = world.submit(Flow([second, first]))
    assert world.states() == {ids[0]: "READY", ids[1]: "WAITING"}
    assert state_of_flow(world) is FlowState.READY
    db_id = world.execute()
    assert db_id == ids[0]
    world.complete(db_id)
    assert world.states() == {ids[0]: "COMPLETED", ids[1]: "READY"}
    assert state_of_flow(world) is FlowState.RUNNING
    assert world.run() == 1
    assert world.output(ids[1]) == 6
    assert state_of_flow(world) is FlowState.COMPLETED
    world.check()


def test_a_linear_flow_waits_without_references(world: World) -> None:
    ids = world.submit(Flow([add(1), Flow([add(2), add(3)]), add(4)], order="linear"))
    parents = {d["db_id"]: d["parents"] for d in world.controller.jobs.find({})}
    uuid = {d["db_id"]: d["uuid"] for d in world.controller.jobs.find({})}
    assert parents[ids[0]] == []
    assert parents[ids[1]] == parents[ids[2]] == [uuid[ids[0]]]
    assert sorted(parents[ids[3]]) == sorted([uuid[ids[1]], uuid[ids[2]]])
    world.run()
    world.check()


def test_a_dynamic_flow_within_a_dynamic_flow(world: World) -> None:
    start = replaced(1)
    end = add(start.output, 1000)
    ids = world.submit(Flow([start, end]))
    world.run()
    assert world.output(ids[1]) == 1 + 10 + 100 + 1000
    assert state_of_flow(world) is FlowState.COMPLETED
    world.check()


def test_a_detour_runs_before_the_children(world: World) -> None:
    start = detoured(1)
    end = add(start.output, 1)
    ids = world.submit(Flow([start, end]))
    first = world.execute()
    assert first == ids[0]
    world.complete(first)
    assert world.states()[ids[1]] == "WAITING"
    flow = FlowDoc.model_validate(world.controller.flows.find_one({}))
    new = [triple for triple in flow.ids if triple[0] not in ids]
    assert (end.uuid, 1) in flow.children[new[-1][1]]
    assert world.run() == 3
    assert list(world.states()) != []
    assert state_of_flow(world) is FlowState.COMPLETED
    world.check()


def test_everything_in_one_response(world: World) -> None:
    start = everything(1)
    ids = world.submit(Flow([start, add(start.output, 7)]))
    world.run()
    assert world.output(ids[1]) == 9
    assert set(world.states().values()) == {"COMPLETED"}
    doc = world.controller.get_job_doc(db_id=ids[0])
    assert doc is not None
    assert doc.stored_data == {"n": 1}
    world.check()


@pytest.mark.parametrize(
    ("options", "child", "other"),
    [
        ({"children": True}, "STOPPED", "READY"),
        ({"flow": True}, "STOPPED", "STOPPED"),
    ],
)
def test_stopping_others(world: World, options: dict[str, bool], child: str, other: str) -> None:
    start = stopping(1, **options)
    below = add(start.output)
    ids = world.submit(Flow([start, below, add(5)]))
    by_uuid = {d["uuid"]: d["db_id"] for d in world.controller.jobs.find({}, ["uuid", "db_id"])}
    world.controller.jobs.update_one({"uuid": start.uuid}, {"$set": {"priority": 5}})
    held = {"lock_id": "somebody", "lock_time": None}
    world.controller.jobs.update_one({"uuid": below.uuid}, {"$set": held})
    first = world.execute()
    assert first == by_uuid[start.uuid]
    world.complete(first)
    states = world.states()
    assert states[by_uuid[below.uuid]] == child
    assert states[next(i for i in ids if i not in (first, by_uuid[below.uuid]))] == other
    added = set(states) - set(ids)
    assert [states[i] for i in added] == ["STOPPED"]
    state_of_flow(world)


@pytest.mark.parametrize(
    ("on_missing", "child", "flow"),
    [
        ("error", "WAITING", FlowState.FAILED),
        ("none", "READY", FlowState.FAILED),
        ("pass", "READY", FlowState.FAILED),
    ],
)
def test_children_of_a_failed_job(
    world: World, on_missing: str, child: str, flow: FlowState
) -> None:
    start = fail()
    end = add(start.output)
    end.config.on_missing_references = on_missing
    ids = world.submit(Flow([start, end]))
    db_id = world.execute()
    assert db_id is not None
    world.complete(db_id)
    assert world.states() == {ids[0]: "FAILED", ids[1]: child}
    assert state_of_flow(world) is flow
    doc = world.controller.get_job_doc(db_id=ids[0])
    assert doc is not None
    assert doc.error is not None
    assert "on purpose" in doc.error
    if on_missing == "none":
        world.run()
        assert state_of_flow(world) is FlowState.COMPLETED


def test_external_references(world: World) -> None:
    before = add(1, 1)
    world.submit(before)
    world.run()
    after = add(before.output, 5)
    with pytest.raises(SubmissionError, match=before.uuid):
        world.submit(Flow([after]))
    ids = world.submit(Flow([add(before.output, 5)]), allow_external_references=True)
    world.run()
    assert world.output(ids[0]) == 7


def test_the_same_flow_twice(world: World) -> None:
    flow = Flow([add(1)])
    world.submit(flow)
    with pytest.raises(SubmissionError, match="has already been submitted"):
        world.submit(flow)
    with pytest.raises(SubmissionError, match="has already been submitted"):
        world.submit(Flow([type(flow.jobs[0]).from_dict({**flow.jobs[0].as_dict(), "hosts": []})]))
    assert len(world.states()) == 1


def test_two_responses_add_the_same_job(world: World) -> None:
    inner = Flow([add(1, 2)]).to_json()
    (first,) = world.submit(adds(inner))
    (second,) = world.submit(adds(inner))
    world.run()
    states = world.states()
    (new,) = states.keys() - {first, second}
    assert states == {first: "COMPLETED", second: "FAILED", new: "COMPLETED"}
    flows = {f["ids"][0][0]: f for f in world.controller.flows.find({})}
    assert [flows[first]["state"], flows[second]["state"]] == ["COMPLETED", "FAILED"]
    assert flows[second]["jobs"] == [world.controller.get_job_info(db_id=second).uuid]  # type: ignore[union-attr]
    doc = world.controller.get_job_doc(db_id=second)
    assert doc is not None
    assert doc.error is not None
    assert f"has already been submitted, as {new} in flow {flows[first]['uuid']}" in doc.error


def test_settings_of_single_jobs_win(world: World) -> None:
    own, other = add(1), add(2)
    own.config.manager_config = {"worker": "big", "priority": 7, "exec_config": "fast"}
    world.submit(Flow([own, other]), priority=1, exec_config="slow", resources={"ntasks": 2})
    docs = {d["uuid"]: d for d in world.controller.jobs.find({})}
    fields = ["worker", "priority", "exec_config", "resources"]
    assert [docs[own.uuid][f] for f in fields] == ["big", 7, "fast", {"ntasks": 2}]
    assert [docs[other.uuid][f] for f in fields] == ["local", 1, "slow", {"ntasks": 2}]


def test_completion_costs_seven_commands_and_reads_no_whole_flow(world: World) -> None:
    jobs = [add(1)]
    for _ in range(60):
        jobs.append(add(jobs[-1].output))
    world.submit(Flow(jobs))
    db_id = world.execute()
    assert db_id is not None
    with world.controller.lock_job(filter={"db_id": db_id}) as lock:
        job = lock.locked_document
        assert job is not None
        calls = Counting(world)
        with calls:
            world.controller.complete_job(job, job["run_dir"], world.store)
    # One of them asks, before the output is stored, whether the job is still ours.
    assert len(calls.commands) <= 7, calls.commands
    assert calls.read < 30


class Counting:
    """Counts the calls on the queue's collections, and the jobs that are read."""

    def __init__(self, world: World) -> None:
        self.world, self.commands, self.read = world, [], 0

    def __enter__(self) -> None:
        import dataclasses

        queue = self.before = self.world.controller.queue
        jobs, flows = _Counted(queue.jobs, self), _Counted(queue.flows, self)
        self.world.controller.queue = dataclasses.replace(queue, jobs=jobs, flows=flows)

    def __exit__(self, *_: object) -> None:
        self.world.controller.queue = self.before


class _Counted:
    def __init__(self, inner: object, counting: Counting) -> None:
        self._inner, self._counting = inner, counting

    def __getattr__(self, name: str) -> object:
        found = getattr(self._inner, name)
        if not callable(found):
            return found

        def call(*args: object, **kwargs: object) -> object:
            self._counting.commands.append(f"{self._inner.name}.{name}")
            result = found(*args, **kwargs)
            if name == "find":
                result = list(result)
                self._counting.read += len(result)
                return iter(result)
            return result

        return call
