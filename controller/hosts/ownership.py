"""Folders owned by one attempt of a job, so that no process touches those of a later attempt.

A process that prepares, empties or submits from a run directory may have been suspended for a
minute between checking and acting; meanwhile another process may have started the next attempt in a
folder of the same name. No lease checked before can close that gap. So the name of the file
`owner_file` states the owner of a folder, and every change is one shell script that

* enters the folder first: from then on it works in this folder, even if another one gets its name;
* renames the owner file from that of the expected owner: only one process can do that, and
  none that expects another owner;
* then acts on names relative to the folder.

The expected owner is the one in the database when the job was locked, or the one seen in the folder
before the caller confirmed once more that it holds the job: an owner seen before that is an earlier
one. A folder being removed contains `REMOVED_FILE` instead; it is never used again, only removed
completely, and a folder created in its place is a new one.

The scripts are POSIX sh, for any host that can execute commands. Each takes one round trip. On this
machine many folders are claimed without a shell, in the same steps. ``claims`` has those that make
an attempt the owner, ``removal`` those that remove a folder.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from controller.errors import RemoteError
from controller.hosts.base import CommandResult

OWNER_FILE = "jfr_owner"
"""Name of the empty owner file, to which a dot and the token of an attempt are added."""
REMOVED_FILE = "jfr_removed"
"""Name of the owner file in a folder that is being removed."""
OTHER_ATTEMPT = 77
"""Exit status of a piece of shell in a folder that belongs to another attempt."""
_REMOVED = 76
"""Exit status in a folder that is being removed."""
SHARED = r"""
another() {
  for f in "$mark".*; do
    [ "$f" = "$mark.$me" ] || [ ! -e "$f" ] || { owner=${f#"$mark."}; return 0; }
  done
  return 1
}
"""
"""A function of all scripts: whether there is an owner other than ``$me``, in ``$owner`` then."""


@dataclass(frozen=True)
class Found:
    """What a script found in a folder instead of the expected owner.

    Attributes
    ----------
    owner
        Token of another attempt.
    is_removed
        The folder is being removed.
    """

    owner: str | None = None
    is_removed: bool = False


def owner_file(token: str) -> str:
    """Return the name of the file that states that an attempt owns a folder."""
    return f"{OWNER_FILE}.{token}"


def owners_of(names: Sequence[str]) -> list[str]:
    """Return the tokens of the owners of a folder with these names: one, or none."""
    return [n.removeprefix(f"{OWNER_FILE}.") for n in names if n.startswith(f"{OWNER_FILE}.")]


def refusal_lines(token: str, drop: Sequence[str] = ()) -> str:
    """Return shell that ends where the working directory belongs to another attempt.

    It stands before what only the attempt itself may do, in the same piece of shell: nothing is
    asked before, when the folder might still have been its own. A folder without an owner, of an
    older version, is not refused.

    Parameters
    ----------
    token
        Token of the attempt; "" for an attempt without one, which refuses nothing.
    drop
        Names of files to remove then.
    """
    if not token:
        return ""
    mine = shlex.quote(owner_file(token))
    end = "; ".join([f"rm -f {shlex.quote(name)}" for name in drop] + [f"exit {OTHER_ATTEMPT}"])
    return (
        f"for jfr_f in {OWNER_FILE}.*; do\n"
        f'[ "$jfr_f" = {mine} ] || [ ! -e "$jfr_f" ] || {{ echo "$jfr_f"; {end}; }}\n'
        f"done\n[ ! -e {REMOVED_FILE} ] || {{ echo {REMOVED_FILE}; {end}; }}\n"
    )


def was_refused(done: CommandResult) -> bool:
    """Whether a piece of shell ended at `refusal_lines`."""
    said = done.stdout.strip()
    is_name = said == REMOVED_FILE or said.startswith(f"{OWNER_FILE}.")
    return done.returncode == OTHER_ATTEMPT and is_name


def foreign_mark(names: Iterable[str], token: str) -> str | None:
    """Return the file by which `refusal_lines` would end in a folder that holds these names.

    Parameters
    ----------
    token
        Token of the attempt; "" for an attempt without one, which is refused nowhere.
    """
    if not token:
        return None
    mine = owner_file(token)
    for name in sorted(names):
        if name == REMOVED_FILE or (name.startswith(f"{OWNER_FILE}.") and name != mine):
            return name
    return None


def found_instead(done: CommandResult, folder: Path, what: str) -> Found:
    """Return whose folder it is, where a script could not do ``what`` for that reason.

    Raises
    ------
    RemoteError
        It ended for another reason, which the message gives.
    """
    if done.returncode == _REMOVED:
        return Found(is_removed=True)
    if done.returncode == OTHER_ATTEMPT:
        return Found(owner=done.stdout.strip())
    said = done.stderr.strip().splitlines()
    raise RemoteError(f"{folder} cannot {what}: {said[-1] if said else 'no reason was given'}")


def script_of(body: str, arguments: Sequence[str], **variables: object) -> str:
    """Assemble a script: its variables, its positional parameters, its body."""
    known = {"mark": OWNER_FILE, "gone": REMOVED_FILE, **variables}
    values = [f"{name}={shlex.quote(str(value))}" for name, value in known.items()]
    words = " ".join(shlex.quote(word) for word in arguments)
    return "\n".join(["umask 077", *values, f"set -- {words}", SHARED, body])
