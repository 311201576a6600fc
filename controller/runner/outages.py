"""Unreachable machines: their workers are skipped for a while, and other processes told why."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from controller.documents import utc_now
from controller.errors import AuthenticationRequiredError, HostUnavailableError
from controller.operations.queue import Queue
from controller.operations.worker_outages import WorkerOutage, end_outages, note_outage
from controller.rules.notifications import LOGIN_NEEDED
from controller.runner.backoff import Pauses
from controller.states import EventKind

logger = logging.getLogger(__name__)

FIRST_OUTAGE, LONGEST_OUTAGE = 1.0, 60.0
"""Seconds until an unreachable machine is tried again; doubled each time."""
LOGIN_LOOK_EVERY = 5.0
"""Maximum seconds between checks whether a user has logged in: these only ask the local `ssh`."""


class Outages:
    """Which workers of a runner cannot be reached.

    Parameters
    ----------
    queue
        Queue through which other processes learn of it.
    beside
        (worker) -> all workers on the same machine.
    """

    def __init__(self, queue: Queue, beside: Callable[[str], list[str]]) -> None:
        self._queue, self._beside = queue, beside
        self._pauses = Pauses(FIRST_OUTAGE, LONGEST_OUTAGE)
        self._told: dict[str, str] = {}

    def note(self, worker: str, error: HostUnavailableError) -> None:
        """Skip the workers of a machine for a while, longer each time."""
        names = self._beside(worker)
        needs_person = isinstance(error, AuthenticationRequiredError) and error.retry_in is None
        longest = LOGIN_LOOK_EVERY if needs_person else LONGEST_OUTAGE
        seconds = self._pauses.pause(names[0], at_least=error.retry_in or 0.0, longest=longest)
        retry_on = utc_now() + timedelta(seconds=seconds)
        for name in names:
            if self._told.get(name) != error.message:
                self._told[name] = error.message
                logger.warning("worker %s: %s; its jobs wait", name, error)
                if needs_person:
                    told = {"kind": EventKind.RUNNER.value, "name": LOGIN_NEEDED}
                    self._queue.events.write([{**told, "worker": name, "text": error.message}])
            outage = WorkerOutage(name, error.message, error.hint, retry_on, needs_person)
            note_outage(self._queue, outage)

    def end(self, worker: str) -> None:
        """Note that a machine answers."""
        names = self._beside(worker)
        self._pauses.end(names[0])
        told = [name for name in names if self._told.pop(name, None) is not None]
        if told:
            end_outages(self._queue, told)
            logger.warning("worker %s: its machine answers again", ", ".join(told))

    def forget(self, workers: list[str]) -> None:
        """Remove the records of an earlier runner about workers that have not been tried yet."""
        end_outages(self._queue, workers)

    def holds(self, worker: str) -> bool:
        """Whether a worker is being skipped now."""
        return self._pauses.holds(self._beside(worker)[0])

    def seconds_left(self) -> list[float]:
        """Return the seconds until each machine may be tried again."""
        return self._pauses.seconds_left()
