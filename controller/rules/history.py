"""The time line of one job, from its events; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from controller.documents.events import EventDoc
from controller.states import STATE_CHANGES, EventKind


@dataclass(frozen=True)
class HistoryEntry:
    """One line of the history of a job.

    Attributes
    ----------
    time
        Time at which it began, naive UTC.
    state
        State of the job from then on; None when it was deleted.
    seconds
        Duration of this state, until now if it is the current one. None if the entry is not a
        change of state, or for a final state that nothing follows.
    kind
        Kind of the event.
    worker, runner, actor, command, cause, text
        As in `EventDoc`.
    """

    time: datetime
    state: str | None
    seconds: float | None
    kind: EventKind
    worker: str | None = None
    runner: str | None = None
    actor: str | None = None
    command: str | None = None
    cause: str | None = None
    text: str | None = None


def job_history(
    events: Sequence[EventDoc],
    *,
    now: datetime,
    created_on: datetime | None = None,
    lasting: frozenset[str] = frozenset(),
) -> list[HistoryEntry]:
    """Return the history of a job.

    Parameters
    ----------
    events
        Its events, oldest first.
    now
        Naive UTC.
    created_on
        Time of the job's submission; None if it is no longer known.
    lasting
        Final states, whose duration is not reported.
    """
    entries = [] if created_on is None else [_creation(events, created_on)]
    entries += [_entry(event) for event in events]
    changes = [n for n, entry in enumerate(entries) if entry.kind in _MOVES]
    for n, following in zip(changes, [*changes[1:], None]):
        entry = entries[n]
        if entry.state is None or (following is None and entry.state in lasting):
            continue
        end = now if following is None else entries[following].time
        entries[n] = replace(entry, seconds=max(0.0, (end - entry.time).total_seconds()))
    return entries


_MOVES = (*STATE_CHANGES, EventKind.ADDED, EventKind.DELETED)


def _creation(events: Sequence[EventDoc], created_on: datetime) -> HistoryEntry:
    first = next((e.from_state for e in events if e.kind in STATE_CHANGES), None)
    return HistoryEntry(created_on, first, None, EventKind.ADDED)


def _entry(event: EventDoc) -> HistoryEntry:
    return HistoryEntry(
        event.time,
        event.to_state if event.kind in STATE_CHANGES else None,
        None,
        event.kind,
        event.worker,
        event.runner,
        event.actor,
        event.command,
        event.cause,
        event.text,
    )
