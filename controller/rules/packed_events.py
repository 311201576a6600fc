"""Many events as few bytes: their values field by field, compressed; pure.

Events of jobs that pass through the same states differ in little but ids and times. Field by field,
what is alike stands side by side: an event takes some twenty bytes, where a document with its
entries in four indexes takes four hundred and fifty.

What packed events are found by is beside them: their first and last id, their kinds, and *marks*,
four bytes for each job and flow. A mark may be that of another job: whoever looks for one unpacks.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from controller.errors import StorageFormatError
from controller.rules.events import wanted_values

PACKED = "packed"
"""The ``kind`` of a document that holds events, which is no kind of an event."""
MARKED = ("db_id", "uuid", "flow")
"""Fields whose values have marks."""

_WAY = b"\x01"
"""The first byte; what is written in one way is readable for ever."""
_LEVEL = 6
_EPOCH = datetime(1970, 1, 1)
_MILLISECOND = timedelta(milliseconds=1)
_VALUES = (str, int)


def can_be_packed(event: Mapping[str, Any]) -> bool:
    """Whether an event has such values only as jfr writes."""
    return (
        type(event.get("_id")) is str
        and type(event.get("time")) is datetime
        and event.get("kind") != PACKED
        and all(type(value) in _VALUES for key, value in event.items() if key != "time")
    )


def pack_events(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a document that holds events.

    Parameters
    ----------
    events
        At least one, by id; all of them `can_be_packed`.
    """
    marks = {mark_of(key, e[key]) for e in events for key in MARKED if key in e}
    return {
        # As if it were the last of them: what has a smaller id is older.
        "_id": events[-1]["_id"],
        "kind": PACKED,
        "first": events[0]["_id"],
        "number": len(events),
        "kinds": sorted({event["kind"] for event in events}),
        "marks": b"".join(sorted(marks)),
        "body": _WAY + zlib.compress(_columns(events), _LEVEL),
    }


def _columns(events: Sequence[Mapping[str, Any]]) -> bytes:
    columns: dict[str, Any] = {}
    for name in dict.fromkeys(key for event in events for key in event):
        values = [event.get(name) for event in events]
        if name == "time":
            times = [(value - _EPOCH) // _MILLISECOND for value in values if value is not None]
            columns[name] = [b - a for a, b in zip([0, *times], times)]
        else:
            columns[name] = values[0] if len(set(values)) == 1 else values
    content = {"number": len(events), "columns": columns}
    return _json(content)


def unpack_events(body: bytes, query: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Return the events of a packed document's ``body``, in their order.

    Parameters
    ----------
    query
        Return nothing if it asks for a text that none of them has.

    Raises
    ------
    StorageFormatError
        It is damaged, or a newer version wrote it.
    """
    if body[:1] != _WAY:
        raise StorageFormatError(
            "packed events were written by a newer version of jfr, or are damaged",
            hint="update jfr, or restore a backup",
        )
    try:
        raw = zlib.decompress(body[1:])
        if query and not _holds(raw, query):
            return []
        content = json.loads(raw)
        number, columns = content["number"], content["columns"]
    except (zlib.error, ValueError, KeyError, TypeError) as error:
        raise StorageFormatError(
            f"packed events are damaged: {error}", hint="restore a backup"
        ) from None
    lists = {k: v if type(v) is list else [v] * number for k, v in columns.items()}
    at, times = 0, []
    for step in lists["time"]:
        at += step
        times.append(_EPOCH + at * _MILLISECOND)
    lists["time"] = times
    rows = zip(*lists.values(), strict=True)
    return [{k: v for k, v in zip(lists, row) if v is not None} for row in rows]


def _holds(raw: bytes, query: Mapping[str, Any]) -> bool:
    """Whether each text that a query asks for may be there: to look is faster than to read."""
    for key, condition in query.items():
        values = None if key.startswith(("$", "_")) else wanted_values(condition)
        if values is None or not all(isinstance(value, str) for value in values):
            continue
        if not any(_json(value) in raw for value in values):
            return False
    return True


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def mark_of(field: str, value: str) -> bytes:
    """Return the mark of a job or flow."""
    return struct.pack("<I", zlib.crc32(f"{field}:{value}".encode()))


def marks_for(query: Mapping[str, Any]) -> list[list[bytes]]:
    """Return marks of a query: packed events that match have one of each list."""
    named = [(key, wanted_values(query[key])) for key in MARKED if key in query]
    return [
        [mark_of(key, value) for value in values if isinstance(value, str)]
        for key, values in named
        if values is not None
    ]


def may_match(head: Mapping[str, Any], query: Mapping[str, Any]) -> bool:
    """Whether a packed document can hold an event that a query selects, by what is beside them."""
    kinds = wanted_values(query["kind"]) if "kind" in query else None
    if kinds is not None and not set(kinds).intersection(head["kinds"]):
        return False
    wanted = marks_for(query)
    if not wanted:
        return True
    known = bytes(head["marks"])  # what begins within a mark is found, too: no harm is done
    return all(any(mark in known for mark in some) for some in wanted)


def bounds_for(query: Mapping[str, Any]) -> dict[str, Any]:
    """Return a query for packed documents that may hold events within the ids of a query."""
    ids = query.get("_id")
    if isinstance(ids, str):
        ids = {"$gte": ids, "$lte": ids}
    operators = ids if isinstance(ids, Mapping) else {}
    lower = {op: value for op, value in operators.items() if op in ("$gt", "$gte")}
    upper = {op: value for op, value in operators.items() if op in ("$lt", "$lte")}
    return {
        "kind": PACKED,
        **({"_id": lower} if lower else {}),
        **({"first": upper} if upper else {}),
    }


def number_of(documents: Iterable[Mapping[str, Any]]) -> int:
    """Return how many events documents are, packed or not."""
    return sum(int(document.get("number", 1)) for document in documents)
