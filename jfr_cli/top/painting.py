"""What has to be written so that a terminal shows other lines than before. Pure.

Lines are compared cell by cell: over a slow connection a run time that goes on costs its digit, not
its line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from jfr_cli.top.spans import Line, width_of

Cell = tuple[str, str]
"""A character and its style; "" stands for the second half of a wide character."""

_NEAR = 5
"""Unchanged cells that cost less than another movement of the cursor."""

Render = Callable[[str, str], str]
"""(text, style) -> text with escape sequences."""

_PLAIN = str.maketrans("▁▂▃▄▅▆▇█─·○◔◑▶◕✔✘‖■↻▸…", "_.-:=+*#-.ooo>o+x=#~>.")
"""Replacements for symbols in locales without them."""


def cells_of(line: Line) -> list[Cell]:
    """Take a line apart."""
    cells: list[Cell] = []
    for text, style in line:
        for character in text:
            width = 1 if character.isascii() else width_of(character)
            if width == 0 and cells:  # it is drawn upon the one before
                last, its_style = cells[-1]
                cells[-1] = (last + character, its_style)
                continue
            cells.append((character, style))
            cells += [("", style)] * (width - 1)
    return cells


def changes(before: Sequence[Line], after: Sequence[Line], render: Render) -> str:
    """Return what to write so that a screen shows other lines.

    Parameters
    ----------
    before
        The lines it shows; missing lines are empty.
    render
        Gives a text its style.
    """
    out = []
    for row, line in enumerate(after):
        old = before[row] if row < len(before) else ()
        if old == line and row < len(before):
            continue
        out.append(_row(row, cells_of(old), cells_of(line), render))
    out += [f"\x1b[{row + 1};1H\x1b[K" for row in range(len(after), len(before))]
    return "".join(out)


def _row(row: int, old: list[Cell], new: list[Cell], render: Render) -> str:
    blank: Cell = (" ", "")
    old = old + [blank] * (len(new) - len(old))
    differs = [n for n, cell in enumerate(new) if cell != old[n]]
    out = []
    for begin, end in _runs(differs):
        while begin > 0 and new[begin][0] == "":  # never within a wide character
            begin -= 1
        while end < len(new) and new[end][0] == "":
            end += 1
        out.append(f"\x1b[{row + 1};{begin + 1}H{_drawn(new[begin:end], render)}")
    if len(old) > len(new) and any(cell != blank for cell in old[len(new) :]):
        out.append(f"\x1b[{row + 1};{len(new) + 1}H\x1b[K")
    return "".join(out)


def _runs(places: Sequence[int]) -> list[tuple[int, int]]:
    """Join places that are near to runs, (first, behind the last)."""
    runs: list[tuple[int, int]] = []
    for place in places:
        if runs and place - runs[-1][1] <= _NEAR:
            runs[-1] = (runs[-1][0], place + 1)
        else:
            runs.append((place, place + 1))
    return runs


def _drawn(cells: Sequence[Cell], render: Render) -> str:
    out, text, style = [], "", ""
    for character, its_style in cells:
        if its_style != style and text:
            out.append(render(text, style))
            text = ""
        style = its_style
        text += character
    return "".join([*out, render(text, style)]) if text else "".join(out)


def renderer(*, color: bool, encoding: str, system: str = "256") -> Render:
    """Make the function that gives texts their styles on a terminal.

    Parameters
    ----------
    color
        Whether colours may be used; bold and reverse are used in any case.
    encoding
        Encoding of the terminal; symbols that it lacks are replaced.
    system
        "truecolor", "256" or "standard".
    """
    from rich.color import ColorSystem
    from rich.style import Style

    systems = {"truecolor": ColorSystem.TRUECOLOR, "256": ColorSystem.EIGHT_BIT}
    depth = systems.get(system, ColorSystem.STANDARD)
    styles: dict[str, Any] = {}

    def render(text: str, style: str) -> str:
        if style not in styles:
            made = Style.parse(style)
            styles[style] = made if color else made.without_color
        try:
            text.encode(encoding)
        except UnicodeEncodeError:
            text = text.translate(_PLAIN).encode(encoding, "replace").decode(encoding)
        return str(styles[style].render(text, color_system=depth)) if style else text

    return render
