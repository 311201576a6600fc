"""The real terminal of `jf top`: its modes, keys and size, put back whatever happens."""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from jfr_cli.top.painting import Render, changes
from jfr_cli.top.spans import Line

# Alternate screen, no cursor, no wrapping of long lines; and back.
_ENTER, _LEAVE = "\x1b[?1049h\x1b[?25l\x1b[?7l", "\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l"
# A terminal that supports it shows nothing between the two, so a frame appears at once.
_CLEAR = "\x1b[2J"
_HOLD, _SHOW = "\x1b[?2026h", "\x1b[?2026l"

KEYS = {
    **{
        f"\x1b[{letter}": name
        for letter, name in zip("ABCDHF", ["up", "down", "right", "left", "home", "end"])
    },
    **{
        f"\x1bO{letter}": name
        for letter, name in zip("ABCDHF", ["up", "down", "right", "left", "home", "end"])
    },
    "\x1b[1~": "home",
    "\x1b[4~": "end",
    "\x1b[7~": "home",
    "\x1b[8~": "end",
    "\x1b[5~": "pageup",
    "\x1b[6~": "pagedown",
    "\x1b[Z": "backtab",
    "\t": "tab",
    "\r": "enter",
    "\n": "enter",
    "\x7f": "backspace",
    "\b": "backspace",
    "\x15": "clear",
    "\x1b": "escape",
}
"""{what a terminal sends: name of the key}; any other printable character is its own name."""
_WAIT_FOR_THE_REST = 0.05
"""Seconds within which the rest of a sequence follows its first byte."""


def keys_in(text: str) -> tuple[list[str], str]:
    """Return the keys that were pressed, and the beginning of a sequence that is not complete."""
    keys: list[str] = []
    while text:
        known = next((s for s in sorted(KEYS, key=len, reverse=True) if text.startswith(s)), None)
        if text[0] == "\x1b" and (known is None or known == "\x1b"):
            if len(text) == 1 or (text[1] in "[O" and not _ends(text)):
                return keys, text
            length = _length(text) if text[1] in "[O" else 1
            keys += ["escape"] if length == 1 else []  # a sequence that is not known is ignored
            text = text[length:]
            continue
        if known is not None:
            keys.append(KEYS[known])
            text = text[len(known) :]
            continue
        if text[0].isprintable():
            keys.append(text[0])
        text = text[1:]
    return keys, ""


def _ends(text: str) -> bool:
    return any("@" <= character <= "~" for character in text[2:])


def _length(text: str) -> int:
    """Return the length of the sequence at the beginning of a text."""
    return next(n for n, c in enumerate(text) if n >= 2 and "@" <= c <= "~") + 1


class Terminal:
    """A terminal that shows lines; use it with `opened`.

    Parameters
    ----------
    render
        Gives texts their styles.
    """

    def __init__(self, render: Render) -> None:
        self._render = render
        self._in, self._out = sys.stdin.fileno(), sys.stdout.fileno()
        self._shown: list[Line] = []
        self._is_spoilt = True  # the screen may show anything
        self._before: list[Any] | None = None
        self._begun = ""
        self._read_end, self._write_end = os.pipe()
        for end in (self._read_end, self._write_end):
            os.set_blocking(end, False)
        self.written = 0

    @contextmanager
    def opened(self) -> Iterator[Terminal]:
        """Take over the terminal, and give it back however the block ends."""
        handlers: dict[int, Any] = {
            signal.SIGWINCH: self._resize,
            signal.SIGTSTP: self._suspend,
            signal.SIGCONT: self._resume,
            signal.SIGHUP: _end,
            signal.SIGQUIT: _end,
        }
        old = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            self._enter()
            yield self
        finally:
            self._leave()
            for number, handler in old.items():
                signal.signal(number, handler)
            os.close(self._read_end)
            os.close(self._write_end)

    def wake(self) -> None:
        """Let `keys` return; any thread may call it."""
        with suppress(OSError):  # full: it will wake anyway
            os.write(self._write_end, b"x")

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines."""
        found = shutil.get_terminal_size()
        with suppress(OSError):
            found = os.get_terminal_size(self._out)
        return found.columns or 80, found.lines or 24

    def show(self, lines: Sequence[Line]) -> None:
        """Show lines from the top; only what differs from before is written."""
        anew, self._is_spoilt = self._is_spoilt, False
        text = changes([] if anew else self._shown, lines, self._render)
        self._shown = list(lines)
        if anew or text:
            self._write(f"{_HOLD}{_CLEAR if anew else ''}{text}{_SHOW}")

    def keys(self, timeout: float | None) -> list[str]:
        """Wait for keys, for `wake` or for the end of a time; returns the keys.

        Raises
        ------
        EOFError
            The terminal is gone.
        """
        seconds = _WAIT_FOR_THE_REST if self._begun else timeout
        ready, _, _ = select.select([self._in, self._read_end], [], [], seconds)
        if self._read_end in ready:
            with suppress(BlockingIOError):
                os.read(self._read_end, 1024)
        if self._in not in ready:
            begun, self._begun = self._begun, ""
            return ["escape"] if begun and not ready else []
        try:
            data = os.read(self._in, 1024)
        except OSError as error:
            raise EOFError from error
        if not data:
            raise EOFError
        keys, self._begun = keys_in(self._begun + data.decode("utf-8", "ignore"))
        return keys

    def _enter(self) -> None:
        self._before = termios.tcgetattr(self._in)
        tty.setcbreak(self._in)
        self._write(_ENTER)

    def _leave(self) -> None:
        if self._before is None:
            return
        with suppress(OSError):
            self._write(_LEAVE)
        with suppress(termios.error):
            termios.tcsetattr(self._in, termios.TCSADRAIN, self._before)
        self._before = None

    def _resize(self, *_: object) -> None:
        """Draw all anew, even where the size is again what it was: the screen is not."""
        self._is_spoilt = True
        self.wake()

    def _suspend(self, number: int, frame: FrameType | None) -> None:
        """Give the terminal back to the shell, and stop."""
        del frame
        self._leave()
        before = signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        # Here it goes on, after SIGCONT.
        signal.signal(number, before)
        self._come_back()

    def _resume(self, number: int, frame: FrameType | None) -> None:
        """Take the terminal again: another program stopped this one, and may have written."""
        del number, frame
        if self._before is not None:
            self._leave()
            self._come_back()

    def _come_back(self) -> None:
        self._enter()
        self._resize()

    def _write(self, text: str) -> None:
        data = text.encode(sys.stdout.encoding or "utf-8", "replace")
        self.written += len(data)
        while data:
            try:
                data = data[os.write(self._out, data) :]
            except InterruptedError:
                continue
            except BlockingIOError:
                select.select([], [self._out], [])


def _end(number: int, frame: object) -> None:
    del frame
    sys.exit(128 + number)
