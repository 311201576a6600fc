"""The warm processes of a runner: which jobs they run, and with which results.

A job of a warm worker is handed to a pool once its files have been written. It stays UPLOADED in
the database until it is known to be running or to have ended. If the runner dies in between, the
next one finds out from the run directory whether the job has started, as for any submission that
was not recorded. Jobs that need a separate environment are submitted as scripts, and so are jobs
that have to be examined first.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.documents import utc_now
from controller.execution.pool import EventKind, PoolError, PoolEvent, WarmPool
from controller.execution.worker_pools import most_processes, pool_of
from controller.identity import this_process
from controller.runner.context import RunnerContext
from controller.runner.stages.submit import attempt_token, execution_config
from controller.schedulers.resources import stored_resources
from controller.states import JobState

logger = logging.getLogger(__name__)

TELL_AFTER = 0.25
"""Seconds after which a job is recorded as RUNNING; a job that ends earlier never is."""
_AGAIN = 0.05
AHEAD_SECONDS = 0.8
"""A pool gets as many jobs, besides the running ones, as it probably finishes in this time (s)."""
MOST_AHEAD = 96
IN_HAND_SECONDS = 0.15
TOGETHER_WITHIN = 0.45
"""While a pool has jobs in hand for so long, ends of its jobs are recorded together, and the first
of them after so many seconds."""
_MEMORY = 8
"""Number of latest jobs over which the mean duration is taken."""
_BROKEN_FOR = 60.0
"""Seconds for which a worker is used without its pool if that fails to start."""

Job = dict[str, Any]


@dataclass
class HandedJob:
    """A job that was handed to a pool.

    Attributes
    ----------
    doc
        Its document when it was handed over, without its body.
    token
        Token of the attempt.
    event
        The latest event of the job; None if there is none.
    since
        Monotonic time of the event.
    is_recorded
        Whether the event is recorded in the database.
    not_before
        Monotonic time before which its end must not be recorded: another process has locked it.
    """

    doc: Job
    token: str
    event: PoolEvent | None = None
    since: float = 0.0
    started_on: Any = None
    is_recorded: bool = False
    not_before: float = 0.0

    @property
    def has_ended(self) -> bool:
        """Whether it ran and has ended."""
        return self.event is not None and self.event.kind is EventKind.ENDED

    def is_due(self, now: float) -> bool:
        """Whether there is something to record."""
        if self.event is None:
            return False
        if self.has_ended:
            return now >= self.not_before
        return not self.is_recorded and now >= self.since + TELL_AFTER

    def fields(self) -> dict[str, Any]:
        """The fields to set on the job."""
        assert self.event is not None
        known = {key: value for key, value in this_process().items() if key != "start_time"}
        known.update(pid=str(self.event.pid), start_time=self.event.start_time, warm=self.token)
        found = {
            "remote.process_id": str(self.event.pid),
            "remote.process": known,
            "remote.queue_reason": None,
        }
        if self.has_ended:
            return {**found, "state": JobState.DOWNLOADED.value, "remote.queue_state": None}
        return {
            **found,
            "state": JobState.RUNNING.value,
            "start_time": self.started_on,
            "end_time": None,
            "remote.queue_state": "RUNNING",
        }


@dataclass
class _Worker:
    pool: WarmPool
    durations: deque[float] = field(default_factory=lambda: deque(maxlen=_MEMORY))
    processes: int = 1

    @property
    def mean(self) -> float:
        """Mean duration of its latest jobs in seconds; 0 if none has ended."""
        return sum(self.durations) / len(self.durations) if self.durations else 0.0


class WarmPools:
    """Hands jobs to the pools of warm workers, and returns what has to be recorded.

    Parameters
    ----------
    context
        The context of the thread that serves this machine.
    """

    def __init__(self, context: RunnerContext) -> None:
        self._context = context
        self._workers: dict[str, _Worker] = {}
        self._broken: dict[str, float] = {}
        self._jobs: dict[str, HandedJob] = {}
        self._cold: dict[str, str] = {}
        self._started: dict[str, WarmPool] = {}

    def adopt(self, pools: Mapping[str, WarmPool]) -> None:
        """Use pools that were started before, as {name of a worker: its pool}."""
        self._started.update(pools)

    def serves(self, worker: str) -> bool:
        """Whether jobs of a worker can currently run in warm processes."""
        if self._context.worker(worker).warm_config is None:
            return False
        return time.monotonic() >= self._broken.get(worker, 0.0)

    def begin(self, workers: Iterable[str]) -> None:
        """Start the pools of workers, so that they are ready for the first job."""
        for name in workers:
            if self.serves(name):
                self._pool(name)

    def takes(self, job: Job) -> bool:
        """Whether a job needs nothing but jobflow, and does not have to be examined first."""
        if self._cold.get(job["db_id"]) == attempt_token(job) or not attempt_token(job):
            return False
        worker = self._context.worker(job["worker"])
        if stored_resources(job.get("resources") or worker.resources or {}):
            return False
        try:
            config = execution_config(self._context, job.get("exec_config"))
        except Exception:  # noqa: BLE001 (the submission as a script says so)
            return False
        return not (config.pre_run or config.post_run or config.modules or config.export)

    @property
    def handed(self) -> list[Any]:
        """``_id`` of the jobs that were handed to pools."""
        return [job.doc["_id"] for job in self._jobs.values()]

    def recorded_ids(self) -> set[str]:
        """db_ids of the jobs that are recorded as RUNNING and whose end a pool will report."""
        return {job.doc["db_id"] for job in self._jobs.values() if job.is_recorded}

    def ahead(self, worker: str) -> int:
        """How many jobs beyond ``max_jobs`` a worker may have claimed: more if jobs are short."""
        known = self._workers.get(worker)
        if known is None or not known.durations:
            return 0
        return int(min(known.processes * AHEAD_SECONDS / max(known.mean, 0.001), MOST_AHEAD))

    def hand_over(self, jobs: Iterable[Job], limits: Mapping[str, int]) -> bool:
        """Let pools run jobs; return whether there were any.

        Parameters
        ----------
        limits
            {worker: jobs that may run at once in its pool}.
        """
        any_given = False
        for job in jobs:
            run_dir = job["run_dir"]
            pool = self._pool(job["worker"], limits.get(job["worker"]))
            if pool is None:
                continue
            self._jobs[run_dir] = HandedJob(job, attempt_token(job))
            self._context.touched.add(job["db_id"])
            try:
                pool.submit(run_dir, attempt_token(job))
            except PoolError as error:
                self._is_broken(job["worker"], error)
                del self._jobs[run_dir]
                continue
            any_given = True
        return any_given

    def files(self) -> list[int]:
        """Open files that become readable when a pool has sent a message."""
        return [number for known in self._workers.values() for number in known.pool.files()]

    def look(self) -> list[HandedJob]:
        """Read the messages of pools; return the jobs for which something has to be recorded."""
        for name, known in list(self._workers.items()):
            try:
                events = known.pool.events()
            except PoolError as error:
                self._is_broken(name, error)
                continue
            for event in events:
                self._heed(name, known, event)
        now = time.monotonic()
        due = [job for job in self._jobs.values() if job.is_due(now)]
        ends = {job.doc["worker"] for job in due if job.has_ended}
        waiting = {name for name in ends if self._have_time(name, now)}
        return [job for job in due if not (job.has_ended and job.doc["worker"] in waiting)]

    def _have_time(self, worker: str, now: float) -> bool:
        """Whether ends of a worker's jobs can wait for others, to be recorded together.

        They can while its processes have jobs in hand: a child could not start before those.
        """
        jobs = [job for job in self._jobs.values() if job.doc["worker"] == worker]
        left = sum(job.event is None for job in jobs)
        known = self._workers.get(worker)
        if known is None or known.processes * IN_HAND_SECONDS > left * known.mean:
            return False
        return now < min(job.since for job in jobs if job.has_ended) + TOGETHER_WITHIN

    def seconds_left(self) -> list[float]:
        """Seconds until a running job has to be recorded as RUNNING."""
        now = time.monotonic()
        return [
            max(job.since + TOGETHER_WITHIN, job.not_before) - now
            if job.has_ended
            else job.since + TELL_AFTER - now
            for job in self._jobs.values()
            if job.event is not None and (job.has_ended or not job.is_recorded)
        ]

    def note_refused(self, job: HandedJob) -> None:
        """Note that the end of a job could not be recorded: this is retried soon."""
        job.not_before = time.monotonic() + _AGAIN

    def note_recorded(self, job: HandedJob) -> None:
        """Note that the latest event of a job is in the database."""
        if job.has_ended:
            self.forget(job)
        else:
            job.is_recorded = True

    def forget(self, job: HandedJob) -> None:
        """Note that a job now belongs to another process, or is gone."""
        if self._jobs.get(job.doc["run_dir"]) is job:
            del self._jobs[job.doc["run_dir"]]

    def close(self) -> None:
        """End the pools; running jobs continue, and the next runner finds them."""
        for pool in (*self._started.values(), *(known.pool for known in self._workers.values())):
            pool.close()
        self._started.clear()
        self._workers.clear()
        self._jobs.clear()

    def _heed(self, name: str, known: _Worker, event: PoolEvent) -> None:
        job = self._jobs.get(str(event.run_dir))
        if job is None:
            return
        match event.kind:
            case EventKind.STARTED:
                job.event, job.since, job.started_on = event, time.monotonic(), utc_now()
            case EventKind.ENDED:
                start = job.event.start_time if job.event else ""
                job.event = PoolEvent(event.kind, event.run_dir, event.pid, start, event.status)
                job.since = time.monotonic()
                if event.seconds is not None:
                    known.durations.append(event.seconds)
            case EventKind.REFUSED:
                logger.info("job %s: not started warm: %s", job.doc["db_id"], event.reason)
                self._cold[job.doc["db_id"]] = job.token
                self.forget(job)
            case EventKind.LOST:
                logger.warning("worker %s: its warm processes have ended: %s", name, event.reason)
                self.forget(job)  # it is handed over again
            case EventKind.ORPHANED:
                # From now on, the process itself is watched.
                self._cold[job.doc["db_id"]] = job.token
                self.forget(job)

    def _pool(self, name: str, processes: int | None = None) -> WarmPool | None:
        if not self.serves(name):
            return None
        worker = self._context.worker(name)
        most = most_processes(worker)
        most = min(most, processes) if processes is not None else most
        known = self._workers.get(name)
        if known is None:
            pool = self._started.pop(name, None) or pool_of(worker, most)
            known = self._workers[name] = _Worker(pool)
            try:
                known.pool.start()
            except PoolError as error:
                self._is_broken(name, error)
                return None
        known.processes = most
        known.pool.resize(most)
        return known.pool

    def _is_broken(self, name: str, error: PoolError) -> None:
        """Do without a pool for a while: jobs are submitted as scripts instead."""
        logger.warning(
            "worker %s: %s; its jobs run without warm processes for a while", name, error
        )
        self._broken[name] = time.monotonic() + _BROKEN_FOR
        known = self._workers.pop(name, None)
        if known is not None:
            known.pool.close()
        for job in [job for job in self._jobs.values() if job.doc["worker"] == name]:
            self._cold[job.doc["db_id"]] = job.token
            self.forget(job)


def remote_part(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that dotted paths set in the sub-document ``remote``."""
    start = "remote."
    return {n.removeprefix(start): value for n, value in fields.items() if n.startswith(start)}
