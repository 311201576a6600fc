"""Show something repeatedly, in place on a terminal."""

from __future__ import annotations

import io
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from datetime import datetime
from typing import TextIO

import typer

from controller.errors import ArgumentError, StorageUnavailableError
from jfr_cli.console import console_for, use_color
from jfr_cli.parsing import TYPED, WATCH
from jfr_cli.session import CURRENT

# Alternate screen, no cursor, no wrapping of long lines; and back.
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l\x1b[?7l", "\x1b[?7h\x1b[?25h\x1b[?1049l"
# A terminal that supports it shows nothing between the two, so frames appear at once.
_HOLD, _SHOW = "\x1b[?2026h", "\x1b[?2026l"


def watch(show: Callable[[], object], seconds: float) -> None:
    """Show something periodically, until Ctrl-C.

    Parameters
    ----------
    show
        Writes it to standard output.

    Raises
    ------
    ArgumentError
        Without a terminal, in a format whose documents cannot follow one another.
    """
    with CURRENT.kept_open():
        try:
            if CURRENT.output_format == "ndjson":
                _follow(show, seconds)
            elif sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
                _update_in_place(show, seconds)
            else:
                raise ArgumentError(
                    "--watch needs a terminal", hint="otherwise use --watch --format ndjson"
                )
        except KeyboardInterrupt:
            raise typer.Exit(130) from None


def _follow(show: Callable[[], object], seconds: float) -> None:
    """Write one block of lines after the other, with an empty line between them."""
    while True:
        show()
        sys.stdout.write("\n")
        sys.stdout.flush()
        time.sleep(seconds)


class _Frame(io.StringIO):
    """A substitute for the terminal that collects the output."""

    def __init__(self, terminal: TextIO) -> None:
        super().__init__()
        self._terminal = terminal

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The terminal's encoding."""
        return self._terminal.encoding

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return True


def _update_in_place(show: Callable[[], object], seconds: float) -> None:
    os.environ["JF_PAGER"] = ""  # frames are cut at the bottom of the screen instead
    text = _drawn_by(show)
    with _screen(sys.stdout) as terminal:
        while True:
            _put(terminal, text, f"every {seconds:g} s")
            time.sleep(seconds)
            try:
                text = _drawn_by(show)
            except StorageUnavailableError as error:
                _put(terminal, text, f"as it was: {error.message}")


def _drawn_by(show: Callable[[], object]) -> str:
    frame = _Frame(sys.stdout)
    # The screen shows what the exit status would say, and has no room for hints.
    with redirect_stdout(frame), redirect_stderr(io.StringIO()), suppress(typer.Exit):
        show()
    return frame.getvalue()


@contextmanager
def _screen(terminal: TextIO) -> Iterator[TextIO]:
    terminal.write(_ENTER)
    try:
        yield terminal
    finally:
        terminal.write(_LEAVE)
        terminal.flush()


def _put(terminal: TextIO, text: str, how: str) -> None:
    """Write a frame over the one before, line by line, so that nothing flickers."""
    console = console_for(terminal, CURRENT.color)
    height = console.height
    words = " ".join(w for w in TYPED if not w.startswith(WATCH))
    title = f"jf {words}   {how}   {datetime.now():%H:%M:%S}   Ctrl-C ends"[: console.width]
    if use_color(terminal, CURRENT.color):
        title = f"\x1b[2m{title}\x1b[0m"
    lines = text.rstrip("\n").split("\n")
    room = max(1, height - 2)
    if len(lines) > room:
        more = len(lines) - room + 1
        lines = [*lines[: room - 1], f"... and {more} more lines"]
    body = "".join(f"{line}\x1b[K\r\n" for line in [title, *lines])
    terminal.write(f"{_HOLD}\x1b[H{body}\x1b[J{_SHOW}")
    terminal.flush()
