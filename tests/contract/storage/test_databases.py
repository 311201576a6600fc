"""What a database promises beside its collections."""

from __future__ import annotations

from typing import Any

import pytest

from controller.errors import DuplicateKeyError, StorageError
from controller.storage.base import Database
from controller.storage.opening import describe_store, open_store


def test_a_collection_comes_into_being(queue_database: Database) -> None:
    collection = queue_database.collection("jobs")
    assert collection.name == "jobs"
    assert queue_database.collection_names() == []
    collection.insert_one({"_id": 1})
    queue_database.collection("flows").create_index("uuid")
    assert queue_database.collection_names() == ["flows", "jobs"]
    assert queue_database.collection("jobs").find_one() == {"_id": 1}
    collection.drop()
    assert queue_database.collection_names() == ["flows"]


def test_engine_and_location(
    queue_database: Database, engine: str, store_spec: dict[str, Any]
) -> None:
    assert queue_database.engine == engine
    assert queue_database.location == describe_store(store_spec)
    assert queue_database.location in repr(queue_database)


def test_ping_and_compact(queue_database: Database) -> None:
    queue_database.ping()
    queue_database.collection("jobs").insert_many([{"a": "x" * 1000} for _ in range(100)])
    queue_database.collection("jobs").delete_many({})
    queue_database.compact(["jobs", "nobody"])
    queue_database.ping()


def test_closing_twice(store_spec: dict[str, Any]) -> None:
    database = open_store(store_spec).database
    database.collection("jobs").insert_one({"_id": 1})
    database.close()
    database.close()
    again = open_store(store_spec)
    assert again.collection.name == "jobs"
    assert again.collection.find_one() == {"_id": 1}
    again.database.close()


def test_two_openings_see_each_other(queue_database: Database, store_spec: dict[str, Any]) -> None:
    other = open_store(store_spec).database
    mine, theirs = queue_database.collection("jobs"), other.collection("jobs")
    before = queue_database.change_token()
    theirs.insert_one({"_id": 1, "a": 0})
    assert mine.find_one() == {"_id": 1, "a": 0}
    assert before is None or queue_database.change_token() != before
    theirs.create_index("a", unique=True)
    with pytest.raises(DuplicateKeyError):
        mine.insert_one({"a": 0})
    theirs.drop()
    assert mine.count_documents({}) == 0
    other.close()


def test_a_token_stays_while_nothing_happens(queue_database: Database) -> None:
    queue_database.collection("jobs").insert_one({})
    before = queue_database.change_token()
    queue_database.collection("jobs").find_one()
    assert queue_database.change_token() == before


def test_a_transaction_changes_all(queue_database: Database) -> None:
    jobs, flows = queue_database.collection("jobs"), queue_database.collection("flows")
    jobs.insert_one({"_id": 0})
    flows.insert_one({"_id": 0})
    with queue_database.transaction() as session:
        assert (session is not None) == queue_database.supports_transactions
        jobs.insert_one({"_id": 1, "state": "READY"}, session=session)
        jobs.update_one({"_id": 1}, {"$set": {"state": "DONE"}}, session=session)
        assert jobs.find_one({"_id": 1}, session=session) == {"_id": 1, "state": "DONE"}
        assert jobs.count_documents({"state": "DONE"}, session=session) == 1
        assert jobs.distinct("state", session=session) == ["DONE"]
        assert len(list(jobs.aggregate([{"$match": {"_id": 1}}], session=session))) == 1
        flows.update_one({"_id": 0}, {"$push": {"jobs": 1}}, session=session)
    assert jobs.count_documents({"state": "DONE"}) == 1
    assert flows.find_one() == {"_id": 0, "jobs": [1]}


class Interrupted(ValueError):
    pass


def test_a_failing_transaction_changes_nothing(queue_database: Database) -> None:
    jobs, flows = queue_database.collection("jobs"), queue_database.collection("flows")
    jobs.insert_many([{"_id": 0, "n": 0}, {"_id": 7, "n": 0}])
    flows.insert_one({"_id": 0})

    def interrupted() -> None:
        with queue_database.transaction() as session:
            jobs.insert_one({"_id": 1}, session=session)
            jobs.update_many({"_id": 0}, {"$inc": {"n": 1}}, session=session)
            jobs.delete_one({"_id": 7}, session=session)
            flows.replace_one({"_id": 0}, {"name": "x"}, session=session)
            raise Interrupted("by the caller, whose errors are nobody's to translate")

    with pytest.raises(Interrupted):
        interrupted()
    if queue_database.supports_transactions:
        assert list(jobs.find(sort=[("_id", 1)])) == [{"_id": 0, "n": 0}, {"_id": 7, "n": 0}]
        assert flows.find_one() == {"_id": 0}
    else:
        assert list(jobs.find(sort=[("_id", 1)])) == [{"_id": 0, "n": 1}, {"_id": 1}]
    with queue_database.transaction() as session:
        flows.update_one({"_id": 0}, {"$set": {"after": 1}}, session=session)
    assert flows.find_one({"after": 1}) is not None


def test_a_transaction_is_invisible_until_its_end(
    queue_database: Database, store_spec: dict[str, Any]
) -> None:
    if not queue_database.supports_transactions:
        pytest.skip("this server has no transactions")
    connections = open_store(store_spec).database
    with queue_database.transaction() as session:
        queue_database.collection("jobs").insert_one({"_id": 1}, session=session)
        assert connections.collection("jobs").find_one() is None
    assert connections.collection("jobs").find_one() == {"_id": 1}
    connections.close()


def test_a_duplicate_within_a_transaction_undoes_it(queue_database: Database) -> None:
    jobs = queue_database.collection("jobs")
    jobs.insert_one({"_id": 1})

    def insert_both() -> None:
        with queue_database.transaction() as session:
            jobs.insert_one({"_id": 2}, session=session)
            jobs.insert_one({"_id": 1}, session=session)

    with pytest.raises(DuplicateKeyError):
        insert_both()
    assert jobs.count_documents({}) == (1 if queue_database.supports_transactions else 2)


def test_large_documents(queue_database: Database) -> None:
    outputs = queue_database.collection("outputs")
    document = {"_id": 1, "name": "big", "output": {"data": "x" * (18 << 20)}}
    if queue_database.engine == "mongodb":
        with pytest.raises(StorageError, match="additional store"):
            outputs.insert_one(document)
        with pytest.raises(StorageError):
            outputs.update_one({"_id": 1}, {"$set": document}, upsert=True)
        return
    outputs.insert_one(document)
    outputs.update_one({"_id": 1}, {"$set": {"name": "renamed"}})
    assert outputs.find_one({"_id": 1}, ["name"]) == {"_id": 1, "name": "renamed"}
    found = outputs.find_one({"name": "renamed"})
    assert found is not None
    assert found["output"] == document["output"]
    outputs.delete_one({"_id": 1})
    assert outputs.find_one() is None
