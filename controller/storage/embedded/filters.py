"""MongoDB's filters, compiled into tests of plain dictionaries.

An operator outside the portable subset is refused by name: a wrong answer is worse than an error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from bson import Binary, Int64, ObjectId, Regex

from controller.config.suggestions import no_such
from controller.errors import FilterError, UnsupportedOperationError
from controller.storage.embedded.expressions import evaluate, truthy
from controller.storage.embedded.values import MISSING, equal, rank, sort_key

Test = Callable[[Any], bool]
ValueTest = Callable[[Any], bool]
Path = tuple[str, ...]

_TYPES: dict[Any, tuple[type, ...]] = {
    "double": (float,),
    "string": (str,),
    "object": (dict,),
    "array": (list,),
    "binData": (bytes, Binary),
    "objectId": (ObjectId,),
    "bool": (bool,),
    "date": (datetime,),
    "null": (type(None),),
    "regex": (Regex,),
    "int": (int,),
    "long": (Int64,),
    "number": (int, float, Int64),
}
_TYPE_NUMBERS = {
    1: "double",
    2: "string",
    3: "object",
    4: "array",
    5: "binData",
    7: "objectId",
    8: "bool",
    9: "date",
    10: "null",
    11: "regex",
    16: "int",
    18: "long",
}
_ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "$gt": lambda a, b: a > b,
    "$gte": lambda a, b: a >= b,
    "$lt": lambda a, b: a < b,
    "$lte": lambda a, b: a <= b,
}
_LOGICAL = ("$and", "$or", "$nor", "$expr")
_OPERATORS = (
    *("$eq", "$ne", *_ORDERINGS, "$in", "$nin", "$not", "$exists", "$type", "$regex"),
    *("$options", "$mod", "$all", "$size", "$elemMatch"),
)


def split_path(path: str) -> Path:
    """Cut a dotted path into its names."""
    return tuple(path.split("."))


def values_at(document: Any, path: Path, *, into_array: bool = True) -> Iterator[Any]:
    """Yield the values that MongoDB compares for a path.

    A path runs through arrays: into every element, and to a position where a name is a number.

    Parameters
    ----------
    into_array
        Whether an array at the end of the path also yields its elements.
    """
    value = document
    for depth, name in enumerate(path):
        if type(value) is list:
            yield from _through_array(value, path[depth:], into_array=into_array)
            return
        if type(value) is not dict:
            yield MISSING
            return
        value = value.get(name, MISSING)
    if into_array and type(value) is list:
        yield from value
    yield value


def _through_array(array: list[Any], path: Path, *, into_array: bool) -> Iterator[Any]:
    for element in array:
        if type(element) is dict:
            yield from values_at(element, path, into_array=into_array)
    if path[0].isdigit() and int(path[0]) < len(array):
        element = array[int(path[0])]
        if len(path) == 1:
            # What lies at the position counts as a whole; it is not looked into.
            yield element
        elif type(element) in (dict, list):
            yield from values_at(element, path[1:], into_array=into_array)


def is_operators(value: Any) -> bool:
    """Whether a value in a filter is ``{"$op": ...}`` rather than something to equal."""
    return type(value) is dict and bool(value) and next(iter(value)).startswith("$")


def compile_filter(query: Mapping[str, Any]) -> Test:
    """Make a test of documents out of a filter (already normalised)."""
    tests = [_compile_clause(key, value) for key, value in query.items()]
    if len(tests) == 1:
        return tests[0]
    return lambda document: all(test(document) for test in tests)


def filter_paths(query: Any) -> Iterator[str]:
    """Yield the paths that a filter looks at; "" stands for the whole document."""
    for key, value in query.items():
        if key in ("$and", "$or", "$nor"):
            for part in value:
                yield from filter_paths(part)
        elif key.startswith("$"):
            yield ""
        else:
            yield key


def _compile_clause(key: str, value: Any) -> Test:
    if key in ("$and", "$or", "$nor"):
        if type(value) is not list or not value:
            raise FilterError(f"{key} needs a list of filters that is not empty")
        parts = [compile_filter(part) for part in value]
        if key == "$and":
            return lambda document: all(part(document) for part in parts)
        if key == "$or":
            return lambda document: any(part(document) for part in parts)
        return lambda document: not any(part(document) for part in parts)
    if key == "$expr":
        return lambda document: truthy(evaluate(value, document))
    if key.startswith("$"):
        raise _unknown(key, _LOGICAL)
    path = split_path(key)
    operators = value if is_operators(value) else {"$eq": value}
    if type(value) is Regex:
        operators = {"$regex": value}
    tests = [_compile_operator(op, arg, operators) for op, arg in operators.items()]
    return lambda document: all(test(document, path) for test in tests)


PathTest = Callable[[Any, Path], bool]


def _compile_operator(op: str, arg: Any, siblings: Mapping[str, Any]) -> PathTest:
    if op == "$options":
        return lambda document, path: True
    if op == "$exists":
        wanted = truthy(arg)
        return lambda document, path: (
            wanted == any(v is not MISSING for v in values_at(document, path))
        )
    if op == "$not":
        return _compile_not(arg)
    if op in ("$size", "$elemMatch", "$all"):
        return _compile_array_operator(op, arg)
    if op in ("$ne", "$nin"):
        positive = _value_test("$eq" if op == "$ne" else "$in", arg, siblings)
        return lambda document, path: not any(map(positive, values_at(document, path)))
    test = _value_test(op, arg, siblings)
    return lambda document, path: any(map(test, values_at(document, path)))


def _compile_not(arg: Any) -> PathTest:
    if type(arg) is Regex:
        arg = {"$regex": arg}
    if not is_operators(arg):
        raise FilterError("$not needs operators or a regular expression")
    tests = [_compile_operator(op, a, arg) for op, a in arg.items()]
    return lambda document, path: not all(test(document, path) for test in tests)


def _compile_array_operator(op: str, arg: Any) -> PathTest:
    if op == "$size":
        return lambda document, path: any(
            type(v) is list and len(v) == arg for v in values_at(document, path, into_array=False)
        )
    if op == "$all":
        if type(arg) is not list:
            raise FilterError("$all needs a list")
        parts = [
            _compile_operator(
                "$elemMatch" if is_operators(x) else "$eq",
                x.get("$elemMatch") if is_operators(x) else x,
                {},
            )
            for x in arg
        ]
        return lambda document, path: bool(parts) and all(p(document, path) for p in parts)
    if type(arg) is not dict:
        raise FilterError("$elemMatch needs a filter")
    test = element_test(arg)
    return lambda document, path: any(
        any(map(test, v)) for v in values_at(document, path, into_array=False) if type(v) is list
    )


def element_test(arg: Any) -> ValueTest:
    """Make the test that ``$elemMatch`` (and ``$pull``) puts to one element of an array."""
    if is_operators(arg) and next(iter(arg)) not in ("$and", "$or", "$nor"):
        tests = [_compile_operator(op, a, arg) for op, a in arg.items()]
        return lambda element: all(test([element], ("0",)) for test in tests)
    whole = compile_filter(arg)

    def test(element: Any) -> bool:
        if type(element) is list:
            return whole({str(i): x for i, x in enumerate(element)})
        return type(element) is dict and whole(element)

    return test


def _value_test(op: str, arg: Any, siblings: Mapping[str, Any]) -> ValueTest:
    if op == "$eq":
        return _equals(arg)
    if op == "$in":
        return _one_of(arg)
    if op in _ORDERINGS:
        return _compares(op, arg)
    if op == "$regex":
        return _matches(arg, siblings.get("$options", ""))
    if op == "$type":
        kinds = tuple(k for a in (arg if type(arg) is list else [arg]) for k in _kinds(a))
        return lambda value: type(value) in kinds
    if op == "$mod":
        if type(arg) is not list or [type(x) for x in arg] != [int, int] or not arg[0]:
            raise FilterError("$mod needs [divisor, remainder]")
        divisor, remainder = arg
        return lambda value: type(value) in (int, Int64) and value % divisor == remainder
    raise _unknown(op, _OPERATORS)


def _unknown(name: str, known: Iterable[str]) -> UnsupportedOperationError:
    return UnsupportedOperationError(
        f"there is no filter operator {name} here", hint=no_such(name, known)
    )


def _equals(arg: Any) -> ValueTest:
    if arg is None:
        return lambda value: value is None or value is MISSING
    kind = type(arg)
    if kind in (str, ObjectId, bool, datetime):
        return lambda value: type(value) is kind and value == arg
    rank(arg)
    return lambda value: value is not MISSING and equal(value, arg)


def _one_of(args: Any) -> ValueTest:
    if type(args) is not list:
        raise FilterError("$in and $nin need a list")
    plain = {a for a in args if type(a) in (str, ObjectId)}  # long lists are of these
    others = [
        _matches(a, "") if type(a) is Regex else _equals(a)
        for a in args
        if type(a) not in (str, ObjectId)
    ]
    return lambda value: (
        (value in plain if type(value) in (str, ObjectId) else any(t(value) for t in others))
        or (type(value) is str and any(t(value) for t in others))
    )


def _compares(op: str, arg: Any) -> ValueTest:
    if arg is None:
        return _equals(None) if op in ("$gte", "$lte") else lambda value: False
    place, wanted, holds = rank(arg), sort_key(arg), _ORDERINGS[op]
    if type(arg) is Regex:
        raise FilterError(f"{op} cannot take a regular expression")

    def test(value: Any) -> bool:
        if value is MISSING or rank(value) != place or value != value:
            return False
        return holds(sort_key(value), wanted)

    return test


def _matches(arg: Any, options: str) -> ValueTest:
    if set(options) - set("imsx"):
        raise UnsupportedOperationError(f"$options {options!r}")
    flags = 0
    for option in options:
        flags |= int(getattr(re, option.upper()))
    source = arg
    if type(arg) is Regex:
        source, flags = arg.pattern, flags | (arg.flags & ~int(re.UNICODE))
    try:
        pattern = re.compile(source, flags)
    except (re.error, TypeError) as error:
        raise FilterError(f"not a regular expression: {source!r} ({error})") from None
    return lambda value: type(value) is str and pattern.search(value) is not None


def _kinds(name: Any) -> tuple[type, ...]:
    known = _TYPES.get(_TYPE_NUMBERS.get(name, name))
    if known is None:
        raise UnsupportedOperationError(f"$type {name!r}")
    return known
