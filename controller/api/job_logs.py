"""The output of jobs while they run."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from controller.api.base import ControllerGroup
from controller.errors import HostUnavailableError, JobNotFoundError, NotFoundError
from controller.execution.files import QUEUE_ERR, QUEUE_OUT
from controller.operations.acting import find_job_anywhere
from controller.operations.connections import Connections
from controller.operations.logs import LogPart, LogReader
from controller.paths import below
from controller.states import NOT_STARTED_STATES, RUNNING_STATES, JobState

LOG_FILES = (QUEUE_OUT, QUEUE_ERR)
"""Files that the queue writes for a job: everything that its function and its commands print."""
_PAUSE_HERE, _PAUSE_ELSEWHERE, _LONGEST_PAUSE = 0.5, 2.0, 30.0
"""Seconds between two readings: on this machine, on another one, and while that is unreachable."""
_MOVING = (*NOT_STARTED_STATES, *RUNNING_STATES)
_FIELDS = ["db_id", "uuid", "index", "state", "worker", "run_dir"]


class JobLogs(ControllerGroup):
    """Methods that read the logs of jobs. None of them locks."""

    def read_job_log(
        self, *, files: Sequence[str] = LOG_FILES, lines: int = 50, **job: Any
    ) -> tuple[list[LogPart], list[str]]:
        """Return the ends of the logs of a job, and the names of those that are missing.

        Parameters
        ----------
        files
            Names of files in the run directory.
        lines
            Number of lines of each, from the end.
        job
            The job, which may be archived; see `get_job_info`.

        Raises
        ------
        JobNotFoundError
            There is no such job.
        NotFoundError
            It has no run directory.
        ArgumentError
            A name points outside the folder.
        HostUnavailableError
            Its worker cannot be reached.
        """
        found = find_job_anywhere(self.queue, _FIELDS, **job)
        if not found["run_dir"]:
            raise NotFoundError(
                f"job {found['db_id']} has no log yet: it is {found['state']}",
                hint=f"jf job why {found['db_id']}",
            )
        reader = self._reader(Connections(self._need_project()), found, files, lines)
        return reader.read(), reader.missing

    def follow_job_log(
        self,
        *,
        files: Sequence[str] = LOG_FILES,
        lines: int = 50,
        timeout: float | None = None,
        notice: Callable[[str], None] = lambda text: None,
        **job: Any,
    ) -> Iterator[LogPart]:
        """Return what the logs of a job hold and what is added to them, until the job ends.

        Waits for a job that has not started; if it is retried, the next attempt follows.

        Parameters
        ----------
        timeout
            Seconds after which to end in any case; None for no limit.
        notice
            Called with other news, in one line: the job waits, or its worker is unreachable.
        files, lines, job
            As in `read_job_log`.

        Raises
        ------
        TimeoutError
            The time limit was reached.
        """
        found = find_job_anywhere(self.queue, _FIELDS, **job)
        deadline = None if timeout is None else time.monotonic() + timeout
        connections = Connections(self._need_project())
        tell = _Once(notice)
        reader: LogReader | None = None
        of: Any = None
        failures = 0
        while True:
            state = JobState(found["state"])
            if found["run_dir"] and (found["worker"], found["run_dir"]) != of:
                of = (found["worker"], found["run_dir"])
                reader = self._reader(connections, found, files, lines)
            if reader is None:
                tell(f"job {found['db_id']} is {state.value}: it has no log yet")
            else:
                try:
                    yield from reader.read()
                    failures = 0
                except HostUnavailableError as error:
                    failures += 1
                    tell(f"worker {found['worker']} is out of reach: {error}")
            if state not in _MOVING and not failures:
                return
            _sleep(self._pause(found, failures), deadline, found["db_id"])
            found = self._again(found)

    def _again(self, job: dict[str, Any]) -> dict[str, Any]:
        """Read a job again."""
        found = self.queue.jobs.find_one({"db_id": job["db_id"]}, _FIELDS)
        if found is None:
            raise JobNotFoundError(f"job {job['db_id']} was deleted")
        return dict(found)

    def _pause(self, job: dict[str, Any], failures: int) -> float:
        worker = self._need_project().workers.get(job["worker"])
        pause = _PAUSE_HERE if worker is None or worker.is_local else _PAUSE_ELSEWHERE
        return float(min(pause * 2 ** min(failures, 10), _LONGEST_PAUSE))

    def _reader(
        self, connections: Connections, job: dict[str, Any], files: Sequence[str], lines: int
    ) -> LogReader:
        folder = Path(job["run_dir"])
        for name in files:
            below(folder, name)
        return LogReader(connections.host(job["worker"]), folder, files, lines)


class _Once:
    """Does not repeat the same message."""

    def __init__(self, notice: Callable[[str], None]) -> None:
        self._notice, self._said = notice, ""

    def __call__(self, text: str) -> None:
        if text != self._said:
            self._said = text
            self._notice(text)


def _sleep(seconds: float, deadline: float | None, db_id: str) -> None:
    left = seconds if deadline is None else min(seconds, deadline - time.monotonic())
    if left <= 0:
        raise TimeoutError(f"job {db_id} had not ended at the time limit")
    time.sleep(left)
