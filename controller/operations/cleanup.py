"""Prepare and remove run directories, by their owners only (`controller.hosts.ownership`)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from controller.errors import RemoteError
from controller.execution.files import IN_FILE
from controller.hosts import Host
from controller.hosts.ownership import Found
from controller.hosts.removal import remove_folder, remove_folders
from controller.schedulers.start import WITHDRAWN

_KNOWN_BY = (IN_FILE, f"{IN_FILE}.gz", WITHDRAWN)
"""Files by which a run directory without an owner is recognised; it has the last one if a job was
withdrawn before its folder was created."""
_TRIES = 5
"""Number of times that a folder may change owners while a process waits for it."""


def remove_run_dir(
    host: Host, run_dir: Path, *, confirm: Callable[[], None], token: str | None = None
) -> bool:
    """Remove a run directory; return whether there was one.

    Parameters
    ----------
    confirm
        Checks in the database that the caller may still do it, and raises if not.
    token
        Token of the attempt that owns the folder, according to the database.

    Raises
    ------
    RemoteError
        The folder is not empty but has no job input (``no_retry``); or the host refused.
    """
    confirm()
    for _ in range(_TRIES):
        done = remove_folder(host, run_dir, token, known_by=_KNOWN_BY)
        if not isinstance(done, Found):
            return done
        # That owner was there before the next step, so it did not come after us.
        token = done.owner
        confirm()
    raise _never_at_rest(run_dir)


def remove_run_dirs(host: Host, folders: Sequence[tuple[Path, str | None]]) -> list[bool]:
    """Remove run directories in one round trip; return whether each is gone.

    The caller has checked that this is allowed. `remove_run_dir` is for those that remain.

    Parameters
    ----------
    folders
        (run directory, token of the attempt that owns it according to the database) of each.

    Raises
    ------
    RemoteError
        The host refused, or the time was up; some may be gone.
    """
    return remove_folders(host, folders, known_by=_KNOWN_BY)


def claim_run_dir(
    host: Host,
    run_dir: Path,
    begin: Callable[[str | None], Found | None],
    *,
    confirm: Callable[[], None],
    before: str | None = None,
) -> None:
    """Make an attempt the owner of a folder; other files stay.

    Parameters
    ----------
    begin
        Takes the folder over from the attempt with the given token; see `Queue.begin_attempt`.
    confirm
        Checks in the database that the caller still holds the job, and raises if not.
    before
        Token of the attempt that owns the folder, according to the database.

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
        if found.is_removed:  # by which process does not matter: the folder is never used again
            remove_run_dir(host, run_dir, confirm=confirm)
        before = found.owner
    raise _never_at_rest(run_dir)


def _never_at_rest(run_dir: Path) -> RemoteError:
    return RemoteError(f"{run_dir} was repeatedly taken over by other attempts")
