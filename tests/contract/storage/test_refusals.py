"""Outside the portable subset, the embedded engine refuses rather than return something wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from controller.errors import ControllerError, FilterError, UnsupportedOperationError
from controller.storage.base import Collection
from controller.storage.embedded import EmbeddedDatabase, open_database


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedDatabase:
    database = open_database(tmp_path_factory.mktemp("refusals") / "queue.db")
    database.collection("jobs").insert_one({"_id": 1, "a": [1, 2], "b": "x"})
    return database


@pytest.fixture
def jobs(database: EmbeddedDatabase) -> Any:
    return database.collection("jobs")


FILTERS: list[dict[str, Any]] = [
    {"$where": "this.a"},
    {"$text": {"$search": "x"}},
    {"$jsonSchema": {}},
    {"$comment": "x"},
    {"a": {"$near": [0, 0]}},
    {"a": {"$geoWithin": {}}},
    {"a": {"$bitsAllSet": 1}},
    {"a": {"$type": "decimal"}},
    {"b": {"$regex": "x", "$options": "q"}},
    {"$expr": {"$function": {}}},
]


@pytest.mark.parametrize("query", FILTERS, ids=str)
def test_filters(jobs: Collection, query: Any) -> None:
    for call in (jobs.find_one, jobs.count_documents, jobs.delete_many):
        with pytest.raises(UnsupportedOperationError):
            call(query)


MALFORMED: list[dict[str, Any]] = [
    {"a": {"$mod": 1}},
    {"a": {"$mod": [0, 1]}},
    {"a": {"$all": 1}},
    {"a": {"$elemMatch": 1}},
    {"a": {"$in": 1}},
    {"a": {"$not": 1}},
    {"$or": []},
]


@pytest.mark.parametrize("query", MALFORMED, ids=str)
def test_malformed_filters(jobs: Collection, query: Any) -> None:
    with pytest.raises(FilterError):
        jobs.find_one(query)


@pytest.mark.parametrize(
    ("query", "hint"),
    [({"a": {"$gtee": 1}}, r"did you mean \$gte\?"), ({"$xor": []}, r"did you mean \$or\?")],
)
def test_an_unknown_operator_is_named_with_the_nearest(
    jobs: Collection, query: Any, hint: str
) -> None:
    with pytest.raises(UnsupportedOperationError, match=hint):
        jobs.find_one(query)


UPDATES: list[Any] = [
    {"$pop": {"a": 1}},
    {"$pullAll": {"a": [1]}},
    {"$bit": {"a": {"and": 1}}},
    {"$set": {"a.$": 1}},
    {"$set": {"a.$[]": 1}},
    {"$push": {"a": {"$each": [1], "$sort": 1}}},
    [{"$project": {"a": 1}}],
    [{"$replaceWith": {}}],
    [{"$set": {"a": {"$function": {}}}}],
]


@pytest.mark.parametrize("update", UPDATES, ids=str)
def test_updates(jobs: Collection, update: Any) -> None:
    with pytest.raises(UnsupportedOperationError):
        jobs.update_one({}, update)
    assert jobs.find_one() == {"_id": 1, "a": [1, 2], "b": "x"}


PIPELINES: list[list[dict[str, Any]]] = [
    [{"$out": "other"}],
    [{"$merge": "other"}],
    [{"$graphLookup": {}}],
    [{"$bucket": {}}],
    [{"$lookup": {"from": "x", "let": {}, "pipeline": [], "as": "y"}}],
    [{"$group": {"_id": None, "x": {"$accumulator": {}}}}],
    [{"$project": {"x": {"$dateToString": {"date": "$a"}}}}],
    [{"$project": {"x": {"$map": {}}}}],
]


@pytest.mark.parametrize("pipeline", PIPELINES, ids=str)
def test_pipelines(jobs: Collection, pipeline: Any) -> None:
    with pytest.raises(UnsupportedOperationError):
        list(jobs.aggregate(pipeline))


OPTIONS: dict[str, Callable[[Any], Any]] = {
    "hint": lambda jobs: jobs.find({}, hint=[("a", 1)]),
    "collation": lambda jobs: jobs.find({}, collation={"locale": "de"}),
    "array filters": lambda jobs: jobs.update_one({}, {"$set": {"a": 1}}, array_filters=[{}]),
    "let": lambda jobs: jobs.aggregate([], let={"x": 1}),
    "sparse index": lambda jobs: jobs.create_index("a", sparse=True),
    "partial index": lambda jobs: jobs.create_index("a", partialFilterExpression={"b": 1}),
    "expiring index": lambda jobs: jobs.create_index("a", expireAfterSeconds=1),
    "text index": lambda jobs: jobs.create_index([("a", "text")]),
    "hashed index": lambda jobs: jobs.create_index([("a", "hashed")]),
}


@pytest.mark.parametrize("call", OPTIONS.values(), ids=list(OPTIONS))
def test_options(jobs: Any, call: Callable[[Any], Any]) -> None:
    with pytest.raises(UnsupportedOperationError):
        call(jobs)


def test_refusals_name_the_operator(jobs: Collection) -> None:
    with pytest.raises(UnsupportedOperationError, match=r"\$where"):
        jobs.find_one({"$where": "1"})
    with pytest.raises(UnsupportedOperationError, match=r"\$pop"):
        jobs.update_one({}, {"$pop": {"a": 1}})
    with pytest.raises(UnsupportedOperationError, match=r"\$graphLookup"):
        list(jobs.aggregate([{"$graphLookup": {}}]))


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("Not a database. " * 100)
    with pytest.raises(ControllerError, match=r"notes\.txt"):
        open_database(path).collection("jobs").find_one()
    assert path.read_text().startswith("Not a database.")
