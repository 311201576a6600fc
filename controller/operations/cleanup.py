"""Run directories are removed, if they are ours."""

from __future__ import annotations

from pathlib import Path

from controller.errors import RemoteError
from controller.execution.files import IN_FILE
from controller.hosts import Host


def remove_run_dir(host: Host, run_dir: Path) -> bool:
    """Remove what a run left; return whether there was anything.

    Raises
    ------
    RemoteError
        The folder holds something but no input of a job (``no_retry``); or the host refused.
    """
    names = host.listdir(run_dir)
    if names and not {IN_FILE, f"{IN_FILE}.gz"} & set(names):
        raise RemoteError(
            f"{run_dir} is not empty and holds no {IN_FILE}: it is not removed",
            no_retry=True,
            hint="look into it and remove it by hand",
        )
    found = bool(names) or host.exists(run_dir)
    host.rmtree(run_dir)
    return found
