"""When an idle runner must do a round: whether anything in the database needs one.

A round queries each step of each worker. An idle service queries less: after each change, whether
there is a job, a lock or a clean-up that concerns it. If the database does not report changes, each
of these has its own interval.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from controller.operations.pending_cleanup import any_entry
from controller.runner.context import RunnerContext
from controller.runner.roles import RunnerRoles
from controller.runner.rounds import CLEAN_UP_EVERY, RECOVER_EVERY
from controller.states import BATCH_STATES, QUEUED_STATES

LONGEST_IDLE = 30.0
"""Maximum number of seconds between two rounds."""
_LOCKED = {"lock_id": {"$ne": None}}
_QUEUED = [state.value for state in QUEUED_STATES]
_ELSEWHERE = [state.value for state in (*QUEUED_STATES, *BATCH_STATES)]
"""Jobs in these states wait for a queue or a pilot, which are polled at known times."""


class Idle(Protocol):
    """Decides when a waiting thread must do a full round."""

    def longest(self) -> float:
        """Return the seconds after which a round is due even if nothing changes."""

    def needs_round(self, *, changed: bool | None) -> bool:
        """Whether a round is due.

        Parameters
        ----------
        changed
            Whether the database has changed; None if it does not report changes.
        """


class AnyChange:
    """For callers that need a round after every change."""

    def longest(self) -> float:
        """Return the seconds between two checks for events that the database does not report."""
        return RECOVER_EVERY

    def needs_round(self, *, changed: bool | None) -> bool:
        """Whether anything may have changed."""
        return changed is not False


@dataclass
class _Look:
    """One query.

    Attributes
    ----------
    collection
        ``"jobs"``, ``"flows"`` or ``"auxiliary"`` of the queue.
    query
        Returns the query; None if nothing can match.
    every
        Seconds between two queries if the database does not report changes.
    round_every
        Seconds between two rounds while something matches: it may need one without any change.
    """

    collection: str
    query: Callable[[], dict[str, Any] | None]
    every: float
    round_every: float
    next: float = field(default=0.0)


class LaneIdle:
    """When a thread that serves one machine has to make a round.

    Parameters
    ----------
    context
        The context of the thread.
    states
        Values of the states that its steps leave.
    workers
        Returns the names of the workers that it serves.
    clock
        Returns monotonic seconds.
    """

    def __init__(
        self,
        context: RunnerContext,
        states: Iterable[str],
        workers: Callable[[], list[str]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._context, self._workers, self._clock = context, workers, clock
        self._states = [state for state in states if state not in _ELSEWHERE]
        self._looks = [
            _Look("jobs", self._work, CLEAN_UP_EVERY, CLEAN_UP_EVERY),
            _Look("auxiliary", any_entry, CLEAN_UP_EVERY, CLEAN_UP_EVERY),
        ]

    def longest(self) -> float:
        """Return the seconds after which a round is due even if nothing changes."""
        found = (look.round_every for look in self._looks if self._finds([look]))
        return min(found, default=LONGEST_IDLE)

    def needs_round(self, *, changed: bool | None) -> bool:
        """Whether a round is due; see `Idle`."""
        if changed is False:
            return False
        now = self._clock()
        due = [look for look in self._looks if changed or now >= look.next]
        for look in due:
            look.next = now + look.every
        if self._context.to_fetch:
            return True
        if changed:  # the engine that tells of changes answers each at once, and both slowly
            return any(self._finds([look]) for look in due)
        collections = {look.collection: None for look in due}
        return any(self._finds([e for e in due if e.collection == name]) for name in collections)

    def _finds(self, looks: list[_Look]) -> bool:
        """Whether any of these queries matches, in one collection; one query in all."""
        queries = [query for look in looks if (query := look.query()) is not None]
        if not queries:
            return False
        collection = getattr(self._context.controller.queue, looks[0].collection)
        query = queries[0] if len(queries) == 1 else {"$or": queries}
        return collection.find_one(query, ["_id"]) is not None

    def _work(self) -> dict[str, Any] | None:
        """Look for a job whose next step waits for no event."""
        # Jobs that wait for an unreachable machine are retried at a known time.
        workers = [name for name in self._workers() if not self._context.outages.holds(name)]
        return _in_states(self._states, workers)


class RunnerIdle(LaneIdle):
    """Decides when the runner's main thread must do a round.

    Parameters
    ----------
    context
        The context of the thread.
    roles
        The tasks to do.
    clock
        Returns monotonic seconds.
    """

    def __init__(
        self,
        context: RunnerContext,
        roles: RunnerRoles,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(context, roles.ends, context.usable_workers, clock)
        self._looks = [
            _Look("jobs", self._work, 0.0, RECOVER_EVERY),
            # The holder of a lock may die, and a process here may end unseen: nothing reports that.
            _Look("jobs", lambda: _LOCKED, RECOVER_EVERY, RECOVER_EVERY),
            _Look("jobs", self._processes, RECOVER_EVERY, RECOVER_EVERY),
            _Look("flows", lambda: _LOCKED, RECOVER_EVERY, RECOVER_EVERY),
            _Look("auxiliary", any_entry, CLEAN_UP_EVERY, CLEAN_UP_EVERY),
        ]

    def _processes(self) -> dict[str, Any] | None:
        """Look for a job that runs in the shell of this machine."""
        near = [name for name in self._workers() if self._context.is_near(name)]
        return _in_states(_QUEUED, near)


def _in_states(states: list[str], workers: list[str]) -> dict[str, Any] | None:
    if not states or not workers:
        return None
    return {"state": {"$in": states}, "worker": {"$in": workers}}
