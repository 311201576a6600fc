"""Run directories of attempts: what was submitted from one, and which attempt owns it."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.errors import RemoteError
from controller.hosts.claims import Claim, LeftAlone, claim_folder, claim_folders
from controller.hosts.ownership import Found, refusal_lines, was_refused
from controller.schedulers import submissions
from controller.schedulers.building import build_scheduler
from controller.schedulers.dialects import dialect_of
from controller.schedulers.processes import EXIT, complete_identity
from controller.schedulers.queued_jobs import Submission
from controller.schedulers.start import ATTEMPT, STARTED, WITHDRAWN, Start, is_token, parse_start
from controller.schedulers.submissions import SCRIPT, SUBMITTED, SUBMITTING

if TYPE_CHECKING:
    from qtoolkit.io.base import BaseSchedulerIO

    from controller.hosts.base import Host

OF_AN_ATTEMPT = (f".{SCRIPT}.*", STARTED, SUBMITTED, SUBMITTING, WITHDRAWN, EXIT, SCRIPT)
"""Files that a new attempt removes. The first is a script of an earlier attempt that is not yet in
place: a shell that found that it owns the folder, and was then suspended for a while, has nothing
to move into place when it continues. The last is a script that it had already moved."""
HAS_BEGUN = LeftAlone(STARTED, EXIT, WITHDRAWN)
"""When a folder is not prepared: something runs there, or the attempt was withdrawn."""
ID_OF_QUEUES = re.compile(r"\d[\w.\[\]-]*")
"""Ids of Slurm, PBS and SGE: a number, with brackets for arrays, and the server's name for PBS."""
_ID = re.compile(r"\S+")
_NO_FOLDER = 79
_SETTLE = 0.5
"""Seconds that a process may take between creating its start file and writing into it."""


class Attempts:
    """The run directories of a queue; parameters and attributes as of `Queue`."""

    def __init__(self, scheduler_type: str | dict[str, Any], host: Host) -> None:
        self._host = host
        self.is_shell = scheduler_type == "shell"
        self.is_watched = self.is_shell and host.is_local
        self._scheduler_type = scheduler_type

    @cached_property
    def scheduler(self) -> BaseSchedulerIO:
        """Qtoolkit's object for the scheduler, made at first use: warm jobs do not need it."""
        return build_scheduler(self._scheduler_type)

    def is_uploaded(self, run_dir: Path, token: str) -> bool:
        """Whether a run directory is ready for the submission of an attempt."""
        there = f"cd {shlex.quote(str(run_dir))} 2>/dev/null || exit 1"
        present = f'{{ read -r jfr_a < {ATTEMPT}; }} 2>/dev/null; [ "$jfr_a" = {token} ] || exit 1'
        lines = [there, present, submissions.upload_check(token, 1)]
        return self._host.execute("\n".join(lines)).returncode == 0

    def _id_in(self, answer: str) -> str | None:
        """Return the id in a queue's answer to a submission; None if it cannot be read.

        A job can overwrite the file with the answer, and sites print text around it; the parsers
        then raise an error, or take the whole text for the id.
        """
        try:
            parsed = self.scheduler.parse_submit_output(0, answer, "")
        except Exception:  # noqa: BLE001 (parsers may be the users' own)
            return None
        found = str(parsed.job_id or "").strip()
        pattern = ID_OF_QUEUES if dialect_of(self.scheduler).listing else _ID
        return found if pattern.fullmatch(found) else None

    def earlier_submission(self, run_dir: Path, token: str | None = None) -> str | None:
        """Return the id of a job in the queue according to its run directory; None if unknown."""
        return next(iter(self.earlier_submissions(run_dir, token)), None)

    def earlier_submissions(self, run_dir: Path, token: str | None = None) -> list[str]:
        """Return all ids recorded in a run directory; the one in the start file runs.

        Parameters
        ----------
        token
            Token of the attempt; the start file of another attempt is ignored.
        """
        start = self.start_of(run_dir)
        found = [start.process_id] if start is not None and start.is_of(token) else []
        if not self.is_shell:
            with suppress(FileNotFoundError):
                text = self._host.read_bytes(run_dir / SUBMITTED).decode(errors="replace")
                submitted = self._id_in(text)
                found += [submitted] if submitted else []
        return list(dict.fromkeys(found))

    def start_of(self, run_dir: Path) -> Start | None:
        """Return the content of a start file; None if there is none.

        A script has some time to write the file that it created; that of a dead script is removed.
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
                # Unless it has content by now, which may be that of a later attempt.
                self._host.execute(f"[ -s {STARTED} ] || rm -f {STARTED}", run_dir)
                return None
            time.sleep(0.02)

    def identify(self, run_dir: Path) -> dict[str, Any] | None:
        """Return the data to store about a job's process; None if the queue is not the shell."""
        start = self.start_of(run_dir) if self.is_shell else None
        if start is not None and self._host.is_local:
            return complete_identity(start.identity, run_dir)
        return self.identity_of(start)

    def identity_of(self, start: Start | None) -> dict[str, Any] | None:
        """Return the data to store about a process on another machine; None if unknown."""
        return None if start is None else {**start.identity, "host": self._host.name}

    def submissions_of(self, jobs: Sequence[Submission]) -> list[list[str]]:
        """Return the ids recorded in the run directories of jobs, in one round trip.

        Parameters
        ----------
        jobs
            The jobs, with their run directories; see `earlier_submissions`.
        """
        folders = {job.run_dir for job in jobs if job.run_dir is not None}
        names = (STARTED, SUBMITTED)
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

    def withdraw(
        self, run_dir: Path, token: str | None = None, *, before_removal: bool = False
    ) -> bool:
        """Prevent further submissions from a run directory.

        Parameters
        ----------
        token
            Token of the attempt; a folder that now belongs to another attempt is left alone.
        before_removal
            Whether the folder will be removed next, so that the mark is also put beside it.

        Returns
        -------
        bool
            True if nothing can be submitted any more; False while a submission is in progress: try
            again.

        Raises
        ------
        RemoteError
            The folder cannot be written.
        """
        # The folder may be about to be created: a submission with the upload sees the mark, too.
        folder = shlex.quote(str(run_dir))
        make = f"mkdir -p {folder} 2>/dev/null\n" if token else ""
        mark = f": > {submissions.withdrawn_mark(token)} || exit 1\n" if token else ""
        if token and before_removal:
            beside = run_dir.with_name(f".{submissions.withdrawn_mark(token)}")
            mark += f": > {shlex.quote(str(beside))} || exit 1\n"
        done = self._host.execute(
            f"umask 077\n{make}cd {folder} 2>/dev/null || exit {_NO_FOLDER}\n{mark}"
            f"{refusal_lines(token or '')}: > {WITHDRAWN} && ! [ -e {SUBMITTING} ]"
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
            (run directory, token, put, before) of each attempt; see `begin_attempt`.

        Returns
        -------
        list of bool
            Whether each is ready. If not, nothing was changed: something has begun there, or the
            folder belongs to another attempt.
        """
        claims = self._claims(attempts)
        return claim_folders(self._host, claims, forget=OF_AN_ATTEMPT, unless=HAS_BEGUN)

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
        """Make a run directory ready for a new submission; files of earlier ones are removed.

        Parameters
        ----------
        put
            {name: content} of the files that the attempt needs.
        before
            Token of the attempt that the folder should belong to.

        Returns
        -------
        Found
            The other owner of the folder, if nothing was changed; None if all is done.
        """
        if not is_token(token):
            raise RemoteError(f"invalid token of an attempt: {token!r}", no_retry=True)
        files = {ATTEMPT: f"{token}\n".encode(), **(put or {})}
        return claim_folder(self._host, run_dir, token, before, forget=OF_AN_ATTEMPT, put=files)
