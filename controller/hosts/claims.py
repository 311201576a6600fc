"""Claim folders for attempts of jobs (see `controller.hosts.ownership`)."""

from __future__ import annotations

import fnmatch
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from controller.errors import RemoteError
from controller.hosts.archive import Content
from controller.hosts.base import Exchange, Host
from controller.hosts.bundles import run_pieces
from controller.hosts.ownership import (
    OTHER_ATTEMPT,
    OWNER_FILE,
    REMOVED_FILE,
    SHARED,
    Found,
    found_instead,
    owner_file,
    owners_of,
    script_of,
)
from controller.paths import PRIVATE_FILE, make_private_folder

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
    script = script_of(_CLAIM, [*forget, "--", *put], **variables)
    staged: dict[Path, Content] = {folder / f".{n}.{owner}": put[n] for n in put}
    done = host.exchange(Exchange(write=staged, command=script)).result
    assert done is not None
    return None if done.returncode == 0 else found_instead(done, folder, "be prepared")


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
        A file of this name, a dot and the token of the attempt: it was withdrawn before. One
        beside the folder, with another dot before its name, outlives the folder.
    """

    started: str
    ended: str
    withdrawn: str

    @property
    def as_shell(self) -> str:
        """The condition, in the folder ``$d`` for the attempt ``$me``."""
        runs = f'{{ [ -e "$d/{self.started}" ] && [ ! -e "$d/{self.ended}" ]; }}'
        inside, beside = f"$d/{self.withdrawn}.$me", f"${{d%/*}}/.{self.withdrawn}.$me"
        return f'{runs} || [ -e "{inside}" ] || [ -e "{beside}" ]'

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
        Condition under which a folder is left alone.

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
    leave = f'rm -f "$d"/.*."$me"; rmdir "$d" 2>/dev/null; exit {OTHER_ATTEMPT}'
    define = (
        f"umask 077\nmark={OWNER_FILE}\ngone={REMOVED_FILE}\n{SHARED}\n"
        f"jfr_claim() {{\nif {unless.as_shell}; then {leave}; fi\n{_CLAIM}\n}}"
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
