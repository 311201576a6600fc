"""Order, projections, pages, and what iterating promises while others write."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from bson import ObjectId

from controller.errors import ControllerError
from controller.storage.base import Collection, Document

Fill = Callable[[list[Document]], Collection]

IN_BSON_ORDER: list[tuple[str, Document]] = [
    ("missing", {}),
    ("-1", {"v": -1}),
    ("0.5", {"v": 0.5}),
    ("7", {"v": 7}),
    ("2**40", {"v": 2**40}),
    ("A", {"v": "A"}),
    ("a", {"v": "a"}),
    ("ab", {"v": "ab"}),
    ("ä", {"v": "ä"}),
    ("x 1", {"v": {"x": 1}}),
    ("x 2", {"v": {"x": 2}}),
    ("bytes", {"v": b"a"}),
    ("id", {"v": ObjectId("65a000000000000000000001")}),
    ("false", {"v": False}),
    ("true", {"v": True}),
    ("date", {"v": datetime(2024, 1, 1)}),
    ("later", {"v": datetime(2024, 1, 2)}),
]


@pytest.mark.parametrize("indexed", [False, True], ids=["plain", "indexed"])
def test_order_of_types(collection: Collection, indexed: bool) -> None:
    names = [name for name, _ in IN_BSON_ORDER]
    collection.insert_many([{"_id": n, **d} for n, d in reversed(IN_BSON_ORDER)])
    if indexed:
        collection.create_index("v")
    assert [d["_id"] for d in collection.find(sort=[("v", 1)])] == names
    assert [d["_id"] for d in collection.find(sort=[("v", -1)])] == names[::-1]


def test_arrays_sort_by_their_smallest_or_largest(fill: Fill) -> None:
    collection = fill([{"_id": 1, "v": [5, 9]}, {"_id": 2, "v": 6}, {"_id": 3, "v": [1, 7]}])
    assert [d["_id"] for d in collection.find(sort=[("v", 1)])] == [3, 1, 2]
    assert [d["_id"] for d in collection.find(sort=[("v", -1)])] == [1, 3, 2]


def test_order_by_several_fields(fill: Fill) -> None:
    collection = fill(
        [
            {"_id": 1, "priority": 0, "created_on": datetime(2024, 1, 1), "job": {"name": "c"}},
            {"_id": 2, "priority": 5, "created_on": datetime(2024, 1, 3), "job": {"name": "b"}},
            {"_id": 3, "priority": 5, "created_on": datetime(2024, 1, 2), "job": {"name": "a"}},
            {"_id": 4, "created_on": datetime(2024, 1, 1), "job": {}},
        ]
    )
    order = [("priority", -1), ("created_on", 1)]
    expected = [3, 2, 1, 4]
    assert [d["_id"] for d in collection.find(sort=order)] == expected
    collection.create_index(order)
    assert [d["_id"] for d in collection.find(sort=order)] == expected
    assert [d["_id"] for d in collection.find({"priority": 5}, sort=order)] == [3, 2]
    assert [d["_id"] for d in collection.find(sort=[("job.name", 1)])] == [4, 3, 2, 1]


def test_skip_and_limit(fill: Fill) -> None:
    collection = fill([{"_id": n, "a": n % 2} for n in range(10)])
    by_id = [("_id", 1)]
    assert [d["_id"] for d in collection.find(sort=by_id, skip=2, limit=3)] == [2, 3, 4]
    assert [d["_id"] for d in collection.find({"a": 1}, sort=by_id, skip=3)] == [7, 9]
    assert [d["_id"] for d in collection.find(sort=by_id, limit=0)] == list(range(10))
    assert list(collection.find(skip=99)) == []
    found = collection.find_one({"a": 1}, sort=[("_id", -1)], skip=1)
    assert found is not None
    assert found["_id"] == 7
    assert collection.count_documents({"a": 1}, limit=2) == 2
    assert collection.count_documents({"a": 1}, skip=4) == 1
    assert collection.count_documents({"a": 1}, skip=9) == 0


DOCUMENT: Document = {
    "_id": 1,
    "uuid": "u",
    "job": {"name": "relax", "metadata": {"tag": "x", "n": 1}, "hosts": ["h"]},
    "steps": [{"a": 1, "b": 2}, {"a": 3}],
    "n": 5,
}

PROJECTIONS: list[tuple[Any, Document]] = [
    (None, DOCUMENT),
    (["uuid"], {"_id": 1, "uuid": "u"}),
    ({"uuid": 1}, {"_id": 1, "uuid": "u"}),
    ({"uuid": True, "_id": False}, {"uuid": "u"}),
    ({"_id": 1}, {"_id": 1}),
    (["_id"], {"_id": 1}),
    (["job.name"], {"_id": 1, "job": {"name": "relax"}}),
    (
        ["job.name", "job.metadata.tag"],
        {"_id": 1, "job": {"name": "relax", "metadata": {"tag": "x"}}},
    ),
    ({"steps.a": 1, "_id": 0}, {"steps": [{"a": 1}, {"a": 3}]}),
    (["nobody"], {"_id": 1}),
    (["job.nobody"], {"_id": 1, "job": {}}),
    ({"job": 0, "steps": 0}, {"_id": 1, "uuid": "u", "n": 5}),
    (
        {"job.metadata": 0, "steps.b": 0, "_id": 0},
        {
            "uuid": "u",
            "job": {"name": "relax", "hosts": ["h"]},
            "steps": [{"a": 1}, {"a": 3}],
            "n": 5,
        },
    ),
    ({"uuid": 1, "steps": {"$elemMatch": {"a": 3}}}, {"_id": 1, "uuid": "u", "steps": [{"a": 3}]}),
    (
        {"steps": {"$slice": -1}, "job": 0},
        {**{k: v for k, v in DOCUMENT.items() if k != "job"}, "steps": [{"a": 3}]},
    ),
    ({"_id": 0}, {k: v for k, v in DOCUMENT.items() if k != "_id"}),
]


@pytest.mark.parametrize(
    ("projection", "expected"), PROJECTIONS, ids=[str(p) for p, _ in PROJECTIONS]
)
def test_projection(fill: Fill, projection: Any, expected: Document) -> None:
    collection = fill([dict(DOCUMENT)])
    assert collection.find_one({}, projection) == expected
    assert list(collection.find({"n": 5}, projection, sort=[("n", 1)])) == [expected]
    found = collection.find_one_and_update({}, {"$set": {"n": 5}}, projection, sort=[("n", 1)])
    assert found == expected


def test_a_projection_either_takes_or_leaves(fill: Fill) -> None:
    collection = fill([dict(DOCUMENT)])
    with pytest.raises(ControllerError):
        collection.find_one({}, {"uuid": 1, "n": 0})


def test_what_is_read_belongs_to_the_reader(fill: Fill) -> None:
    collection = fill([dict(DOCUMENT)])
    found = collection.find_one({})
    assert found is not None
    found["job"]["name"] = "changed"
    assert collection.find_one({}) == DOCUMENT


def test_distinct(fill: Fill) -> None:
    collection = fill(
        [
            {"state": "READY", "job": {"hosts": ["a", "b"]}, "n": 1},
            {"state": "READY", "job": {"hosts": ["b"]}, "n": 1},
            {"state": "FAILED", "job": {"hosts": []}, "n": None},
            {"job": {"hosts": ["c"]}},
        ]
    )
    assert sorted(collection.distinct("state")) == ["FAILED", "READY"]
    assert sorted(collection.distinct("job.hosts")) == ["a", "b", "c"]
    assert sorted(collection.distinct("job.hosts", {"state": "READY"})) == ["a", "b"]
    assert sorted(collection.distinct("n"), key=str) == [1, None]
    assert collection.distinct("nobody") == []
    collection.create_index("state")
    assert sorted(collection.distinct("state")) == ["FAILED", "READY"]
    assert collection.distinct("state", {"state": "FAILED"}) == ["FAILED"]


MANY = 2500


def test_all_of_many_are_returned_once(fill: Fill) -> None:
    collection = fill([{"_id": n, "v": -n} for n in range(MANY)])
    assert sorted(d["_id"] for d in collection.find()) == list(range(MANY))
    assert [d["_id"] for d in collection.find(sort=[("v", 1)])] == list(range(MANY))[::-1]
    page = [d["_id"] for d in collection.find(sort=[("_id", 1)], skip=1200, limit=1200)]
    assert page == list(range(1200, 2400))


def test_a_document_that_moves_is_returned_once(fill: Fill) -> None:
    collection = fill([{"_id": n, "v": n} for n in range(MANY)])
    seen = []
    for document in collection.find({"v": {"$gte": 0}}, sort=[("v", 1)]):
        seen.append(document["_id"])
        if len(seen) % 500 == 1:
            collection.update_one({"_id": document["_id"]}, {"$inc": {"v": 10 * MANY}})
    assert sorted(seen) == list(range(MANY))


def test_deleting_what_is_iterated(fill: Fill) -> None:
    collection = fill([{"_id": n} for n in range(1500)])
    seen = 0
    for document in collection.find({}, ["_id"]):
        seen += 1
        if seen <= 100:
            collection.delete_one({"_id": document["_id"]})
    assert seen == 1500
    assert collection.count_documents({}) == 1400


def test_an_iterator_may_be_left(fill: Fill) -> None:
    collection = fill([{"_id": n} for n in range(1500)])
    iterator = iter(collection.find())
    next(iterator)
    del iterator
    assert collection.delete_many({}).deleted_count == 1500


def test_pymongo_style_cursors(fill: Fill) -> None:
    collection: Any = fill([{"_id": n, "a": n % 3} for n in range(9)])
    cursor = collection.find({"a": {"$gt": 0}}).sort("_id", -1).skip(1).limit(2)
    assert [d["_id"] for d in cursor] == [7, 5]
    assert [d["_id"] for d in collection.find().sort([("a", 1), ("_id", -1)])][:3] == [6, 3, 0]
    assert len(collection.find({"a": 1}).batch_size(1).to_list()) == 3
    with collection.find() as cursor:
        assert next(cursor) is not None
    assert collection.find_one(4)["_id"] == 4
