"""Where things are printed: data on standard output, everything else on standard error.

Off a terminal nothing is coloured, cut or asked. Rich is imported when a table is printed.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console

UNLIMITED = 10_000
"""Columns of a stream that is no terminal: nothing is cut."""


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

    width = None if stream.isatty() or os.environ.get("COLUMNS") else UNLIMITED
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
    """Write data, whatever the locale makes of its letters."""
    try:
        sys.stdout.write(text + "\n")
    except UnicodeEncodeError:
        raw = (text + "\n").encode(sys.stdout.encoding or "ascii", "backslashreplace")
        sys.stdout.buffer.write(raw)


def say(text: str) -> None:
    """Write a message for the person, on standard error."""
    try:
        sys.stderr.write(text + "\n")
    except UnicodeEncodeError:
        sys.stderr.write(text.encode("ascii", "backslashreplace").decode() + "\n")


def hint(text: str) -> None:
    """Write a hint, on a terminal only."""
    if sys.stderr.isatty():
        say(text)


def print_table(table: Any, color: str = "auto") -> None:
    """Write a Rich renderable."""
    console = console_for(sys.stdout, color)
    if not sys.stdout.isatty():
        from rich.console import Console
        from rich.segment import Segments

        # The natural width of the table instead of the unlimited one: no trailing blanks.
        assert isinstance(console, Console)
        lines = console.render_lines(table, pad=False)
        for line in lines:
            text = "".join(s.text for s in line).rstrip()
            if use_color(sys.stdout, color):
                console.print(Segments(line))
            else:
                print_data(text)
        return
    console.print(table)
