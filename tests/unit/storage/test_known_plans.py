"""A filled-in plan is the one that the planner would make."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId

from controller.storage.embedded import open_database
from controller.storage.embedded.cursor import Query
from controller.storage.embedded.known_plans import Known
from controller.storage.embedded.layout import Table
from controller.storage.embedded.planner import plan_filter
from controller.storage.indexes import JOB_INDEXES, build_indexes

DAY = datetime(2026, 1, 1)


def _questions(a: str, b: str, day: datetime) -> list[dict[str, Any]]:
    """Return filters that differ in their values only, for any other values."""
    due = {"$or": [{"t": None}, {"t": {"$lte": day}}]}
    return [
        {"state": a, "worker": b, "lock_id": None},
        {"uuid": {"$in": [a, b, b]}},
        {"_id": {"$in": [ObjectId(a.encode().ljust(12)[:12])]}},
        {"job.hosts": a, "state": b},
        {"job.hosts": {"$in": [a, b]}, "state": {"$in": [b, "READY"]}},
        {"$or": [{"parents": {"$in": [a]}, "state": "W"}, {"uuid": {"$in": [b]}}]},
        {"state": a, "$and": [due]},
        {"updated_on": {"$gt": day, "$lte": day.replace(year=2030)}, "db_id": {"$nin": [a]}},
        {"nowhere": a, "state": {"$ne": b}},
        {"index": 1, "uuid": b, "$nor": [{"state": a}]},
    ]


ALIKE = [
    *zip(
        _questions("a", "b", DAY),
        _questions("READY", "", DAY.replace(year=1800)),
        _questions("\x027.0\x03", "é", DAY.replace(day=2)),
    )
]
NOT_REUSED: list[dict[str, Any]] = [
    {"name": {"$regex": "^a"}},
    {"uuid": "with\0NUL"},
    {"uuid": {"$in": [str(n) for n in range(50)]}},
    {"priority": 1.5},
    {"state": {"sub": "document"}},
]


@pytest.fixture
def table(tmp_path: Path) -> Iterator[Table]:
    database = open_database(tmp_path / "queue.sqlite")
    jobs: Any = database.collection("jobs")
    build_indexes(jobs, JOB_INDEXES)
    jobs.insert_one({"uuid": "u", "index": 1, "db_id": "1", "job": {"hosts": ["f"]}, "parents": []})
    with jobs._file.reading() as link:
        yield link.table("jobs")
    database.close()


def test_a_plan_is_that_of_the_planner_whichever_values_came_first(table: Table) -> None:
    for alike in ALIKE:
        shapes = set()
        for query in [*alike, *reversed(alike)]:
            known = Known(query)
            shapes.add(known.shape)
            assert known.plan(table) == plan_filter(table, query), query
        assert len(shapes) == 1, alike
        assert table.plans[shapes.pop()] is not None, alike


def test_metadata_is_hashed_so_its_plan_is_made_anew(table: Table) -> None:
    for value in ("a", "b"):
        query = {"job.metadata.key": value}
        assert Known(query).plan(table) == plan_filter(table, query)


@pytest.mark.parametrize("query", NOT_REUSED)
def test_what_depends_on_more_than_its_shape_is_not_reused(
    table: Table, query: dict[str, Any]
) -> None:
    assert Known(query).shape is None
    assert Query(query).plan(table) == plan_filter(table, query)


def test_a_changed_catalogue_is_heeded(tmp_path: Path) -> None:
    database = open_database(tmp_path / "queue.sqlite")
    things = database.collection("things")
    things.create_index("name")
    things.insert_one({"_id": 1, "name": "a"})
    assert things.count_documents({"name": {"$in": ["a"]}}) == 1
    things.insert_one({"_id": 2, "name": ["a", "b"]})  # from now on the path leads into an array
    assert things.count_documents({"name": {"$in": ["b"]}}) == 1
    things.drop_index("name_1")
    assert things.count_documents({"name": {"$in": ["b"]}}) == 1
    database.close()
