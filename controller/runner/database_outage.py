"""What a runner does while the queue database is unreachable: it waits, and fails no job."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable

from controller.errors import LockLostError, StorageUnavailableError
from controller.operations.queue import Queue

logger = logging.getLogger(__name__)

LONGEST_WAIT = 30.0
"""Maximum number of seconds between two attempts to reach the database."""


class DatabaseOutage:
    """Notices that the database is unreachable, and says how long to wait for it.

    Parameters
    ----------
    queue
        The queue whose database it is.
    """

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._seconds = 0.0

    @property
    def is_present(self) -> bool:
        """Whether the last attempt failed."""
        return self._seconds > 0

    def wait(self) -> float:
        """Return the seconds until the next attempt, with a random part; 0 without an outage."""
        return self._seconds * random.uniform(0.8, 1.2)

    def attempt(self, action: Callable[[], bool]) -> bool:
        """Do something and return its result; False if the database is unreachable."""
        try:
            done = action()
        except LockLostError as error:
            logger.warning("%s", error)
            return True
        except StorageUnavailableError as error:
            if not self.is_present:
                logger.warning("%s; waiting until it is back", error)
                self._queue.events.tally.error("database")
            self._seconds = min(max(self._seconds * 2, 1.0), LONGEST_WAIT)
            return False
        if self.is_present:
            logger.warning("the database is reachable again")
            self._seconds = 0.0
        return done
