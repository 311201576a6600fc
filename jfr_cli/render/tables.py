"""How a list of things fits into a terminal.

To list a new kind of thing, declare a `TableSpec` and call `jfr_cli.output.show_rows`; tables
that the web page shows too are declared in `controller.tables`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from controller.safe_text import harmless, one_line
from controller.tables.columns import (
    ASKED,
    MORE,
    MOST,
    Cell,
    Column,
    TableSpec,
    asked_keys,
    cell_maker,
    chosen_columns,
    chosen_data,
    data_keys,
    heading,
)
from jfr_cli.render.data import Row
from jfr_cli.render.formats import cell_text, drawn_text

if TYPE_CHECKING:
    from rich.table import Table

__all__ = [
    "ASKED",
    "MORE",
    "MOST",
    "Cell",
    "Column",
    "Listing",
    "TableSpec",
    "asked_keys",
    "chosen_columns",
    "chosen_data",
    "data_keys",
]

_FOLDED = 14
"""Minimum width of folded long texts, for readability."""
_NAMES = frozenset(("name", "about"))
"""Columns of names that users choose: a line break in one must not look like another row."""


@dataclass(frozen=True)
class Listing:
    """A table of things, in the fullest form that fits.

    Attributes
    ----------
    pinned
        Whether the columns were chosen by the user, so that none is dropped.
    left_out
        Columns with content that did not fit into the last `table`.
    """

    spec: TableSpec
    items: Sequence[Any]
    columns: Sequence[Column]
    pinned: bool = False
    left_out: list[Column] = field(default_factory=list)

    def table(self, width: int | None) -> Table:
        """Return the table for a terminal of a width; None for whole cells in every column.

        If it does not fit, as many ids and times as necessary are shortened; then columns of ``-v``
        without content and finally other columns are dropped, those of the highest rank first.
        """
        self.left_out.clear()
        whole = {column: self._drawn(column, 0) for column in self.columns}
        if width is None or _width(whole.values(), 2) <= width:
            return self._table(whole)
        short = {
            column: drawn
            for column in self.columns
            if (drawn := self._drawn(column, 1)).says_something or self.pinned or 0 in column.levels
        }
        while _width(short.values(), 1) > width and not self.pinned:
            rank = max(column.rank for column in short)
            if rank == 0:
                return self._table({column: self._drawn(column, 2) for column in short}, gap=1)
            last = [column for column in short if column.rank == rank][-1]
            if short.pop(last).says_something:
                self.left_out.append(last)
        for column in sorted(short, key=lambda column: column.rank):  # as full as fits
            fuller = {**short, column: whole[column]}
            if _width(fuller.values(), 2) <= width:
                short = fuller
        return self._table(short, gap=2 if _width(short.values(), 2) <= width else 1)

    def plain(self) -> str:
        """Return the table as text, whatever its width."""
        from jfr_cli.render.plain import PlainColumn, plain_table

        whole = {column: self._drawn(column, 0) for column in self.columns}
        return plain_table(
            [PlainColumn(d.header, d.cells, number=c.number) for c, d in whole.items()]
        )

    def _drawn(self, column: Column, form: int) -> _Drawn:
        """Draw a column: 0 full, 1 short, 2 tiny."""
        make = cell_maker(column, form)
        if make is None:
            cells = [cell_text(column.value(row)) for row in self._rows]
        else:
            cells = [make(item) or "" for item in self.items]
        clean = one_line if column.key in _NAMES else harmless
        cells = [clean(cell) for cell in cells]
        return _Drawn(heading(column, form), cells, _FOLDED if form else 3 * _FOLDED, column.wraps)

    @cached_property
    def _rows(self) -> list[Row]:
        return [self.spec.row(item) for item in self.items]

    def _table(self, columns: Mapping[Column, _Drawn], gap: int = 2) -> Table:
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        table = Table(
            box=SIMPLE_HEAD,
            padding=(0, gap - 1, 0, 0),  # the box adds one
            pad_edge=False,
            show_edge=False,
            header_style="bold",
            border_style="dim",
        )
        for column, drawn in columns.items():
            table.add_column(
                Text(drawn.header),
                overflow="fold",
                no_wrap=not column.wraps,
                justify="right" if column.number else "left",
            )
        for row in zip(*(drawn.cells for drawn in columns.values())):
            table.add_row(*map(drawn_text, row))
        return table


@dataclass(frozen=True)
class _Drawn:
    """A column in one of its forms; long texts are folded to ``fold``."""

    header: str
    cells: list[str]
    fold: int
    wraps: bool

    @property
    def says_something(self) -> bool:
        """Whether any cell has content."""
        return any(self.cells)

    @cached_property
    def width(self) -> int:
        """The required width."""
        from rich.cells import cell_len

        widest = max(map(cell_len, self.cells), default=0)
        return max(min(widest, self.fold) if self.wraps else widest, cell_len(self.header))


def _width(columns: Iterable[_Drawn], gap: int) -> int:
    widths = [column.width for column in columns]
    return sum(widths) + gap * (len(widths) - 1)
