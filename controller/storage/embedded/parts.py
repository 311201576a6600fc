"""Split a document into a small hot part and its large values.

The hot part is the document as BSON in which every large value is replaced by a *hole*: a BSON
binary with a special subtype that refers to the part. Lists, claims and locks read hot parts only,
so that their cost does not depend on what a document carries. Which values become parts is
decided by size whenever they are written: of a document beyond `HOT_SIZE`, values of at least
`PART_SIZE`, at most two levels deep, so that ``job.name`` stays readable without the job's
arguments. A part never holds a hole.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import bson
from bson import Binary

from controller.errors import UnsupportedOperationError

HOT_SIZE = 2048
"""Documents up to this size in bytes are never split."""
PART_SIZE = 1024
"""Values below this size in bytes are never cut out."""
CHUNK_SIZE = 1 << 19
"""Bytes of a part per row: so a large part can be removed in small steps."""

_SUBTYPE = 0xEE
SIGNATURE = b"\x0c\x00\x00\x00\xee"
"""Length and subtype of a hole within BSON."""
_LEVELS = 2
_TEXT = re.compile(rb"\x02(\d{1,9})\x00(.{4})", re.DOTALL)
"""How a text in an array begins: its type, its place and the length of what follows."""
_PER_TEXT = 64
"""Bytes of a short text in an array: a uuid has some fifty."""
_ENDS = b"\0\0"
"""The ends of an array and of the document that holds it."""

Place: TypeAlias = tuple[str, ...]
"""Path to a value of a document, as names."""


@dataclass(frozen=True)
class Part:
    """A large value in the file.

    Attributes
    ----------
    number
        Key of its rows.
    rows
        How many there are.
    """

    number: int
    rows: int

    def hole(self) -> Binary:
        """Return what stands in its place in the hot part."""
        return Binary(struct.pack(">QI", self.number, self.rows), _SUBTYPE)

    @classmethod
    def of_hole(cls, hole: Binary) -> Part:
        """Read what `hole` wrote."""
        return cls(*struct.unpack(">QI", hole))


def is_hole(value: Any) -> bool:
    """Whether a value represents a part."""
    return type(value) is Binary and value.subtype == _SUBTYPE


def has_holes(raw: bytes) -> bool:
    """Whether BSON may contain a hole; cheap, and never wrongly False."""
    return SIGNATURE in raw


def holes(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, Part]]:
    """Yield (container, name, part) of every hole of a document."""
    for name, value in document.items():
        if is_hole(value):
            yield document, name, Part.of_hole(value)
        elif type(value) is dict:
            for inner, member in value.items():
                if is_hole(member):
                    yield value, inner, Part.of_hole(member)


def refuse_foreign_holes(raw: bytes) -> None:
    """Raise if a user's document looks as if it had parts."""
    if has_holes(raw) and any(map(is_hole, _all_values(bson.decode(raw)))):
        raise UnsupportedOperationError(f"a binary value of subtype {_SUBTYPE:#x}")


def _all_values(value: Any) -> Iterator[Any]:
    yield value
    for member in value.values() if type(value) is dict else value if type(value) is list else ():
        yield from _all_values(member)


def fill(
    document: dict[str, Any],
    paths: Iterable[str],
    read: Callable[[Part], bytes],
    excluded: Iterable[str] = (),
) -> dict[Place, tuple[Part, bytes]]:
    """Put the parts on the given paths back into the document.

    Parameters
    ----------
    paths
        Dotted paths that will be read; "" means the whole document.
    read
        Returns the BSON of a part.
    excluded
        Top-level names that will not be read, although a path includes them.

    Returns
    -------
    dict
        {place: (part, its BSON)} of what was put back; `cut` needs it to keep unchanged parts.
    """
    filled = {}
    wanted = [tuple(p.split(".")) if p else () for p in paths]
    left_out = set(excluded)
    for container, name, part in list(holes(document)):
        place = _place(document, container, name)
        if place[0] not in left_out and any(w[: len(place)] == place[: len(w)] for w in wanted):
            raw = read(part)
            container[name] = bson.decode(raw)[""]
            filled[place] = (part, raw)
    return filled


def _place(document: dict[str, Any], container: dict[str, Any], name: str) -> Place:
    if container is document:
        return (name,)
    outer = next(key for key, value in document.items() if value is container)
    return (outer, name)


def is_array_of_texts(raw: bytes) -> bool:
    """Whether the BSON of a part is an array whose first member is a text."""
    return raw[4:6] == b"\x04\0" and raw[10:13] == b"\x020\0"


def last_texts(end: bytes, number: int) -> list[str] | None:
    """Return the last members of a large array of texts, from the last bytes of its part.

    Returns
    -------
    list or None
        None if the bytes do not show them for certain: read the whole part.
    """
    stop = len(end) - len(_ENDS)
    first = _TEXT.search(end, max(0, stop - _PER_TEXT * (number + 2)))
    if first is None or not end.endswith(_ENDS):
        return None
    at, texts, known = first.start(), list[bytes](), int(first[1])
    while at < stop:
        match = _TEXT.match(end, at)
        if match is None or int(match[1]) != known + len(texts):
            return None
        at = match.end() + int.from_bytes(match[2], "little")
        texts.append(end[match.end() : at - 1])
    # The first may have been found within another one.
    return (
        [text.decode() for text in texts[-number:]] if at == stop and len(texts) > number else None
    )


@dataclass
class Cut:
    """A document prepared for writing.

    Attributes
    ----------
    hot
        Its members, with None where a value was cut out.
    values
        (place, BSON) of each value that was cut out and has no part yet. A place is the names
        that lead to the value, never the dictionary that holds it: `hot` may be copied meanwhile.
    raw
        The BSON of a document of which nothing was cut out, where it is known already.
    """

    hot: dict[str, Any]
    values: list[tuple[Place, bytes]] = field(default_factory=list)
    raw: bytes | None = None

    def put(self, place: Place, hole: Binary) -> None:
        """Name the part of a value that was cut out."""
        container = self.hot
        for name in place[:-1]:
            container = container[name]
        container[place[-1]] = hole

    def encode(self) -> bytes:
        """Return the hot part's BSON, once every value cut out has its hole."""
        return bson.encode(self.hot) if self.raw is None else self.raw


def cut(
    document: dict[str, Any],
    filled: Mapping[Place, tuple[Part, bytes]] | None = None,
    raw: bytes | None = None,
) -> Cut:
    """Cut the large values out of a document; holes that it has already stay.

    Parameters
    ----------
    filled
        What `fill` put back: a value that is still the same gets its old hole again.
    raw
        The document's BSON, where it is known.
    """
    if raw is None:
        raw = bson.encode(document)
    if len(raw) <= HOT_SIZE:
        return Cut(document, raw=raw)
    result = Cut(dict(document))
    for name, value in document.items():
        if name != "_id":
            _cut_member(result, result.hot, (name,), value, filled or {})
    return result


def _cut_member(
    result: Cut,
    container: dict[str, Any],
    place: Place,
    value: Any,
    filled: Mapping[Place, tuple[Part, bytes]],
) -> None:
    if type(value) not in (dict, list, str, bytes, Binary) or is_hole(value):
        return
    raw, name = bson.encode({"": value}), place[-1]
    if len(raw) < PART_SIZE:
        return
    part, old = filled.get(place, (None, b""))
    if part is not None and raw == old:
        container[name] = part.hole()
        return
    if type(value) is dict and len(place) < _LEVELS and _may_be_hot(value):
        inner = dict(value)
        found = Cut(inner)
        for key, member in value.items():
            _cut_member(found, inner, (*place, key), member, filled)
        keeps_holes = any(map(is_hole, inner.values()))
        gone = {at[-1] for at, _ in found.values}
        rest = {k: None if k in gone else v for k, v in inner.items()}
        if keeps_holes or len(bson.encode(rest)) < HOT_SIZE:
            container[name] = inner
            result.values += found.values
            return
    container[name] = None
    result.values.append((place, raw))


def _may_be_hot(value: dict[str, Any]) -> bool:
    """Whether it is worthwhile to check each member for its size."""
    return len(value) <= HOT_SIZE // 3 or any(map(is_hole, value.values()))
