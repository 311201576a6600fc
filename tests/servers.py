"""The databases that tests run on, and what happens where a server is missing."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pymongo
import pytest

ENGINES = [
    pytest.param("embedded", id="embedded"),
    pytest.param("mongodb", id="mongodb", marks=pytest.mark.mongo),
]
"""Every engine that the storage contract is checked on."""


@dataclass(frozen=True)
class Verdict:
    """What to do with tests that need a MongoDB-protocol server, and why."""

    action: Literal["run", "skip", "fail"]
    reason: str = ""


def mongo_verdict(environment: Mapping[str, str]) -> Verdict:
    """Decide whether tests on a server run.

    Parameters
    ----------
    environment
        ``JFR_TEST_MONGO_URI`` says where a server is; ``CI`` that its absence is a failure, but
        for ``JFR_MONGO_UNAVAILABLE``, in which the recipe that installs it says why it cannot.
    """
    if environment.get("JFR_TEST_MONGO_URI"):
        return Verdict("run")
    if reason := environment.get("JFR_MONGO_UNAVAILABLE"):
        return Verdict("skip", f"no MongoDB-protocol server can be had here: {reason}")
    missing = "JFR_TEST_MONGO_URI names no MongoDB-protocol server to test on"
    return Verdict("fail" if environment.get("CI") else "skip", missing)


def require_mongo() -> str:
    """Return the URI of the test server, or skip or fail the test that asks."""
    verdict = mongo_verdict(os.environ)
    if verdict.action == "skip":
        pytest.skip(verdict.reason)
    if verdict.action == "fail":
        pytest.fail(verdict.reason, pytrace=False)
    return os.environ["JFR_TEST_MONGO_URI"]


@contextmanager
def fresh_store(engine: str, folder: Path, client: Any) -> Iterator[dict[str, Any]]:
    """Describe a store in a database of its own, as a project file does; drop it afterwards.

    Parameters
    ----------
    engine
        "embedded" or "mongodb".
    folder
        Where the embedded engine's file goes.
    client
        An open pymongo client of the test server; None for the embedded engine.
    """
    name = f"jfr_test_{uuid.uuid4().hex[:12]}"
    if engine == "embedded":
        path = str(folder / f"{name}.db")
        yield {"type": "EmbeddedStore", "path": path, "collection_name": "jobs"}
        return
    uri = os.environ["JFR_TEST_MONGO_URI"]
    yield {"type": "MongoURIStore", "uri": uri, "database": name, "collection_name": "jobs"}
    client.drop_database(name)


@contextmanager
def mongo_client(uri: str) -> Iterator[pymongo.MongoClient[dict[str, Any]]]:
    """Open the test server as an outsider, to prepare and to clean up."""
    client: pymongo.MongoClient[dict[str, Any]]
    client = pymongo.MongoClient(uri, serverSelectionTimeoutMS=5000)
    with client:
        client.admin.command("ping")
        yield client
