"""Stores and JobStores of maggma and jobflow on each engine."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from typing import Any

import pytest

from controller.errors import ConfigError, NotFoundError, RemoteError
from controller.storage.base import Database
from controller.storage.jobstores import build_store, open_jobstore
from controller.storage.opening import open_store, opened_from_maggma
from controller.storage.outputs import (
    delete_outputs,
    ensure_output_indexes,
    read_output,
    save_outputs,
)


@pytest.fixture
def store(store_spec: dict[str, Any]) -> Iterator[Any]:
    store = build_store({**store_spec, "collection_name": "outputs"})
    store.connect()
    yield store
    store.close()


def test_a_store_keeps_documents(store: Any) -> None:
    store.ensure_index("uuid")
    store.update([{"uuid": "a", "index": i, "n": i} for i in (1, 2)], key=["uuid", "index"])
    store.update({"uuid": "a", "index": 2, "n": 7}, key=["uuid", "index"])
    # Without a criterion maggma takes the estimate of the server, which may lag behind.
    assert store.count({"uuid": "a"}) == 2
    assert store.count({"n": 7}) == 1
    assert [d["n"] for d in store.query({"uuid": "a"}, ["n"], sort={"index": -1})] == [7, 1]
    assert [d["n"] for d in store.query(sort={"index": 1}, skip=1, limit=1)] == [7]
    assert store.query_one({"index": 1}, ["n"])["n"] == 1
    assert sorted(store.distinct("n")) == [1, 7]
    groups = {key["uuid"]: len(docs) for key, docs in store.groupby("uuid", {"uuid": "a"})}
    assert groups == {"a": 2}
    store.remove_docs({"index": 1})
    assert store.count({"uuid": "a"}) == 1


def test_a_store_is_described_and_made_again(store: Any) -> None:
    from monty.json import MontyDecoder

    store.update({"uuid": "a", "n": 1}, key="uuid")
    description = store.as_dict()
    for again in (MontyDecoder().process_decoded(description), pickle.loads(pickle.dumps(store))):
        assert again == store
        assert hash(again) == hash(store)
        again.connect()
        assert again.query_one({"uuid": "a"})["n"] == 1
        again.close()
    opened = open_store(description)
    assert opened.collection.count_documents({"n": 1}) == 1
    opened.database.close()


def test_a_store_becomes_a_database(store: Any) -> None:
    store.update({"uuid": "a"}, key="uuid")
    opened = opened_from_maggma(store)
    assert opened.collection_name == "outputs"
    assert opened.collection.count_documents({"uuid": "a"}) == 1
    assert "outputs" in opened.database.collection_names()


@pytest.fixture
def jobstore_spec(store_spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "docs_store": {**store_spec, "collection_name": "outputs"},
        "additional_stores": {"data": {**store_spec, "collection_name": "blobs"}},
    }


def output_document(output: Any, index: int = 1) -> dict[str, Any]:
    return {"uuid": "u", "index": index, "output": output, "name": "add", "metadata": {}}


def test_outputs_are_saved_once(jobstore_spec: dict[str, Any], queue_database: Database) -> None:
    store = open_jobstore(jobstore_spec)
    store.connect()
    ensure_output_indexes(store)
    ensure_output_indexes(store)
    blob = {"blob_uuid": "b1", "job_uuid": "u", "job_index": 1, "data": [1, 2]}
    reference = {"@module": "jobflow", "@class": "X", "blob_uuid": "b1", "store": "data"}
    for _ in range(2):
        save_outputs(
            store, {**output_document({"x": reference}), "_id": "theirs"}, {"data": [blob]}
        )
    assert queue_database.collection("outputs").count_documents({"uuid": "u", "index": 1}) == 1
    assert queue_database.collection("blobs").count_documents({}) == 1
    assert store.get_output("u", load=True) == {"x": [1, 2]}
    found = queue_database.collection("outputs").index_information().values()
    assert [("uuid", 1), ("index", -1)] in [list(entry["key"]) for entry in found]
    store.close()


def test_an_unknown_additional_store_is_for_good(jobstore_spec: dict[str, Any]) -> None:
    store = open_jobstore(jobstore_spec)
    store.connect()
    save_outputs(store, output_document(1), {"other": []})
    assert len(list(store.query())) == 1
    with pytest.raises(RemoteError, match="other") as caught:
        save_outputs(store, output_document(1, 2), {"other": [{"blob_uuid": "b"}]})
    assert caught.value.no_retry
    assert len(list(store.query())) == 1
    store.close()


@pytest.mark.parametrize("value", [None, 0, "", [], {}, False, {"a": 1}], ids=repr)
def test_an_output_is_not_the_lack_of_one(jobstore_spec: dict[str, Any], value: Any) -> None:
    store = open_jobstore(jobstore_spec)
    store.connect()
    save_outputs(store, output_document("old", 1), {})
    save_outputs(store, output_document(value, 2), {})
    store.close()
    assert read_output(jobstore_spec, "u") == value
    assert read_output(jobstore_spec, "u", 2) == value
    assert read_output(jobstore_spec, "u", 2, load=True) == value
    assert read_output(jobstore_spec, "u", 1) == "old"
    for load in (False, True):
        with pytest.raises(NotFoundError, match="index 3"):
            read_output(jobstore_spec, "u", 3, load=load)
        with pytest.raises(NotFoundError, match="nobody"):
            read_output(jobstore_spec, "nobody", load=load)


def test_outputs_are_deleted_with_what_they_put_aside(
    jobstore_spec: dict[str, Any], queue_database: Database
) -> None:
    store = open_jobstore(jobstore_spec)
    store.connect()
    for index in (1, 2, 3):
        blob = {"blob_uuid": f"b{index}", "job_uuid": "u", "job_index": index, "data": 1}
        save_outputs(store, output_document(index, index), {"data": [blob]})
    delete_outputs(store, [("u", 1), ("u", 3), ("nobody", 1)])
    delete_outputs(store, [])
    store.close()
    left = queue_database.collection("outputs").distinct("index")
    assert left == [2]
    assert queue_database.collection("blobs").distinct("blob_uuid") == ["b2"]


def test_a_big_output(jobstore_spec: dict[str, Any], queue_database: Database, engine: str) -> None:
    if engine == "mongodb":
        pytest.skip("MongoDB keeps documents above 16 MB in a GridFSStore, which is maggma's")
    store = open_jobstore(jobstore_spec)
    store.connect()
    blob = {"blob_uuid": "b", "job_uuid": "u", "job_index": 1, "data": "x" * (20 << 20)}
    save_outputs(store, output_document("y" * (17 << 20)), {"data": [blob]})
    assert len(store.get_output("u")) == 17 << 20
    found = store.additional_stores["data"].query_one({"blob_uuid": "b"})
    assert len(found["data"]) == 20 << 20
    delete_outputs(store, [("u", 1)])
    store.close()
    assert queue_database.collection("blobs").count_documents({}) == 0


def test_default_jobstore() -> None:
    store = open_jobstore({"docs_store": {"type": "MemoryStore"}})
    store.connect()
    ensure_output_indexes(store)
    save_outputs(store, output_document(None), {})
    assert store.get_output("u") is None
    assert read_output({"docs_store": {"type": "MemoryStore"}}, "u", store=store) is None
    delete_outputs(store, [("u", 1)])
    assert store.count() == 0


def test_a_jobstore_as_jobflow_writes_it(jobstore_spec: dict[str, Any]) -> None:
    store = open_jobstore({**jobstore_spec, "save": {"data": True}})
    again = open_jobstore(store.as_dict())
    assert again.docs_store == store.docs_store
    assert again.additional_stores == store.additional_stores
    assert again.save == store.save == {"data": True}


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"docs_store": {}},
        {"docs_store": {"type": "NoSuchStore"}},
        {"docs_store": {"type": "MongoStore", "colour": "red"}},
        {"docs_store": {"@module": "no.such.module", "@class": "X"}},
        {"docs_store": {"type": "MemoryStore"}, "additional_stores": {"data": {"path": "x"}}},
    ],
    ids=str,
)
def test_a_jobstore_that_cannot_be_built(spec: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        open_jobstore(spec)
