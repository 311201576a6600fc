"""Submit, poll and cancel jobs.

Submitting is a crash-only step. The script creates ``jfr_started`` before it does anything, and a
second start ends at once; so submitting again after a crash never runs a job twice, and the id to
record is always the one in that file, where the queue is the shell, or the first answer of the
queue, which the submitting shell itself saves in ``jfr_submitted``. Both files are looked up
before anything is submitted.

A job whose submission nobody has written down can be withdrawn all the same. Whoever submits
makes a mark and then looks for ``jfr_withdrawn``; whoever withdraws creates that file and then
looks for the mark. So one of the two sees the other, whichever of them dies. The mark is
``jfr_submitting`` where a queue is asked, and ``jfr_started`` in the script itself.

An upload removes all these files.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.errors import ConfigError, RemoteError
from controller.schedulers.processes import end_process, is_alive

if TYPE_CHECKING:
    from qtoolkit.io.base import BaseSchedulerIO

    from controller.hosts.base import Host

_STARTED, _SUBMITTED, _EXIT = "jfr_started", "jfr_submitted", "jfr_exit"
_SUBMITTING, _WITHDRAWN = "jfr_submitting", "jfr_withdrawn"
_SCRIPT = "submit.sh"
_START_DEADLINE = 20.0
"""Seconds within which a shell job has to say that it started."""
_WAS_WITHDRAWN = 76
"""Exit status of a shell that found that it must not submit."""
_SETTLE = 0.5
"""Seconds that a process may take between creating its start file and writing into it."""


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
            The queue refused it, gave an answer without an id (``no_retry``: it may run), or the
            job was withdrawn (``no_retry``).
        """
        found = self.earlier_submission(run_dir)
        if found is not None:
            return found
        self._host.write_bytes(run_dir / _SCRIPT, script.encode())
        return self._start_shell(run_dir) if self.is_shell else self._submit(run_dir)

    def _start_shell(self, run_dir: Path) -> str:
        # A session of its own: stopping the job stops everything that it started. Its logs are
        # queue.out and queue.err, which the script opens after its guard.
        command = f"setsid nohup bash {_SCRIPT} >> stdout 2>> stderr < /dev/null & echo $!"
        result = self._host.execute(command, run_dir)
        if result.returncode:
            raise RemoteError(f"the job could not be started: {result.stderr.strip()}")
        launched = result.stdout.strip()
        deadline = time.monotonic() + _START_DEADLINE
        while time.monotonic() < deadline:
            ended = not is_alive(launched, None)
            found = self.earlier_submission(run_dir)
            if found is not None:
                return found
            if ended:
                break
            time.sleep(0.005)
        raise RemoteError(f"the job did not start: {self._launch_error(run_dir)}")

    def _launch_error(self, run_dir: Path) -> str:
        try:
            lines = self._host.read_bytes(run_dir / "stderr").decode(errors="replace").split("\n")
        except FileNotFoundError:
            lines = []
        said = [line for line in lines if line.strip() and not line.startswith("nohup:")]
        return said[-1] if said else f"nothing is known of it in {run_dir}"

    def _submit(self, run_dir: Path) -> str:
        from qtoolkit.core.data_objects import SubmissionStatus

        command = self.scheduler.get_submit_cmd(_SCRIPT)
        saved = f"{command} > .{_SUBMITTED} 2> .submit_err && mv .{_SUBMITTED} {_SUBMITTED}"
        done = self._host.execute(
            f": > {_SUBMITTING} || exit 1; "
            f"if [ -e {_WITHDRAWN} ]; then rm -f {_SUBMITTING}; exit {_WAS_WITHDRAWN}; fi; "
            f"{saved}; rc=$?; rm -f {_SUBMITTING}; "
            f"cat {_SUBMITTED} .{_SUBMITTED} 2>/dev/null; cat .submit_err >&2; exit $rc",
            run_dir,
        )
        if done.returncode == _WAS_WITHDRAWN and self._host.exists(run_dir / _WITHDRAWN):
            raise RemoteError(
                "the job was withdrawn while it was submitted", True, hint="it can be rerun"
            )
        answer = self.scheduler.parse_submit_output(done.returncode, done.stdout, done.stderr)
        if answer.status == SubmissionStatus.SUCCESSFUL and answer.job_id:
            return str(answer.job_id)
        text = (done.stderr or done.stdout).strip()
        if answer.status == SubmissionStatus.FAILED:
            raise RemoteError(f"the queue refused the job: {text}")
        raise RemoteError(f"the queue took the job but gave no id: {text}", no_retry=True)

    def earlier_submission(self, run_dir: Path) -> str | None:
        """Return the id that a run directory says its job has in the queue, None if none."""
        if not self.is_shell:
            with suppress(FileNotFoundError):
                text = self._host.read_bytes(run_dir / _SUBMITTED).decode()
                answer = self.scheduler.parse_submit_output(0, text, "")
                return str(answer.job_id) if answer.job_id else None
        with suppress(FileNotFoundError):
            words = self._host.read_bytes(run_dir / _STARTED).decode().split()
            return words[0] if words else self._wait_for_start(run_dir)
        return None

    def _wait_for_start(self, run_dir: Path) -> str | None:
        """Give a script time to write into the start file it made; remove that of a dead one."""
        deadline = time.monotonic() + _SETTLE
        while time.monotonic() < deadline:
            words = self._host.read_bytes(run_dir / _STARTED).decode().split()
            if words:
                return words[0]
            time.sleep(0.02)
        self._host.remove(run_dir / _STARTED)
        return None

    def withdraw(self, run_dir: Path) -> bool:
        """Let nothing be submitted from a run directory any more.

        Returns
        -------
        bool
            Whether that is so; False while a submission is under way: ask again.

        Raises
        ------
        RemoteError
            The folder cannot be written.
        """
        try:
            done = self._host.execute(f": > {_WITHDRAWN} && ! [ -e {_SUBMITTING} ]", run_dir)
        except FileNotFoundError:
            return True  # there is nothing to submit
        if done.stderr:
            raise RemoteError(f"{run_dir} cannot be withdrawn: {done.stderr.strip()}")
        return done.returncode == 0

    def forget_submission(self, run_dir: Path) -> None:
        """Make a run directory ready for a new submission."""
        for name in (_STARTED, _SUBMITTED, _SUBMITTING, _WITHDRAWN, _EXIT):
            self._host.remove(run_dir / name)

    def poll(self, jobs: Iterable[tuple[str, Path | None]]) -> list[QueuedJob]:
        """Ask for the states of jobs, in one listing.

        Parameters
        ----------
        jobs
            (id in the queue, run directory) pairs.

        Returns
        -------
        list
            One for each pair, in their order: two jobs may have had one process id after the
            other. A job that the queue no longer lists has the state None.

        Raises
        ------
        RemoteError
            The listing failed: nothing is known.
        """
        from qtoolkit.core.exceptions import QTKError

        wanted = list(jobs)
        if self.is_shell:
            return [
                QueuedJob(pid, "RUNNING" if is_alive(pid, _start_of(run_dir)) else None)
                for pid, run_dir in wanted
            ]
        if not wanted:
            return []
        ids = list(dict.fromkeys(pid for pid, _ in wanted))
        command = self.scheduler.get_jobs_list_cmd(None if self._username else ids, self._username)
        done = self._host.execute(command)
        try:
            listed = self.scheduler.parse_jobs_list_output(
                done.returncode, done.stdout, done.stderr
            )
        except (QTKError, ValueError, LookupError, AttributeError, TypeError) as error:
            # The parsers trust their input: a cut-off answer says nothing of any job.
            raise RemoteError(f"the queue's listing cannot be read: {error}") from error
        states = {str(j.job_id): j.state.value if j.state else None for j in listed or []}
        return [QueuedJob(pid, states.get(pid)) for pid, _ in wanted]

    def cancel(self, process_id: str, run_dir: Path | None = None) -> None:
        """End a job with everything that it started; one that has ended is fine.

        Raises
        ------
        RemoteError
            The queue refused.
        """
        if self.is_shell:
            end_process(process_id, _start_of(run_dir))
            return
        done = self._host.execute(self.scheduler.get_cancel_cmd(process_id))
        if done.returncode and self._is_listed(process_id):
            raise RemoteError(f"the queue did not cancel {process_id}: {done.stderr.strip()}")

    def _is_listed(self, process_id: str) -> bool:
        """Whether the queue may still hold a job; yes when it does not answer."""
        try:
            state = self.poll([(process_id, None)])[0].state
        except RemoteError:
            return True
        return state not in (None, "DONE", "FAILED")


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


def _start_of(run_dir: Path | None) -> str | None:
    """Return the start time that a shell job wrote down; None where nothing is known."""
    if run_dir is None:
        return None
    try:
        words = (run_dir / _STARTED).read_text().split()
    except OSError:
        return None
    return words[1] if len(words) > 1 else None
