"""Aggregation pipelines of the portable subset, over the documents selected by the filter."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from bson import Int64

from controller.errors import ArgumentError
from controller.storage.base import Document
from controller.storage.embedded.cursor import Query, sort_keys, sort_rows
from controller.storage.embedded.expressions import evaluate, expression_paths, of_kind
from controller.storage.embedded.filters import compile_filter, filter_paths, split_path, values_at
from controller.storage.embedded.planner import plan_filter
from controller.storage.embedded.projections import Projection
from controller.storage.embedded.routes import grouped
from controller.storage.embedded.stages import check_stages, split_projection
from controller.storage.embedded.updates import Update
from controller.storage.embedded.values import (
    MISSING,
    NUMBERS,
    index_key,
    normalise,
    sort_key,
    value_of_key,
)

if TYPE_CHECKING:
    from controller.storage.embedded.file import File
    from controller.storage.embedded.link import Link

Documents = Iterator[Document]


def aggregate(
    file: File, collection: str, pipeline: Sequence[Mapping[str, Any]], link: Link | None
) -> list[Document]:
    """Run a pipeline within one snapshot.

    Parameters
    ----------
    link
        The connection of an open transaction, or None.

    Raises
    ------
    UnsupportedOperationError
        A stage or operator outside the portable subset.
    """
    if not all(isinstance(stage, Mapping) for stage in pipeline):
        raise ArgumentError("a pipeline is a list of dictionaries")
    stages = normalise([dict(stage) for stage in pipeline])[0]
    check_stages(stages)
    with file.reading(link) as reader:
        counted = _count_by_column(reader, collection, stages)
        if counted is not None:
            return counted
        return list(_run(reader, collection, stages))


def _run(link: Link, collection: str, stages: list[dict[str, Any]]) -> Documents:
    rest = list(stages)
    query: dict[str, Any] = {}
    if rest and "$match" in rest[0]:
        query = rest.pop(0)["$match"]
    sort = None
    if rest and "$sort" in rest[0]:
        sort = rest.pop(0)["$sort"]
    documents = _selected(link, collection, Query(query, sort), _paths_of(rest))
    return _through(link, documents, rest)


def _selected(link: Link, collection: str, query: Query, paths: list[str]) -> Documents:
    table = link.table(collection)
    if table is None:
        return
    for stored in query.scan(link, table):
        yield stored.decode(link, paths)


def _through(link: Link, documents: Documents, stages: list[dict[str, Any]]) -> Documents:
    for stage in stages:
        ((op, arg),) = stage.items()
        if op == "$lookup":
            documents = _lookup(link, documents, arg)
        elif op == "$facet":
            documents = _facet(link, documents, arg)
        else:
            documents = _STAGES[op](documents, arg)
    return documents


def _paths_of(stages: list[dict[str, Any]]) -> list[str]:
    """Return the paths that the stages read, up to the first that fixes what is left."""
    paths: list[str] = []
    for stage in stages:
        ((op, arg),) = stage.items()
        if op == "$match":
            paths += filter_paths(arg)
        elif op == "$sort":
            paths += arg
        elif op == "$group":
            return [*paths, *expression_paths(arg)]
        elif op == "$count":
            return paths
        elif op not in ("$limit", "$skip"):
            return [""]
    return [""]


def _count_by_column(
    link: Link, collection: str, stages: list[dict[str, Any]]
) -> list[Document] | None:
    """Answer a $match and a counting $group from an index alone; None if not possible."""
    group = stages[-1].get("$group") if stages else None
    if group is None or len(stages) > 2 or (len(stages) == 2 and "$match" not in stages[0]):
        return None
    key, counters = group.get("_id"), {k: v for k, v in group.items() if k != "_id"}
    table = link.table(collection)
    if table is None or not isinstance(key, str) or not key.startswith("$"):
        return None
    column = table.columns.get(key[1:])
    plan = plan_filter(table, stages[0]["$match"] if len(stages) == 2 else {})
    if column is None or column.multi or column.odd or not plan.exact:
        return None
    if any(counter != {"$sum": 1} for counter in counters.values()):
        return None
    sql = f"SELECT {column.sql}, count(*) FROM {table.rows} WHERE {plan.sql} GROUP BY 1"
    statement = grouped(link, table, plan, key[1:]) or (sql, plan.params)
    return [
        {"_id": value_of_key(k), **dict.fromkeys(counters, count)}
        for k, count in link.sql.execute(*statement)
    ]


def _match(documents: Documents, arg: Any) -> Documents:
    return filter(compile_filter(arg), documents)


def _sort(documents: Documents, arg: Any) -> Documents:
    pairs = list(arg.items())
    rows = [(sort_keys(document, pairs), document) for document in documents]
    sort_rows(rows, pairs)
    return (document for _, document in rows)


def _project(documents: Documents, arg: Any) -> Documents:
    computed, plain = split_projection(arg)
    shape = Projection(plain) if any(k != "_id" for k in plain) or not computed else None
    with_id = plain.get("_id", 1) and "_id" not in computed
    for document in documents:
        if shape is not None:
            out = shape(document)
        else:
            out = {"_id": document["_id"]} if with_id and "_id" in document else {}
        values = {k: evaluate(v, document) for k, v in computed.items()}
        present = {k: {"$literal": v} for k, v in values.items() if v is not MISSING}
        if present:
            Update([{"$set": present}]).apply(out)
        yield out


def _set(documents: Documents, arg: Any) -> Documents:
    update = Update([{"$set": arg}])
    for document in documents:
        update.apply(document)
        yield document


def _unset(documents: Documents, arg: Any) -> Documents:
    update = Update([{"$unset": arg}])
    for document in documents:
        update.apply(document)
        yield document


def _unwind(documents: Documents, arg: Any) -> Documents:
    options = arg if isinstance(arg, dict) else {"path": arg}
    path, keep = options["path"][1:], options.get("preserveNullAndEmptyArrays", False)
    index = options.get("includeArrayIndex")
    for document in documents:
        value = _plain_value(document, path)
        if type(value) is list and value:
            for place, element in enumerate(value):
                yield _with(document, path, element, index, Int64(place))
        elif type(value) is not list and value is not None and value is not MISSING:
            yield _with(document, path, value, index, None)
        elif keep:
            if value == []:
                Update({"$unset": {path: ""}}).apply(document)
            yield _with(document, path, MISSING, index, None)


def _plain_value(document: Any, path: str) -> Any:
    """Return the value at a path; $unwind does not enter arrays on the way."""
    for name in path.split("."):
        document = document.get(name, MISSING) if type(document) is dict else MISSING
    return document


def _with(
    document: Document, path: str, value: Any, index: str | None, place: int | None
) -> Document:
    copied, _ = normalise(document)
    if value is not MISSING:
        Update({"$set": {path: value}}).apply(copied)
    if index:
        Update([{"$set": {index: {"$literal": place}}}]).apply(copied)
    return copied  # type: ignore[no-any-return]


def _replace_root(documents: Documents, arg: Any) -> Documents:
    expression = arg["newRoot"] if isinstance(arg, dict) and "newRoot" in arg else arg
    for document in documents:
        root = evaluate(expression, document)
        if type(root) is not dict:
            raise ArgumentError("$replaceRoot needs a document")
        yield root


def _count(documents: Documents, arg: Any) -> Documents:
    total = sum(1 for _ in documents)
    if total:
        yield {arg: total}


def _lookup(link: Link, documents: Documents, arg: Any) -> Documents:
    local = split_path(arg["localField"])
    for document in list(documents):
        keys = [v for v in values_at(document, local) if type(v) is not list]
        wanted = [None if v is MISSING else v for v in keys]
        query = Query({arg["foreignField"]: {"$in": wanted}})
        found = list(_selected(link, arg["from"], query, [""]))
        Update({"$set": {arg["as"]: found}}).apply(document)
        yield document


def _facet(link: Link, documents: Documents, arg: Any) -> Documents:
    every = list(documents)
    yield {
        name: list(_through(link, iter(normalise(every)[0]), stages))
        for name, stages in arg.items()
    }


# ------------------------------------------------------------------ $group


def _group(documents: Documents, arg: Any) -> Documents:
    fields = {k: v for k, v in arg.items() if k != "_id"}
    makers = {name: _accumulator(spec) for name, spec in fields.items()}
    groups: dict[Any, tuple[Any, dict[str, list[Any]]]] = {}
    for document in documents:
        key = evaluate(arg["_id"], document)
        key = None if key is MISSING else key
        _, values = groups.setdefault(index_key(key), (key, {name: [] for name in fields}))
        for name, (expression, _) in makers.items():
            values[name].append(evaluate(expression, document))
    for key, values in groups.values():
        yield {"_id": key, **{name: make(values[name]) for name, (_, make) in makers.items()}}


def _accumulator(spec: Any) -> tuple[Any, Callable[[list[Any]], Any]]:
    ((op, expression),) = spec.items()
    return (1 if op == "$count" else expression), _ACCUMULATORS[op]


def _present(values: Iterable[Any]) -> list[Any]:
    return [v for v in values if v is not None and v is not MISSING]


def _numbers(values: Iterable[Any]) -> list[Any]:
    return [v for v in values if type(v) in NUMBERS]


def _average(values: list[Any]) -> Any:
    numbers = _numbers(values)
    return sum(numbers) / len(numbers) if numbers else None


def _set_of(values: list[Any]) -> list[Any]:
    found: dict[Any, Any] = {}
    for value in values:
        if value is not MISSING:
            found.setdefault(index_key(value), value)
    return list(found.values())


_ACCUMULATORS: dict[str, Callable[[list[Any]], Any]] = {
    "$sum": lambda values: of_kind(sum(numbers := _numbers(values)), numbers),
    "$count": len,
    "$avg": _average,
    "$min": lambda values: min(_present(values), key=sort_key, default=None),
    "$max": lambda values: max(_present(values), key=sort_key, default=None),
    "$first": lambda values: None if values[0] is MISSING else values[0],
    "$last": lambda values: None if values[-1] is MISSING else values[-1],
    "$push": lambda values: [v for v in values if v is not MISSING],
    "$addToSet": _set_of,
}

_STAGES: dict[str, Callable[[Documents, Any], Documents]] = {
    "$match": _match,
    "$sort": _sort,
    "$limit": lambda documents, arg: islice(documents, int(arg)),
    "$skip": lambda documents, arg: islice(documents, int(arg), None),
    "$project": _project,
    "$set": _set,
    "$addFields": _set,
    "$unset": _unset,
    "$unwind": _unwind,
    "$replaceRoot": _replace_root,
    "$replaceWith": _replace_root,
    "$count": _count,
    "$group": _group,
}
