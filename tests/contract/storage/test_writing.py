"""Inserting, deleting, claiming, writing in bulk."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import pymongo
import pytest
from bson import ObjectId

from controller.errors import ArgumentError, DuplicateKeyError
from controller.storage.base import (
    Collection,
    Database,
    DeleteMany,
    DeleteOne,
    Document,
    InsertOne,
    ReplaceOne,
    UpdateMany,
    UpdateOne,
)

Fill = Callable[[list[Document]], Collection]


class State(StrEnum):
    READY = "READY"


VALUES: dict[str, tuple[Any, Any]] = {
    "null": (None, None),
    "bool": (True, True),
    "int": (7, 7),
    "int of 64 bits": (-(2**62), -(2**62)),
    "float": (0.1, 0.1),
    "text": ("Grüße, 世界 🚀\n", "Grüße, 世界 🚀\n"),
    "dollar text": ("$HOME/x.y", "$HOME/x.y"),
    "bytes": (b"\x00\xff", b"\x00\xff"),
    "id": (ObjectId("65a000000000000000000001"), ObjectId("65a000000000000000000001")),
    "list": ([1, [2, []], {}], [1, [2, []], {}]),
    "tuple": ((1, 2), [1, 2]),
    "dictionary": ({"b": 1, "a": {"c": None}}, {"b": 1, "a": {"c": None}}),
    "enum": (State.READY, "READY"),
    "naive time": (datetime(2024, 5, 6, 7, 8, 9, 123456), datetime(2024, 5, 6, 7, 8, 9, 123000)),
    "UTC time": (datetime(2024, 5, 6, 7, 8, tzinfo=UTC), datetime(2024, 5, 6, 7, 8)),
    "time of a zone": (
        datetime(2024, 5, 6, 7, 8, tzinfo=timezone(timedelta(hours=2))),
        datetime(2024, 5, 6, 5, 8),
    ),
    "early time": (datetime(1900, 1, 1), datetime(1900, 1, 1)),
    "keys with dots and dollars": ({"a.b": 1, "$x": 2}, {"a.b": 1, "$x": 2}),
    "empty key": ({"": 1}, {"": 1}),
}


@pytest.mark.parametrize(("given", "stored"), VALUES.values(), ids=list(VALUES))
def test_values_come_back(collection: Collection, given: Any, stored: Any) -> None:
    collection.insert_one({"_id": 1, "v": given})
    found = collection.find_one({"_id": 1})
    assert found == {"_id": 1, "v": stored}
    assert list(found) == ["_id", "v"]
    assert isinstance(found["v"], type(stored))
    assert isinstance(found["v"], bool) == isinstance(stored, bool)
    collection.update_one({"_id": 1}, {"$set": {"w": given}})
    assert collection.find_one({"_id": 1}, {"_id": 0, "w": 1}) == {"w": stored}


class Names(OrderedDict[str, Any]):
    pass


CHANGED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "enum": ({"v": State.READY}, {"v": "READY"}),
    "tuple": ({"v": ("a", "b")}, {"v": "b"}),
    "enum in a list": ({"v": ["a", State.READY]}, {"v": "READY"}),
    "time": (
        {"v": datetime(2024, 5, 6, 7, 8, 9, 123456)},
        {"v": datetime(2024, 5, 6, 7, 8, 9, 123000)},
    ),
    "another dictionary": ({"p": Names(q="x")}, {"p.q": "x"}),
    "a list of them": ({"p": [Names(q=("x", "y"))]}, {"p.q": "y"}),
    "pair of a tuple": ({"v": ("a", "b"), "w": "c"}, {"v": "b", "w": "c"}),
    "pair with an enum": ({"v": ["a", "b"], "w": State.READY}, {"v": "b", "w": "READY"}),
    "id": ({"_id": State.READY}, {"_id": "READY"}),
    "nothing on the way": ({"p": 7}, {"p.q": None}),
}


@pytest.mark.parametrize(("given", "query"), CHANGED.values(), ids=list(CHANGED))
def test_an_index_finds_what_was_given_in_another_way(
    collection: Collection, given: Document, query: dict[str, Any]
) -> None:
    for keys in ("v", "p.q", [("v", 1), ("w", 1)]):
        collection.create_index(keys)
    collection.insert_many([{"v": ["z"], "p": {"q": "z"}, "w": "z"}, dict(given)])
    found = list(collection.find(query))
    assert len(found) == 1
    assert "z" not in found[0].values()


@pytest.mark.parametrize(
    "value",
    [2**70, object(), {1, 2}, {1: "x"}, Exception("x"), len],
    ids=["too large", "object", "set", "number as key", "exception", "function"],
)
def test_values_that_cannot_be_stored(collection: Collection, value: Any) -> None:
    with pytest.raises(ArgumentError):
        collection.insert_one({"v": value})
    with pytest.raises(ArgumentError):
        collection.insert_many([{"v": value}])
    with pytest.raises(ArgumentError):
        collection.update_one({}, {"$set": {"v": value}}, upsert=True)
    with pytest.raises(ArgumentError):
        list(collection.find({"v": value}))
    with pytest.raises(ArgumentError):
        collection.bulk_write([InsertOne({"v": value})])
    assert collection.count_documents({}) == 0


def test_ids_are_made_and_returned(collection: Collection) -> None:
    document: Document = {"a": 1}
    inserted = collection.insert_one(document).inserted_id
    assert isinstance(inserted, ObjectId)
    assert document == {"a": 1, "_id": inserted}
    documents: list[Document] = [{"a": 2}, {"_id": "own"}, {"a": 3}]
    ids = collection.insert_many(documents).inserted_ids
    assert ids == [d["_id"] for d in documents]
    assert ids[1] == "own"
    assert collection.count_documents({"_id": {"$in": [inserted, *ids]}}) == 4


def test_nothing_to_insert_is_nothing_to_do(collection: Collection) -> None:
    assert collection.insert_many([]).inserted_ids == []
    assert collection.insert_many(iter([{"_id": 1}])).inserted_ids == [1]


def test_ids_are_unique(collection: Collection) -> None:
    collection.insert_one({"_id": 1})
    with pytest.raises(DuplicateKeyError):
        collection.insert_one({"_id": 1})
    assert collection.count_documents({}) == 1


@pytest.mark.parametrize("ordered", [True, False], ids=["ordered", "unordered"])
def test_a_refused_document_among_many(
    shared_database: Database, collection: Collection, ordered: bool
) -> None:
    collection.create_index("uuid", unique=True)
    documents: list[Document] = [{"uuid": "a"}, {"uuid": "a"}, {"uuid": "b"}]
    with pytest.raises(DuplicateKeyError):
        collection.insert_many(documents, ordered=ordered)
    kept = sorted(d["uuid"] for d in collection.find())
    if shared_database.engine == "embedded":
        assert kept == []
    else:
        assert kept == (["a"] if ordered else ["a", "b"])


def test_deleting(fill: Fill) -> None:
    collection = fill([{"_id": n, "a": n % 2} for n in range(6)])
    assert collection.delete_one({"a": 1}).deleted_count == 1
    assert collection.delete_one({"a": 7}).deleted_count == 0
    assert collection.delete_many({"a": 1}).deleted_count == 2
    assert [d["_id"] for d in collection.find(sort=[("_id", 1)])] == [0, 2, 4]
    collection.drop()
    assert collection.count_documents({}) == 0
    collection.drop()


def jobs() -> list[Document]:
    return [
        {"_id": 1, "state": "READY", "priority": 0, "created_on": datetime(2024, 1, 1)},
        {"_id": 2, "state": "READY", "priority": 5, "created_on": datetime(2024, 1, 3)},
        {"_id": 3, "state": "READY", "priority": 5, "created_on": datetime(2024, 1, 2)},
        {"_id": 4, "state": "WAITING", "priority": 9, "created_on": datetime(2024, 1, 1)},
    ]


CLAIM = [("priority", -1), ("created_on", 1)]


@pytest.mark.parametrize("indexed", [False, True], ids=["plain", "indexed"])
def test_claims_in_order(fill: Fill, indexed: bool) -> None:
    collection = fill(jobs())
    if indexed:
        collection.create_index([("state", 1), *CLAIM])
    claimed = []
    while found := collection.find_one_and_update(
        {"state": "READY"}, {"$set": {"state": "CHECKED_OUT"}}, ["_id"], sort=CLAIM
    ):
        claimed.append(found["_id"])
    assert claimed == [3, 2, 1]


@pytest.mark.parametrize(
    ("when", "state"),
    [
        ("before", "READY"),
        (False, "READY"),
        ("after", "DONE"),
        (True, "DONE"),
    ],
)
def test_before_or_after(fill: Fill, when: Any, state: str) -> None:
    collection = fill(jobs())
    found = collection.find_one_and_update(
        {"_id": 1}, {"$set": {"state": "DONE"}}, sort=[("_id", 1)], return_document=when
    )
    assert found is not None
    assert found["state"] == state


def test_claiming_nothing(collection: Collection) -> None:
    by = [("_id", 1)]
    assert collection.find_one_and_update({"a": 1}, {"$set": {"b": 1}}, sort=by) is None
    assert collection.find_one_and_delete({"a": 1}, sort=by) is None
    assert collection.count_documents({}) == 0


def test_claim_or_make(collection: Collection) -> None:
    def count_up(when: Any) -> Document | None:
        return collection.find_one_and_update(
            {"_id": "counter"}, {"$inc": {"n": 1}}, upsert=True, return_document=when
        )

    assert count_up("before") is None
    assert count_up("after") == {"_id": "counter", "n": 2}
    assert collection.find_one_and_update(
        {"_id": "other"},
        {"$inc": {"n": 1}},
        {"_id": 0, "n": 1},
        upsert=True,
        return_document="after",
    ) == {"n": 1}


def test_taking_out(fill: Fill) -> None:
    collection = fill(jobs())
    assert collection.find_one_and_delete({"state": "READY"}, ["priority"], sort=CLAIM) == {
        "_id": 3,
        "priority": 5,
    }
    assert collection.count_documents({}) == 3


def test_bulk(fill: Fill) -> None:
    collection = fill([{"_id": n, "a": 0} for n in range(5)])
    done = collection.bulk_write(
        [
            InsertOne({"_id": 9, "a": 9}),
            UpdateOne({"_id": 0}, {"$set": {"a": 1}}),
            UpdateOne({"_id": 1}, [{"$set": {"a": {"$literal": "$x"}}}]),
            UpdateOne({"_id": 9}, {"$set": {"a": 9}}),
            UpdateOne({"_id": 7}, {"$set": {"a": 7}}, upsert=True),
            UpdateOne({"_id": "nobody"}, {"$set": {"a": 7}}),
            UpdateMany({"a": 0}, {"$inc": {"a": 2}}),
            ReplaceOne({"_id": 4}, {"b": 1}),
            ReplaceOne({"_id": 8}, {"b": 2}, upsert=True),
            DeleteOne({"_id": 3}),
            DeleteMany({"a": {"$in": [7, 9]}}),
        ]
    )
    assert done.inserted_count == 1
    assert done.matched_count == 7
    assert done.modified_count == 6
    assert done.upserted_count == 2
    assert done.deleted_count == 3
    assert list(collection.find(sort=[("_id", 1)])) == [
        {"_id": 0, "a": 1},
        {"_id": 1, "a": "$x"},
        {"_id": 2, "a": 2},
        {"_id": 4, "b": 1},
        {"_id": 8, "b": 2},
    ]


def test_bulk_of_nothing(collection: Collection) -> None:
    assert collection.bulk_write([]).matched_count == 0


def test_bulk_takes_pymongos_operations(collection: Collection) -> None:
    operations: list[Any] = [
        pymongo.InsertOne({"_id": 1, "a": 1}),
        pymongo.InsertOne({"_id": 2, "a": 1}),
        pymongo.UpdateOne({"_id": 1}, {"$set": {"a": 2}}),
        pymongo.UpdateMany({}, {"$inc": {"a": 1}}),
        pymongo.ReplaceOne({"_id": 3}, {"a": 5}, upsert=True),
        pymongo.DeleteOne({"_id": 2}),
        pymongo.DeleteMany({"_id": "nobody"}),
    ]
    done = collection.bulk_write(operations)
    assert (done.inserted_count, done.upserted_count, done.deleted_count) == (2, 1, 1)
    assert list(collection.find(sort=[("_id", 1)])) == [{"_id": 1, "a": 3}, {"_id": 3, "a": 5}]


def test_bulk_takes_nothing_else(collection: Collection) -> None:
    wrong: list[Any] = [{"insert": 1}]
    with pytest.raises(ArgumentError):
        collection.bulk_write(wrong)


@pytest.mark.parametrize("ordered", [True, False], ids=["ordered", "unordered"])
def test_a_refused_write_among_many(
    shared_database: Database, collection: Collection, ordered: bool
) -> None:
    operations = [InsertOne({"_id": n}) for n in (1, 2, 1, 3)]
    with pytest.raises(DuplicateKeyError):
        collection.bulk_write(operations, ordered=ordered)
    kept = sorted(d["_id"] for d in collection.find())
    if shared_database.engine == "embedded":
        assert kept == []
    else:
        assert kept == ([1, 2] if ordered else [1, 2, 3])


def test_a_large_bulk(collection: Collection) -> None:
    collection.insert_many([{"_id": n, "a": 0} for n in range(1000)])
    done = collection.bulk_write(
        [UpdateOne({"_id": n}, {"$set": {"a": n}}) for n in range(1000)], ordered=False
    )
    assert done.matched_count == 1000
    assert collection.count_documents({"a": {"$gt": 0}}) == 999


def test_wide_documents(collection: Collection) -> None:
    wide = {f"field_{n}": "x" * 300 for n in range(400)}
    deep: Document = {}
    for _ in range(60):
        deep = {"d": deep}
    collection.insert_one({"_id": 1, **wide, "deep": deep})
    collection.update_one({"_id": 1}, {"$set": {"field_7": "y"}, "$inc": {"n": 1}})
    found = collection.find_one({"_id": 1})
    assert found == {"_id": 1, **wide, "deep": deep, "field_7": "y", "n": 1}
    assert collection.count_documents({"field_9": re.compile("^x+$")}) == 1


def test_an_update_of_many_documents_of_all_kinds(fill: Fill) -> None:
    """Indexed and not, in arrays, with large values, that become large, that stay as they are."""
    kinds: list[Document] = [
        {"s": "a", "hosts": ["f", "g"]},
        {"s": "a", "hosts": ["f"], "large": "x" * 5000},
        {"s": "a", "hosts": []},
        {"s": "b", "hosts": ["f"], "n": {"m": 1}},
        {"s": "a", "hosts": "f"},
        {"s": None, "hosts": ["f"]},
        {"hosts": ["f"], "pad": "y" * 1900},
    ]
    jobs = fill([{"_id": n, "k": n % 3, **kinds[n % len(kinds)]} for n in range(1400)])
    for keys in ([("hosts", 1), ("s", 1)], [("s", 1), ("k", 1)], "k"):
        jobs.create_index(keys)
    before = {d["_id"]: d for d in jobs.find({})}

    done = jobs.update_many({"k": {"$in": [0, 1]}}, {"$set": {"s": "b", "n.m": 1, "new": "z" * 99}})

    changed = {n: d for n, d in before.items() if d["k"] != 2}
    assert (done.matched_count, done.modified_count) == (len(changed), len(changed))
    for number, document in before.items():
        if number in changed:
            document |= {"s": "b", "n": {"m": 1}, "new": "z" * 99}
    assert {d["_id"]: d for d in jobs.find({})} == before
    for query in ({"hosts": "f", "s": "b"}, {"hosts": "f", "s": "a"}, {"s": "b", "k": 2}):
        wanted = {
            n
            for n, d in before.items()
            if all(d.get(k) == v or v in (d.get(k) or ()) for k, v in query.items() if k != "k")
            and d["k"] == query.get("k", d["k"])
        }
        assert {d["_id"] for d in jobs.find(query, ["_id"])} == wanted
    again = jobs.update_many({"k": {"$in": [0, 1]}}, {"$set": {"s": "b", "n.m": 1}})
    assert (again.matched_count, again.modified_count) == (len(changed), 0)


def test_fields_that_an_index_holds_are_those_of_the_documents(fill: Fill) -> None:
    when = datetime(2024, 5, 6, 7, 8)
    jobs = fill(
        [
            {"_id": 1, "a": "x", "b": 1, "c": when},
            {"_id": 2, "a": "y", "b": 2.5, "c": True},
            {"_id": "3", "a": "z", "b": None, "c": "t"},
            {"_id": 4, "a": "z", "c": [1]},
        ]
    )
    for path in ("a", "b"):
        jobs.create_index(path)
    assert jobs.find_one({"a": "x"}, ["a", "b"]) == {"_id": 1, "a": "x", "b": 1}
    of_a = sorted(jobs.find({"a": {"$ne": "q"}}, ["a"]), key=lambda d: (d["a"], str(d["_id"])))
    assert of_a == [{"_id": n, "a": a} for n, a in ((1, "x"), (2, "y"), ("3", "z"), (4, "z"))]
    assert list(jobs.find({"a": "z"}, {"b": 1, "_id": 0})) in (
        [{"b": None}, {}],
        [{}, {"b": None}],
    )
    jobs.create_index("c")
    assert list(jobs.find({"a": {"$in": ["x", "y"]}}, ["c"])) == [
        {"_id": 1, "c": when},
        {"_id": 2, "c": True},
    ]
