"""Asking the queues: one listing for all workers that share one, rarely when at rest."""

from __future__ import annotations

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from controller.errors import (
    HostUnavailableError,
    LockLostError,
    RemoteError,
    StorageUnavailableError,
)
from controller.runner.context import RunnerContext
from controller.runner.stages.poll import queue_update, waiting_update
from controller.runner.watch import ProcessWatcher
from controller.schedulers import QueuedJob, Submission
from controller.states import QUEUED_STATES
from controller.storage.base import UpdateOne, WriteOperation

logger = logging.getLogger(__name__)

POLL_FASTEST, POLL_GROWTH = 0.5, 1.3
"""Seconds between two listings of a queue other than the shell of this machine, where it holds one
job that has just been submitted, or where one has just ended; and the growth while nothing
happens, up to ``delay_check_run_status``."""
SECONDS_PER_JOB, POLL_SLOWEST_START = 0.05, 10.0
"""Seconds that each job in the queue adds to the shortest time between two listings, and the
longest that it becomes: what ends meanwhile is fetched together."""

_AT_ONCE = 32
"""Jobs whose changes are written together."""

Job = dict[str, Any]
Answer = dict[str, Any] | Exception


def shortest_pause(jobs: int) -> float:
    """Return the seconds between two listings of a queue with so many jobs while things move."""
    return min(POLL_FASTEST + SECONDS_PER_JOB * max(jobs - 1, 0), POLL_SLOWEST_START)


class Polling:
    """Asks the queues of workers what became of their jobs.

    Parameters
    ----------
    context
        Of the thread.
    watcher
        Told of the local processes that are to be watched; None where there are none.
    apply
        Writes what a queue answered about jobs; returns whether anything moved.
    clock
        Monotonic seconds.
    """

    def __init__(
        self,
        context: RunnerContext,
        watcher: ProcessWatcher | None,
        apply: Callable[[list[tuple[Job, Answer]]], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._context, self._watcher, self._apply, self._clock = context, watcher, apply, clock
        self._delay: dict[str, float] = {}
        self._next: dict[str, float] = {}

    def poll(self, workers: list[str], only: dict[str, Any]) -> bool:
        """Ask about the jobs of workers that match a query; returns whether anything moved."""
        moved, local = False, set[str]()
        for name, jobs in self._queued(workers, only).items():
            try:
                if self._context.outages.holds(name):
                    continue
                if self._context.queue(name).is_watched:
                    ids = ((j.get("remote") or {}).get("process_id") for j in jobs)
                    local |= {str(process_id) for process_id in ids if process_id}
                    moved = self._ask(name, jobs) or moved
                elif self._clock() >= self._next.get(name, 0.0):
                    moved = self._ask_in_time(name, jobs) or moved
            except (StorageUnavailableError, LockLostError):
                raise
            except Exception:
                logger.exception("worker %s: this failed, and is tried again", name)
        if self._watcher is not None:
            self._watcher.set(local)
        return moved

    def hurry(self, worker: str) -> None:
        """Say that a job was submitted: its queue is asked again soon."""
        name = self._context.queue_name(worker)
        self._delay.pop(name, None)
        self._next[name] = min(self._next.get(name, 0.0), self._clock() + POLL_FASTEST)

    def would_change(self, workers: list[str], only: dict[str, Any]) -> list[str]:
        """Ask the queues; return the db_ids of the jobs whose state `poll` would change."""
        return [
            job["db_id"]
            for name, jobs in self._queued(workers, only).items()
            for job, answer in self._answers(name, jobs)
            if not isinstance(answer, Exception)
        ]

    def seconds_left(self) -> list[float]:
        """Return the seconds until each queue is to be asked; negative where it is."""
        now = self._clock()
        return [at - now for at in self._next.values()]

    def _queued(self, workers: list[str], only: dict[str, Any]) -> dict[str, list[Job]]:
        """Return {first of the workers that share a queue: jobs there that are not locked}."""
        fields = ["db_id", "uuid", "index", "state", "worker", "remote", "run_dir"]
        query = {
            **only,
            "state": {"$in": [s.value for s in QUEUED_STATES]},
            "worker": {"$in": workers},
            "lock_id": None,
        }
        queues: dict[str, list[Job]] = defaultdict(list)
        for job in self._context.controller.queue.jobs.find(query, fields):
            queues[self._context.queue_name(job["worker"])].append(job)
        return queues

    def _ask_in_time(self, name: str, jobs: list[Job]) -> bool:
        """Ask a queue, and say when it is asked again."""
        shortest = shortest_pause(len(jobs))
        delay = max(self._delay.get(name, 0.0), shortest)
        changed = False
        try:
            changed = self._ask(name, jobs)
        finally:
            longest = max(self._context.project.runner.delay_check_run_status, shortest)
            delay = shortest if changed else min(delay * POLL_GROWTH, longest)
            self._delay[name], self._next[name] = delay, self._clock() + delay
        return changed

    def _ask(self, name: str, jobs: list[Job]) -> bool:
        changed, moved = list(self._answers(name, jobs)), False
        for first in range(0, len(changed), _AT_ONCE):
            moved = self._apply(changed[first : first + _AT_ONCE]) or moved
        return moved

    def _answers(self, name: str, jobs: list[Job]) -> Iterator[tuple[Job, Answer]]:
        """Ask a queue about its jobs; yields each that changes, with its update.

        A job that cannot be asked about, whatever the reason, comes with the error; the others
        are asked about without it.
        """
        try:
            asked = [Submission.of(job) for job in jobs]
            queue = self._context.queue(name)
            found = queue.confirm_ends(asked, queue.poll(asked))
            updates = [self._update(job, queued) for job, queued in zip(jobs, found)]
        except RemoteError as error:
            # Nothing is known about any job: none of them has failed.
            self._context.controller.queue.events.tally.error("queue")
            if isinstance(error, HostUnavailableError):
                self._context.outages.note(name, error)
            else:
                logger.warning("worker %s: %s", name, error)
            return
        except (StorageUnavailableError, LockLostError):
            raise
        except Exception as error:  # noqa: BLE001 (it is recorded with the job)
            if len(jobs) == 1:
                yield jobs[0], error
                return
            for some in (jobs[: len(jobs) // 2], jobs[len(jobs) // 2 :]):
                yield from self._answers(name, some)
            return
        self._context.outages.end(name)
        self._note_waiting(list(zip(jobs, found)))
        for job, update in zip(jobs, updates):
            if update is not None:
                yield job, update

    def _update(self, job: Job, queued: QueuedJob) -> dict[str, Any] | None:
        worker = self._context.worker(job["worker"])
        return queue_update(
            job, queued, local=worker.is_local, delay_download=worker.delay_download
        )

    def _note_waiting(self, answers: list[tuple[Job, QueuedJob]]) -> None:
        """Store why jobs wait, in one command; no job moves by that."""
        operations: list[WriteOperation] = []
        for job, queued in answers:
            if (new := waiting_update(job, queued)) is not None:
                query = {key: job[key] for key in ("uuid", "index", "state")}
                query["remote.process_id"] = job["remote"]["process_id"]
                operations.append(UpdateOne({**query, "lock_id": None}, {"$set": new}))
        if operations:
            self._context.controller.queue.jobs.bulk_write(operations, ordered=False)
