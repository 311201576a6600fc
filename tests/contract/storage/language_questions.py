"""Random questions in MongoDB's language, and what an engine answers.

A question is data, so that answers of a server can be recorded and compared later: documents of a
few fields with values of every kind, and a filter, an update or a pipeline on them. The generator
stays within the portable subset (`controller.storage.base`), and leaves out what the server of
the tests is known to answer otherwise than MongoDB's manual; each such place says so.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import bson
from bson import Int64, ObjectId

from controller.errors import ControllerError
from controller.storage.base import Collection, Document

ERROR = "an error"
"""The answer to a question that an engine refuses, whatever it says."""
DOCUMENTS = 30
QUESTIONS = 100
"""Of a scene: questions on the same documents."""

_DAY = datetime(2026, 1, 1)
_PATHS = ["f", "g", "h", "f.x", "h.x", "g.0", "f.x.y", "h.y"]
_SCALARS: list[Callable[[random.Random], Any]] = [
    lambda r: None,
    lambda r: r.randrange(-2, 5),
    lambda r: r.choice([1.5, 2.0, -1.0, 0.0]),
    lambda r: Int64(r.randrange(4)),
    lambda r: r.choice("abc"),
    lambda r: r.choice([True, False]),
    lambda r: _DAY + timedelta(days=r.randrange(3)),
    lambda r: ObjectId(f"{r.randrange(3):024x}"),
]


def scene(seed: int) -> dict[str, Any]:
    """Return {"documents": [...], "questions": [...]} of a seed."""
    r = random.Random(seed)
    documents = [
        {"_id": n, "s": _scalar(r), **{name: _value(r) for name in "fgh" if r.random() < 0.8}}
        for n in range(DOCUMENTS)
    ]
    return {"documents": documents, "questions": [_question(r) for _ in range(QUESTIONS)]}


def answers(
    collection: Collection, questions: list[Document], documents: list[Document]
) -> Iterator[Any]:
    """Ask an engine each question of a scene; the collection is empty before."""
    collection.insert_many([dict(document) for document in documents])
    for question in questions:
        try:
            yield _ASK[question["kind"]](collection, question)
        except ControllerError:
            yield ERROR


def same(question: Document, answer: Any, other: Any) -> bool:
    """Whether two answers are the same to the last bit, but for orders that nothing promises."""
    if ERROR in (answer, other):
        # A server may compute what is constant although no document asks for it, and what it
        # matches by an expression before what another stage has left out.
        early = [] in (answer, other) or "$expr" in str(question.get("stages"))
        return answer == other or (question["kind"] == "aggregate" and early)
    answers = [_in_order(question, given) for given in (answer, other)]
    return bson.encode({"": answers[0]}) == bson.encode({"": answers[1]})


def _in_order(question: Document, answer: Any) -> Any:
    kind = question["kind"]
    if kind == "distinct":  # of equal numbers any may stand for all
        return sorted((_by_name(member) for member in answer), key=repr)
    if kind == "group":  # DocumentDB forgets the order of what it groups
        rows = [{k: _sorted(v) for k, v in _by_name(row).items()} for row in answer]
        return sorted(rows, key=repr)
    if kind == "update" and answer[2] == question["document"]:
        return [answer[0], answer[2]]  # DocumentDB counts some changes that change nothing
    if kind in ("update", "upsert", "aggregate"):
        return _by_name(answer)  # MongoDB adds fields by their paths, DocumentDB by operator
    return answer


def _sorted(value: Any) -> Any:
    # DocumentDB tells {"z": 1} from {"z": 1.0} in $addToSet; to MongoDB they are equal.
    unique = {repr(member): member for member in value} if isinstance(value, list) else {}
    return [unique[text] for text in sorted(unique)] if isinstance(value, list) else value


def _by_name(value: Any) -> Any:
    """Return a value without the order of fields, and whole numbers as one type."""
    if isinstance(value, dict):
        return {name: _by_name(value[name]) for name in sorted(value)}
    if isinstance(value, Int64) or (isinstance(value, float) and value.is_integer()):
        return int(value)
    return [_by_name(member) for member in value] if isinstance(value, list) else value


# ---------------------------------------------------------------- asking


def _find(collection: Collection, question: Document) -> Any:
    found = collection.find(
        question["filter"], question.get("projection"), sort=list(question["sort"].items())
    )
    return list(found)


def _count(collection: Collection, question: Document) -> Any:
    return collection.count_documents(question["filter"])


def _distinct(collection: Collection, question: Document) -> Any:
    return collection.distinct(question["path"], question["filter"])


def _update(collection: Collection, question: Document) -> Any:
    """Change one document of its own, and return it; it is gone afterwards."""
    collection.insert_one(dict(question["document"]))
    try:
        done = collection.update_one({"_id": "own", **question["filter"]}, question["update"])
        return [done.matched_count, done.modified_count, collection.find_one({"_id": "own"})]
    finally:
        collection.delete_one({"_id": "own"})


def _upsert(collection: Collection, question: Document) -> Any:
    try:
        collection.update_one({"_id": "own", **question["filter"]}, question["update"], upsert=True)
        return collection.find_one({"_id": "own"})
    finally:
        collection.delete_one({"_id": "own"})


def _aggregate(collection: Collection, question: Document) -> Any:
    return list(collection.aggregate(question["stages"]))


_ASK: dict[str, Callable[[Collection, Document], Any]] = {
    "find": _find,
    "count": _count,
    "distinct": _distinct,
    "update": _update,
    "upsert": _upsert,
    "aggregate": _aggregate,
    "group": _aggregate,
}

# ---------------------------------------------------------------- making questions up


def _question(r: random.Random) -> Document:
    kind = r.choices(list(_MAKE), [30, 6, 6, 30, 8, 14, 6])[0]
    return {"kind": kind, **_MAKE[kind](r)}


def _value(r: random.Random, depth: int = 0) -> Any:
    if depth < 3 and r.random() < 0.35:
        if r.random() < 0.5:
            return [_value(r, depth + 1) for _ in range(r.randrange(4))]
        return {name: _value(r, depth + 1) for name in r.sample("xyz", r.randrange(3))}
    return r.choice(_SCALARS)(r)


def _scalar(r: random.Random) -> Any:
    return r.choice(_SCALARS)(r)


def _filter(r: random.Random, depth: int = 0) -> Document:
    query = {path: _condition(r) for path in r.sample(_PATHS, r.choice([1, 1, 2]))}
    if depth < 2 and r.random() < 0.2:
        op = r.choice(["$or", "$and", "$nor"])
        query[op] = [_filter(r, depth + 1) for _ in range(r.randrange(1, 3))]
    return query


def _condition(r: random.Random, depth: int = 0) -> Any:
    if r.random() < 0.2:
        return _value(r, 1)
    made = dict(_operator(r, depth) for _ in range(r.choice([1, 1, 1, 2])))
    if "$regex" in made and r.random() < 0.3:
        made["$options"] = "i"
    return made


def _operator(r: random.Random, depth: int) -> tuple[str, Any]:
    op = r.choice(
        [
            *("$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$exists", "$type"),
            *("$mod", "$size", "$all", "$regex", "$not", "$elemMatch", "$elemMatch"),
        ]
    )
    if op in ("$in", "$nin", "$all"):
        return op, [_value(r, 2) for _ in range(r.randrange(4))]
    if op == "$exists":
        return op, r.choice([True, False, 1, 0])
    if op == "$type":
        return op, r.choice(["int", "double", "string", "array", "object", "null", "number", 18])
    if op == "$mod":
        return op, [r.choice([2, 3, -2, 2.5]), r.randrange(-1, 2)]
    if op == "$size":
        return op, r.randrange(4)
    if op == "$regex":
        return op, r.choice(["a", "^[bc]", r"\w", "^$", "B"])
    if op in ("$not", "$elemMatch"):
        inner = _condition(r, depth + 1)
        if type(inner) is not dict or not inner or not next(iter(inner)).startswith("$"):
            inner = {"$eq": 1}
        if depth > 1:
            inner = {"$gt": 0}
        if op == "$elemMatch" and r.random() < 0.4:
            return op, {r.choice("xyz"): inner}
        return op, inner
    # The portable subset leaves orderings of null out: the server differs within $elemMatch.
    value = _value(r, 1)
    return op, 1 if value is None and op not in ("$eq", "$ne") else value


def _make_find(r: random.Random) -> Document:
    # Only by scalars: an empty array lies below null, where DocumentDB puts it beside null.
    sort = {"s": r.choice([1, -1])} if r.random() < 0.3 else {}
    made = {"filter": _filter(r), "sort": {**sort, "_id": 1}}
    chance = r.random()
    if chance < 0.15:
        made["projection"] = dict.fromkeys(r.sample(["f.x", "g", "h"], 2), 1)
    elif chance < 0.3:
        made["projection"] = dict.fromkeys(r.sample(["f.x", "g", "h"], 2), 0)
    elif chance < 0.4:
        made["projection"] = {"f": {"$elemMatch": {"$gte": r.randrange(3)}}}
    elif chance < 0.5:
        made["projection"] = {"g": {"$slice": r.choice([1, -1, [1, 1]])}}
    return made


def _make_distinct(r: random.Random) -> Document:
    return {"path": r.choice(["f", "h.x", "g", "f.x"]), "filter": _filter(r)}


def _make_update(r: random.Random) -> Document:
    document = {"_id": "own", **{name: _value(r) for name in "fgh" if r.random() < 0.85}}
    if r.random() < 0.8:
        document |= {"n": r.choice([1, 2.5, Int64(3), -1.0]), "t": "t"}
    return {
        "document": document,
        "filter": {},
        "update": _pipeline_update(r) if r.random() < 0.3 else _operator_update(r),
    }


def _make_upsert(r: random.Random) -> Document:
    update = _operator_update(r)
    update.pop("$rename", None)  # DocumentDB makes dictionaries for what there is none of
    return {"filter": _filter(r), "update": update or {"$set": {"k": 1}}}


def _operator_update(r: random.Random) -> Document:
    update: Document = {}
    # Two paths never overlap: DocumentDB lets some contradictions pass.
    for path in r.choice([[r.choice(_PATHS)], [r.choice(["f", "f.x.y"]), r.choice(["g", "h.x"])]]):
        op, arg = _change(r)
        if op in ("$pull", "$unset", "$rename"):
            path = path[0]  # what is cut off by a scalar or an array, DocumentDB takes otherwise
        if op in ("$inc", "$mul"):
            path = "n"  # DocumentDB takes false for 0
        update.setdefault(op, {})[path] = arg
    return update


def _change(r: random.Random) -> tuple[str, Any]:
    op = r.choice(
        [
            *("$set", "$set", "$unset", "$inc", "$mul", "$min", "$max", "$push", "$push", "$pull"),
            *("$pull", "$addToSet", "$setOnInsert", "$rename"),
        ]
    )
    if op in ("$inc", "$mul"):
        return op, r.choice([1, -1, 2.5, Int64(2), "a"])
    if op == "$unset":
        return op, ""
    if op == "$rename":
        return op, r.choice(["k", 3])
    if op == "$push" and r.random() < 0.6:
        each: Document = {"$each": [_value(r, 2) for _ in range(r.randrange(1, 3))]}
        if r.random() < 0.5:
            each["$slice"] = r.choice([-2, -1, 1, 2])
        if r.random() < 0.5:
            each["$position"] = r.randrange(-2, 3)
        return op, each
    if op == "$pull" and r.random() < 0.4:  # {} is any dictionary; to DocumentDB anything
        return op, _value(r, 1) or {"x": 1}
    if op == "$addToSet" and r.random() < 0.4:
        return op, {"$each": [_value(r, 2) for _ in range(2)]}
    if op == "$pull":
        name, value = _operator(r, 1)  # DocumentDB looks for a $type in arrays of arrays, too
        return op, {"$gt": 1} if name == "$type" else {name: value}
    return op, _value(r, 1)


def _pipeline_update(r: random.Random) -> list[Document]:
    stages: list[Document] = []
    for _ in range(r.choice([1, 1, 2])):
        if r.random() < 0.3:
            stages.append({"$unset": r.sample(["f.x", "g", "h.x.y"], r.randrange(1, 3))})
        else:
            paths = r.choice([["f"], ["f.x"], ["h.x.y"], ["k", "g"], ["k.l"]])
            stages.append({"$set": {path: _expression(r) for path in paths}})
    return stages


def _expression(r: random.Random, depth: int = 0) -> Any:
    if depth > 1 or r.random() < 0.4:
        return _leaf(r)
    # What needs no argument after all is not computed; DocumentDB may refuse it all the same.
    leaves, inner = [_leaf(r) for _ in range(3)], [_expression(r, depth + 1) for _ in range(3)]
    numbers = [r.choice(["$n", 2, 2.5, "$none", Int64(2)]) for _ in range(2)]
    return r.choice(
        [
            *({op: inner[:2]} for op in ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte")),
            *({op: numbers} for op in ("$add", "$subtract", "$multiply", "$divide")),
            *({op: leaves} for op in ("$and", "$or", "$ifNull", "$cond")),
            *({op: inner} for op in ("$max", "$min")),
            *({op: r.choice(["$f", "$g", "$h.x"])} for op in ("$size", "$first", "$last")),
            {"$concat": [r.choice(["$t", "$none", "x"]), r.choice(["$t", "y"])]},
            {"$not": inner[0]},
            {"$in": [inner[0], r.choice(["$f", "$g"])]},
            {"$arrayElemAt": [r.choice(["$f", "$g", "$h.x"]), r.randrange(-2, 3)]},
            {"$mergeObjects": ["$f", "$g"]},
            {"p": inner[0], "q": inner[1]},
            inner[:2],
        ]
    )


def _leaf(r: random.Random) -> Any:
    return r.choice(["$f", "$g", "$h.x", "$none", 1, 2.5, "a", None, {"$literal": "$f"}])


def _make_aggregate(r: random.Random) -> Document:
    stages: list[Document] = [{"$match": _filter(r)}, {"$sort": {"_id": 1}}]
    for _ in range(r.choice([1, 1, 2])):
        stages.append(
            r.choice(
                [
                    {"$project": {"f.x": 1, "g": 1}},
                    {"$project": {"g": 0}},
                    {"$project": {"k": _expression(r), "_id": r.choice([0, 1])}},
                    {"$set": {r.choice(["k", "f.x", "h.x.y"]): _expression(r)}},
                    {"$unset": r.choice(["f", "f.x", "h.x.y"])},
                    {"$unwind": r.choice(["$f", "$g", "$h.x"])},
                    {
                        "$unwind": {
                            "path": r.choice(["$f", "$h.x"]),
                            "preserveNullAndEmptyArrays": r.choice([True, False]),
                            "includeArrayIndex": "i",
                        }
                    },
                    {"$limit": r.randrange(1, 9)},
                    {"$skip": r.randrange(9)},
                    {"$match": {"$expr": _expression(r)}},
                    {"$match": _filter(r)},
                    {"$facet": {"p": [{"$limit": 1}], "q": [{"$match": _filter(r)}]}},
                ]
            )
        )
    return {"stages": stages}


def _make_group(r: random.Random) -> Document:
    def given(path: str) -> Any:
        return {"$ifNull": [path, None]}  # DocumentDB tells what is missing from null

    key = r.choice([given("$f"), given("$g"), given("$h.x"), {"k": given("$f")}, None])
    ops = ["$sum", "$avg", "$min", "$max", "$push", "$addToSet"]
    values = [given("$f"), given("$g"), given("$h.x"), 1]
    group = {"_id": key, **{f"n{n}": {r.choice(ops): r.choice(values)} for n in range(2)}}
    return {"stages": [{"$match": _filter(r)}, {"$sort": {"_id": 1}}, {"$group": group}]}


_MAKE: dict[str, Callable[[random.Random], Document]] = {
    "find": _make_find,
    "count": lambda r: {"filter": _filter(r)},
    "distinct": _make_distinct,
    "update": _make_update,
    "upsert": _make_upsert,
    "aggregate": _make_aggregate,
    "group": _make_group,
}
