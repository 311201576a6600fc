"""The output of a framed script, parsed as it arrives.

Everything before the first mark was printed by the start-up files of a shell and is dropped.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from typing import Protocol


class Sink(Protocol):
    """Receiver of the bytes of a file."""

    def write(self, data: bytes, /) -> object:
        """Receive more bytes."""


def new_token() -> str:
    """Return a unique token that marks the output of one script."""
    return f"jfr{secrets.token_hex(12)}"


class MarkReader:
    """Divides a stream into marks and the output between them.

    Parameters
    ----------
    token
        A token from `new_token`.

    Attributes
    ----------
    rest
        Bytes that may be the beginning of a mark.
    """

    def __init__(self, token: str) -> None:
        self.rest = b""
        self._lead = b"\n" + token.encode() + b" "

    def feed(self, data: bytes) -> Iterator[tuple[bool, bytes]]:
        """Add bytes; yield (whether it is a mark, its text or the bytes printed)."""
        rest = self.rest + data
        while True:
            start = rest.find(self._lead)
            if start < 0:
                known = max(0, len(rest) - len(self._lead) + 1)
                if known:
                    yield False, rest[:known]
                self.rest = rest[known:]
                return
            if start:
                yield False, rest[:start]
            end = rest.find(b"\n", start + len(self._lead))
            if end < 0:
                self.rest = rest[start:]
                return
            yield True, rest[start + len(self._lead) : end]
            rest = rest[end + 1 :]


class Listener:
    """Collects the output of one script.

    Parameters
    ----------
    token
        Token of the script.
    open_file
        Called with the number of a file that follows; returns its receiver. The receiver is not
        closed here.
    on_start
        Called when the script begins.

    Attributes
    ----------
    stdout, stderr
        Output of the command.
    pid
        Process id of the shell that runs the script; None before it starts.
    status
        Exit status reported by the script at its end; None before.
    files
        {number of a file: "0" if complete, "missing", "folder", or a status}.
    """

    def __init__(
        self,
        token: str,
        open_file: Callable[[int], Sink] | None = None,
        on_start: Callable[[], None] | None = None,
    ) -> None:
        self._out, self._err = MarkReader(token), MarkReader(token)
        self._open_file, self._on_start = open_file, on_start
        self._sink: Sink | None = None
        self._err_open = self._err_ended = False
        self.stdout, self.stderr = bytearray(), bytearray()
        self.noise = bytearray()
        self.pid: int | None = None
        self.status: str | None = None
        self.files: dict[int, str] = {}

    @property
    def complaint(self) -> str:
        """Standard error outside the marks: from ssh itself, or from start-up files."""
        return (bytes(self.noise) + self._err.rest).decode(errors="replace").strip()

    @property
    def finished(self) -> bool:
        """Whether both streams have ended; processes left in the background are not waited for."""
        return self.status is not None and self._err_ended

    def out(self, data: bytes) -> None:
        """Add bytes of standard output."""
        for is_mark, value in self._out.feed(data):
            if self.status is not None:
                return
            if is_mark:
                self._mark(value.decode(errors="replace").split())
            elif self._sink is not None:
                self._sink.write(value)
            elif self.pid is not None:
                self.stdout += value

    def err(self, data: bytes) -> None:
        """Add bytes of standard error."""
        for is_mark, value in self._err.feed(data):
            if is_mark:
                self._err_open, self._err_ended = value == b"start", value == b"end"
            elif self._err_open:
                self.stderr += value
            elif not self._err_ended and len(self.noise) < 4000:
                self.noise += value  # from ssh itself, if there is no session

    def _mark(self, words: list[str]) -> None:
        kind, given = words[0], words[1:]
        if kind == "start":
            self.pid = int(given[0])
            if self._on_start is not None:
                self._on_start()
        elif kind == "file" and self._open_file is not None:
            self._sink = self._open_file(int(given[0]))
        elif kind == "done":
            self._sink = None
            self.files[int(given[0])] = given[1]
        elif kind == "end":
            self.status = given[0] if given else "1"
