"""The current activity of a project, read repeatedly at a bounded cost, for live screens.

Only the count of all jobs grows with their number, and it is repeated so rarely that it takes a
small fraction of the time. Lists are limited, and past minutes are not counted again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from controller.documents.stored import utc_now
from controller.filters import JobFilter
from controller.operations.job_counts import JobCounts, count_jobs
from controller.operations.runner_processes import RunnerProcess, claims_of, runner_processes
from controller.operations.worker_outages import WorkerOutage, outages
from controller.states import ERROR_STATES, RUNNING_STATES, JobState, stored_state

if TYPE_CHECKING:
    from controller.reader import QueueReader

LISTS: dict[str, tuple[JobState, ...] | None] = {
    "under way": RUNNING_STATES,
    "next": (JobState.READY,),
    "errors": ERROR_STATES,
    "all": None,
}
"""{what is listed: states of the jobs}; None for all states."""
_ORDERS: dict[str, list[tuple[str, int]]] = {
    "next": [("priority", -1), ("created_on", 1)],
}
"""Order of the jobs of a list in the database, if not by their last change."""
LIMIT = 200
"""Maximum number of jobs in a list."""
MINUTES = 60
"""Number of minutes for which the ends of jobs are counted."""
_MINUTES_AT_ONCE = 15
"""Maximum number of minutes counted in one reading, so that the first reading is quick."""
_COUNT_SHARE = 100
"""Jobs are counted again after this multiple of the duration of the last count."""
_COUNT_EVERY = 2.0
"""Minimum number of seconds between two counts."""
_FAILURES = 8
_FIELDS = [
    "db_id",
    "index",
    "job.name",
    "state",
    "worker",
    "priority",
    "created_on",
    "updated_on",
    "start_time",
    "end_time",
    "error_cause",
    "remote.queue_reason",
    "remote.retry_time_limit",
]


@dataclass(frozen=True)
class Entry:
    """A job of a list.

    Attributes
    ----------
    db_id, name, state, worker, priority
        The db_id, name, state, worker and priority of the job.
    created_on, updated_on, start_time, end_time
        Times, naive UTC; None if there is none.
    note
        Why it waits in its queue, or why it failed; "" if unknown.
    retrying
        Whether a step failed and waits to be retried.
    """

    db_id: str
    name: str
    state: JobState
    worker: str
    priority: int
    created_on: datetime
    updated_on: datetime
    start_time: datetime | None
    end_time: datetime | None
    note: str
    retrying: bool

    def run_time(self, now: datetime) -> float | None:
        """Return the seconds since its start, until its end if it has ended; None before."""
        if self.start_time is None:
            return None
        return max(0.0, ((self.end_time or now) - self.start_time).total_seconds())


@dataclass(frozen=True)
class Failure:
    """A job that ended in an error.

    Attributes
    ----------
    db_id, name, worker
        The db_id, name and worker of the job.
    on
        Time of the failure, naive UTC.
    cause, line
        The `Cause`, and the last line of the error; "" if unknown.
    """

    db_id: str
    name: str
    worker: str
    on: datetime
    cause: str
    line: str


@dataclass(frozen=True)
class Minute:
    """How many jobs ended within a minute.

    Attributes
    ----------
    begin
        Start of the minute, naive UTC.
    completed, failed
        Numbers of jobs.
    """

    begin: datetime
    completed: int
    failed: int


@dataclass(frozen=True)
class Look:
    """What is read.

    Attributes
    ----------
    list
        A key of `LISTS`.
    worker
        Only jobs of this worker; None for all.
    name
        Only jobs whose name contains this; ``*`` and ``?`` are wildcards. "" for all.
    """

    list: str = "under way"
    worker: str | None = None
    name: str = ""

    @property
    def filter(self) -> JobFilter:
        """The jobs that are listed."""
        pattern = self.name
        if pattern and not set(pattern) & set("*?["):
            pattern = f"*{pattern}*"
        return JobFilter(states=LISTS[self.list], workers=self.worker or None, name=pattern or None)


@dataclass(frozen=True)
class Activity:
    """The activity of a project.

    Attributes
    ----------
    project
        Its name.
    on
        Time of reading, naive UTC.
    counts
        Numbers of all jobs, possibly some seconds older; see `JobCounts.counted_on`.
    look
        The filter and order of the listed jobs.
    jobs
        The listed jobs, at most `LIMIT`.
    failures
        The newest errors, the newest first.
    minutes
        The last hour, oldest first; minutes that are not counted yet are left out.
    runners
        All that are known, the oldest first.
    claims_paused
        Whether no runner claims jobs.
    outages
        Workers whose machines cannot be used at present.
    limits
        {worker: maximum number of its jobs in progress, None for no limit}, from the project file.
    """

    project: str
    on: datetime
    counts: JobCounts
    look: Look
    jobs: Sequence[Entry]
    failures: Sequence[Failure]
    minutes: Sequence[Minute]
    runners: Sequence[RunnerProcess]
    claims_paused: bool
    outages: Sequence[WorkerOutage]
    limits: Mapping[str, int | None]

    def number(self, states: Iterable[JobState], worker: str | None = None) -> int:
        """Return how many jobs are in some states."""
        wanted = {state.value for state in states}
        return sum(
            number
            for (state, name), number in self.counts.numbers.items()
            if state in wanted and worker in (None, name)
        )

    @property
    def workers(self) -> list[str]:
        """Names of the workers of the project, then of others that jobs name."""
        others = {name for _, name in self.counts.numbers} - set(self.limits)
        return [*self.limits, *sorted(others)]


class ActivityReader:
    """Reads the activity of a project repeatedly; not thread-safe.

    Parameters
    ----------
    reader
        The queue.
    """

    def __init__(self, reader: QueueReader) -> None:
        self._reader = reader
        self._counts: JobCounts | None = None
        self._counted_at = 0.0
        self._minutes: dict[datetime, Minute] = {}
        self._last: tuple[object, Activity] | None = None

    def read(self, look: Look, *, whole: bool = False) -> Activity:
        """Read the activity.

        If the engine can tell that nothing has changed, only the time of reading is updated.

        Parameters
        ----------
        whole
            Count the whole hour at once.

        Raises
        ------
        StorageUnavailableError
            The database cannot be reached.
        """
        token = self._reader.queue.database.change_token()
        now = utc_now()
        if self._last is not None and token is not None:
            seen, last = self._last
            if seen == token and last.look == look and self._is_settled(last):
                counts = replace(last.counts, counted_on=now)  # nothing has changed since
                minutes = self._ended(now, _MINUTES_AT_ONCE)
                return replace(last, on=now, counts=counts, minutes=minutes)
        found = self._read(look, now, MINUTES if whole else _MINUTES_AT_ONCE)
        self._last = (token, found)
        return found

    def _is_settled(self, last: Activity) -> bool:
        """Whether the count is younger than the last change that was seen."""
        return last.counts is self._counts and last.on <= last.counts.counted_on

    def _read(self, look: Look, now: datetime, minutes: int) -> Activity:
        queue, project = self._reader.queue, self._reader.project
        jobs = queue.jobs.find(
            queue.query(look.filter),
            _FIELDS,
            sort=_ORDERS.get(look.list, [("updated_on", -1)]),
            limit=LIMIT,
        )
        entries = [_entry(doc) for doc in jobs]
        return Activity(
            project=project.name if project is not None else "",
            on=now,
            counts=self._count(now),
            look=look,
            jobs=entries,
            failures=self._failures(),
            minutes=self._ended(now, minutes),
            runners=runner_processes(queue),
            claims_paused=bool(claims_of(queue).get("paused")),
            outages=outages(queue),
            limits={name: w.max_jobs for name, w in project.workers.items()} if project else {},
        )

    def _count(self, now: datetime) -> JobCounts:
        """Count all jobs, unless that was done recently, compared with its cost."""
        age = time.monotonic() - self._counted_at
        if self._counts is None or age >= max(_COUNT_EVERY, _COUNT_SHARE * self._counts.took):
            self._counts = replace(count_jobs(self._reader.queue), counted_on=now)
            self._counted_at = time.monotonic()
        return self._counts

    def _failures(self) -> list[Failure]:
        """Return the newest jobs of all states: one index answers each state."""
        found: list[Failure] = []
        for state in ERROR_STATES:
            docs = self._reader.queue.jobs.find(
                {"state": state.value},
                ["db_id", "job.name", "worker", "updated_on", "error_cause"],
                sort=[("updated_on", -1)],
                limit=_FAILURES,
            )
            found += [_failure(doc) for doc in docs]
        newest = sorted(found, key=lambda failure: failure.on, reverse=True)[:_FAILURES]
        lines = self._last_lines([failure.db_id for failure in newest])
        return [replace(failure, line=lines.get(failure.db_id, "")) for failure in newest]

    def _last_lines(self, db_ids: Sequence[str]) -> dict[str, str]:
        """Return the last lines of the errors of a few jobs."""
        docs = self._reader.queue.jobs.find(
            {"db_id": {"$in": list(db_ids)}}, ["db_id", "error", "remote.error"]
        )
        return {doc["db_id"]: _last_line(doc) for doc in docs}

    def _ended(self, now: datetime, at_once: int) -> list[Minute]:
        """Count the ends of jobs by minute: the current one, the one before, and missing ones."""
        this = now.replace(second=0, microsecond=0)
        wanted = [this - timedelta(minutes=n) for n in range(MINUTES)]
        known = self._minutes
        missing = [begin for begin in wanted if begin not in known]
        for begin in {*wanted[:2], *missing[:at_once]}:
            known[begin] = self._minute(begin)
        self._minutes = {begin: known[begin] for begin in wanted if begin in known}
        return [self._minutes[begin] for begin in reversed(wanted) if begin in self._minutes]

    def _minute(self, begin: datetime) -> Minute:
        window = {"$gte": begin, "$lt": begin + timedelta(minutes=1)}
        states = [JobState.COMPLETED.value, *(state.value for state in ERROR_STATES)]
        groups = self._reader.queue.jobs.aggregate(
            [
                {"$match": {"state": {"$in": states}, "updated_on": window}},
                {"$group": {"_id": "$state", "count": {"$sum": 1}}},
            ]
        )
        numbers = Counter({str(group["_id"]): int(group["count"]) for group in groups})
        failed = sum(numbers[state.value] for state in ERROR_STATES)
        return Minute(begin, numbers[JobState.COMPLETED.value], failed)


def _entry(doc: Mapping[str, Any]) -> Entry:
    remote = doc.get("remote") or {}
    state = stored_state(JobState, doc["state"], f"job {doc['db_id']}")
    why = doc.get("error_cause") if state in ERROR_STATES else remote.get("queue_reason")
    return Entry(
        db_id=doc["db_id"],
        name=str((doc.get("job") or {}).get("name") or ""),
        state=state,
        worker=str(doc["worker"]),
        priority=int(doc.get("priority") or 0),
        created_on=doc["created_on"],
        updated_on=doc["updated_on"],
        start_time=doc.get("start_time"),
        end_time=doc.get("end_time"),
        note=str(why or ""),
        retrying=remote.get("retry_time_limit") is not None,
    )


def _failure(doc: Mapping[str, Any]) -> Failure:
    return Failure(
        db_id=doc["db_id"],
        name=str((doc.get("job") or {}).get("name") or ""),
        worker=str(doc["worker"]),
        on=doc["updated_on"],
        cause=str(doc.get("error_cause") or ""),
        line="",
    )


def _last_line(doc: Mapping[str, Any]) -> str:
    text = doc.get("error") or (doc.get("remote") or {}).get("error") or ""
    lines = [line.strip() for line in str(text).splitlines() if line.strip()]
    return lines[-1] if lines else ""
