"""Change many documents alike: few statements, and keys computed once where all get the same.

An update of 100,000 jobs is as many documents to decode and encode; what can be shared among them
is shared: which columns the change touches, the new keys of values that it sets, and a statement
for many rows. Documents with large values take the way of a single one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import bson

from controller.storage.base import Document
from controller.storage.embedded import rows
from controller.storage.embedded.changes import touched_columns
from controller.storage.embedded.compression import packed
from controller.storage.embedded.layout import Column, Keys, Table
from controller.storage.embedded.parts import HOT_SIZE, has_holes

if TYPE_CHECKING:
    from controller.storage.embedded.changes import Change
    from controller.storage.embedded.link import Link
    from controller.storage.embedded.rows import Stored

_BATCH = 500
"""Number of documents written by one statement."""
_Shown = Callable[[Document], None] | None
_One = Callable[["Stored", "Change", Sequence[Any], _Shown], bool]


def rewrite_all(
    link: Link,
    table: Table,
    found: Iterable[Stored],
    change: Change,
    *,
    one: _One,
    shown: _Shown,
) -> tuple[int, int]:
    """Change documents; returns (how many there are, how many are others now).

    Parameters
    ----------
    found
        The documents, of which none appears twice.
    one
        Changes a single document, whatever it holds.
    shown
        Is shown each document before it changes; see `controller.storage.embedded.writes.Writer`.
    """
    touched = touched_columns(table, change)
    unique = {c.path for _, columns in table.unique for c in columns}
    alike = not any(c.path in unique for c in touched)
    batch = _Batch(link, table, [(c, constant_keys(table, c, change)) for c in touched])
    matched = modified = 0
    for stored in found:
        matched += 1
        if not alike or has_holes(stored.raw):
            modified += one(stored, change, (), shown)
            continue
        document: dict[str, Any] = bson.decode(stored.raw)
        if shown is not None:
            shown(document)
        old = batch.keys(document)
        after = bson.encode(change.apply(document))
        if len(after) > HOT_SIZE:
            modified += one(stored, change, (), None)
        elif after != stored.raw:
            batch.add(stored.sequence, after, old, document)
            modified += 1
    batch.write()
    return matched, modified


def constant_keys(table: Table, column: Column, change: Change) -> Keys | None:
    """Return the keys that a column has of every changed document; None if they differ."""
    if column.is_plain and len(column.names) == 1:
        value = change.constants.get(column.path, _DIFFERS)
        return None if value is _DIFFERS else column.keys({column.path: value})
    if column.is_pair:
        first = table.columns.get(column.paths[0])
        stays = first is not None and (not change.touches(first) or first.path in change.constants)
        if first is not None and not first.multi and stays:
            return column.keys({})  # of no array, there is no pair
    return None


_DIFFERS: Any = object()


class _Batch:
    """Rows to change, by which of their keys change."""

    def __init__(
        self, link: Link, table: Table, columns: Sequence[tuple[Column, Keys | None]]
    ) -> None:
        self._link, self._table, self._columns = link, table, columns
        # A pair without an array has no keys, before and after.
        self._of_document = [(c, new) for c, new in columns if not (c.is_pair and new is not None)]
        self._rows: dict[tuple[str, ...], list[tuple[Any, ...]]] = {}
        self._gone: list[tuple[int, Any, int]] = []
        self._new: list[tuple[int, Any, int]] = []
        self._number = 0

    def keys(self, document: Document) -> list[Keys]:
        """Return the keys of a document before its change."""
        return [column.keys(document) for column, _ in self._of_document]

    def add(self, sequence: int, raw: bytes, old: Sequence[Keys], document: Document) -> None:
        """Take a changed document; it is written now or later."""
        names: list[str] = []
        values: list[Any] = [packed(raw)]
        for (column, constant), before in zip(self._of_document, old):
            now = column.keys(document) if constant is None else constant
            if now == before:
                continue
            if now[0] != before[0] or now[2] != before[2]:
                rows.mark(self._link, self._table, column, now)
                names.append(column.sql)
                values.append(now[0])
            if now[1] != before[1]:
                self._gone += [(column.number, key, sequence) for key in before[1] - now[1]]
                self._new += [(column.number, key, sequence) for key in now[1] - before[1]]
        self._rows.setdefault(tuple(names), []).append((*values, sequence))
        self._number += 1
        if self._number >= _BATCH:
            self.write()

    def write(self) -> None:
        """Write what was taken so far."""
        for names, some in self._rows.items():
            set_keys = "".join(f", {name}=?" for name in names)
            self._link.sql.executemany(
                f"UPDATE {self._table.rows} SET hot=?{set_keys} WHERE seq=?", some
            )
        side = self._table.side
        self._link.sql.executemany(f"DELETE FROM {side} WHERE c=? AND v=? AND seq=?", self._gone)
        self._link.sql.executemany(f"INSERT OR IGNORE INTO {side} VALUES(?,?,?)", self._new)
        self._rows, self._gone, self._new, self._number = {}, [], [], 0
