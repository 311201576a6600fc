"""Events: what happened, one document each, never changed afterwards."""

from __future__ import annotations

import os
import secrets
import threading
import time
from datetime import UTC, datetime
from typing import Any

from pydantic import Field

from controller.documents.stored import Stored
from controller.states import EventKind


class EventDoc(Stored):
    """An event.

    Attributes
    ----------
    event_id
        Its id, which orders events: the time in milliseconds, a number within the process, and
        some digits that tell processes apart.
    time
        When the change was made, by the clock of the process that made it; UTC.
    kind
        Kind of the event.
    from_state, to_state
        States of the job or flow before and after; None if there is none, or it is unknown.
    db_id, uuid, index
        The job.
    name
        Name of the flow, of an action or of an administrative command.
    flow
        Uuid of the flow.
    worker
        Worker of the job.
    runner
        Id of the runner that made the change; None if another process made it.
    actor
        user@host of the process that made the change; None if other software made it.
    command
        The command that this process was.
    cause
        Why something failed, a value of `Cause`.
    count
        Number of jobs concerned, if not one.
    text
        Further details, such as the first line of an error.
    """

    event_id: str = Field(validation_alias="_id", serialization_alias="event_id")
    time: datetime
    kind: EventKind
    from_state: str | None = Field(None, validation_alias="from", serialization_alias="from")
    to_state: str | None = Field(None, validation_alias="to", serialization_alias="to")
    db_id: str | None = None
    uuid: str | None = None
    index: int | None = None
    name: str | None = None
    flow: str | None = None
    worker: str | None = None
    runner: str | None = None
    actor: str | None = None
    command: str | None = None
    cause: str | None = None
    count: int | None = None
    text: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data, as `jf events` writes it."""
        return self.model_dump(mode="python", by_alias=True)


TIME_DIGITS = 12
"""Digits of an id that are its time: milliseconds since 1970, hexadecimal."""


def event_id_at(moment: datetime) -> str:
    """Return the smallest id that an event of this moment (naive UTC, or aware) can have."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return f"{max(0, int(aware.timestamp() * 1000)):012x}"


class EventIds:
    """Generates ids of events: each is larger than all before it, whatever the clock does."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = (0, 0)
        self._process = (0, "")

    def next(self) -> str:
        """Return the next id: twelve digits of time, five of a number, seven of the process."""
        with self._lock:
            millis, number = self._last
            now = time.time_ns() // 1_000_000
            self._last = (now, 0) if now > millis else (millis, number + 1)
            if self._process[0] != os.getpid():
                self._process = (os.getpid(), secrets.token_hex(4)[:7])
            return f"{self._last[0]:012x}{self._last[1]:05x}{self._process[1]}"


IDS = EventIds()
"""The ids of this process."""
