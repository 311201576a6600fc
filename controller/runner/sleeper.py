"""How long a runner sleeps between two rounds, and what wakes it up."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from controller.documents import utc_now
from controller.errors import StorageUnavailableError
from controller.runner.context import RunnerContext
from controller.runner.database_outage import DatabaseOutage
from controller.runner.idle import AnyChange, Idle
from controller.runner.rounds import Rounds
from controller.runner.watch import ProcessWatcher
from controller.states import RESETTABLE_STATES

LOOK_EVERY = 0.25
"""Seconds between two checks for a change if the database reports changes cheaply."""
BLIND_LOOK_EVERY = 0.5
"""The same if only a query can tell."""
TIDY_AFTER = 1.0
"""Seconds without work after which an idle runner tidies up."""


class Sleeper:
    """Lets a runner sleep until something may have happened, or the database may be back.

    Parameters
    ----------
    context, watcher, rounds
        The parts of the runner.
    outage
        Whether the database is unreachable.
    is_over
        Whether the runner has something else to do than to sleep: to stop, or to reload.
    do_what_is_due
        The periodic tasks of the runner, which go on while it sleeps.
    tidy
        Called while there is nothing else to do, for work that can wait.
    wake_lanes
        Wakes up the threads that serve one machine each.
    """

    def __init__(
        self,
        context: RunnerContext,
        watcher: ProcessWatcher,
        rounds: Rounds,
        outage: DatabaseOutage,
        *,
        is_over: Callable[[], bool],
        do_what_is_due: Callable[[], None],
        tidy: Callable[[], None],
        wake_lanes: Callable[[], None],
    ) -> None:
        self._context, self._watcher, self._rounds = context, watcher, rounds
        self._is_over, self._do_what_is_due = is_over, do_what_is_due
        self._tidy, self._wake_lanes, self._outage = tidy, wake_lanes, outage
        self._token: object | None = None

    def sleep(self, deadline: float | None = None, idle: Idle | None = None) -> None:
        """Wait until something may have happened, or until a time of the monotonic clock.

        Parameters
        ----------
        idle
            Decides which changes need a round; None means every change does.
        """
        longest = float("inf") if deadline is None else max(0.0, deadline - time.monotonic())
        if self._outage.is_present:
            self._watcher.wait(min(self._outage.wait(), longest))
            return
        idle = idle or AnyChange()
        with suppress(StorageUnavailableError):  # the next round will notice, and wait for it
            self._sleep_until_a_change(min(self._longest_sleep(idle.longest()), longest), idle)

    def _sleep_until_a_change(self, seconds: float, idle: Idle) -> None:
        end, quiet = time.monotonic() + seconds, time.monotonic() + TIDY_AFTER
        while not self._is_over() and (left := end - time.monotonic()) > 0:
            self._do_what_is_due()
            if time.monotonic() > quiet:
                self._tidy()
            token = self._context.controller.queue.database.change_token()
            known, self._token = self._token, token
            if token != known and idle.needs_round(changed=True):
                return
            look = LOOK_EVERY if token is not None else BLIND_LOOK_EVERY
            if self._watcher.wait(min(look, left)):
                if not self._watcher.only_heard or self._rounds.has_news():
                    return
                # Jobs have started, which is recorded if they run for a while.
                soon = [seconds for seconds in self._rounds.seconds_until_due() if seconds > 0]
                end = min([end, *(time.monotonic() + seconds for seconds in soon)])
            elif token is None and idle.needs_round(changed=None):
                self._wake_lanes()  # they check less often
                return

    def _longest_sleep(self, longest: float) -> float:
        """Seconds until the next known time, at most the delays of the project."""
        options = self._context.project.runner
        longest = min(options.delay_checkout, options.delay_advance_status, longest)
        due = self._rounds.seconds_until_due()
        retry = self._next_retry()
        if retry is not None:
            due.append((retry - utc_now()).total_seconds())
        return float(max(0.02, min([longest, *(d for d in due if d > 0)])))

    def _next_retry(self) -> datetime | None:
        query = {
            "state": {"$in": [s.value for s in RESETTABLE_STATES]},
            "remote.retry_time_limit": {"$gt": utc_now()},
        }
        found = self._context.controller.queue.jobs.find(query, ["remote.retry_time_limit"])
        times = [d["remote"]["retry_time_limit"] for d in found]
        # READY jobs are not searched for waiting ones: there may be a million of them.
        planned = self._context.next_retry()
        return min(times if planned is None else [*times, planned], default=None)
