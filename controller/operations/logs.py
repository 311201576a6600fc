"""Read the ends of logs in a run directory, then new output: one command each time."""

from __future__ import annotations

import base64
import codecs
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from controller.errors import RemoteError
from controller.hosts import Host

_MOST = 1_000_000
"""Maximum number of bytes of a file that are read at a time."""
_HEADER = re.compile(r"=(\d+) (\d+) (\d+)")


@dataclass(frozen=True)
class LogPart:
    """A piece of a log.

    Attributes
    ----------
    name
        The name of the file.
    text
        The text of the part.
    left_out
        Number of bytes before it that were left out; 0 for a file that was started again.
    """

    name: str
    text: str
    left_out: int = 0


@dataclass
class _Place:
    """Position up to which a file was read; None before the first reading."""

    offset: int | None = None
    decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")(errors="replace")
    )


class LogReader:
    """Reads files of one folder, each time continuing where the last reading ended.

    Parameters
    ----------
    names
        The names of the files.
    lines
        Number of lines at the end of each file that the first reading returns.
    """

    def __init__(self, host: Host, folder: Path, names: Sequence[str], lines: int) -> None:
        self._host, self._folder, self._lines = host, folder, lines
        self._places = {name: _Place() for name in names}
        self.missing: list[str] = list(names)

    def read(self) -> list[LogPart]:
        """Return what is new in the files, one part for each file with something new.

        Raises
        ------
        RemoteError
            The host refused.
        HostUnavailableError
            It cannot be reached; the next reading starts where this one did.
        """
        try:
            done = self._host.execute(self._command(), self._folder)
        except FileNotFoundError:
            return []  # not created yet, or deleted
        if done.returncode:
            raise RemoteError(f"the logs in {self._folder} cannot be read: {done.stderr.strip()}")
        parts = [self._part(*block) for block in _blocks(done.stdout)]
        return [part for part in parts if part is not None]

    def _command(self) -> str:
        """Compose a command that prints ``=NUMBER SIZE FROM`` and base64 for each file."""
        commands = []
        for number, (name, place) in enumerate(self._places.items()):
            file = shlex.quote(f"./{name}")
            known = "-1" if place.offset is None else str(place.offset)
            commands.append(
                f"if [ -f {file} ]; then s=$(($(wc -c < {file}))); o={known}; "
                f'if [ "$o" -lt 0 ]; then o=$((s > {_MOST} ? s - {_MOST} : 0)); fi; '
                f'if [ "$o" -gt "$s" ]; then o=0; fi; echo "={number} $s $o"; '
                f'if [ "$s" -gt "$o" ]; then n=$((s - o > {_MOST} ? {_MOST} : s - o)); '
                f"tail -c +$((o + 1)) {file} | head -c $n | base64; fi; fi"
            )
        return "\n".join(commands)

    def _part(self, number: int, start: int, content: bytes) -> LogPart | None:
        name = list(self._places)[number]
        place = self._places[name]
        if name in self.missing:
            self.missing.remove(name)
        is_first = place.offset is None
        if place.offset is not None and start < place.offset:
            place.decoder.reset()
        place.offset = start + len(content)
        left_out = start if is_first else 0
        if is_first and content:
            content, cut = _last_lines(content, self._lines, cut_off=start > 0)
            left_out += cut
        text = place.decoder.decode(content)
        return LogPart(name, text, left_out) if text else None


def _blocks(output: str) -> list[tuple[int, int, bytes]]:
    """Read what the command printed: (number of the file, where the content begins, content)."""
    found: list[tuple[int, int, list[str]]] = []
    for line in output.splitlines():
        if (header := _HEADER.fullmatch(line)) is not None:
            found.append((int(header[1]), int(header[3]), []))
        elif found:
            found[-1][2].append(line)
    try:
        return [(n, at, base64.b64decode("".join(lines))) for n, at, lines in found]
    except ValueError as error:
        raise RemoteError(f"the logs cannot be read: {error}") from error


def _last_lines(content: bytes, count: int, *, cut_off: bool) -> tuple[bytes, int]:
    """Return the last lines, and how many bytes come before them."""
    lines = content.splitlines(keepends=True)
    if cut_off and len(lines) > 1:
        lines = lines[1:]  # the first one is incomplete
    kept = b"".join(lines[-count:]) if count else b""
    return kept, len(content) - len(kept)
