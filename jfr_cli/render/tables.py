"""How a kind of thing is listed: its columns, at different terminal widths, and its data.

To list a new kind of thing, declare a `TableSpec` and call `jfr_cli.output.show_rows`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from controller.config.suggestions import no_such
from controller.errors import ArgumentError
from controller.safe_text import harmless, is_harmless
from jfr_cli.render.data import Row, plain, value_at
from jfr_cli.render.schemas import DocumentSchema
from jfr_cli.render.words import cell_text, drawn_text, zone

if TYPE_CHECKING:
    from rich.table import Table

Cell = Callable[[Any], str]

_FOLDED = 14
"""Minimum width of folded long texts, for readability."""


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    key
        Its key in ``--columns``.
    header
        Its heading; ``{zone}`` is replaced by the name of the local time zone.
    cell
        Makes the cell from the thing; None shows the data value at ``path``.
    path
        Path of the value in the data; "" means ``key``. A dot leads into a nested object.
    short
        (heading, cell) for tables that are too wide; None shows the same.
    tiny
        Makes the cell if even that is too wide; None shows the same.
    levels
        The numbers of ``-v`` with which it is shown.
    wraps
        Whether its texts may be long, and are folded to fit.
    number
        Whether it is aligned to the right.
    rank
        If even short columns do not fit, those of the highest rank are dropped first; 0 is kept.
    """

    key: str
    header: str
    cell: Cell | None = None
    path: str = ""
    short: tuple[str, Cell | None] | None = None
    tiny: Cell | None = None
    levels: range = range(100)
    wraps: bool = False
    number: bool = False
    rank: int = 1

    def value(self, row: Row) -> Any:
        """Return the data value of this column."""
        return value_at(row, self.path or self.key)


@dataclass(frozen=True)
class TableSpec(DocumentSchema):
    """A kind of thing that can be listed.

    Attributes
    ----------
    row
        Makes the row from the thing: the keys of the schema, as Python values.
    columns
        Of its table.
    name_key
        The key printed by ``--format name``.
    """

    row: Callable[[Any], Row] = dict
    columns: tuple[Column, ...] = ()
    name_key: str = "db_id"

    def data(self, item: Any) -> Row:
        """Return the data of a thing."""
        row = plain(self.row(item))
        assert isinstance(row, dict)
        return row


MORE = range(1, 100)
"""Levels of a column that ``-v`` adds."""
MOST = range(2, 100)
"""Levels of a column that ``-vv`` adds."""
ASKED = range(0)
"""Levels of a column that only ``--columns`` shows."""


def chosen_columns(
    spec: TableSpec, asked: str | None, level: int, defaults: Sequence[str] | None = None
) -> list[Column]:
    """Return the columns of a table.

    Parameters
    ----------
    asked
        The value of ``--columns``: keys separated by commas; None for the default ones.
    level
        The number of ``-v``.
    defaults
        Keys to show instead of the default ones at level 0.

    Raises
    ------
    ArgumentError
        A key that does not exist.
    """
    if asked is not None:
        return [_column(spec, key) for key in asked_keys(asked)]
    if level == 0 and defaults:
        return [_column(spec, key) for key in defaults]
    return [column for column in spec.columns if level in column.levels]


def chosen_data(spec: TableSpec, asked: str | None) -> Callable[[Row], Row]:
    """Return a function that reduces rows to the requested columns; errors as above."""
    if asked is None:
        return lambda row: row
    columns = {key: _column(spec, key) for key in asked_keys(asked)}
    return lambda row: {key: column.value(row) for key, column in columns.items()}


def data_keys(spec: TableSpec, asked: str | None) -> list[str]:
    """Keys of the rows, even if there are none: the header of CSV."""
    if asked is not None:
        return asked_keys(asked)
    return [key for key in spec.properties if key not in spec.optional]


def asked_keys(asked: str) -> list[str]:
    """Split the value of ``--columns``; ArgumentError if it is empty."""
    keys = [key.strip() for key in asked.split(",") if key.strip()]
    if not keys:
        raise ArgumentError("no columns given", hint="for example --columns db_id,state")
    return keys


def _column(spec: TableSpec, key: str) -> Column:
    for column in spec.columns:
        if column.key == key:
            return column
    if key.partition(".")[0] in spec.properties:
        return Column(key, f"{key} [{{zone}}]" if _is_time(spec, key) else key, wraps=True)
    known = [*dict.fromkeys([*(c.key for c in spec.columns), *spec.properties])]
    raise ArgumentError(f"there is no column {key!r}: {no_such(key, known)}")


def _is_time(spec: TableSpec, path: str) -> bool:
    """Whether the schema has a time at a dotted path."""
    schema: Any = {"properties": spec.properties}
    for key in path.split("."):
        schema = schema.get("properties", {}).get(key, {})
    return bool(schema.get("format") == "date-time")


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
        make = _maker(column, form)
        if make is None:
            cells = [cell_text(column.value(row)) for row in self._rows]
        else:
            cells = [make(item) or "" for item in self.items]
        cells = [cell if is_harmless(cell) else harmless(cell) for cell in cells]
        return _Drawn(_header(column, form), cells, _FOLDED if form else 3 * _FOLDED, column.wraps)

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


def _maker(column: Column, form: int) -> Cell | None:
    if form == 2 and column.tiny is not None:
        return column.tiny
    if form and column.short is not None:
        return column.short[1] or column.cell
    return column.cell


def _header(column: Column, form: int) -> str:
    header = column.short[0] if form and column.short is not None else column.header
    return header.replace("{zone}", zone()) if "{zone}" in header else header
