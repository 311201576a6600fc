"""Values of any size: what is written comes back, and only what differs counts as changed."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from thoroughness import THOROUGH, share

from controller.storage.base import Collection, Database, Document, ReplaceOne

Fill = Callable[[list[Document]], Collection]

SIZES = {"small": 10, "hot": 900, "part": 3_000, "rows": 600_000, "staged": 1_500_000}
"""Characters of a value: in the document, in a part, in several rows, written beforehand."""


def _document(a: int, b: int) -> Document:
    """Return a document with values of these sizes at the top, in a dictionary and in a list."""
    return {
        "text": "a" * a,
        "notes": "n" * b,
        "items": list(range(b // 10)),
        "job": {"name": "x", "args": "j" * a, "metadata": {"m": "m" * b}},
        "none": None,
    }


WAYS: dict[str, Callable[[Collection, Document], Any]] = {
    "insert": lambda c, d: c.insert_one({"_id": 1, **d}),
    "replace": lambda c, d: (c.insert_one({"_id": 1, "x": 1}), c.replace_one({"x": 1}, d)),
    "replace large": lambda c, d: (
        c.insert_one({"_id": 1, "x": 1, **_document(1_500_000, 3_000)}),
        c.replace_one({"x": 1}, {"_id": 1, **d}),
    ),
    "upsert": lambda c, d: c.replace_one({"_id": 1}, d, upsert=True),
    "upsert with _id": lambda c, d: c.replace_one({"x": 2}, {**d, "_id": 1}, upsert=True),
    "bulk": lambda c, d: c.bulk_write([ReplaceOne({"_id": 1}, d, upsert=True)]),
    "set": lambda c, d: (
        c.insert_one({"_id": 1, "text": 0}),
        c.update_one({"_id": 1}, {"$set": d}),
    ),
    "set in an upsert": lambda c, d: c.update_one({"_id": 1}, {"$set": d}, upsert=True),
}


@pytest.mark.parametrize("way", WAYS)
def test_values_beside_values_of_any_size(
    engine: str, shared_database: Database, collection: Collection, way: str
) -> None:
    write, turn = WAYS[way], list(WAYS).index(way)
    # All pairs, with every way, only where these sizes mean something.
    thorough = THOROUGH and engine == "embedded"
    pairs = share(product(SIZES.values(), repeat=2), first=turn, thorough=thorough)
    for number, (a, b) in enumerate(pairs):
        fresh = shared_database.collection(f"{collection.name}_{number}")
        fresh.create_index("notes" if b < 1000 else "job.name")
        document = _document(a, b)
        write(fresh, document)
        assert fresh.find_one({"_id": 1}) == {"_id": 1, **document}, (a, b)
        assert fresh.count_documents({}) == 1
        fresh.drop()


def test_the_same_again_is_no_change(fill: Fill, engine: str) -> None:
    document = _document(1_500_000, 3_000)
    collection = fill([{"_id": 1, **document}])
    replaced = collection.replace_one({"_id": 1}, dict(document))
    if engine == "embedded":  # MongoDB says 0, too; DocumentDB counts every replacement
        assert replaced.modified_count == 0
    assert collection.update_one({"_id": 1}, {"$set": document}).modified_count == 0
    assert collection.replace_one({"_id": 1}, {**document, "none": 0}).modified_count == 1
    assert collection.find_one() == {"_id": 1, **document, "none": 0}


SIZES_BESIDE = [1_100, 3_000, 50_000]


@pytest.mark.parametrize("size", SIZES_BESIDE)
@pytest.mark.parametrize("path", ["big.x", "big.deep.x", "x", "list.x", "list.9"])
def test_unset_of_what_is_not_there_changes_nothing(
    engine: str, fill: Fill, size: int, path: str
) -> None:
    if engine == "mongodb" and path == "list.x":
        pytest.skip("DocumentDB refuses a name where an array is; MongoDB removes nothing")
    document = {
        "_id": 1,
        "big": {"a": "b" * size, "deep": {"c": "d" * size}, "e": 1},
        "list": ["f" * size],
    }
    collection = fill([document])
    for _ in range(2):
        done = collection.update_one({"_id": 1}, {"$unset": {path: ""}})
        assert (done.matched_count, done.modified_count) == (1, 0)
    assert collection.find_one() == document


def test_a_replacement_that_matches_nothing_leaves_nothing(
    collection: Collection, shared_database: Database
) -> None:
    assert collection.replace_one({"_id": 1}, _document(1_500_000, 10)).matched_count == 0
    assert collection.find_one() is None
    assert shared_database.collection(collection.name).count_documents({}) == 0


LAST: dict[str, Callable[[], list[Any]]] = {
    "uuids": lambda: [f"{n:032x}" for n in range(40_000)],
    "some more than half a megabyte": lambda: [f"{n:036}" for n in range(12_000)],
    "of all kinds": lambda: [*(f"{n:032x}" for n in range(40_000)), 7, None],
    "as if one held another": lambda: ["\x025\x00\x03\x00\x00\x00ab\x00" * 3] * 60_000,
    "long texts": lambda: ["x" * 3000] * 900,
}


@pytest.mark.parametrize("made", LAST.values(), ids=list(LAST))
@pytest.mark.parametrize("number", [1, 20, 250])
def test_the_last_of_a_large_array(fill: Fill, made: Callable[[], list[Any]], number: int) -> None:
    values = made()
    collection = fill([{"_id": 1, "jobs": values, "state": "x", "parents": {"p" * 1000: 1}}])
    wanted = {"state": 1, "jobs": {"$slice": -number}}
    found = {"_id": 1, "jobs": values[-number:], "state": "x"}
    assert collection.find_one({"_id": 1}, wanted) == found
    assert list(collection.find({}, wanted)) == [found]
    locked = collection.find_one_and_update({"_id": 1}, {"$set": {"state": "y"}}, wanted)
    assert locked == found
    assert collection.find_one({}, ["jobs"]) == {"_id": 1, "jobs": values}
