"""Writes name one document and compare some texts of it: found as by any other filter."""

from __future__ import annotations

from typing import Any

import pytest
from bson import ObjectId

from controller.storage.base import Collection, UpdateOne

DOCUMENTS: list[dict[str, Any]] = [
    {"_id": "a", "state": "READY", "lock_id": None, "n": 1, "tags": ["x", "y"], "o": {"p": "q"}},
    {"_id": "b", "state": "READY", "n": "1", "tags": "x", "o": {"p": None}},
    {"_id": ObjectId("0" * 24), "state": None, "lock_id": "L", "tags": [], "o": "q"},
]
CONDITIONS: list[dict[str, Any]] = [
    *({}, {"state": "READY"}, {"state": None}, {"state": "READY", "lock_id": None}),
    *({"lock_id": "L", "state": None}, {"n": "1"}, {"tags": "x"}, {"tags": None}, {"o": "q"}),
    *({"o.p": "q"}, {"o.p": None}, {"o.p": "q", "state": "READY"}, {"unknown": None}),
]


@pytest.fixture
def filled(collection: Collection) -> Collection:
    for path in ("state", "lock_id", "n", "tags", "o.p"):
        collection.create_index(path)
    collection.insert_many([dict(each) for each in DOCUMENTS])
    return collection


@pytest.mark.parametrize("condition", CONDITIONS, ids=str)
def test_one_document_is_found(filled: Collection, condition: dict[str, Any]) -> None:
    for document in DOCUMENTS:
        short = {"_id": document["_id"], **condition}
        long = {**short, "_id": {"$in": [document["_id"]]}}
        assert list(filled.find(short)) == list(filled.find(long))
        assert filled.count_documents(short) == filled.count_documents(long)
        assert list(filled.find(short, sort=[("state", -1)])) == list(filled.find(long))


def test_changes_of_alike_fields_are_as_their_own(filled: Collection) -> None:
    first = {"$set": {"o.p": "1", "o.b": 1, "state": "DONE", "a.10": 1, "a.9": 2}}
    second = {"$set": {"o.p": "2", "o.b": 2, "state": None, "a.10": 3, "a.9": 4}}
    filled.bulk_write([UpdateOne({"_id": "a"}, first), UpdateOne({"_id": "b"}, second)])
    found = {d["_id"]: d for d in filled.find({"_id": {"$in": ["a", "b"]}})}
    assert found["a"]["o"] == {"p": "1", "b": 1}
    assert (found["b"]["o"], found["b"]["state"]) == ({"p": "2", "b": 2}, None)
    assert found["b"]["a"] == {"9": 4, "10": 3}
    assert filled.find_one({"o.p": "2"}, ["_id"]) == {"_id": "b"}
    for wrong in ({"o": 1, "o.p": 2}, {"": 1}, {"a..b": 1}):
        for _ in range(2):
            with pytest.raises(Exception):  # noqa: B017 (each server says it in its way)
                filled.update_one({"_id": "a"}, {"$set": wrong})
