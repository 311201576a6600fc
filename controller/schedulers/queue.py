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
there is a second file, ``jfr_withdrawn.TOKEN``, which is for this attempt wherever it lies.

Submitting and withdrawing leave a folder alone that belongs to another attempt by now, whatever
the process that wanted it has missed meanwhile (``controller.hosts.ownership``).

An upload removes all these files, and leaves ``jfr_attempt``, which names the present attempt:
what an earlier one left in a queue then ends as soon as it starts.
"""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from controller.errors import ConfigError, OtherAttemptError, QueueBusyError, RemoteError
from controller.hosts.base import CommandResult, Exchange
from controller.hosts.bundles import run_pieces
from controller.hosts.ownership import (
    Claim,
    Found,
    LeftAlone,
    claim_folder,
    claim_folders,
    claim_pieces,
    refusal_lines,
    was_refused,
)
from controller.identity import Liveness
from controller.schedulers import remote_processes, submissions
from controller.schedulers.dialects import dialect_of
from controller.schedulers.listings import (
    Listed,
    Listing,
    Missing,
    read_slurm,
    slurm_command,
)
from controller.schedulers.processes import (
    EXIT,
    complete_identity,
    end_process,
    is_over,
    job_liveness,
)
from controller.schedulers.refusals import why_not_now
from controller.schedulers.start import ATTEMPT, STARTED, WITHDRAWN, Start, is_token, parse_start
from controller.schedulers.submissions import LAUNCH, SCRIPT, SUBMITTED, SUBMITTING, WAS_WITHDRAWN

if TYPE_CHECKING:
    from qtoolkit.io.base import BaseSchedulerIO

    from controller.hosts.base import Host

_SUBMITTED, _SUBMITTING, _SCRIPT = SUBMITTED, SUBMITTING, SCRIPT
_EXIT = EXIT
_OF_AN_ATTEMPT = (*(f".{_SCRIPT}.*", STARTED, _SUBMITTED, _SUBMITTING, WITHDRAWN, _EXIT, _SCRIPT),)
"""Files that a new attempt removes. First the script of an earlier attempt that is not in its place
yet: a shell that has found the folder its own, and was then stopped for a while, has nothing to put
there when it goes on; what it put there before is removed as the last."""
_HAS_BEGUN = LeftAlone(STARTED, _EXIT, WITHDRAWN)
"""Where a folder is not made ready: something runs there, or the attempt
was withdrawn before."""
_NO_FOLDER = 79
_START_DEADLINE = 20.0
"""Seconds within which a shell job has to say that it started."""
_SETTLE = 0.5
"""Seconds that a process may take between creating its start file and writing into it."""
ENDED_STATES = (None, "DONE", "FAILED")
"""States of jobs that have left the queue."""
UNSEEN = "UNDETERMINED"
"""State of a job of which the queue cannot tell: it may run, and it may have ended."""
_ID = re.compile(r"\S+")
_ID_OF_QUEUES = re.compile(r"\d[\w.\[\]-]*")
"""Ids of Slurm, PBS and SGE: a number, for arrays with brackets, for PBS with the server."""


class Submission(NamedTuple):
    """A job that was submitted.

    Attributes
    ----------
    process_id
        Its id in the queue.
    run_dir
        Its run directory.
    token
        That of the attempt.
    process
        What is known of its process, where the queue is the shell: see
        `controller.identity.liveness`.
    """

    process_id: str
    run_dir: Path | None = None
    token: str | None = None
    process: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, job: Mapping[str, Any]) -> Submission:
        """Return that of a job document."""
        remote = job.get("remote") or {}
        return cls(
            process_id=str(remote.get("process_id")),
            run_dir=Path(job["run_dir"]) if job.get("run_dir") else None,
            token=remote.get("submission_token"),
            process=remote.get("process"),
        )


class QueuedJob(NamedTuple):
    """A job as its queue sees it.

    Attributes
    ----------
    process_id
        Its id; not the one that was asked for where another submission of the attempt is the one
        that runs.
    state
        Name of qtoolkit's QState: QUEUED, RUNNING, DONE, FAILED and so on; None for a job that
        the queue does not list any more.
    process
        See `Submission`.
    word, reason
        The queue's own word for the state, and why the job waits, where the queue tells.
    """

    process_id: str
    state: str | None
    process: Mapping[str, Any] | None = None
    word: str | None = None
    reason: str | None = None


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

    Attributes
    ----------
    is_shell
        Whether jobs are processes that a shell starts.
    is_watched
        Whether they are so on this machine, where their end is noticed by itself.
    """

    def __init__(
        self, scheduler_type: str | dict[str, Any], host: Host, username: str | None = None
    ) -> None:
        self._host, self._username = host, username
        self.is_shell = scheduler_type == "shell"
        self.is_watched = self.is_shell and host.is_local
        self._scheduler_type = scheduler_type
        # One of the user's own classes may list in a way of its own.
        self._is_slurm = not self.is_shell and type(self.scheduler).__name__ == "SlurmIO"
        self._missing = Missing()

    @cached_property
    def scheduler(self) -> BaseSchedulerIO:
        """Qtoolkit's object for the scheduler: jobs in warm processes do without importing it."""
        return build_scheduler(self._scheduler_type)

    def submit(self, run_dir: Path, script: str, token: str = "") -> str:
        """Submit a script, unless it was submitted before, and return its id in the queue.

        Parameters
        ----------
        token
            That of the attempt, which the script holds.

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
        """Return the id of what was submitted of an attempt; None if nothing was.

        Raises
        ------
        QueueBusyError
            The queue does not report whether it has the job.
        """
        found = self.earlier_submission(run_dir, token)
        if found is not None:
            return found
        was_tried = not self.is_shell and token and self._host.exists(run_dir / _SCRIPT)
        if was_tried and (ids := self.find_by_token(token)):
            return ids[0]  # no answer was heard of it
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
            Of each its id in the queue, and where the queue is the shell what its start file says;
            or the error; or None where `submit` has to look closer: nothing was submitted.

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

        The database has to name the attempts before, so that another process finds them.

        Parameters
        ----------
        jobs
            Of each what `begin_attempt` takes, and its script: (run directory, token, put,
            before, script).

        Returns
        -------
        list
            As of `submit_many`; None also where the folder was not made ready.

        Raises
        ------
        RemoteError
            The host refused; what was done is not known.
        """
        claims = self._claims([job[:4] for job in jobs])
        made = claim_pieces(claims, forget=_OF_AN_ATTEMPT, unless=_HAS_BEGUN)
        scripts = [(run_dir, script, token) for run_dir, token, _, _, script in jobs]
        scheduler = None if self.is_shell else self.scheduler
        return submissions.submit_many(self._host, scripts, scheduler, self._id_in, made)

    def is_uploaded(self, run_dir: Path, token: str) -> bool:
        """Whether a run directory is ready for the submission of an attempt."""
        there = f"cd {shlex.quote(str(run_dir))} 2>/dev/null || exit 1"
        present = f'{{ read -r jfr_a < {ATTEMPT}; }} 2>/dev/null; [ "$jfr_a" = {token} ] || exit 1'
        lines = [there, present, submissions.upload_check(token, 1)]
        return self._host.execute("\n".join(lines)).returncode == 0

    def _begin(self, run_dir: Path, script: str, token: str, command: str) -> CommandResult:
        """Put a script into a run directory and start it, unless another attempt has the folder.

        A process may have been stopped for a minute before this: so the shell that starts the
        script looks whose the folder is, and only then gives it its name.
        """
        staged = f".{_SCRIPT}.{token or 'new'}"
        refusal = refusal_lines(token, drop=[staged])
        lines = f"{refusal}token={token}; mv -f ./{staged} ./{_SCRIPT} || exit 1\n{command}"
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
            # Another machine has waited for the start, as long as its process lived.
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

    def _id_in(self, answer: str) -> str | None:
        """Return the id in what a queue answered to a submission; None where it is unreadable.

        A job can overwrite the file that holds the answer, and sites print words around it; the
        parsers raise then, or take all of it for the id.
        """
        try:
            parsed = self.scheduler.parse_submit_output(0, answer, "")
        except Exception:  # noqa: BLE001 (parsers may be the users' own)
            return None
        found = str(parsed.job_id or "").strip()
        pattern = _ID_OF_QUEUES if dialect_of(self.scheduler).listing else _ID
        return found if pattern.fullmatch(found) else None

    def find_by_token(self, token: str | None) -> list[str]:
        """Return the ids of what the queue holds of an attempt.

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

    def earlier_submission(self, run_dir: Path, token: str | None = None) -> str | None:
        """Return the id that a run directory says its job has in the queue, None if none."""
        return next(iter(self.earlier_submissions(run_dir, token)), None)

    def earlier_submissions(self, run_dir: Path, token: str | None = None) -> list[str]:
        """Return all ids that a run directory knows: that of the start file is the one that runs.

        Parameters
        ----------
        token
            That of the attempt: a start file of another one says nothing.
        """
        start = self.start_of(run_dir)
        found = [start.process_id] if start is not None and start.is_of(token) else []
        if not self.is_shell:
            with suppress(FileNotFoundError):
                text = self._host.read_bytes(run_dir / _SUBMITTED).decode(errors="replace")
                submitted = self._id_in(text)
                found += [submitted] if submitted else []
        return list(dict.fromkeys(found))

    def start_of(self, run_dir: Path) -> Start | None:
        """Return what a start file says; None where there is none.

        A script has some time to write into the one it made; that of a dead one is removed.
        """
        deadline = time.monotonic() + _SETTLE
        while True:
            try:
                text = self._host.read_bytes(run_dir / STARTED).decode(errors="replace")
            except FileNotFoundError:
                return None
            start = parse_start(text)
            if start is not None:
                return start
            if time.monotonic() >= deadline:
                # Unless it has a content by now, which may be that of a later attempt.
                self._host.execute(f"[ -s {STARTED} ] || rm -f {STARTED}", run_dir)
                return None
            time.sleep(0.02)

    def identify(self, run_dir: Path) -> dict[str, Any] | None:
        """Return what is to be stored of a job's process; None where the queue is not the shell."""
        start = self.start_of(run_dir) if self.is_shell else None
        if start is not None and self._host.is_local:
            return complete_identity(start.identity, run_dir)
        return self.identity_of(start)

    def identity_of(self, start: Start | None) -> dict[str, Any] | None:
        """Return what is to be stored of a process of another machine; None where none is known."""
        return None if start is None else {**start.identity, "host": self._host.name}

    def withdraw(self, run_dir: Path, token: str | None = None) -> bool:
        """Let nothing be submitted from a run directory any more.

        Parameters
        ----------
        token
            That of the attempt: a folder that belongs to another one by now is left alone.

        Returns
        -------
        bool
            Whether that is so; False while a submission is under way: ask again.

        Raises
        ------
        RemoteError
            The folder cannot be written.
        """
        # The folder may be about to be made: what is submitted with the upload sees the mark, too.
        folder = shlex.quote(str(run_dir))
        make = f"mkdir -p {folder} 2>/dev/null\n" if token else ""
        mark = f": > {submissions.withdrawn_mark(token)} || exit 1\n" if token else ""
        done = self._host.execute(
            f"umask 077\n{make}cd {folder} 2>/dev/null || exit {_NO_FOLDER}\n{mark}"
            f"{refusal_lines(token or '')}: > {WITHDRAWN} && ! [ -e {_SUBMITTING} ]"
        )
        if done.returncode == _NO_FOLDER:
            return True  # there is nothing to submit
        if was_refused(done):
            return True  # nor can the attempt be submitted any more
        if done.stderr:
            raise RemoteError(f"{run_dir} cannot be withdrawn: {done.stderr.strip()}")
        return done.returncode == 0

    def begin_attempts(
        self, attempts: Sequence[tuple[Path, str, Mapping[str, bytes], str | None]]
    ) -> list[bool]:
        """Make run directories ready for new submissions, in one round trip.

        Parameters
        ----------
        attempts
            Of each what `begin_attempt` takes: (run directory, token, put, before).

        Returns
        -------
        list of bool
            Whether each is ready. Nothing was changed where it is not: something has begun there,
            or the folder is another attempt's.
        """
        claims = self._claims(attempts)
        return claim_folders(self._host, claims, forget=_OF_AN_ATTEMPT, unless=_HAS_BEGUN)

    def _claims(
        self, attempts: Sequence[tuple[Path, str, Mapping[str, bytes], str | None]]
    ) -> list[Claim]:
        return [
            Claim(run_dir, token, before, {ATTEMPT: f"{token}\n".encode(), **put})
            for run_dir, token, put, before in attempts
        ]

    def begin_attempt(
        self,
        run_dir: Path,
        token: str,
        *,
        put: Mapping[str, bytes] | None = None,
        before: str | None = None,
    ) -> Found | None:
        """Make a run directory ready for a new submission; what earlier ones left is outdated.

        Parameters
        ----------
        put
            {name: content} of the files that the attempt needs.
        before
            Token of the attempt that the folder should belong to.

        Returns
        -------
        Found
            Whose the folder is instead: nothing was changed. None when all is done.
        """
        if not is_token(token):
            raise RemoteError(f"invalid token of an attempt: {token!r}", no_retry=True)
        files = {ATTEMPT: f"{token}\n".encode(), **(put or {})}
        return claim_folder(self._host, run_dir, token, before, forget=_OF_AN_ATTEMPT, put=files)

    def poll(self, jobs: Iterable[tuple[Any, ...]]) -> list[QueuedJob]:
        """Ask for the states of jobs, in one listing.

        Parameters
        ----------
        jobs
            Of each what `Submission` holds; (id in the queue, run directory) is enough.

        Returns
        -------
        list
            One for each, in their order: two jobs may have had one process id after the other. A
            job that the queue no longer lists has the state None; one of which nothing can be
            told, `UNSEEN`.

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
            # A second submission of the attempt ended at its guard: the first is the one.
            if not self._is_slurm:
                listing = self._listing(list(others.values()))
            for n, other in others.items():
                found[n] = _as_queued(other, listing.find(other))
        return found

    def check(self) -> None:
        """Make sure that jobs can be submitted and listed, without submitting one.

        Raises
        ------
        RemoteError
            A command of the queue is missing, or its listing fails.
        """
        if self.is_shell:
            return
        words = (w for w in self.scheduler.get_submit_cmd(_SCRIPT).split() if "=" not in w)
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
        """Look for witnesses of the end of jobs that a listing lacks.

        A queue may lose sight of a job for a while. One that is missing has ended if its exit file
        says so, or the accounting, or if it has been missing for a while.

        Parameters
        ----------
        jobs, found
            What was asked, and what `poll` has answered.

        Returns
        -------
        list
            The answers; a job that may not have ended is `UNSEEN`.
        """
        if self.is_shell:
            return list(found)
        missing = {n for n, queued in enumerate(found) if queued.state is None}
        over = self._missing.settle({q.process_id: n in missing for n, q in enumerate(found)})
        open_ends = {n for n in missing if found[n].process_id not in over}
        if not open_ends:
            return list(found)
        exits = {n: folder / _EXIT for n in open_ends if (folder := jobs[n].run_dir) is not None}
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
        """Return what the accounting knows of jobs; nothing where there is none."""
        dialect = dialect_of(self.scheduler)
        if not process_ids or dialect.accounting is None:
            return {}
        done = self._host.execute(dialect.accounting(process_ids))
        return dialect.read_accounting(done.stdout) if done.returncode == 0 else {}

    def _other_submissions(self, jobs: Mapping[int, Submission]) -> dict[int, str]:
        """Return the ids by which jobs run, where they are not those that were recorded."""
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
        """Return what the queue lists, of these ids at least."""
        if not self._is_slurm:
            states = self._listed(process_ids)
            return Listing(Listed(*known) for known in states.items())
        done = self._host.execute(slurm_command(self._username))
        said = " ".join(done.stderr.split())
        if done.returncode:
            raise RemoteError(f"the queue's listing failed: {said or 'nothing was said'}")
        try:
            return Listing(read_slurm(done.stdout))
        except ValueError as error:
            raise RemoteError(f"the queue's listing cannot be read: {error}") from error

    def _listed(self, process_ids: Iterable[str]) -> dict[str, str | None]:
        """Return {id: state} of what the queue lists, of these ids at least, through qtoolkit."""
        from qtoolkit.core.exceptions import QTKError

        ids = list(dict.fromkeys(process_ids))
        asked = None if self._username else ids
        try:
            command = self.scheduler.get_jobs_list_cmd(asked, self._username)
        except QTKError as error:
            raise RemoteError(f"the queue cannot be asked about its jobs: {error}") from error
        done = self._host.execute(command)
        said = dialect_of(self.scheduler).tidy(done.stdout)
        try:
            listed = self.scheduler.parse_jobs_list_output(done.returncode, said, done.stderr)
        except (QTKError, ValueError, LookupError, AttributeError, TypeError) as error:
            # The parsers trust their input: a cut-off answer says nothing of any job.
            if done.returncode == 0 and (known := dialect_of(self.scheduler).states(said)):
                return dict(known)
            raise RemoteError(f"the queue's listing cannot be read: {error}") from error
        return {str(j.job_id): j.state.value if j.state else None for j in listed or []}

    def _look_at_process(self, job: Submission) -> QueuedJob:
        known = self._process_of(job)
        state = _STATES[job_liveness(known, job.run_dir)]
        if state == UNSEEN and job.run_dir is not None and self._host.exists(job.run_dir / _EXIT):
            state = None  # its script says that it is done
        process = known if state == "RUNNING" and known.get("start_time") else None
        return QueuedJob(job.process_id, state, process)

    def _process_of(self, job: Submission) -> Mapping[str, Any]:
        """Return what is known of the process of a shell job, at least its number."""
        if job.process and str(job.process.get("pid")) == job.process_id:
            return job.process
        if job.run_dir is not None:
            with suppress(RemoteError):
                start = self.start_of(job.run_dir)
                if start is not None and start.process_id == job.process_id:
                    known = complete_identity(start.identity, job.run_dir)
                    return known or start.identity
        return {"pid": job.process_id}

    def cancel(
        self,
        process_id: str,
        run_dir: Path | None = None,
        process: Mapping[str, Any] | None = None,
    ) -> None:
        """End a job with everything that it started; one that has ended is fine.

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
            if not command or not _ID_OF_QUEUES.fullmatch(process_id):
                raise
            return f"{command} {shlex.quote(process_id)}"

    def cancel_many(self, jobs: Sequence[Submission]) -> list[bool]:
        """Cancel jobs of a queue other than the shell, in few round trips.

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
        run_pieces(self._host, list(commands))  # of one that has ended it is an error
        return [queued.state in ENDED_STATES for queued in self.poll(jobs)]

    def submissions_of(self, jobs: Sequence[Submission]) -> list[list[str]]:
        """Return the ids that the run directories of jobs know, in one round trip.

        Parameters
        ----------
        jobs
            With their run directories; see `earlier_submissions`.
        """
        folders = {job.run_dir for job in jobs if job.run_dir is not None}
        names = (STARTED, _SUBMITTED)
        read = self._host.read_files([folder / name for folder in folders for name in names])
        found: list[list[str]] = []
        for job in jobs:
            texts = ["", ""]
            if job.run_dir is not None:
                texts = [read.get(job.run_dir / n, b"").decode(errors="replace") for n in names]
            start, submitted = parse_start(texts[0]), self._id_in(texts[1])
            ids = [start.process_id] if start is not None and start.is_of(job.token) else []
            found.append(list(dict.fromkeys([*ids, *([submitted] if submitted else [])])))
        return found

    def end_leftover(self, run_dir: Path, confirm: Callable[[], None]) -> bool:
        """End what a run directory says has begun there, unless its script says that it is done.

        A job may have been taken for ended while it ran. What cannot be seen is not waited for.

        Parameters
        ----------
        confirm
            Asks the database whether the caller still holds the job, and raises if not: what was
            read before is then none that came later.

        Returns
        -------
        bool
            Whether nothing is known to run there any more; False where it has not ended yet.

        Raises
        ------
        RemoteError
            The queue refused, or does not answer.
        """
        start = self.start_of(run_dir)
        if start is None or self._host.exists(run_dir / _EXIT):
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

    def _is_listed(self, process_id: str) -> bool:
        """Whether the queue may still hold a job; yes when it does not answer."""
        try:
            state = self.poll([(process_id, None)])[0].state
        except RemoteError:
            return True
        return state not in ENDED_STATES


def _as_queued(process_id: str, listed: Listed | None) -> QueuedJob:
    """Return what a listing says of a job as the answer to a question about it."""
    if listed is None:
        return QueuedJob(process_id, None)
    return QueuedJob(listed.process_id, listed.state, None, listed.word, listed.reason)


_STATES = {
    Liveness.ALIVE: "RUNNING",
    Liveness.ENDED: None,
    Liveness.UNKNOWN: UNSEEN,
}


def build_scheduler(scheduler_type: str | dict[str, Any]) -> BaseSchedulerIO:
    """Return qtoolkit's object for a scheduler of the project file.

    Raises
    ------
    ConfigError
        It is not known, or its description cannot be decoded.
    """
    if isinstance(scheduler_type, dict):
        from monty.json import MontyDecoder

        name = f"{scheduler_type.get('@module')}.{scheduler_type.get('@class')}"
        try:
            built: BaseSchedulerIO = MontyDecoder().process_decoded(scheduler_type)
        except Exception as error:
            raise ConfigError(f"the scheduler {name} cannot be built: {error}") from error
        if not hasattr(built, "get_submission_script"):  # a module that is not there stays data
            raise ConfigError(
                f"the scheduler {name} cannot be found", hint="is its package installed here?"
            )
        return built
    from qtoolkit.io.pbs import PBSIO
    from qtoolkit.io.sge import SGEIO
    from qtoolkit.io.shell import ShellIO
    from qtoolkit.io.slurm import SlurmIO

    from controller.schedulers.hyperqueue import HyperQueueIO

    known: dict[str, type[BaseSchedulerIO]] = {
        "shell": ShellIO,
        "slurm": SlurmIO,
        "pbs": PBSIO,
        "sge": SGEIO,
        "hyperqueue": HyperQueueIO,
    }
    if scheduler_type not in known:
        raise ConfigError(
            f"unknown scheduler {scheduler_type!r}", hint=f"choose one of {', '.join(known)}"
        )
    scheduler: BaseSchedulerIO = known[scheduler_type]()
    return scheduler
