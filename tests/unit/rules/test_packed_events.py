"""Events come back from their packed form as they were; what they are found by holds for each."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

import pytest

from controller.documents.events import EventDoc
from controller.errors import StorageFormatError
from controller.rules.packed_events import (
    bounds_for,
    can_be_packed,
    may_match,
    number_of,
    pack_events,
    unpack_events,
)

START = datetime(2026, 12, 1, 10, 0, 0, 123000)


def event(number: int, **more: Any) -> dict[str, Any]:
    about = {"kind": "state", "from": "READY", "to": "CHECKED_OUT", "index": 1, "worker": "local"}
    job = number % 70
    uuid = hashlib.sha256(str(job).encode()).hexdigest()[:36]
    ids = {"db_id": str(job), "uuid": uuid, "flow": f"{uuid[::-1]}"}
    time = START + timedelta(milliseconds=number * 7 - number % 3)
    return {"_id": f"{number:024x}", "time": time, "actor": "me@here", **about, **ids, **more}


EVENTS = [
    {"_id": "0" * 24, "time": START, "kind": "runner", "name": "started", "text": 'ä\ud7ff\0"'},
    *(event(n) for n in range(1, 300)),
    event(300, kind="flow", to="FAILED", count=2, gone_runner="x"),
]


def test_events_come_back() -> None:
    packed = pack_events(EVENTS)
    assert unpack_events(packed["body"]) == EVENTS
    assert unpack_events(pack_events(EVENTS[:1])["body"]) == EVENTS[:1]
    assert len(packed["body"]) + len(packed["marks"]) < 40 * len(EVENTS)
    assert packed["_id"] == EVENTS[-1]["_id"]
    assert number_of([packed, *EVENTS]) == 2 * len(EVENTS)
    for one in unpack_events(packed["body"]):
        EventDoc.model_validate(one)


@pytest.mark.parametrize("body", [b"", b"\x02x", b"\x01x", pack_events(EVENTS)["body"][:-9]])
def test_what_is_damaged_is_reported(body: bytes) -> None:
    with pytest.raises(StorageFormatError, match="damaged"):
        unpack_events(body)


@pytest.mark.parametrize(
    ("more", "can"),
    [
        ({}, True),
        ({"new": "field"}, True),
        *(({"text": value}, False) for value in (True, 1.5, None, ["x"], {"a": 1}, START)),
        *(({"kind": "packed"}, False), ({"_id": 7}, False), ({"time": "now"}, False)),
    ],
)
def test_what_can_be_packed(more: dict[str, Any], can: bool) -> None:
    assert can_be_packed({**event(1), **more}) is can


def test_what_packed_events_are_found_by() -> None:
    packed = pack_events(EVENTS)
    for one in EVENTS:
        for field in ("db_id", "uuid", "flow", "kind"):
            if field in one:
                assert may_match(packed, {field: one[field]})
                assert may_match(packed, {field: {"$in": ["other", one[field]]}})
    for query in ({"db_id": "70"}, {"flow": {"$in": ["x"]}}, {"kind": {"$in": ["admin"]}}):
        assert not may_match(packed, query)
    assert may_match(packed, {"worker": "nobody", "$or": [{"db_id": "70"}]})


def test_texts_that_no_event_has_are_not_unpacked() -> None:
    body = pack_events(EVENTS)["body"]
    for field, value in (("worker", "local"), ("text", EVENTS[0]["text"]), ("to", "FAILED")):
        assert unpack_events(body, {field: value}) == EVENTS
        assert unpack_events(body, {field: {"$in": ["other", value]}, "index": 1}) == EVENTS
        assert unpack_events(body, {field: value, "actor": "you@there"}) == []
    for query in ({"_id": {"$gt": "x"}}, {"$or": [{"worker": "no"}]}, {"count": {"$gt": 3}}):
        assert unpack_events(body, query) == EVENTS


def test_which_ids_they_can_have() -> None:
    assert bounds_for({"kind": "state"}) == {"kind": "packed"}
    bounds = bounds_for({"_id": {"$gte": "a", "$lt": "b"}})
    assert bounds == {"kind": "packed", "_id": {"$gte": "a"}, "first": {"$lt": "b"}}
    assert bounds_for({"_id": "a"})["first"] == {"$lte": "a"}
