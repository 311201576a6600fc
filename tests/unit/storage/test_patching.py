"""Many documents that are changed alike without being read are as if each had been changed."""

from __future__ import annotations

import random
from datetime import datetime
from pathlib import Path
from typing import Any

import bson
import pytest

from controller.storage.base import known_fields
from controller.storage.embedded import known, patching, writes
from controller.storage.embedded.collection import EmbeddedCollection
from controller.storage.embedded.database import open_database
from controller.storage.embedded.patches import patch_of, patched, whole
from controller.storage.embedded.rows import Stored

NOW = datetime(2026, 3, 4, 5, 6, 7)
STATES = ["READY", "WAITING", "PAUSED", None, 3, ["READY", "PAUSED"]]


def made(folder: Path, name: str, documents: list[dict[str, Any]]) -> EmbeddedCollection:
    collection = open_database(folder / f"{name}.sqlite", create=True).collection("jobs")
    assert isinstance(collection, EmbeddedCollection)
    collection.create_index("db_id", unique=True)
    collection.create_index([("state", 1), ("updated_on", 1)])
    collection.create_index("updated_on")
    collection.create_index([("job.hosts", 1), ("state", 1)])
    collection.create_index([("job.hosts", 1), ("priority", 1)])
    collection.create_index("lock_id")
    collection.insert_many([dict(document) for document in documents])
    return collection


def documents(chance: random.Random, number: int, states: list[Any]) -> list[dict[str, Any]]:
    """Make documents of all kinds: large and small, with and without hosts, states and times."""
    found = []
    for at in range(number):
        document: dict[str, Any] = {"_id": bson.ObjectId(f"{at:024x}"), "db_id": str(at)}
        if chance.random() < 0.9:
            document["state"] = chance.choice(states)
        if chance.random() < 0.9:
            document["updated_on"] = NOW if chance.random() < 0.3 else datetime(2025, 1, 1 + at % 9)
        hosts = chance.choice([[], ["a"], ["a", "b"], ["b", "a"], "a", None, ["a", 1], ["b", "b"]])
        document["job"] = {"hosts": hosts, "text": "x" * chance.choice([1, 600, 3000])}
        document["priority"] = chance.choice([1, 1.0, 2, "1"])
        found.append(document)
    return found


def content(collection: EmbeddedCollection) -> tuple[Any, ...]:
    """Return all documents, and all that indexes say of them."""
    found = [repr(d) for d in collection.find({}, sort=[("_id", 1)])]
    with collection._file.reading(None) as link:
        table = link.table("jobs")
        assert table is not None
        columns = ", ".join(["seq", *(c.sql for c in table.columns.values())])
        return (
            found,
            link.sql.execute(f"SELECT {columns} FROM {table.rows} ORDER BY seq").fetchall(),
            sorted(link.sql.execute(f"SELECT c, v, seq FROM {table.side}").fetchall(), key=repr),
            link.sql.execute("PRAGMA integrity_check").fetchall(),
        )


@pytest.mark.parametrize("seed", range(6))
def test_as_if_each_had_been_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    states = STATES[:3] if seed % 2 else STATES
    given = documents(chance, 60, states)
    quick, slow = made(tmp_path, "quick", given), made(tmp_path, "slow", given)
    monkeypatch.setattr(patching, "FEWEST", 1)
    written = []
    for _ in range(6):
        fields: dict[str, Any] = {"state": chance.choice(["READY", "PAUSED", "NEW"])}
        if chance.random() < 0.7:
            fields["updated_on"] = chance.choice([NOW, datetime(2024, 1, 1)])
        if chance.random() < 0.3:
            fields["priority"] = chance.choice([1, 2, 7])
        asked = chance.choice(
            [{}, {"state": "READY"}, {"job.hosts": "a", "state": "PAUSED"}, {"job.hosts": "b"}]
        )
        done = quick.update_many(asked, {"$set": fields})
        with monkeypatch.context() as patch:
            patch.setattr(patching.Patches, "of", lambda *_: None)
            expected = slow.update_many(asked, {"$set": fields})
        assert (done.matched_count, done.modified_count) == (
            expected.matched_count,
            expected.modified_count,
        )
        assert content(quick) == content(slow)
        with quick._file.reading(None) as link:
            rows = link.sql.execute("SELECT substr(hot,4,1) FROM d1").fetchall()
        written.append((b"\xfe",) in rows)
    assert any(written) or not seed % 2
    # A change of a single document writes it whole, with what its patch had set.
    quick.update_one({"db_id": "7"}, {"$set": {"job.text": "short"}})
    slow.update_one({"db_id": "7"}, {"$set": {"job.text": "short"}})
    assert content(quick) == content(slow)


def test_what_indexes_know_is_what_documents_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = documents(random.Random(1), 80, STATES[:4])
    collection = made(tmp_path, "known", given)
    asked = ["db_id", "updated_on", "lock_id", "job.hosts"]
    found = collection.find_known({}, asked)
    assert found is not None
    by_id = {document["db_id"]: document for document in found}
    for document in given:
        known_of_it = by_id[document["db_id"]]
        assert known_of_it.get("updated_on") == document.get("updated_on")
        assert known_of_it.get("lock_id") is None
        hosts = document["job"]["hosts"]
        assert known_of_it["job"]["hosts"] == (["b"] if hosts == ["b", "b"] else hosts)
    assert collection.find_known({}, ["db_id", "worker"]) is None  # no index has it
    assert collection.find_known({"job.text": "x"}, asked) is None
    monkeypatch.setattr(known, "_SCANNED", 1)
    assert collection.find_known({"db_id": "7"}, asked) is None  # quicker read
    assert known_fields(collection, {"db_id": "7"}, ["db_id", "worker"])[0]["db_id"] == "7"


def test_a_patch_over_a_patch() -> None:
    stored = bson.encode({"_id": 1, "state": "A", "b": 1})
    once = patched(stored, patch_of({"state": "B", "new": NOW}))
    twice = patched(once, patch_of({"state": "C"}))
    assert bson.decode(whole(twice)) == {"_id": 1, "state": "C", "b": 1, "new": NOW}
    assert Stored(1, twice).raw == bson.encode({"_id": 1, "state": "C", "b": 1, "new": NOW})
    assert whole(stored) == stored
    assert len(twice) == len(once)  # patches do not pile up


def test_a_text_is_found_in_a_patched_document(tmp_path: Path) -> None:
    collection = made(tmp_path, "texts", [{"_id": n, "db_id": str(n)} for n in range(300)])
    changed = collection.update_many({}, {"$set": {"state": "PAUSED", "updated_on": NOW}})
    assert changed.modified_count == 300
    assert collection.count_documents({"state": "PAUSED", "updated_on": NOW}) == 300
    collection.drop_index("state_1_updated_on_1")
    assert len(list(collection.find({"state": "PAUSED"}))) == 300


def test_many_are_deleted_with_all_that_indexes_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = documents(random.Random(3), 80, STATES)
    quick, slow = made(tmp_path, "quick", given), made(tmp_path, "slow", given)
    asked = {"job.hosts": "a"}
    with monkeypatch.context() as patch:
        patch.setattr(writes, "FEWEST", 1)
        done = quick.delete_many(asked).deleted_count
    assert done == slow.delete_many(asked).deleted_count > 10
    assert content(quick) == content(slow)
    with quick._file.reading(None) as link, slow._file.reading(None) as other:
        parts = [each.value("SELECT count(*) FROM part") for each in (link, other)]
    assert parts[0] == parts[1] > 0
