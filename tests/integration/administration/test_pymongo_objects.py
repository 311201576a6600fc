"""What scripts for jobflow-remote do with the collections themselves works on both engines."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest
from pymongo.errors import DuplicateKeyError as DriverDuplicateKeyError
from pymongo.errors import PyMongoError

from controller.config import Project
from controller.documents import DbCollection
from controller.errors import DuplicateKeyError, LockLostError
from controller.jobcontroller import JobController
from controller.leases import _RENEWER
from controller.utils.db import MongoLock


@pytest.fixture
def jc(store_spec: dict[str, Any], tmp_path: Path) -> Iterator[JobController]:
    outputs = {"type": "EmbeddedStore", "path": str(tmp_path / "o.db"), "collection_name": "o"}
    project = Project.model_validate(
        {
            "name": "test",
            "base_dir": str(tmp_path / "p"),
            "workers": {"w": {"type": "local", "scheduler_type": "shell", "work_dir": "/scratch"}},
            "queue": {"store": {**store_spec, "collection_name": "jobs"}},
            "jobstore": {"docs_store": outputs},
        }
    )
    with JobController.from_project(project) as opened:
        opened.reset()
        opened.queue.jobs.insert_many(
            [{"uuid": f"u{n}", "index": 1, "db_id": str(n), "n": n} for n in range(4)]
        )
        yield opened


def test_on_a_server_they_are_pymongos(jc: JobController, engine: str) -> None:
    if engine != "mongodb":
        pytest.skip("the embedded engine has its own")
    for found in (
        jc.jobs,
        jc.flows,
        jc.auxiliary,
        jc.batches,
        jc.get_collection(DbCollection.JOBS),
    ):
        assert isinstance(found, pymongo.collection.Collection)
    assert isinstance(jc.db, pymongo.database.Database)
    with jc.db.client.start_session() as session:
        assert jc.jobs.count_documents({}, session=session) == 4


def test_names_lead_to_the_collections(jc: JobController) -> None:
    names = (
        jc.jobs_collection,
        jc.flows_collection,
        jc.auxiliary_collection,
        jc.batches_collection,
    )
    assert names == ("jobs", "flows", "jf_auxiliary", "batches")
    assert jc.db[jc.jobs_collection].find_one({"n": 2}, {"_id": 0, "n": 1}) == {"n": 2}
    assert [d["n"] for d in jc.db.jobs.find({"n": {"$gt": 1}}).sort("n", -1)] == [3, 2]
    assert jc.db.jobs.update_one({"uuid": "u1"}, {"$set": {"n": 10}}).modified_count == 1
    assert jc.db.get_collection("jobs").count_documents({"n": 10}) == 1
    assert {"jobs", "jf_auxiliary"} <= set(jc.db.list_collection_names())
    assert jc.db.command("ping")["ok"] == 1
    assert jc.db.name
    other = jc.db["mine"]
    other.insert_one({"a": 1})
    jc.db.drop_collection("mine")
    assert "mine" not in jc.db.list_collection_names()


def test_the_store_of_the_queue_is_maggmas(jc: JobController, engine: str) -> None:
    assert isinstance(jc.queue_store.database, str)
    assert jc.queue_store.collection_name == "jobs"
    assert jc.queue_store.count({"n": {"$lt": 2}}) == 2
    assert jc.queue_store is jc.queue_store


def test_calls_in_pymongos_order_of_arguments(jc: JobController) -> None:
    assert jc.jobs.update_one({"uuid": "new"}, {"$set": {"n": 7}}, True).upserted_id is not None
    assert jc.jobs.update_many({"n": 7}, {"$set": {"n": 8}}, False).acknowledged
    assert jc.jobs.replace_one({"uuid": "new"}, {"uuid": "new", "n": 9}, True).matched_count == 1
    found = jc.jobs.find_one_and_update(
        {"uuid": "new"},
        {"$inc": {"n": 1}},
        return_document=pymongo.ReturnDocument.AFTER,
    )
    assert found["n"] == 10
    done = jc.jobs.bulk_write([pymongo.UpdateOne({"uuid": "new"}, {"$set": {"n": 11}})])
    assert done.modified_count == 1
    assert jc.jobs.find_one({"uuid": "new"}, {"n": 1, "_id": 0}, sort=[("n", 1)]) == {"n": 11}
    assert jc.jobs.distinct("n", {"n": {"$lt": 2}}) == [0, 1]
    assert jc.jobs.find_one_and_delete({"uuid": "new"})["n"] == 11
    replaced = jc.jobs.find_one_and_replace({"uuid": "u0"}, {"uuid": "u0", "n": -1})
    assert replaced["n"] == 0
    assert jc.jobs.find_one({"uuid": "u0"})["n"] == -1


def test_a_collection_can_be_exchanged(jc: JobController) -> None:
    jc.jobs = jc.db["others"]
    assert jc.count_jobs() == 0
    assert jc.jobs_collection == "others"


def test_a_refused_document_is_pymongos_error_too(jc: JobController) -> None:
    same = {"_id": 1, "uuid": "x", "index": 1}
    for collection in (jc.jobs, jc.queue.jobs):
        collection.delete_many({"_id": 1})
        collection.insert_one(dict(same))
        with pytest.raises(DriverDuplicateKeyError) as caught:
            collection.insert_one(dict(same))
        assert isinstance(caught.value, PyMongoError)
        assert caught.value.code == 11000
    assert isinstance(caught.value, DuplicateKeyError)
    assert type(caught.value).__name__ == "DuplicateKeyError"


def test_locks_on_collections_of_users(jc: JobController) -> None:
    with MongoLock(jc.jobs, {"n": 1}, projection=["n"]) as lock:
        assert lock.collection == jc.jobs
        assert not lock.is_locked
        held = jc.jobs.find_one({"n": 1})
        assert MongoLock.get_lock_id(held) == lock.lock_id == held[MongoLock.LOCK_KEY]
        assert MongoLock.get_lock_time(held) == held[MongoLock.LOCK_TIME_KEY] is not None
        _RENEWER.renew(dict(_RENEWER._held))
        assert jc.jobs.find_one({"n": 1})["lock_lease"]["seq"] == 1
        for options in ({}, {"get_locked_doc": True}):
            with MongoLock(jc.jobs, {"n": 1}, **options) as second:
                assert second.is_locked
                assert second.locked_document is None
                assert bool(second.unavailable_document) is bool(options)
        lock.update_on_release = {"$set": {"n": 5}}
    assert jc.jobs.find_one({"n": 5})[MongoLock.LOCK_KEY] is None


def test_a_broken_lock_on_a_users_collection_is_noticed(jc: JobController) -> None:
    lock = MongoLock(jc.jobs, {"n": 1})
    lock.acquire()
    with MongoLock(jc.jobs, {"n": 1}, break_lock=True) as second:
        assert second.acquired
        with pytest.raises(LockLostError):
            lock.release()
