"""The activity of a project: numbers of jobs, workers, runners, and what needs attention."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from controller.config import Project
from controller.documents import JOB_INFO_PROJECTION, JobInfo, utc_now
from controller.operations.job_counts import JobCounts
from controller.operations.runner_processes import RunnersOverview, runners_overview
from controller.operations.runner_record import RunnerStatus, runner_status
from controller.operations.trends import count_trends
from controller.operations.worker_outages import WorkerOutage
from controller.reader import QueueReader
from controller.states import ERROR_STATES, RUNNING_STATES, FlowState, JobState

_SHOWN = 8
_ENDS = (JobState.COMPLETED, JobState.FAILED, JobState.REMOTE_ERROR)


@dataclass(frozen=True)
class WorkerLoad:
    """The jobs of a worker.

    Attributes
    ----------
    name, kind, host
        Name, type and machine of the worker; the type is "" if the project no longer has it.
    max_jobs
        Maximum number of its jobs; None for no limit.
    states
        {state: number of its jobs}, without zeros.
    outage
        Why its machine cannot be used at present; None if no outage is known.
    """

    name: str
    kind: str
    host: str
    max_jobs: int | None
    states: dict[JobState, int]
    outage: WorkerOutage | None

    @property
    def active(self) -> int:
        """Number of its jobs in progress."""
        return sum(self.states.get(state, 0) for state in RUNNING_STATES)

    @property
    def ready(self) -> int:
        """Number of its jobs that could be claimed."""
        return self.states.get(JobState.READY, 0)

    @property
    def errors(self) -> int:
        """Number of its jobs in an error."""
        return sum(self.states.get(state, 0) for state in ERROR_STATES)


@dataclass(frozen=True)
class Overview:
    """The activity of a project.

    Attributes
    ----------
    jobs, flows
        {state: number}, every state.
    counted_on
        Time at which the jobs were counted, naive UTC.
    oldest_ready
        Submission time of the oldest READY job, naive UTC; None if there is none.
    hours
        {hour: {state: number of jobs that ended in it}}, of the last day, oldest first.
    runner, runners
        Whether a runner serves the project, and all of them.
    workers
        Workers of the project, and others that jobs name.
    failures
        The newest jobs in an error.
    running
        The jobs that have been running for longest.
    """

    jobs: dict[JobState, int]
    flows: dict[FlowState, int]
    counted_on: datetime
    oldest_ready: datetime | None
    hours: dict[str, dict[JobState, int]]
    runner: RunnerStatus
    runners: RunnersOverview
    workers: list[WorkerLoad]
    failures: list[JobInfo]
    running: list[JobInfo]

    @property
    def waits_for_runner(self) -> bool:
        """Whether jobs could run, but no runner is alive to claim them."""
        return not self.runner.alive and bool(self.jobs[JobState.READY])

    @property
    def oldest_wait(self) -> float | None:
        """Seconds since the oldest READY job was submitted."""
        if self.oldest_ready is None:
            return None
        return max(0.0, (utc_now() - self.oldest_ready).total_seconds())


def overview(reader: QueueReader, zone: str, count: Callable[[], JobCounts]) -> Overview:
    """Read the activity.

    Parameters
    ----------
    zone
        Time zone of the hours.
    count
        Returns the counts of jobs, possibly some seconds old.
    """
    queue = reader.queue
    counts = count()
    by_state: Counter[str] = Counter()
    for (state, _), number in counts.numbers.items():
        by_state[state] += number
    flows = queue.flows.aggregate([{"$group": {"_id": "$state", "count": {"$sum": 1}}}])
    in_flows = {group["_id"]: group["count"] for group in flows}
    runners = runners_overview(queue)
    return Overview(
        jobs={state: by_state[state.value] for state in JobState},
        flows={state: in_flows.get(state.value, 0) for state in FlowState},
        counted_on=counts.counted_on,
        oldest_ready=counts.oldest_ready,
        hours=count_trends(queue.jobs, _ENDS, "hours", 24, zone),
        runner=runner_status(queue.auxiliary),
        runners=runners,
        workers=worker_loads(reader.project, counts, runners.outages),
        failures=_newest_failures(reader),
        running=_longest_running(reader),
    )


def worker_loads(
    project: Project | None, counts: JobCounts, outages: list[WorkerOutage]
) -> list[WorkerLoad]:
    """Return the jobs of each worker, by name."""
    configured = project.workers if project is not None else {}
    away = {outage.worker: outage for outage in outages}
    states: dict[str, dict[JobState, int]] = {name: {} for name in configured}
    for (state, name), number in counts.numbers.items():
        states.setdefault(name, {})[JobState(state)] = number
    loads = []
    for name, numbers in sorted(states.items()):
        worker = configured.get(name)
        loads.append(
            WorkerLoad(
                name,
                worker.type if worker is not None else "",
                getattr(worker, "host", "") or "",
                worker.max_jobs if worker is not None else None,
                numbers,
                away.get(name),
            )
        )
    return loads


def _newest_failures(reader: QueueReader) -> list[JobInfo]:
    """The newest of each state: one index each."""
    found: list[JobInfo] = []
    for state in ERROR_STATES:
        docs = reader.queue.jobs.find(
            {"state": state.value}, JOB_INFO_PROJECTION, sort=[("updated_on", -1)], limit=_SHOWN
        )
        found += map(JobInfo.from_query_output, docs)
    return sorted(found, key=lambda job: job.updated_on, reverse=True)[:_SHOWN]


def _longest_running(reader: QueueReader) -> list[JobInfo]:
    found: list[JobInfo] = []
    for state in (JobState.RUNNING, JobState.BATCH_RUNNING):
        docs = reader.queue.jobs.find(
            {"state": state.value}, JOB_INFO_PROJECTION, sort=[("updated_on", 1)], limit=_SHOWN
        )
        found += map(JobInfo.from_query_output, docs)
    return sorted(found, key=lambda job: job.start_time or job.updated_on)[:_SHOWN]
