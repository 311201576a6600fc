"""Run the suitable jobs of a pilot in warm processes, and the others in new ones.

A job is suitable if its file in the pool says so: its runner knows that it needs nothing but
jobflow. If warm processes cannot be started or have died, such a job runs like any other.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from controller.execution.pilot_runs import ColdRuns
from controller.execution.pool import EventKind, PoolError, PoolEvent, PoolSettings, WarmPool
from controller.execution.warm import IS_STOPPED, IS_WITHDRAWN, OTHER_ATTEMPT
from controller.identity import start_time
from controller.rules.pool_files import Entry
from controller.schedulers.start import STARTED, parse_start

_ORPHAN_POLL = 0.2
"""Seconds between checks of jobs whose pool has died."""
_END_GRACE = 6.0
"""Seconds that jobs get to end together with their pilot."""
_FAILED_START = 127
_ENDS_BY_ITSELF = (OTHER_ATTEMPT, IS_WITHDRAWN, IS_STOPPED)
"""Reasons for refusing a job that must not be started as a script either: it would end at once."""


@dataclass(frozen=True)
class _Given:
    run_dir: Path
    entry: Entry


@dataclass(frozen=True)
class _Orphan:
    """The process of a job that continues without its pool; it leads a process group."""

    pid: int
    start_time: str

    @property
    def is_alive(self) -> bool:
        return bool(self.start_time) and start_time(self.pid) == self.start_time

    def end(self, *, force: bool) -> None:
        if self.is_alive:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL if force else signal.SIGTERM)


class PilotRuns:
    """See `controller.execution.pilot_runs.Runs`.

    Parameters
    ----------
    slots
        Maximum number of jobs at the same time.
    pool
        Pool for warm jobs; None means a separate one, started with the first warm job.
    """

    def __init__(self, slots: int, pool: WarmPool | None = None) -> None:
        self._cold = ColdRuns()
        # Its jobs end with the pilot, even if that is killed: the runner restarts them elsewhere.
        self._pool = pool or WarmPool(PoolSettings(processes=slots, jobs_outlive=False))
        self._is_usable = True
        self._warm: dict[str, _Given] = {}
        self._orphans: dict[str, _Orphan] = {}
        self._ended: dict[str, int] = {}

    def start(self, claim: str, run_dir: Path, entry: Entry) -> None:
        """See `Runs`."""
        # The pool knows jobs by their folders, where an earlier attempt may not have ended yet.
        is_free = all(given.run_dir != run_dir for given in self._warm.values())
        if entry.warm and self._is_usable and is_free:
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
        for claim, orphan in list(self._orphans.items()):
            if not orphan.is_alive:
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
        elif event.kind is EventKind.REFUSED and event.reason in _ENDS_BY_ITSELF:
            self._ended[claim] = 0
        elif not self._has_begun(claim, given):
            # A lost job gets another pool. A job that warm processes cannot start may start in a
            # new one.
            begin = self.start if event.kind is EventKind.LOST else self._cold.start
            self._try(begin, claim, given)

    def _has_begun(self, claim: str, given: _Given) -> bool:
        """Whether a job has started without a report of that; its end is then awaited."""
        try:
            start = parse_start((given.run_dir / STARTED).read_text(errors="replace"))
        except OSError:
            return False
        if start is None:
            return False
        if start.process_id == claim and start.pid.isdigit():
            self._orphans[claim] = _Orphan(int(start.pid), start.start_time)
        else:
            self._ended[claim] = 0  # another pilot started it: this one finds out
        return True

    def _try(self, begin: Callable[..., None], claim: str, given: _Given) -> None:
        try:
            begin(claim, given.run_dir, given.entry)
        except OSError:
            self._ended[claim] = _FAILED_START

    def _give_up(self) -> None:
        """Use no warm processes from now on."""
        self._is_usable = False
        given, self._warm = self._warm, {}
        for claim, each in given.items():
            if not self._has_begun(claim, each):
                self._try(self._cold.start, claim, each)

    def stop(self, claim: str, *, force: bool) -> None:
        """See `Runs`; a warm job is asked to end, and killed soon after if it has not."""
        if claim in self._warm:
            self._pool.stop(self._warm[claim].run_dir)
        elif claim in self._orphans:
            self._orphans[claim].end(force=force)
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
        for claim in [*self._warm, *self._orphans]:
            self.stop(claim, force=claim in self._orphans)
        end = time.monotonic() + _END_GRACE
        self._is_usable = False  # jobs that are lost now are not started again
        with suppress(PoolError):
            while self._warm and time.monotonic() < end:
                for event in self._pool.events(0.1):
                    if event.kind is not EventKind.STARTED:
                        over = [c for c, g in self._warm.items() if g.run_dir == event.run_dir]
                        for claim in over:
                            del self._warm[claim]
        self._pool.close()
        self._cold.close()
