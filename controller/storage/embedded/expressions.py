"""Aggregation expressions: what pipeline updates, ``$expr`` and ``$project`` compute."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from controller.errors import ArgumentError, UnsupportedOperationError
from controller.storage.embedded.values import MISSING, NUMBERS, sort_key


def truthy(value: Any) -> bool:
    """Whether MongoDB takes a value for true: all but null, missing, false and zero."""
    if value is None or value is MISSING or value is False:
        return False
    return not (type(value) in NUMBERS and value == 0)


def evaluate(expression: Any, document: Any) -> Any:
    """Compute an expression over a document; MISSING stands for a field that is not there."""
    if type(expression) is str and expression.startswith("$"):
        return _field(expression, document)
    if type(expression) is list:
        return [None if (v := evaluate(x, document)) is MISSING else v for x in expression]
    if type(expression) is not dict:
        return expression
    if len(expression) == 1 and (op := next(iter(expression))).startswith("$"):
        return _operator(op, expression[op], document)
    return {k: v for k, x in expression.items() if (v := evaluate(x, document)) is not MISSING}


def expression_paths(expression: Any) -> set[str]:
    """Return the paths that an expression reads; "" stands for the whole document."""
    if type(expression) is str and expression.startswith("$"):
        if expression.startswith("$$"):
            root, _, path = expression.partition(".")
            return {path} if root == "$$ROOT" and path else set() if root == "$$NOW" else {""}
        return {expression[1:]}
    if type(expression) is list:
        return set().union(*map(expression_paths, expression))
    if type(expression) is dict:
        if "$literal" in expression:
            return set()
        return set().union(*map(expression_paths, expression.values()))
    return set()


def _field(expression: str, document: Any) -> Any:
    path = expression[1:]
    if path.startswith("$"):
        root, _, path = path[1:].partition(".")
        if root == "NOW" and not path:
            now = datetime.now(UTC).replace(tzinfo=None)
            return now.replace(microsecond=now.microsecond // 1000 * 1000)
        if root not in ("ROOT", "CURRENT"):
            raise UnsupportedOperationError(f"the variable $${root}")
        if not path:
            return document
    return _follow(document, path.split("."))


def _follow(value: Any, names: list[str]) -> Any:
    for depth, name in enumerate(names):
        if type(value) is list:
            found = (_follow(x, names[depth:]) for x in value if type(x) is dict)
            return [x for x in found if x is not MISSING]
        value = value.get(name, MISSING) if type(value) is dict else MISSING
    return value


def _operator(op: str, arg: Any, document: Any) -> Any:
    if op == "$literal":
        return arg
    if op == "$cond":
        test, yes, no = (arg["if"], arg["then"], arg["else"]) if type(arg) is dict else arg
        return evaluate(yes if truthy(evaluate(test, document)) else no, document)
    if op == "$ifNull":
        values = (evaluate(x, document) for x in arg)
        value = MISSING
        for value in values:
            if value is not None and value is not MISSING:
                break
        return value
    function = _FUNCTIONS.get(op)
    if function is None:
        raise UnsupportedOperationError(f"the expression {op}")
    args = arg if type(arg) is list else [arg]
    return function([evaluate(x, document) for x in args])


def _compared(a: Any, b: Any) -> int:
    """Sign of the comparison across types; a missing field lies below null."""
    first, second = ((0.5,) if v is MISSING else sort_key(v) for v in (a, b))
    return (first > second) - (first < second)


def _arithmetic(name: str, combine: Callable[[Any, Any], Any]) -> Callable[[list[Any]], Any]:
    def compute(values: list[Any]) -> Any:
        if any(v is None or v is MISSING for v in values):
            return None
        if not all(type(v) in NUMBERS for v in values):
            raise ArgumentError(f"{name} only takes numbers")
        total = values[0]
        for value in values[1:]:
            total = combine(total, value)
        return total

    return compute


def _concat(values: list[Any]) -> Any:
    if any(v is None or v is MISSING for v in values):
        return None
    if not all(type(v) is str for v in values):
        raise ArgumentError("$concat only takes strings")
    return "".join(values)


def _element(values: list[Any]) -> Any:
    array, position = values
    if type(array) is not list:
        return None
    return array[position] if -len(array) <= position < len(array) else MISSING


def _extreme(values: list[Any], pick: Callable[..., Any]) -> Any:
    many = values[0] if len(values) == 1 and type(values[0]) is list else values
    present = [v for v in many if v is not None and v is not MISSING]
    return pick(present, key=sort_key) if present else None


def _merge(values: list[Any]) -> Any:
    merged: dict[str, Any] = {}
    for value in values:
        if type(value) is dict:
            merged.update(value)
        elif value is not None and value is not MISSING:
            raise ArgumentError("$mergeObjects only takes documents")
    return merged


_FUNCTIONS: dict[str, Callable[[list[Any]], Any]] = {
    "$eq": lambda v: _compared(*v) == 0,
    "$ne": lambda v: _compared(*v) != 0,
    "$gt": lambda v: _compared(*v) > 0,
    "$gte": lambda v: _compared(*v) >= 0,
    "$lt": lambda v: _compared(*v) < 0,
    "$lte": lambda v: _compared(*v) <= 0,
    "$and": lambda v: all(map(truthy, v)),
    "$or": lambda v: any(map(truthy, v)),
    "$not": lambda v: not truthy(v[0]),
    "$in": lambda v: any(_compared(v[0], x) == 0 for x in v[1]),
    "$add": _arithmetic("$add", lambda a, b: a + b),
    "$subtract": _arithmetic("$subtract", lambda a, b: a - b),
    "$multiply": _arithmetic("$multiply", lambda a, b: a * b),
    "$divide": _arithmetic("$divide", lambda a, b: a / b),
    "$concat": _concat,
    "$size": lambda v: len(v[0]),
    "$arrayElemAt": _element,
    "$first": lambda v: _element([v[0], 0]),
    "$last": lambda v: _element([v[0], -1]),
    "$max": lambda v: _extreme(v, max),
    "$min": lambda v: _extreme(v, min),
    "$mergeObjects": _merge,
}
