"""Whatever way the engine takes, the answer is that of looking at each document."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.globs import glob_to_regex
from controller.storage.embedded import open_database, routes, wildcards
from controller.storage.embedded.globs import after, glob_of
from controller.storage.embedded.layout import FORMAT

INDEXES: list[Any] = [
    *("db_id", "state", "name", "worker", "updated_on", "tags", "meta.$**"),
    [("state", 1), ("updated_on", 1)],
]
VALUES: list[Any] = [1, 1.0, "1", True, "x" * 150, None, 2.5, {"a": 1}, ["p", {"d": 1}], [["q"]]]


def some_documents(dice: random.Random) -> list[dict[str, Any]]:
    names = ["add", "add_b", "b[1]", "a\0b", "relax 12", "Relax", "é", "a*", None, 7, ["add", "x"]]
    return [
        {
            "_id": n,
            "db_id": str(n),
            "state": dice.choice(["C", "C", "C", "F", "R"]),
            "name": dice.choice(names),
            "worker": dice.choice(["w1", "w2", None]),
            "updated_on": dice.randrange(40),
            "tags": dice.choice([[], ["a"], ["a", "b"], "b", None]),
            "meta": dice.choice(
                [
                    {},
                    {"k": dice.choice(VALUES), "n": {"k": dice.choice(VALUES)}},
                    {"k": [1, "z", {"d": dice.choice(VALUES)}], "a.b": 1},
                    {str(i): i for i in range(dice.randrange(4, 8))} | {"k": 1},
                    {"k": 1},
                ]
                if n % 29
                else [None, "k", [{"k": 1}], 5]
            ),
        }
        for n in range(120)
    ]


def some_condition(dice: random.Random) -> dict[str, Any]:
    pattern = dice.choice(
        ["add*", "*b*", "a?d", "b[[]1]", "[!a]*", "[A-Z]*", "*", "no*", "a[*]", "é"]
    )
    value = dice.choice(VALUES[:7])
    return dice.choice(
        [
            {"state": dice.choice(["C", "F", {"$in": ["C", "R"]}, {"$ne": "C"}])},
            {"name": {"$regex": glob_to_regex(pattern)}},
            {"name": {"$regex": dice.choice(["^add", "dd", "^(a|R)", "x$"]), "$options": "i"}},
            {"worker": dice.choice(["w1", None, "none"])},
            {"updated_on": {"$gte": dice.randrange(40)}},
            {"updated_on": {"$gte": 5, "$lt": dice.randrange(40)}},
            {"tags": dice.choice(["a", "b", {"$in": ["a", "b"]}])},
            {"meta.k": value},
            {"meta.n.k": {"$in": [value, "none"]}},
            {"meta.k.d": 1},
            {"meta.k.1": "z"},
            {"db_id": {"$gte": "2", "$lte": "27"}},
            {"$or": [{"worker": "w2"}, {"meta.k": 1}]},
        ]
    )


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Any, Any]]:
    with_indexes = open_database(tmp_path / "with.sqlite", synchronous="NORMAL")
    without = open_database(tmp_path / "without.sqlite", synchronous="NORMAL")
    yield with_indexes.collection("c"), without.collection("c")
    with_indexes.close()
    without.close()


@pytest.mark.parametrize("seed", range(2))
def test_answers_of_every_way(
    pair: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(routes, "FEW", seed * 5)
    monkeypatch.setattr(routes, "_FIRST", 3)
    monkeypatch.setattr(routes, "_FURTHER", 9)
    monkeypatch.setattr(wildcards, "MANY", 6)
    dice = random.Random(seed)
    indexed, plain = pair
    documents = some_documents(dice)
    if seed % 2:
        for keys in INDEXES:
            indexed.create_index(keys)
    for collection in pair:
        collection.insert_many([dict(d) for d in documents])
        collection.update_many(
            {"_id": {"$gt": 0, "$lt": 28}}, {"$set": {"meta.n.k": 2.5, "state": "F"}}
        )
        collection.update_many({"_id": {"$gt": 110}}, {"$unset": {"meta": ""}})
        collection.replace_one({"_id": 50}, {"meta": {"k": 1}, "updated_on": 3})
        collection.delete_many({"_id": {"$in": [60, 61]}})
    if not seed % 2:
        for keys in INDEXES:
            indexed.create_index(keys)
    for _ in range(60):
        query: dict[str, Any] = {}
        for _ in range(dice.randrange(1, 4)):
            query |= some_condition(dice)
        way, limit = dice.choice([1, -1]), dice.choice([0, 1, 7, 500])
        sort = [("updated_on", way)]
        wanted = {d["_id"]: d for d in plain.find(query)}
        found = list(indexed.find(query, sort=sort, limit=limit))
        assert len(found) == min(limit or len(wanted), len(wanted)), query
        assert all(wanted[d["_id"]] == d for d in found), query
        assert len({d["_id"] for d in found}) == len(found), query
        keys = [d.get("updated_on") for d in plain.find(query, sort=sort, limit=limit)]
        assert [d.get("updated_on") for d in found] == keys, query
        assert {d["_id"]: d for d in indexed.find(query)} == wanted, query
        states = {d["_id"]: d.get("state") for d in indexed.find(query, ["state"])}
        assert states == {key: d.get("state") for key, d in wanted.items()}, query
        assert indexed.count_documents(query) == len(wanted), query
        groups = [{"$match": query}, {"$group": {"_id": "$state", "n": {"$sum": 1}}}]
        counts = [{g["_id"]: g["n"] for g in c.aggregate(groups)} for c in pair]
        assert counts[0] == counts[1], query


@pytest.mark.parametrize(
    ("pattern", "glob"),
    [
        ("add*", ("add*", "add")),
        ("*b 7", ("*b 7", "")),
        ("a?[x-z]", ("a?[x-z]", "a")),
        ("[!ab]c", ("[^ab]c", "")),
        ("a[*]", ("a[*]", "a")),
        ("a]b", ("a]b", "a]b")),
        ("a[]x]", None),
    ],
)
def test_patterns_of_names_in_sqlite(pattern: str, glob: tuple[str, str] | None) -> None:
    assert glob_of(glob_to_regex(pattern)) == glob


@pytest.mark.parametrize("source", ["add", "^a+", "^a|b", "^(a)", "^a.b", "^a$", "^\\d", "^a{2}"])
def test_expressions_that_are_no_patterns(source: str) -> None:
    assert glob_of(source) is None


def test_the_end_of_a_range_of_texts() -> None:
    assert [after("ab"), after("a\ud7ff"), after("\U0010ffff")] == ["ac", "a\ue000", None]


def test_a_file_of_an_older_version_gets_its_new_indexes(tmp_path: Path) -> None:
    path = tmp_path / "queue.sqlite"
    old = open_database(path)
    old.collection("jobs").create_index("name")
    version = "SELECT format FROM meta"
    old.collection("jobs").create_index("metadata.$**")
    with old.collection("jobs")._file.reading() as link:
        assert link.value(version) == FORMAT
    old.close()


@pytest.mark.parametrize("few", [0, 3, 1000])
def test_counts_where_nearly_all_documents_meet_a_condition(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """As many as without any index, however few are looked at one by one."""
    monkeypatch.setattr(routes, "FEW", few)
    chance = random.Random(7)
    documents = [
        {
            "_id": n,
            "k": str(n),
            "state": chance.choices(["C", "R", None], [30, 1, 1])[0],
            "worker": chance.choices(["local", "other"], [60, 1])[0],
            "hosts": chance.choices(["f", "g", "h"], k=2),
            "name": f"{chance.randrange(9)}",
        }
        for n in range(300)
    ]
    jobs = open_database(tmp_path / "q.sqlite").collection("jobs")
    jobs.insert_many(documents)
    plain = open_database(tmp_path / "p.sqlite").collection("jobs")
    plain.insert_many(documents)
    jobs.create_index("k", unique=True)
    for path in ("state", "worker", "hosts", "name"):
        jobs.create_index(path)
    asked: dict[str, Any] = {"state": "C", "worker": "local", "hosts": "f", "name": {"$in": ["1"]}}
    for chosen in range(1, 16):
        query = {key: value for bit, (key, value) in enumerate(asked.items()) if chosen >> bit & 1}
        assert jobs.count_documents(query) == plain.count_documents(query), query
        between = {**query, "k": {"$gte": "1", "$lte": "2"}}
        pipeline = [{"$match": between}, {"$group": {"_id": "$k", "count": {"$sum": 1}}}]
        found, wanted = (sorted(map(str, c.aggregate(pipeline))) for c in (jobs, plain))
        assert found == wanted, between


def test_a_deleted_document_leaves_no_keys(tmp_path: Path) -> None:
    database = open_database(tmp_path / "queue.sqlite")
    jobs = database.collection("jobs")
    for keys in ([("hosts", 1), ("state", 1)], [("meta.$**", 1)], [("tags", 1)]):
        jobs.create_index(keys)
    many = {str(n): n for n in range(300)}
    for tags in (["a", "b"], "a", [1, None], []):
        for meta in ({"n": 7, "in": [{"x": 1.5}]}, {}, many, "text"):
            jobs.insert_one({"hosts": ["1", "2"], "state": "A", "tags": tags, "meta": meta})
    jobs.update_many({}, {"$set": {"state": "B"}})
    jobs.delete_many({"meta.n": 7})
    assert jobs.find_one_and_delete({}) is not None
    jobs.delete_many({})
    with jobs._file.reading() as link:
        assert link.value("SELECT count(*) FROM m1") == 0
    database.close()


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"$regex": "^b"}, {1, 2}),
        ({"$gte": "b", "$lt": "c"}, {1, 2}),
        ({"$ne": "b1"}, {0, 2, 3, 4}),
        (None, {3, 4}),
        ({"$in": ["b1", None]}, {1, 3, 4}),
    ],
)
def test_conditions_on_arrays_asked_of_single_rows(
    tmp_path: Path, condition: object, expected: set[int]
) -> None:
    database = open_database(tmp_path / "queue.sqlite")
    jobs = database.collection("jobs")
    jobs.create_index("n")
    jobs.create_index("tags")
    values: list[object] = [["a"], ["a", "b1"], ["b2"], [None], None]
    jobs.insert_many([{"_id": n, "n": n, "tags": tags} for n, tags in enumerate(values)])
    # The id makes the other condition one that is asked of each row.
    found = jobs.find({"_id": {"$in": list(range(5))}, "tags": condition}, sort=[("n", 1)], limit=9)
    assert {doc["_id"] for doc in found} == expected
    found = jobs.find({"n": {"$gte": 0}, "tags": condition}, sort=[("n", -1)], limit=9)
    assert {doc["_id"] for doc in found} == expected
    database.close()
