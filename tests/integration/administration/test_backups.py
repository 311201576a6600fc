"""Backups: written, read, carried from one engine to the other, interrupted."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import bson
import pytest
from bson import Binary, Decimal128, Int64, ObjectId, Regex, Timestamp
from servers import fresh_store, mongo_client
from stored import Stock

from controller.doctor import FindingKind, Severity, diagnose, examine
from controller.documents import utc_now
from controller.errors import (
    ArgumentError,
    LockedDocumentError,
    MissingDocumentError,
    RunningRunnerError,
    StateError,
    StorageError,
    StorageFormatError,
)
from controller.jobcontroller import JobController
from controller.locks import MongoLock
from controller.operations import backup
from controller.storage import dumps
from controller.storage.opening import open_store

NAMES = ["jobs", "flows", "jf_auxiliary", "batches", "jf_auxiliary_events"]


def raw(controller: JobController) -> list[dict[Any, bytes]]:
    """The BSON of every document by its _id, per collection."""
    queue = controller.queue
    collections = (queue.jobs, queue.flows, queue.auxiliary, queue.batches)
    return [{bson.decode(b)["_id"]: b for b in c.raw_documents()} for c in collections]


def value(chance: random.Random, depth: int) -> Any:
    """Any value that both engines keep."""
    kinds: list[Callable[[], Any]] = [
        lambda: chance.choice([None, True, False, "", "é$.\n", 0, -1, 2**31, -0.0, float("inf")]),
        lambda: chance.choice([float("nan"), Int64(5), Decimal128("1.50"), ObjectId()]),
        lambda: chance.choice([Regex("^a.*", "i"), Timestamp(3, 1), datetime(1, 1, 1)]),
        lambda: chance.choice([datetime(9999, 12, 31, 23, 59, 59, 999000), datetime(1969, 7, 20)]),
        lambda: Binary(chance.randbytes(chance.randrange(40)), chance.choice([0, 128])),
        lambda: Binary(chance.randbytes(16), chance.choice([3, 4])),
        lambda: "x" * chance.choice([1, 1100, 70_000]),
    ]
    if depth:
        kinds += [
            lambda: {f"k{n}": value(chance, depth - 1) for n in range(chance.randrange(4))},
            lambda: [value(chance, depth - 1) for _ in range(chance.randrange(4))],
        ] * 3
    return chance.choice(kinds)()


@pytest.fixture
def filled(controller: JobController, stock: Stock) -> JobController:
    """Jobs with all kinds of values, one beyond what lies in one row, and a batch."""
    chance = random.Random(7)
    for number in range(12):
        stock.flow(*["READY"] * 3, job_fields={"stored_data": value(chance, 4)})
        controller.flows.update_one(
            {"ids.0": str(3 * number + 1)}, {"$set": {"metadata": {"v": value(chance, 3)}}}
        )
    stock.flow("COMPLETED", job_fields={"stored_data": {"big": "y" * 3_000_000}})
    controller.add_batch_process("1", "uid", "pool")
    controller.update_job_in_batch("u", 1, "uid", "1")
    controller.jobs.create_index([("job.metadata.number", -1)], name="mine")
    return controller


def backed_up(controller: JobController, folder: Path, **options: Any) -> Path:
    counts = controller.backup_dump(folder, **options)
    assert counts == {
        "jobs": 37,
        "flows": 13,
        "jf_auxiliary": 4,
        "batches": 1,
        "jf_auxiliary_events": 1,
    }
    return folder / controller.queue.database.name


@pytest.mark.parametrize("compress", [False, True])
def test_what_was_backed_up_comes_back(
    filled: JobController, tmp_path: Path, compress: bool
) -> None:
    before, told = raw(filled), []
    folder = backed_up(filled, tmp_path / "new" / "backups", compress=compress,
                       progress=lambda *step: told.append(step))  # fmt: skip
    end = ".gz" if compress else ""
    files = [f"{name}.{kind}{end}" for name in NAMES for kind in ("bson", "metadata.json")]
    assert sorted(p.name for p in folder.iterdir()) == sorted([*files, "jfr_backup.txt"])
    assert [p.name for p in folder.parent.iterdir()] == [folder.name]
    assert folder.stat().st_mode & 0o077 == 0, "as private as the database"
    assert ("jobs", 37, 37) in told
    filled.reset(max_limit=0)
    assert raw(filled) != before
    told.clear()
    counts = filled.backup_restore(folder, progress=lambda *step: told.append(step))
    assert counts == {
        "jobs": 37,
        "flows": 13,
        "jf_auxiliary": 4,
        "batches": 1,
        "jf_auxiliary_events": 1,
    }
    assert raw(filled) == before
    assert ("jobs", 37, 37) in told
    assert all(done <= total for _, done, total in told)
    keys = [info["key"] for info in filled.jobs.index_information().values()]
    assert [("job.metadata.number", -1)] in keys, "the user's own index"
    assert len(keys) > 10
    assert filled.get_batches()[0].jobs == [("1", "u", 1)]


def test_the_files_are_those_of_mongodump(filled: JobController, tmp_path: Path) -> None:
    folder = backed_up(filled, tmp_path)
    metadata = json.loads((folder / "jobs.metadata.json").read_text())
    assert metadata["collectionName"] == "jobs"
    assert metadata["indexes"][0] == {
        "v": {"$numberInt": "2"},
        "key": {"_id": {"$numberInt": "1"}},
        "name": "_id_",
    }
    unique = [i for i in metadata["indexes"] if i.get("unique")]
    assert {"uuid": {"$numberInt": "1"}, "index": {"$numberInt": "1"}} in [i["key"] for i in unique]
    documents = bson.decode_all((folder / "flows.bson").read_bytes())
    assert len(documents) == 13


def test_what_a_server_says_of_its_own_of_an_index_is_no_option(
    filled: JobController, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = backed_up(filled, tmp_path)
    listed = folder / "jobs.metadata.json"
    content = json.loads(listed.read_text())
    for index in content["indexes"]:
        index["storageEngine"] = {"enableOrderedIndex": True}
    listed.write_text(json.dumps(content))
    for name in [n for n in filled.jobs.index_information() if "number" in n]:
        filled.jobs.drop_index(name)
    filled.reset()
    filled.backup_restore(folder)
    assert "was not built" not in caplog.text
    keys = [info["key"] for info in filled.jobs.index_information().values()]
    assert [("job.metadata.number", -1)] in keys


def test_a_backup_moves_between_engines(tmp_path: Path, mongo_uri: str) -> None:
    """From the embedded engine to the server and back, byte for byte."""
    with ExitStack() as stack:
        client = stack.enter_context(mongo_client(mongo_uri))
        opened = []
        for number, engine in enumerate(("embedded", "mongodb", "embedded")):
            (tmp_path / str(number)).mkdir()
            spec = stack.enter_context(fresh_store(engine, tmp_path / str(number), client))
            spec["collection_name"] = f"queue{number}"
            made = JobController(open_store(spec), flows_collection=f"flows{number}")
            opened.append(stack.enter_context(made))
            made.reset()
        stock, chance = Stock(opened[0]), random.Random(3)
        for _ in range(15):
            stock.flow("READY", "FAILED", job_fields={"stored_data": value(chance, 4)})
        before = raw(opened[0])
        for source, target in pairwise(opened):
            source.backup_dump(tmp_path / "b", compress=source is opened[0])
            target.backup_restore(tmp_path / "b" / source.queue.database.name)
            assert raw(target) == before


test_a_backup_moves_between_engines = pytest.mark.mongo(test_a_backup_moves_between_engines)


def test_the_record_of_a_runner_is_not_restored(controller: JobController, tmp_path: Path) -> None:
    query = {"running_runner": {"$exists": True}}

    def record(start: datetime) -> None:
        found = {"running_runner": {"hostname": "far", "start_time": start}}
        controller.auxiliary.update_one(query, {"$set": found})

    record(datetime(2026, 1, 1))  # one that died: beside a live one some engines make no backup
    controller.backup_dump(tmp_path)
    folder = tmp_path / controller.queue.database.name
    record(utc_now())
    with pytest.raises(RunningRunnerError, match="restore is refused"):
        controller.backup_restore(folder)
    controller.clean_running_runner()
    controller.backup_restore(folder)
    assert controller.get_running_runner() is None


def test_only_an_empty_database_is_filled(
    controller: JobController, stock: Stock, tmp_path: Path
) -> None:
    controller.backup_dump(tmp_path)
    folder = tmp_path / controller.queue.database.name
    stock.flow("READY")
    before = raw(controller)
    with pytest.raises(StateError, match="1 job documents"):
        controller.backup_restore(folder)
    assert raw(controller) == before
    for collection in (controller.queue.jobs, controller.queue.flows):
        collection.delete_many({})
    before = raw(controller)
    with pytest.raises(StateError, match="ids have been assigned"):
        controller.backup_restore(folder)
    assert raw(controller) == before
    controller.auxiliary.drop()
    assert controller.backup_restore(folder)["jf_auxiliary"] == 4, "never set up is empty too"
    assert controller.is_set_up()


def spoil_length(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-3])


def spoil_content(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = os.urandom(len(content) - len(content) // 2)
    path.write_bytes(content)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("spoil", [spoil_length, spoil_content])
def test_a_damaged_backup_changes_nothing(
    controller: JobController, stock: Stock, tmp_path: Path, compress: bool, spoil: Any
) -> None:
    stock.flow(*["READY"] * 20)
    controller.backup_dump(tmp_path, compress=compress)
    folder = tmp_path / controller.queue.database.name
    controller.reset(max_limit=0)
    before = raw(controller)
    (damaged,) = folder.glob("jobs.bson*")
    spoil(damaged)
    with pytest.raises(StorageFormatError, match=r"jobs\.bson.* is damaged"):
        controller.backup_restore(folder)
    (metadata,) = folder.glob("flows.metadata.json*")
    text = b'{"indexes": 3}'
    metadata.write_bytes(gzip.compress(text) if compress else text)
    damaged.write_bytes(gzip.compress(b"") if compress else b"")
    with pytest.raises(StorageFormatError, match=r"flows\.metadata\.json.* does not describe"):
        controller.backup_restore(folder)
    assert raw(controller) == before


def test_folders_without_a_backup(controller: JobController, tmp_path: Path) -> None:
    controller.backup_dump(tmp_path)
    folder = tmp_path / controller.queue.database.name
    with pytest.raises(ArgumentError, match=f"did you mean {folder}"):
        controller.backup_restore(tmp_path)
    with pytest.raises(ArgumentError, match=r"no jobs\.bson"):
        controller.backup_restore(tmp_path / "nowhere")
    (folder / "jobs.bson.gz").touch()
    with pytest.raises(ArgumentError, match="both"):
        controller.backup_restore(folder)
    (folder / "jobs.bson.gz").unlink()
    for name in ("batches.bson", "batches.metadata.json", "flows.metadata.json"):
        (folder / name).unlink()
    assert controller.backup_restore(str(folder))["batches"] == 0, "older versions have none"
    (folder / "flows.bson").unlink()
    with pytest.raises(ArgumentError, match=r"no flows\.bson"):
        controller.backup_restore(folder)


def test_a_backup_takes_the_place_of_an_older_one_only(
    filled: JobController, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = backed_up(filled, tmp_path, compress=True)
    backed_up(filled, tmp_path)
    assert not list(folder.glob("*.gz"))

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    before = sorted((p.name, p.stat().st_mtime_ns) for p in folder.iterdir())
    with monkeypatch.context() as patch:
        patch.setattr(dumps.os, "fsync", full)
        with pytest.raises(StorageError, match=r"\.bson: No space left|json: No space left"):
            filled.backup_dump(tmp_path)
    assert sorted((p.name, p.stat().st_mtime_ns) for p in folder.iterdir()) == before
    assert [p.name for p in tmp_path.glob(f"*{folder.name}*") if p.is_dir()] == [folder.name]
    (folder / "thesis.tex").touch()
    with pytest.raises(ArgumentError, match="is not a backup"):
        filled.backup_dump(tmp_path)
    assert (folder / "thesis.tex").exists()


class Killed(BaseException):
    """Stands for the end of the process."""


STEPS = ["_fill", "_fill_auxiliary", "restore_documents", "restore_indexes"]


@pytest.mark.parametrize("step", STEPS)
def test_a_restore_that_stopped_is_told_and_begun_anew(
    filled: JobController, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    before, folder = raw(filled), backed_up(filled, tmp_path / "b")
    filled.reset(max_limit=0)

    def stop(*_: Any, **__: Any) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(dumps if step.startswith("restore_") else backup, step, stop)
        with pytest.raises(Killed):
            filled.backup_restore(folder)
    assert not filled.is_set_up(), "nobody can submit"
    with pytest.raises(StateError, match="partly restored"):
        filled.backup_dump(tmp_path / "c")
    (found,) = examine(filled, fix=True).remaining.findings
    assert (found.kind, found.severity) == (FindingKind.UNFINISHED_RESTORE, Severity.PROBLEM)
    assert str(folder) in found.what
    assert not filled.is_set_up(), "nobody can submit"
    filled.backup_restore(folder)
    assert raw(filled) == before


def test_flows_submitted_after_the_note_are_not_lost(
    controller: JobController, stock: Stock, tmp_path: Path
) -> None:
    """The restore died between its note and the taking away of the counter."""
    controller.backup_dump(tmp_path)
    controller.auxiliary.insert_one({"unfinished_restore": {"folder": "x"}})
    stock.flow("READY")
    with pytest.raises(StateError, match="1 job documents"):
        controller.backup_restore(tmp_path / controller.queue.database.name)
    assert controller.count_jobs() == 1


def test_a_note_without_a_restore_is_removed_by_the_doctor(
    controller: JobController, stock: Stock, tmp_path: Path
) -> None:
    stock.flow("READY")
    controller.auxiliary.insert_one({"unfinished_restore": {"folder": "x"}})
    found = diagnose(controller).findings
    assert [f.kind for f in found] == [FindingKind.UNFINISHED_RESTORE]
    assert examine(controller, fix=True).remaining.findings == ()
    assert controller.backup_dump(tmp_path)["jobs"] == 1


def test_the_doctor_leaves_a_restore_at_work_alone(controller: JobController) -> None:
    controller.auxiliary.insert_one({"unfinished_restore": {"folder": "x"}})
    with MongoLock(controller.queue.auxiliary, {"unfinished_restore": {"$exists": True}}):
        (found,) = examine(controller, fix=True).remaining.findings
        assert (found.kind, found.severity) == (FindingKind.UNFINISHED_RESTORE, Severity.NOTE)


def test_a_restore_that_lacked_only_the_removal_of_its_note(
    controller: JobController, stock: Stock, tmp_path: Path
) -> None:
    stock.flow("READY")
    controller.backup_dump(tmp_path)
    folder = tmp_path / controller.queue.database.name
    note = {"folder": str(folder), "counted": True}
    controller.auxiliary.insert_one({"unfinished_restore": note})
    stock.flow("READY")
    assert controller.backup_restore(folder)["jobs"] == 1
    assert controller.count_jobs() == 2, "what came since stays"
    with pytest.raises(StateError):
        controller.backup_restore(folder)


def test_two_restores_at_once(
    filled: JobController, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "LOCK_WAIT", 0)
    before, folder = raw(filled), backed_up(filled, tmp_path)
    filled.reset(max_limit=0)
    refused: list[LockedDocumentError] = []

    def second(name: str, done: int, total: int) -> None:
        with pytest.raises(LockedDocumentError, match=f"process {os.getpid()}") as error:
            filled.backup_restore(folder)
        refused.append(error.value)

    filled.backup_restore(folder, progress=second)
    assert len(refused) >= 3
    assert raw(filled) == before


def test_refusals_of_the_database_say_what_to_do(
    controller: JobController, stock: Stock, tmp_path: Path
) -> None:
    stock.flow("READY", "READY")
    controller.backup_dump(tmp_path)
    folder = tmp_path / controller.queue.database.name
    content = (folder / "jobs.bson").read_bytes()
    (folder / "jobs.bson").write_bytes(content * 2)
    controller.reset(max_limit=0)
    with pytest.raises(StorageError, match="partly restored"):
        controller.backup_restore(folder)
    (folder / "jobs.bson").write_bytes(content)
    controller.backup_restore(folder)
    assert controller.count_jobs() == 2


def test_mongodb_s_programs_are_not_asked_where_there_is_no_server(
    engine: str, controller: JobController, tmp_path: Path
) -> None:
    nowhere = tmp_path / "bin"
    if engine == "embedded":
        with pytest.raises(ArgumentError, match="embedded"):
            controller.backup_dump(tmp_path, mongo_bin_path=nowhere)
        return
    assert controller.backup_dump(tmp_path, mongo_bin_path=nowhere, python=True)["jobs"] == 0
    with pytest.raises(StorageError, match="cannot be started"):
        controller.backup_dump(tmp_path, mongo_bin_path=nowhere)


def embedded(folder: Path) -> dict[str, Any]:
    return {"type": "EmbeddedStore", "path": str(folder / "q.db"), "collection_name": "jobs"}


def test_a_backup_of_the_embedded_engine_shows_one_moment(tmp_path: Path) -> None:
    with JobController(open_store(embedded(tmp_path))) as controller:
        controller.reset()
        stock = Stock(controller)
        stock.flow("READY")

        def meanwhile(name: str, done: int, total: int) -> None:
            other = threading.Thread(target=stock.flow, args=("READY",))
            other.start()
            other.join()

        counts = controller.backup_dump(tmp_path, progress=meanwhile)
        assert (counts["jobs"], counts["flows"]) == (1, 1)
        assert controller.count_jobs() == 6


def test_large_databases_pass_through_little_memory(tmp_path: Path) -> None:
    import tracemalloc

    with JobController(open_store(embedded(tmp_path))) as controller:
        controller.reset()
        stock = Stock(controller)
        for _ in range(8):
            stock.flow(*["READY"] * 10, job_fields={"stored_data": {"big": "z" * 500_000}})
        tracemalloc.start()
        try:
            controller.backup_dump(tmp_path)
            controller.reset(max_limit=0)
            controller.backup_restore(tmp_path / controller.queue.database.name)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert controller.count_jobs() == 80
    assert peak < 34e6, f"{peak / 1e6:.0f} MB for a database of 40 MB"


WRITES = (
    *("insert_one", "insert_many", "update_one", "delete_one", "delete_many"),
    *("find_one_and_update", "create_index"),
)


def killed_at_write(store: dict[str, Any], folder: Path, number: int) -> int:
    """Restore in a child that is killed before its write ``number``; its exit status."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    status = 1
    try:
        count = iter(range(10**6))
        with JobController(open_store(store)) as controller:
            kind: Any = type(controller.queue.auxiliary)
            for name in WRITES:
                setattr(kind, name, _counted(getattr(kind, name), count, number))
            controller.backup_restore(folder)
        status = 0
    except BaseException:
        traceback.print_exc(file=sys.stderr)
    finally:
        os._exit(status)


def _counted(write: Any, count: Iterator[int], number: int) -> Any:
    def counted(*args: Any, **kwargs: Any) -> Any:
        if next(count) == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return write(*args, **kwargs)

    return counted


def emptied(controller: JobController) -> None:
    """Make a database as `reset` does, but for its indexes, which are there."""
    queue = controller.queue
    for collection in (queue.jobs, queue.flows, queue.batches, queue.auxiliary):
        collection.delete_many({})
    queue.auxiliary.insert_many([{"next_id": 1}, {"running_runner": None}])


def test_a_restore_killed_at_any_write_is_completed_by_the_next(
    store_spec: dict[str, Any], tmp_path: Path
) -> None:
    with JobController(open_store(store_spec)) as controller:
        controller.reset()
        stock = Stock(controller)
        for _ in range(3):
            stock.flow("READY", "FAILED")
        controller.add_batch_process("1", "uid", "pool")
        before = raw(controller)
        controller.backup_dump(tmp_path)
        folder = tmp_path / controller.queue.database.name
    tried = 0
    for number in range(100):
        with JobController(open_store(store_spec)) as controller:
            emptied(controller)
        status = killed_at_write(store_spec, folder, number)
        if status == 0:
            break
        assert os.WIFSIGNALED(status), "it was killed, and did not fail"
        tried += 1
        with JobController(open_store(store_spec)) as controller:
            try:
                controller.backup_restore(folder)
            except MissingDocumentError:
                raise AssertionError(f"lost at write {number}") from None
            assert raw(controller) == before, f"after write {number}"
    assert tried >= 12


@pytest.mark.parametrize("owner", ["another database\n", None])
def test_a_backup_of_another_database_is_not_replaced(
    filled: JobController, tmp_path: Path, owner: str | None
) -> None:
    folder = backed_up(filled, tmp_path)
    identity = folder / "jfr_backup.txt"
    identity.unlink() if owner is None else identity.write_text(owner)
    before = sorted((p.name, p.stat().st_mtime_ns) for p in folder.iterdir())
    with pytest.raises(ArgumentError, match="was not replaced"):
        filled.backup_dump(tmp_path)
    assert sorted((p.name, p.stat().st_mtime_ns) for p in folder.iterdir()) == before
