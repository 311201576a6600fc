"""Where the run directory of a job is, for people and programs that want to go there."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from controller.errors import NotFoundError
from controller.hosts.openssh import terminal_words

if TYPE_CHECKING:
    from controller.config import Project
    from controller.documents import JobInfo


@dataclass(frozen=True)
class RunFolder:
    """A run directory.

    Attributes
    ----------
    address
        ``user@host`` or ``host``, as ssh accepts it; None for this machine.
    path
        Path of the folder on that machine.
    ssh
        The words of a command that opens a terminal there, to be followed by a command to run;
        empty for this machine.
    """

    address: str | None
    path: str
    ssh: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.path if self.address is None else f"{self.address}:{self.path}"

    @property
    def way_there(self) -> str | None:
        """A command that opens a shell in the folder; None for this machine."""
        return shlex.join(self.terminal()) if self.ssh else None

    def terminal(self, shell: str | None = None) -> list[str]:
        """Return the words of a command that opens a shell; on this machine, to be run in `path`.

        Parameters
        ----------
        shell
            The program; None for the user's own.
        """
        if not self.ssh:
            return [shell or "sh"]
        program = "$SHELL -l" if shell is None else shlex.quote(shell)
        return [*self.ssh, f"cd {shlex.quote(self.path)} && exec {program}"]


def run_folder(job: JobInfo, project: Project) -> RunFolder:
    """Return where a job runs or ran. Connects to nothing.

    Raises
    ------
    NotFoundError
        It has no run directory yet, or the one on this machine was deleted.
    EntryNotFoundError
        The project no longer has its worker.
    """
    if not job.run_dir:
        raise NotFoundError(
            f"job {job.db_id} has no run directory yet: it is {job.state.value}",
            hint=f"jf job why {job.db_id}",
        )
    worker = project.get_worker(job.worker)
    host, user = getattr(worker, "host", None), getattr(worker, "user", None)
    if host is not None:
        address = f"{user}@{host}" if user else host
        return RunFolder(address, job.run_dir, tuple(terminal_words(worker)))
    if not Path(job.run_dir).is_dir():
        raise NotFoundError(
            f"the run directory of job {job.db_id} is not on this machine: {job.run_dir}",
            hint="it was deleted, or the job ran on another machine",
        )
    return RunFolder(None, job.run_dir)
