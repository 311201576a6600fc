"""What indexes know of documents, without reading them.

The columns of a table hold most of what an action on many jobs has to know of each: reading these
takes a tenth of the time that it takes to read the documents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from controller.storage.base import Document
from controller.storage.embedded.filters import split_path
from controller.storage.embedded.layout import ARRAY_KEY, Column, Table
from controller.storage.embedded.link import Link
from controller.storage.embedded.rows import Stored, read_columns
from controller.storage.embedded.values import MISSING, value_of_key

KEYS_AT_ONCE = 500
"""Rows of which one statement reads keys."""
_SCANNED = 30
"""Entries of an index of arrays that are passed over, at most, to find those of one document."""

Members = Mapping[int, Sequence[Any]]
"""{row number: keys of the members of its array}."""


class KnownFields:
    """Reads fields of documents from the columns of a table.

    Parameters
    ----------
    paths
        Of the fields: none within an array, and none above another.
    """

    def __init__(self, table: Table, paths: Sequence[str]) -> None:
        self._table = table
        self._columns = [table.columns[path] for path in paths]
        names = [split_path(path) for path in paths]
        self._top = [(at, way[0]) for at, way in enumerate(names) if len(way) == 1]
        self._below: dict[str, list[tuple[int, str]]] = {}
        for at, way in enumerate(names):
            if len(way) > 1:
                self._below.setdefault(way[0], []).append((at, way[1]))
        self._cache: dict[Any, Any] = {}

    @staticmethod
    def has(table: Table, paths: Iterable[str]) -> bool:
        """Whether columns hold these fields."""
        columns = [(table.columns.get(path), len(split_path(path))) for path in paths]
        return all(
            c is not None and c.is_plain and levels <= 2 and (c.multi or not c.odd)
            for c, levels in columns
        )

    def read(self, link: Link, sequences: Sequence[int]) -> Iterator[tuple[int, Document]]:
        """Yield (row number, its fields) of rows, as far as they exist.

        A field that is null may be missing in the document. Of an array that names a text several
        times, all but one are left out.
        """
        arrays = {
            at: members(link, self._table, column, sequences)
            for at, column in enumerate(self._columns)
            if column.multi
        }
        asked = [column.sql for column in self._columns]
        for row in read_columns(link, self._table, asked, sequences, KEYS_AT_ONCE):
            yield row[0], self._document(link, row, arrays)

    def _document(self, link: Link, row: Sequence[Any], arrays: Mapping[int, Members]) -> Document:
        values = [
            key if type(key) is str or type(key) is int or key is None else self._value(key)
            for key in row[1:]
        ]
        for at, found in arrays.items():
            if row[1 + at] == ARRAY_KEY:
                values[at] = _array(found.get(row[0], ()))
        if MISSING in values:  # an array or dictionary where most documents have a scalar
            paths = [column.path for column in self._columns]
            [stored] = read_columns(link, self._table, ["hot"], [row[0]], 1)
            return Stored(*stored).decode(link, paths)
        document = {name: values[at] for at, name in self._top}
        for outer, inner in self._below.items():
            document[outer] = {name: values[at] for at, name in inner}
        return document

    def _value(self, key: Any) -> Any:
        """Return the value of a key; of documents that change together, times are the same."""
        found = self._cache.get(key)
        if found is None:
            found = self._cache[key] = value_of_key(key)
        return found


def _array(keys: Sequence[Any]) -> Any:
    """Return the array with these members; MISSING where their order is not known."""
    return list(keys) if len(keys) < 2 and all(type(key) is str for key in keys) else MISSING


def members(
    link: Link, table: Table, column: Column, sequences: Sequence[int]
) -> dict[int, list[Any]]:
    """Return the keys of the members of arrays, {row number: keys}; rows without any are left out.

    No index leads from a row to its keys: all those of the column are passed over.
    """
    wanted = set(sequences)
    if not wanted:
        return {}
    found: dict[int, list[Any]] = {}
    rows = link.sql.execute(
        f"SELECT seq, v FROM {table.side} WHERE c=? AND +seq BETWEEN ? AND ?",
        (column.number, min(wanted), max(wanted)),
    )
    for sequence, key in rows:
        if sequence in wanted:
            found.setdefault(sequence, []).append(key)
    return found


def is_worthwhile(link: Link, table: Table, number: int) -> bool:
    """Whether passing over an index of arrays pays for so many documents."""
    largest = link.sql.execute(f"SELECT max(seq) FROM {table.rows}").fetchone()[0] or 0
    return number * _SCANNED >= int(largest)
