"""Unique keys, names of indexes, making and dropping them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from controller.errors import (
    ControllerError,
    DuplicateKeyError,
    StorageError,
    UnsupportedOperationError,
)
from controller.storage.base import Collection, Database, Document
from controller.storage.indexes import (
    AUXILIARY_INDEXES,
    BATCH_INDEXES,
    FLOW_INDEXES,
    JOB_INDEXES,
    build_indexes,
)

Fill = Callable[[list[Document]], Collection]
JOB_KEY = [("uuid", 1), ("index", 1)]


@pytest.fixture
def jobs(fill: Fill) -> Collection:
    collection = fill([{"_id": 1, "uuid": "a", "index": 1}, {"_id": 2, "uuid": "a", "index": 2}])
    collection.create_index(JOB_KEY, unique=True)
    return collection


def test_a_unique_key_refuses_inserts(jobs: Collection) -> None:
    with pytest.raises(DuplicateKeyError, match="exists"):
        jobs.insert_one({"uuid": "a", "index": 2})
    with pytest.raises(DuplicateKeyError):
        jobs.insert_many([{"uuid": "a", "index": 2}])
    jobs.insert_one({"uuid": "b", "index": 2})
    assert jobs.count_documents({}) == 3


def test_a_unique_key_refuses_changes(jobs: Collection) -> None:
    with pytest.raises(DuplicateKeyError):
        jobs.update_one({"_id": 1}, {"$set": {"index": 2}})
    with pytest.raises(DuplicateKeyError):
        jobs.update_many({}, {"$set": {"index": 7}})
    with pytest.raises(DuplicateKeyError):
        jobs.replace_one({"_id": 1}, {"uuid": "a", "index": 2})
    with pytest.raises(DuplicateKeyError):
        jobs.find_one_and_update({"_id": 1}, {"$inc": {"index": 1}}, sort=[("_id", 1)])
    with pytest.raises(DuplicateKeyError):
        jobs.update_one({"_id": 3}, {"$set": {"uuid": "a", "index": 1}}, upsert=True)
    assert jobs.find_one({"_id": 1}) == {"_id": 1, "uuid": "a", "index": 1}


def test_a_document_does_not_stand_in_its_own_way(jobs: Collection) -> None:
    assert jobs.update_one({"_id": 1}, {"$set": {"uuid": "a", "index": 1, "x": 1}}).matched_count
    assert jobs.replace_one({"_id": 1}, {"uuid": "a", "index": 1}).matched_count


def test_a_key_is_free_again_once_it_is_given_up(jobs: Collection) -> None:
    jobs.update_one({"_id": 1}, {"$set": {"index": 9}})
    jobs.insert_one({"_id": 3, "uuid": "a", "index": 1})
    jobs.delete_one({"_id": 2})
    jobs.insert_one({"_id": 4, "uuid": "a", "index": 2})
    assert jobs.count_documents({}) == 3


def test_null_and_missing_are_one_key(collection: Collection) -> None:
    collection.create_index("key", unique=True)
    collection.insert_one({"other": 1})
    for document in ({"other": 2}, {"key": None}):
        with pytest.raises(DuplicateKeyError):
            collection.insert_one(document)


def test_null_keys_of_one_insertion(collection: Collection) -> None:
    collection.create_index("db_id", unique=True)
    some = [{"_id": n, "db_id": str(n)} for n in range(300)]
    with pytest.raises(DuplicateKeyError):
        collection.insert_many([{"_id": "a"}, *some, {"_id": "b", "db_id": None}])


def test_keys_of_many_documents_at_once(collection: Collection) -> None:
    """Those that come first hold no arrays, none of the odd values, and all are found by index."""
    collection.create_index("parents")
    collection.create_index([("state", 1), ("n", -1)])
    kinds: list[Any] = [None, "x", ["x", "y"], [], {"x": 1}, [["x"]], 1.5, b"x"]
    collection.insert_many(
        [{"_id": n, "n": n, "state": "R", "parents": kinds[n // 100]} for n in range(800)]
    )
    for query, count in [
        ({"parents": "x"}, 200),
        ({"parents": "y"}, 100),
        ({"parents": {"x": 1}}, 100),
        ({"parents": ["x"]}, 100),
        ({"parents": None}, 100),
        ({"parents": 1.5}, 100),
    ]:
        assert collection.count_documents(query) == count, query
    newest = collection.find({"state": "R"}, ["_id"], sort=[("n", -1)], limit=2)
    assert [doc["_id"] for doc in newest] == [799, 798]


HOSTS_AND_STATE = [("job.hosts", 1), ("state", 1)]


@pytest.mark.parametrize("filled", [False, True], ids=["empty", "filled"])
def test_an_array_and_a_scalar_in_one_index(collection: Collection, filled: bool) -> None:
    """Whatever happens to the documents, the index gives what looking at each of them gives."""
    if not filled:
        collection.create_index(HOSTS_AND_STATE)
    hosts: list[Any] = [["a"], ["b", "a"], "a", [], None, ["a", 1, None], [["a"]], ["a\0b"]]
    states: list[Any] = ["R", "W", None, 1, ["R", "W"], "b\0R"]
    documents: list[Document] = [
        {"_id": f"{h}-{s}", "job": {"hosts": host}, "state": state, "n": h}
        for h, host in enumerate(hosts)
        for s, state in enumerate(states[: 6 if filled else 4])
    ]
    collection.insert_many(documents)
    if filled:
        collection.create_index(HOSTS_AND_STATE)
    changes: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({}, {}),
        ({"state": "R", "n": {"$lt": 2}}, {"$set": {"state": "W"}}),
        ({"n": 1}, {"$push": {"job.hosts": "c"}}),
        ({"n": 0}, {"$set": {"job.hosts": ["b"]}}),
        ({"n": 5}, {"$unset": {"state": ""}}),
        ({"n": 2}, {"$set": {"job": {}}}),
    ]
    for selection, change in changes:
        if change:
            collection.update_many(selection, change)
        _check_hosts_and_states(collection)
    collection.delete_many({"job.hosts": "a", "state": {"$in": ["R", "W"]}})
    assert collection.count_documents({"job.hosts": "a", "state": "W"}) == 0
    _check_hosts_and_states(collection)


def _check_hosts_and_states(collection: Collection) -> None:
    wanted: list[Any] = ["R", "W", {"$in": ["R", "W"]}, {"$in": ["R", None]}, "b\0R", None, 1]
    for host in ("a", "b", "c", {"$in": ["b", "c"]}, "a\0b"):
        with_host = {doc["_id"] for doc in collection.find({"job.hosts": host})}
        for state in wanted:
            both = {"job.hosts": host, "state": state}
            with_state = {doc["_id"] for doc in collection.find({"state": state})}
            assert {doc["_id"] for doc in collection.find(both)} == with_host & with_state, both
            assert collection.count_documents(both) == len(with_host & with_state), both


def test_each_element_of_an_array_is_a_key(
    shared_database: Database, collection: Collection
) -> None:
    collection.create_index("key", unique=True)
    if shared_database.engine == "embedded":
        with pytest.raises(UnsupportedOperationError):
            collection.insert_one({"key": ["a", "b"]})
        return
    collection.insert_one({"key": ["a", "b"]})
    with pytest.raises(DuplicateKeyError):
        collection.insert_one({"key": ["d", "b"]})


def test_types_keep_keys_apart(collection: Collection) -> None:
    collection.create_index("key", unique=True)
    for value in (1, "1", True, None, {"a": 1}, b"1"):
        collection.insert_one({"key": value})
    for value in (1.0, "1", True, {"a": 1}):
        with pytest.raises(DuplicateKeyError):
            collection.insert_one({"key": value})


def test_long_keys(collection: Collection) -> None:
    collection.create_index("key", unique=True)
    collection.insert_many([{"key": "x" * 5000 + end} for end in "ab"])
    with pytest.raises(DuplicateKeyError):
        collection.insert_one({"key": "x" * 5000 + "b"})
    assert collection.count_documents({"key": "x" * 5000 + "a"}) == 1


def test_a_unique_index_over_duplicates_is_refused(fill: Fill) -> None:
    collection = fill([{"a": 1}, {"a": 1}])
    with pytest.raises(StorageError):
        collection.create_index("a", unique=True)
    assert list(collection.index_information()) == ["_id_"]


def test_index_information(collection: Collection) -> None:
    collection.insert_one({"a": 1})
    assert collection.create_index("a") == "a_1"
    assert collection.create_index([("b", 1), ("c.d", -1)], unique=True) == "b_1_c.d_-1"
    assert collection.create_index([("e", -1)], name="mine") == "mine"
    assert collection.create_index(["f", ("g", -1)]) == "f_1_g_-1"
    found = collection.index_information()
    assert {name: entry["key"] for name, entry in found.items()} == {
        "_id_": [("_id", 1)],
        "a_1": [("a", 1)],
        "b_1_c.d_-1": [("b", 1), ("c.d", -1)],
        "mine": [("e", -1)],
        "f_1_g_-1": [("f", 1), ("g", -1)],
    }
    assert found["b_1_c.d_-1"].get("unique")
    assert not any(found[name].get("unique") for name in ("a_1", "mine", "f_1_g_-1"))


def test_making_an_index_again(fill: Fill) -> None:
    collection = fill([{"a": 1}])
    assert collection.create_index("a") == collection.create_index([("a", 1)]) == "a_1"
    with pytest.raises(ControllerError):
        collection.create_index("b", name="a_1")
    with pytest.raises(ControllerError):
        collection.create_index("a", unique=True)


def test_dropping_indexes(fill: Fill) -> None:
    collection = fill([{"a": 1, "b": 1}])
    collection.create_index("a", unique=True)
    collection.create_index("b")
    collection.create_index("c")
    collection.drop_index("a_1")
    assert sorted(collection.index_information()) == ["_id_", "b_1", "c_1"]
    collection.insert_one({"a": 1})
    collection.drop_indexes()
    assert list(collection.index_information()) == ["_id_"]
    with pytest.raises(ControllerError):
        collection.drop_index("b_1")


def test_dropping_a_collection_drops_its_indexes(fill: Fill) -> None:
    collection = fill([{"a": 1}])
    collection.create_index("a", unique=True)
    collection.drop()
    collection.insert_many([{"a": 1}, {"a": 1}])
    assert list(collection.index_information()) == ["_id_"]


QUEUE = {
    "jobs": JOB_INDEXES,
    "flows": FLOW_INDEXES,
    "batches": BATCH_INDEXES,
    "auxiliary": AUXILIARY_INDEXES,
}


def keys_of(collection: Collection) -> dict[tuple[Any, ...], bool]:
    return {
        tuple(entry["key"]): bool(entry.get("unique"))
        for name, entry in collection.index_information().items()
        if name != "_id_"
    }


def test_queue_indexes(queue_database: Database) -> None:
    found = {}
    for name, indexes in QUEUE.items():
        collection = queue_database.collection(name)
        build_indexes(collection, indexes)
        build_indexes(collection, indexes)
        found[name] = keys_of(collection)
    assert found["jobs"][("db_id", 1),]
    assert found["jobs"][("uuid", 1), ("index", 1)]
    assert found["flows"][("uuid", 1),]
    assert found["batches"][("batch_uid", 1),]
    for key in ("updated_on", "lock_id", "remote.process_id", "worker", "parents", "job.name"):
        assert found["jobs"][(key, 1),] is False
    assert (("state", 1), ("priority", -1), ("created_on", 1)) in found["jobs"]
    assert (("state", 1), ("updated_on", 1)) in found["jobs"]
    assert {"uuid", "jobs", "state", "updated_on", "name", "lock_id"} <= {
        key[0][0] for key in found["flows"]
    }


def test_queue_indexes_leave_those_of_others_alone(collection: Collection) -> None:
    collection.create_index("db_id", unique=True)
    collection.create_index("metadata.mine")
    collection.create_index("worker", name="my_worker")
    build_indexes(collection, JOB_INDEXES, custom=["extra", [("a", 1), ("b", -1)]])
    names = set(collection.index_information())
    assert {"db_id_1", "metadata.mine_1", "my_worker", "extra_1", "a_1_b_-1"} <= names
    assert "worker_1" not in names
    build_indexes(collection, JOB_INDEXES, drop=True)
    assert len(keys_of(collection)) == len(JOB_INDEXES)
