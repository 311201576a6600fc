"""Asking a queue about its jobs, and finding out whether missing ones have ended."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from controller.errors import QueueBusyError, RemoteError
from controller.identity import Liveness
from controller.schedulers import remote_processes
from controller.schedulers.attempts import Attempts
from controller.schedulers.dialects import dialect_of
from controller.schedulers.listings import Listed, Listing, Missing, read_slurm, slurm_command
from controller.schedulers.processes import EXIT, complete_identity, job_liveness
from controller.schedulers.queued_jobs import ENDED_STATES, UNSEEN, QueuedJob, Submission
from controller.schedulers.refusals import why_not_now
from controller.schedulers.start import STARTED, parse_start
from controller.schedulers.submissions import SCRIPT

if TYPE_CHECKING:
    from controller.hosts.base import Host

_STATES = {
    Liveness.ALIVE: "RUNNING",
    Liveness.ENDED: None,
    Liveness.UNKNOWN: UNSEEN,
}


class QueueStates(Attempts):
    """The states of a queue's jobs; parameters and attributes as of `Queue`."""

    def __init__(
        self, scheduler_type: str | dict[str, Any], host: Host, username: str | None = None
    ) -> None:
        super().__init__(scheduler_type, host)
        self._username = username
        # A scheduler class written by a user may have its own way of listing.
        self._is_slurm = not self.is_shell and type(self.scheduler).__name__ == "SlurmIO"
        self._missing = Missing()

    def find_by_token(self, token: str | None) -> list[str]:
        """Return the ids of the submissions of an attempt that are in the queue.

        Raises
        ------
        QueueBusyError
            The queue did not answer: it is not known.
        """
        dialect = dialect_of(self.scheduler)
        if not token or not dialect.listing:
            return []
        done = self._host.execute(dialect.listing)
        if done.returncode:
            said = " ".join(done.stderr.split()) or "its listing failed"
            raise QueueBusyError(why_not_now(said) or f"it does not list its jobs: {said}")
        return dialect.find(done.stdout, token)

    def poll(self, jobs: Iterable[tuple[Any, ...]]) -> list[QueuedJob]:
        """Ask for the states of jobs, in one listing.

        Parameters
        ----------
        jobs
            The fields of a `Submission` for each job; (id in the queue, run directory) is enough.

        Returns
        -------
        list
            One for each job, in the same order: two jobs may have had the same process id at
            different times. A job that the queue no longer lists has the state None; one about
            which nothing is known, `UNSEEN`.

        Raises
        ------
        RemoteError
            The listing failed: nothing is known.
        """
        wanted = [Submission(*job) for job in jobs]
        if self.is_shell and not self._host.is_local:
            alive = remote_processes.are_alive(self._host, wanted)
            return [
                QueuedJob(job.process_id, "RUNNING" if lives else None)
                for job, lives in zip(wanted, alive)
            ]
        if self.is_shell:
            return [self._look_at_process(job) for job in wanted]
        if not wanted:
            return []
        listing = self._listing([job.process_id for job in wanted])
        found = [
            _as_queued(job.process_id, listing.find(job.process_id, job.token)) for job in wanted
        ]
        left = [n for n, queued in enumerate(found) if queued.state is None]
        others = self._other_submissions({n: wanted[n] for n in left})
        if others:
            # A second submission of the attempt ended at its guard: the first one counts.
            if not self._is_slurm:
                listing = self._listing(list(others.values()))
            for n, other in others.items():
                found[n] = _as_queued(other, listing.find(other))
        return found

    def check(self) -> None:
        """Check that jobs can be submitted and listed, without submitting one.

        Raises
        ------
        RemoteError
            A command of the queue is missing, or its listing fails.
        """
        if self.is_shell:
            return
        words = (w for w in self.scheduler.get_submit_cmd(SCRIPT).split() if "=" not in w)
        program = next(words)
        if self._host.execute(f"command -v {shlex.quote(program)}").returncode:
            raise RemoteError(f"the command {program!r} of the queue is not found")
        dialect = dialect_of(self.scheduler)
        if self._username or not dialect.listing:
            self._listing([])
            return
        done = self._host.execute(dialect.listing)
        if done.returncode:
            text = (done.stderr or done.stdout).strip()
            raise RemoteError(f"the queue cannot be listed: {text}")

    def confirm_ends(
        self, jobs: Sequence[Submission], found: Sequence[QueuedJob]
    ) -> list[QueuedJob]:
        """Find out whether jobs that are missing from a listing have ended.

        A queue may fail to list a job for a moment. A missing job has ended if its exit file or the
        accounting says so, or if it has been missing for a while.

        Parameters
        ----------
        jobs, found
            The arguments of `poll`, and its answers.

        Returns
        -------
        list
            The answers; a job that may still be running is `UNSEEN`.
        """
        if self.is_shell:
            return list(found)
        missing = {n for n, queued in enumerate(found) if queued.state is None}
        over = self._missing.settle({q.process_id: n in missing for n, q in enumerate(found)})
        open_ends = {n for n in missing if found[n].process_id not in over}
        if not open_ends:
            return list(found)
        exits = {n: folder / EXIT for n in open_ends if (folder := jobs[n].run_dir) is not None}
        there = self._host.read_files(list(exits.values()))
        open_ends -= {n for n, path in exits.items() if path in there}
        told = self._accounted([found[n].process_id for n in open_ends])
        answers = list(found)
        for n in open_ends:
            known = told.get(found[n].process_id)
            answers[n] = (
                _as_queued(found[n].process_id, known) if known else found[n]._replace(state=UNSEEN)
            )
        return answers

    def _accounted(self, process_ids: Sequence[str]) -> Mapping[str, Listed]:
        """Return the entries of jobs in the accounting; none if there is no accounting."""
        dialect = dialect_of(self.scheduler)
        if not process_ids or dialect.accounting is None:
            return {}
        done = self._host.execute(dialect.accounting(process_ids))
        return dialect.read_accounting(done.stdout) if done.returncode == 0 else {}

    def _other_submissions(self, jobs: Mapping[int, Submission]) -> dict[int, str]:
        """Return the ids under which jobs run, if they differ from the recorded ones."""
        files = {n: job.run_dir / STARTED for n, job in jobs.items() if job.run_dir is not None}
        try:
            said = self._host.read_files(list(files.values())) if files else {}
        except RemoteError:
            return {}
        found = {}
        for n, path in files.items():
            start = parse_start(said.get(path, b"").decode(errors="replace"))
            if start is None or not start.is_of(jobs[n].token):
                continue
            if start.process_id != jobs[n].process_id:
                found[n] = start.process_id
        return found

    def _listing(self, process_ids: Iterable[str]) -> Listing:
        """Return the jobs that the queue lists, including at least these ids."""
        if not self._is_slurm:
            states = self._listed(process_ids)
            return Listing(Listed(*known) for known in states.items())
        done = self._host.execute(slurm_command(self._username))
        said = " ".join(done.stderr.split())
        if done.returncode:
            raise RemoteError(f"the queue's listing failed: {said or 'no error message'}")
        try:
            return Listing(read_slurm(done.stdout))
        except ValueError as error:
            raise RemoteError(f"the queue's listing cannot be read: {error}") from error

    def _listed(self, process_ids: Iterable[str]) -> dict[str, str | None]:
        """Return {id: state} of the jobs in the queue, at least of these ids, from qtoolkit."""
        from qtoolkit.core.exceptions import QTKError

        ids = list(dict.fromkeys(process_ids))
        asked = None if self._username else ids
        try:
            command = self.scheduler.get_jobs_list_cmd(asked, self._username)
        except QTKError as error:
            raise RemoteError(f"the queue cannot be queried about its jobs: {error}") from error
        done = self._host.execute(command)
        said = dialect_of(self.scheduler).tidy(done.stdout)
        try:
            listed = self.scheduler.parse_jobs_list_output(done.returncode, said, done.stderr)
        except (QTKError, ValueError, LookupError, AttributeError, TypeError) as error:
            # The parsers trust their input: a truncated answer says nothing about any job.
            if done.returncode == 0 and (known := dialect_of(self.scheduler).states(said)):
                return dict(known)
            raise RemoteError(f"the queue's listing cannot be read: {error}") from error
        return {str(j.job_id): j.state.value if j.state else None for j in listed or []}

    def _look_at_process(self, job: Submission) -> QueuedJob:
        known = self._process_of(job)
        state = _STATES[job_liveness(known, job.run_dir)]
        if state == UNSEEN and job.run_dir is not None and self._host.exists(job.run_dir / EXIT):
            state = None  # its script has recorded its end
        process = known if state == "RUNNING" and known.get("start_time") else None
        return QueuedJob(job.process_id, state, process)

    def _process_of(self, job: Submission) -> Mapping[str, Any]:
        """Return the data on the process of a shell job, at least its process id."""
        if job.process and str(job.process.get("pid")) == job.process_id:
            return job.process
        if job.run_dir is not None:
            with suppress(RemoteError):
                start = self.start_of(job.run_dir)
                if start is not None and start.process_id == job.process_id:
                    known = complete_identity(start.identity, job.run_dir)
                    return known or start.identity
        return {"pid": job.process_id}

    def _is_listed(self, process_id: str) -> bool:
        """Whether a job may still be in the queue; also true if the queue does not answer."""
        try:
            state = self.poll([(process_id, None)])[0].state
        except RemoteError:
            return True
        return state not in ENDED_STATES


def _as_queued(process_id: str, listed: Listed | None) -> QueuedJob:
    """Return the entry of a job in a listing as the answer to a query about it."""
    if listed is None:
        return QueuedJob(process_id, None)
    return QueuedJob(listed.process_id, listed.state, None, listed.word, listed.reason)
