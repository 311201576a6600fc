"""Many jobs are claimed and completed together; what is wrong with one costs that one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from crashes import Fuse, Killed, bury, dying, essence, restore, snapshot
from jobflow import Flow
from lifecycle_jobs import add, everything, stopping
from thoroughness import kills
from world import World

from controller.errors import FlowLockedError, LockLostError, RemoteError
from controller.execution.files import OUT_FILE
from controller.operations import completion
from controller.operations.batch_steps import RECORDED, take_steps
from controller.operations.claims import claim_jobs
from controller.operations.endings import DownloadedJob
from controller.operations.steps import RetryPolicy, StepOutcome, StepResult
from controller.runner.recovery import take_over_expired
from controller.states import JobState

DOWNLOADED = {"state": "DOWNLOADED"}
RETRIES = RetryPolicy(3, [30])


@pytest.fixture(autouse=True)
def _no_renewal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed process renews no lease."""

    class Silent:
        def add(self, *_: Any) -> None: ...
        def remove(self, *_: Any) -> None: ...

    monkeypatch.setattr("controller.leases._RENEWER", Silent())


def complete_all(world: World, limit: int = 32) -> dict[str, StepOutcome]:
    """Complete what is DOWNLOADED, as a runner does; returns {db_id: outcome}."""

    def step(jobs: list[dict[str, Any]]) -> Any:
        here = [DownloadedJob(job, Path(job["run_dir"]), world.store) for job in jobs]
        answers = world.controller.complete_jobs(here, gives_back=True)
        given = {(job["uuid"], job["index"]) for job in jobs if job["lock_id"] is None}
        as_told: dict[bool, Any] = {True: RECORDED, False: {}}
        return {
            k: a if isinstance(a, Exception) else as_told[k in given] for k, a in answers.items()
        }

    outcomes = take_steps(world.controller.queue, DOWNLOADED, step, RETRIES, limit=limit)
    return {outcome.job["db_id"]: outcome for outcome in outcomes}


def execute_all(world: World) -> list[str]:
    done = []
    while (db_id := world.execute()) is not None:
        done.append(db_id)
    return done


def wide(count: int) -> Flow:
    jobs = [add(n) for n in range(count)]
    return Flow([*jobs, add(jobs[0].output), add(jobs[-1].output)])


def three_flows() -> list[Flow]:
    dynamic, stop = everything(1), stopping(1, flow=True)
    return [
        wide(2),
        Flow([dynamic, add(dynamic.output)]),
        Flow([stop, add(stop.output), add(3)]),
    ]


def test_jobs_of_several_flows(world: World) -> None:
    for flow in three_flows():
        world.submit(flow)
    roots = execute_all(world)
    outcomes = complete_all(world)
    assert sorted(outcomes) == sorted(roots)
    assert {o.result for o in outcomes.values()} == {StepResult.ADVANCED}
    world.check()
    while execute_all(world):
        while complete_all(world, limit=2):
            pass
    world.check()
    assert set(world.states().values()) == {"COMPLETED", "STOPPED"}


def test_a_batch_is_what_single_jobs_are(world: World) -> None:
    for flow in three_flows():
        world.submit(flow)
    roots, queue = execute_all(world), world.controller.queue
    before = snapshot(queue)
    complete_all(world)
    together = essence(queue)
    restore(queue, before)
    for db_id in roots:
        world.complete(db_id)
    assert essence(queue) == together


def test_a_batch_killed_at_any_write(world: World) -> None:
    for flow in three_flows():
        world.submit(flow)
    execute_all(world)
    queue = world.controller.queue
    before = snapshot(queue)
    modes = [True, False] if queue.database.supports_transactions else [False]

    def killed(fuse: Fuse, transactions: bool) -> None:
        restore(queue, before)
        world.controller.queue = dying(queue, fuse, transactions=transactions)
        try:
            complete_all(world)
        except Killed:
            assert fuse.blown
        finally:
            world.controller.queue = queue

    for transactions in modes:
        whole = Fuse()
        killed(whole, transactions)
        expected = essence(queue)
        assert whole.writes >= 5
        for at, after in kills(whole.writes, transactions):
            fuse = Fuse(at, after=after)
            killed(fuse, transactions)
            assert fuse.blown
            bury(queue)
            take_over_expired(world.controller)
            complete_all(world)
            world.check()
            assert essence(queue) == expected, f"write {at}, after={after}, {transactions=}"


def test_the_number_of_writes_does_not_grow_with_the_jobs(world: World) -> None:
    queue, writes = world.controller.queue, []
    for count in (1, 8):
        world.submit(Flow([add(n) for n in range(count)]))
        execute_all(world)
        fuse = Fuse()
        world.controller.queue = dying(queue, fuse, transactions=True)
        assert len(complete_all(world)) == count
        world.controller.queue = queue
        writes.append(fuse.writes)
    # Lock jobs, lock flow, record, free flow, free jobs; or lock jobs, record, state of the flow.
    assert writes[1] <= writes[0] == (3 if queue.takes_turns else 5)


def test_a_result_that_cannot_be_read_costs_its_job(world: World) -> None:
    world.submit(wide(3))
    good, bad, also_good = execute_all(world)
    folder = world.controller.jobs.find_one({"db_id": bad}, ["run_dir"])
    assert folder is not None
    (Path(folder["run_dir"]) / OUT_FILE).write_text("{no JSON")
    outcomes = complete_all(world)
    assert isinstance(outcomes[bad].error, RemoteError)
    states = world.states()
    assert [states[i] for i in (good, bad, also_good)] == ["COMPLETED", "REMOTE_ERROR", "COMPLETED"]
    world.check()


@pytest.mark.parametrize("refused", ["end", "output"])
def test_what_the_database_refuses_costs_its_job(
    world: World, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    world.submit(wide(3))
    good, bad, also_good = execute_all(world)
    if refused == "end":
        real = completion.record_operation

        def record(job: Any, *also: Any) -> Any:
            operation = real(job, *also)
            if job.doc["db_id"] == bad:
                operation.update["$set"]["stored_data"] = object()
            return operation

        monkeypatch.setattr(completion, "record_operation", record)
    else:
        update = type(world.store.docs_store).update

        def refusing(self: Any, docs: Any, key: Any = None) -> None:
            if any(d["metadata"]["db_id"] == bad for d in docs):
                raise ValueError("not this one")
            update(self, docs, key)

        monkeypatch.setattr(type(world.store.docs_store), "update", refusing)
    outcomes = complete_all(world)
    results = [outcomes[i].result for i in (good, bad, also_good)]
    assert results == [StepResult.ADVANCED, StepResult.FAILED, StepResult.ADVANCED]
    job = world.controller.jobs.find_one({"db_id": bad})
    assert job is not None
    # What cannot be stored stays so; a JobStore may answer otherwise the next time.
    assert job["state"] == ("REMOTE_ERROR" if refused == "end" else "DOWNLOADED")
    monkeypatch.undo()
    again = {"state": "DOWNLOADED", "remote.retry_time_limit": None}
    world.controller.jobs.update_one({"db_id": bad}, {"$set": again})
    assert complete_all(world)[bad].result is StepResult.ADVANCED
    world.check()


def test_a_lost_job_is_left_to_the_process_that_has_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.submit(wide(2))
    lost, good = execute_all(world)
    real = completion.plan_progress

    def plan(queue: Any, ends: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(completion, "plan_progress", real)
        stolen = {"$set": {"lock_id": "theirs", "lock_lease": None}}
        world.controller.queue.jobs.update_one({"db_id": lost}, stolen, **kwargs)
        return real(queue, ends, **kwargs)

    monkeypatch.setattr(completion, "plan_progress", plan)
    outcomes = complete_all(world)
    assert isinstance(outcomes[lost].error, LockLostError)
    assert outcomes[good].result is StepResult.ADVANCED
    assert world.states() == {lost: "DOWNLOADED", good: "COMPLETED", "3": "WAITING", "4": "READY"}
    job = world.controller.jobs.find_one({"db_id": lost}, ["lock_id"])
    assert job is not None
    assert job["lock_id"] == "theirs"
    assert world.controller.get_flows_info()[0].lock_id is None


def test_a_locked_flow_holds_up_its_jobs_only(world: World) -> None:
    free, held = wide(2), wide(2)
    world.submit(free)
    ids = world.submit(held)
    roots = execute_all(world)
    with world.controller.lock_flow(filter={"uuid": held.uuid}):
        outcomes = complete_all(world)
    stuck = [i for i in roots if i in ids]
    assert len(stuck) == 2
    for db_id in roots:
        if db_id in stuck:
            assert isinstance(outcomes[db_id].error, FlowLockedError)
            assert outcomes[db_id].result is StepResult.HELD_UP
        else:
            assert outcomes[db_id].result is StepResult.ADVANCED
    assert sorted(complete_all(world)) == sorted(stuck)
    world.check()


def test_claims(world: World) -> None:
    queue = world.controller.queue
    ids = world.submit(Flow([add(n) for n in range(6)]))
    world.controller.set_job_run_properties(db_ids=[ids[4]], priority=3)
    world.controller.jobs.update_one({"db_id": ids[0]}, {"$set": {"lock_id": "theirs"}})
    known = {(d["uuid"], d["index"]): d["db_id"] for d in queue.jobs.find({})}
    assert world.controller.get_flows_info()[0].state.value == "READY"
    assert [known[key] for key in claim_jobs(queue, limit=3)] == [ids[4], ids[1], ids[2]]
    assert world.controller.get_flows_info()[0].state.value == "RUNNING"
    assert claim_jobs(queue, {"worker": "other"}, limit=3) == []
    assert [known[key] for key in claim_jobs(queue, limit=9)] == [ids[3], ids[5]]
    assert claim_jobs(queue, limit=9) == []
    locks = {d["db_id"]: d["lock_id"] for d in queue.jobs.find({}, ["db_id", "lock_id"])}
    assert {locks[i] for i in ids[1:]} == {None}
    assert world.controller.count_jobs(states=JobState.CHECKED_OUT) == 5


def test_claims_killed_at_any_write(world: World) -> None:
    queue = world.controller.queue
    world.submit(Flow([add(n) for n in range(3)]))
    before = snapshot(queue)
    for transactions in [True, False] if queue.database.supports_transactions else [False]:
        for at in (1, 2, 3):
            for after in (False, True):
                restore(queue, before)
                fuse = Fuse(at, after=after)
                try:
                    claim_jobs(dying(queue, fuse, transactions=transactions), limit=3)
                except Killed:
                    assert fuse.blown
                bury(queue)
                take_over_expired(world.controller)
                claim_jobs(queue, limit=3)
                jobs = list(queue.jobs.find({}, ["state", "lock_id"]))
                assert {(d["state"], d["lock_id"]) for d in jobs} == {("CHECKED_OUT", None)}
                if transactions:
                    assert world.controller.get_flows_info()[0].state.value == "RUNNING"
