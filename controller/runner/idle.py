"""When an idle runner has to make a round: whether anything in the database waits for one.

A round asks about each step of each worker. A service that has nothing to do asks less: after any
change, whether a job, a lock or a clean-up is there that concerns it; where the database does not
tell of changes, each of these at its own pace.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

from controller.operations.pending_cleanup import any_entry
from controller.runner.context import RunnerContext
from controller.runner.rounds import CLEAN_UP_EVERY, RECOVER_EVERY, RunnerRoles
from controller.states import BATCH_STATES, QUEUED_STATES

LONGEST_IDLE = 30.0
"""Seconds between two rounds at most, whatever is found."""
_LOCKED = {"lock_id": {"$ne": None}}
_QUEUED = [state.value for state in QUEUED_STATES]
_ELSEWHERE = [state.value for state in (*QUEUED_STATES, *BATCH_STATES)]
"""Jobs in these states wait for a queue or a pilot, which is asked at times that are known."""


class Idle(Protocol):
    """Says when a thread that waits has to look at everything again."""

    def longest(self) -> float:
        """Return the seconds after which a round is due even if nothing changes."""

    def needs_round(self, *, changed: bool | None) -> bool:
        """Whether a round is due.

        Parameters
        ----------
        changed
            Whether the database has changed; None where it does not tell.
        """


class AnyChange:
    """Of a caller that wants a round after any change."""

    def longest(self) -> float:
        """Return the seconds between two looks for what no change tells of."""
        return RECOVER_EVERY

    def needs_round(self, *, changed: bool | None) -> bool:
        """Whether anything may have changed."""
        return changed is not False


@dataclass
class _Look:
    """One question.

    Attributes
    ----------
    collection
        ``"jobs"``, ``"flows"`` or ``"auxiliary"`` of the queue.
    query
        Returns what is looked for; None where that cannot be there.
    every
        Seconds between two looks where the database does not tell of changes.
    round_every
        Seconds between two rounds while something is found: it may need one without any change.
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
        Of the thread.
    states
        Values of the states that its steps end.
    workers
        Returns the names of those that it serves.
    clock
        Monotonic seconds.
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
        """Whether there is what any of these looks for, in one collection; one question."""
        queries = [query for look in looks if (query := look.query()) is not None]
        if not queries:
            return False
        collection = getattr(self._context.controller.queue, looks[0].collection)
        query = queries[0] if len(queries) == 1 else {"$or": queries}
        return collection.find_one(query, ["_id"]) is not None

    def _work(self) -> dict[str, Any] | None:
        """Look for a job that has a step before it that waits for no event."""
        # What waits for a machine that is away is tried again at a time that is known.
        workers = [name for name in self._workers() if not self._context.outages.holds(name)]
        return _in_states(self._states, workers)


class RunnerIdle(LaneIdle):
    """When the runner's own thread has to make a round.

    Parameters
    ----------
    context
        Of the thread.
    roles
        What of a runner's work is done.
    clock
        Monotonic seconds.
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
            # The holder of a lock may die, and a process here may end unseen: nothing tells of it.
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
