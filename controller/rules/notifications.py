"""Turning events into notifications; pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from controller.config.notify import Notification, Topic
from controller.documents.events import EventDoc
from controller.states import ERROR_STATES, STATE_CHANGES, EventKind, FlowState

GONE = "gone"
LOGIN_NEEDED = "login needed"
FOUND = "doctor found"
SHOWN = 20
"""Maximum number of events quoted in a message; the others are counted."""
FIRST_RETRY, LONGEST_RETRY = 30.0, 3600.0
"""Seconds until a failed delivery is retried; doubled each time."""

_ERRORS = frozenset(state.value for state in ERROR_STATES)
_FLOWS = {
    FlowState.COMPLETED.value: Topic.FLOW_COMPLETED,
    FlowState.FAILED.value: Topic.FLOW_FAILED,
}
_NAMED = {GONE: Topic.RUNNER_GONE, LOGIN_NEEDED: Topic.LOGIN_NEEDED, FOUND: Topic.DOCTOR}
_WORDS = {
    Topic.FLOW_COMPLETED: ("flow completed", "flows completed"),
    Topic.FLOW_FAILED: ("flow failed", "flows failed"),
    Topic.JOB_FAILED: ("job failed", "jobs failed"),
    Topic.RUNNER_GONE: ("runner does not answer", "runners do not answer"),
    Topic.LOGIN_NEEDED: ("worker needs a login", "workers need a login"),
    Topic.DOCTOR: ("report of the doctor", "reports of the doctor"),
}


@dataclass(frozen=True)
class Message:
    """A message to deliver.

    Attributes
    ----------
    message_id
        The same for the same events, so that a receiver can recognise a duplicate.
    project
        Name of the project.
    title, body
        The text of the message.
    events
        The first `SHOWN` events, as plain data.
    count
        Total number of events.
    """

    message_id: str
    project: str
    title: str
    body: str
    events: list[dict[str, Any]]
    count: int

    def as_dict(self) -> dict[str, Any]:
        """Return plain data, as commands and webhooks receive it; times are ISO 8601 in UTC."""
        events = [
            {k: f"{v.isoformat(timespec='milliseconds')}Z" if k == "time" else v
             for k, v in event.items() if v is not None}
            for event in self.events
        ]  # fmt: skip
        return {
            "id": self.message_id,
            "project": self.project,
            "title": self.title,
            "body": self.body,
            "count": self.count,
            "events": events,
        }


def topic_of(event: EventDoc) -> Topic | None:
    """Return the topic of an event; None for most events."""
    if event.kind is EventKind.FLOW:
        return _FLOWS.get(event.to_state or "")
    if event.kind in STATE_CHANGES:
        return Topic.JOB_FAILED if event.to_state in _ERRORS else None
    if event.kind in (EventKind.RUNNER, EventKind.ADMIN):
        return _NAMED.get(event.name or "")
    return None


def candidates(wanted: Notification) -> dict[str, Any]:
    """Return a query for the events that a notification may report; `is_wanted` decides."""
    flows = [state for state, topic in _FLOWS.items() if topic in wanted.on]
    names = [name for name, topic in _NAMED.items() if topic in wanted.on]
    queries: list[dict[str, Any]] = []
    if flows:
        queries.append({"kind": EventKind.FLOW.value, "to": {"$in": flows}})
    if names:
        kinds = [EventKind.RUNNER.value, EventKind.ADMIN.value]
        queries.append({"kind": {"$in": kinds}, "name": {"$in": names}})
    if Topic.JOB_FAILED in wanted.on:
        kinds = [kind.value for kind in STATE_CHANGES]
        queries.append({"kind": {"$in": kinds}, "to": {"$in": sorted(_ERRORS)}})
    return {"$or": queries}


def is_wanted(event: EventDoc, wanted: Notification) -> bool:
    """Whether a notification reports an event."""
    topic = topic_of(event)
    if topic is None or topic not in wanted.on:
        return False
    by_cause = topic is Topic.JOB_FAILED and wanted.causes is not None
    return not by_cause or event.cause in [cause.value for cause in wanted.causes or ()]


def digest(name: str, project: str, events: Sequence[EventDoc]) -> Message:
    """Put events into one message.

    Parameters
    ----------
    name
        Name of the notification.
    events
        At least one event, the oldest first; each has a topic.
    """
    ids = "\n".join(event.event_id for event in events)
    numbers = Counter(topic for event in events if (topic := topic_of(event)) is not None)
    title = ", ".join(f"{n} {_WORDS[topic][n > 1]}" for topic, n in numbers.items())
    lines = [_line(event) for event in events[:SHOWN]]
    if len(events) > SHOWN:
        lines.append(f"and {len(events) - SHOWN} more: jf events")
    return Message(
        hashlib.sha256(f"{name}\n{ids}".encode()).hexdigest()[:32],
        project,
        f"{project}: {title}",
        "\n".join(lines),
        [event.as_dict() for event in events[:SHOWN]],
        len(events),
    )


def _line(event: EventDoc) -> str:
    about = f"flow {event.name} ({event.flow})" if event.kind is EventKind.FLOW else ""
    if event.db_id:
        about = f"job {event.db_id}"
    what = event.to_state or event.name or event.kind.value
    words = [about, what, event.worker, event.cause, event.text]
    return f"{event.time:%Y-%m-%d %H:%M:%S} UTC  {'  '.join(word for word in words if word)}"


def retry_delay(failures: int) -> float:
    """Return the seconds until the next attempt after a number of failed ones."""
    return float(min(LONGEST_RETRY, FIRST_RETRY * 2 ** min(failures - 1, 20)))
