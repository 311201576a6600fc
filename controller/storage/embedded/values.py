"""BSON values: their order, and keys with the same order in SQLite."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import bson
from bson import Binary, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp
from bson.errors import BSONError

from controller.errors import ArgumentError, UnsupportedOperationError


class _Missing:
    """The value of a missing field; orders like null."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()

# Order of types as MongoDB's manual gives it ("Comparison/Sort Order").
_NULL, _NUMBER, _TEXT, _OBJECT, _ARRAY, _BINARY, _ID, _BOOL, _DATE, _STAMP, _REGEX = range(1, 12)
_RANKS: dict[Any, int] = {
    MinKey: 0,
    _Missing: _NULL,
    type(None): _NULL,
    int: _NUMBER,
    float: _NUMBER,
    Int64: _NUMBER,
    str: _TEXT,
    dict: _OBJECT,
    list: _ARRAY,
    bytes: _BINARY,
    Binary: _BINARY,
    ObjectId: _ID,
    bool: _BOOL,
    datetime: _DATE,
    Timestamp: _STAMP,
    Regex: _REGEX,
    MaxKey: 99,
}
_EPOCH = datetime(1970, 1, 1)
_SIGN = 1 << 63


def rank(value: Any) -> int:
    """Place of the value's type in BSON's order; comparisons stay within one type.

    Raises
    ------
    UnsupportedOperationError
        A type that the engine does not compare (such as Decimal128).
    """
    try:
        return _RANKS[type(value)]
    except KeyError:
        raise UnsupportedOperationError(f"cannot compare a {type(value).__name__}") from None


def sort_key(value: Any) -> tuple[Any, ...]:
    """Return a tuple that compares like BSON: by type first, so that True is not 1."""
    place = rank(value)
    if place == _TEXT:
        return (place, value.encode())
    if place in (_ID, _BOOL, _DATE):
        return (place, value)
    if place == _NUMBER:
        return (place, value) if value == value else (_NUMBER - 0.5, 0)  # NaN is the smallest
    if place == _OBJECT:
        parts = ((sort_key(v)[0], k, sort_key(v)) for k, v in value.items())
        return (place, tuple(parts))
    if place == _ARRAY:
        return (place, tuple(sort_key(v) for v in value))
    if place == _BINARY:
        return (place, (len(value), getattr(value, "subtype", 0), bytes(value)))
    if place == _STAMP:
        return (place, (value.time, value.inc))
    if place == _REGEX:
        return (place, (value.pattern, value.flags))
    return (place, 0)


def equal(a: Any, b: Any) -> bool:
    """Whether two values are the same to BSON: 1 equals 1.0 but not True; field order counts."""
    if type(a) is type(b) and type(a) in (str, ObjectId, bool, datetime, type(None)):
        return bool(a == b)
    return sort_key(a) == sort_key(b)


def index_key(value: Any) -> Any:
    """Return the SQLite value that represents a BSON value in an index.

    NULL < numbers < text < blobs is SQLite's order, and the blobs begin with a byte that orders
    the other types. Of dictionaries, arrays and binaries only equality survives; see `is_odd`.
    """
    if value is None or value is MISSING:
        return None
    kind = type(value)
    if kind is str:
        return value
    if kind is bool:
        return b"\x08\x01" if value else b"\x08\x00"
    if kind in (int, Int64):
        return int(value)
    if kind is float:
        return value if value == value else b"\x02"  # SQLite would store NaN as NULL
    if kind is datetime:
        return b"\x09" + struct.pack(">Q", _milliseconds(value) + _SIGN)
    if kind is ObjectId:
        return b"\x07" + value.binary
    if kind in (dict, list, bytes, Binary):
        tag = 3 if kind is dict else 4 if kind is list else 5
        raw = bson.encode({"": _canonical(value)})
        return bytes([tag]) + hashlib.blake2b(raw, digest_size=16).digest()
    raise UnsupportedOperationError(f"cannot index a {kind.__name__}")


def _canonical(value: Any) -> Any:
    """Return a value in which numbers that are equal are the same in BSON, too."""
    if type(value) is dict:
        return {name: _canonical(member) for name, member in value.items()}
    if type(value) is list:
        return [_canonical(member) for member in value]
    if type(value) is Int64 or (type(value) is float and value.is_integer()):
        return int(value) if -_SIGN <= value < _SIGN else value
    return value


def value_of_key(key: Any) -> Any:
    """Return the scalar that `index_key` made the key of; MISSING if it cannot be determined."""
    if not isinstance(key, bytes):
        return key
    if key[0] == 8:
        return key[1] == 1
    if key[0] == 9:
        return _EPOCH + timedelta(milliseconds=struct.unpack(">Q", key[1:])[0] - _SIGN)
    if key[0] == 7:
        return ObjectId(key[1:])
    return MISSING


def is_odd(value: Any) -> bool:
    """Whether the order of the value's key is not the order of the value."""
    return isinstance(value, (dict, list, bytes)) or (isinstance(value, float) and value != value)


def key_bounds(value: Any) -> tuple[Any, Any] | None:
    """Smallest key, and first key beyond the largest, of the values of one type; None if odd."""
    if is_odd(value):
        return None
    bounds: dict[int, tuple[Any, Any]] = {
        _NUMBER: (float("-inf"), ""),
        _TEXT: ("", b""),
        _ID: (b"\x07", b"\x08"),
        _BOOL: (b"\x08", b"\x09"),
        _DATE: (b"\x09", b"\x0a"),
    }
    return bounds.get(_RANKS.get(type(value), -1))


def encode(document: Mapping[str, Any]) -> bytes:
    """Return the BSON of a document.

    Raises
    ------
    ArgumentError
        A value that cannot be stored as BSON.
    """
    try:
        return bson.encode(document)
    except (BSONError, OverflowError) as error:
        raise ArgumentError(f"cannot be stored in the database: {error}") from None


def normalise(document: Any) -> tuple[Any, bytes]:
    """Return a value as a server would see it, and its BSON.

    Tuples become lists, enums their values, times naive UTC with milliseconds; nothing is shared
    with the caller's objects.

    Raises
    ------
    ArgumentError
        A value that cannot be stored as BSON.
    """
    raw = encode({"": document})
    return bson.decode(raw)[""], raw


def _milliseconds(value: datetime) -> int:
    naive = value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value
    past = naive - _EPOCH
    return (past.days * 86_400 + past.seconds) * 1000 + past.microseconds // 1000


NUMBERS = (int, float, Int64)
