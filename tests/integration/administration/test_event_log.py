"""The event log on each engine: what is told, that it cannot be lost, and that it is bounded."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from stored import Stock

from controller.config import EventOptions, Project
from controller.documents import utc_now
from controller.errors import JobNotFoundError, StorageError, StorageUnavailableError
from controller.jobcontroller import JobController
from controller.locks import MongoLock
from controller.metrics import read_metrics
from controller.operations import compaction, event_packing
from controller.operations.event_log import EventLog
from controller.operations.event_packing import count_events, pack_oldest
from controller.operations.missing_events import reconcile
from controller.reader import QueueReader
from controller.rules.packed_events import pack_events
from controller.runner.upkeep import EventUpkeep
from controller.states import EventKind, JobState


def told(controller: QueueReader, **selection: Any) -> list[tuple[str, str | None, str | None]]:
    found = controller.get_events(**selection)
    return [(e.kind.value, e.from_state, e.to_state) for e in found]


def test_actions_tell_of_each_job_and_of_themselves(
    controller: JobController, stock: Stock
) -> None:
    controller.queue.events.acting_as(command="jf job pause")
    uuid, ids = stock.flow("READY", "READY", "COMPLETED")
    controller.pause_jobs(flow_ids=uuid, states=JobState.READY)
    assert told(controller, flow_ids=[uuid], kinds=["states"]) == [
        ("state", "READY", "PAUSED"),
        ("state", "READY", "PAUSED"),
    ]
    [done] = controller.get_admin_log()[-1:]
    assert (done.kind, done.name, done.count) == (EventKind.ACTION, "pause", 2)
    assert done.command == "jf job pause"
    assert "@" in (done.actor or "")
    assert [e.db_id for e in controller.get_events(["states"])] == ids[:2]
    assert told(controller, job_ids=[ids[0]], flow_ids=[ids[1]]) == told(controller, db_ids=ids[:1])
    assert told(controller, states=["RUNNING"]) == []
    for one in ({"flow_ids": uuid}, {"job_ids": ids[1]}, {"db_ids": ids[1]}, {"kinds": "action"}):
        [(name, value)] = one.items()
        several = told(controller, **{name: [value]})
        assert told(controller, **one) == several
        assert several
    assert told(controller, states=JobState.PAUSED) == told(controller, states=["PAUSED"])


def test_a_claim_a_step_and_the_end_of_a_job(controller: JobController, stock: Stock) -> None:
    uuid, [db_id] = stock.flow("READY")
    assert controller.checkout_job() is not None
    for fields in (
        {"remote.step_attempts": 1, "remote.error": "host away"},
        {"state": "UPLOADED", "worker": "far"},
        {"state": "FAILED", "error": "first\nlast line", "error_cause": "WALLTIME"},
    ):
        with MongoLock(controller.queue.jobs, {"db_id": db_id}, projection=["_id"]) as lock:
            lock.update_on_release = {"$set": fields}
    found = controller.get_events(db_ids=[db_id])
    assert [(e.kind.value, e.to_state, e.worker) for e in found] == [
        ("claim", "CHECKED_OUT", "plain"),
        ("step_failed", "CHECKED_OUT", "plain"),
        ("state", "UPLOADED", "far"),
        ("state", "FAILED", "far"),
    ]
    assert (found[-1].cause, found[-1].text) == ("WALLTIME", "last line")
    assert found[1].text == "host away"
    assert {e.flow for e in found} == {uuid}
    assert ("flow", "READY", "RUNNING") in told(controller, flow_ids=[uuid])
    states = [line.state for line in controller.get_job_history(db_id=db_id)]
    assert states == ["READY", "CHECKED_OUT", None, "UPLOADED", "FAILED"]


def test_deleted_jobs_keep_their_history(controller: JobController, stock: Stock) -> None:
    uuid, ids = stock.flow("READY", "FAILED")
    controller.pause_job(db_id=ids[0])
    controller.delete_jobs(db_ids=[ids[0]])
    last = controller.get_job_history(db_id=ids[0])[-1]
    assert (last.kind, last.state) == (EventKind.DELETED, None)
    controller.delete_flow(uuid)
    assert told(controller, flow_ids=[uuid])[-1][:2] == ("deleted", "FAILED")
    with pytest.raises(JobNotFoundError, match="no event of such a job"):
        controller.get_job_history(db_id="999")


def test_a_takeover_is_told(
    controller: JobController, stock: Stock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, [db_id] = stock.flow("UPLOADED")
    lease = {"id": "dead", "owner": None, "seq": 3}
    held = {"lock_id": "dead", "lock_time": utc_now(), "lock_lease": lease}
    controller.jobs.update_one({"db_id": db_id}, {"$set": held})
    monkeypatch.setattr("controller.leases.LeaseObserver.is_expired", lambda *_: True)
    with MongoLock(controller.queue.jobs, {"db_id": db_id}, get_locked_doc=True) as lock:
        assert lock.acquired
    assert told(controller, db_ids=[db_id]) == [("takeover", None, "UPLOADED")]


def test_an_event_that_cannot_be_written_undoes_its_change_or_is_found_afterwards(
    controller: JobController, stock: Stock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The crash between two writes, as far as one process can play it."""
    _, [db_id] = stock.flow("READY", job_fields={"updated_on": utc_now() - timedelta(hours=9)})

    def fail(self: EventLog, *_: Any, **__: Any) -> None:
        raise StorageUnavailableError("the database is away")

    monkeypatch.setattr(EventLog, "write", fail)
    with pytest.raises(StorageUnavailableError):
        controller.checkout_job()
    monkeypatch.undo()
    job = controller.get_job_info(db_id=db_id)
    assert job is not None
    if controller.queue.database.supports_transactions:
        assert job.state is JobState.READY
        return
    assert job.state is JobState.CHECKED_OUT
    assert told(controller, db_ids=[db_id]) == []
    monkeypatch.setattr("controller.operations.missing_events.SETTLED_AFTER", timedelta(0))
    since = utc_now() - timedelta(hours=1)
    assert reconcile(controller.queue, since) == 1
    assert reconcile(controller.queue, since) == 0
    [event] = controller.get_events(db_ids=[db_id])
    assert (event.kind, event.to_state, event.actor) == (EventKind.CLAIM, "CHECKED_OUT", None)
    assert event.text == "found afterwards: the process that did it did not record it"


def test_changes_by_other_software_are_found(controller: JobController, stock: Stock) -> None:
    _, ids = stock.flow("READY", "READY")
    controller.pause_job(db_id=ids[0])
    changed = {"state": "RUNNING", "updated_on": utc_now() - timedelta(seconds=9)}
    controller.jobs.update_many({}, {"$set": changed})
    assert reconcile(controller.queue, utc_now() - timedelta(minutes=1)) == 2
    assert told(controller, db_ids=ids[:1])[-1] == ("state", "PAUSED", "RUNNING")
    assert told(controller, db_ids=ids[1:]) == [("state", None, "RUNNING")]


def test_the_log_never_stops_the_work_of_a_server_without_transactions(
    controller: JobController, stock: Stock, monkeypatch: pytest.MonkeyPatch
) -> None:
    if controller.queue.database.supports_transactions:
        pytest.skip("there the change would be undone")
    stock.flow("READY")
    log = controller.queue.events

    class Refusing:
        def insert_many(self, documents: Any) -> None:
            raise StorageError("no room")

    monkeypatch.setattr(log, "collection", Refusing())
    assert controller.checkout_job() is not None


def test_the_log_is_bounded(controller: JobController) -> None:
    log = controller.queue.events
    log.collection.delete_many({})
    log.write([{"kind": "runner", "name": str(n)} for n in range(1200)])
    assert log.trim(EventOptions(max_number=1000), chunks=1) == 200
    assert controller.get_events(limit=1, newest=False)[0].name == "200"
    old = {"kind": "admin", "name": "old"}
    log.collection.insert_one({"_id": "0" * 24, "time": utc_now() - timedelta(100), **old})
    assert log.trim(EventOptions(max_age_days=90)) == 1
    assert log.trim(EventOptions()) == 0
    assert [e.name for e in controller.get_events(limit=2)] == ["1198", "1199"]


def test_packed_events_are_found_as_before(controller: JobController) -> None:
    """On a server none are packed, but a backup may bring some."""
    log = controller.queue.events
    log.collection.delete_many({})
    states = [state.value for state in JobState]
    job = {"kind": "state", "index": 1, "worker": "local"}
    log.write(
        [
            {
                **job,
                "db_id": str(n % 7),
                "uuid": f"u{n % 7}",
                "flow": f"f{n % 3}",
                "to": states[n % 5],
            }
            for n in range(120)
        ]
    )
    log.admin("late")
    whole = controller.get_events()
    middle = whole[60].time
    questions: list[dict[str, Any]] = [
        *({}, {"limit": 7}, {"limit": 7, "newest": False}, {"limit": 65}, {"limit": 500}),
        *({"db_ids": ["3"]}, {"db_ids": ["3", "5"], "limit": 20}, {"flow_ids": ["f1"]}),
        *({"job_ids": ["u2"]}, {"kinds": ["admin"]}, {"kinds": ["states"], "states": states[:1]}),
        *({"start_date": middle}, {"end_date": middle}, {"workers": ["other"]}, {"db_ids": ["9"]}),
    ]
    before = [controller.get_events(**question) for question in questions]
    events = list(log.collection.find({}, sort=[("_id", 1)]))
    for some in (events[:50], events[50:110:2], events[51:110:2]):
        log.collection.delete_many({"_id": {"$in": [e["_id"] for e in some]}})
        log.collection.insert_one(pack_events(some))
        assert [controller.get_events(**question) for question in questions] == before
    seen = controller.get_events()
    log.admin("new")
    assert [e.name for e in controller.new_events(seen)] == ["new"]
    assert count_events(log.collection, exactly=True) == 122
    if not controller.queue.takes_turns:
        return  # a server estimates how many there are
    log.write([{"kind": "runner", "name": str(n)} for n in range(1000)])
    assert log.trim(EventOptions(max_number=1040)) == 110  # 82 too many: the third part goes, too
    assert count_events(log.collection, exactly=False) == 1012


def test_a_runner_packs_events_while_it_is_idle(
    controller: JobController, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = controller.queue
    packs = queue.database.transactions_never_conflict
    monkeypatch.setattr(compaction, "_LITTLE", 0)
    queue.events.collection.delete_many({})
    queue.events.write([{"kind": "runner", "name": str(n)} for n in range(1600)])
    upkeep, names = EventUpkeep(queue, project), [str(n) for n in range(1600)]
    size = queue.database.space()
    for _ in range(3):
        upkeep.tidy()
    assert queue.events.collection.count_documents({}) == (2 if packs else 1600)
    assert [e.name for e in controller.get_events()] == names
    if packs:
        after = queue.database.space()
        assert size is not None
        assert after is not None
        assert after.size < size.size
    queue.events.write([{"kind": "runner", "name": "one"}])
    assert pack_oldest(queue.database, queue.events.collection) == 0
    assert pack_oldest(queue.database, queue.events.collection, fewest=1) == (1 if packs else 0)
    assert [e.name for e in controller.get_events()] == [*names, "one"]


def test_events_that_another_process_has_packed(
    controller: JobController, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = controller.queue
    queue.events.write([{"kind": "runner", "name": str(n)} for n in range(9)])
    before = controller.get_events()

    def pack_slowly(events: list[dict[str, Any]]) -> dict[str, Any]:
        with monkeypatch.context() as patched:
            patched.setattr(event_packing, "pack_events", pack_events)
            pack_oldest(queue.database, queue.events.collection, fewest=1)
        return pack_events(events)

    monkeypatch.setattr(event_packing, "pack_events", pack_slowly)
    assert pack_oldest(queue.database, queue.events.collection, fewest=1) == 0
    assert controller.get_events() == before


def test_new_events_are_told_once(controller: JobController) -> None:
    log = controller.queue.events
    seen = controller.get_events()
    log.admin("one")
    first = list(controller.new_events(seen))
    log.admin("two")
    second = list(controller.new_events([*seen, *first]))
    assert [e.name for e in (*first, *second)] == ["one", "two"]
    assert list(controller.new_events([*seen, *first, *second], kinds=["flow"])) == []


def test_reset_backup_and_restore_know_the_log(
    controller: JobController, stock: Stock, tmp_path: Path
) -> None:
    uuid, _ = stock.flow("READY")
    controller.pause_jobs(flow_ids=uuid)
    counts = controller.backup_dump(tmp_path, python=True)
    assert counts["jf_auxiliary_events"] == len(controller.get_events()) > 1
    controller.reset()
    assert [e.name for e in controller.get_events()] == ["reset"]
    controller.backup_restore(tmp_path / controller.queue.database.name, python=True)
    assert [e.name for e in controller.get_admin_log()] == ["reset", "pause", "restore"]
    assert controller.unlock_jobs() == 0
    assert len(controller.get_admin_log()) == 3  # what did nothing is not told
    keys = [i["key"][0][0] for i in controller.queue.events.collection.index_information().values()]
    assert {"db_id", "flow", "kind"} <= set(keys)


def test_a_project_can_do_without(project: Project) -> None:
    project.events.enabled = False
    with JobController.from_project(project) as controller:
        controller.reset()
        stock = Stock(controller)
        uuid, _ = stock.flow("READY")
        controller.pause_jobs(flow_ids=uuid)
        assert controller.get_events() == []


def test_metrics_of_a_queue(
    controller: JobController, stock: Stock, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("prometheus_client")
    stock.flow("READY", "READY", "COMPLETED")
    stock.flow("READY", worker="far")
    assert controller.checkout_job() is not None
    controller.queue.events.tally.flush(controller.queue.auxiliary)
    lines = read_metrics(controller).splitlines()
    assert 'jfr_jobs{state="READY",worker="plain"} 1.0' in lines
    assert 'jfr_jobs{state="READY",worker="far"} 1.0' in lines
    assert 'jfr_state_changes_total{state="CHECKED_OUT"} 1.0' in lines
    asked = Asked(controller.queue.jobs)
    monkeypatch.setattr("controller.operations.queue.recorded", lambda jobs, *_, **__: jobs)
    controller.queue = replace(controller.queue, jobs=asked)  # type: ignore[arg-type]
    assert read_metrics(controller).splitlines()[:6] == lines[:6]
    assert asked.names == []  # what is kept is shown: no question about any job


class Asked:
    """A collection that notes what it is asked."""

    def __init__(self, inner: Any) -> None:
        self._inner, self.names = inner, list[str]()

    def __getattr__(self, name: str) -> Any:
        self.names.append(name)
        return getattr(self._inner, name)
