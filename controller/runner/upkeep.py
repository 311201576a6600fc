"""A runner's periodic maintenance of the event log and the archive.

It records its own start and end, limits the size of the log, adds missing events, and finishes
moves to and from the archive that killed processes left half done. While nothing else is to be
done, it packs events and gives space back.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from controller.documents import utc_now
from controller.errors import StorageError, StorageUnavailableError
from controller.operations.archiving import mend_interrupted
from controller.operations.compaction import compact_if_small
from controller.operations.event_packing import FEWEST, MOST, pack_oldest
from controller.operations.job_counts import fresh_counts
from controller.operations.missing_events import reconcile
from controller.operations.queue import Queue
from controller.states import EventKind
from controller.storage.base import Closeable
from controller.storage.indexes import EVENT_INDEXES, build_added_indexes, build_indexes

if TYPE_CHECKING:
    from controller.config import Project
    from controller.notifications import Notifier

logger = logging.getLogger(__name__)

EVERY = 60.0
"""Seconds between two looks."""
_OVERLAP = timedelta(seconds=30)
TIDY_EVERY = 30.0
"""Seconds until an idle runner looks again for events to pack."""
COMPACT_EVERY = 600.0
"""Seconds between two compactions."""
_LONGEST_END = 2.0
"""Seconds that events are packed for at the end of a runner."""
_FEW_OF_ALL = 10
"""Packed events go together when the log is too long: not more than one part in so many."""


class EventUpkeep:
    """Maintains the event log of a queue while a runner serves it.

    Parameters
    ----------
    queue
        The queue and its log.
    project
        Settings for the size of the log and for notifications.
    wake
        Called when jobs may have changed, if the server reports changes.
    """

    def __init__(
        self, queue: Queue, project: Project, wake: Callable[[], None] = lambda: None
    ) -> None:
        self._queue, self._project, self._options = queue, project, project.events
        self._notifier: Notifier | None = None
        self._wake, self._hints = wake, list[Closeable]()
        self._next = self._next_tidy = self._next_compaction = 0.0
        self._has_packed = False
        self._since: datetime = utc_now() - timedelta(hours=1)

    def begin(self) -> None:
        """Record that the runner has started; build indexes that an older version did not have."""
        hints = self._queue.database.change_hints(self._queue.jobs.name, self._wake)
        self._hints = [] if hints is None else [hints]
        self._build_indexes()
        if not self._options.enabled:
            return
        self._tell("started")
        self._notify()

    def _notify(self) -> None:
        if self._project.notify and self._options.enabled:
            from controller.notifications import Notifier

            self._notifier = Notifier(self._queue, self._project.name, self._project.notify)

    def adopt(self, project: Project) -> None:
        """Take over the settings of a reloaded project file."""
        old, self._project, self._options = self._project, project, project.events
        self._queue.events.enabled = project.events.enabled
        self._next = 0.0
        if (old.notify, old.events.enabled) == (project.notify, project.events.enabled):
            return
        if self._notifier is not None:
            self._notifier.close(0.0)  # a delivery under way ends by itself; no job waits for it
            self._notifier = None
        self._notify()

    def note_gone(self) -> None:
        """Add other runners that do not answer to the event log, once each."""
        if not (self._project.notify and self._options.enabled):
            return
        from controller.notifications import note_runners_gone

        try:
            note_runners_gone(self._queue)
        except StorageUnavailableError:
            raise
        except StorageError as error:
            logger.warning("cannot check the other runners: %s", error)

    def _build_indexes(self) -> None:
        queue = self._queue
        try:
            build_added_indexes(queue.jobs, queue.flows)
            if self._options.enabled:
                build_indexes(queue.events.collection, EVENT_INDEXES)
        except StorageUnavailableError:
            raise
        except StorageError as error:
            logger.warning("the database lacks some of its indexes: %s", error)

    def end(self) -> None:
        """Record that the runner ends, add up its counts, and deliver remaining notifications."""
        for hints in self._hints:
            hints.close()
        if self._notifier is not None:
            self._notifier.close()
        self._tell("ended")
        self._queue.events.tally.flush(self._queue.auxiliary)
        try:
            until = time.monotonic() + _LONGEST_END
            while self._pack() and time.monotonic() < until:
                pass
            self._compact()
        except StorageUnavailableError:
            raise
        except StorageError as error:
            logger.warning("events could not be packed: %s", error)

    def tidy(self) -> None:
        """Use a moment in which nothing else is to be done, of some tens of milliseconds.

        Raises
        ------
        StorageUnavailableError
            The database cannot be reached.
        """
        if time.monotonic() < self._next_tidy:
            return
        try:
            if self._pack():
                return
            self._next_tidy = time.monotonic() + TIDY_EVERY
            if time.monotonic() >= self._next_compaction:
                self._compact()
        except StorageUnavailableError:
            raise
        except StorageError as error:
            self._next_tidy = time.monotonic() + TIDY_EVERY
            logger.warning("events could not be packed: %s", error)

    def _pack(self) -> bool:
        if not self._options.enabled:
            return False
        most = min(MOST, self._options.max_number // _FEW_OF_ALL)
        events = self._queue.events.collection
        done = pack_oldest(self._queue.database, events, most=most, fewest=min(FEWEST, most))
        self._has_packed = self._has_packed or done > 0
        return done > 0

    def _compact(self) -> None:
        if self._has_packed and compact_if_small(self._queue):
            self._next_compaction = time.monotonic() + COMPACT_EVERY
        self._has_packed = False

    def _tell(self, name: str) -> None:
        self._queue.events.write([{"kind": EventKind.RUNNER.value, "name": name}])

    def look(self) -> None:
        """Do the work that is due: a few chunks at a time, so that no job waits for it.

        Raises
        ------
        StorageUnavailableError
            The database cannot be reached.
        """
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY
        try:
            if mended := mend_interrupted(self._queue):
                logger.warning("%d interrupted moves to or from the archive were finished", mended)
            if not self._options.enabled:
                return
            self._queue.events.trim(self._options)
            self._queue.events.tally.flush(self._queue.auxiliary)
            fresh_counts(self._queue)
            self.note_gone()
            if not self._queue.database.transactions_never_conflict:
                began = utc_now()
                reconcile(self._queue, self._since)
                self._since = began - _OVERLAP
        except StorageUnavailableError:
            raise
        except StorageError as error:
            logger.warning("maintenance of the event log and the archive failed: %s", error)
