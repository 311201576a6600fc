"""Remove folders of attempts of jobs (see `controller.hosts.ownership`)."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from controller.errors import RemoteError
from controller.hosts.base import Host
from controller.hosts.bundles import run_pieces
from controller.hosts.ownership import (
    OWNER_FILE,
    REMOVED_FILE,
    SHARED,
    Found,
    found_instead,
    script_of,
)

_TIME = 3600.0
"""Time limit for the removal of a folder in seconds; the next removal finishes the rest."""
_FOREIGN, _NOTHING = 78, 79
"""Exit statuses: it is no run directory; there is no folder."""
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
    script = script_of(_REMOVE, known_by, d=folder, expected=expected or "", me=me)
    done = host.execute(script, timeout=_TIME)
    if done.returncode in (0, _NOTHING):
        return done.returncode == 0
    if done.returncode == _FOREIGN:
        raise RemoteError(
            f"{folder} was not removed: it is not empty and contains no {known_by[0]}",
            no_retry=True,
            hint="inspect it, and remove it by hand",
        )
    return found_instead(done, folder, "be removed")


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
        f"umask 077\nmark={OWNER_FILE}\ngone={REMOVED_FILE}\n{SHARED}\njfr_remove() {{{_REMOVE}}}"
    )
    words = " ".join(map(shlex.quote, known_by))
    pieces = []
    for folder, expected in folders:
        known = {"d": folder, "expected": expected or "", "me": f"removal-{uuid4().hex}"}
        values = [f"{name}={shlex.quote(str(value))}" for name, value in known.items()]
        pieces.append("\n".join([*values, f"jfr_remove {words}"]))
    done = run_pieces(host, pieces, define=define)
    return [result is not None and result.returncode in (0, _NOTHING) for result in done]
