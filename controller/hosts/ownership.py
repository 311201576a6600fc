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
machine many folders are claimed without a shell, in the same steps.
"""

from __future__ import annotations

import fnmatch
import os
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from controller.errors import RemoteError
from controller.hosts.archive import Content
from controller.hosts.base import CommandResult, Exchange, Host
from controller.hosts.bundles import run_pieces
from controller.paths import PRIVATE_FILE, make_private_folder

OWNER_FILE = "jfr_owner"
"""Name of the empty owner file, to which a dot and the token of an attempt are added."""
REMOVED_FILE = "jfr_removed"
"""Name of the owner file in a folder that is being removed."""

_REMOVAL_TIME = 3600.0
"""Time limit for the removal of a folder in seconds; the next removal finishes the rest."""
OTHER_ATTEMPT = 77
"""Exit status of a piece of shell in a folder that belongs to another attempt."""
_OTHER, _REMOVED, _FOREIGN, _NOTHING = OTHER_ATTEMPT, 76, 78, 79
"""Exit statuses: other owner (on standard output), being removed, no run directory, missing."""


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
        Of the attempt; "" for one that has none, which refuses nothing.
    drop
        Names of files to remove then.
    """
    if not token:
        return ""
    mine = shlex.quote(owner_file(token))
    end = "; ".join([f"rm -f {shlex.quote(name)}" for name in drop] + [f"exit {_OTHER}"])
    return (
        f"for jfr_f in {OWNER_FILE}.*; do\n"
        f'[ "$jfr_f" = {mine} ] || [ ! -e "$jfr_f" ] || {{ echo "$jfr_f"; {end}; }}\n'
        f"done\n[ ! -e {REMOVED_FILE} ] || {{ echo {REMOVED_FILE}; {end}; }}\n"
    )


def was_refused(done: CommandResult) -> bool:
    """Whether a piece of shell ended at `refusal_lines`."""
    said = done.stdout.strip()
    is_name = said == REMOVED_FILE or said.startswith(f"{OWNER_FILE}.")
    return done.returncode == _OTHER and is_name


def foreign_mark(names: Iterable[str], token: str) -> str | None:
    """Return the file by which `refusal_lines` would end in a folder that holds these names.

    Parameters
    ----------
    token
        Of the attempt; "" for one that has none, which is refused nowhere.
    """
    if not token:
        return None
    mine = owner_file(token)
    for name in sorted(names):
        if name == REMOVED_FILE or (name.startswith(f"{OWNER_FILE}.") and name != mine):
            return name
    return None


def claim_folder(
    host: Host,
    folder: Path,
    owner: str,
    expected: str | None,
    *,
    forget: Sequence[str],
    put: Mapping[str, bytes],
) -> Found | None:
    """Make an attempt the owner of a folder, whatever else it contains, and put files into it.

    Parameters
    ----------
    owner
        Token of the attempt.
    expected
        Token of an earlier attempt, from which the folder may be taken over.
    forget
        Names of files to remove, in this order; ``NAME.*`` stands for those with another token.
    put
        {name: content}. They get their names once the owner is certain.

    Returns
    -------
    Found
        The other owner, if nothing was changed; None if the attempt owns the folder now.

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


@dataclass(frozen=True)
class Claim:
    """A folder that is to become that of an attempt; fields as parameters of `claim_folder`."""

    folder: Path
    owner: str
    expected: str | None
    put: Mapping[str, bytes]


@dataclass(frozen=True)
class LeftAlone:
    """What in a folder means that an attempt must not begin there.

    Attributes
    ----------
    started, ended
        The first of these files without the second: something runs there.
    withdrawn
        A file of this name, a dot and the token of the attempt: it was withdrawn before.
    """

    started: str
    ended: str
    withdrawn: str

    @property
    def as_shell(self) -> str:
        """The condition, in the folder ``$d`` for the attempt ``$me``."""
        runs = f'{{ [ -e "$d/{self.started}" ] && [ ! -e "$d/{self.ended}" ]; }}'
        return f'{runs} || [ -e "$d/{self.withdrawn}.$me" ]'

    def is_told_by(self, names: set[str], token: str) -> bool:
        """Whether it follows from the names in a folder."""
        runs = self.started in names and self.ended not in names
        return runs or f"{self.withdrawn}.{token}" in names


def claim_folders(
    host: Host, claims: Sequence[Claim], *, forget: Sequence[str], unless: LeftAlone
) -> list[bool]:
    """Make folders those of attempts, in one round trip.

    Parameters
    ----------
    forget
        Names of files to remove, in each of them.
    unless
        Which folders are left alone.

    Returns
    -------
    list of bool
        Whether each is its attempt's now. One that is not was not changed, and `claim_folder`
        tells why.

    Raises
    ------
    RemoteError
        The host refused.
    """
    if host.is_local:
        return [_claim_here(claim, forget, unless) for claim in claims]
    made = claim_pieces(claims, forget=forget, unless=unless)
    done = run_pieces(host, made.pieces, define=made.define, write=made.staged)
    return [result is not None and result.returncode == 0 for result in done]


@dataclass(frozen=True)
class ClaimPieces:
    """What claims folders as a part of a larger request; see `claim_folders`.

    Attributes
    ----------
    define
        Functions for the pieces.
    pieces
        One for each claim; its exit status is 0 where the folder is that of the attempt now.
    staged
        Files to write before.
    """

    define: str
    pieces: list[str]
    staged: dict[Path, Content]


def claim_pieces(
    claims: Sequence[Claim], *, forget: Sequence[str], unless: LeftAlone
) -> ClaimPieces:
    """Return the pieces of `claim_folders`; parameters as there."""
    pieces, staged = [], dict[Path, Content]()
    for claim in claims:
        arguments = [*forget, "--", *claim.put]
        known = {"d": claim.folder, "expected": claim.expected or "", "me": claim.owner}
        values = [f"{name}={shlex.quote(str(value))}" for name, value in known.items()]
        staged.update({claim.folder / f".{n}.{claim.owner}": c for n, c in claim.put.items()})
        words = " ".join(map(shlex.quote, arguments))
        pieces.append("\n".join([*values, f"jfr_claim {words}"]))
    begun = unless.as_shell
    define = (
        f"umask 077\nmark={OWNER_FILE}\ngone={REMOVED_FILE}\n{_SHARED}\n"
        f'jfr_claim() {{\nif {begun}; then rm -f "$d"/.*."$me"; exit {_OTHER}; fi\n{_CLAIM}\n}}'
    )
    return ClaimPieces(define, pieces, staged)


def _claim_here(claim: Claim, forget: Sequence[str], unless: LeftAlone) -> bool:
    """Do on this machine what `_CLAIM` does; False where something has to be looked at.

    Raises
    ------
    RemoteError
        The folder cannot be made or written.
    """
    try:
        make_private_folder(claim.folder)
        with entered(claim.folder) as folder:
            if not _become_owner(folder, claim, unless):
                return False
            names = os.listdir(folder)  # noqa: PTH208 (of an open folder)
            for pattern in forget:  # in this order
                own = f"{pattern.removesuffix('*')}{claim.owner}"
                for name in fnmatch.filter(names, pattern):
                    if name == own:
                        continue
                    with suppress(FileNotFoundError):
                        os.unlink(name, dir_fd=folder)
            for name, content in claim.put.items():
                put_file(folder, name, content, staged=f".{name}.{claim.owner}")
    except OSError as error:
        raise RemoteError(f"{claim.folder} cannot be prepared: {error.strerror}") from error
    return True


def _become_owner(folder: int, claim: Claim, unless: LeftAlone) -> bool:
    mine, names = owner_file(claim.owner), set(os.listdir(folder))
    if unless.is_told_by(names, claim.owner) or REMOVED_FILE in names:
        return False
    if mine in names:
        return True
    with suppress(FileNotFoundError):
        before = owner_file(claim.expected or "")
        os.rename(before, mine, src_dir_fd=folder, dst_dir_fd=folder)
        return True
    if owners_of(list(names)):
        return False
    _write(folder, mine, b"")
    names = set(os.listdir(folder))
    if REMOVED_FILE in names or owners_of(list(names)) != [claim.owner]:
        os.unlink(mine, dir_fd=folder)
        return False
    return True


@contextmanager
def entered(folder: Path) -> Iterator[int]:
    """Hold a folder of this machine open, whatever its name becomes meanwhile.

    Raises
    ------
    OSError
        It does not exist, or is none.
    """
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield opened
    finally:
        os.close(opened)


def put_file(folder: int, name: str, content: bytes, *, staged: str) -> None:
    """Write a file into a folder that is held open; a reader sees all of it or none.

    Parameters
    ----------
    staged
        Its name until it is complete.

    Raises
    ------
    OSError
        It cannot be written.
    """
    _write(folder, staged, content)
    os.rename(staged, name, src_dir_fd=folder, dst_dir_fd=folder)


def _write(folder: int, name: str, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    with os.fdopen(os.open(name, flags, PRIVATE_FILE, dir_fd=folder), "wb") as stream:
        stream.write(content)


def remove_folder(
    host: Host, folder: Path, expected: str | None, *, known_by: Sequence[str]
) -> Found | bool:
    """Remove a folder with its contents, and a link that leads to it.

    Parameters
    ----------
    expected
        Token of the attempt that owns it.
    known_by
        File names, one of which must exist in a folder without an owner: those created by older
        versions and jobflow-remote.

    Returns
    -------
    bool
        Whether the folder existed; or its other owner, if nothing was changed.

    Raises
    ------
    RemoteError
        The host refused, or new files keep appearing; or the folder is not empty but has neither an
        owner nor one of those files (``no_retry``).
    """
    me = f"removal-{uuid4().hex}"
    script = _script(_REMOVE, known_by, d=folder, expected=expected or "", me=me)
    done = host.execute(script, timeout=_REMOVAL_TIME)
    if done.returncode in (0, _NOTHING):
        return done.returncode == 0
    if done.returncode == _FOREIGN:
        raise RemoteError(
            f"{folder} was not removed: it is not empty and contains no {known_by[0]}",
            no_retry=True,
            hint="inspect it, and remove it by hand",
        )
    return _found(done, folder, "be removed")


def remove_folders(
    host: Host, folders: Sequence[tuple[Path, str | None]], *, known_by: Sequence[str]
) -> list[bool]:
    """Remove folders with their contents, in one round trip.

    Parameters
    ----------
    folders
        (folder, token of the attempt that owns it) of each; see `remove_folder`.

    Returns
    -------
    list of bool
        Whether each is gone. `remove_folder` tells why another one is not.

    Raises
    ------
    RemoteError
        The host refused, or the time was up; some may be gone.
    """
    define = (
        f"umask 077\nmark={OWNER_FILE}\ngone={REMOVED_FILE}\n{_SHARED}\njfr_remove() {{{_REMOVE}}}"
    )
    words = " ".join(map(shlex.quote, known_by))
    pieces = []
    for folder, expected in folders:
        known = {"d": folder, "expected": expected or "", "me": f"removal-{uuid4().hex}"}
        values = [f"{name}={shlex.quote(str(value))}" for name, value in known.items()]
        pieces.append("\n".join([*values, f"jfr_remove {words}"]))
    done = run_pieces(host, pieces, define=define)
    return [result is not None and result.returncode in (0, _NOTHING) for result in done]


def _found(done: CommandResult, folder: Path, what: str) -> Found:
    if done.returncode == _REMOVED:
        return Found(is_removed=True)
    if done.returncode == _OTHER:
        return Found(owner=done.stdout.strip())
    said = done.stderr.strip().splitlines()
    raise RemoteError(f"{folder} cannot {what}: {said[-1] if said else 'no reason was given'}")


def _script(body: str, arguments: Sequence[str], **variables: object) -> str:
    """Assemble a script: its variables, its positional parameters, its body."""
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

# Without an owner, each process creates a file of its own and then looks for others: at least one
# of two sees the other. The removal of a folder is decided by renaming such a file.
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
  # In this order: what removes the folder has first an owner file, which then becomes the other.
  ! another || { rm -f "$mark.$me"; give_up 77; }
  [ ! -e "$gone" ] || { rm -f "$mark.$me"; give_up 76; }
fi
while [ "$1" != -- ]; do
  case $1 in
  *.\*)
    for f in ./"${1%\*}"*; do
      [ "$f" = "./${1%\*}$me" ] || [ ! -e "$f" ] || rm -f "$f" || exit 1
    done ;;
  *) [ ! -e "./$1" ] || rm -f "./$1" || exit 1 ;;
  esac
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
# It may have contents again: another attempt has become its owner.
rmdir "$real" 2>/dev/null || another || [ ! -d "$real" ] || rmdir "$real"
"""
