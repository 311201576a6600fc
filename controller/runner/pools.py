"""The warm processes of a runner: which jobs they run, and what becomes of those.

A job of a warm worker is handed to a pool when its files are there. It stays UPLOADED in the
database until it is known to run, or has ended already: then that is recorded. If the runner dies
in between, the next one finds in the run directory whether the job began, as it does for any
submission that was not recorded. A job that needs an environment of its own is submitted as a
script, and so is one about which there is more to find out.
"""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.config.workers import WarmConfig
from controller.documents import utc_now
from controller.execution.pool import EventKind, PoolError, PoolEvent, PoolSettings, WarmPool
from controller.identity import this_process
from controller.runner.context import RunnerContext
from controller.runner.stages.submit import attempt_token, execution_config
from controller.schedulers.resources import stored_resources
from controller.states import JobState

logger = logging.getLogger(__name__)

TELL_AFTER = 0.25
"""Seconds after which a job that runs is recorded as RUNNING; one that ends before never is."""
_AGAIN = 0.05
AHEAD_SECONDS = 0.5
"""A pool has as many jobs in hand, beyond those that run, as it is likely to end in that time."""
MOST_AHEAD = 96
IN_HAND_SECONDS = 0.15
TOGETHER_WITHIN = 0.25
"""While a pool has jobs in hand for so long, ends of its jobs are recorded together, and the first
of them after so many seconds."""
_MEMORY = 8
"""Jobs by whose mean duration that is told."""
_BROKEN_FOR = 60.0
"""Seconds for which a worker is used without its pool when that does not start."""

Job = dict[str, Any]


@dataclass
class HandedJob:
    """A job that a pool has.

    Attributes
    ----------
    doc
        Its document when it was handed over, without its body.
    token
        Of the attempt.
    event
        What is known of it last; None if nothing.
    since
        Monotonic time of that.
    is_recorded
        Whether the database has it.
    not_before
        Monotonic time before which its end is not to be recorded: another process has locked it.
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
        """What to set of the job."""
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
    config: WarmConfig
    durations: deque[float] = field(default_factory=lambda: deque(maxlen=_MEMORY))
    processes: int = 1

    @property
    def mean(self) -> float:
        """Mean duration of its last jobs in seconds; 0 where none has ended."""
        return sum(self.durations) / len(self.durations) if self.durations else 0.0


class WarmPools:
    """Hands jobs to the pools of warm workers, and says what is to be recorded of them.

    Parameters
    ----------
    context
        Of the thread that serves this machine.
    """

    def __init__(self, context: RunnerContext) -> None:
        self._context = context
        self._workers: dict[str, _Worker] = {}
        self._broken: dict[str, float] = {}
        self._jobs: dict[str, HandedJob] = {}
        self._cold: dict[str, str] = {}

    def serves(self, worker: str) -> bool:
        """Whether jobs of a worker can run in warm processes at present."""
        if self._context.worker(worker).warm_config is None:
            return False
        return time.monotonic() >= self._broken.get(worker, 0.0)

    def begin(self, workers: Iterable[str]) -> None:
        """Start the pools of workers, so that they are ready when a job is."""
        for name in workers:
            if self.serves(name):
                self._pool(name)

    def takes(self, job: Job) -> bool:
        """Whether a job needs nothing but jobflow, and is not to be looked at more closely."""
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
        """``_id`` of the jobs that pools have."""
        return [job.doc["_id"] for job in self._jobs.values()]

    def recorded_ids(self) -> set[str]:
        """db_ids of the jobs that are recorded as RUNNING, and of whose end a pool tells."""
        return {job.doc["db_id"] for job in self._jobs.values() if job.is_recorded}

    def ahead(self, worker: str) -> int:
        """How many jobs beyond ``max_jobs`` a worker may have in hand: short ones need some."""
        known = self._workers.get(worker)
        if known is None or not known.durations:
            return 0
        return int(min(known.processes * AHEAD_SECONDS / max(known.mean, 0.001), MOST_AHEAD))

    def hand_over(self, jobs: Iterable[Job], limits: Mapping[str, int]) -> bool:
        """Let pools run jobs; returns whether there was one.

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
        """Open files that can be read when a pool has something to tell."""
        return [number for known in self._workers.values() for number in known.pool.files()]

    def look(self) -> list[HandedJob]:
        """Hear what pools tell; returns the jobs of which something is to be recorded."""
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
        """Seconds until a job that runs is to be recorded as such."""
        now = time.monotonic()
        return [
            max(job.since + TOGETHER_WITHIN, job.not_before) - now
            if job.has_ended
            else job.since + TELL_AFTER - now
            for job in self._jobs.values()
            if job.event is not None and (job.has_ended or not job.is_recorded)
        ]

    def note_refused(self, job: HandedJob) -> None:
        """Say that the end of a job could not be recorded: it is tried again soon."""
        job.not_before = time.monotonic() + _AGAIN

    def note_recorded(self, job: HandedJob) -> None:
        """Say that what was to be recorded of a job is in the database."""
        if job.has_ended:
            self.forget(job)
        else:
            job.is_recorded = True

    def forget(self, job: HandedJob) -> None:
        """Say that a job is another process's, or is gone."""
        if self._jobs.get(job.doc["run_dir"]) is job:
            del self._jobs[job.doc["run_dir"]]

    def close(self) -> None:
        """End the pools; jobs that run go on to their ends, and are found by the next runner."""
        for known in self._workers.values():
            known.pool.close()
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
                # From now on the process itself is watched.
                self._cold[job.doc["db_id"]] = job.token
                self.forget(job)

    def _pool(self, name: str, processes: int | None = None) -> WarmPool | None:
        if not self.serves(name):
            return None
        worker = self._context.worker(name)
        config = worker.warm_config
        assert config is not None
        most = config.processes or worker.max_jobs or os.cpu_count() or 1
        most = min(most, processes) if processes is not None else most
        known = self._workers.get(name)
        if known is None:
            settings = PoolSettings(
                processes=max(most, 1),
                jobs_per_process=config.jobs_per_process,
                memory_growth=config.memory_growth,
                memory_limit=config.memory_limit,
                idle_time=config.idle_time,
            )
            known = self._workers[name] = _Worker(WarmPool(settings), config)
            try:
                known.pool.start()
            except PoolError as error:
                self._is_broken(name, error)
                return None
        known.processes = most
        known.pool.resize(most)
        return known.pool

    def _is_broken(self, name: str, error: PoolError) -> None:
        """Do without a pool for a while: jobs are submitted as scripts."""
        logger.warning("worker %s: %s; its jobs run without for a while", name, error)
        self._broken[name] = time.monotonic() + _BROKEN_FOR
        known = self._workers.pop(name, None)
        if known is not None:
            known.pool.close()
        for job in [job for job in self._jobs.values() if job.doc["worker"] == name]:
            self._cold[job.doc["db_id"]] = job.token
            self.forget(job)


def remote_part(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what dotted paths set in the sub-document ``remote``."""
    start = "remote."
    return {n.removeprefix(start): value for n, value in fields.items() if n.startswith(start)}
