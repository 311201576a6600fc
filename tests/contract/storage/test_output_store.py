"""What a runner stores outputs in does as the JobStore does, on each engine."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from controller.errors import ConfigError, RemoteError
from controller.execution.references import resolved_job
from controller.storage.base import Database
from controller.storage.jobstores import open_jobstore
from controller.storage.output_store import OutputStore, is_plain
from controller.storage.outputs import save_outputs

PLAIN = {
    "texts": ["", "ä", "a.b"],
    "numbers": [0, -1, 1.5, 2**62, True],
    "nothing": None,
    "deep": {"a": {"b": [{"c": []}, {}]}},
    "at": datetime(2026, 1, 2, 3, 4, 5),
    "object": {"@module": "m", "@class": "C", "@version": None, "x": 1},
}


@pytest.fixture
def spec(store_spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "docs_store": {**store_spec, "collection_name": "outputs"},
        "additional_stores": {"data": {**store_spec, "collection_name": "blobs"}},
    }


@pytest.fixture
def store(spec: dict[str, Any]) -> Iterator[OutputStore]:
    made = OutputStore(spec)
    yield made
    made.close()


def document(output: Any, index: int = 1, uuid: str = "u") -> dict[str, Any]:
    return {"uuid": uuid, "index": index, "output": output, "name": "add", "metadata": {}}


def stored(database: Database, name: str) -> list[dict[str, Any]]:
    rows = database.collection(name).find({}, sort=[("index", 1)])
    return [{k: v for k, v in row.items() if k != "_id"} for row in rows]


def test_what_is_stored_is_what_maggma_stores(
    spec: dict[str, Any], store: OutputStore, queue_database: Database
) -> None:
    blob = {"blob_uuid": "b1", "job_uuid": "u", "job_index": 1, "data": PLAIN}
    outputs = [({**document(PLAIN), "_id": "theirs"}, {"data": [blob]}), (document(1, 2), {})]
    for _ in range(2):
        store.save(outputs)
    ours = stored(queue_database, "outputs"), stored(queue_database, "blobs")
    jobstore = open_jobstore(spec)
    jobstore.connect()
    for written, blobs in outputs:
        save_outputs(jobstore, written, blobs)
    assert (stored(queue_database, "outputs"), stored(queue_database, "blobs")) == ours
    assert [d["index"] for d in ours[0]] == [1, 2]
    names = [set(queue_database.collection(n).index_information()) for n in ("outputs", "blobs")]
    assert "uuid_1_index_-1" in names[0]
    assert {"blob_uuid_1", "job_uuid_1"} <= names[1]
    jobstore.close()


def test_maggma_stores_what_is_not_plain(store: OutputStore, queue_database: Database) -> None:
    store.save([(document({1: Path("/a"), "t": (1, 2)}), {})])
    (found,) = stored(queue_database, "outputs")
    assert found["output"]["t"] == [1, 2]
    assert set(found["output"]) == {"1", "t"}


def test_an_additional_store_is_missing(store: OutputStore, queue_database: Database) -> None:
    store.save([(document(1), {"other": []})])
    with pytest.raises(RemoteError, match="other") as caught:
        store.save([(document(1, 2), {"other": [{"blob_uuid": "b"}]})])
    assert caught.value.no_retry
    assert len(stored(queue_database, "outputs")) == 1


def test_a_store_without_documents_is_refused() -> None:
    with pytest.raises(ConfigError, match="docs_store"):
        OutputStore({})


def test_a_store_of_maggma_is_used_through_it() -> None:
    store = OutputStore({"docs_store": {"type": "MemoryStore"}})
    store.save([(document(3), {})])
    assert store.last_output("u") is None
    assert store.jobstore().get_output("u") == 3
    assert resolved_job(body(reference()), lambda: store)["function_args"] == [3]
    store.close()


def reference(*attributes: Any, uuid: str = "u") -> dict[str, Any]:
    return {
        "@module": "jobflow.core.reference",
        "@class": "OutputReference",
        "@version": "1",
        "uuid": uuid,
        "attributes": [["i", each] for each in attributes],
        "output_schema": None,
    }


def body(*arguments: Any, **config: Any) -> dict[str, Any]:
    return {"function_args": list(arguments), "function_kwargs": {}, "config": config}


ASKED: list[tuple[Any, ...]] = [
    *((), ("a",), ("a", "b", 0), ("a", "b", -1), ("object",)),
    *(("object", "x"), ("missing",), ("a", "b", 7), ("a", "b", "c"), ("text", 0)),
]


@pytest.mark.parametrize("attributes", ASKED, ids=str)
def test_references_are_replaced_as_jobflow_does(
    spec: dict[str, Any], store: OutputStore, attributes: tuple[Any, ...]
) -> None:
    output = {"a": {"b": [1, {"c": 2}]}, "text": "xy", "object": {"@module": "m", "x": 1}}
    store.save([(document("old"), {}), (document(output, 2), {})])
    jobstore = open_jobstore(spec)
    jobstore.connect()
    asked = body({"deep": [reference(*attributes)]}, reference(*attributes))

    def found(where: Any) -> Any:
        try:
            return resolved_job(asked, lambda: where)
        except RemoteError as error:
            return str(error), error.no_retry

    assert found(store) == found(jobstore)
    jobstore.close()


@pytest.mark.parametrize(
    "output",
    [
        {"x": {"@class": "X", "@module": "m", "blob_uuid": "b1", "store": "data"}},
        [reference(uuid="other")],
    ],
    ids=["in parts", "refers to another"],
)
def test_outputs_that_are_not_whole_are_put_together(store: OutputStore, output: Any) -> None:
    blob = {"blob_uuid": "b1", "job_uuid": "u", "job_index": 1, "data": 5}
    store.save([(document(output), {"data": [blob]}), (document(5, uuid="other"), {})])
    (value,) = resolved_job(body(reference()), lambda: store)["function_args"]
    assert value in ({"x": 5}, [5])


@pytest.mark.parametrize("on_missing", ["error", "none", "pass"])
def test_a_missing_output_is_what_the_job_says(store: OutputStore, on_missing: str) -> None:
    asked = body(reference(), on_missing_references=on_missing)
    if on_missing == "error":
        with pytest.raises(RemoteError, match="cannot find an input"):
            resolved_job(asked, lambda: store)
    else:
        (value,) = resolved_job(asked, lambda: store)["function_args"]
        assert value == (None if on_missing == "none" else reference())


def test_plain_work_opens_no_jobstore(store: OutputStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jobflow", None)  # importing it fails
    store.save([(document(PLAIN), {})])
    asked = body(reference("deep", "a"), reference("at"))
    assert resolved_job(asked, lambda: store)["function_args"] == [
        {"b": [{"c": []}, {}]},
        PLAIN["at"],
    ]


@pytest.mark.parametrize(
    ("value", "plain"),
    [(PLAIN, True), ({1: 2}, False), ((1,), False), ({"a": [{1}]}, False), (b"x", True)],
    ids=repr,
)
def test_what_is_plain(value: Any, plain: bool) -> None:
    assert is_plain(value) is plain
