"""What projects share and must not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from config_samples import BATCH, LOCAL, MINIMAL, REMOTE, SEPARATED, content

from controller.config import Project, find_conflicts
from controller.config.conflicts import ConflictKind

MONGO = MINIMAL["queue"]["store"]


def project(name: str, **changes: Any) -> Project:
    """A project whose queue and folders are its own unless given."""
    own = {"queue": {"store": {**MONGO, "database": name}}, "base_dir": f"/base/{name}"}
    return Project.model_validate(content(name=name, **{**own, **changes}))


def kinds(*projects: Project) -> list[str]:
    return [str(issue.kind) for issue in find_conflicts(projects)]


def test_projects_of_their_own() -> None:
    assert find_conflicts([project("a"), project("b"), project("c")]) == []


POOLS = [
    (LOCAL, LOCAL, True),
    (LOCAL, REMOTE, False),
    (REMOTE, REMOTE, True),
    (REMOTE, {**REMOTE, "host": "CLUSTER", "port": 22, "user": "ann"}, True),
    (REMOTE, {**REMOTE, "port": 2222}, False),
    (REMOTE, {**REMOTE, "gateway": "jump"}, False),
    (REMOTE, SEPARATED, True),
    ({**REMOTE, "gateway": {"host": "J"}}, {**REMOTE, "gateway": {"host": "j", "port": 22}}, True),
]


@pytest.mark.parametrize(("a", "b", "conflict"), POOLS)
def test_pools(a: dict[str, Any], b: dict[str, Any], conflict: bool) -> None:
    first = project("a", workers={"x": {**a, "batch": BATCH}})
    second = project("b", workers={"plain": b, "y": {**b, "batch": BATCH}})
    found = find_conflicts([second, first])
    assert [i.kind for i in found] == ([ConflictKind.JOBS_HANDLE_DIR] if conflict else [])
    for issue in found:
        assert issue.projects == ("a", "b")
        assert issue.message == ("worker x of a and worker y of b share the jobs_handle_dir /pool")


QUEUES = [
    ({"store": MONGO}, {"store": MONGO}, 5),
    ({"store": MONGO}, {"store": {**MONGO, "collection_name": "other"}}, 4),
    ({"store": MONGO}, {"store": {**MONGO, "host": "elsewhere"}}, 0),
    (
        {"store": MONGO},
        {
            "store": {**MONGO, "collection_name": "flows"},
            "flows_collection": "f",
            "auxiliary_collection": "a",
            "batches_collection": "b",
        },
        1,
    ),
    (
        {"store": {"type": "EmbeddedStore", "path": "/x/q.sqlite"}},
        {"store": {"type": "EmbeddedStore", "path": "/x/../x/q.sqlite"}},
        5,
    ),
    ({"store": {"type": "MemoryStore"}}, {"store": {"type": "MemoryStore"}}, 0),
]


@pytest.mark.parametrize(("a", "b", "number"), QUEUES)
def test_queues(a: dict[str, Any], b: dict[str, Any], number: int) -> None:
    found = kinds(project("a", queue=a), project("b", queue=b))
    assert found == ["queue_collection"] * number


def test_a_shared_collection_is_named() -> None:
    queue = {"store": {**MONGO, "username": "u", "password": "secret"}}
    other = {
        "store": {**MONGO, "collection_name": "flows"},
        "flows_collection": "f",
        "auxiliary_collection": "a",
        "batches_collection": "b",
    }
    [issue] = find_conflicts([project("a", queue=queue), project("b", queue=other)])
    assert issue.message == (
        "the flows of a and the jobs of b share the collection flows in localhost:27017 db"
    )


OUTPUTS = [
    ({"docs_store": {**MONGO, "database": "a", "collection_name": "outputs"}}, []),
    ({"docs_store": {**MONGO, "database": "a"}}, [("a",)]),
    ({"docs_store": {**MONGO, "database": "b", "collection_name": "flows"}}, [("a", "b")]),
    (
        {
            "docs_store": {"type": "MemoryStore"},
            "additional_stores": {"d": {**MONGO, "database": "a"}},
        },
        [("a",)],
    ),
    (
        {
            "docs_store": {"type": "MemoryStore"},
            "additional_stores": {"d": {**MONGO, "database": "a", "type": "GridFSStore"}},
        },
        [],
    ),
]


@pytest.mark.parametrize(("jobstore", "concerned"), OUTPUTS)
def test_outputs_among_the_jobs(jobstore: dict[str, Any], concerned: list[tuple[str, ...]]) -> None:
    found = find_conflicts([project("a", jobstore=jobstore), project("b")])
    assert [i.projects for i in found] == concerned
    assert {i.kind for i in found} <= {ConflictKind.OUTPUT_COLLECTION}


def test_a_jobstore_may_be_shared() -> None:
    shared = {"docs_store": {**MONGO, "database": "outputs", "collection_name": "o"}}
    assert find_conflicts([project("a", jobstore=shared), project("b", jobstore=shared)]) == []


FOLDERS = [
    ({}, {"base_dir": "/base/b"}, []),
    ({"base_dir": "/x"}, {"base_dir": "/x"}, ["are the same"]),
    ({"base_dir": "/x"}, {"base_dir": "/y/../x"}, ["are the same"]),
    ({"base_dir": "/x"}, {"base_dir": "/x/y"}, ["are nested"]),
    ({"base_dir": "/x"}, {"base_dir": "/xy"}, []),
    ({"log_dir": "/logs"}, {"log_dir": "/logs"}, ["are the same"]),
    ({"log_dir": "/base/b/log"}, {}, ["are nested"]),
]


@pytest.mark.parametrize(("a", "b", "relations"), FOLDERS)
def test_folders(a: dict[str, Any], b: dict[str, Any], relations: list[str]) -> None:
    found = find_conflicts([project("a", **a), project("b", **b)])
    assert [i.message.endswith(r) for i, r in zip(found, relations, strict=True)] == [True] * len(
        relations
    )


def test_folders_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    a = project("a", base_dir=str(tmp_path / "real"))
    b = project("b", base_dir=str(tmp_path / "link"))
    assert kinds(a, b) == ["directory"]
