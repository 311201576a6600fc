"""What becomes of outputs when a project moves: large ones, GridFS, and stores that stay."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from servers import ENGINES, fresh_store, mongo_client, require_mongo

from controller.config import ConfigManager, Project
from controller.errors import DocumentTooLargeError, StorageError, UnsupportedOperationError
from controller.jobcontroller import JobController
from controller.projects.migration import migrate, refuse_too_large
from controller.projects.migration_plan import MigrationPlan, plan_migration
from controller.storage import sizes
from controller.storage.base import DeleteOne, ReplaceOne
from controller.storage.checksum import collection_digest
from controller.storage.gridfs import GridFSCollection
from controller.storage.opening import OpenedStore, open_store

NOWHERE = "mongodb://nowhere.invalid/db"
MB = 10**6


@pytest.fixture
def server() -> Iterator[str]:
    """A fresh database of the server."""
    uri, name = require_mongo(), f"jfr_test_{uuid.uuid4().hex[:12]}"
    yield f"{uri.rstrip('/')}/{name}"
    with mongo_client(uri) as client:
        client.drop_database(name)


def plan_of(manager: ConfigManager, place: str, **options: Any) -> MigrationPlan:
    return plan_migration(manager.get_project("p"), place, **options)


def outputs_of(manager: ConfigManager) -> OpenedStore:
    return open_store(manager.get_project("p").jobstore["docs_store"])


def blob(name: str, data: Any) -> dict[str, Any]:
    return {"blob_uuid": name, "job_uuid": "u", "job_index": 1, "data": data}


def test_outputs_that_are_too_large_are_named_before_anything_is_copied(
    manager: ConfigManager,
) -> None:
    outputs = outputs_of(manager)
    outputs.collection.insert_one({"uuid": "small", "index": 1, "output": "x"})
    outputs.collection.insert_one({"uuid": "large", "index": 2, "output": "x" * (17 * MB)})
    outputs.database.collection("data").insert_one(blob("any size", "x"))
    before = collection_digest(outputs.collection)
    for refused in (refuse_too_large, lambda plan: migrate(plan, manager, switch=True)):
        with pytest.raises(DocumentTooLargeError) as error:
            refused(plan_of(manager, NOWHERE))
        assert error.value.message.endswith("larger: outputs: large index 2 (17.0 MB)")
        assert "nothing was copied" in str(error.value)
        assert "--queue-only" in str(error.value)
    assert collection_digest(outputs.collection) == before
    assert manager.get_project("p").queue.store["type"] == "EmbeddedStore"
    refuse_too_large(plan_of(manager, NOWHERE, queue_only=True))
    outputs.database.close()


def test_jobs_that_are_too_large_are_named(
    manager: ConfigManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizes, "MONGODB_LIMIT", 10_000)
    with JobController.from_project(manager.get_project("p")) as controller:
        controller.jobs.insert_many(
            [{"db_id": str(n), "uuid": f"u{n}", "job": "x" * (9990 + n)} for n in range(1, 9)]
        )
    for options in ({}, {"queue_only": True}):
        with pytest.raises(DocumentTooLargeError, match="delete these jobs") as error:
            refuse_too_large(plan_of(manager, NOWHERE, **options))
        assert error.value.message.count("jobs: db_id") == 5
        assert error.value.message.endswith("and 3 more")


def test_what_fits_exactly_is_not_refused(
    manager: ConfigManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outputs = outputs_of(manager)
    outputs.collection.insert_one(document := {"uuid": "u", "index": 1, "output": "x" * 10_000})
    outputs.database.close()
    monkeypatch.setattr(sizes, "MONGODB_LIMIT", sizes.document_size(document))
    refuse_too_large(plan_of(manager, NOWHERE))
    monkeypatch.setattr(sizes, "MONGODB_LIMIT", sizes.document_size(document) - 1)
    with pytest.raises(DocumentTooLargeError):
        refuse_too_large(plan_of(manager, NOWHERE))
    refuse_too_large(plan_of(manager, str(tmp_path / "elsewhere")))


def described(queue: dict[str, Any], **additional: dict[str, Any]) -> Project:
    docs = {**queue, "collection_name": "outputs"}
    return Project.model_validate(
        {
            "name": "p",
            "queue": {"store": {**queue, "collection_name": "jobs"}},
            "jobstore": {"docs_store": docs, "additional_stores": additional},
        }
    )


HERE = {"type": "MongoStore", "host": "h", "database": "db"}
THERE = {**HERE, "database": "other"}
BLOBS = {"type": "GridFSStore", "collection_name": "blobs"}
EMBEDDED = {"type": "EmbeddedStore", "path": "/p/one.sqlite"}


@pytest.mark.parametrize(
    "store",
    [
        {**THERE, **BLOBS},
        {"type": "GridFSURIStore", "uri": "mongodb://user:secret@h/other", "collection_name": "c"},
        {**HERE, **BLOBS, "ssh_tunnel": {"@class": "SSHTunnel"}},
        {**THERE, "collection_name": "c"},
        {"type": "MongoURIStore", "uri": "mongodb://user:secret@g/db", "collection_name": "c"},
        {"type": "S3Store", "bucket": "b", "index": {"type": "MemoryStore"}},
        {
            "type": "AzureBlobStore",
            "container_name": "b",
            "index": {**HERE, "collection_name": "i"},
        },
        {"type": "FileStore", "path": "/files"},
        {"type": "MemoryStore"},
        {"type": "JSONStore", "paths": "/file.json"},
        {"type": "MontyStore", "collection_name": "c"},
    ],
    ids=lambda store: str(store["type"]),
)
@pytest.mark.parametrize("place", ["mongodb://new/db", "/new"])
def test_stores_that_stay_reachable_are_left_and_said_to_be(
    store: dict[str, Any], place: str
) -> None:
    plan = plan_migration(described(HERE, data=store), place)
    (left,) = plan.left
    assert left.what == "additional store data"
    assert left.shown.startswith(store["type"])
    assert "secret" not in left.shown
    assert [move.what for move in plan.moves][6:] == ["outputs"]
    assert plan.jobstores[None]["additional_stores"] == {"data": store}


@pytest.mark.parametrize(
    ("store", "place", "moves", "kind"),
    [
        (EMBEDDED, "mongodb://new/db", ["data"], "GridFSURIStore"),
        (EMBEDDED, "/new", ["data"], "EmbeddedStore"),
        ({**HERE, **BLOBS}, "/new", ["data"], "EmbeddedStore"),
        ({**HERE, **BLOBS}, "mongodb://new/db", ["data, files", "data, chunks"], "GridFSURIStore"),
        ({**HERE, "collection_name": "c"}, "mongodb://new/db", ["data"], "MongoURIStore"),
        ({**HERE, "collection_name": "c"}, "/new", ["data"], "EmbeddedStore"),
    ],
)
def test_stores_that_move(store: dict[str, Any], place: str, moves: list[str], kind: str) -> None:
    plan = plan_migration(described(HERE, data={**store, "key": "blob_uuid"}), place)
    assert plan.left == ()
    assert [move.what for move in plan.moves][7:] == [f"additional store {name}" for name in moves]
    store = plan.jobstores[None]["additional_stores"]["data"]
    assert (store["type"], store["key"]) == (kind, "blob_uuid")


def test_gridfs_keeps_its_options_between_servers() -> None:
    options = {"compression": True, "searchable_fields": ["mine"]}
    plan = plan_migration(described(HERE, data={**HERE, **BLOBS, **options}), "mongodb://new/db")
    assert plan.jobstores[None]["additional_stores"]["data"].items() >= options.items()
    assert {move.target["collection_name"] for move in plan.moves} >= {
        "blobs.files",
        "blobs.chunks",
    }


def test_blobs_of_any_size_become_files_of_gridfs_and_come_back(
    manager: ConfigManager, server: str, tmp_path: Path
) -> None:
    outputs = outputs_of(manager)
    blobs = outputs.database.collection("data")
    large = "x" * (17 * MB)
    blobs.insert_many([blob("large", large), blob("small", [1, 2.0, None, {"é": True}])])
    before = collection_digest(blobs)
    done = migrate(plan_of(manager, server), manager, switch=True)
    assert done.rows[-1]["documents"] == done.rows[-1]["written"] == 2

    store = manager.get_project("p").get_jobstore()
    store.connect()
    data = store.additional_stores["data"]
    assert data.query_one({"blob_uuid": "large"}, ["blob_uuid", "data"])["data"] == large
    data.remove_docs({"job_uuid": "u", "job_index": 2})
    data.update([blob("small", "changed")], key="blob_uuid")
    assert data.query_one({"blob_uuid": "small"})["data"] == "changed"
    data.update([blob("small", [1, 2.0, None, {"é": True}])], key="blob_uuid")
    assert len(list(data.query())) == 2
    store.close()

    migrate(plan_of(manager, str(tmp_path / "back")), manager, switch=True)
    back = outputs_of(manager)
    found = {doc["blob_uuid"]: doc for doc in back.database.collection("data").find({})}
    assert found["large"]["data"] == large
    assert found["small"]["data"] == [1, 2.0, None, {"é": True}]
    assert collection_digest(blobs) == before
    for opened in (outputs, back):
        opened.database.close()


def test_gridfs_that_maggma_wrote_moves_into_a_file_and_between_servers(
    server: str, tmp_path: Path
) -> None:
    from controller.storage.jobstores import build_store

    here = {"type": "MongoURIStore", "uri": server}
    gridfs = {"type": "GridFSURIStore", "uri": server, "collection_name": "blobs"}
    for options in ({}, {"compression": True}):
        store = build_store({**gridfs, **options})
        store.connect()
        store.update([blob(f"compressed {options}", [1, "x" * 300_000])], key="blob_uuid")
        store.close()
    project = described(here, data=gridfs)
    with JobController.from_project(project) as controller:
        controller.reset()
    moved = plan_migration(project, str(tmp_path / "new"))
    assert moved.moves[-1].what == "additional store data"
    manager = ConfigManager(folder=tmp_path)
    manager.create_project(project)
    migrate(moved, manager)
    opened = open_store(moved.moves[-1].target)
    assert {doc["data"][0] for doc in opened.collection.find({})} == {1}
    assert opened.collection.count_documents({"job_uuid": "u"}) == 2
    opened.database.close()

    other = f"{server}_2"
    done = migrate(plan_migration(project, other), manager)
    assert [row["documents"] for row in done.rows[-2:]] == [2, 3]
    store = build_store({**gridfs, "uri": other})
    store.connect()
    assert {found["data"][0] for found in store.query({"job_uuid": "u"})} <= {1}
    assert len(list(store.query())) == 2
    store._chunks_collection.database.client.drop_database(other.rpartition("/")[2])
    store.close()


@pytest.fixture(params=ENGINES)
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OpenedStore]:
    """A database in which files of GridFS are written; any engine can hold them."""
    if request.param == "embedded":
        with fresh_store("embedded", tmp_path, None) as spec:
            store = open_store(spec)
            yield store
            store.database.close()
        return
    with mongo_client(require_mongo()) as client, fresh_store("mongodb", tmp_path, client) as spec:
        store = open_store(spec)
        yield store
        store.database.close()


def gridfs_of(opened: OpenedStore, **options: Any) -> GridFSCollection:
    return GridFSCollection(opened.database, {"collection_name": "blobs", **options})


DOCUMENT = {"_id": 1, **blob("b", {"x": [1, 2**40, 0.1, "x" * 300_000]})}


@pytest.mark.parametrize("compression", [False, True])
def test_a_document_as_a_file(opened: OpenedStore, compression: bool) -> None:
    blobs = gridfs_of(opened, compression=compression, searchable_fields=["data.x"])
    blobs.bulk_write([ReplaceOne({"_id": 1}, DOCUMENT, upsert=True)])
    blobs.bulk_write([ReplaceOne({"_id": 2}, {"_id": 2, "blob_uuid": "c"}, upsert=True)])
    assert next(gridfs_of(opened).find({}, sort=[("_id", 1)])) == DOCUMENT
    assert list(blobs.find({"_id": 1}, ["_id"])) == [{"_id": 1}]
    assert blobs.count_documents({}) == 2
    blobs.create_index([("blob_uuid", 1)])
    assert [index["key"] for index in blobs.index_information().values()] == [[("blob_uuid", 1)]]
    metadata = opened.database.collection("blobs.files").find_one({"_id": 1})["metadata"]  # type: ignore[index]
    assert {k: metadata[k] for k in ("blob_uuid", "job_uuid", "job_index")} == {
        "blob_uuid": "b",
        "job_uuid": "u",
        "job_index": 1,
    }


def test_remains_of_a_killed_writer_are_replaced(opened: OpenedStore) -> None:
    chunks = opened.database.collection("blobs.chunks")
    chunks.insert_many([{"files_id": 1, "n": n, "data": b"old"} for n in range(9)])
    blobs = gridfs_of(opened)
    for _ in range(2):
        blobs.bulk_write([ReplaceOne({"_id": 1}, DOCUMENT, upsert=True)])
        assert list(blobs.find({})) == [DOCUMENT]
        assert chunks.count_documents({}) == 2


def test_files_that_are_not_as_they_should_be(opened: OpenedStore) -> None:
    blobs = gridfs_of(opened)
    with pytest.raises(UnsupportedOperationError, match="document b cannot be stored"):
        blobs.bulk_write([ReplaceOne({}, {"_id": 1, "blob_uuid": "b", "on": datetime.min})])
    with pytest.raises(UnsupportedOperationError, match="whole documents"):
        blobs.bulk_write([DeleteOne({})])
    files = opened.database.collection("blobs.files")
    chunks = opened.database.collection("blobs.chunks")
    files.insert_one({"_id": 1, "length": 3, "metadata": {"mine": 1}})
    with pytest.raises(StorageError, match="0 of 3 bytes"):
        list(blobs.find({}))
    chunks.insert_one({"files_id": 1, "n": 0, "data": b"\xff\x00x"})
    assert list(blobs.find({})) == [{"_id": 1, "mine": 1, "data": b"\xff\x00x"}]


def killed_after(number: int, manager: ConfigManager, plan: MigrationPlan) -> int:
    """Migrate in a process that dies after so many documents; its status."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    status, left = 1, iter(range(number))

    def step() -> None:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        migrate(plan, manager, switch=True, step=step)
        status = 0
    finally:
        os._exit(status)


@pytest.mark.parametrize("engine", ENGINES)
def test_killed_anywhere_the_same_call_goes_on(
    manager: ConfigManager,
    engine: str,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("controller.operations.migration.PAGE", 2)
    place = str(tmp_path / "new") if engine == "embedded" else request.getfixturevalue("server")
    with JobController.from_project(manager.get_project("p")) as controller:
        controller.jobs.insert_many(
            [{"uuid": f"u{n}", "index": 1, "db_id": str(n)} for n in range(3)]
        )
    outputs = outputs_of(manager)
    outputs.collection.insert_many([{"uuid": f"u{n}", "index": 1, "output": n} for n in range(3)])
    outputs.database.collection("data").insert_many([blob(str(n), "x" * 99) for n in range(3)])
    outputs.database.close()
    plan = plan_of(manager, place)
    before, file = contents(plan), project_file(manager)
    # 3 jobs, 4 auxiliary documents, 3 outputs, 3 blobs; the last ones are those of the blobs.
    for number in (1, 5, 9, 11):
        assert os.WIFSIGNALED(killed_after(number, manager, plan))
        assert project_file(manager) == file
    done = migrate(plan, manager, switch=True)
    assert sum(row["unchanged"] for row in done.rows) >= 11
    assert contents(plan) == before
    assert [row["checksum"] for row in done.rows] == [digest.checksum for digest in before]
    assert [row["documents"] for row in done.rows] == [digest.count for digest in before]
    assert project_file(manager) != file


def contents(plan: MigrationPlan) -> list[Any]:
    """Digests of all that is copied."""
    found = []
    for move in plan.moves:
        store = open_store(move.source)
        found.append(collection_digest(store.collection))
        store.database.close()
    return found


def project_file(manager: ConfigManager) -> str:
    return Path(manager.get_project_data("p").filepath).read_text()
