"""A flow with its jobs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from controller.documents import FlowInfo, JobInfo
from controller.errors import FlowNotFoundError
from controller.filters import is_uuid
from controller.reader import QueueReader
from controller.states import ERROR_STATES, JobState

_LONGEST = 12
_OF_JOBS = [
    *("db_id", "uuid", "index", "worker", "state", "parents", "error_cause", "lock_id"),
    *("created_on", "updated_on", "start_time", "end_time", "remote.retry_time_limit"),
    *("job.name", "job.hosts"),
]
"""The fields of each job that a page about a flow needs: there may be thousands of jobs."""


@dataclass(frozen=True)
class FlowView:
    """A flow and a summary of its jobs.

    Attributes
    ----------
    flow
        The flow, with its jobs.
    states
        {state: number of its jobs}, without zeros, in the order of the states.
    started, ended
        Start of the first and end of the last job, naive UTC; None before that.
    run_time
        Total run time of all jobs, in seconds.
    longest
        (job, seconds) of those that ran, or have been running, for longest.
    failures
        Its jobs in an error.
    """

    flow: FlowInfo
    states: dict[JobState, int]
    started: datetime | None
    ended: datetime | None
    run_time: float
    longest: list[tuple[JobInfo, float]]
    failures: list[JobInfo]

    @property
    def completed(self) -> int:
        """Number of jobs that are COMPLETED."""
        return self.states.get(JobState.COMPLETED, 0)

    @property
    def total(self) -> int:
        """Number of jobs."""
        return sum(self.states.values())


def find_flow(reader: QueueReader, text: str) -> FlowInfo:
    """Return a flow with its jobs, by its uuid, the beginning of one, or the db_id of a job.

    Only the fields of jobs that a page about the flow shows are read: no errors, no metadata.

    Raises
    ------
    FlowNotFoundError
        There is none.
    ArgumentError
        Several uuids start with the text.
    """
    whole = reader.queue.whole_flow_id(text)
    if not is_uuid(whole):
        whole = reader.queue.flow_uuids([whole]).get(whole, whole)
    found = reader.get_flow_job_aggreg(
        {"uuid": whole},
        projection_flow={"parents": 0, "jobs": 0},
        projection_job=dict.fromkeys(_OF_JOBS, 1),
        limit=1,
    )
    if not found:
        raise FlowNotFoundError(
            f"there is no flow {text}", hint="`jf flow list` lists the existing ones"
        )
    return FlowInfo.from_query_dict(found[0])


def flow_view(flow: FlowInfo) -> FlowView:
    """Return the summary of the jobs of a flow."""
    jobs = flow.jobs_info or []
    counts = Counter(job.state for job in jobs)
    times = [(job, _seconds(job)) for job in jobs]
    ran = sorted(((j, s) for j, s in times if s), key=lambda pair: -pair[1])
    return FlowView(
        flow=flow,
        states={state: counts[state] for state in JobState if counts[state]},
        started=min((j.start_time for j in jobs if j.start_time is not None), default=None),
        ended=max((j.end_time for j in jobs if j.end_time is not None), default=None),
        run_time=sum(seconds for _, seconds in times),
        longest=ran[:_LONGEST],
        failures=[job for job in jobs if job.state in ERROR_STATES],
    )


def _seconds(job: JobInfo) -> float:
    if job.run_time is not None:
        return job.run_time
    running = job.state in (JobState.RUNNING, JobState.BATCH_RUNNING)
    return (job.estimated_run_time or 0.0) if running else 0.0
