"""Reports: statistics of the jobs and flows of a project.

A report is immutable plain data: it can be stored, compared, shown in a notebook or, with
`as_dict`, written as JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from controller.documents import JobInfo
from controller.states import ERROR_STATES, RUNNING_STATES, FlowState, JobState

if TYPE_CHECKING:
    from controller.jobcontroller import JobController

LONGEST_RUNNING = 5
"""Number of longest running jobs to report."""

_EXECUTING = (JobState.RUNNING, JobState.BATCH_RUNNING)


@dataclass(frozen=True)
class FlowTrends:
    """How many flows ended in each of the last intervals.

    Attributes
    ----------
    interval
        hours, days, weeks, months or years.
    num_intervals
        Number of intervals.
    timezone
        Time zone of the intervals.
    dates
        Keys of the intervals, oldest first; see `JobController.get_trends`.
    completed, failed
        Number per interval: jobs or flows in this state that were last updated in it.
    """

    interval: str
    num_intervals: int
    timezone: str
    dates: tuple[str, ...]
    completed: tuple[int, ...]
    failed: tuple[int, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {name: _plain(getattr(self, name)) for name in self.__dataclass_fields__}


@dataclass(frozen=True)
class JobTrends(FlowTrends):
    """How many jobs ended in each of the last intervals.

    Attributes
    ----------
    interval, num_intervals, timezone, dates, completed, failed
        As in `FlowTrends`.
    remote_error
        The same for REMOTE_ERROR.
    """

    remote_error: tuple[int, ...]


@dataclass(frozen=True)
class WorkerLoad:
    """Jobs of a worker.

    Attributes
    ----------
    jobs
        All jobs.
    active
        Jobs in progress (`RUNNING_STATES`).
    """

    jobs: int
    active: int


@dataclass(frozen=True)
class JobsReport:
    """Statistics of the jobs of a project.

    Attributes
    ----------
    state_counts
        {state: number}, every state.
    longest_running
        The longest running jobs, the longest first.
    workers
        {worker: its jobs}, by name.
    trends
        The jobs that ended recently.
    causes
        {cause: number} of the jobs that are FAILED or REMOTE_ERROR, the largest first; "" is used
        for jobs of versions that recorded none.
    """

    state_counts: Mapping[JobState, int]
    longest_running: list[JobInfo]
    workers: Mapping[str, WorkerLoad]
    trends: JobTrends
    causes: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def generate_report(
        cls,
        job_controller: JobController,
        interval: str = "days",
        num_intervals: int | None = None,
        timezone: str = "UTC",
    ) -> JobsReport:
        """Query the database. Nothing is locked.

        Parameters
        ----------
        interval, num_intervals, timezone
            Intervals of the trends; see `JobController.get_trends`.

        Raises
        ------
        ArgumentError
            Unknown interval or time zone.
        """
        trends = _trends(
            job_controller,
            (JobState.COMPLETED, JobState.FAILED, JobState.REMOTE_ERROR),
            interval,
            num_intervals,
            timezone,
        )
        active = job_controller.count_jobs_workers(RUNNING_STATES)
        return cls(
            state_counts=job_controller.count_jobs_states(tuple(JobState)),
            longest_running=job_controller.get_jobs_info(
                states=list(_EXECUTING),
                custom_query={"start_time": {"$ne": None}},
                sort=[("start_time", 1)],
                limit=LONGEST_RUNNING,
            ),
            workers={
                name: WorkerLoad(jobs, active.get(name, 0))
                for name, jobs in job_controller.count_jobs_workers().items()
            },
            trends=JobTrends(**trends),
            causes=job_controller.count_jobs_causes(),
        )

    @property
    def worker_utilization(self) -> dict[str, int]:
        """{worker: number of its jobs}, the largest first; see `workers` for more."""
        loads = sorted(self.workers.items(), key=lambda item: -item[1].jobs)
        return {name: load.jobs for name, load in loads}

    @property
    def total(self) -> int:
        """All jobs."""
        return sum(self.state_counts.values())

    @property
    def completed(self) -> int:
        """Jobs that are COMPLETED."""
        return self.state_counts.get(JobState.COMPLETED, 0)

    @property
    def running(self) -> int:
        """Jobs that a worker executes: RUNNING and BATCH_RUNNING."""
        return _sum(self.state_counts, _EXECUTING)

    @property
    def error(self) -> int:
        """Jobs that need attention: FAILED and REMOTE_ERROR."""
        return _sum(self.state_counts, ERROR_STATES)

    @property
    def active(self) -> int:
        """Jobs in progress, from CHECKED_OUT to DOWNLOADED and in batches; includes `running`."""
        return _sum(self.state_counts, RUNNING_STATES)

    def as_dict(self) -> dict[str, Any]:
        """Return plain data. Times are ISO 8601 in UTC, durations in seconds."""
        return {
            "summary": _summary(self),
            "states": {state.value: n for state, n in self.state_counts.items()},
            "longest_running": [_running_job(job) for job in self.longest_running],
            "workers": {
                name: {"jobs": load.jobs, "active": load.active}
                for name, load in self.workers.items()
            },
            "causes": dict(self.causes),
            "trends": self.trends.as_dict(),
        }


@dataclass(frozen=True)
class FlowsReport:
    """Statistics of the flows of a project.

    Attributes
    ----------
    state_counts
        {state: number}, every state.
    trends
        The flows that ended recently.
    """

    state_counts: Mapping[FlowState, int]
    trends: FlowTrends

    @classmethod
    def generate_report(
        cls,
        job_controller: JobController,
        interval: str = "days",
        num_intervals: int | None = None,
        timezone: str = "UTC",
    ) -> FlowsReport:
        """Query the database; parameters and errors as in `JobsReport.generate_report`."""
        trends = _trends(
            job_controller,
            (FlowState.COMPLETED, FlowState.FAILED),
            interval,
            num_intervals,
            timezone,
        )
        return cls(
            state_counts=job_controller.count_flows_states(tuple(FlowState)),
            trends=FlowTrends(**trends),
        )

    @property
    def total(self) -> int:
        """All flows."""
        return sum(self.state_counts.values())

    @property
    def completed(self) -> int:
        """Flows that are COMPLETED."""
        return self.state_counts.get(FlowState.COMPLETED, 0)

    @property
    def running(self) -> int:
        """Flows that are RUNNING: some job is in progress or has ended, and none blocks them."""
        return self.state_counts.get(FlowState.RUNNING, 0)

    @property
    def error(self) -> int:
        """Flows that are FAILED."""
        return self.state_counts.get(FlowState.FAILED, 0)

    @property
    def active(self) -> int:
        """Flows that continue by themselves: READY and RUNNING."""
        return _sum(self.state_counts, (FlowState.READY, FlowState.RUNNING))

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "summary": _summary(self),
            "states": {state.value: n for state, n in self.state_counts.items()},
            "trends": self.trends.as_dict(),
        }


def _trends(
    job_controller: JobController,
    states: tuple[JobState, ...] | tuple[FlowState, ...],
    interval: str,
    num_intervals: int | None,
    timezone: str,
) -> dict[str, Any]:
    """Arguments of the trends' classes: a column per state instead of a row per interval."""
    counted: Mapping[str, Mapping[Any, int]] = job_controller.get_trends(
        states, interval, num_intervals, timezone
    )
    return {
        "interval": interval,
        "num_intervals": len(counted),
        "timezone": timezone,
        "dates": tuple(counted),
        **{s.value.lower(): tuple(row[s] for row in counted.values()) for s in states},
    }


def _summary(report: JobsReport | FlowsReport) -> dict[str, int]:
    names = ("total", "completed", "running", "error", "active")
    return {name: getattr(report, name) for name in names}


def _running_job(job: JobInfo) -> dict[str, Any]:
    return {
        "db_id": job.db_id,
        "uuid": job.uuid,
        "index": job.index,
        "name": job.name,
        "state": job.state.value,
        "worker": job.worker,
        "start_time": _plain(job.start_time),
        "run_time": job.estimated_run_time,
    }


def _sum(counts: Mapping[Any, int], states: Iterable[Any]) -> int:
    return sum(counts.get(state, 0) for state in states)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value.isoformat(timespec='milliseconds')}Z"
    return list(value) if isinstance(value, tuple) else value
