"""Events, and the history of a job: their data, and their tables."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from controller.states import EventKind
from controller.tables.columns import MORE, Column, TableSpec
from controller.tables.data import Row
from controller.tables.formats import duration, local_time
from controller.tables.schemas import integer, number, text, time

if TYPE_CHECKING:
    from controller.documents.events import EventDoc
    from controller.rules.history import HistoryEntry

_SECONDS = "%Y-%m-%d %H:%M:%S"
_KINDS = [kind.value for kind in EventKind]
_NAMED = (EventKind.ACTION, EventKind.ADMIN, EventKind.RUNNER)
_WHO = {
    "runner": text("Id of the runner that did it.", null=True),
    "actor": text("user@host of the process that did it; null for other software.", null=True),
    "command": text("The command that this process was.", null=True),
    "cause": text("Cause of a failure, as a keyword.", null=True),
    "text": text("More about it: the first line of an error, for example.", null=True),
}


def _row(event: EventDoc) -> Row:
    return event.as_dict()


def _what(event: EventDoc) -> str:
    """What happened, in a few words."""
    if event.from_state and event.to_state:
        return f"{event.from_state} -> {event.to_state}"
    name = event.name if event.kind in _NAMED else None
    state = event.to_state or event.from_state
    words = [event.kind.value.replace("_", " "), *([name] if name else [])]
    return " ".join([*words, *([f"({state})"] if state else [])])


def _about(event: EventDoc) -> str:
    if event.db_id:
        return f"job {event.db_id}"
    if event.flow:
        return f"flow {event.name or event.flow[:8]}"
    if event.count is None:
        return ""
    return "1 job" if event.count == 1 else f"{event.count} jobs"


def _by(event: EventDoc | HistoryEntry) -> str:
    who = f"runner {event.runner[:8]}" if event.runner else event.command
    return ", ".join(part for part in (who, event.actor) if part)


def _why(event: EventDoc | HistoryEntry) -> str:
    return ": ".join(part for part in (event.cause, event.text) if part)


EVENTS = TableSpec(
    "event",
    "An event: an entry of `jf events` and of `jf admin log`.",
    {
        "event_id": text("Its id, which orders events."),
        "time": time("When it happened."),
        "kind": text("What happened.", one_of=_KINDS),
        "from": text("State of the job or flow before.", null=True),
        "to": text("State of the job or flow after.", null=True),
        "db_id": text("db_id of the job.", null=True),
        "uuid": text("Uuid of the job.", null=True),
        "index": integer("Index of the job.", null=True),
        "name": text("Name of the flow, or of what was done.", null=True),
        "flow": text("Uuid of the flow.", null=True),
        "worker": text("Worker of the job.", null=True),
        "count": integer("Number of jobs concerned, if not one.", null=True),
        **_WHO,
    },
    row=_row,
    columns=(
        Column("time", "Time [{zone}]", lambda e: local_time(e.time, _SECONDS), rank=0),
        Column("kind", "Kind", levels=MORE),
        Column("about", "About", _about, path="db_id", rank=0),
        Column("what", "What", _what, path="to", rank=0),
        Column("worker", "Worker", rank=2),
        Column("by", "By", _by, path="actor", wraps=True),
        Column("text", "Why", _why, wraps=True, rank=3),
        Column("flow", "Flow", levels=MORE),
    ),
    name_key="event_id",
)
HISTORY = TableSpec(
    "history",
    "A line of `jf job history`.",
    {
        "time": time("Time at which it began."),
        "state": text("State of the job from then on; null where it did not change.", null=True),
        "seconds": number("For how long it was in this state.", null=True),
        "kind": text("What happened.", one_of=_KINDS),
        "worker": text("Worker of the job.", null=True),
        **_WHO,
    },
    row=asdict,
    columns=(
        Column("time", "Time [{zone}]", lambda e: local_time(e.time, _SECONDS), rank=0),
        Column(
            "state", "State", lambda e: e.state or f"({e.kind.value.replace('_', ' ')})", rank=0
        ),
        Column("seconds", "For", lambda e: _lasted(e.seconds), number=True, rank=0),
        Column("worker", "Worker", rank=2),
        Column("by", "By", _by, path="actor", wraps=True),
        Column("text", "Why", _why, wraps=True),
    ),
    name_key="state",
)


def _lasted(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:.1f} s" if seconds < 60 else duration(seconds)


def event_line(event: EventDoc) -> str:
    """Return an event as one line, for following them."""
    parts: list[Any] = [local_time(event.time, _SECONDS), _about(event), _what(event)]
    parts += [event.worker, _by(event), _why(event)]
    return "  ".join(part for part in parts if part)
