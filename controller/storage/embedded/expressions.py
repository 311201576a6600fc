"""Aggregation expressions of pipeline updates, ``$expr`` and ``$project``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from bson import Int64

from controller.config.suggestions import no_such
from controller.errors import ArgumentError, UnsupportedOperationError
from controller.storage.embedded.values import MISSING, NUMBERS, sort_key


def truthy(value: Any) -> bool:
    """Whether MongoDB treats a value as true: all except null, missing, false and zero."""
    if value is None or value is MISSING or value is False:
        return False
    return not (type(value) in NUMBERS and value == 0)


def check_expression(expression: Any) -> None:
    """Raise if an expression has an unknown operator, or a wrong number of arguments.

    Raises
    ------
    UnsupportedOperationError
        An operator or a variable outside the portable subset.
    ArgumentError
        It is malformed.
    """
    if type(expression) is str and expression.startswith("$"):
        _check_field(expression)
    elif type(expression) is list:
        for member in expression:
            check_expression(member)
    elif type(expression) is dict:
        operators = [key for key in expression if key.startswith("$")]
        if not operators:
            for key, member in expression.items():
                if not key or "." in key:
                    raise ArgumentError(f"a field of an expression cannot be named {key!r}")
                check_expression(member)
        elif len(expression) > 1:
            raise ArgumentError(f"{operators[0]} must be the only operator in its expression")
        elif operators[0] != "$literal":
            _check_operator(operators[0], expression[operators[0]])


def _check_field(expression: str) -> None:
    root, *names = expression[1:].split(".")
    if root.startswith("$"):
        if root[1:] not in _VARIABLES or (names and root == "$NOW"):
            raise UnsupportedOperationError(f"the variable ${root}")
    else:
        names = [root, *names]
    if not all(names) or any(name.startswith("$") for name in names):
        raise ArgumentError(f"{expression!r} is not a path of a field")


def _check_operator(op: str, arg: Any) -> None:
    if op == "$cond" and type(arg) is dict:
        if set(arg) != {"if", "then", "else"}:
            raise ArgumentError("$cond needs if, then and else")
        check_expression(list(arg.values()))
        return
    known = _ARGUMENTS.get(op)
    if known is None:
        raise UnsupportedOperationError(
            f"there is no expression {op} here", hint=no_such(op, _ARGUMENTS)
        )
    least, most = known
    number = len(arg) if type(arg) is list else 1
    if not least <= number <= (most or number):
        wanted = f"{least}" if least == most else f"at least {least}"
        raise ArgumentError(f"{op} takes {wanted} argument(s), not {number}")
    check_expression(arg)


def evaluate(expression: Any, document: Any) -> Any:
    """Compute a checked expression over a document; MISSING represents a missing value.

    Raises
    ------
    ArgumentError
        An operator gets a value that it does not accept.
    """
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
            if root in ("$$NOW", "$$REMOVE"):
                return set()
            return {path}  # "" where the variable stands alone
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
        if root == "REMOVE":
            return MISSING
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
    args = arg if type(arg) is list else [arg]
    values = (evaluate(x, document) for x in args)
    in_turn = _IN_TURN.get(op)  # these may know the answer before they have seen every argument
    return _FUNCTIONS[op](list(values)) if in_turn is None else in_turn(values)


def _compared(a: Any, b: Any) -> int:
    """Sign of the comparison across types; a missing field lies below null."""
    first, second = ((0.5,) if v is MISSING else sort_key(v) for v in (a, b))
    return (first > second) - (first < second)


def _is_null(value: Any) -> bool:
    return value is None or value is MISSING


def _arithmetic(name: str, combine: Callable[[Any, Any], Any]) -> Callable[[Iterable[Any]], Any]:
    def compute(values: Iterable[Any]) -> Any:
        known: list[Any] = []
        for value in values:
            if _is_null(value):
                return None
            if type(value) not in NUMBERS:
                raise ArgumentError(f"{name} only accepts numbers")
            known.append(value)
        total = known[0] if known else int(name == "$multiply")
        for value in known[1:]:
            total = combine(total, value)
        return of_kind(total, known)

    return compute


def _of_two(name: str, combine: Callable[[Any, Any], Any]) -> Callable[[list[Any]], Any]:
    compute = _arithmetic(name, combine)
    return lambda values: None if any(map(_is_null, values)) else compute(values)


def of_kind(number: Any, operands: Iterable[Any]) -> Any:
    """Return a result with the BSON number type: long if an operand is, or if necessary."""
    if isinstance(number, float):
        return number
    if not -(1 << 63) <= number < 1 << 63:
        return float(number)
    is_long = any(type(x) is Int64 for x in operands)
    return Int64(number) if is_long else int(number)


def _divided(a: Any, b: Any) -> Any:
    if b == 0:
        raise ArgumentError("$divide cannot divide by 0")
    return a / b


def _concat(values: Iterable[Any]) -> Any:
    known = []
    for value in values:
        if _is_null(value):
            return None
        if type(value) is not str:
            raise ArgumentError("$concat only accepts strings")
        known.append(value)
    return "".join(known)


def _size(values: list[Any]) -> int:
    if type(values[0]) is not list:
        raise ArgumentError("$size needs an array")
    return len(values[0])


def _is_in(values: list[Any]) -> bool:
    value, array = values
    if type(array) is not list:
        raise ArgumentError("$in needs an array")
    return any(_compared(value, member) == 0 for member in array)


def _element(name: str, values: list[Any]) -> Any:
    array, place = values
    if _is_null(array) or _is_null(place):
        return None
    if type(array) is not list:
        raise ArgumentError(f"{name} needs an array")
    if type(place) not in NUMBERS or place - place != 0 or place != int(place):
        raise ArgumentError(f"{name} needs an integer, not {place!r}")
    return array[int(place)] if -len(array) <= place < len(array) else MISSING


def _extreme(values: list[Any], pick: Callable[..., Any]) -> Any:
    many = values[0] if len(values) == 1 and type(values[0]) is list else values
    present = [v for v in many if not _is_null(v)]
    return pick(present, key=sort_key) if present else None


def _merge(values: list[Any]) -> Any:
    merged: dict[str, Any] = {}
    for value in values:
        if type(value) is dict:
            merged.update(value)
        elif not _is_null(value):
            raise ArgumentError("$mergeObjects only accepts documents")
    return merged


_FUNCTIONS: dict[str, Callable[[list[Any]], Any]] = {
    "$eq": lambda v: _compared(*v) == 0,
    "$ne": lambda v: _compared(*v) != 0,
    "$gt": lambda v: _compared(*v) > 0,
    "$gte": lambda v: _compared(*v) >= 0,
    "$lt": lambda v: _compared(*v) < 0,
    "$lte": lambda v: _compared(*v) <= 0,
    "$not": lambda v: not truthy(v[0]),
    "$in": _is_in,
    "$subtract": _of_two("$subtract", lambda a, b: a - b),
    "$divide": _of_two("$divide", _divided),
    "$size": _size,
    "$arrayElemAt": lambda v: _element("$arrayElemAt", v),
    "$first": lambda v: _element("$first", [v[0], 0]),
    "$last": lambda v: _element("$last", [v[0], -1]),
    "$max": lambda v: _extreme(v, max),
    "$min": lambda v: _extreme(v, min),
    "$mergeObjects": _merge,
}
_IN_TURN: dict[str, Callable[[Iterable[Any]], Any]] = {
    "$and": lambda values: all(map(truthy, values)),
    "$or": lambda values: any(map(truthy, values)),
    "$add": _arithmetic("$add", lambda a, b: a + b),
    "$multiply": _arithmetic("$multiply", lambda a, b: a * b),
    "$concat": _concat,
}
_TWO = ("$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$subtract", "$divide", "$arrayElemAt")
_ONE = ("$not", "$size", "$first", "$last")
_ARGUMENTS: dict[str, tuple[int, int]] = {
    **dict.fromkeys([*_FUNCTIONS, *_IN_TURN], (0, 0)),
    **dict.fromkeys(_ONE, (1, 1)),
    **dict.fromkeys(_TWO, (2, 2)),
    "$cond": (3, 3),
    "$ifNull": (2, 0),
    "$literal": (1, 1),
}
"""Minimum and maximum number of arguments of each operator; 0: any number."""
_VARIABLES = ("ROOT", "CURRENT", "NOW", "REMOVE")
