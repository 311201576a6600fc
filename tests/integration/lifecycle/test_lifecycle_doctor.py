"""Damages are found, shown, mended and gone; what is in order, or in work, is left alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from crashes import Fuse, Killed, bury, dying, restore, snapshot
from damages import (
    DAMAGES,
    OLD,
    Damage,
    dead_lock_of_flow,
    ended_and_locked,
    flow_of,
    ghosts,
    lock,
    set_flow,
    set_job,
)
from jobflow import Flow
from lifecycle_jobs import add, detoured, everything, fail, replaced, stopping
from thoroughness import kills
from world import World

from controller import leases
from controller.doctor import FindingKind, Outcome, Severity, diagnose, examine, mend
from controller.doctor import diagnosing as diagnosing_module
from controller.documents import utc_now
from controller.errors import LockedDocumentError
from controller.locks import MongoLock
from controller.runner.recovery import take_over_expired


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else is at work: the second look can follow the first."""
    monkeypatch.setattr(diagnosing_module, "CONFIRM_AFTER", 0.0)


@pytest.fixture
def patient(world: World) -> World:
    """One flow, two days old: 1 COMPLETED -> 2 READY, 3 READY -> 4 WAITING."""
    first, second = add(1), add(2)
    flow = Flow([first, add(first.output), second, add(second.output)], order="auto")
    ids = world.submit(flow)
    by_parents = list(world.controller.jobs.find({}, ["db_id", "uuid"]))
    assert len(by_parents) == len(ids) == 4
    rename(world, [first.uuid, flow.jobs[1].uuid, second.uuid, flow.jobs[3].uuid])
    world.controller.jobs.update_one({"db_id": "1"}, {"$set": {"priority": 9}})
    db_id = world.execute()
    assert db_id == "1"
    world.complete(db_id)
    for collection in (world.controller.jobs, world.controller.flows):
        collection.update_many({}, {"$set": {"created_on": OLD}})
    assert list(world.states().values()).count("READY") == 2
    return world


def rename(world: World, uuids: list[str]) -> None:
    """Give the jobs the db_ids 1, 2, ... in this order."""
    flow = flow_of(world)
    names = {uuid: str(number) for number, uuid in enumerate(uuids, 1)}
    for uuid, name in names.items():
        world.controller.jobs.update_one({"uuid": uuid}, {"$set": {"db_id": f"x{name}"}})
    for uuid, name in names.items():
        world.controller.jobs.update_one({"uuid": uuid}, {"$set": {"db_id": name}})
    set_flow(ids=[[names[uuid], uuid, index] for _, uuid, index in flow["ids"]])(world)


def everything_in(world: World) -> Any:
    queue = world.controller.queue
    indexes = [sorted(c.index_information()) for c in (queue.jobs, queue.flows)]
    return snapshot(queue), indexes


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
def test_a_damage(patient: World, damage: Damage) -> None:
    controller = patient.controller
    uuid = flow_of(patient)["uuid"]
    assert diagnose(controller).findings == ()
    damage.plant(patient)
    before = everything_in(patient)

    diagnosis = diagnose(controller)
    found = [f for f in diagnosis.findings if f.kind is damage.kind]
    assert (damage.severity, damage.subject or uuid) in {(f.severity, f.subject) for f in found}
    assert diagnosis.ok is all(f.severity is not Severity.PROBLEM for f in diagnosis.findings)
    for finding in diagnosis.findings:
        assert "\n" not in finding.what + finding.remedy
    planned = mend(controller, diagnosis, **damage.consents)
    assert {item.outcome for item in planned} <= {Outcome.PLANNED}
    assert everything_in(patient) == before

    if damage.consents:
        without = mend(controller, diagnosis, dry_run=False)
        assert not [item for item in without if item.findings[0].kind is damage.kind]
        assert damage.kind in {f.kind for f in diagnose(controller).findings}
    done = mend(controller, diagnosis, dry_run=False, **damage.consents)
    assert {item.outcome for item in done} <= {Outcome.DONE}
    again = diagnose(controller)
    if damage.mendable:
        assert again.findings == ()
        patient.check()
    else:
        assert damage.kind in {f.kind for f in again.findings}
    mend(controller, diagnosis, dry_run=False, **damage.consents)
    assert diagnose(controller).findings == again.findings


def test_somebody_who_wants_to_know_is_told_how_far_it_is(patient: World) -> None:
    set_flow(state="COMPLETED")(patient)
    told: list[tuple[str, int, int]] = []
    examine(patient.controller, progress=lambda *words: told.append(words))
    look = [("examining flows", 0, 1), ("examining flows", 1, 1)]
    assert told == look
    told.clear()
    assert examine(patient.controller, fix=True, progress=lambda *words: told.append(words)).ok
    assert told == [*look, ("mending", 1, 1), *look]


def test_healthy_flows_of_all_kinds(world: World) -> None:
    controller = world.controller
    for start in (everything(1), replaced(1), detoured(1), stopping(1, children=True), fail()):
        below = add(start.output)
        below.config.on_missing_references = "none"
        world.submit(Flow([start, below, add(below.output)]))
        while True:
            assert diagnose(controller, outputs=True).findings == ()
            db_id = world.execute()
            if db_id is None:
                break
            assert {f.kind for f in diagnose(controller).findings} == {FindingKind.UNATTENDED}
            world.complete(db_id)
    examined = diagnose(controller)
    assert (examined.flows, examined.jobs) == (5, controller.jobs.count_documents({}))


def test_what_users_do_leaves_nothing_to_find(patient: World) -> None:
    controller = patient.controller
    for action, db_id, options in [
        ("pause_job", "2", {}),
        ("resume_job", "2", {}),
        ("stop_job", "3", {}),
        ("rerun_job", "3", {"force": True}),
        ("rerun_job", "1", {"force": True}),
        ("delete_job", "1", {}),
        ("delete_job", "4", {}),
    ]:
        getattr(controller, action)(db_id=db_id, **options)
        assert [f.what for f in diagnose(controller).findings] == [], action


def test_a_database_without_anything_in_it_but_what_reset_made(world: World) -> None:
    assert diagnose(world.controller, outputs=True).findings == ()
    assert examine(world.controller, fix=True).mended == ()


def test_a_lock_that_is_held_is_respected(patient: World) -> None:
    controller = patient.controller
    ghosts(patient)
    diagnosis = diagnose(controller)
    with MongoLock(controller.flows, {}, get_locked_doc=True):
        during = diagnose(controller)
        assert (during.findings, during.held) == ((), 1)
        (done,) = mend(controller, diagnosis, dry_run=False)
        assert (done.outcome, done.reason) == (Outcome.SKIPPED, "another process is working on it")
    assert [item.outcome for item in examine(controller, fix=True).mended] == [Outcome.DONE]


def test_a_lock_of_another_machine_is_only_judged_by_watching(
    patient: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller = patient.controller
    lock("2", alive=True)(patient)
    lease = {"id": "l", "owner": {**leases.this_owner(), "host": "elsewhere"}, "seq": 3}
    set_job("2", lock_lease=lease)(patient)
    assert (diagnose(controller).findings, diagnose(controller).held) == ((), 1)
    monkeypatch.setattr(leases, "EXPIRES_AFTER", 0.1)
    monkeypatch.setattr(diagnosing_module, "_WATCH_EVERY", 0.05)
    watched = diagnose(controller, watch=True)
    assert [f.kind for f in watched.findings] == [FindingKind.LOCK_DEAD]
    set_job("2", **{"lock_lease.seq": 4})(patient)  # it was renewed after all
    (done,) = mend(controller, watched, dry_run=False)
    assert done.outcome is Outcome.SKIPPED
    assert examine(controller, fix=True, watch=True).ok
    assert diagnose(controller).held == 0


def test_a_job_that_was_claimed_meanwhile_is_left_alone(
    patient: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from controller.doctor import mending

    controller = patient.controller
    set_job("4", state="READY")(patient)
    diagnosis = diagnose(controller)
    planned = mending.plan_flow

    def plan(view: Any) -> Any:
        made = planned(view)
        monkeypatch.setattr(mending, "plan_flow", planned)
        if not controller.queue.database.supports_transactions:
            set_job("4", state="CHECKED_OUT")(patient)
        return made

    monkeypatch.setattr(mending, "plan_flow", plan)
    mend(controller, diagnosis, dry_run=False)
    claimed = not controller.queue.database.supports_transactions
    assert patient.states()["4"] == ("CHECKED_OUT" if claimed else "WAITING")


def test_a_flow_that_is_young_may_be_on_its_way(patient: World) -> None:
    controller = patient.controller
    controller.jobs.update_many({}, {"$set": {"state": "WAITING", "created_on": utc_now()}})
    controller.flows.delete_many({})
    examined = examine(controller, fix=True, half_inserted=True)
    assert [(f.kind, f.severity) for f in examined.remaining.findings] == [
        (FindingKind.HALF_INSERTED, Severity.NOTE)
    ]
    assert controller.jobs.count_documents({}) == 4


def test_an_interrupted_submission_can_be_finished_or_removed(world: World) -> None:
    start = add(1)
    flow = Flow([start, add(start.output)])
    world.submit(flow)
    world.controller.flows.delete_many({})
    world.controller.jobs.update_many({}, {"$set": {"state": "WAITING", "created_on": OLD}})
    left = snapshot(world.controller.queue)
    world.submit(flow)
    assert diagnose(world.controller).findings == ()
    restore(world.controller.queue, {**left, "flows": []})
    assert not examine(world.controller, fix=True).ok
    assert examine(world.controller, fix=True, half_inserted=True).ok
    assert world.controller.jobs.count_documents({}) == 0
    world.submit(flow)
    world.run()
    world.check()


def test_outputs(patient: World) -> None:
    controller = patient.controller
    set_job("2", state="COMPLETED")(patient)
    assert FindingKind.OUTPUT_MISSING not in {f.kind for f in diagnose(controller).findings}
    found = [
        f
        for f in diagnose(controller, outputs=True).findings
        if f.kind is FindingKind.OUTPUT_MISSING
    ]
    assert len(found) == 1
    assert "1 job that completed: 2" in found[0].what
    assert found[0].mending is None


@pytest.fixture
def _no_renewal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A killed process renews no lease."""
    silent = SimpleNamespace(add=lambda *_: None, remove=lambda *_: None)
    with monkeypatch.context() as patch:
        patch.setattr("controller.leases._RENEWER", silent)
        yield


@pytest.mark.usefixtures("_no_renewal")
def test_mending_killed_at_any_write(patient: World) -> None:
    controller = patient.controller
    for plant in (
        ghosts,
        set_job("4", state="READY"),
        set_flow(state="PAUSED"),
        lock("2", alive=False),
    ):
        plant(patient)
    queue, before = controller.queue, snapshot(controller.queue)
    transactions = [True, False] if queue.database.supports_transactions else [False]
    for mode in transactions:
        whole = Fuse()
        killed(patient, before, whole, transactions=mode)
        for at, after in kills(whole.writes, mode):
            killed(patient, before, Fuse(at, after=after), transactions=mode)
            bury(queue)
            assert examine(controller, fix=True).remaining.findings == ()
            patient.check()


@pytest.mark.usefixtures("_no_renewal")
@pytest.mark.parametrize("plant", [dead_lock_of_flow, ended_and_locked], ids=["flow", "job"])
def test_a_doctor_that_is_killed_leaves_what_a_runner_completes(
    patient: World, plant: Callable[[World], None]
) -> None:
    """The lock of a dead process tells the runner what to complete, until that has been done."""
    plant(patient)
    before = snapshot(patient.controller.queue)
    whole = Fuse()
    killed(patient, before, whole, transactions=False)
    for at in range(1, whole.writes + 1):
        killed(patient, before, Fuse(at, after=True), transactions=False)
        bury(patient.controller.queue)
        take_over_expired(patient.controller)
        assert diagnose(patient.controller).findings == (), f"write {at}"
        patient.check()


def killed(world: World, before: Any, fuse: Fuse, *, transactions: bool) -> None:
    controller, queue = world.controller, world.controller.queue
    restore(queue, before)
    diagnosis = diagnose(controller)
    controller.queue = dying(queue, fuse, transactions=transactions)
    try:
        mend(controller, diagnosis, dry_run=False)
    except (Killed, LockedDocumentError):
        assert fuse.blown
    finally:
        controller.queue = queue


def test_remains_of_removed_run_directories_are_found_where_they_are_asked_for(
    patient: World,
) -> None:
    work = Path(patient.project.workers["local"].work_dir)
    (finished,) = patient.controller.get_jobs_info(db_ids="1")
    lives = Path(finished.run_dir or "")
    half = work / "ab" / "cd" / "ef" / "abcdef_1"
    renamed = lives.with_name(f".{lives.name}.removed")
    mine = work / "mine" / "jfr_removed"
    for path in (half / "sub", renamed, mine):
        path.mkdir(parents=True)
    (half / "jfr_removed").touch()
    (half / "sub" / "POSCAR").touch()
    before = sorted(lives.iterdir())
    remains = {str(half), str(renamed)}

    def found(**looks: bool) -> set[str]:
        kind = FindingKind.LEFTOVER_FOLDER
        findings = diagnose(patient.controller, **looks).findings
        return {f.subject for f in findings if f.kind is kind}

    assert found() == set()
    assert found(files=True) == remains
    examined = examine(patient.controller, fix=True, files=True)
    assert {
        item.outcome for item in examined.mended if remains & {f.subject for f in item.findings}
    }
    assert found(files=True) == set()
    assert not half.exists()
    assert not renamed.exists()
    assert mine.exists()
    assert sorted(lives.iterdir()) == before
