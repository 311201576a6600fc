"""Lines of a terminal: texts with styles, cut and filled to a number of columns. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from controller.safe_text import one_line

Span = tuple[str, str]
"""A text and its Rich style, "" for none."""
Line = tuple[Span, ...]

ELLIPSIS = "…"


def width_of(text: str) -> int:
    """Return how many columns a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def fit(text: str, width: int, *, right: bool = False) -> str:
    """Make a text exactly so wide: cut with an ellipsis, or filled with blanks.

    Parameters
    ----------
    right
        Align it to the right.
    """
    text = one_line(text)
    missing = width - width_of(text)
    if missing >= 0:
        return " " * missing + text if right else text + " " * missing
    if width <= 0:
        return ""
    from rich.cells import set_cell_size

    return set_cell_size(text, width - 1) + ELLIPSIS


def line_width(line: Line) -> int:
    """Return how many columns a line takes."""
    return sum(width_of(text) for text, _ in line)


def fitted(line: Iterable[Span], width: int) -> Line:
    """Cut a line that is too wide, and fill one that is not wide enough."""
    left, spans = width, []
    for text, style in line:
        if left <= 0:
            break
        size = width_of(text)
        spans.append((text if size <= left else fit(text, left), style))
        left -= min(size, left)
    if left > 0:
        spans.append((" " * left, ""))
    return tuple(spans)


def beside(left: list[Line], right: list[Line], left_width: int, gap: int) -> list[Line]:
    """Put two blocks of lines beside each other; the shorter one is filled up."""
    height = max(len(left), len(right))
    rows = [*left, *[()] * (height - len(left))], [*right, *[()] * (height - len(right))]
    return [(*fitted(a, left_width), (" " * gap, ""), *b) for a, b in zip(*rows)]


def plain(line: Line) -> str:
    """Return a line without its styles."""
    return "".join(text for text, _ in line)
