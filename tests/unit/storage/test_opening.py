"""What a store's description opens, and what messages say of it."""

from __future__ import annotations

from typing import Any

import pytest

from controller.errors import ConfigError
from controller.storage.opening import describe_store, open_store, opens_directly

SECRET = "tr/s@cret"
DESCRIBED: list[tuple[dict[str, Any], str]] = [
    ({"type": "EmbeddedStore", "path": "/data/q.db"}, "/data/q.db"),
    (
        {"type": "MongoStore", "database": "jobs", "collection_name": "x"},
        "MongoDB database jobs at localhost:27017",
    ),
    (
        {"@class": "MongoStore", "database": "jobs", "host": "db", "port": 1, "password": SECRET},
        "MongoDB database jobs at db:1",
    ),
    (
        {"type": "MongoURIStore", "uri": "mongodb://me:pw@a:1,b:2/jobs?tls=true"},
        "MongoDB database jobs at a:1,b:2",
    ),
    (
        {"type": "MongoURIStore", "uri": "mongodb+srv://me:pw@h.net/j", "database": "d"},
        "MongoDB database d at h.net",
    ),
    (
        {"type": "MongoStore", "host": "mongodb://me:pw@h:5/?x=1", "database": "d"},
        "MongoDB database d at h:5",
    ),
    (
        {"type": "MongoURIStore", "uri": f"mongodb://me:{SECRET}@h:5/d", "database": "d"},
        "MongoDB database d at ?",
    ),
    (
        {"type": "MongoStore", "database": "d", "ssh_tunnel": {"remote_server": "x"}},
        "MongoDB database d at localhost:27017 through an SSH tunnel",
    ),
    ({"type": "MemoryStore"}, "MemoryStore"),
]


@pytest.mark.parametrize(("spec", "words"), DESCRIBED, ids=[words for _, words in DESCRIBED])
def test_description(spec: dict[str, Any], words: str) -> None:
    assert describe_store(spec) == words


MONGO = {"type": "MongoStore", "database": "d", "collection_name": "c"}
WRONG: list[tuple[Any, str]] = [
    ({}, "type"),
    ("mongodb://x", "type"),
    ({"type": "EmbeddedStore"}, "path"),
    ({"type": "EmbeddedStore", "path": "queue.db"}, "absolute"),
    ({"type": "MongoStore", "collection_name": "c"}, "database"),
    ({"type": "MongoStore", "database": "d"}, "collection_name"),
    ({"type": "MongoURIStore", "collection_name": "c"}, "uri"),
    ({"type": "MongoURIStore", "uri": "mongodb://h:1", "collection_name": "c"}, "database"),
    ({**MONGO, "port": "many"}, "port"),
    ({**MONGO, "port": 70000}, "port"),
    ({**MONGO, "mongoclient_kwargs": "x"}, "mongoclient_kwargs"),
    ({**MONGO, "mongoclient_kwargs": {"nosuch": 1}}, "nosuch"),
    ({**MONGO, "uri": f"mongodb://me:{SECRET}@h/d"}, "percent-encoded"),
    ({**MONGO, "uri": "https://h/d"}, "address"),
]


@pytest.mark.filterwarnings("ignore:Unknown option nosuch")
@pytest.mark.parametrize(("spec", "words"), WRONG, ids=[words for _, words in WRONG])
def test_a_description_that_cannot_be_opened(spec: Any, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        open_store(spec)
    assert "cret" not in str(caught.value)


def test_what_needs_maggma() -> None:
    assert opens_directly(MONGO)
    assert opens_directly({"type": "EmbeddedStore"})
    assert not opens_directly({"type": "MemoryStore"})
    assert not opens_directly({**MONGO, "ssh_tunnel": {"remote_server": "x"}})
