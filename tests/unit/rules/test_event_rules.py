"""From writes to events, from filters to queries, from events to a history: tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controller.documents.events import EventDoc, EventIds, event_id_at
from controller.errors import ArgumentError
from controller.rules.events import (
    DELETION,
    LONGEST_TEXT,
    Change,
    EventFilter,
    added_jobs,
    change_of,
    flow_events,
    is_comparable,
    job_events,
    kind_of_transition,
    selects,
)
from controller.rules.history import job_history
from controller.states import EVENT_KINDS, EventKind

JOB = {
    "db_id": "7",
    "uuid": "u",
    "index": 1,
    "state": "RUNNING",
    "worker": "w",
    "job": {"hosts": ["inner", "outer"]},
}
ABOUT = {"db_id": "7", "uuid": "u", "index": 1, "worker": "w", "flow": "outer"}


@pytest.mark.parametrize(
    ("update", "expected"),
    [
        ({"$set": {"priority": 3}}, None),
        ({"$inc": {"lock_lease.seq": 1}}, None),
        ({"$set": {"state": "READY"}}, Change(state="READY")),
        ([{"$set": {"state": "READY"}}, {"$unset": "x"}], Change(state="READY")),
        ([{"$set": {"state": "$previous_state"}}], None),
        ({"$set": {"remote.step_attempts": 0}}, None),
        (
            {
                "$set": {
                    "remote.step_attempts": 1,
                    "remote.error": "a\nRemoteError: No space left on device",
                }
            },
            Change(
                step_failed=True, cause="disk_full", text="RemoteError: No space left on device"
            ),
        ),
        (
            {"$set": {"state": "READY", "attempts": [{"cause": "PREEMPTED", "error": "gone"}]}},
            Change(state="READY", cause="PREEMPTED", text="gone"),
        ),
        (
            {"$set": {"state": "FAILED", "error": "bad", "error_cause": "WALLTIME"}},
            Change(state="FAILED", cause="WALLTIME", text="bad"),
        ),
    ],
)
def test_what_a_write_does(update: Any, expected: Change | None) -> None:
    assert change_of({"db_id": "7"}, update) == expected


def test_taking_over_an_expired_lock_is_seen_by_its_question() -> None:
    query = {"_id": 1, "lock_id": "old", "lock_lease.id": "old", "lock_lease.seq": 4}
    change = change_of(query, {"$set": {"lock_id": "new"}})
    assert change == Change(takes_over=True, lock_id="new")
    assert job_events(JOB, change) == [{"kind": "takeover", "to": "RUNNING", **ABOUT}]
    assert flow_events({"uuid": "f", "name": "n", "state": "RUNNING"}, change) == [
        {"kind": "takeover", "flow": "f", "name": "n"}
    ]


def test_a_long_text_and_half_characters_are_stored_shortened() -> None:
    change = change_of({}, {"$set": {"state": "FAILED", "error": "x\udc80" + "y" * 9999}})
    assert change is not None
    assert change.text is not None
    assert len(change.text) == LONGEST_TEXT
    change.text.encode()


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ("READY", "CHECKED_OUT", EventKind.CLAIM),
        ("UPLOADED", "SUBMITTED", EventKind.ATTEMPT_STARTED),
        ("UPLOADED", "BATCH_SUBMITTED", EventKind.ATTEMPT_STARTED),
        ("SUBMITTED", "RUNNING", EventKind.STATE),
        ("RUNNING", "RUN_FINISHED", EventKind.ATTEMPT_ENDED),
        ("SUBMITTED", "DOWNLOADED", EventKind.ATTEMPT_ENDED),
        ("DOWNLOADED", "COMPLETED", EventKind.STATE),
        (None, "READY", EventKind.STATE),
    ],
)
def test_kinds_of_changes(before: str | None, after: str, kind: EventKind) -> None:
    assert kind_of_transition(before, after) is kind


def test_events_of_jobs() -> None:
    moved = {"kind": "state", "from": "RUNNING", "to": "FAILED", "cause": "C", "text": "t"}
    change = Change(state="FAILED", cause="C", text="t")
    assert job_events(JOB, change) == [{**moved, "kind": "attempt_ended", **ABOUT}]
    assert job_events(JOB, Change(state="RUNNING")) == []  # nothing has changed
    assert job_events(JOB, DELETION) == [{"kind": "deleted", "from": "RUNNING", **ABOUT}]
    [failed] = job_events(JOB, Change(step_failed=True, text="t"))
    assert (failed["kind"], failed["to"], failed["text"]) == ("step_failed", "RUNNING", "t")
    [other] = job_events(JOB, Change(state="READY", worker="other"))
    assert other["worker"] == "other"


def test_many_jobs_that_are_added_are_one_event_for_each_flow() -> None:
    jobs = [{**JOB, "db_id": str(n)} for n in range(1, 4)] + [{**JOB, "job": {"hosts": ["b"]}}]
    assert added_jobs(jobs) == [
        {"kind": "added", "flow": "outer", "count": 3, "text": "jobs 1 to 3"},
        {"kind": "added", "flow": "b", "count": 1, "text": "job 7"},
    ]


@pytest.mark.parametrize(
    ("query", "comparable", "selected"),
    [
        ({"_id": 1, "lock_id": "a"}, True, True),
        ({"db_id": {"$in": ["7", "8"]}, "state": "RUNNING"}, True, True),
        ({"uuid": "u", "state": {"$ne": "RUNNING"}}, True, False),
        ({"uuid": "u", "state": {"$gt": "A"}}, True, False),
        ({"state": "RUNNING"}, False, True),
        ({"_id": 1, "priority": 2}, False, False),
    ],
)
def test_which_documents_a_query_selects(
    query: dict[str, Any], comparable: bool, selected: bool
) -> None:
    assert is_comparable(query) is comparable
    assert selects(query, {**JOB, "_id": 1, "lock_id": "a"}) is selected


def test_queries_of_filters() -> None:
    noon = datetime(2026, 1, 31, 12, tzinfo=UTC)
    selection = EventFilter(
        kinds=["states", "flow"], db_ids=["1"], uuids=["u"], workers=["w"], since=noon
    )
    assert selection.query() == {
        "kind": {"$in": ["flow", "state", "claim", "attempt_started", "attempt_ended"]},
        "$or": [{"db_id": {"$in": ["1"]}}, {"uuid": {"$in": ["u"]}}],
        "worker": {"$in": ["w"]},
        "_id": {"$gte": event_id_at(noon)},
    }
    assert EventFilter().query() == {}
    with pytest.raises(ArgumentError, match="no kind of event 'bad'"):
        EventFilter(kinds=["bad"]).query()
    assert len(EVENT_KINDS) == len(EventKind) + 1


def test_ids_order_events_whatever_the_clock_does(monkeypatch: pytest.MonkeyPatch) -> None:
    ids, times = EventIds(), iter([5, 5, 4, 6])
    monkeypatch.setattr("time.time_ns", lambda: next(times) * 1_000_000)
    made = [ids.next() for _ in range(4)]
    assert made == sorted(made)
    assert len(set(made)) == 4
    assert made[-1] > event_id_at(datetime.fromtimestamp(0.006, UTC))
    assert event_id_at(datetime(1970, 1, 1, 0, 0, 1)) == f"{1000:012x}"


def event(kind: str, seconds: float, **fields: Any) -> EventDoc:
    moment = datetime(2026, 1, 1) + timedelta(seconds=seconds)
    return EventDoc.model_validate({"_id": "1", "time": moment, "kind": kind, **fields})


def test_history_of_a_job() -> None:
    began = datetime(2026, 1, 1)
    events = [
        event("claim", 10, **{"from": "READY", "to": "CHECKED_OUT"}),
        event("step_failed", 12, text="away"),
        event("state", 15, **{"from": "CHECKED_OUT", "to": "COMPLETED"}),
    ]
    found = job_history(
        events, now=began + timedelta(99), created_on=began, lasting=frozenset({"COMPLETED"})
    )
    assert [(e.state, e.seconds) for e in found] == [
        ("READY", 10.0),
        ("CHECKED_OUT", 5.0),
        (None, None),
        ("COMPLETED", None),
    ]
    [first, *_] = job_history(events[:1], now=began + timedelta(seconds=25))
    assert (first.state, first.seconds) == ("CHECKED_OUT", 15.0)
    assert job_history([], now=began, created_on=began)[0].kind is EventKind.ADDED
