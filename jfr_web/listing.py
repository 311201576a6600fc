"""A list as a table with links; `controller.tables` declares what the terminal and the web list.

Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from controller.safe_text import harmless
from controller.tables.columns import Column, TableSpec, cell_maker, chosen_columns, heading
from controller.tables.formats import TONES, Words, cell_text

Link = Callable[[Any], str | None]
"""Returns the address that an item links to; None for no link."""


@dataclass(frozen=True)
class Head:
    """The heading of a column.

    Attributes
    ----------
    href
        Address that sorts by it; None if the list cannot be sorted by it.
    sorted
        "ascending" or "descending" if the list is sorted by it, else None.
    css
        CSS classes of the column.
    """

    key: str
    title: str
    css: str
    href: str | None = None
    sorted: str | None = None


@dataclass(frozen=True)
class Cell:
    """A cell: a text, optionally with a tone and a link."""

    text: str
    css: str
    tone: str = ""
    href: str | None = None


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes
    ----------
    ids
        The id of each row, for forms.
    """

    heads: list[Head]
    rows: list[list[Cell]]
    ids: list[str]


def tone_of(text: str) -> str:
    """Return the CSS class that gives a text the command line's colour, "" for none."""
    return TONES.get(text.style, "") if isinstance(text, Words) else ""


def table(
    spec: TableSpec,
    items: Sequence[Any],
    *,
    columns: str | None = None,
    level: int = 0,
    links: Mapping[str, Link] | None = None,
    sorts: Mapping[str, tuple[str, str | None]] | None = None,
) -> Table:
    """Return a list as a table.

    Parameters
    ----------
    columns
        As ``--columns`` of the command line; None for the default ones.
    level
        The number of ``-v`` on the command line.
    links
        {key of a column: what its cells lead to}.
    sorts
        {key of a column: (address that sorts by it, how the list is sorted by it)}.

    Raises
    ------
    ArgumentError
        There is no such column.
    """
    chosen = chosen_columns(spec, columns, level)
    links, sorts = links or {}, sorts or {}
    heads = [
        Head(c.key, heading(c, 0), _css(c), *(sorts.get(c.key) or (None, None))) for c in chosen
    ]
    data = [spec.row(item) for item in items]
    rows = [
        [_cell(column, item, row, links.get(column.key)) for column in chosen]
        for item, row in zip(items, data)
    ]
    return Table(heads, rows, [str(row.get(spec.name_key)) for row in data])


def _css(column: Column) -> str:
    kinds = [f"r{min(column.rank, 9)}", "num" if column.number else "", "wrap" * column.wraps]
    return " ".join(kind for kind in kinds if kind)


def _cell(column: Column, item: Any, row: Mapping[str, Any], link: Link | None) -> Cell:
    make = cell_maker(column, 0)
    text = make(item) or "" if make is not None else cell_text(column.value(dict(row)))
    href = link(item) if link is not None and text else None
    return Cell(harmless(text), _css(column), tone_of(text), href)
