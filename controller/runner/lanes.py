"""A lane per machine: a thread that does all work on that machine, with its own connections.

If a lane hangs, nothing else is delayed. The runner's main thread claims, completes and recovers
jobs, which involves no other machine, and serves the shell of this one. Threads share the database
and a wake-up; each has its own hosts, queues and JobStores.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from controller.config.workers import WorkerBase, same_host
from controller.documents import utc_now
from controller.errors import LockLostError, StorageUnavailableError
from controller.leases import give_up_leases_of
from controller.runner.backoff import Pauses
from controller.runner.context import RunnerContext
from controller.runner.idle import Idle, LaneIdle
from controller.runner.roles import RunnerRoles
from controller.runner.rounds import Rounds
from controller.states import RESETTABLE_STATES

logger = logging.getLogger(__name__)

LOOK_EVERY = BLIND_LOOK_EVERY = 0.5
"""Seconds between two looks for a change, where the database tells cheaply, and elsewhere: for what
others do. Jobs that this runner claims wake the lane at once."""
STOP_GRACE = 3.0
"""Seconds that a lane gets to end its step, and again after its connections were closed."""
_FIRST_TROUBLE, _LONGEST_TROUBLE = 1.0, 30.0
"""Seconds to pause after a database failure or an unexpected error."""


def lane_groups(workers: Mapping[str, WorkerBase]) -> list[list[str]]:
    """Return the groups of workers that share a lane: one per machine, or per queue of this one.

    The shell of this machine has no lane: the runner's main thread serves it.
    """
    groups: list[list[str]] = []
    for name, worker in workers.items():
        if worker.is_local and worker.scheduler_type == "shell":
            continue
        for group in groups:
            known = workers[group[0]]
            one_queue = known.scheduler_type == worker.scheduler_type
            if same_host(known, worker) and (one_queue or not worker.is_local):
                group.append(name)
                break
        else:
            groups.append([name])
    return groups


class Lane:
    """The thread of one machine.

    Parameters
    ----------
    workers
        Names of the workers that it serves.
    context
        Context of this thread; only the controller and the project are shared.
    roles
        The tasks to do.
    is_stopping
        Returns whether to end after the current step.
    tell
        Called when something has changed.
    """

    def __init__(
        self,
        workers: list[str],
        context: RunnerContext,
        roles: RunnerRoles,
        is_stopping: Callable[[], bool],
        tell: Callable[[], None],
    ) -> None:
        self.workers = workers
        self._context, self._roles = context, roles
        self._stopped = threading.Event()
        self._runner_is_stopping = is_stopping
        self._tell, self._event = tell, threading.Event()
        self._rounds = Rounds(context, None, self._is_stopping)
        self._idle: Idle = LaneIdle(context, roles.on_hosts.ends, lambda: workers)
        self._trouble = Pauses(_FIRST_TROUBLE, _LONGEST_TROUBLE)
        self._token: object | None = None
        self._thread = threading.Thread(
            target=self._run, name=f"jfr-lane-{workers[0]}", daemon=True
        )

    def _is_stopping(self) -> bool:
        return self._runner_is_stopping() or self._stopped.is_set()

    def start(self) -> None:
        """Start working."""
        self._thread.start()

    def wake(self) -> None:
        """End the current or the next wait at once."""
        self._event.set()

    def stop(self) -> None:
        """Ask the lane to end."""
        self._stopped.set()
        self.wake()

    def join(self, seconds: float) -> bool:
        """Wait for the lane to end; return whether it has ended."""
        self._thread.join(max(0.0, seconds))
        return not self._thread.is_alive()

    def cut(self) -> None:
        """Close the connections of a lane that does not end, so that its blocking calls fail."""
        self._context.connections.cut()

    def abandon(self) -> None:
        """Abandon a lane that hangs: other processes take over its locks."""
        give_up_leases_of(self._thread.ident)
        logger.warning(
            "worker %s: its thread hangs and was abandoned; its locks will be taken over",
            ", ".join(self.workers),
        )

    def _run(self) -> None:
        try:
            with suppress(StorageUnavailableError):
                self._context.outages.forget(self.workers)
            while not self._is_stopping():
                if self._trouble.holds("") or not self._turn():
                    self._wait()
                else:
                    self._tell()
        finally:
            with suppress(Exception):  # connections may have been cut
                self._context.connections.close()

    def _turn(self) -> bool:
        """Do one round; return whether anything changed."""
        try:
            moved = self._rounds.advance_hosts(self._roles)
        except LockLostError as error:
            logger.warning("%s", error)
            return True
        except StorageUnavailableError:
            self._trouble.pause("")  # the runner's main thread logs this
            return False
        except Exception:
            self._trouble.pause("")
            logger.exception("worker %s: a round failed", ", ".join(self.workers))
            return False
        self._trouble.end("")
        return moved

    def _wait(self) -> None:
        """Wait until something may have happened."""
        try:
            end = time.monotonic() + self._longest_wait()
            while not self._is_stopping() and (left := end - time.monotonic()) > 0:
                token = self._context.controller.queue.database.change_token()
                known, self._token = self._token, token
                look = LOOK_EVERY if token is not None else BLIND_LOOK_EVERY
                if token != known and self._idle.needs_round(changed=True):
                    return
                if self._event.wait(min(look, left)):
                    self._event.clear()
                    return
                if token is None and self._idle.needs_round(changed=None):
                    return
        except StorageUnavailableError:
            self._event.wait(random.uniform(0.5, 1.0))

    def _longest_wait(self) -> float:
        if self._trouble.holds(""):
            return max(self._trouble.seconds_left(), default=_FIRST_TROUBLE)
        options = self._context.project.runner
        due = self._rounds.seconds_until_due()
        query = {
            "state": {"$in": [s.value for s in RESETTABLE_STATES]},
            "worker": {"$in": self.workers},
            "remote.retry_time_limit": {"$gt": utc_now()},
        }
        path = "remote.retry_time_limit"
        jobs = self._context.controller.queue.jobs
        for doc in jobs.find(query, [path], sort=[(path, 1)], limit=1):
            due.append((doc["remote"]["retry_time_limit"] - utc_now()).total_seconds())
        longest = min(options.delay_advance_status, self._idle.longest())
        return max(0.02, min([longest, *(d for d in due if d > 0)]))


class Lanes:
    """The lanes of a runner.

    Parameters
    ----------
    context
        Context of the runner's main thread.
    is_stopping
        Returns whether the runner is ending.
    tell
        Called, in any thread, when something has changed in a lane.
    """

    def __init__(
        self, context: RunnerContext, is_stopping: Callable[[], bool], tell: Callable[[], None]
    ) -> None:
        self._context, self._is_stopping, self._tell = context, is_stopping, tell
        self._lanes: list[Lane] = []

    @contextmanager
    def at_work(self, roles: RunnerRoles) -> Iterator[None]:
        """Start the lanes for the duration of the block; the caller does the rest of the work."""
        usable = self._context.usable_workers()
        if roles.transfer or roles.queue:
            workers = {name: self._context.project.workers[name] for name in usable}
            self._lanes = [self._lane(group, roles) for group in lane_groups(workers)]
        taken = {name for lane in self._lanes for name in lane.workers}
        self._context.connections.leave_to_others(taken)
        try:
            for lane in self._lanes:
                lane.start()
            yield
        finally:
            self._end()
            self._context.connections.leave_to_others(())

    def _lane(self, workers: list[str], roles: RunnerRoles) -> Lane:
        others = set(self._context.project.workers) - set(workers)
        context = self._context.for_lane(others)
        return Lane(workers, context, roles, self._is_stopping, self._tell)

    def wake(self, worker: str | None = None) -> None:
        """Tell the lane of a worker, if any, that there is work; None means all lanes."""
        for lane in self._lanes:
            if worker is None or worker in lane.workers:
                lane.wake()

    def _end(self) -> None:
        lanes, self._lanes = self._lanes, []
        for lane in lanes:
            lane.stop()
        left = _joined(lanes)
        cutters = [threading.Thread(target=lane.cut, daemon=True) for lane in left]
        for cutter in cutters:  # closing a hanging connection may itself hang
            cutter.start()
        for lane in _joined(left):
            lane.abandon()


def _joined(lanes: list[Lane]) -> list[Lane]:
    """Wait for lanes for a while; return those that have not ended."""
    deadline = time.monotonic() + STOP_GRACE
    return [lane for lane in lanes if not lane.join(deadline - time.monotonic())]
