"""Folders that belong to one attempt of one job, so that no process touches what a later one owns.

A process that prepares, empties or submits from a run directory may have been stopped for a minute
between looking and acting; meanwhile another one may have begun the next attempt in a folder of
the same name. No check of a lease made before can close that gap. So a folder says whose it is, by
the name of the file `owner_file`, and every change is one piece of shell that

* enters the folder first: from then on it means this folder, whatever gets its name later;
* renames the owner file, from the owner that is expected: only one of several can do that, and
  no process that expects another;
* then acts on names relative to where it stands.

What is expected is what the database said when the job was locked, or what the folder said before
the caller confirmed once more that the job is its own: an owner seen before that came earlier. A
folder that is being removed holds `REMOVED_FILE` instead; it is never used again, only removed to
the end, and what is made in its place is a new folder.

The pieces are POSIX sh, for any host that can execute commands. Each costs one round trip.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from controller.errors import RemoteError
from controller.hosts.archive import Content
from controller.hosts.base import CommandResult, Exchange, Host

OWNER_FILE = "jfr_owner"
"""An empty file of this name, with a dot and the token of an attempt, says whose a folder is."""
REMOVED_FILE = "jfr_removed"
"""What that file is called in a folder that is being removed."""

_REMOVAL_TIME = 3600.0
"""Seconds that the removal of a folder may take; what it did not finish, the next one does."""
_OTHER, _REMOVED, _FOREIGN, _NOTHING = 77, 76, 78, 79
"""Exit statuses: another owner (on standard output), being removed, not a run directory, none."""


@dataclass(frozen=True)
class Found:
    """What a piece of shell found in a folder, where it is not what was expected.

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
    """Return the name of the file that says that a folder belongs to an attempt."""
    return f"{OWNER_FILE}.{token}"


def owners_of(names: Sequence[str]) -> list[str]:
    """Return the tokens that a folder with these names belongs to: one, or none."""
    return [n.removeprefix(f"{OWNER_FILE}.") for n in names if n.startswith(f"{OWNER_FILE}.")]


def claim_folder(
    host: Host,
    folder: Path,
    owner: str,
    expected: str | None,
    *,
    forget: Sequence[str],
    put: Mapping[str, bytes],
) -> Found | None:
    """Make a folder that of an attempt, whatever other files it holds, and put files into it.

    Parameters
    ----------
    owner
        Token of the attempt.
    expected
        Token of an earlier attempt, from which the folder may be taken.
    forget
        Names of files to remove.
    put
        {name: content}. They get their names when it is certain whose the folder is.

    Returns
    -------
    Found
        Whose it is instead; nothing was changed. None when it is ours now.

    Raises
    ------
    RemoteError
        The host refused.
    """
    variables = {"d": folder, "expected": expected or "", "me": owner}
    script = _script(_CLAIM, [*forget, "--", *put], **variables)
    staged: dict[Path, Content] = {folder / f".{n}.{owner}": put[n] for n in put}
    done = host.exchange(Exchange(write=staged, command=script)).result
    assert done is not None
    return None if done.returncode == 0 else _found(done, folder, "be prepared")


def remove_folder(
    host: Host, folder: Path, expected: str | None, *, known_by: Sequence[str]
) -> Found | bool:
    """Remove a folder with all that it holds, and a link that leads to it.

    Parameters
    ----------
    expected
        Token of the attempt that it belongs to.
    known_by
        Names of files, one of which a folder without an owner has to hold: those that older
        versions and jobflow-remote made.

    Returns
    -------
    bool
        Whether there was anything; or whose the folder is instead: nothing was changed.

    Raises
    ------
    RemoteError
        The host refused, or new files appear all the time; or the folder holds something and
        neither an owner nor one of those files (``no_retry``).
    """
    me = f"removal-{uuid4().hex}"
    script = _script(_REMOVE, known_by, d=folder, expected=expected or "", me=me)
    done = host.execute(script, timeout=_REMOVAL_TIME)
    if done.returncode in (0, _NOTHING):
        return done.returncode == 0
    if done.returncode == _FOREIGN:
        raise RemoteError(
            f"{folder} is not empty and holds no {known_by[0]}: it is not removed",
            no_retry=True,
            hint="look into it and remove it by hand",
        )
    return _found(done, folder, "be removed")


def _found(done: CommandResult, folder: Path, what: str) -> Found:
    if done.returncode == _REMOVED:
        return Found(is_removed=True)
    if done.returncode == _OTHER:
        return Found(owner=done.stdout.strip())
    said = done.stderr.strip().splitlines()
    raise RemoteError(f"{folder} cannot {what}: {said[-1] if said else 'no reason was given'}")


def _script(body: str, arguments: Sequence[str], **variables: object) -> str:
    """Put a piece of shell together: its variables, its positional parameters, what it does."""
    known = {"mark": OWNER_FILE, "gone": REMOVED_FILE, **variables}
    values = [f"{name}={shlex.quote(str(value))}" for name, value in known.items()]
    words = " ".join(shlex.quote(word) for word in arguments)
    return "\n".join(["umask 077", *values, f"set -- {words}", _SHARED, body])


_SHARED = r"""
another() {
  for f in "$mark".*; do
    [ "$f" = "$mark.$me" ] || [ ! -e "$f" ] || { owner=${f#"$mark."}; return 0; }
  done
  return 1
}
"""

# Where there is no owner yet, each process makes a file of its own and then looks for others: one
# of two sees the other, or both do. That a folder is removed is decided by a rename of such a file.
_CLAIM = r"""
cd "$d" || exit 1
give_up() {
  rm -f ./.*."$me"
  [ "$1" != 77 ] || printf '%s' "$owner"
  exit "$1"
}
[ ! -e "$gone" ] || give_up 76
if [ ! -e "$mark.$me" ] && ! mv -f "$mark.$expected" "$mark.$me" 2>/dev/null; then
  ! another || give_up 77
  printf '' > "$mark.$me" || give_up 1
  [ ! -e "$gone" ] || { rm -f "$mark.$me"; give_up 76; }
  ! another || { rm -f "$mark.$me"; give_up 77; }
fi
while [ "$1" != -- ]; do
  [ ! -e "./$1" ] || rm -f "./$1" || exit 1
  shift
done
shift
for f in "$@"; do
  mv -f "./.$f.$me" "./$f" || exit 1
done
"""

_REMOVE = r"""
if ! cd "$d" 2>/dev/null; then
  [ ! -L "$d" ] || [ -e "$d" ] || { rm -f "$d"; exit; }
  [ -e "$d" ] || exit 79
  cd "$d"
  exit 1
fi
real=$(pwd -P) || exit 1
anything() {
  for f in * .[!.]* ..?*; do
    [ "$f" = "$gone" ] || { [ ! -e "$f" ] && [ ! -L "$f" ]; } || return 0
  done
  return 1
}
give_up() {
  printf '%s' "$owner"
  exit 77
}
if [ ! -e "$gone" ] && ! mv -f "$mark.$expected" "$gone" 2>/dev/null; then
  ! another || give_up
  if anything && [ ! -e "$gone" ]; then
    known=
    for f in "$@"; do
      [ ! -e "$f" ] || known=yes
    done
    [ "$known" ] || exit 78
    printf '' > "$mark.$me" || exit 1
    ! another || { rm -f "$mark.$me"; give_up; }
    mv -f "$mark.$me" "$gone" || exit 1
  fi
fi
n=0
while anything; do
  n=$((n + 1))
  [ "$n" -le 5 ] || { echo "files appear in it all the time" >&2; exit 1; }
  find . ! -name . -prune ! -name "$gone" -exec rm -rf {} + || exit 1
done
[ ! -L "$d" ] || rm -f "$d" || exit 1
rm -f "$gone" || exit 1
# It may hold something again: the first to come has made it its own.
rmdir "$real" 2>/dev/null || another || [ ! -d "$real" ] || rmdir "$real"
"""
