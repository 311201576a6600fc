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
from controller.storage.embedded.expressions import check_expression, evaluate, truthy
from controller.storage.embedded.patterns import compile_pattern
from controller.storage.embedded.values import MISSING, NUMBERS, equal, rank, sort_key

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


def position(name: str) -> int | None:
    """Return the array position of a numeric name, otherwise None."""
    if name.isdecimal() and name.isascii() and (name == "0" or name[0] != "0"):
        return int(name)
    return None


ITSELF: Path = ("itself",)
"""The path, by identity, of a value that is tested itself: an element of an array."""


def values_at(document: Any, path: Path, *, into_array: bool = True) -> Iterator[Any]:
    """Yield the values that MongoDB compares for a path.

    A path runs through arrays: into every element, and to a position if a name is a number. With
    `ITSELF`, the value is the given one as a whole.

    Parameters
    ----------
    into_array
        Whether an array at the end of the path also yields its elements.
    """
    value = document
    if path is ITSELF:
        yield value
        return
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
    place = position(path[0])
    if place is not None and place < len(array):
        element = array[place]
        if len(path) == 1:
            # The value at the position counts as a whole; its elements are not tested.
            yield element
        elif type(element) in (dict, list):
            yield from values_at(element, path[1:], into_array=into_array)


def is_operators(value: Any) -> bool:
    """Whether a value in a filter is ``{"$op": ...}`` rather than a value to equal."""
    return type(value) is dict and bool(value) and next(iter(value)).startswith("$")


def compile_filter(query: Mapping[str, Any]) -> Test:
    """Compile a filter (already normalised) into a test of documents."""
    if type(query) is not dict:
        raise FilterError(f"a filter must be a dictionary, not {query!r}")
    tests = [_compile_clause(key, value) for key, value in query.items()]
    if len(tests) == 1:
        return tests[0]
    return lambda document: all(test(document) for test in tests)


def filter_paths(query: Any) -> Iterator[str]:
    """Yield the paths used by a filter; "" stands for the whole document."""
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
            raise FilterError(f"{key} needs a non-empty list of filters")
        parts = [compile_filter(part) for part in value]
        if key == "$and":
            return lambda document: all(part(document) for part in parts)
        if key == "$or":
            return lambda document: any(part(document) for part in parts)
        return lambda document: not any(part(document) for part in parts)
    if key == "$expr":
        check_expression(value)
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
        if "$regex" not in siblings:
            raise FilterError("$options needs a $regex")
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
        if op == "$ne" and type(arg) is Regex:
            raise FilterError("$ne does not accept a regular expression, but $not does")
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
        size = whole_number(arg)
        if size is None or size < 0:
            raise FilterError(f"$size needs a non-negative integer, not {arg!r}")
        return lambda document, path: any(
            type(v) is list and len(v) == size for v in values_at(document, path, into_array=False)
        )
    if op == "$all":
        if type(arg) is not list:
            raise FilterError("$all needs a list")
        if len({is_operators(x) for x in arg}) > 1:
            raise FilterError("$all accepts either values or $elemMatch")
        parts = [_compile_member_of_all(x) for x in arg]
        return lambda document, path: bool(parts) and all(p(document, path) for p in parts)
    if type(arg) is not dict:
        raise FilterError("$elemMatch needs a filter")
    test = element_test(arg)
    return lambda document, path: any(
        any(map(test, v)) for v in values_at(document, path, into_array=False) if type(v) is list
    )


def _compile_member_of_all(member: Any) -> PathTest:
    if is_operators(member):
        if list(member) != ["$elemMatch"]:
            raise FilterError(f"$all accepts either values or $elemMatch, not {next(iter(member))}")
        return _compile_operator("$elemMatch", member["$elemMatch"], member)
    return _compile_operator("$regex" if type(member) is Regex else "$eq", member, {})


def element_test(arg: Any) -> ValueTest:
    """Return the test that ``$elemMatch`` (and ``$pull``) applies to an element of an array."""
    if is_operators(arg) and next(iter(arg)) not in ("$and", "$or", "$nor"):
        tests = [_compile_operator(op, a, arg) for op, a in arg.items()]
        return lambda element: all(test(element, ITSELF) for test in tests)
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
        names = arg if type(arg) is list else [arg]
        kinds = tuple(k for name in names for k in _kinds(name))
        if not kinds:
            raise FilterError("$type needs at least one type")
        return lambda value: type(value) in kinds
    if op == "$mod":
        return _divides(arg)
    raise _unknown(op, _OPERATORS)


def whole_number(value: Any) -> int | None:
    """Return a number without a fraction as an int, None for everything else."""
    if type(value) not in NUMBERS or value - value != 0 or value != int(value):
        return None
    return int(value)


def _divides(arg: Any) -> ValueTest:
    """Test a remainder as in C: of truncated numbers, with the sign of the value."""
    if type(arg) is not list or len(arg) != 2 or None in (numbers := [*map(_truncated, arg)]):
        raise FilterError(f"$mod needs [divisor, remainder], not {arg!r}")
    divisor, remainder = numbers
    if not divisor:
        raise FilterError("$mod cannot divide by 0")

    def test(value: Any) -> bool:
        number = _truncated(value)
        if number is None:
            return False
        rest = abs(number) % abs(divisor)
        return (rest if number >= 0 else -rest) == remainder

    return test


def _truncated(value: Any) -> int | None:
    return int(value) if type(value) in NUMBERS and value - value == 0 else None


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
    if any(map(is_operators, args)):
        raise FilterError("$in and $nin accept values, not operators")
    plain = {a for a in args if type(a) in (str, ObjectId)}  # as in long lists
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
        raise FilterError(f"{op} does not accept a regular expression")
    if arg != arg:  # not a number: nothing is less or greater
        return _equals(arg) if op in ("$gte", "$lte") else lambda value: False

    def test(value: Any) -> bool:
        if value is MISSING or rank(value) != place or value != value:
            return False
        return holds(sort_key(value), wanted)

    return test


def _matches(arg: Any, options: Any) -> ValueTest:
    if type(options) is not str:
        raise FilterError(f"$options needs letters, not {options!r}")
    if set(options) - set("imsx"):
        raise UnsupportedOperationError(f"$options {options!r}")
    if type(arg) is Regex and options and arg.flags & ~int(re.UNICODE):
        raise FilterError("a regular expression with its own flags does not accept $options")
    pattern = compile_pattern(arg, options)
    search, whole = pattern.search, arg if type(arg) is Regex else Regex(arg, options)

    def test(value: Any) -> bool:
        if type(value) is str:
            return search(value) is not None
        return type(value) is Regex and equal(value, whole)

    return test


def _kinds(name: Any) -> tuple[type, ...]:
    number = whole_number(name)
    known = _TYPES.get(_TYPE_NUMBERS.get(number) if number is not None else str(name))
    if known is None or (number is None and type(name) is not str):
        raise UnsupportedOperationError(f"$type {name!r}")
    return known
