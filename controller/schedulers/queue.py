"""Submit, poll and cancel jobs.

Submitting is a crash-only step. Each attempt at a job has a token, which is made before anything is
submitted and stored with the job. It stands in the script, in the start file that the script
creates before it does anything (``controller.schedulers.start``), and in what the queue says of
the job (``controller.schedulers.dialects``). A second start of an attempt ends at once, so
submitting again after a crash never runs a job twice, and the id to record is always the one in
the start file or the first answer of the queue, which the submitting shell itself saves in
``jfr_submitted``. Both files are looked up before anything is submitted; where a submission was
tried and left neither, the token is looked up in the queue.

A job whose submission was not written down can be withdrawn all the same. A process that submits
makes a mark and then looks for ``jfr_withdrawn``; one that withdraws creates that file and then
looks for the mark. So one of the two sees the other, whichever of them dies. The mark is
``jfr_submitting`` where a queue is asked, and ``jfr_started`` in the script itself. The folder may
not be there yet, or be that of the attempt before, where the upload is a part of the submission: so
there is a second file, ``jfr_withdrawn.TOKEN``, which is for this attempt wherever it lies. The
removal of the folder takes that along, and a process that was stopped meanwhile might then make the
folder again: so before a removal, an empty ``.jfr_withdrawn.TOKEN`` is left beside it, and stays.

Submitting and withdrawing leave a folder alone that belongs to another attempt by now, whatever
the process that wanted it has missed meanwhile (``controller.hosts.ownership``).

An upload removes all these files, and leaves ``jfr_attempt``, which names the present attempt:
what an earlier one left in a queue then ends as soon as it starts.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from controller.errors import OtherAttemptError, RemoteError
from controller.hosts.base import CommandResult, Exchange
from controller.hosts.bundles import run_pieces
from controller.hosts.claims import claim_pieces
from controller.hosts.ownership import refusal_lines, was_refused
from controller.schedulers import remote_processes, submissions
from controller.schedulers.attempts import HAS_BEGUN, ID_OF_QUEUES, OF_AN_ATTEMPT
from controller.schedulers.dialects import dialect_of
from controller.schedulers.polling import QueueStates
from controller.schedulers.processes import EXIT, end_process, is_over
from controller.schedulers.queued_jobs import ENDED_STATES, UNSEEN, Submission
from controller.schedulers.start import WITHDRAWN, Start
from controller.schedulers.submissions import LAUNCH, SCRIPT, WAS_WITHDRAWN

_START_DEADLINE = 20.0
"""Seconds within which a shell job must report that it has started."""


class Queue(QueueStates):
    """A worker's queue.

    Parameters
    ----------
    scheduler_type
        As in the project file.
    host
        Where its commands run.
    username
        List the queue by user instead of by ids.

    Attributes
    ----------
    is_shell
        Whether jobs are processes that a shell starts.
    is_watched
        Whether they are, on this machine, where their end is noticed immediately.
    """

    def submit(self, run_dir: Path, script: str, token: str = "") -> str:
        """Submit a script, unless it was submitted before, and return its id in the queue.

        Parameters
        ----------
        token
            Token of the attempt, which the script contains.

        Raises
        ------
        RemoteError
            The queue refused it, returned no id (``no_retry``: it may run), or the job was
            withdrawn (``no_retry``).
        QueueBusyError
            It accepts no jobs at present, or does not report whether it has this one.
        OtherAttemptError
            The folder belongs to another attempt by now.
        """
        found = self.submitted_before(run_dir, token)
        if found is not None:
            return found
        submit = self._start_shell if self.is_shell else self._submit_or_find
        return submit(run_dir, script, token)

    def submitted_before(self, run_dir: Path, token: str) -> str | None:
        """Return the id of the submission of an attempt; None if nothing was submitted.

        Raises
        ------
        QueueBusyError
            The queue does not report whether it has the job.
        """
        found = self.earlier_submission(run_dir, token)
        if found is not None:
            return found
        was_tried = not self.is_shell and token and self._host.exists(run_dir / SCRIPT)
        if was_tried and (ids := self.find_by_token(token)):
            return ids[0]  # its answer was lost
        return None

    def submit_many(
        self, jobs: Sequence[tuple[Path, str, str]]
    ) -> list[tuple[str, Start | None] | Exception | None]:
        """Submit scripts of attempts that have not been submitted before, in one round trip.

        Parameters
        ----------
        jobs
            (run directory, script, token) of each.

        Returns
        -------
        list
            For each job: its id in the queue and, if the queue is the shell, the content of its
            start file; or the error; or None if nothing was submitted, because `submit` must
            look closer.

        Raises
        ------
        RemoteError, FileNotFoundError
            The host refused; nothing was submitted.
        """
        return submissions.submit_many(
            self._host, jobs, None if self.is_shell else self.scheduler, self._id_in
        )

    def send_many(
        self, jobs: Sequence[tuple[Path, str, Mapping[str, bytes], str | None, str]]
    ) -> list[tuple[str, Start | None] | Exception | None]:
        """Make run directories ready and submit from them, in one round trip.

        The attempts must be recorded in the database before, so that other processes find them.

        Parameters
        ----------
        jobs
            (run directory, token, put, before, script) of each job; see `begin_attempt`.

        Returns
        -------
        list
            As for `submit_many`; also None if the folder could not be prepared.

        Raises
        ------
        RemoteError
            The host refused; it is not known what was done.
        """
        claims = self._claims([job[:4] for job in jobs])
        made = claim_pieces(claims, forget=OF_AN_ATTEMPT, unless=HAS_BEGUN)
        scripts = [(run_dir, script, token) for run_dir, token, _, _, script in jobs]
        scheduler = None if self.is_shell else self.scheduler
        return submissions.submit_many(self._host, scripts, scheduler, self._id_in, made)

    def _begin(self, run_dir: Path, script: str, token: str, command: str) -> CommandResult:
        """Put a script into a run directory and start it, unless another attempt has the folder.

        This process may have been suspended for a minute before: so the shell that starts the
        script first checks which attempt owns the folder, and only then gives the script its name.
        """
        staged = f".{SCRIPT}.{token or 'new'}"
        refusal = refusal_lines(token, drop=[staged])
        lines = f"{refusal}token={token}; mv -f ./{staged} ./{SCRIPT} || exit 1\n{command}"
        files: dict[Path, bytes | Path] = {run_dir / staged: script.encode()}
        done = self._host.exchange(Exchange(files, lines, run_dir, make_folders=False)).result
        assert done is not None
        if was_refused(done):
            raise OtherAttemptError(f"{run_dir} belongs to another attempt: nothing was submitted")
        return done

    def _start_shell(self, run_dir: Path, script: str, token: str) -> str:
        # The logs of the job are queue.out and queue.err, which the script opens after its guard.
        local = self._host.is_local
        command = LAUNCH if local else remote_processes.launch_command(LAUNCH)
        result = self._begin(run_dir, script, token, command)
        if result.returncode:
            raise RemoteError(f"the job could not be started: {result.stderr.strip()}")
        launched = result.stdout.strip()
        deadline = time.monotonic() + _START_DEADLINE
        while time.monotonic() < deadline:
            # On another machine, the command has already waited for the start.
            ended = not local or is_over(launched)
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
        return said[-1] if said else f"there is no log in {run_dir}"

    def _submit_or_find(self, run_dir: Path, script: str, token: str) -> str:
        try:
            return self._submit(run_dir, script, token)
        except OtherAttemptError:
            raise
        except RemoteError:
            # The queue may have taken the job, and only its answer was lost.
            with suppress(RemoteError):
                if not self._host.exists(run_dir / WITHDRAWN) and (
                    ids := self.find_by_token(token)
                ):
                    return ids[0]
            raise

    def _submit(self, run_dir: Path, script: str, token: str) -> str:
        done = self._begin(run_dir, script, token, submissions.submitting_lines(self.scheduler))
        if done.returncode == WAS_WITHDRAWN and self._host.exists(run_dir / WITHDRAWN):
            raise submissions.was_withdrawn()
        return submissions.id_of(done, self._id_in)

    def cancel(
        self,
        process_id: str,
        run_dir: Path | None = None,
        process: Mapping[str, Any] | None = None,
    ) -> None:
        """End a job with all its processes; it may have ended already.

        A process that is not known for certain to be that of the job is left alone.

        Parameters
        ----------
        process
            See `Submission`.

        Raises
        ------
        RemoteError
            The queue refused.
        """
        if self.is_shell and not self._host.is_local:
            job = Submission(process_id, run_dir, process=process)
            remote_processes.end(self._host, job)
            return
        if self.is_shell:
            known = self._process_of(Submission(process_id, run_dir, process=process))
            end_process(known, run_dir)
            return
        done = self._host.execute(self._cancel_command(process_id))
        if done.returncode and self._is_listed(process_id):
            raise RemoteError(f"the queue did not cancel {process_id}: {done.stderr.strip()}")

    def _cancel_command(self, process_id: str) -> str:
        from qtoolkit.core.exceptions import QTKError

        try:
            return str(self.scheduler.get_cancel_cmd(process_id))
        except QTKError:  # it wants the name of the server in an id of PBS
            command = dialect_of(self.scheduler).cancel
            if not command or not ID_OF_QUEUES.fullmatch(process_id):
                raise
            return f"{command} {shlex.quote(process_id)}"

    def cancel_many(self, jobs: Sequence[Submission]) -> list[bool]:
        """Cancel jobs in a queue other than the shell, in few round trips.

        Returns
        -------
        list of bool
            Whether each has left the queue.

        Raises
        ------
        RemoteError
            The host refused, or the queue does not answer.
        """
        commands = dict.fromkeys(self._cancel_command(job.process_id) for job in jobs)
        run_pieces(self._host, list(commands))  # an error if the job has ended
        return [queued.state in ENDED_STATES for queued in self.poll(jobs)]

    def end_leftover(self, run_dir: Path, confirm: Callable[[], None]) -> bool:
        """End the processes that were started in a run directory, unless its script has finished.

        A job may have been taken for ended while it was running. Processes that cannot be seen are
        not waited for.

        Parameters
        ----------
        confirm
            Checks in the database that the caller still holds the job, and raises an error if not:
            what was read before then cannot belong to a later attempt.

        Returns
        -------
        bool
            Whether nothing is known to run there any more; False if a process has not ended yet.

        Raises
        ------
        RemoteError
            The queue refused, or does not answer.
        """
        start = self.start_of(run_dir)
        if start is None or self._host.exists(run_dir / EXIT):
            return True
        gone = (*ENDED_STATES, UNSEEN)
        job = Submission(start.process_id, run_dir)
        if self.is_shell and start.pid:  # in a pilot, its id is a claim
            job = Submission(start.pid, run_dir, process=start.identity)
        if self.poll([job])[0].state in gone:
            return True
        confirm()
        self.cancel(job.process_id, run_dir, job.process)
        return self.poll([job])[0].state in gone
