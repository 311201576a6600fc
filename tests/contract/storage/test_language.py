"""MongoDB's language where it is easily got wrong: each answer is that of MongoDB's manual.

The servers of the tests speak MongoDB's protocol but are not MongoDB: where one is known to
answer otherwise, the case says so and asks the embedded engine only.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from bson import Int64, Regex

from controller.errors import ControllerError
from controller.storage.base import Collection, Document

Fill = Callable[[list[Document]], Collection]

NAN = float("nan")
MIXED: list[Any] = [
    *([{"x": 1}], [{"x": 1}, None], [[1], {"0": None}], [3, 5], [2, 4]),
    *(-1, 1.5, 2.0, -1.5, float("inf"), NAN, 7, Int64(-4), True, None, "a", "٣", "Ä1", "ä", []),
]
FINDS: list[tuple[Any, list[int]]] = [
    ({"$elemMatch": {"$eq": None}}, [1]),
    ({"$elemMatch": {"$in": [None, 3]}}, [1, 3]),
    ({"$elemMatch": {"$ne": None}}, [0, 1, 2, 3, 4]),
    ({"$elemMatch": {"$exists": True}}, [0, 1, 2, 3, 4]),
    ({"$elemMatch": {"$gt": 3, "$lt": 5}}, [4]),
    ({"$elemMatch": {"$eq": [1]}}, [2]),
    ({"$elemMatch": {"$not": {"$gte": 3}}}, [0, 1, 2, 4]),
    ({"$mod": [3, 2]}, [3, 4, 7]),
    ({"$mod": [3, -1]}, [5, 8, 12]),
    ({"$mod": [3, 1]}, [4, 6, 11]),
    ({"$mod": [-3.9, 1.9]}, [4, 6, 11]),
    ({"$mod": [3, 0]}, [3]),
    ({"$gte": NAN}, [10]),
    ({"$lte": NAN}, [10]),
    ({"$gt": NAN}, []),
    ({"$lt": 0}, [5, 8, 12]),
    ({"$regex": r"^\d$"}, []),
    ({"$regex": r"\w"}, [15, 17]),
    ({"$regex": r"^[\w]", "$options": "i"}, [15]),
    ({"$regex": "Ä", "$options": "i"}, [17, 18]),
    ({"$in": [Regex("^a$"), 7]}, [11, 15]),
    ({"$all": [Regex("^a$")]}, [15]),
    ({"$all": [{"$elemMatch": {"$gt": 4}}]}, [3]),
    ({"$size": 2.0}, [1, 2, 3, 4]),
    ({"$type": ["int", "string"]}, [3, 4, 5, 11, 15, 16, 17, 18]),
]
SERVER_DIFFERS = {
    "{'$pull': {'f': Regex('^a', 0)}}": "DocumentDB takes the expression for a value",
    "{'$set': {'f.01': 1}}": "DocumentDB takes 01 for a position; MongoDB does not create it",
    "{'$push': {'f': {'$slice': 2}}}": "stored as a value; half-given operators are errors here",
    "{'$pull': {'f': {'$options': 'i'}}}": "DocumentDB ignores $options without $regex in $pull",
    "[{'$project': {}}]": "DocumentDB takes an empty $project",
    "[{'$set': {}}]": "DocumentDB takes an empty $set",
}


def _ask(name: str, engine: str) -> None:
    if engine != "embedded" and name in SERVER_DIFFERS:
        pytest.skip(SERVER_DIFFERS[name])


@pytest.fixture(scope="module")
def mixed(shared_database: Any) -> Collection:
    """Values of every kind, found with an index where there is one."""
    collection = shared_database.collection("mixed")
    collection.create_index("f")
    collection.insert_many([{"_id": n, "f": value} for n, value in enumerate(MIXED)])
    return collection  # type: ignore[no-any-return]


@pytest.mark.parametrize(("query", "expected"), FINDS, ids=[str(q) for q, _ in FINDS])
def test_find(mixed: Collection, engine: str, query: Any, expected: list[int]) -> None:
    _ask(str(query), engine)
    assert sorted(mixed.distinct("_id", {"f": query})) == expected


UPDATES: list[tuple[Document, Any, Document | None]] = [
    ({"f": [{"x": 1}, None]}, {"$pull": {"f": {"$in": [None]}}}, {"f": [{"x": 1}]}),
    ({"f": ["ab", "b", 1]}, {"$pull": {"f": Regex("^a")}}, {"f": ["b", 1]}),
    ({"f": [1, 5]}, {"$pull": {"f": {"$gt": 3}}}, {"f": [1]}),
    ({"f": [{"a": 1, "b": 2}, 3]}, [{"$unset": "f.a"}], {"f": [{"b": 2}, 3]}),
    ({"f": {"a": [{"b": 1}]}}, [{"$unset": ["f.a.b"]}], {"f": {"a": [{}]}}),
    ({"f": 1}, [{"$unset": "f.a"}], None),
    ({"f": 1}, [{"$set": {"f.x": 2}}], {"f": {"x": 2}}),
    ({"f": [1, {"y": 3}]}, [{"$set": {"f.x": 2}}], {"f": [{"x": 2}, {"y": 3, "x": 2}]}),
    ({}, [{"$set": {"f.x": {"$literal": "$a"}}}], {"f": {"x": "$a"}}),
    (
        {"a": {"b": 1}},
        [{"$set": {"c": "$a"}}, {"$set": {"c.b": 2}}],
        {"a": {"b": 1}, "c": {"b": 2}},
    ),
    ({"a": 1}, [{"$set": {"c": "$$ROOT"}}, {"$unset": "c._id"}], {"a": 1, "c": {"a": 1}}),
    ({"a": 1}, [{"$set": {"a": "$none"}}], {}),
    ({"n": 1}, {"$inc": {"n": Int64(1)}}, {"n": Int64(2)}),
    ({"n": Int64(1)}, {"$inc": {"n": 1}}, {"n": Int64(2)}),
    ({"n": Int64(1)}, {"$inc": {"n": 1.5}}, {"n": 2.5}),
    ({"f": [1]}, {"$push": {"f": {"$each": [2, 3], "$position": -1}}}, {"f": [2, 3, 1]}),
    ({"f": [1]}, {"$set": {"f.01": 1}}, None),
]


@pytest.mark.parametrize(
    ("before", "update", "after"), UPDATES, ids=[f"{b} {u}" for b, u, _ in UPDATES]
)
def test_update(
    fill: Fill, engine: str, before: Document, update: Any, after: Document | None
) -> None:
    """None: the document stays as it is, with or without an error."""
    _ask(str(update), engine)
    jobs = fill([{"_id": 1, **before}])
    try:
        done = jobs.update_one({"_id": 1}, update)
        assert done.modified_count == int(after is not None)
    except ControllerError:
        assert after is None
    expected = {"_id": 1, **(before if after is None else after)}
    found = jobs.find_one()
    assert found == expected
    assert list(map(type, found.values())) == list(map(type, expected.values()))


UPSERTS: list[tuple[Any, Any, Document | None]] = [
    ({"_id": 1, "f": {"$in": [1]}}, {"$set": {"a": 2}}, {"f": 1, "a": 2}),
    ({"_id": 1, "f": {"$in": [1, 2]}}, {"$set": {"a": 2}}, {"a": 2}),
    ({"_id": 1, "f": {"$all": [1]}}, {"$set": {"a": 2}}, {"f": 1, "a": 2}),
    ({"_id": 1, "$or": [{"f": 1}]}, {"$set": {"a": 2}}, {"f": 1, "a": 2}),
    ({"_id": 1, "f": Regex("x")}, {"$set": {"a": 2}}, {"a": 2}),
    ({"_id": 1, "f": 1, "$and": [{"f": 2}]}, {"$set": {"a": 2}}, None),
    ({"_id": 1, "f": {"$all": [1, 2]}}, {"$set": {"a": 2}}, None),
    ({"_id": 1, "f": {"g": 1}, "f.h": 2}, {"$set": {"a": 2}}, None),
]


@pytest.mark.parametrize(("query", "update", "after"), UPSERTS, ids=[str(q) for q, *_ in UPSERTS])
def test_upsert(
    collection: Collection, engine: str, query: Any, update: Any, after: Document | None
) -> None:
    """None: the filter contradicts itself, and nothing is made."""
    _ask(str(query), engine)
    if after is None:
        with pytest.raises(ControllerError):
            collection.update_one(query, update, upsert=True)
        assert collection.find_one() is None
        return
    collection.update_one(query, update, upsert=True)
    assert collection.find_one() == {"_id": 1, **after}


PIPELINES: list[tuple[Any, Any]] = [
    (
        [{"$unwind": {"path": "$f", "preserveNullAndEmptyArrays": True, "includeArrayIndex": "i"}}],
        [
            {"_id": 1, "f": "a", "i": 0},
            {"_id": 1, "f": "b", "i": 1},
            {"_id": 2, "i": None},
            {"_id": 3, "f": None, "i": None},
            {"_id": 4, "f": 5, "i": None},
            {"_id": 5, "i": None},
        ],
    ),
    ([{"$match": {"_id": 1}}, {"$project": {"d": {"x": 1}, "_id": 0}}], [{"d": {"x": 1}}]),
    ([{"$match": {"_id": 1}}, {"$project": {"d.x": "$f", "_id": 0}}], [{"d": {"x": ["a", "b"]}}]),
    (
        [{"$group": {"_id": "$d", "n": {"$sum": 1}}}, {"$sort": {"n": 1}}],
        [{"_id": None, "n": 2}, {"_id": {"x": 1}, "n": 3}],
    ),
    (
        [{"$match": {"_id": 4}}, {"$project": {"_id": 0, "n": {"$add": ["$f", Int64(1)]}}}],
        [{"n": Int64(6)}],
    ),
]
ROWS: list[Document] = [
    {"_id": 1, "f": ["a", "b"], "d": {"x": 1}},
    {"_id": 2, "f": [], "d": {"x": 1.0}},
    {"_id": 3, "f": None, "d": {"x": Int64(1)}},
    {"_id": 4, "f": 5},
    {"_id": 5},
]


@pytest.mark.parametrize(("stages", "expected"), PIPELINES, ids=[str(p) for p, _ in PIPELINES])
def test_pipeline(fill: Fill, engine: str, stages: Any, expected: Any) -> None:
    _ask(str(stages), engine)
    rows = [{k: v for k, v in row.items() if v is not ...} for row in ROWS]
    if "$unwind" in stages[0]:
        rows = [{k: v for k, v in row.items() if k != "d"} for row in rows]
    found = list(fill(rows).aggregate(stages))
    assert found == expected
    for row, wanted in zip(found, expected, strict=True):
        assert type(row.get("n")) is type(wanted.get("n")) or "$group" in stages[0]


def test_equal_numbers_are_equal_in_dictionaries(collection: Collection) -> None:
    collection.create_index("d", unique=True)
    collection.insert_one({"_id": {"a": 1}, "d": {"x": [1]}})
    for again in (
        {"_id": {"a": 1.0}, "d": 1},
        {"_id": {"a": Int64(1)}, "d": 1},
        {"_id": 2, "d": {"x": [1.0]}},
        {"_id": 2, "d": {"x": [Int64(1)]}},
    ):
        with pytest.raises(ControllerError):
            collection.insert_one(again)
    collection.insert_one({"_id": {"a": True}, "d": {"x": [True]}})
    assert len(collection.distinct("d")) == 2


@pytest.mark.parametrize("indexed", [False, True], ids=["plain", "indexed"])
def test_distinct_of_every_kind(fill: Fill, indexed: bool) -> None:
    jobs = fill([{"f": f} for f in ("a", 1, True, 1.0, "b", Int64(1))])
    if indexed:
        jobs.create_index("f")
    assert jobs.distinct("f") == [1, "a", "b", True]
    assert fill([{"f": [1, [1], 1]}, {}]).distinct("f") == [1, [1]]


def test_a_projection_of_matching_elements(fill: Fill) -> None:
    jobs = fill([{"_id": 1, "f": [1, 5, 6]}, {"_id": 2, "f": 5}, {"_id": 3, "f": [1]}])
    found = list(jobs.find({}, {"f": {"$elemMatch": {"$gt": 4}}}, sort=[("_id", 1)]))
    assert found == [{"_id": 1, "f": [5]}, {"_id": 2}, {"_id": 3}]


REFUSED_FILTERS: list[Any] = [
    *({"f": {"$options": "i"}}, {"f": {"$not": {"$options": "i"}}}, {"f": {"$regex": 3}}),
    *({"f": {"$regex": "x", "$options": 3}}, {"f": {"$regex": "("}}, {"f": {"$ne": Regex("x")}}),
    *({"f": {"$size": "x"}}, {"f": {"$size": -1}}, {"f": {"$size": 1.5}}, {"f": {"$type": []}}),
    *({"f": {"$type": {}}}, {"f": {"$mod": [3]}}, {"f": {"$mod": ["a", 1]}}, {"f": {"$in": {}}}),
    *({"f": {"$in": [{"$gt": 1}]}}, {"f": {"$all": [{"$gt": 1}]}}, {"f": {"$nothing": 1}}),
    *({"$nothing": 1}, {"$or": [1]}, {"$and": {}}, {"$nor": []}, {"f": {"$gt": 1, "b": 2}}),
    *({"f": {"$elemMatch": {"$nothing": 1}}}, {"f": {"$elemMatch": {"g": {"$options": "i"}}}}),
    *({"$expr": {"$nothing": 1}}, {"$expr": {"$eq": [1]}}, {"$expr": "$$nothing"}),
]


@pytest.mark.parametrize("query", REFUSED_FILTERS, ids=str)
def test_filters_that_are_errors(
    collection: Collection, fill: Fill, engine: str, query: Any
) -> None:
    """Also where there is nothing to look at, and never taken for one that matches all."""
    _ask(str(query), engine)
    calls: list[Callable[[Collection], Any]] = [
        lambda jobs: jobs.find_one(query),
        lambda jobs: jobs.count_documents(query),
        lambda jobs: jobs.delete_many(query),
        lambda jobs: jobs.update_many(query, {"$set": {"f": 1}}),
        lambda jobs: list(jobs.aggregate([{"$match": query}])),
    ]
    for jobs in (fill([{"f": "x"}]), *([collection] if engine == "embedded" else [])):
        for call in calls:
            with pytest.raises(ControllerError):
                call(jobs)
    assert jobs.count_documents({}) <= 1


REFUSED_UPDATES: list[Any] = [
    *({"$push": {"f": {"$each": 3}}}, {"$addToSet": {"f": {"$each": 3}}}, {"$rename": {"a": 3}}),
    *({"$push": {"f": {"$each": [1], "$slice": "x"}}}, {"$push": {"f": {"$slice": 2}}}),
    *({"$inc": {"n": "1"}}, {"$inc": {"n": True}}, {"$nothing": {"a": 1}}, {"$set": 3}, {"a": 1}),
    *({"$set": {"f.2000000": 1}}, {"$set": {"a": 1, "a.b": 2}}, {"$rename": {"a": "a.b"}}),
    *({"$pull": {"f": {"$nothing": 1}}}, {"$pull": {"f": {"$options": "i"}}}),
    *([{"$set": {"a": {"$nothing": 1}}}], [{"$set": {"a": {"$size": "$n"}}}], [{"$set": 3}]),
    *([{"$set": {"a": {"$divide": ["$n", 0]}}}], [{"$set": {"a": {"$in": [1, "$n"]}}}]),
    *([{"$set": {"a": {"$arrayElemAt": ["$n", 0]}}}], [{"$set": {"a": {"$add": ["$s", 1]}}}]),
    *([{"$set": {"a": {"$divide": [1]}}}], [{"$unset": []}], [{"$unset": 3}], [3]),
    *([{"$set": {"a": 1, "a.b": 2}}], [{"$set": {"a": {"$add": [1], "x": 1}}}]),
]


@pytest.mark.parametrize("update", REFUSED_UPDATES, ids=str)
def test_updates_that_are_errors(fill: Fill, engine: str, update: Any) -> None:
    _ask(str(update), engine)
    before = {"_id": 1, "f": [1], "n": 1, "s": "x", "a": 5}
    jobs = fill([before])
    for call in (jobs.update_one, jobs.update_many, jobs.find_one_and_update):
        with pytest.raises(ControllerError) as error:
            call({"_id": 1}, update)
        assert "\n" not in error.value.message or engine == "mongodb"
    assert jobs.find_one() == before


REFUSED_PIPELINES: list[Any] = [
    *([{"$unwind": {}}], [{"$unwind": 3}], [{"$unwind": "f"}], [{"$unwind": {"path": 3}}]),
    *([{"$nothing": 1}], [{}], [{"$sort": {"f": 3}}], [{"$sort": {}}], [{"$limit": 0}]),
    *([{"$limit": "x"}], [{"$skip": -1}], [{"$count": ""}], [{"$count": "$x"}], [{"$group": {}}]),
    *([{"$group": {"_id": 1, "x": 1}}], [{"$group": {"_id": 1, "x": {"$nothing": 1}}}]),
    *([{"$project": {}}], [{"$project": {"a": 0, "b": 1}}], [{"$project": {"a": {"$size": "$n"}}}]),
    *([{"$project": {"a": {"$size": [1, 2]}}}], [{"$project": {"a": {"$nothing": 1}}}]),
    *([{"$set": {}}], [{"$replaceRoot": {}}], [{"$replaceRoot": {"newRoot": "$n"}}]),
    *([{"$facet": {"x": [{"$nothing": 1}]}}], [{"$lookup": {"from": "x"}}], [{"$match": 3}]),
]


@pytest.mark.parametrize("stages", REFUSED_PIPELINES, ids=str)
def test_pipelines_that_are_errors(
    collection: Collection, fill: Fill, engine: str, stages: Any
) -> None:
    _ask(str(stages), engine)
    depends_on_documents = '"$size": "$n"' in str(stages).replace("'", '"') or "newRoot" in str(
        stages
    )
    with pytest.raises(ControllerError):
        list(fill([{"_id": 1, "n": 1}]).aggregate(stages))
    if engine == "embedded" and not depends_on_documents:
        with pytest.raises(ControllerError):
            list(collection.aggregate(stages))
