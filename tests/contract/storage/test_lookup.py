"""What TAB reads of a database is what the collections hold, and reading it disturbs nobody."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from controller.storage.base import Database
from controller.storage.indexes import FLOW_INDEXES, JOB_INDEXES, build_indexes
from controller.storage.lookup import LIMIT, Identity, newest_flows, newest_jobs

STATES = ("READY", "RUNNING", "COMPLETED", "FAILED")
COUNT = LIMIT + 30


def uuid_of(number: int) -> str:
    return f"{number % 16:x}{number:07x}-0000-4000-8000-000000000000"


def job(number: int, index: int = 1) -> dict[str, Any]:
    return {
        "db_id": str(number),
        "uuid": uuid_of(number),
        "index": index,
        "state": STATES[number % 4],
        # Not in the order of insertion: a job of long ago may have changed last.
        "updated_on": datetime(2026, 1, 1) + timedelta(minutes=number * 37 % COUNT),
        "job": {
            "name": f"relax å {number}",
            "hosts": [f"inner-{number % 5}", f"f{number % 7}-flow"],
            "function_args": ["x" * 3000],
        },
    }


@pytest.fixture
def queue(queue_database: Database, store_spec: dict[str, Any]) -> dict[str, Any]:
    """The part ``queue`` of a project whose jobs and flows lie in the fresh database."""
    jobs, flows = queue_database.collection("jobs"), queue_database.collection("flows")
    build_indexes(jobs, JOB_INDEXES)
    build_indexes(flows, FLOW_INDEXES)
    documents = [job(number) for number in range(1, COUNT + 1)]
    jobs.insert_many(documents)
    for number in range(7):
        members = [d for d in documents if d["job"]["hosts"][-1] == f"f{number}-flow"]
        flows.insert_one(
            {
                "uuid": f"f{number}-flow",
                "name": f"flow {number}",
                "state": "RUNNING",
                "jobs": [d["uuid"] for d in members],
                "ids": [[d["db_id"], d["uuid"], d["index"]] for d in members],
                "updated_on": datetime(2026, 1, 1 + number * 3 % 7),
                "created_on": datetime(2026, 1, 1),
            }
        )
    return {"store": store_spec}


def listed(database: Database, query: dict[str, Any]) -> list[Identity]:
    found = database.collection("jobs").find(query, sort=[("updated_on", -1)], limit=LIMIT)
    return [
        Identity(d["db_id"], d["uuid"], d["state"], d["job"]["name"], d["index"]) for d in found
    ]


def test_the_newest_jobs_are_those_of_the_list(
    queue_database: Database, queue: dict[str, Any]
) -> None:
    assert newest_jobs(queue) == listed(queue_database, {})


def test_jobs_whose_db_id_begins_so(queue_database: Database, queue: dict[str, Any]) -> None:
    expected = listed(queue_database, {"db_id": {"$regex": "^1"}})
    assert len(expected) > 5
    assert newest_jobs(queue, "1") == expected
    assert newest_jobs(queue, "1.") == []


def test_jobs_whose_uuid_begins_so(queue_database: Database, queue: dict[str, Any]) -> None:
    expected = listed(queue_database, {"uuid": {"$regex": "^a0"}})
    assert len(expected) > 2
    assert newest_jobs(queue, "a0", by_uuid=True) == expected


def test_flows_are_named_by_their_first_job(queue: dict[str, Any]) -> None:
    found = newest_flows(queue)
    assert [flow.uuid[:2] for flow in found] == ["f2", "f4", "f6", "f1", "f3", "f5", "f0"]
    assert [flow.db_id for flow in found] == ["2", "4", "6", "1", "3", "5", "7"]
    assert {flow.index for flow in found} == {None}


def test_flows_that_begin_so(queue: dict[str, Any]) -> None:
    assert [flow.name for flow in newest_flows(queue, "3")] == ["flow 3"]
    assert [flow.name for flow in newest_flows(queue, "f3", by_uuid=True)] == ["flow 3"]
    assert newest_flows(queue, "f3") == []


@pytest.mark.parametrize("newest", [newest_jobs, newest_flows])
def test_an_empty_database_shows_nothing(
    newest: Callable[..., list[Identity]], queue_database: Database, store_spec: dict[str, Any]
) -> None:
    queue_database.ping()
    assert newest({"store": store_spec}) == []


def test_it_does_not_wait_for_a_writer(queue_database: Database, queue: dict[str, Any]) -> None:
    if not queue_database.supports_transactions:
        pytest.skip("this server has no transactions")
    with queue_database.transaction() as session:
        queue_database.collection("jobs").insert_one(job(COUNT + 1), session=session)
        assert len(newest_jobs(queue)) == LIMIT


@pytest.fixture
def file(engine: str, queue: dict[str, Any]) -> Path:
    """The file of the embedded database."""
    if engine != "embedded":
        pytest.skip("of files only")
    return Path(queue["store"]["path"])


def test_a_closed_file_gets_no_companions(
    file: Path, queue_database: Database, queue: dict[str, Any]
) -> None:
    expected = newest_jobs(queue)
    queue_database.close()
    before = {p.name: p.stat().st_mtime_ns for p in file.parent.iterdir()}
    assert newest_jobs(queue) == expected
    assert {p.name: p.stat().st_mtime_ns for p in file.parent.iterdir()} == before


def test_what_a_killed_writer_left_is_seen(
    file: Path, queue_database: Database, queue: dict[str, Any]
) -> None:
    queue_database.close()
    script = (
        "import os, sys\n"
        "from controller.storage.embedded import open_database\n"
        "jobs = open_database(sys.argv[1]).collection('jobs')\n"
        "jobs.update_one({'db_id': '1'}, {'$set': {'state': 'PAUSED'}})\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(file)], check=False, timeout=60)
    before = sorted(p.name for p in file.parent.iterdir())
    assert f"{file.name}-wal" in before
    found = {identity.db_id: identity.state for identity in newest_jobs(queue, "1")}
    assert found["1"] == "PAUSED"
    assert sorted(p.name for p in file.parent.iterdir()) == before


def test_a_file_on_a_network_file_system(
    tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if engine != "embedded":
        pytest.skip("of files only")
    monkeypatch.setenv("JFR_EMBEDDED_NETWORK", "1")
    from controller.storage.embedded import open_database

    database = open_database(tmp_path / "shared.db")
    build_indexes(database.collection("jobs"), JOB_INDEXES)
    database.collection("jobs").insert_one(job(5))
    store = {"type": "EmbeddedStore", "path": str(tmp_path / "shared.db")}
    assert [identity.db_id for identity in newest_jobs({"store": store})] == ["5"]
    database.close()
    assert [identity.db_id for identity in newest_jobs({"store": store})] == ["5"]


BROKEN: list[Any] = [
    None,
    [],
    {},
    {"type": "EmbeddedStore"},
    {"type": "EmbeddedStore", "path": "relative.db"},
    {"type": "EmbeddedStore", "path": "/nowhere/at/all.db"},
    {"type": "EmbeddedStore", "path": "~nobody-of-this-name/x.db"},
    {"type": "EmbeddedStore", "path": os.devnull},
    {"type": "MontyStore", "collection_name": "jobs"},
    {"type": "MongoStore", "collection_name": "jobs"},
    {"type": "MongoStore", "database": "x", "collection_name": "jobs", "port": "abc"},
    {"type": "MongoURIStore", "uri": "mongodb://::::", "database": "x", "collection_name": "j"},
    {
        "type": "MongoStore",
        "database": "x",
        "collection_name": "jobs",
        "mongoclient_kwargs": {"serverSelectionTimeoutMS": "soon"},
    },
    {"type": "MongoStore", "host": "127.0.0.1", "port": 9, "database": "x", "collection_name": "j"},
]


@pytest.mark.parametrize("store", BROKEN, ids=str)
def test_what_cannot_be_asked_shows_nothing(
    store: Any, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert newest_jobs({"store": store}) == newest_flows({"store": store}) == []
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\0 and no more", b"x" * 5000])
def test_a_file_that_is_no_database_shows_nothing(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "odd.db"
    path.write_bytes(content)
    assert newest_jobs({"store": {"type": "EmbeddedStore", "path": str(path)}}) == []
    assert [p.name for p in tmp_path.iterdir()] == ["odd.db"]
