"""Submit, poll and cancel jobs.

Submitting is a crash-only step. The script creates ``jfr_started`` before it does anything, and a
second start ends at once; so submitting again after a crash never runs a job twice, and the id to
record is always the one in that file, where the queue is the shell, or the first answer of the
queue, which the submitting shell itself saves in ``jfr_submitted``. Both files are looked up
before anything is submitted. An upload removes them.
"""

from __future__ import annotations

import os
import shlex
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.errors import ConfigError, RemoteError

if TYPE_CHECKING:
    from qtoolkit.io.base import BaseSchedulerIO

    from controller.hosts.base import Host

_STARTED, _SUBMITTED, _SCRIPT = "jfr_started", "jfr_submitted", "submit.sh"
_START_DEADLINE = 20.0
"""Seconds within which a shell job has to say that it started."""
_GRACE = 3.0
"""Seconds between asking a process to end and killing it."""


@dataclass(frozen=True)
class QueuedJob:
    """A job as its queue sees it.

    Attributes
    ----------
    state
        Name of qtoolkit's QState: QUEUED, RUNNING, DONE, FAILED and so on; None for a job that
        the queue does not list any more.
    """

    process_id: str
    state: str | None


class Queue:
    """A worker's queue.

    Parameters
    ----------
    scheduler_type
        As in the project file.
    host
        Where its commands run.
    username
        List the queue by user instead of by ids.
    """

    def __init__(
        self, scheduler_type: str | dict[str, Any], host: Host, username: str | None = None
    ) -> None:
        self.scheduler = build_scheduler(scheduler_type)
        self._host, self._username = host, username
        self.is_shell = scheduler_type == "shell"

    def submit(self, run_dir: Path, script: str) -> str:
        """Submit a script, unless it was submitted before, and return its id in the queue.

        Raises
        ------
        RemoteError
            The queue refused it, or gave an answer without an id (``no_retry``: it may run).
        """
        found = self._earlier_submission(run_dir)
        if found is not None:
            return found
        self._host.write_bytes(run_dir / _SCRIPT, script.encode())
        return self._start_shell(run_dir) if self.is_shell else self._submit(run_dir)

    def _start_shell(self, run_dir: Path) -> str:
        out, err = (shlex.quote(str(run_dir / f"queue.{end}")) for end in ("out", "err"))
        # A session of its own: stopping the job stops everything that it started.
        command = f"setsid nohup bash {_SCRIPT} > {out} 2> {err} < /dev/null &"
        result = self._host.execute(command, run_dir)
        if result.returncode:
            raise RemoteError(f"the job could not be started: {result.stderr.strip()}")
        deadline = time.monotonic() + _START_DEADLINE
        while time.monotonic() < deadline:
            found = self._earlier_submission(run_dir)
            if found is not None:
                return found
            time.sleep(0.005)
        raise RemoteError("the job did not start", hint=f"see queue.err in {run_dir}")

    def _submit(self, run_dir: Path) -> str:
        from qtoolkit.core.data_objects import SubmissionStatus

        command = self.scheduler.get_submit_cmd(_SCRIPT)
        saved = f"{command} > .{_SUBMITTED} 2> .submit_err && mv .{_SUBMITTED} {_SUBMITTED}"
        done = self._host.execute(
            f"{saved}; rc=$?; cat {_SUBMITTED} .{_SUBMITTED} 2>/dev/null; cat .submit_err >&2; "
            "exit $rc",
            run_dir,
        )
        answer = self.scheduler.parse_submit_output(done.returncode, done.stdout, done.stderr)
        if answer.status == SubmissionStatus.SUCCESSFUL and answer.job_id:
            return str(answer.job_id)
        text = (done.stderr or done.stdout).strip()
        if answer.status == SubmissionStatus.FAILED:
            raise RemoteError(f"the queue refused the job: {text}")
        raise RemoteError(f"the queue took the job but gave no id: {text}", no_retry=True)

    def _earlier_submission(self, run_dir: Path) -> str | None:
        if not self.is_shell:
            with suppress(FileNotFoundError):
                text = self._host.read_bytes(run_dir / _SUBMITTED).decode()
                answer = self.scheduler.parse_submit_output(0, text, "")
                return str(answer.job_id) if answer.job_id else None
        with suppress(FileNotFoundError):
            words = self._host.read_bytes(run_dir / _STARTED).decode().split()
            return words[0] if words else None
        return None

    def forget_submission(self, run_dir: Path) -> None:
        """Make a run directory ready for a new submission."""
        for name in (_STARTED, _SUBMITTED):
            self._host.remove(run_dir / name)

    def poll(self, jobs: Iterable[tuple[str, Path | None]]) -> dict[str, QueuedJob]:
        """Ask for the states of jobs, in one listing.

        Parameters
        ----------
        jobs
            (id in the queue, run directory) pairs.

        Returns
        -------
        dict
            {id: job}; one that the queue no longer lists has the state None.

        Raises
        ------
        RemoteError
            The listing failed: nothing is known.
        """
        wanted = dict(jobs)
        if self.is_shell:
            alive = {pid for pid, run_dir in wanted.items() if is_alive(pid, run_dir)}
            return {pid: QueuedJob(pid, "RUNNING" if pid in alive else None) for pid in wanted}
        command = self.scheduler.get_jobs_list_cmd(
            None if self._username else list(wanted), self._username
        )
        done = self._host.execute(command)
        try:
            listed = self.scheduler.parse_jobs_list_output(
                done.returncode, done.stdout, done.stderr
            )
        except Exception as error:
            # Whatever went wrong while parsing, nothing is known of any job.
            raise RemoteError(f"the queue's listing cannot be read: {error}") from error
        states = {str(j.job_id): j.state.value if j.state else None for j in listed or []}
        return {pid: QueuedJob(pid, states.get(pid)) for pid in wanted}

    def cancel(self, process_id: str, run_dir: Path | None = None) -> None:
        """End a job with everything that it started; one that has ended is fine.

        Raises
        ------
        RemoteError
            The queue refused.
        """
        if self.is_shell:
            _end_session(process_id, run_dir)
            return
        done = self._host.execute(self.scheduler.get_cancel_cmd(process_id))
        if done.returncode:
            raise RemoteError(f"the queue did not cancel {process_id}: {done.stderr.strip()}")


def build_scheduler(scheduler_type: str | dict[str, Any]) -> BaseSchedulerIO:
    """Return qtoolkit's object for a scheduler of the project file."""
    if isinstance(scheduler_type, dict):
        from monty.json import MontyDecoder

        built: BaseSchedulerIO = MontyDecoder().process_decoded(scheduler_type)
        return built
    from qtoolkit.io.pbs import PBSIO
    from qtoolkit.io.sge import SGEIO
    from qtoolkit.io.shell import ShellIO
    from qtoolkit.io.slurm import SlurmIO

    known = {"shell": ShellIO, "slurm": SlurmIO, "pbs": PBSIO, "sge": SGEIO}
    if scheduler_type not in known:
        raise ConfigError(
            f"unknown scheduler {scheduler_type!r}", hint=f"one of {', '.join(known)}"
        )
    scheduler: BaseSchedulerIO = known[scheduler_type]()
    return scheduler


def is_alive(process_id: str, run_dir: Path | None) -> bool:
    """Whether a shell job runs: its process is there, is no zombie, and is the one we started."""
    stat = _process_stat(process_id)
    if stat is None or stat[0] in ("Z", "X"):
        return False
    started = _recorded_start(run_dir)
    return started in (None, stat[1])


def _process_stat(process_id: str) -> tuple[str, str] | None:
    """Return (state letter, start time) of a process."""
    try:
        text = Path(f"/proc/{int(process_id)}/stat").read_text()
    except (OSError, ValueError):
        return None
    fields = text.rpartition(")")[2].split()
    return fields[0], fields[19]


def _recorded_start(run_dir: Path | None) -> str | None:
    if run_dir is None:
        return None
    try:
        words = (run_dir / _STARTED).read_text().split()
    except OSError:
        return None
    return words[1] if len(words) > 1 else None


def _end_session(process_id: str, run_dir: Path | None) -> None:
    if not is_alive(process_id, run_dir):
        return
    with suppress(ProcessLookupError):
        os.killpg(int(process_id), signal.SIGTERM)
        deadline = time.monotonic() + _GRACE
        while time.monotonic() < deadline and is_alive(process_id, run_dir):
            time.sleep(0.02)
        os.killpg(int(process_id), signal.SIGKILL)
