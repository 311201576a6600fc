"""Printing: data to standard output, everything else to standard error.

Without a terminal there is no colour, truncation or prompt. Rich is imported to print tables.
"""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TextIO, cast

from controller.safe_text import harmless, one_line
from jfr_cli.pager import page

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

UNLIMITED = 10_000
"""Width without a terminal, so that nothing is cut."""
_PLAIN = str.maketrans("✔✘○◔◑◕▶■‖↻·•→…─│├└╭╮╰╯█▏▎▍▌▋▊▉▒░", "+xoooo>#=~.*>~-||`++++########x!")
"""Replacements for symbols in locales without them."""
_TRAILING = re.compile(r" +((?:\x1b\[[0-9;]*m)*)$", re.MULTILINE)


def survive_the_locale() -> None:
    """Write a question mark for characters that the locale cannot encode, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def use_color(stream: TextIO, choice: str = "auto") -> bool:
    """Whether to colour the output on a stream.

    Parameters
    ----------
    choice
        always, never or auto: on a terminal, unless NO_COLOR is set or TERM is dumb; with
        CLICOLOR_FORCE also elsewhere.
    """
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def console_for(stream: TextIO, choice: str = "auto") -> Console:
    """Make a console for a stream."""
    from rich.console import Console

    width = None if stream.isatty() else UNLIMITED
    color = use_color(stream, choice)
    return Console(
        file=stream,
        width=width,
        force_terminal=True if color else None,
        no_color=not color,
        color_system="auto" if color else None,
        highlight=False,
        soft_wrap=False,
        emoji=False,
    )


def is_plain(choice: str = "auto") -> bool:
    """Whether standard output is not a terminal and without colours: plain text suffices."""
    return not sys.stdout.isatty() and not use_color(sys.stdout, choice)


def print_data(text: str) -> None:
    """Write data; characters that the locale cannot encode become JSON escapes.

    Control characters are not sent to a terminal; other programs get every byte.
    """
    if sys.stdout.isatty():
        text = harmless(text)
    _write_data(text)


def _write_data(text: str) -> None:
    if not _can_write(sys.stdout, text):
        text = "".join(c if c.isascii() else json.dumps(c)[1:-1] for c in text)
    sys.stdout.write(text + "\n")


def print_text(text: str) -> None:
    """Write text for people; symbols that the locale cannot encode become plain ones."""
    print_data(_writable(sys.stdout, harmless(text)))


def say(text: str) -> None:
    """Write a message to standard error."""
    _write_message(harmless(text))


def _write_message(text: str) -> None:
    try:
        sys.stderr.write(text + "\n")
    except OSError:
        give_up(sys.stderr)


def give_up(stream: TextIO) -> None:
    """Discard the buffered and all later output of a stream."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def hint(text: str, color: str = "auto") -> None:
    """Write a hint, on a terminal only; dimmed if there are colours.

    With the setting ``cli_suggestions: false`` nothing is written.
    """
    if sys.stderr.isatty() and _suggests():
        text = harmless(text)
        _write_message(f"\x1b[2m{text}\x1b[0m" if use_color(sys.stderr, color) else text)


def _suggests() -> bool:
    """Whether the user wants hints."""
    from controller.config.settings import get_settings
    from controller.errors import ConfigError

    try:
        return get_settings().cli_suggestions
    except ConfigError:  # reported when a setting is needed
        return True


def status(text: str) -> None:
    """Show the current activity in one terminal line that the next call replaces; "" ends it."""
    if not sys.stderr.isatty():
        return
    from shutil import get_terminal_size

    room = get_terminal_size().columns - 1
    sys.stderr.write(f"\r{one_line(text)[:room]}\x1b[K")
    sys.stderr.flush()


def print_table(
    build: Callable[[int | None], RenderableType], color: str = "auto", *, whole: bool = False
) -> None:
    """Write a table in the form that fits.

    Parameters
    ----------
    build
        Makes the output for a width; None requests the natural width: without a terminal nothing is
        cut.
    whole
        Also request the natural width on a terminal, which wraps the lines.
    """
    bounded = sys.stdout.isatty() and not whole
    content = build(console_for(sys.stdout, color).width if bounded else None)
    print_renderable(content, color, whole=whole)


def print_renderable(content: RenderableType, color: str = "auto", *, whole: bool = False) -> None:
    """Write a Rich renderable, through a pager if it is longer than the terminal.

    Without a terminal, and with ``whole``, it gets its natural width. No trailing blanks.
    """
    console = console_for(sys.stdout, color)
    natural = whole or not sys.stdout.isatty()
    text = drawn(content, console, None if natural else console.width)
    if text.count("\n") >= console.height and sys.stdout.isatty() and page(text):
        return
    if use_color(sys.stdout, color):
        sys.stdout.write(text)
    else:
        _write_data(text.rstrip("\n"))


def drawn(content: RenderableType, console: Console, width: int | None) -> str:
    """Return the output of a console within a width; None for the natural width."""
    if width is None and getattr(content, "expand", None) is False:
        width = UNLIMITED  # a table that does not fill the line computes its own width
    elif width is None:
        boundless = console.options.update(max_width=UNLIMITED)
        width = console.measure(content, options=boundless).maximum
    stream = console.file
    console.file = cast(TextIO, _AnyLetter(stream))
    try:
        with console.capture() as capture:
            console.print(_Harmless(content), width=width, crop=False)
    finally:
        console.file = stream
    return _writable(stream, _TRAILING.sub(r"\1", capture.get()))


class _Harmless:
    """Return Rich's output, without control characters from names in it.

    The text has no colours yet, so any escape in it comes from a name.
    """

    def __init__(self, content: RenderableType) -> None:
        self._content = content

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for segment in console.render(self._content, options):
            yield segment if segment.control else segment._replace(text=harmless(segment.text))


class _AnyLetter:
    """A stream that claims to encode everything: Rich changes nothing, `drawn` handles it."""

    encoding = "utf-8"

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def _writable(stream: Any, text: str) -> str:
    return text if _can_write(stream, text) else text.translate(_PLAIN)


def _can_write(stream: Any, text: str) -> bool:
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True
