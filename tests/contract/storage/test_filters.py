"""What each filter selects."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from bson import ObjectId

from controller.errors import ControllerError, StorageError
from controller.storage.base import Collection, Database, Document

EARLY, LATE = datetime(2024, 1, 1), datetime(2025, 6, 1, 12, 30, 15, 123000)
SOME_ID = ObjectId("65a000000000000000000001")

VALUES: dict[str, Any] = {
    "null": None,
    "zero": 0,
    "one": 1,
    "two": 2,
    "one and a half": 1.5,
    "large": 2**40,
    "true": True,
    "false": False,
    "no text": "",
    "a": "a",
    "b": "b",
    "A": "A",
    "early": EARLY,
    "late": LATE,
    "id": SOME_ID,
    "bytes": b"ab",
    "x": {"x": 1},
    "x y": {"x": 1, "y": 2},
    "{}": {},
    "[1, 5]": [1, 5],
    "[a, c]": ["a", "c"],
    "[]": [],
    "[null]": [None],
    "[x y]": [{"x": 1, "y": 5}, {"x": 3, "y": 2}],
    "[[1, 2], [3]]": [[1, 2], [3]],
}
DOCUMENTS = [{"_id": "missing"}, *({"_id": name, "v": value} for name, value in VALUES.items())]
EVERYTHING = {d["_id"] for d in DOCUMENTS}
NULLS = {"missing", "null", "[null]"}
ARRAYS = {name for name, value in VALUES.items() if isinstance(value, list)}

CASES: list[tuple[dict[str, Any], set[str]]] = [
    ({}, EVERYTHING),
    ({"_id": "a"}, {"a"}),
    ({"_id": {"$in": ["a", "b", "nobody"]}}, {"a", "b"}),
    # equality, through arrays
    ({"v": None}, NULLS),
    ({"v": {"$eq": None}}, NULLS),
    ({"v": 1}, {"one", "[1, 5]"}),
    ({"v": 1.0}, {"one", "[1, 5]"}),
    ({"v": True}, {"true"}),
    ({"v": False}, {"false"}),
    ({"v": 0}, {"zero"}),
    ({"v": "a"}, {"a", "[a, c]"}),
    ({"v": ""}, {"no text"}),
    ({"v": SOME_ID}, {"id"}),
    ({"v": b"ab"}, {"bytes"}),
    ({"v": LATE}, {"late"}),
    ({"v": LATE.replace(tzinfo=UTC)}, {"late"}),
    (
        {"v": (LATE + timedelta(hours=2)).replace(tzinfo=timezone(timedelta(hours=2)))},
        {"late"},
    ),
    ({"v": ["a", "c"]}, {"[a, c]"}),
    ({"v": ("a", "c")}, {"[a, c]"}),
    ({"v": ["c", "a"]}, set()),
    ({"v": [1, 2]}, {"[[1, 2], [3]]"}),
    ({"v": []}, {"[]"}),
    ({"v": {}}, {"{}"}),
    ({"v": {"x": 1}}, {"x"}),
    ({"v": {"x": 1, "y": 2}}, {"x y"}),
    ({"v": {"y": 2, "x": 1}}, set()),
    # paths
    ({"v.x": 1}, {"x", "x y", "[x y]"}),
    ({"v.x": 3}, {"[x y]"}),
    ({"v.x": 1, "v.y": 2}, {"x y", "[x y]"}),
    ({"v.0": 1}, {"[1, 5]"}),
    ({"v.1": "c"}, {"[a, c]"}),
    ({"v.1.y": 2}, {"[x y]"}),
    ({"v.0": [1, 2]}, {"[[1, 2], [3]]"}),
    ({"v.7": {"$exists": True}}, set()),
    ({"v.x": {"$exists": True}}, {"x", "x y", "[x y]"}),
    ({"v.y": {"$gt": 1}}, {"x y", "[x y]"}),
    ({"v.0": {"$exists": True}}, ARRAYS - {"[]"}),
    # order, within a type only
    ({"v": {"$gt": 0}}, {"one", "two", "one and a half", "large", "[1, 5]"}),
    ({"v": {"$gte": 2}}, {"two", "large", "[1, 5]"}),
    ({"v": {"$gte": 1, "$lte": 2}}, {"one", "two", "one and a half", "[1, 5]"}),
    ({"v": {"$lt": 1}}, {"zero"}),
    ({"v": {"$gt": 1, "$lt": 5}}, {"two", "one and a half", "[1, 5]"}),
    ({"v": {"$gt": ""}}, {"a", "b", "A", "[a, c]"}),
    ({"v": {"$lt": "a"}}, {"no text", "A"}),
    ({"v": {"$gte": "b"}}, {"b", "[a, c]"}),
    ({"v": {"$gte": EARLY}}, {"early", "late"}),
    ({"v": {"$gt": EARLY, "$lt": datetime(2030, 1, 1)}}, {"late"}),
    ({"v": {"$lt": EARLY}}, set()),
    ({"v": {"$gt": False}}, {"true"}),
    ({"v": {"$gte": SOME_ID}}, {"id"}),
    ({"v": {"$gt": ObjectId("65a000000000000000000000")}}, {"id"}),
    # negation
    ({"v": {"$ne": None}}, EVERYTHING - NULLS),
    ({"v": {"$ne": 1}}, EVERYTHING - {"one", "[1, 5]"}),
    ({"v": {"$ne": "a"}}, EVERYTHING - {"a", "[a, c]"}),
    ({"v": {"$not": {"$gt": 0}}}, EVERYTHING - {"one", "two", "one and a half", "large", "[1, 5]"}),
    ({"v": {"$not": {"$gte": 1, "$lt": 2}}}, EVERYTHING - {"one", "one and a half", "[1, 5]"}),
    ({"v": {"$not": re.compile("^a")}}, EVERYTHING - {"a", "[a, c]"}),
    ({"v": {"$not": {"$exists": True}}}, {"missing"}),
    # lists of values
    ({"v": {"$in": [1, "a", None]}}, NULLS | {"one", "[1, 5]", "a", "[a, c]"}),
    ({"v": {"$in": []}}, set()),
    ({"v": {"$in": [[1, 2], {"x": 1}]}}, {"[[1, 2], [3]]", "x"}),
    ({"v": {"$in": [re.compile("^b"), 2]}}, {"b", "two"}),
    ({"v": {"$in": [LATE, SOME_ID, True]}}, {"late", "id", "true"}),
    ({"v": {"$nin": [None]}}, EVERYTHING - NULLS),
    ({"v": {"$nin": [1, "a"]}}, EVERYTHING - {"one", "[1, 5]", "a", "[a, c]"}),
    ({"v": {"$nin": []}}, EVERYTHING),
    # what is there
    ({"v": {"$exists": True}}, EVERYTHING - {"missing"}),
    ({"v": {"$exists": False}}, {"missing"}),
    ({"v": {"$exists": True, "$ne": None}}, EVERYTHING - NULLS),
    ({"v": {"$type": "string"}}, {"no text", "a", "b", "A", "[a, c]"}),
    ({"v": {"$type": "null"}}, {"null", "[null]"}),
    ({"v": {"$type": "date"}}, {"early", "late"}),
    ({"v": {"$type": "array"}}, ARRAYS),
    ({"v": {"$type": "object"}}, {"x", "x y", "{}", "[x y]"}),
    ({"v": {"$type": ["bool", "objectId"]}}, {"true", "false", "id"}),
    ({"v": {"$type": "number"}}, {"zero", "one", "two", "one and a half", "large", "[1, 5]"}),
    ({"v": {"$type": 2}}, {"no text", "a", "b", "A", "[a, c]"}),
    # arrays
    ({"v": {"$size": 2}}, {"[1, 5]", "[a, c]", "[x y]", "[[1, 2], [3]]"}),
    ({"v": {"$size": 0}}, {"[]"}),
    ({"v": {"$all": [1, 5]}}, {"[1, 5]"}),
    ({"v": {"$all": ["a"]}}, {"a", "[a, c]"}),
    ({"v": {"$all": []}}, set()),
    ({"v": {"$elemMatch": {"$gt": 1, "$lt": 5}}}, set()),
    ({"v": {"$elemMatch": {"$gte": 1, "$lt": 5}}}, {"[1, 5]"}),
    ({"v": {"$elemMatch": {"x": 1, "y": 2}}}, set()),
    ({"v": {"$elemMatch": {"x": 1, "y": 5}}}, {"[x y]"}),
    ({"v": {"$elemMatch": {"x": {"$gt": 1}}}}, {"[x y]"}),
    ({"v": {"$elemMatch": {"$in": ["a", 5]}}}, {"[1, 5]", "[a, c]"}),
    ({"v": {"$not": {"$elemMatch": {"x": 1}}}}, EVERYTHING - {"[x y]"}),
    # text
    ({"v": {"$regex": "^a"}}, {"a", "[a, c]"}),
    ({"v": {"$regex": "^a", "$options": "i"}}, {"a", "A", "[a, c]"}),
    ({"v": re.compile("^a$", re.IGNORECASE)}, {"a", "A", "[a, c]"}),
    ({"v": {"$regex": re.compile("c")}}, {"[a, c]"}),
    ({"v": {"$regex": "a|b", "$ne": "a"}}, {"b"}),
    # remainder
    ({"v": {"$mod": [2, 0]}}, {"zero", "two", "large"}),
    # logic
    ({"$or": [{"v": "a"}, {"v": 2}]}, {"a", "[a, c]", "two"}),
    ({"$and": [{"v": {"$gt": 0}}, {"v": {"$lt": 2}}]}, {"one", "one and a half", "[1, 5]"}),
    ({"$nor": [{"v": {"$exists": True}}, {"_id": "nobody"}]}, {"missing"}),
    ({"v": {"$gt": 0}, "$or": [{"v": 1}, {"_id": "two"}]}, {"one", "[1, 5]", "two"}),
    ({"$or": [{"$and": [{"_id": "a"}, {"v": "a"}]}, {"_id": "b", "v": "a"}]}, {"a"}),
    ({"$and": [{"$or": [{"_id": "a"}, {"_id": "b"}]}, {"v": {"$nin": ["a"]}}]}, {"b"}),
    # expressions
    ({"$expr": {"$eq": ["$v", 2]}}, {"two"}),
    ({"$expr": {"$in": ["$_id", ["a", "b"]]}}, {"a", "b"}),
]


@pytest.fixture(scope="module")
def values(shared_database: Database) -> Collection:
    collection = shared_database.collection("values")
    collection.insert_many([dict(d) for d in DOCUMENTS])
    return collection


@pytest.fixture(scope="module")
def indexed_values(shared_database: Database) -> Collection:
    """The same documents behind indexes, which must never change an answer."""
    collection = shared_database.collection("indexed_values")
    collection.create_index("v")
    collection.create_index([("v.x", 1), ("v", -1)])
    collection.insert_many([dict(d) for d in DOCUMENTS])
    return collection


@pytest.mark.parametrize(("query", "expected"), CASES, ids=[str(query) for query, _ in CASES])
def test_filter_selects(values: Collection, query: Any, expected: set[str]) -> None:
    assert {d["_id"] for d in values.find(query)} == expected
    assert values.count_documents(query) == len(expected)


def test_indexes_change_no_answer(indexed_values: Collection) -> None:
    wrong = {
        str(query): found
        for query, expected in CASES
        if (found := {d["_id"] for d in indexed_values.find(query)}) != expected
        or indexed_values.count_documents(query) != len(expected)
    }
    assert wrong == {}


NULL_ALONG_A_PATH: list[tuple[Document, bool]] = [
    ({}, True),
    ({"a": None}, True),
    ({"a": {}}, True),
    ({"a": {"b": None}}, True),
    ({"a": 5}, True),
    ({"a": {"b": 0}}, False),
    ({"a": {"b": []}}, False),
    ({"a": [{"b": 1}, {}]}, True),
    ({"a": [{"b": 1}]}, False),
    ({"a": [5]}, False),
    ({"a": []}, False),
]


def test_null_along_a_path(fill: Callable[[list[Document]], Collection]) -> None:
    collection = fill([{"_id": n, **d} for n, (d, _) in enumerate(NULL_ALONG_A_PATH)])
    expected = {n for n, (_, found) in enumerate(NULL_ALONG_A_PATH) if found}
    assert {d["_id"] for d in collection.find({"a.b": None})} == expected
    others = set(range(len(NULL_ALONG_A_PATH))) - expected
    assert {d["_id"] for d in collection.find({"a.b": {"$ne": None}})} == others


def test_fields_are_compared_by_expressions(
    fill: Callable[[list[Document]], Collection],
) -> None:
    collection = fill(
        [
            {"_id": 1, "start": EARLY, "end": LATE, "a": 1, "b": 1},
            {"_id": 2, "start": LATE, "end": EARLY, "a": 1, "b": 2},
        ]
    )
    assert [d["_id"] for d in collection.find({"$expr": {"$gt": ["$end", "$start"]}})] == [1]
    query = {"$expr": {"$and": [{"$eq": ["$a", 1]}, {"$ne": ["$a", "$b"]}]}}
    assert [d["_id"] for d in collection.find(query)] == [2]


def test_flows_are_found_by_their_jobs(fill: Callable[[list[Document]], Collection]) -> None:
    collection = fill(
        [
            {"_id": "f1", "jobs": ["a", "b"], "ids": [["1", "a", 1], ["2", "b", 1]]},
            {"_id": "f2", "jobs": ["c"], "ids": [["3", "c", 1]]},
        ]
    )
    assert collection.find_one({"jobs": "b"}, ["_id"]) == {"_id": "f1"}
    assert collection.find_one({"jobs": {"$in": ["c", "z"]}}, ["_id"]) == {"_id": "f2"}
    assert collection.find_one({"ids": {"$elemMatch": {"0": "2"}}}, ["_id"]) == {"_id": "f1"}
    assert collection.find_one({"ids": ["3", "c", 1]}, ["_id"]) == {"_id": "f2"}


@pytest.mark.parametrize(
    "query",
    [
        {"$or": []},
        {"$and": {}},
        {"v": {"$in": "a"}},
        {"v": {"$regex": "("}},
        {"v": {"$nosuch": 1}},
        {"$nosuch": 1},
    ],
    ids=str,
)
def test_malformed_filters_are_refused(values: Collection, query: Any) -> None:
    with pytest.raises(ControllerError):
        list(values.find(query))
    with pytest.raises(ControllerError):
        values.count_documents(query)


@pytest.mark.parametrize("query", [5, "READY", ["a"]], ids=str)
def test_a_filter_is_a_dictionary(values: Collection, query: Any) -> None:
    with pytest.raises((ControllerError, TypeError)):
        list(values.find(query))


def test_nothing_is_found_where_nothing_is(collection: Collection) -> None:
    assert list(collection.find({"a": 1})) == []
    assert collection.find_one() is None
    assert collection.count_documents({}) == 0
    assert collection.estimated_document_count() == 0
    assert collection.distinct("a") == []
    assert list(collection.aggregate([{"$match": {"a": 1}}])) == []
    assert collection.update_many({}, {"$set": {"a": 1}}).matched_count == 0
    assert collection.delete_many({}).deleted_count == 0


def test_errors_belong_to_the_storage(values: Collection) -> None:
    with pytest.raises(StorageError):
        list(values.aggregate([{"$nosuch": {}}]))
