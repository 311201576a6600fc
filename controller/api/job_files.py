"""The files of a job's run on its worker."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from controller.api.base import ControllerGroup
from controller.documents import JobInfo
from controller.errors import ArgumentError, ControllerError, NotFoundError, StateError
from controller.execution.files import QUEUE_ERR, QUEUE_OUT
from controller.hosts import Host
from controller.operations.acting import find_job_anywhere
from controller.operations.bulk import Progress
from controller.operations.cleanup import remove_run_dir
from controller.operations.connections import Connections
from controller.operations.runner_record import refuse_beside_runner
from controller.paths import below
from controller.states import JobState

CLEANABLE_STATES = (JobState.COMPLETED, JobState.FAILED, JobState.REMOTE_ERROR)
"""States in which nothing reads the job's files any more."""

_LOG_SIZE = 10_000_000
"""Maximum number of bytes read from a log."""
_STATES_AT_ONCE = 20


@dataclass
class CleanedFiles:
    """The result of deleting run directories.

    Attributes
    ----------
    deleted
        db_ids of the jobs whose folder was deleted.
    skipped
        {db_id: why it was skipped}: its state, or that it has no folder.
    failed
        {db_id: why its folder could not be deleted}.
    """

    deleted: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


class JobFiles(ControllerGroup):
    """Methods that access the run directories of jobs. None of them locks."""

    def list_job_files(self, **job: Any) -> tuple[str, list[str]]:
        """Return the run directory of a job, and the names of the files in it.

        Parameters
        ----------
        job
            The job, which may be archived; see `get_job_info`.

        Raises
        ------
        JobNotFoundError
            There is no such job.
        NotFoundError
            It has no run directory.
        RemoteError, ConfigError
            Its worker refused, or is not supported by this version.
        """
        host, folder = self._folder(**job)
        return str(folder), host.listdir(folder)

    def read_job_file(self, name: str, **job: Any) -> bytes:
        """Return the content of a file of a run directory; parameters as in `list_job_files`.

        Raises
        ------
        ArgumentError
            The name points outside the folder.
        NotFoundError
            There is no such file; or as in `list_job_files`.
        """
        host, folder = self._folder(**job)
        try:
            path = below(folder, name)
        except ArgumentError as error:
            error.hint = "jf job files ls ID"
            raise
        try:
            return host.read_bytes(path)
        except (FileNotFoundError, IsADirectoryError):
            names = ", ".join(host.listdir(folder)[:20]) or "nothing"
            raise NotFoundError(
                f"there is no file {name} in {folder}", hint=f"it contains {names}"
            ) from None

    def read_queue_files(self, **job: Any) -> dict[str, str | None]:
        """Return what the queue wrote for a job: {"queue.out": text, "queue.err": text}.

        None stands for a missing file; of a very large file only the end is returned, after
        a line that says so. Parameters and errors as in `list_job_files`.
        """
        host, folder = self._folder(**job)
        return {name: _end_of_log(host, folder, name) for name in (QUEUE_OUT, QUEUE_ERR)}

    def clean_job_files(
        self,
        jobs: Iterable[JobInfo],
        *,
        all_states: bool = False,
        force: bool = False,
        dry_run: bool = False,
        progress: Progress | None = None,
    ) -> CleanedFiles:
        """Delete the run directories of jobs: only those that contain a job's input.

        Parameters
        ----------
        all_states
            Also delete files of jobs that may still need them; refused while a runner is alive.
        force
            Do not check whether a runner is alive.
        dry_run
            Only report what would be deleted.
        progress
            Called with (jobs processed, jobs in total).

        Raises
        ------
        RunningRunnerError
            A live runner serves the database.
        """
        if all_states and not force and not dry_run:
            refuse_beside_runner(self.queue, "deleting files of jobs in all states")
        connections = Connections(self._need_project())
        result = CleanedFiles()
        listed = list(jobs)
        states: dict[str, str] = {}
        for number, job in enumerate(listed, 1):
            if number % _STATES_AT_ONCE == 1:
                # A job may have been restarted since the jobs were listed and the user confirmed.
                some = [j.db_id for j in listed[number - 1 : number - 1 + _STATES_AT_ONCE]]
                states = self._states_of(some)
            state = JobState(states.get(job.db_id, job.state.value))
            if not all_states and state not in CLEANABLE_STATES:
                result.skipped[job.db_id] = f"it is {state.value}"
            elif not job.run_dir:
                result.skipped[job.db_id] = "it has no run directory"
            else:
                try:
                    if not dry_run:
                        host = connections.host(job.worker)
                        confirm = partial(self._confirm, job, state)
                        remove_run_dir(
                            host,
                            Path(job.run_dir),
                            confirm=confirm,
                            token=job.remote.submission_token,
                        )
                except ControllerError as error:
                    result.failed[job.db_id] = str(error)
                else:
                    result.deleted.append(job.db_id)
            if progress is not None:
                progress(number, len(listed))
        return result

    def _states_of(self, db_ids: list[str]) -> dict[str, str]:
        found = self.queue.jobs.find({"db_id": {"$in": db_ids}}, ["db_id", "state"])
        return {d["db_id"]: d["state"] for d in found}

    def _confirm(self, job: JobInfo, state: JobState) -> None:
        """Check that a job was not restarted: its files could then belong to the next run."""
        now = self._states_of([job.db_id]).get(job.db_id, state.value)
        if now != state.value:
            raise StateError(
                f"it is {now} now",
                action="files clean",
                db_id=job.db_id,
                state=JobState(now),
            )

    def _folder(self, **job: Any) -> tuple[Host, Path]:
        found = find_job_anywhere(self.queue, ["db_id", "state", "worker", "run_dir"], **job)
        if not found["run_dir"]:
            raise NotFoundError(
                f"job {found['db_id']} has no run directory yet: it is {found['state']}",
                hint=f"jf job info {found['db_id']}",
            )
        host = Connections(self._need_project()).host(found["worker"])
        return host, Path(found["run_dir"])


def _end_of_log(host: Host, folder: Path, name: str) -> str | None:
    """Read the end of a log: a job may print more than fits into memory."""
    command = f"[ -f {name} ] || exit 1; wc -c < {name}; tail -c {_LOG_SIZE} {name}"
    try:
        found = host.execute(command, folder)
    except FileNotFoundError:
        return None
    size, _, text = found.stdout.partition("\n")
    if found.returncode or not size.strip().isdigit():
        return None
    left_out = int(size) - _LOG_SIZE
    if left_out <= 0:
        return text
    return f"[the first {left_out} bytes are omitted: see {folder / name}]\n{text}"
