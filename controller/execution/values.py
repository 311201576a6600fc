"""Values that a database can store, and representations of those that it would change. Pure.

A job's arguments, its Response and its output are converted to JSON and BSON. Values that cannot be
represented are reported here, with their position, so that they are refused before anything
happens.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from datetime import datetime
from importlib.util import find_spec
from typing import Any

LARGEST_INTEGER = 2**63 - 1
_PLAIN = frozenset({float, bool, type(None)})
_NUMBERS = _PLAIN | {int}
_FINITE = frozenset({str, int, bool, type(None)})
_DEEPEST = 400
"""Maximum depth of a value: Python reads and writes JSON only as deep as its stack allows."""

_Place = tuple[Any, ...]


def unstorable(value: Any, *, binary: bool = False) -> str | None:
    """Describe which part of a value cannot be stored, and where; None if all of it can.

    Parameters
    ----------
    value
        A value made of dictionaries, lists and serialised objects.
    binary
        Accept bytes, which JSON cannot represent.
    """
    if _is_surely_sound(value):
        return None
    for place, reason in _problems(value, binary):
        return f"{_shown(place)} {reason}"
    return None


def _is_surely_sound(value: Any) -> bool:
    """Whether there is no problem, as in nearly all values: faster than tracking places."""
    level, depth = [value], 0
    while level:
        if depth > _DEEPEST:
            return False
        below: list[Any] = []
        for one in level:
            kind = type(one)
            if kind is str:
                if not one.isascii():
                    return False
            elif kind is dict:
                for key in one:
                    if type(key) is not str or not key.isascii() or "\0" in key:
                        return False
                below.extend(one.values())
            elif kind is list:
                below.extend(one)
            elif kind is int:
                if not -LARGEST_INTEGER - 1 <= one <= LARGEST_INTEGER:
                    return False
            elif one is not None and kind is not bool and kind is not float:
                return False
        level, depth = below, depth + 1
    return True


def misleading(value: Any) -> str | None:
    """Describe which dictionary would be decoded as an object that does not exist, and where.

    Workers read a dictionary with ``@module`` and ``@class`` (or ``@callable``) as an object. One
    that represents an object is accepted; one that only looks like it could not be read at all.
    """
    if not _may_mislead(value):
        return None
    stack: list[tuple[_Place, Any]] = [((), value)]
    while stack:
        place, one = stack.pop()
        if isinstance(one, Mapping):
            if "@module" in one and (reason := _misnamed(one)):
                return f"{_shown(place)} {reason}: rename its keys if it is a plain dictionary"
            stack.extend(((*place, key), each) for key, each in one.items())
        elif isinstance(one, (list, tuple)) and not set(map(type, one)) <= _NUMBERS:
            stack.extend(((*place, n), each) for n, each in enumerate(one))
    return None


def _may_mislead(value: Any) -> bool:
    """Like `misleading`, without a place; True for anything but plain dictionaries and lists."""
    stack = [value]
    while stack:
        one = stack.pop()
        kind = type(one)
        if kind is dict:
            if "@module" in one and _misnamed(one):
                return True
            stack.extend(one.values())
        elif kind is list:
            if not set(map(type, one)) <= _NUMBERS:
                stack.extend(one)
        elif isinstance(one, (Mapping, tuple, list)):
            return True
    return False


def _misnamed(value: Mapping[str, Any]) -> str | None:
    """Describe the problem with the name of an object; None if there is none."""
    kind = next((kind for kind in ("@class", "@callable") if kind in value), None)
    if kind is None:
        return None
    module, name = value["@module"], value[kind]
    if not isinstance(module, str) or not isinstance(name, str):
        return f"has @module {module!r} and {kind} {name!r}, which do not name an object"
    if kind == "@callable":
        known = module in sys.modules or _can_be_imported(module)
        return (
            None
            if known
            else f"names a function of the module {module!r}, which is not installed here"
        )
    found = getattr(sys.modules.get(module), name, None)
    if found is None or isinstance(found, type) or (module, name) == ("numpy", "array"):
        return None
    return f"names {module}.{name}, which is not a class"


def _can_be_imported(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def has_non_finite(value: Any) -> bool:
    """Whether a value contains a NaN or an infinity."""
    stack = [value]
    while stack:
        one = stack.pop()
        if type(one) in _FINITE:
            continue
        if isinstance(one, float):
            if one - one != 0:
                return True
        elif type(one) is dict or isinstance(one, Mapping):
            stack.extend(one.values())
        elif isinstance(one, (list, tuple)):
            if set(map(type, one)) <= _NUMBERS:
                total = sum(v for v in one if v is not None)
                if total - total != 0 and any(v is not None and v - v != 0 for v in one):
                    return True
            else:
                stack.extend(one)
        elif hasattr(one, "tolist"):
            stack.append(one.tolist())
    return False


def with_exact_times(value: Any) -> Any:
    """Return a value in which times that BSON would change are in monty's form.

    BSON keeps milliseconds, in UTC: a zone and microseconds are lost. monty's form is read as the
    same time by every worker.
    """
    if isinstance(value, datetime):
        inexact = value.tzinfo is not None or value.microsecond % 1000
        return described_time(value) if inexact else value
    if isinstance(value, dict):
        return {key: with_exact_times(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        if set(map(type, value)) <= _NUMBERS:
            return value
        return [with_exact_times(each) for each in value]
    return value


def times_as_text(value: Any) -> Any:
    """Return a value in which times are ISO 8601 strings, including their zones."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: times_as_text(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)) and not set(map(type, value)) <= _NUMBERS:
        return [times_as_text(each) for each in value]
    return value


def described_time(time: datetime) -> dict[str, Any]:
    """Return monty's form of a time."""
    return {"@module": "datetime", "@class": "datetime", "string": str(time)}


def _problems(value: Any, binary: bool) -> Iterator[tuple[_Place, str]]:
    stack: list[tuple[_Place, Any]] = [((), value)]
    while stack:
        place, one = stack.pop()
        if len(place) > _DEEPEST:
            yield place[:3], f"is nested deeper than {_DEEPEST} levels"
        elif isinstance(one, Mapping):
            for key in one:
                if reason := _key_problem(key):
                    yield place, reason
            stack.extend(((*place, key), each) for key, each in one.items())
        elif isinstance(one, (list, tuple)):
            if not set(map(type, one)) <= _PLAIN:
                stack.extend(((*place, n), each) for n, each in enumerate(one))
        elif reason := _leaf_problem(one, binary):
            yield place, reason


def _key_problem(key: Any) -> str | None:
    if not isinstance(key, str):
        return f"has the key {key!r}, which is not a string"
    if "\0" in key:
        return f"has the key {key!r}: keys cannot contain the null character"
    return f"has a key that {_HALF}" if _has_half_characters(key) else None


_HALF = "contains a lone surrogate, which cannot be encoded in UTF-8"


def _leaf_problem(value: Any, binary: bool) -> str | None:
    if value is None or isinstance(value, (bool, float)):
        return None
    if isinstance(value, str):
        return _HALF if _has_half_characters(value) else None
    if isinstance(value, int):
        if -LARGEST_INTEGER - 1 <= value <= LARGEST_INTEGER:
            return None
        return (
            f"is an integer of {value.bit_length()} bits, but the maximum is 63: "
            "give it as text or as a float"
        )
    if isinstance(value, bytes):
        return None if binary else "contains bytes: give them as text, for example in base64"
    if isinstance(value, datetime):
        return None if value == value else "is not a time (NaT)"
    if type(value).__module__.partition(".")[0] == "bson":
        return None
    return f"is a {type(value).__name__}, which cannot be represented as data"


def _has_half_characters(text: str) -> bool:
    if text.isascii():
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def _shown(place: _Place) -> str:
    """Write a place as in Python: ``function_kwargs['a'][0]``."""
    if not place:
        return "it"
    first, *rest = place
    head = first if isinstance(first, str) and first.isidentifier() else f"[{first!r}]"
    tail = "".join(f"[{key!r}]" for key in rest)
    return f"{head}{tail}".encode(errors="backslashreplace").decode()
