"""Which index answers a question that grows with the number of jobs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controller.storage.embedded import open_database
from controller.storage.embedded.aggregation import _count_by_column
from controller.storage.embedded.cursor import Query
from controller.storage.embedded.layout import pair_path
from controller.storage.embedded.link import Link
from controller.storage.embedded.planner import plan_filter
from controller.storage.indexes import JOB_INDEXES, build_indexes


@pytest.mark.parametrize(
    ("query", "paired"),
    [
        ({"job.hosts": "f", "state": "READY"}, True),
        ({"job.hosts": "f", "state": {"$in": ["FAILED", "PAUSED"]}}, True),
        ({"job.hosts": "f", "state": {"$in": ["FAILED"]}, "lock_id": None}, True),
        ({"job.hosts": "f", "state": "READY", "uuid": "u"}, False),
        ({"job.hosts": "f", "state": {"$ne": "READY"}}, False),
        ({"job.hosts": "f"}, False),
        ({"state": "READY"}, False),
    ],
)
def test_jobs_of_a_flow_in_a_state(tmp_path: Path, query: dict[str, Any], paired: bool) -> None:
    database = open_database(tmp_path / "queue.sqlite")
    jobs: Any = database.collection("jobs")
    build_indexes(jobs, JOB_INDEXES)
    jobs.insert_one({"uuid": "u", "index": 1, "db_id": "1", "job": {"hosts": ["f"]}, "state": "R"})
    with jobs._file.reading() as link:
        table = link.table("jobs")
        pair = table.columns[pair_path("job.hosts", "state")]
        plan = plan_filter(table, query)
    assert (f"c={pair.number} " in plan.sql) is paired
    database.close()


def test_causes_are_counted_without_reading_documents(tmp_path: Path) -> None:
    database = open_database(tmp_path / "queue.sqlite")
    jobs: Any = database.collection("jobs")
    build_indexes(jobs, JOB_INDEXES)
    jobs.insert_one({"uuid": "u", "index": 1, "db_id": "1", "state": "FAILED", "error_cause": "x"})
    count = {"$group": {"_id": "$error_cause", "count": {"$sum": 1}}}
    stages = [{"$match": {"state": {"$in": ["FAILED", "REMOTE_ERROR"]}}}, count]
    with jobs._file.reading() as link:
        assert _count_by_column(link, "jobs", stages) == [{"_id": "x", "count": 1}]
    database.close()


@pytest.mark.parametrize(
    "query",
    [
        {"state": "READY", "worker": "w", "lock_id": None},
        {"state": {"$in": ["SUBMITTED", "RUNNING"]}, "worker": {"$in": ["w"]}, "lock_id": None},
        {"state": {"$in": ["READY", "UPLOADED"]}, "worker": {"$in": ["v", "w"]}},
    ],
)
def test_what_a_runner_asks_does_not_grow_with_finished_jobs(
    tmp_path: Path, query: dict[str, Any]
) -> None:
    database = open_database(tmp_path / "queue.sqlite")
    jobs: Any = database.collection("jobs")
    build_indexes(jobs, JOB_INDEXES)

    def add(first: int, number: int, state: str) -> None:
        numbers = range(first, first + number)
        fields = {"index": 1, "state": state, "worker": "w", "lock_id": None}
        jobs.insert_many([{"uuid": str(n), "db_id": str(n), **fields} for n in numbers])

    def steps() -> int:
        found = [0]

        def one() -> None:
            found[0] += 1

        jobs._file.link().sql.set_progress_handler(one, 10)
        list(jobs.find(query, ["_id"]))
        jobs.find_one(query, ["_id"])
        jobs._file.link().sql.set_progress_handler(None, 0)
        return found[0]

    add(0, 3, "READY")
    add(3, 40, "COMPLETED")
    few = steps()
    add(100, 800, "COMPLETED")
    assert steps() < 2 * few
    database.close()


@pytest.mark.parametrize("number", [12_000, 20_000, 40_000])
def test_the_lock_of_a_large_flow_does_not_read_which_jobs_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    database = open_database(tmp_path / "queue.sqlite")
    flows: Any = database.collection("flows")
    flows.insert_one({"uuid": "u", "jobs": [f"{n:036}" for n in range(number)], "lock_id": None})

    def refuse(*_: Any) -> bytes:
        raise AssertionError("a large value is read whole")

    monkeypatch.setattr(Link, "read_part", refuse)
    change = {"$set": {"lock_id": "x"}}
    found = flows.find_one_and_update({"uuid": "u"}, change, {"jobs": {"$slice": -20}})
    assert found["jobs"] == [f"{n:036}" for n in range(number - 20, number)]
    database.close()


@pytest.mark.parametrize(
    ("query", "decoded"),
    [
        ({"worker": "rare"}, 1),
        ({"worker": {"$in": ["rare", "none"]}}, 1),
        ({"about.worker": "rare"}, 1),
        ({"worker": "none"}, 0),
        ({"worker": {"$ne": "local"}}, 50),
        ({"number": 7}, 50),
    ],
)
def test_of_a_log_only_what_holds_a_text_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: dict[str, Any], decoded: int
) -> None:
    """A field without an index is searched in the stored bytes, of newest to oldest."""
    database = open_database(tmp_path / "queue.sqlite")
    events: Any = database.collection("events")
    documents: list[dict[str, Any]] = [
        {"_id": f"{n:03}", "worker": "local", "number": n, "about": {}} for n in range(50)
    ]
    documents[7]["worker"] = "rare"
    documents[7]["about"] = {"worker": "rare"}
    events.insert_many(documents)
    rows: list[int] = []
    original = Query.matches

    def counted(self: Query, link: Link, stored: Any) -> bool:
        rows.append(stored.sequence)
        return original(self, link, stored)

    monkeypatch.setattr(Query, "matches", counted)
    found = list(events.find(query, sort=[("_id", -1)], limit=100))
    assert len(rows) == decoded
    assert [d["_id"] for d in found] == ["007"] * min(decoded, 1)
    database.close()


def test_texts_are_found_where_they_are_compressed_or_cut_out(tmp_path: Path) -> None:
    database = open_database(tmp_path / "queue.sqlite")
    things: Any = database.collection("things")
    things.insert_many(
        [
            {"_id": 1, "said": "word", "more": "x" * 1500},
            {"_id": 2, "said": {"deep": ["word", "y" * 3000]}, "more": "z" * 3000},
            {"_id": 3, "said": ["a", "word"]},
            {"_id": 4, "said": "words"},
        ]
    )
    assert [d["_id"] for d in things.find({"said": "word"}, ["_id"])] == [1, 3]
    assert [d["_id"] for d in things.find({"said.deep": "word"}, ["_id"])] == [2]
    database.close()
