"""How a kind of thing is listed: its columns, in forms of different width, and its data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from controller.config.suggestions import no_such
from controller.errors import ArgumentError
from controller.tables.data import Row, plain, value_at
from controller.tables.formats import zone
from controller.tables.schemas import DocumentSchema

Cell = Callable[[Any], str]


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
        The columns of its table.
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


def cell_maker(column: Column, form: int) -> Cell | None:
    """Return what makes the cells of a column: 0 full, 1 short, 2 tiny; None shows the data."""
    if form == 2 and column.tiny is not None:
        return column.tiny
    if form and column.short is not None:
        return column.short[1] or column.cell
    return column.cell


def heading(column: Column, form: int) -> str:
    """Return the heading of a column; ``form`` as of `cell_maker`."""
    header = column.short[0] if form and column.short is not None else column.header
    return header.replace("{zone}", zone()) if "{zone}" in header else header
