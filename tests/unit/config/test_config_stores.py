"""Descriptions of stores: what is accepted, and what is said about the others."""

from __future__ import annotations

from typing import Any

import pytest
from config_samples import content, with_store

from controller.config import Project
from controller.config.base import RefusedError
from controller.config.store_limits import jobstore_limits, project_limits
from controller.config.stores import (
    KINDS,
    check_jobstore,
    check_queue_store,
    check_store,
    collection_place,
)

MONGO: dict[str, Any] = {"type": "MongoStore", "database": "db", "collection_name": "c"}
S3: dict[str, Any] = {"type": "S3Store", "bucket": "b", "index": MONGO}

GOOD_STORES = [
    MONGO,
    {**MONGO, "host": "h", "port": 27018, "username": "u", "password": "p", "auth_source": "a"},
    {**MONGO, "port": "27018", "mongoclient_kwargs": {"tls": True}, "safe_update": True},
    {**MONGO, "ssh_tunnel": {"@class": "SSHTunnel", "anything": 1}},
    {"@module": "maggma.stores.mongolike", "@class": "MongoStore", "@version": "0", **MONGO},
    {"type": "MongoURIStore", "uri": "mongodb://h/db", "collection_name": "c"},
    {"type": "MongoURIStore", "uri": "mongodb://h", "database": "db", "collection_name": "c"},
    {"type": "EmbeddedStore", "path": "/x.sqlite"},
    {"type": "EmbeddedStore", "path": "~/x.sqlite", "collection_name": "c", "key": "uuid"},
    {"type": "MemoryStore"},
    {"type": "JSONStore", "paths": ["/a.json"], "read_only": False},
    {"type": "MontyStore", "collection_name": "c", "database_path": "/x"},
    {"type": "FileStore", "path": "/x"},
    {"type": "GridFSStore", "database": "db", "collection_name": "c", "compression": True},
    S3,
    {"type": "ConcatStore", "stores": [MONGO, MONGO]},
    {"type": "SomebodysStore", "anything": {"goes": True}},
]


@pytest.mark.parametrize("store", GOOD_STORES, ids=lambda s: str(s)[:60])
def test_accepted(store: dict[str, Any]) -> None:
    check_store(store)


BAD_STORES = [
    ("text", "must be a mapping with the key 'type'"),
    ({"database": "db"}, "needs the key 'type'"),
    ({"type": "MongoStore", "collection_name": "c"}, "a MongoStore needs the key 'database'"),
    ({"type": "MongoStore", "database": "db"}, "a MongoStore needs the key 'collection_name'"),
    ({**MONGO, "databse": "x"}, "a MongoStore has no key 'databse'"),
    ({**MONGO, "port": 70000}, "port of a MongoStore must be a number from 1 to 65535"),
    ({**MONGO, "port": "x"}, "port of a MongoStore must be a number from 1 to 65535"),
    ({**MONGO, "password": 12}, "password of a MongoStore must be text"),
    ({"type": "MongoURIStore", "collection_name": "c"}, "a MongoURIStore needs the key 'uri'"),
    ({"type": "EmbeddedStore"}, "an EmbeddedStore needs the key 'path'"),
    ({"type": "EmbeddedStore", "path": "x.sqlite"}, "path of an EmbeddedStore must be absolute"),
    ({"type": "S3Store", "bucket": "b"}, "an? S3Store needs the key 'index'"),
    ({**S3, "index": {"type": "MongoStore"}}, "a MongoStore needs the key 'database'"),
]


@pytest.mark.parametrize(("store", "message"), BAD_STORES)
def test_refused(store: Any, message: str) -> None:
    with pytest.raises(RefusedError, match=f"^{message}"):
        check_store(store)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_only_stores_with_collections_hold_the_queue(kind: str) -> None:
    store = {"type": kind, **dict.fromkeys(KINDS[kind].required, "/x")}
    if kind in ("GridFSStore", "GridFSURIStore", "S3Store", "AzureBlobStore") or kind in (
        "ConcatStore",
        "AliasingStore",
        "SandboxStore",
    ):
        with pytest.raises(RefusedError, match="cannot hold the queue"):
            check_queue_store(store)
    else:
        check_queue_store(store)


BAD_JOBSTORES = [
    (MONGO, "needs the key 'docs_store'", "put the store under docs_store"),
    ({}, "needs the key 'docs_store'", None),
    ({"docs_store": MONGO, "stores": 1}, "a jobstore has no key 'stores'", "known"),
    ({"docs_store": {}}, "docs_store: needs the key 'type'", "EmbeddedStore"),
    ({"docs_store": MONGO, "additional_stores": {"d": {}}}, "d: needs the key 'type'", None),
    ({"docs_store": MONGO, "additional_stores": [1]}, "additional_stores must map", None),
]


@pytest.mark.parametrize(("jobstore", "message", "hint"), BAD_JOBSTORES)
def test_refused_jobstores(jobstore: Any, message: str, hint: str | None) -> None:
    with pytest.raises(RefusedError, match=message) as caught:
        check_jobstore(jobstore)
    assert hint is None or hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    "jobstore",
    [
        {"docs_store": MONGO},
        {"docs_store": MONGO, "additional_stores": {"data": S3}, "save": {"data": "x"}},
        {"@module": "jobflow", "@class": "JobStore", "docs_store": MONGO, "load": True},
    ],
)
def test_accepted_jobstores(jobstore: dict[str, Any]) -> None:
    check_jobstore(jobstore)
    assert Project.model_validate(content(jobstore=jobstore)).jobstore == jobstore


@pytest.mark.parametrize("queue", [{}, {"store": {}}])
def test_a_queue_needs_a_store(queue: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="needs the key"):
        Project.model_validate(content(queue=queue))


PLACES = [
    (MONGO, {**MONGO, "host": "localhost", "port": 27017}, True),
    (MONGO, {**MONGO, "host": "127.0.0.1"}, True),
    (MONGO, {**MONGO, "host": "LOCALHOST", "username": "u"}, True),
    (MONGO, {**MONGO, "collection_name": "other"}, True),
    (MONGO, {**MONGO, "port": 27018}, False),
    (MONGO, {**MONGO, "database": "other"}, False),
    (MONGO, {**MONGO, "ssh_tunnel": {"@class": "SSHTunnel"}}, False),
    (MONGO, {"type": "MongoURIStore", "uri": "mongodb://u:p@localhost/db"}, True),
    (MONGO, {"type": "MongoURIStore", "uri": "mongodb://[::1]:27017", "database": "db"}, True),
    (MONGO, {"type": "MongoURIStore", "uri": "mongodb://localhost/other"}, False),
    (MONGO, {**MONGO, "host": "mongodb://localhost"}, True),
    (
        {"type": "MongoURIStore", "uri": "mongodb://a:1,b:2/db?replicaSet=r"},
        {"type": "MongoURIStore", "uri": "mongodb://x@B:2,A:1/db"},
        True,
    ),
    (
        {"type": "EmbeddedStore", "path": "/a/../b.sqlite"},
        {"type": "EmbeddedStore", "path": "/b.sqlite"},
        True,
    ),
    ({"type": "Their", "x": 1}, {"type": "Their", "x": 1, "collection_name": "c"}, True),
    ({"type": "Their", "x": 1}, {"type": "Their", "x": 2}, False),
]


@pytest.mark.parametrize(("a", "b", "same"), PLACES)
def test_places_of_collections(a: dict[str, Any], b: dict[str, Any], same: bool) -> None:
    assert (collection_place(a) == collection_place(b)) is same


def test_queue_store_of_the_wrong_kind_is_refused_by_the_project() -> None:
    with pytest.raises(ValueError, match="a GridFSStore cannot hold the queue"):
        Project.model_validate(with_store(**{**MONGO, "type": "GridFSStore"}))


def limits_of(docs: Any, **additional: Any) -> list[tuple[str, str | None, str]]:
    found = jobstore_limits({"docs_store": docs, "additional_stores": additional})
    return [(".".join(limit.place), limit.additional, limit.message) for limit in found]


AZURE = {"type": "AzureBlobStore", "container_name": "c", "index": MONGO}
MONTY = {"type": "MontyStore", "collection_name": "c"}
JSON = {"type": "JSONStore", "paths": ["/a.json"]}
ALIAS = {"@module": "maggma.stores.advanced_stores", "@class": "AliasingStore", "aliases": {}}
LIMITED = [
    (MONTY, "docs_store", None, "a MontyStore needs the package montydb"),
    (AZURE, "docs_store", None, "an AzureBlobStore needs the package azure-storage-blob and azure"),
    ({"type": "SandboxStore", "store": MONTY, "sandbox": "s"}, "docs_store.store", None, "montydb"),
    ({**ALIAS, "store": MONGO}, "docs_store", None, "an AliasingStore cannot store outputs"),
    (
        {"type": "FileStore", "path": "/x"},
        "docs_store",
        None,
        "a FileStore only lists files on disk",
    ),
    ({"type": "ConcatStore", "stores": [MONGO]}, "docs_store", None, "a ConcatStore is read-only"),
    (JSON, "docs_store", None, "the JSONStore is read-only"),
    ({**JSON, "read_only": True}, "docs_store", None, "the JSONStore is read-only"),
    ({"@module": "no_such.pack", "@class": "S"}, "docs_store", None, "no_such.pack of the S"),
]


@pytest.mark.parametrize(("docs", "place", "additional", "message"), LIMITED)
def test_what_keeps_a_store_from_being_used(
    docs: Any, place: str, additional: str | None, message: str
) -> None:
    ((where, concerns, text),) = limits_of(docs)
    assert (where, concerns) == (place, additional)
    assert message in text


def test_a_store_that_only_its_own_jobs_cannot_use() -> None:
    """What is missing keeps the JobStore from being built; what cannot hold data is there."""
    ((place, concerns, text),) = limits_of(MONGO, files={"type": "FileStore", "path": "/x"})
    assert (place, concerns) == ("additional_stores.files", "files")
    assert "cannot store the output of a job" in text
    ((_, concerns, _),) = limits_of(MONGO, far=AZURE)
    assert concerns is None


@pytest.mark.parametrize(
    "docs",
    [
        MONGO,
        {"type": "MemoryStore"},
        {**JSON, "read_only": False},
        {**JSON, "file_writable": True},
        {"type": "SandboxStore", "store": MONGO, "sandbox": "s"},
        {"type": "SomebodysStore", "anything": {"goes": True}},
        {"@module": "controller.storage.embedded.store", "@class": "EmbeddedStore", "path": "/x"},
    ],
)
def test_stores_without_a_limit(docs: Any) -> None:
    assert limits_of(docs, parts={**ALIAS, "store": MONGO}) == []


def test_a_queue_that_cannot_be_opened() -> None:
    project = Project.model_validate(with_store(type="MemoryStore"))
    (limit,) = project_limits(project)
    assert (limit.place, limit.message) == (
        ("queue", "store"),
        "the queue cannot use a MemoryStore",
    )
