"""Run directories are made ready and removed by those who may: `controller.hosts.ownership`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from controller.errors import RemoteError
from controller.execution.files import IN_FILE
from controller.hosts import Host
from controller.hosts.ownership import Found, claim_folder, remove_folder

_TRIES = 5
"""How often a folder may change hands while somebody wants to have it."""


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
    token: str,
    content: bytes,
    *,
    confirm: Callable[[], None],
    before: str | None = None,
    forget: tuple[str, ...] = (),
) -> None:
    """Make a folder that of an attempt and put its input there; other files stay.

    Parameters
    ----------
    token
        Of the attempt.
    content
        Of the input file.
    confirm
        Asks the database whether the caller still holds the job, and raises if not.
    before
        Token of the attempt that the folder should belong to, as far as the database knows.
    forget
        Names of files of an earlier submission.

    Raises
    ------
    RemoteError
        The host refused.
    """
    confirm()
    for _ in range(_TRIES):
        put = {IN_FILE: content}
        found = claim_folder(host, run_dir, token, before, forget=forget, put=put)
        if found is None:
            return
        confirm()
        if found.is_removed:  # by whom does not matter: nobody uses that folder again
            remove_run_dir(host, run_dir, confirm=confirm)
        before = found.owner
    raise _never_at_rest(run_dir)


def _never_at_rest(run_dir: Path) -> RemoteError:
    return RemoteError(f"{run_dir} was given to other attempts all the time")
