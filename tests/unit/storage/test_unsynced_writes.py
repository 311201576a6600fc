"""Which writes are forced to the disk."""

from __future__ import annotations

import errno
import os
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from controller.bulk_locks import lock_documents
from controller.errors import StorageUnavailableError
from controller.locks import MongoLock
from controller.storage.base import synced_once, unsynced
from controller.storage.behind import synced_behind
from controller.storage.embedded.database import EmbeddedDatabase, open_database
from controller.storage.embedded.link import Link


@pytest.fixture
def database(tmp_path: Path) -> EmbeddedDatabase:
    return open_database(tmp_path / "queue.sqlite")


@pytest.fixture
def syncs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """How each write was committed."""
    found: list[str] = []
    really = Link.sync

    def sync(self: Link, synchronous: str) -> None:
        found.append(synchronous)
        really(self, synchronous)

    monkeypatch.setattr(Link, "sync", sync)
    return found


def test_locks_are_not_forced_to_the_disk_and_all_else_is(
    database: EmbeddedDatabase, syncs: list[str]
) -> None:
    jobs = database.collection("jobs")
    jobs.insert_many([{"_id": n, "lock_id": None} for n in range(3)])
    del syncs[:]
    with lock_documents(jobs, "_id", [0, 1]) as locked:
        assert set(syncs) == {"NORMAL"}
        del syncs[:]
        jobs.update_one({"_id": 0}, {"$set": {"state": "RUNNING"}})
        assert syncs == ["FULL"]
        assert set(locked.documents) == {0, 1}
    with MongoLock(jobs, {"_id": 2}):
        assert syncs[-1] == "NORMAL"
    del syncs[:]
    with MongoLock(jobs, {"_id": 2}, update={"$set": {"state": "RUNNING"}}):
        assert syncs == ["FULL"]


def test_the_level_is_that_of_the_block_of_this_thread(
    database: EmbeddedDatabase, syncs: list[str]
) -> None:
    jobs, others = database.collection("jobs"), database.collection("others")
    with unsynced(jobs), unsynced(jobs):
        others.insert_one({"_id": 1})
    others.insert_one({"_id": 2})
    assert [syncs[0], syncs[-1]] == ["NORMAL", "FULL"]
    with unsynced(object()):  # an engine that does not distinguish
        others.insert_one({"_id": 3})
    assert syncs[-1] == "FULL"


def test_writes_of_a_block_are_forced_to_the_disk_once_at_its_end(
    database: EmbeddedDatabase, syncs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    forced: list[int] = []

    def force(number: int) -> None:
        forced.append(os.fstat(number).st_ino)

    monkeypatch.setattr("controller.storage.embedded.file._sync", force)
    jobs = database.collection("jobs")
    with synced_once(jobs):
        jobs.insert_one({"_id": 1})
        jobs.update_one({"_id": 1}, {"$set": {"state": "RUNNING"}})
        assert not forced
    assert set(syncs) == {"NORMAL"}
    assert forced == [Path(f"{database.location}-wal").stat().st_ino]
    with synced_once(jobs):
        jobs.find_one({})
    assert len(forced) == 1  # nothing was written
    jobs.insert_one({"_id": 2})
    assert syncs[-1] == "FULL"
    with suppress(ZeroDivisionError), synced_once(jobs):
        jobs.insert_one({"_id": 3})
        raise ZeroDivisionError
    assert len(forced) == 2  # what was written stays
    with synced_once(object()):  # an engine that does not distinguish
        pass


def test_a_disk_that_fails_is_an_error(
    database: EmbeddedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(number: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("controller.storage.embedded.file._sync", fail)
    jobs = database.collection("jobs")
    with pytest.raises(StorageUnavailableError, match="Input/output"), synced_once(jobs):
        jobs.insert_one({"_id": 1})


def test_a_write_is_forced_to_the_disk_behind_and_waited_for(
    database: EmbeddedDatabase, syncs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def force(number: int) -> None:
        begun.set()
        assert may_end.wait(60)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("controller.storage.embedded.file._sync", force)
    outputs = database.collection("outputs")
    with synced_behind(outputs) as wait:
        outputs.insert_one({"_id": 1})
        assert not begun.is_set()
    assert begun.wait(60)
    assert outputs.count_documents({}) == 1
    assert set(syncs) == {"NORMAL"}
    may_end.set()
    with pytest.raises(StorageUnavailableError, match="Input/output"):
        wait()
    with synced_behind(object()) as wait:  # an engine that does not distinguish
        pass
    wait()
