"""Where the run directory of a job is, for people and programs that want to go there."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from controller.errors import NotFoundError

if TYPE_CHECKING:
    from controller.config import Project
    from controller.documents import JobInfo


@dataclass(frozen=True)
class RunFolder:
    """A run directory.

    Attributes
    ----------
    address
        ``user@host`` or ``host`` as ssh takes it; None for this machine.
    path
        The folder there.
    """

    address: str | None
    path: str

    def __str__(self) -> str:
        return self.path if self.address is None else f"{self.address}:{self.path}"

    @property
    def way_there(self) -> str | None:
        """A command that opens a shell in the folder; None for this machine."""
        if self.address is None:
            return None
        inner = f"cd {shlex.quote(self.path)} && exec $SHELL -l"
        return f"ssh -t {self.address} {shlex.quote(inner)}"


def run_folder(job: JobInfo, project: Project) -> RunFolder:
    """Return where a job runs or ran. Connects to nothing.

    Raises
    ------
    NotFoundError
        It has no run directory yet, or the one on this machine was deleted.
    EntryNotFoundError
        Its worker has left the project.
    """
    if not job.run_dir:
        raise NotFoundError(
            f"job {job.db_id} has no run directory yet: it is {job.state.value}",
            hint=f"jf job why {job.db_id}",
        )
    worker = project.get_worker(job.worker)
    host, user = getattr(worker, "host", None), getattr(worker, "user", None)
    if host is not None:
        return RunFolder(f"{user}@{host}" if user else host, job.run_dir)
    if not Path(job.run_dir).is_dir():
        raise NotFoundError(
            f"the run directory of job {job.db_id} is not on this machine: {job.run_dir}",
            hint="it was deleted, or the job ran on another machine",
        )
    return RunFolder(None, job.run_dir)
