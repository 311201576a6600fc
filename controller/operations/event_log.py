"""The event log: an append-only collection beside the jobs, bounded by age and number.

**What is promised.** Where a write and its event can be one transaction that conflicts with no
other (the embedded engine; on a server, writes that are made in a transaction anyway), either both
are stored or none. Elsewhere the event follows its change as the next command. A process that dies
between the two leaves a change without an event; `missing_events`, which a runner
calls every minute, compares the states of recently changed jobs with their last events and adds
what is missing, with an actor of None. Changes by other software are found in the same way. So no
present state is missing for long; what may be missing is a state that lasted for less than a
minute, and the name of the user who caused it.

On the embedded engine a runner packs events while it is idle (`event_packing`).
"""

from __future__ import annotations

import getpass
import logging
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from controller.documents.events import IDS, EventDoc, event_id_at
from controller.documents.stored import utc_now
from controller.errors import StorageError
from controller.operations.tally import Tally
from controller.rules.events import EventFilter
from controller.states import EventKind
from controller.storage.base import Collection, Document

if TYPE_CHECKING:
    from controller.config import EventOptions

logger = logging.getLogger(__name__)

CHUNK = 500
"""Number of events that are removed with one command."""


@dataclass(frozen=True)
class Actor:
    """Who makes changes: this process.

    Attributes
    ----------
    who
        user@host.
    command
        The command of this process, without its arguments.
    runner
        Id of the runner, if this process is one.
    """

    who: str
    command: str | None = None
    runner: str | None = None


@cache
def this_user() -> str:
    """Return user@host of this process."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "?"
    return f"{user}@{socket.gethostname()}"


@dataclass
class EventLog:
    """Writes and reads the events of one queue. It can be used by several threads.

    Attributes
    ----------
    collection
        The collection of the events.
    enabled
        Whether events are written.
    actor
        The user and process named in the events.
    tally
        The counters of this process.
    """

    collection: Collection
    enabled: bool = True
    actor: Actor = field(default_factory=lambda: Actor(this_user()))
    tally: Tally = field(default_factory=Tally)
    _failed: bool = False

    def acting_as(self, *, command: str | None = None, runner: str | None = None) -> None:
        """Set the command or runner of this process; None keeps the previous value."""
        known = self.actor
        self.actor = replace(known, command=command or known.command, runner=runner or known.runner)

    def write(self, events: Sequence[dict[str, Any]], *, session: Any = None) -> None:
        """Append events, in their order.

        Outside a transaction, events that cannot be written are logged and dropped: the changes
        that they describe have already been made.

        Parameters
        ----------
        events
            Events made by `controller.rules.events`; values of None, and ``since``, are left out.

        Raises
        ------
        StorageError
            Only in a transaction, which has then failed as a whole.
        """
        if not events or not self.enabled:
            return
        documents = self._documents(events)
        if session is not None:
            self.collection.insert_many(documents, session=session)
            return
        try:
            self.collection.insert_many(documents)
        except StorageError as error:
            if not self._failed:
                logger.warning("%d events could not be written: %s", len(documents), error)
            self._failed = True
        else:
            self._failed = False

    def _documents(self, events: Sequence[Mapping[str, Any]]) -> list[Document]:
        actor, now = self.actor, utc_now()
        self.tally.events(events, now)
        about = {"actor": actor.who, "command": actor.command, "runner": actor.runner}
        return [
            {
                "_id": IDS.next(),
                "time": now,
                **{
                    key: value
                    for key, value in {**about, **event}.items()
                    if value is not None and key != "since"
                },
            }
            for event in events
        ]

    def admin(self, name: str, text: str | None = None, *, session: Any = None) -> None:
        """Append the event of an administrative action that was done.

        Parameters
        ----------
        name
            Name of the action: reset, unlock and so on.
        """
        self.write([{"kind": EventKind.ADMIN.value, "name": name, "text": text}], session=session)

    def find(
        self, selection: EventFilter, *, limit: int = 0, newest: bool = True
    ) -> list[EventDoc]:
        """Return events, oldest first.

        Parameters
        ----------
        limit
            Maximum number of events; 0 means all.
        newest
            With a limit, return the last events instead of the first ones.
        """
        return self.find_where(selection.query(), limit=limit, newest=newest)

    def find_where(
        self, query: dict[str, Any], *, limit: int = 0, newest: bool = True
    ) -> list[EventDoc]:
        """Like `find`, for a query."""
        from controller.operations.event_packing import find_events

        found = find_events(self.collection, query, limit=limit, newest=newest)
        return [EventDoc.model_validate(doc) for doc in found]

    def trim(self, options: EventOptions, *, chunks: int = 4) -> int:
        """Remove events that are too old or too many; return the number of removed events.

        Packed events go together: once the last of them is too old, or one of them too many.

        Parameters
        ----------
        chunks
            Maximum number of chunks of `CHUNK` events to remove now; the rest can wait.
        """
        from controller.operations.event_packing import count_events
        from controller.rules.packed_events import number_of

        removed = 0
        oldest = utc_now() - timedelta(days=options.max_age_days)
        excess = count_events(self.collection, exactly=False) - options.max_number
        if excess > 0:  # after a crash of a server its estimate can be far too high
            excess = count_events(self.collection, exactly=True) - options.max_number
        for _ in range(chunks):
            old = {"_id": {"$lt": event_id_at(oldest)}} if excess <= 0 else {}
            wanted = min(CHUNK, excess) if excess > 0 else CHUNK
            some = self.collection.find(old, ["number"], sort=[("_id", 1)], limit=wanted)
            chosen, number = [], 0
            for doc in some:
                if number >= wanted:
                    break
                chosen.append(doc["_id"])
                number += number_of([doc])
            if not chosen:
                break
            self.collection.delete_many({"_id": {"$in": chosen}})
            removed, excess = removed + number, excess - number
        return removed
