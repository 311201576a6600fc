"""Values come back as they were given; files of earlier formats are read, and get the newest."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import bson
import pytest
from bson.errors import InvalidBSON

from controller.documents import new_flow_document
from controller.storage.embedded import bulk_rewriting, link, open_database, rows
from controller.storage.embedded.compression import DICTIONARIES, LARGEST, packed, plain
from controller.storage.embedded.layout import FORMAT

DIGESTS = {
    1: "5d583d5c50105b07b823e7d2018b6139",
    2: "efddf13e6a3a177e6522df9bffc328c5",
    3: "6840392e5550a927428816fd387fd39e",
}
"""Of dictionaries that files need. A change makes them unreadable: add a dictionary instead."""


def test_no_dictionary_has_changed() -> None:
    found = {n: hashlib.blake2b(d, digest_size=16).hexdigest() for n, d in DICTIONARIES.items()}
    assert found == DIGESTS


@pytest.mark.parametrize(
    "value",
    [
        *("", "x" * 399, "x" * 401, "x" * 5000, "ä" * 100_000),
        *(os.urandom(1000), os.urandom(10_000), b"\xff" * 600),
        *("x" * LARGEST, {str(n): None for n in range(300)}),
    ],
    ids=lambda value: f"{type(value).__name__} {len(value)}",
)
def test_a_value_comes_back(value: Any) -> None:
    raw = bson.encode({"": value})
    stored = packed(raw)
    assert plain(stored) == raw
    assert plain(raw) == raw
    assert len(stored) <= len(raw)


def test_a_flow_has_a_dictionary_of_its_own() -> None:
    uuid = "6bd3cc00-85f4-43d0-bcc5-0962d02f5476"
    ids, parents = [("501", uuid, 1)], {uuid: {"1": list[str]()}}
    flow = new_flow_document(
        uuid=uuid, name="f", metadata={}, ids=ids, parents=parents, now=datetime(2026, 12, 1)
    )
    raw = bson.encode({"_id": bson.ObjectId(), **flow})
    stored = packed(raw)
    assert stored[0] == 3
    assert plain(stored) == raw
    assert len(stored) < len(raw) / 2


def test_a_damaged_value_is_reported() -> None:
    stored = packed(bson.encode({"": "x" * 1000}))
    other = bytes([stored[9] ^ 1])
    for damaged in (
        b"\x63" + stored[1:],
        stored[:8] + b"\xff" * 20,
        stored[:9] + other,
        stored[:12],
    ):
        with pytest.raises(InvalidBSON, match="damaged"):
            plain(damaged)


def test_a_file_of_an_earlier_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "q.sqlite"
    documents = [
        {"_id": n, "k": n, "state": "A", "text": "x" * 900, **({"large": "y" * 5000} if n else {})}
        for n in range(3)
    ]
    with monkeypatch.context() as patched:
        for module in (rows, bulk_rewriting, link):
            patched.setattr(module, "packed", bytes)
        database = open_database(path)
        database.collection("c").create_index("k")
        database.collection("c").insert_many(documents)
        database.close()
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("UPDATE meta SET format=2")
        raw.execute("CREATE INDEX m1_seq ON m1(seq)")  # as until format 3
    whole = path.stat().st_size
    database = open_database(path)
    jobs = database.collection("c")
    assert list(jobs.find({}, sort=[("_id", 1)])) == documents
    assert _format(path) == 2
    jobs.update_one({"k": 0}, {"$set": {"state": "B"}})
    jobs.update_many({}, {"$set": {"new": "large" * 200}})
    assert _format(path) == FORMAT
    with closing(sqlite3.connect(path)) as raw:
        assert not raw.execute("SELECT 1 FROM sqlite_master WHERE name='m1_seq'").fetchall()
    documents[0]["state"] = "B"
    assert list(jobs.find({}, sort=[("_id", 1)])) == [
        {**d, "new": "large" * 200} for d in documents
    ]
    database.compact()
    assert path.stat().st_size <= whole
    database.close()


def _format(path: Path) -> int:
    with closing(sqlite3.connect(path)) as raw:
        return int(raw.execute("SELECT format FROM meta").fetchone()[0])
