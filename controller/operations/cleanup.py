"""Run directories are made ready and removed by those who may: `controller.hosts.ownership`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from controller.errors import RemoteError
from controller.execution.files import IN_FILE
from controller.hosts import Host
from controller.hosts.ownership import Found, remove_folder

_TRIES = 5
"""How often a folder may change hands while a process waits for it."""


def remove_run_dir(
    host: Host, run_dir: Path, *, confirm: Callable[[], None], token: str | None = None
) -> bool:
    """Remove what a run left; return whether there was anything.

    Parameters
    ----------
    confirm
        Asks the database whether the caller may still do it, and raises if not.
    token
        Of the attempt that the folder should belong to, as far as the database knows.

    Raises
    ------
    RemoteError
        The folder holds something but no input of a job (``no_retry``); or the host refused.
    """
    confirm()
    for _ in range(_TRIES):
        done = remove_folder(host, run_dir, token, known_by=(IN_FILE, f"{IN_FILE}.gz"))
        if not isinstance(done, Found):
            return done
        # That owner was there before what follows: it is none that came after us.
        token = done.owner
        confirm()
    raise _never_at_rest(run_dir)


def claim_run_dir(
    host: Host,
    run_dir: Path,
    begin: Callable[[str | None], Found | None],
    *,
    confirm: Callable[[], None],
    before: str | None = None,
) -> None:
    """Make a folder that of an attempt; other files stay.

    Parameters
    ----------
    begin
        Takes the folder from the attempt with the given token; see `Queue.begin_attempt`.
    confirm
        Asks the database whether the caller still holds the job, and raises if not.
    before
        Token of the attempt that the folder should belong to, as far as the database knows.

    Raises
    ------
    RemoteError
        The host refused.
    """
    confirm()
    for _ in range(_TRIES):
        found = begin(before)
        if found is None:
            return
        confirm()
        if found.is_removed:  # by whom does not matter: that folder is not used again
            remove_run_dir(host, run_dir, confirm=confirm)
        before = found.owner
    raise _never_at_rest(run_dir)


def _never_at_rest(run_dir: Path) -> RemoteError:
    return RemoteError(f"{run_dir} was given to other attempts all the time")
