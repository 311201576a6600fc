"""Many pieces of shell in one round trip, each with its own exit status and output."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from controller.errors import RemoteError
from controller.hosts.archive import Content
from controller.hosts.base import CommandResult, Exchange, Host
from controller.hosts.conversation import new_token


def run_pieces(
    host: Host,
    pieces: Sequence[str],
    *,
    define: str = "",
    write: Mapping[Path, Content] | None = None,
    make_folders: bool = True,
    stop_at: int | None = None,
) -> list[CommandResult | None]:
    """Write files, then run pieces of POSIX shell, one after the other; one round trip.

    Each piece runs in its own shell: it may change folder, set variables and exit.

    Parameters
    ----------
    define
        Functions for all of them.
    write, make_folders
        See `Exchange`.
    stop_at
        Exit status of a piece after which the others are left out; None for none.

    Returns
    -------
    list
        The result of each piece; None for one that was left out.

    Raises
    ------
    FileNotFoundError
        There is no such folder, and they are not to be made; no piece ran.
    RemoteError
        A file could not be written: no piece ran. Or the host did not run them.
    """
    token = new_token()
    lines = [define, "jfr_go=yes"]
    for number, piece in enumerate(pieces):
        stop = "" if stop_at is None else f'; [ "$jfr_s" != {stop_at} ] || jfr_go='
        lines.append(
            f'if [ "$jfr_go" ]; then (\n{piece}\n)\njfr_s=$?{stop}\n'
            f"printf '\\n%s %s %s\\n' {token} {number} \"$jfr_s\"\n"
            f"printf '\\n%s %s\\n' {token} {number} >&2; fi"
        )
    request = Exchange(write or {}, "\n".join(lines), make_folders=make_folders)
    done = host.exchange(request).result
    assert done is not None
    out = re.split(rf"\n{token} (\d+) (\d+)\n", done.stdout)
    err = re.split(rf"\n{token} (\d+)\n", done.stderr)
    errors: dict[str, str] = dict(zip(err[1::2], err[0::2]))
    found: list[CommandResult | None] = [None] * len(pieces)
    stopped = False
    for text, which, status in zip(out[0::3], out[1::3], out[2::3]):
        found[int(which)] = CommandResult(text, errors.get(which, ""), int(status))
        stopped = stopped or int(status) == stop_at
    if None in found and not stopped:
        said = done.stderr.strip().splitlines()
        raise RemoteError(f"{host.name} ran only some of {len(pieces)} commands: {said[-1:]}")
    return found
