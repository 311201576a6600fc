"""Aggregation within the portable subset."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from controller.errors import ControllerError
from controller.storage.base import Collection, Database, Document

JOBS: list[Document] = [
    {"_id": 1, "uuid": "a", "index": 1, "state": "READY", "worker": "w", "priority": 1,
     "job": {"name": "relax", "hosts": ["f1"]}, "updated_on": datetime(2024, 1, 1)},
    {"_id": 2, "uuid": "b", "index": 1, "state": "WAITING", "worker": "w", "priority": 3,
     "job": {"name": "static", "hosts": ["f1"]}, "updated_on": datetime(2024, 1, 2)},
    {"_id": 3, "uuid": "b", "index": 2, "state": "READY", "worker": "v", "priority": 2,
     "job": {"name": "static", "hosts": ["f1", "f2"]}, "updated_on": datetime(2024, 1, 3)},
    {"_id": 4, "uuid": "c", "index": 1, "worker": "v", "job": {"name": "band", "hosts": []},
     "updated_on": datetime(2024, 1, 4)},
]  # fmt: skip
FLOWS: list[Document] = [
    {"_id": "f1", "uuid": "f1", "jobs": ["a", "b"], "state": "RUNNING"},
    {"_id": "f2", "uuid": "f2", "jobs": ["c"], "state": "READY"},
    {"_id": "f3", "uuid": "f3", "jobs": [], "state": "READY"},
]


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "indexed"])
def jobs(shared_database: Database, request: pytest.FixtureRequest) -> Collection:
    collection = shared_database.collection(f"jobs_{request.param}")
    if request.param:
        for key in ("state", "uuid", "job.hosts", "worker"):
            collection.create_index(key)
    collection.insert_many([dict(d) for d in JOBS])
    return collection


@pytest.fixture(scope="module")
def flows(shared_database: Database) -> Collection:
    collection = shared_database.collection("flows")
    collection.insert_many([dict(d) for d in FLOWS])
    return collection


BY_ID = {"$sort": {"_id": 1}}
FIRST = {"$match": {"_id": 1}}

CASES: list[tuple[str, list[dict[str, Any]], list[Document]]] = [
    ("everything", [BY_ID], JOBS),
    ("nothing", [{"$match": {"_id": 9}}], []),
    ("match and sort", [{"$match": {"state": "READY"}}, {"$sort": {"priority": -1}},
                        {"$project": {"_id": 1}}], [{"_id": 3}, {"_id": 1}]),
    ("skip and limit", [BY_ID, {"$skip": 1}, {"$limit": 2}, {"$project": {"_id": 1}}],
     [{"_id": 2}, {"_id": 3}]),
    ("count", [{"$match": {"worker": "w"}}, {"$count": "n"}], [{"n": 2}]),
    ("count by state", [{"$group": {"_id": "$state", "count": {"$sum": 1}}}, BY_ID],
     [{"_id": None, "count": 1}, {"_id": "READY", "count": 2}, {"_id": "WAITING", "count": 1}]),
    ("count some by state", [{"$match": {"worker": "v"}},
                             {"$group": {"_id": "$state", "count": {"$sum": 1}}}, BY_ID],
     [{"_id": None, "count": 1}, {"_id": "READY", "count": 1}]),
    ("count by two fields", [{"$match": {"state": {"$ne": None}}},
                             {"$group": {"_id": {"s": "$state", "w": "$worker"},
                                         "n": {"$sum": 1}}}, BY_ID],
     [{"_id": {"s": "READY", "w": "v"}, "n": 1}, {"_id": {"s": "READY", "w": "w"}, "n": 1},
      {"_id": {"s": "WAITING", "w": "w"}, "n": 1}]),
    ("accumulators", [{"$match": {"worker": "w"}}, BY_ID,
                      {"$group": {"_id": "$worker", "sum": {"$sum": "$priority"},
                                  "avg": {"$avg": "$priority"}, "min": {"$min": "$priority"},
                                  "max": {"$max": "$updated_on"}, "first": {"$first": "$uuid"},
                                  "last": {"$last": "$uuid"}, "all": {"$push": "$uuid"}}}],
     [{"_id": "w", "sum": 4, "avg": 2.0, "min": 1, "max": datetime(2024, 1, 2), "first": "a",
       "last": "b", "all": ["a", "b"]}]),
    ("group into one", [{"$group": {"_id": None, "n": {"$sum": 1}}}], [{"_id": None, "n": 4}]),
    ("push documents", [{"$match": {"uuid": "b"}}, BY_ID,
                        {"$group": {"_id": "$uuid", "d": {"$push": {"i": "$index",
                                                                    "s": "$state"}}}}],
     [{"_id": "b", "d": [{"i": 1, "s": "WAITING"}, {"i": 2, "s": "READY"}]}]),
    ("push whole documents", [FIRST, {"$group": {"_id": {"a": "$uuid"},
                                                 "docs": {"$push": "$$ROOT"}}}],
     [{"_id": {"a": "a"}, "docs": [JOBS[0]]}]),
    ("project", [FIRST, {"$project": {"_id": 0, "uuid": 1, "name": "$job.name",
                                      "job.hosts": 1}}],
     [{"uuid": "a", "job": {"hosts": ["f1"]}, "name": "relax"}]),
    ("leave out", [FIRST, {"$project": {"job": 0, "updated_on": 0, "_id": 0, "worker": 0}}],
     [{"uuid": "a", "index": 1, "state": "READY", "priority": 1}]),
    ("compute", [FIRST, {"$project": {"x": {"$cond": [{"$eq": ["$state", "READY"]}, 1, 0]},
                                      "y": {"$ifNull": ["$nobody", "none"]},
                                      "n": {"$size": "$job.hosts"}}}],
     [{"_id": 1, "x": 1, "y": "none", "n": 1}]),
    ("count under a condition", [{"$group": {"_id": None, "ready": {"$sum": {
        "$cond": [{"$eq": ["$state", "READY"]}, 1, 0]}}}}], [{"_id": None, "ready": 2}]),
    ("unwind", [{"$match": {"_id": {"$in": [3, 4]}}}, {"$unwind": "$job.hosts"},
                {"$project": {"h": "$job.hosts"}}, {"$sort": {"h": 1}}],
     [{"_id": 3, "h": "f1"}, {"_id": 3, "h": "f2"}]),
    ("unwind and keep", [{"$match": {"_id": {"$in": [1]}}},
                         {"$unwind": {"path": "$job.hosts", "preserveNullAndEmptyArrays": True}},
                         {"$project": {"h": "$job.hosts"}}, BY_ID],
     [{"_id": 1, "h": "f1"}]),
    ("unwind and group", [{"$unwind": "$job.hosts"},
                          {"$group": {"_id": "$job.hosts", "n": {"$sum": 1}}}, BY_ID],
     [{"_id": "f1", "n": 3}, {"_id": "f2", "n": 1}]),
    ("set", [FIRST, {"$set": {"job": None, "seen": True}}, {"$project": {"job": 1, "seen": 1}}],
     [{"_id": 1, "job": None, "seen": True}]),
    ("match again", [{"$match": {"worker": "w"}}, {"$project": {"priority": 1}},
                     {"$match": {"priority": {"$gt": 1}}}], [{"_id": 2, "priority": 3}]),
    ("facet", [{"$match": {"state": "READY"}},
               {"$facet": {"total": [{"$count": "n"}],
                           "states": [{"$group": {"_id": "$state", "n": {"$sum": 1}}}],
                           "page": [BY_ID, {"$limit": 1}, {"$project": {"_id": 1}}]}}],
     [{"total": [{"n": 2}], "states": [{"_id": "READY", "n": 2}], "page": [{"_id": 1}]}]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("pipeline", "expected"), [c[1:] for c in CASES], ids=[c[0] for c in CASES]
)
def test_pipeline(jobs: Collection, pipeline: Any, expected: list[Document]) -> None:
    assert list(jobs.aggregate(pipeline)) == expected


def test_sets_of_values(jobs: Collection) -> None:
    pipeline = [
        {"$match": {"state": {"$exists": True}}},
        {"$group": {"_id": "$worker", "states": {"$addToSet": "$state"}}},
        BY_ID,
    ]
    found = [(d["_id"], sorted(d["states"])) for d in jobs.aggregate(pipeline)]
    assert found == [("v", ["READY"]), ("w", ["READY", "WAITING"])]


def test_lookup(jobs: Collection, flows: Collection) -> None:
    pipeline = [
        {"$match": {"state": {"$in": ["READY", "RUNNING"]}}},
        BY_ID,
        {"$lookup": {"from": jobs.name, "localField": "jobs", "foreignField": "uuid",
                     "as": "jobs_list"}},
    ]  # fmt: skip
    found = list(flows.aggregate(pipeline))
    assert [f["uuid"] for f in found] == ["f1", "f2", "f3"]
    assert sorted(j["_id"] for j in found[0]["jobs_list"]) == [1, 2, 3]
    assert [j for j in found[0]["jobs_list"] if j["_id"] == 1] == [JOBS[0]]
    assert found[1]["jobs_list"] == [JOBS[3]]
    assert found[2]["jobs_list"] == []


def test_an_aggregation_changes_nothing(jobs: Collection) -> None:
    list(jobs.aggregate([{"$set": {"state": "LOST"}}, {"$unset": "job"}]))
    assert list(jobs.find(sort=[("_id", 1)])) == JOBS


@pytest.mark.parametrize(
    "pipeline",
    [
        [{"$nosuch": 1}],
        [{"$group": {"_id": None, "n": {"$nosuch": 1}}}],
        [{"$project": {"x": {"$nosuch": 1}}}],
        [{"$unwind": "jobs"}],
    ],
    ids=str,
)
def test_malformed_pipelines_are_refused(jobs: Collection, pipeline: Any) -> None:
    with pytest.raises(ControllerError):
        list(jobs.aggregate(pipeline))
