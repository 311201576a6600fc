"""The jobs of a pilot in warm processes, as far as they may run there; the others in new ones.

A job may that says so in its file of the pool: its runner knows that it needs nothing but jobflow.
Without warm processes (they cannot be started, or have died) such a job runs as any other.
"""

from __future__ import annotations

import select
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from controller.execution.pilot_runs import ColdRuns
from controller.execution.pool import EventKind, PoolError, PoolEvent, PoolSettings, WarmPool
from controller.execution.warm import IS_STARTED, IS_WITHDRAWN, OTHER_ATTEMPT
from controller.identity import start_time
from controller.rules.pool_files import Entry

_ORPHAN_POLL = 0.2
"""Seconds between looks at jobs whose pool has died."""
_END_GRACE = 6.0
"""Seconds that jobs have to end with their pilot."""
_FAILED_START = 127


@dataclass(frozen=True)
class _Given:
    run_dir: Path
    entry: Entry


class PilotRuns:
    """See `controller.execution.pilot_runs.Runs`.

    Parameters
    ----------
    slots
        Jobs at once.
    pool
        Where warm jobs run; None for one of its own, started when there is one.
    """

    def __init__(self, slots: int, pool: WarmPool | None = None) -> None:
        self._cold = ColdRuns()
        self._pool = pool or WarmPool(PoolSettings(processes=slots))
        self._is_usable = True
        self._warm: dict[str, _Given] = {}
        self._orphans: dict[str, PoolEvent] = {}
        self._ended: dict[str, int] = {}

    def start(self, claim: str, run_dir: Path, entry: Entry) -> None:
        """See `Runs`."""
        if entry.warm and self._is_usable:
            try:
                self._pool.submit(run_dir, entry.token, claim)
            except PoolError:
                self._give_up()
            else:
                self._warm[claim] = _Given(run_dir, entry)
                return
        self._cold.start(claim, run_dir, entry)

    def ended(self) -> dict[str, int]:
        """See `Runs`."""
        if self._warm:
            try:
                events = self._pool.events()
            except PoolError:
                self._give_up()
                events = []
            claims = {str(given.run_dir): claim for claim, given in self._warm.items()}
            for event in events:
                if (claim := claims.get(str(event.run_dir))) is not None:
                    self._heed(claim, event)
        for claim, event in list(self._orphans.items()):
            if event.pid is None or start_time(event.pid) != event.start_time:
                del self._orphans[claim]
                self._ended[claim] = 0
        found, self._ended = {**self._ended, **self._cold.ended()}, {}
        return found

    def _heed(self, claim: str, event: PoolEvent) -> None:
        if event.kind is EventKind.STARTED:
            return
        given = self._warm.pop(claim)
        if event.kind is EventKind.ENDED:
            self._ended[claim] = event.status or 0
        elif event.kind is EventKind.ORPHANED:
            self._orphans[claim] = event
        elif event.reason in (IS_STARTED, OTHER_ATTEMPT, IS_WITHDRAWN):
            self._ended[claim] = 0  # its script would have ended at once, too
        else:
            self._start_cold(claim, given)

    def _start_cold(self, claim: str, given: _Given) -> None:
        try:
            self._cold.start(claim, given.run_dir, given.entry)
        except OSError:
            self._ended[claim] = _FAILED_START

    def _give_up(self) -> None:
        """Do without warm processes from now on."""
        self._is_usable = False
        given, self._warm = self._warm, {}
        for claim, each in given.items():
            self._start_cold(claim, each)  # it ends at once if it was started

    def stop(self, claim: str, *, force: bool) -> None:
        """See `Runs`; a warm job is asked to end, and ended soon after that in any case."""
        if claim in self._warm:
            self._pool.stop(self._warm[claim].run_dir)
        else:
            self._cold.stop(claim, force=force)

    def wait(self, seconds: float, wake: int) -> None:
        """See `Runs`."""
        if self._ended:
            return
        also = self._pool.files() if self._warm else []
        self._cold.wait(min(seconds, _ORPHAN_POLL) if self._orphans else seconds, wake, also)

    def close(self) -> None:
        """See `Runs`."""
        for claim in list(self._warm):
            self.stop(claim, force=False)
        end = time.monotonic() + _END_GRACE
        with suppress(PoolError):
            while self._warm and time.monotonic() < end:
                self.ended()
                select.select(self._pool.files(), [], [], 0.1)
        self._pool.close()
        self._cold.close()
