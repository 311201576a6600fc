"""Moving a project to another database: all of it, again after an interruption, and verified."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from servers import ENGINES, mongo_client

from controller.config import ConfigManager, Project
from controller.documents import utc_now
from controller.errors import ArgumentError, RunningRunnerError, StateError
from controller.jobcontroller import JobController
from controller.projects.files import files_to_edit, remove_project
from controller.projects.migration import count_documents, migrate
from controller.projects.migration_plan import plan_migration
from controller.storage.opening import open_store

JOBS = 450
"""More than two pages."""


@pytest.fixture
def manager(manager: ConfigManager) -> ConfigManager:
    """The project, with jobs and outputs."""
    with JobController.from_project(manager.get_project("p")) as controller:
        controller.jobs.insert_many(
            [
                {"uuid": f"u{i}", "index": 1, "db_id": str(i), "job": {"n": [i, 1.0, None]}}
                for i in range(JOBS)
            ]
        )
        controller.jobs.create_index([("job.metadata.mine", 1)])
        controller.flows.insert_one({"uuid": "f", "jobs": []})
    outputs = open_store(manager.get_project("p").jobstore["docs_store"])
    outputs.collection.insert_one({"uuid": "u1", "index": 1, "output": {"x": 2**40}})
    outputs.database.collection("data").insert_one({"blob_uuid": "b", "data": "x" * 100_000})
    outputs.database.close()
    return manager


@pytest.fixture(params=ENGINES)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where the project goes: a folder, or a fresh database of the server."""
    if request.param == "embedded":
        yield str(tmp_path / "elsewhere")
        return
    name, uri = f"jfr_test_{uuid.uuid4().hex[:12]}", os.environ["JFR_TEST_MONGO_URI"]
    yield f"{uri.rstrip('/')}/{name}"
    with mongo_client(uri) as client:
        client.drop_database(name)


def plan_of(manager: ConfigManager, place: str) -> Any:
    return plan_migration(manager.get_project("p"), place)


def target_of(plan: Any, what: str) -> Any:
    spec = next(move.target for move in plan.moves if move.what == what)
    return open_store(spec)


def test_there_and_back(manager: ConfigManager, place: str, tmp_path: Path) -> None:
    plan = plan_of(manager, place)
    numbers = count_documents(plan)
    assert dict(zip([move.what for move in plan.moves], numbers)) == {
        "jobs": JOBS,
        "flows": 1,
        "auxiliary": 4,
        "batches": 0,
        "events": numbers[4],
        "archive": 0,
        "outputs": 1,
        "additional store data": 1,
    }
    steps: list[int] = []
    done = migrate(plan, manager, switch=True, step=lambda: steps.append(1))
    assert [row["documents"] for row in done.rows] == [row["written"] for row in done.rows]
    assert len(steps) == sum(numbers)
    assert done.backup is not None
    assert "queue.sqlite" in done.backup.read_text()

    moved = ConfigManager(folder=manager.folder).get_project("p")
    assert moved.queue.store["type"] == plan.queue_store["type"]
    with JobController.from_project(moved) as controller:
        assert controller.is_set_up()
        assert controller.jobs.count_documents({}) == JOBS
        names = controller.jobs.index_information()
        assert "job.metadata.mine_1" in names
        assert names["db_id_1"]["unique"]
    store = moved.get_jobstore()
    store.connect()
    assert store.get_output("u1") == {"x": 2**40}
    assert store.additional_stores["data"].query_one({"blob_uuid": "b"})["data"] == "x" * 100_000
    store.close()

    back = plan_of(manager, str(tmp_path / "back"))
    assert [move.what for move in back.moves] == [move.what for move in plan.moves]
    again = migrate(back, manager)
    assert [row["checksum"] for row in again.rows] == [row["checksum"] for row in done.rows]
    assert again.project_file is None
    assert manager.get_project("p") == moved


def test_an_interrupted_copy_goes_on(manager: ConfigManager, place: str) -> None:
    plan = plan_of(manager, place)
    left = iter(range(300))

    def interrupted() -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        migrate(plan, manager, switch=True, step=interrupted)
    assert "EmbeddedStore" in str(manager.get_project("p").queue.store)
    done = migrate(plan, manager)
    jobs = done.rows[0]
    assert jobs["written"] + jobs["unchanged"] == JOBS
    assert jobs["unchanged"] >= 300


def test_what_is_written_meanwhile_is_noticed(manager: ConfigManager, place: str) -> None:
    plan = plan_of(manager, place)
    source = JobController.from_project(manager.get_project("p"))
    counted = iter(range(JOBS))

    def writes_at_the_end() -> None:
        if next(counted, None) == JOBS - 1:
            source.jobs.update_one({"db_id": "0"}, {"$set": {"job.n": "changed"}})

    with source, pytest.raises(StateError, match="differ"):
        migrate(plan, manager, switch=True, step=writes_at_the_end)
    assert migrate(plan, manager).rows[0]["written"] == 1


def test_a_foreign_database_is_left_alone(manager: ConfigManager, place: str) -> None:
    plan = plan_of(manager, place)
    other = target_of(plan, "jobs")
    other.collection.insert_one({"uuid": "not ours"})
    with pytest.raises(StateError, match="empty database"):
        migrate(plan, manager, switch=True)
    assert other.collection.count_documents({}) == 1
    other.database.close()


def with_live_runner(project: Project) -> None:
    record = {"hostname": "h", "pid": 1, "ping_every": 10.0, "last_pinged": utc_now()}
    with JobController.from_project(project) as controller:
        controller.auxiliary.update_one(
            {"running_runner": {"$exists": True}}, {"$set": {"running_runner": record}}
        )


def test_nothing_of_it_beside_a_live_runner(manager: ConfigManager, tmp_path: Path) -> None:
    with_live_runner(manager.get_project("p"))
    with pytest.raises(RunningRunnerError):
        migrate(plan_of(manager, str(tmp_path / "elsewhere")), manager)
    with pytest.raises(RunningRunnerError):
        remove_project(manager, "p", keep_folders=False, dry_run=False)
    with pytest.raises(RunningRunnerError):
        files_to_edit("p", everywhere=False)
    assert len(files_to_edit("p", everywhere=True)) == 1
    assert manager.get_project("p")


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("http://host/db", "not a supported database"),
        ("mongodb://host", "names no database"),
        ("{base}", "already"),
        ("{base}/queue.sqlite", "is a file"),
    ],
)
def test_places_that_cannot_be_meant(manager: ConfigManager, place: str, message: str) -> None:
    base = manager.get_project("p").base_dir
    with pytest.raises(ArgumentError, match=message):
        plan_of(manager, place.format(base=base))


def test_outputs_never_share_a_collection_with_the_queue(tmp_path: Path) -> None:
    files = [{"type": "EmbeddedStore", "path": str(tmp_path / f"{n}.sqlite")} for n in range(4)]
    project = Project.model_validate(
        {
            "name": "p",
            "queue": {"store": {**files[0], "collection_name": "jobs"}},
            "jobstore": {"docs_store": files[1], "additional_stores": {"data": files[2]}},
            "optional_jobstores": {
                "same": {"docs_store": files[1]},
                "other": {"docs_store": files[3]},
                "far": {"docs_store": {"type": "MemoryStore"}},
            },
        }
    )
    plan = plan_migration(project, "mongodb://host/db")
    places = {move.what: move.target["collection_name"] for move in plan.moves}
    assert len(set(places.values())) == len(places) == 9
    assert set(plan.jobstores) == {None, "same", "other"}
    assert plan.jobstores["same"]["docs_store"] == plan.jobstores[None]["docs_store"]
