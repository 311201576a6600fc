"""What each update makes of a document."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controller.errors import ArgumentError, ControllerError
from controller.storage.base import Collection, Document

NOW = datetime(2026, 11, 22, 8, 0, 0, 123000)

CASES: list[tuple[str, Document, Any, Document]] = [
    ("set a new field", {}, {"$set": {"a": 1}}, {"a": 1}),
    ("set an old field", {"a": 1}, {"$set": {"a": "x"}}, {"a": "x"}),
    ("set to null", {"a": 1}, {"$set": {"a": None}}, {"a": None}),
    ("set along a path", {"a": {"b": 1, "c": 2}}, {"$set": {"a.b": 3}}, {"a": {"b": 3, "c": 2}}),
    ("set makes the path", {}, {"$set": {"a.b.c": 1}}, {"a": {"b": {"c": 1}}}),
    ("set an element", {"a": [1, 2, 3]}, {"$set": {"a.1": 9}}, {"a": [1, 9, 3]}),
    ("set within an element", {"a": [{"b": 1}]}, {"$set": {"a.0.b": 2}}, {"a": [{"b": 2}]}),
    ("set a dictionary", {"a": {"b": 1}}, {"$set": {"a": {"c": 2}}}, {"a": {"c": 2}}),
    ("set a time", {}, {"$set": {"a": NOW}}, {"a": NOW}),
    ("set an aware time", {}, {"$set": {"a": NOW.replace(tzinfo=UTC)}}, {"a": NOW}),
    ("set text like a path", {"b": 1}, {"$set": {"a": "$b"}}, {"a": "$b", "b": 1}),
    ("unset", {"a": 1, "b": 2}, {"$unset": {"a": ""}}, {"b": 2}),
    ("unset along a path", {"a": {"b": 1, "c": 2}}, {"$unset": {"a.b": ""}}, {"a": {"c": 2}}),
    ("unset what is not there", {"a": 1}, {"$unset": {"b": "", "c.d": ""}}, {"a": 1}),
    ("inc", {"a": 1}, {"$inc": {"a": 2}}, {"a": 3}),
    ("inc a new field", {}, {"$inc": {"a.b": 2}}, {"a": {"b": 2}}),
    ("inc by a fraction", {"a": 1}, {"$inc": {"a": 0.5}}, {"a": 1.5}),
    ("inc down", {"a": 1}, {"$inc": {"a": -3}}, {"a": -2}),
    ("inc beyond 32 bits", {"a": 2**31 - 1}, {"$inc": {"a": 1}}, {"a": 2**31}),
    ("min", {"a": 3, "b": 3}, {"$min": {"a": 2, "b": 4, "c": 1}}, {"a": 2, "b": 3, "c": 1}),
    ("max", {"a": 3, "b": 3}, {"$max": {"a": 2, "b": 4, "c": 1}}, {"a": 3, "b": 4, "c": 1}),
    ("push", {"a": [1]}, {"$push": {"a": 2}}, {"a": [1, 2]}),
    ("push a list", {"a": [1]}, {"$push": {"a": [2]}}, {"a": [1, [2]]}),
    ("push to a new field", {}, {"$push": {"a.b": 2}}, {"a": {"b": [2]}}),
    ("push each", {"a": [1]}, {"$push": {"a": {"$each": [2, 3]}}}, {"a": [1, 2, 3]}),
    (
        "push and keep the last",
        {"a": [1, 2]},
        {"$push": {"a": {"$each": [3], "$slice": -2}}},
        {"a": [2, 3]},
    ),
    ("pull a value", {"a": [1, 2, 1]}, {"$pull": {"a": 1}}, {"a": [2]}),
    (
        "pull a list",
        {"a": [["1", "u", 1], ["2", "v", 1]]},
        {"$pull": {"a": ["1", "u", 1]}},
        {"a": [["2", "v", 1]]},
    ),
    ("pull any of", {"a": [1, 2, 3]}, {"$pull": {"a": {"$in": [1, 3]}}}, {"a": [2]}),
    ("pull above", {"a": [1, 5, 9]}, {"$pull": {"a": {"$gt": 4}}}, {"a": [1]}),
    (
        "pull dictionaries by a field",
        {"a": [{"x": 1, "y": 1}, {"x": 2}]},
        {"$pull": {"a": {"x": 1}}},
        {"a": [{"x": 2}]},
    ),
    (
        "pull triples by an element",
        {"a": [["1", "u", 1], ["2", "v", 1]]},
        {"$pull": {"a": {"$elemMatch": {"$in": ["2"]}}}},
        {"a": [["1", "u", 1]]},
    ),
    ("pull from nothing", {}, {"$pull": {"a": 1}}, {}),
    ("add to set", {"a": [1]}, {"$addToSet": {"a": 2}}, {"a": [1, 2]}),
    ("add again", {"a": [1]}, {"$addToSet": {"a": 1}}, {"a": [1]}),
    ("add each", {"a": [1]}, {"$addToSet": {"a": {"$each": [1, 2, 2]}}}, {"a": [1, 2]}),
    (
        "add a triple again",
        {"a": [["1", "u", 1]]},
        {"$addToSet": {"a": ["1", "u", 1]}},
        {"a": [["1", "u", 1]]},
    ),
    ("add to a new set", {}, {"$addToSet": {"a": {"x": 1}}}, {"a": [{"x": 1}]}),
    ("set on insert only", {"a": 1}, {"$setOnInsert": {"b": 1}}, {"a": 1}),
    ("rename", {"a": 1}, {"$rename": {"a": "b"}}, {"b": 1}),
    (
        "several operators",
        {"a": 1, "b": [1], "c": 1},
        {"$set": {"d": 1}, "$inc": {"a": 1}, "$push": {"b": 2}, "$unset": {"c": ""}},
        {"a": 2, "b": [1, 2], "d": 1},
    ),
    # pipelines
    ("pipeline", {"a": 1}, [{"$set": {"b": "$a", "c": 2}}], {"a": 1, "b": 1, "c": 2}),
    (
        "pipeline of two stages",
        {"a": 1},
        [{"$set": {"b": "$a"}}, {"$set": {"c": "$b"}}],
        {"a": 1, "b": 1, "c": 1},
    ),
    (
        "pipeline along a path",
        {"a": {"b": 1}},
        [{"$set": {"a.c": "$a.b"}}],
        {"a": {"b": 1, "c": 1}},
    ),
    ("pipeline unsets", {"a": 1, "b": 2, "c": 3}, [{"$unset": ["a", "b"]}], {"c": 3}),
    ("pipeline unsets one", {"a": 1, "b": 2}, [{"$unset": "a"}], {"b": 2}),
    ("pipeline to null", {"a": 1}, [{"$set": {"a": None}}], {"a": None}),
    ("pipeline from nothing", {"a": 1}, [{"$set": {"b": "$nobody"}}], {"a": 1}),
    ("pipeline with plain text", {}, [{"$set": {"a": {"$literal": "$HOME/x"}}}], {"a": "$HOME/x"}),
    (
        "pipeline with a plain dictionary",
        {"a": {"b": 1}},
        [{"$set": {"a": {"$literal": {"c": "$b"}}}}],
        {"a": {"c": "$b"}},
    ),
    (
        "pipeline with a condition",
        {"a": 5},
        [{"$set": {"b": {"$cond": [{"$gt": ["$a", 3]}, "high", "low"]}}}],
        {"a": 5, "b": "high"},
    ),
    (
        "pipeline with a named condition",
        {"a": 1},
        [{"$set": {"b": {"$cond": {"if": {"$gte": ["$a", 3]}, "then": 1, "else": 0}}}}],
        {"a": 1, "b": 0},
    ),
    ("pipeline with a default", {}, [{"$set": {"a": {"$ifNull": ["$a", 7]}}}], {"a": 7}),
    ("pipeline of time", {}, [{"$set": {"a": NOW}}], {"a": NOW}),
]


@pytest.mark.parametrize(
    ("before", "update", "after"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
@pytest.mark.parametrize("many", [False, True], ids=["one", "many"])
def test_update(
    collection: Collection, before: Document, update: Any, after: Document, many: bool
) -> None:
    collection.insert_one({"_id": 1, **before})
    change = collection.update_many if many else collection.update_one
    done = change({"_id": 1}, update)
    assert collection.find_one({"_id": 1}) == {"_id": 1, **after}
    assert done.matched_count == 1
    assert done.modified_count == int(before != after)
    assert done.upserted_id is None


LOCKS = [
    ("free", {"lock_id": None, "lock_time": None}, "mine"),
    ("never locked", {}, "mine"),
    ("held", {"lock_id": "other", "lock_time": NOW}, "other"),
]


@pytest.mark.parametrize(("fields", "holder"), [c[1:] for c in LOCKS], ids=[c[0] for c in LOCKS])
def test_a_lock_is_taken_only_when_free(
    collection: Collection, fields: Document, holder: str
) -> None:
    collection.insert_one({"_id": 1, "state": "READY", **fields})
    held = {"$gt": ["$lock_id", None]}
    update = [
        {
            "$set": {
                "lock_id": {"$cond": [held, "$lock_id", "mine"]},
                "lock_time": {"$cond": [held, "$lock_time", NOW + timedelta(seconds=1)]},
                "state": {"$cond": [held, "$state", "CHECKED_OUT"]},
            }
        }
    ]
    found = collection.find_one_and_update(
        {"_id": 1}, update, sort=[("_id", 1)], return_document="after"
    )
    assert found is not None
    assert found["lock_id"] == holder
    assert found["lock_time"] == (NOW if holder == "other" else NOW + timedelta(seconds=1))
    assert found["state"] == ("READY" if holder == "other" else "CHECKED_OUT")


def test_current_date(collection: Collection) -> None:
    collection.insert_one({"_id": 1})
    before = datetime.now(UTC).replace(tzinfo=None) - timedelta(minutes=10)
    collection.update_one({"_id": 1}, {"$currentDate": {"a": True, "b": {"$type": "date"}}})
    found = collection.find_one({"_id": 1})
    assert found is not None
    assert found["a"] == found["b"]
    assert found["a"].tzinfo is None
    assert timedelta() < found["a"] - before < timedelta(minutes=20)


def test_update_one_changes_one(collection: Collection) -> None:
    collection.insert_many([{"_id": n, "a": 1} for n in range(3)])
    assert collection.update_one({"a": 1}, {"$set": {"b": 1}}).matched_count == 1
    assert collection.count_documents({"b": 1}) == 1


def test_update_many_counts_what_changed(collection: Collection) -> None:
    collection.insert_many([{"_id": n, "a": n % 2} for n in range(6)])
    done = collection.update_many({}, {"$set": {"a": 1}})
    assert (done.matched_count, done.modified_count) == (6, 3)


def test_a_change_of_type_alone_is_a_change(collection: Collection) -> None:
    collection.insert_one({"_id": 1, "a": 1})
    assert collection.update_one({"_id": 1}, {"$set": {"a": True}}).modified_count == 1
    assert collection.find_one({"_id": 1, "a": True}) is not None


def test_an_update_may_end_its_own_match(collection: Collection) -> None:
    collection.create_index("state")
    collection.insert_many([{"_id": n, "state": "A"} for n in range(50)])
    assert collection.update_many({"state": "A"}, {"$set": {"state": "B"}}).modified_count == 50
    assert collection.count_documents({"state": "B"}) == 50


@pytest.mark.parametrize(
    "update",
    [
        {},
        {"a": 1},
        {"$set": {"a": 1}, "b": 1},
        {"$set": {"_id": 2}},
        {"$inc": {"text": 1}},
        {"$inc": {"number": "x"}},
        {"$push": {"text": 1}},
        {"$addToSet": {"text": 1}},
        {"$set": {"text.x": 1}},
        {"$set": {"a": 1}, "$inc": {"a": 1}},
        {"$nosuch": {"a": 1}},
        [{"$nosuch": {"a": 1}}],
    ],
    ids=str,
)
def test_impossible_updates_change_nothing(collection: Collection, update: Any) -> None:
    before = {"_id": 1, "text": "x", "number": 1}
    collection.insert_one(dict(before))
    with pytest.raises(ControllerError):
        collection.update_one({"_id": 1}, update)
    with pytest.raises(ControllerError):
        collection.find_one_and_update({"_id": 1}, update)
    assert collection.find_one({}) == before


def test_a_replacement_takes_no_operators(collection: Collection) -> None:
    collection.insert_one({"_id": 1})
    with pytest.raises(ArgumentError):
        collection.replace_one({"_id": 1}, {"$set": {"a": 1}})


UPSERTS: list[tuple[str, Document, Any, Document]] = [
    ("fields of the filter", {"_id": 1, "a": 1}, {"$set": {"b": 2}}, {"_id": 1, "a": 1, "b": 2}),
    ("update over filter", {"_id": 1, "a": 1}, {"$inc": {"a": 2}}, {"_id": 1, "a": 3}),
    ("paths", {"_id": 1, "a.b": 1}, {"$set": {"a.c": 2}}, {"_id": 1, "a": {"b": 1, "c": 2}}),
    ("$eq", {"_id": {"$eq": 1}}, {"$set": {"a": 1}}, {"_id": 1, "a": 1}),
    ("conditions left out", {"_id": 1, "a": {"$gt": 1}}, {"$set": {"b": 1}}, {"_id": 1, "b": 1}),
    ("$and", {"$and": [{"_id": 1}, {"a": 2}]}, {"$set": {"b": 1}}, {"_id": 1, "a": 2, "b": 1}),
    (
        "$setOnInsert",
        {"_id": 1},
        {"$setOnInsert": {"a": 1}, "$set": {"b": 2}},
        {"_id": 1, "a": 1, "b": 2},
    ),
    ("push", {"_id": 1}, {"$push": {"a": 1}}, {"_id": 1, "a": [1]}),
]


@pytest.mark.parametrize(
    ("query", "update", "after"), [c[1:] for c in UPSERTS], ids=[c[0] for c in UPSERTS]
)
def test_upsert(collection: Collection, query: Any, update: Any, after: Document) -> None:
    done = collection.update_one(query, update, upsert=True)
    assert (done.matched_count, done.modified_count, done.upserted_id) == (0, 0, 1)
    assert collection.find_one({}) == after
    assert collection.count_documents({}) == 1


def test_upsert_many(collection: Collection) -> None:
    done = collection.update_many({"uuid": "u"}, {"$set": {"a": 1}}, upsert=True)
    assert done.upserted_id is not None
    assert collection.find_one({"_id": done.upserted_id}, {"_id": 0}) == {"uuid": "u", "a": 1}
    again = collection.update_many({"uuid": "u"}, {"$set": {"a": 1}}, upsert=True)
    assert (again.matched_count, again.modified_count, again.upserted_id) == (1, 0, None)


def test_replacing_upsert(collection: Collection) -> None:
    done = collection.replace_one({"uuid": "u", "index": 1}, {"uuid": "u", "index": 1}, upsert=True)
    assert done.upserted_id is not None
    again = collection.replace_one({"uuid": "u", "index": 1}, {"uuid": "u", "a": 1}, upsert=True)
    assert (again.matched_count, again.modified_count, again.upserted_id) == (1, 1, None)
    assert collection.find_one({}) == {"_id": done.upserted_id, "uuid": "u", "a": 1}
    same = collection.replace_one({"uuid": "u"}, {"uuid": "u", "a": 1})
    assert same.matched_count == 1  # servers differ in whether an equal document is "modified"
    assert collection.replace_one({"uuid": "nobody"}, {"a": 1}).matched_count == 0
