"""Poll the queues: one listing for all workers that share a queue, and rarely when idle."""

from __future__ import annotations

import json
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from controller.documents import scheduler_of
from controller.errors import (
    HostUnavailableError,
    LockLostError,
    RemoteError,
    StorageUnavailableError,
)
from controller.runner.context import RunnerContext
from controller.runner.stages.poll import queue_update, waiting_update
from controller.runner.watch import ProcessWatcher
from controller.schedulers import Queue, QueuedJob, Submission
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
"""Maximum number of jobs whose changes are written together."""

Job = dict[str, Any]
Answer = dict[str, Any] | Exception


class _QueueKey(NamedTuple):
    """A queue: the first of the workers that share it, and their ``scheduler_type`` as JSON."""

    worker: str
    scheduler: str


def shortest_pause(jobs: int) -> float:
    """Return the seconds between two listings of a busy queue with a given number of jobs."""
    return min(POLL_FASTEST + SECONDS_PER_JOB * max(jobs - 1, 0), POLL_SLOWEST_START)


class Polling:
    """Polls the queues of workers about their jobs.

    Parameters
    ----------
    context
        Context of the thread.
    watcher
        Told which local processes to watch; None if there are none.
    apply
        Writes a queue's answers about jobs; returns whether anything changed.
    clock
        Returns monotonic seconds.
    told
        Returns the db_ids of jobs that need no polling: this process is told of their end.
    """

    def __init__(
        self,
        context: RunnerContext,
        watcher: ProcessWatcher | None,
        apply: Callable[[list[tuple[Job, Answer]]], bool],
        clock: Callable[[], float] = time.monotonic,
        told: Callable[[], set[str]] = set,
    ) -> None:
        self._told = told
        self._context, self._watcher, self._apply, self._clock = context, watcher, apply, clock
        self._delay: dict[_QueueKey, float] = {}
        self._next: dict[_QueueKey, float] = {}

    def poll(self, workers: list[str], only: dict[str, Any], *, at_once: bool = False) -> bool:
        """Poll for the jobs of workers that match a query; return whether anything changed.

        Parameters
        ----------
        at_once
            Ask also the queues that were asked a short while ago.
        """
        moved, local = False, set[str]()
        queued = self._queued(workers, only)
        for key in self._next.keys() - queued.keys():
            self._next.pop(key)  # it no longer holds any job: nothing is due there
        for key, jobs in queued.items():
            name = key.worker
            try:
                if self._context.outages.holds(name):
                    continue
                if self._watcher is not None and self._queue(key).is_watched:
                    ids = ((j.get("remote") or {}).get("process_id") for j in jobs)
                    local |= {str(process_id) for process_id in ids if process_id}
                    moved = self._ask(key, jobs) or moved
                elif at_once or self._clock() >= self._next.get(key, 0.0):
                    moved = self._ask_in_time(key, jobs) or moved
            except (StorageUnavailableError, LockLostError):
                raise
            except Exception:
                logger.exception("worker %s: polling its queue failed; will retry", name)
        if self._watcher is not None:
            self._watcher.set(local)
        return moved

    def hurry(self, worker: str) -> None:
        """Note that a job was submitted: its queue is polled again soon."""
        key = self._key(worker, None)
        self._delay.pop(key, None)
        self._next[key] = min(self._next.get(key, 0.0), self._clock() + POLL_FASTEST)

    def would_change(self, workers: list[str], only: dict[str, Any]) -> list[str]:
        """Poll the queues; return the db_ids of the jobs whose state `poll` would change."""
        return [
            job["db_id"]
            for key, jobs in self._queued(workers, only).items()
            for job, answer in self._answers(key, jobs)
            if not isinstance(answer, Exception)
        ]

    def seconds_left(self) -> list[float]:
        """Return the seconds until each queue is due for polling; negative if it is overdue."""
        now = self._clock()
        return [at - now for at in self._next.values()]

    def _key(self, worker: str, scheduler: Any) -> _QueueKey:
        """Return the key of a queue of a worker; None as scheduler means its current one."""
        kind = scheduler or self._context.worker(worker).scheduler_type
        name = self._context.queue_name(worker)
        return _QueueKey(name, json.dumps(kind, sort_keys=True, default=str))

    def _queue(self, key: _QueueKey) -> Queue:
        return self._context.queue(key.worker, json.loads(key.scheduler))

    def _queued(self, workers: list[str], only: dict[str, Any]) -> dict[_QueueKey, list[Job]]:
        """Return {queue: jobs there that are not locked}.

        A job is in the queue that it was submitted to, whatever the project file says since.
        """
        fields = ["db_id", "uuid", "index", "state", "worker", "remote", "run_dir"]
        query = {
            **only,
            "state": {"$in": [s.value for s in QUEUED_STATES]},
            "worker": {"$in": workers},
            "lock_id": None,
        }
        queues: dict[_QueueKey, list[Job]] = defaultdict(list)
        for job in self._context.controller.queue.jobs.find(query, fields):
            queues[self._key(job["worker"], scheduler_of(job.get("remote") or {}))].append(job)
        return queues

    def _ask_in_time(self, key: _QueueKey, jobs: list[Job]) -> bool:
        """Poll a queue, and set the time of the next poll."""
        shortest = shortest_pause(len(jobs))
        delay = max(self._delay.get(key, 0.0), shortest)
        changed = False
        try:
            changed = self._ask(key, jobs)
        finally:
            longest = max(self._context.project.runner.delay_check_run_status, shortest)
            delay = shortest if changed else min(delay * POLL_GROWTH, longest)
            self._delay[key], self._next[key] = delay, self._clock() + delay
        return changed

    def _ask(self, key: _QueueKey, jobs: list[Job]) -> bool:
        changed, moved = list(self._answers(key, jobs)), False
        for first in range(0, len(changed), _AT_ONCE):
            moved = self._apply(changed[first : first + _AT_ONCE]) or moved
        return moved

    def _answers(self, key: _QueueKey, jobs: list[Job]) -> Iterator[tuple[Job, Answer]]:
        """Poll a queue about its jobs; yield each job that changes, with its update.

        If the queue cannot be polled about a job, that job is yielded with the error, and the
        others are polled without it.
        """
        name = key.worker
        try:
            asked = [Submission.of(job) for job in jobs]
            queue = self._queue(key)
            found = queue.confirm_ends(asked, queue.poll(asked))
            updates = [self._update(job, queued) for job, queued in zip(jobs, found)]
        except RemoteError as error:
            # Nothing is known about any of the jobs, so none of them has failed.
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
                yield from self._answers(key, some)
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
        """Store the reasons why jobs wait, in one command; no job changes its state."""
        operations: list[WriteOperation] = []
        for job, queued in answers:
            if (new := waiting_update(job, queued)) is not None:
                query = {key: job[key] for key in ("uuid", "index", "state")}
                query["remote.process_id"] = job["remote"]["process_id"]
                operations.append(UpdateOne({**query, "lock_id": None}, {"$set": new}))
        if operations:
            self._context.controller.queue.jobs.bulk_write(operations, ordered=False)
