"""Where things are printed: data on standard output, everything else on standard error.

Off a terminal nothing is coloured, cut or asked. Rich is imported when a table is printed.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

UNLIMITED = 10_000
"""Columns of a stream that is no terminal: nothing is cut."""


def survive_the_locale() -> None:
    """Let a letter that the locale cannot write become a question mark instead of an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def use_color(stream: TextIO, choice: str = "auto") -> bool:
    """Whether to colour what goes to a stream.

    Parameters
    ----------
    choice
        always, never or auto: on a terminal, unless NO_COLOR is set or TERM is dumb.
    """
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()


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
        highlight=False,
        soft_wrap=False,
        emoji=False,
    )


def print_data(text: str) -> None:
    """Write data; a letter that the locale cannot write becomes what JSON writes for it."""
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = "".join(c if c.isascii() else json.dumps(c)[1:-1] for c in text)
    sys.stdout.write(text + "\n")


def say(text: str) -> None:
    """Write a message for the person, on standard error."""
    sys.stderr.write(text + "\n")


def hint(text: str) -> None:
    """Write a hint, on a terminal only."""
    if sys.stderr.isatty():
        say(text)


def print_table(build: Callable[[bool], RenderableType], color: str = "auto") -> None:
    """Write what a table shows, in the form that fits.

    Parameters
    ----------
    build
        Makes what is printed; True asks for the narrow form. Off a terminal nothing is cut, so
        the wide form is printed whatever its width.
    """
    console = console_for(sys.stdout, color)
    wide = build(False)
    boundless = console.options.update(max_width=UNLIMITED)
    fits = console.measure(wide, options=boundless).maximum <= console.width
    print_renderable(wide if fits or not sys.stdout.isatty() else build(True), color)


def print_renderable(content: RenderableType, color: str = "auto") -> None:
    """Write a Rich renderable; off a terminal in its natural width and without trailing blanks."""
    console = console_for(sys.stdout, color)
    if sys.stdout.isatty():
        console.print(content)
    elif use_color(sys.stdout, color):
        console.print(content, width=console.measure(content).maximum)
    else:
        for line in console.render_lines(content, pad=False):
            print_data("".join(segment.text for segment in line).rstrip())
