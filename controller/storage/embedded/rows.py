"""Read documents from and write them to the tables, with the keys of their indexes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

import bson
from bson import ObjectId

from controller.errors import ArgumentError, DuplicateKeyError, UnsupportedOperationError
from controller.storage.driver_errors import duplicate_key
from controller.storage.embedded.compression import packed
from controller.storage.embedded.file import File
from controller.storage.embedded.layout import ARRAY_KEY, Column, Keys, Table, mark_column, pair_key
from controller.storage.embedded.link import Link
from controller.storage.embedded.lockfile import owner_text
from controller.storage.embedded.parts import (
    HOT_SIZE,
    Cut,
    Part,
    cut,
    fill,
    has_holes,
    holes,
    is_hole,
    last_texts,
    refuse_foreign_holes,
)
from controller.storage.embedded.patches import whole
from controller.storage.embedded.values import encode, index_key, value_of_key

__all__ = [
    "Cut",
    "Prepared",
    "Stored",
    "cut",
    "drop_parts",
    "insert",
    "insert_all",
    "mark",
    "prepare",
    "read_columns",
    "refuse_foreign_holes",
    "remove",
    "rewrite",
    "side_columns",
    "stage_large",
]

STAGE_SIZE = 1 << 20
"""Larger values, in bytes, are written before the transaction that refers to them."""
_BATCH = 200
"""Number of documents inserted by one statement."""


_ALL: Mapping[str, int] = {}


@dataclass
class Stored:
    """A document as stored in the file.

    Attributes
    ----------
    sequence
        Its row number.
    raw
        Its hot part, as stored when it is given, and then as BSON.
    """

    sequence: int
    raw: bytes

    def __post_init__(self) -> None:
        self.raw = whole(self.raw)

    def decode(
        self,
        link: Link,
        paths: Iterable[str],
        excluded: Iterable[str] = (),
        ends: Mapping[str, int] = _ALL,
    ) -> dict[str, Any]:
        """Return the document, with the parts that lie on the paths.

        Parameters
        ----------
        excluded
            Top-level names that are not wanted, although a path includes them.
        ends
            {name: number} of top-level arrays of which only that many last members are needed.
        """
        return self.open(link, paths, excluded, ends)[0]

    def open(
        self,
        link: Link,
        paths: Iterable[str],
        excluded: Iterable[str] = (),
        ends: Mapping[str, int] = _ALL,
    ) -> tuple[dict[str, Any], dict[tuple[str, ...], tuple[Part, bytes]]]:
        """Return the document as `decode` does, and which parts were put back."""
        document: dict[str, Any] = bson.decode(self.raw)
        if not has_holes(self.raw):
            return document, {}
        for name, number in ends.items():
            hole: Any = document.get(name)
            if is_hole(hole) and (end := link.read_end(Part.of_hole(hole))) is not None:
                document[name] = last_texts(end, number) or hole
        return document, fill(document, paths, link.read_part, excluded)


def read_columns(
    link: Link, table: Table, columns: Sequence[str], sequences: Iterable[int], at_once: int
) -> Iterator[tuple[Any, ...]]:
    """Yield (row number, values of columns) of rows, as far as they exist; in no order.

    Parameters
    ----------
    columns
        Their names in SQL.
    at_once
        Number of rows that one statement reads. Between two statements, rows may change.
    """
    left, names = iter(sequences), ", ".join(("seq", *columns))
    while some := list(islice(left, at_once)):
        marks = ",".join("?" * len(some))
        statement = f"SELECT {names} FROM {table.rows} WHERE seq IN ({marks})"
        yield from link.sql.execute(statement, some).fetchall()


@dataclass
class Prepared:
    """A document prepared outside the transaction that will write it.

    Attributes
    ----------
    document
        The document; unchanged if not `is_normal`.
    pieces
        What remains to be written.
    staged
        What has been written already.
    is_normal
        Whether the document is as a server would see it; see `normalise`.
    """

    document: dict[str, Any]
    pieces: Cut
    staged: list[Part] = field(default_factory=list)
    is_normal: bool = True

    def keys(self, column: Column) -> Keys:
        """Return the keys of an indexed path; see `Column.keys`."""
        if not self.is_normal:
            # For most documents, decoding would be the most expensive step.
            keys = column.plain_keys(self.document)
            if keys is not None:
                return keys
            self.document, self.is_normal = bson.decode(self.pieces.encode()), True
        return column.keys(self.document)


def prepare(file: File, document: Any, *, stage: bool) -> Prepared:
    """Normalise a document, give it an ``_id`` and cut it; stage what is very large.

    Parameters
    ----------
    stage
        False within a transaction, which already holds the lock of the file.
    """
    if "_id" not in document:
        document["_id"] = ObjectId()
    if isinstance(document["_id"], (list, tuple)):
        raise ArgumentError("_id cannot be an array")
    given = {"_id": document["_id"], **document}
    raw = encode(given)
    refuse_foreign_holes(raw)
    if len(raw) <= HOT_SIZE:
        return Prepared(given, Cut(given, raw=raw), is_normal=False)
    whole = bson.decode(raw)
    prepared = Prepared(whole, cut(whole, raw=raw))
    if stage:
        stage_large(file, prepared)
    return prepared


def stage_large(file: File, prepared: Prepared) -> None:
    """Write the very large values now, in short transactions of their own."""
    left = []
    for place, raw in prepared.pieces.values:
        if len(raw) > STAGE_SIZE:
            part = file.stage(raw, owner_text())
            prepared.pieces.put(place, part.hole())
            prepared.staged.append(part)
        else:
            left.append((place, raw))
    prepared.pieces.values = left


def insert(link: Link, table: Table, prepared: Prepared) -> None:
    """Write a new document."""
    insert_all(link, table, [prepared])


def insert_all(link: Link, table: Table, documents: Iterable[Prepared]) -> None:
    """Write new documents; they are taken one by one, and forgotten as soon as they are written."""
    batch = _Batch(link, table)
    for prepared in documents:
        batch.add(prepared)
    batch.write()


class _Batch:
    """A buffer of rows to insert: one statement for many of them takes a third of the time."""

    def __init__(self, link: Link, table: Table) -> None:
        self._link, self._table = link, table
        self._unique = {c.path for _, columns in table.unique for c in columns}
        self._id = table.columns["_id"]
        columns = [c for c in table.columns.values() if c is not self._id]
        self._columns = [
            (c, c.path not in self._unique, c.names[0], c.names if len(c.names) > 1 else None)
            for c in columns
        ]
        self._times: dict[datetime, Any] = {}
        names = "".join(f", {c.sql}" for c in columns)
        marks = ", ?" * len(self._columns)
        self._statement = f"INSERT INTO {table.rows}(seq, id, hot{names}) VALUES(?, ?, ?{marks})"
        last = link.sql.execute(f"SELECT max(seq) FROM {table.rows}").fetchone()[0]
        self._sequence: int = last or 0
        self._number = 0
        self._rows: list[tuple[Any, ...]] = []
        self._side: list[tuple[int, Any, int]] = []

    def add(self, prepared: Prepared) -> None:
        """Take a document; it is written now or later."""
        document = prepared.document
        raw = _finish(self._link, prepared.pieces, prepared.staged)
        self._sequence += 1
        row = [self._sequence, prepared.keys(self._id)[0], packed(raw)]
        for column, is_free, name, rest in self._columns:
            value: Any = document.get(name) if rest is None else _value_at(document, rest)
            kind = type(value)
            if column.is_plain:
                if kind is str or kind is int or (value is None and is_free):  # most columns
                    row.append(value)
                    continue
                if kind is datetime:  # of documents that are made together, the same
                    row.append(
                        self._times.get(value) or self._times.setdefault(value, index_key(value))
                    )
                    continue
                if kind is list and column.multi and column.odd and _are_texts(value):
                    row.append(ARRAY_KEY)
                    if value:
                        self._side += [(column.number, key, self._sequence) for key in set(value)]
                    continue
            elif column.is_pair:
                if kind is str or value is None:  # only arrays have pairs
                    row.append(None)
                    continue
                second = _value_at(document, column.seconds)
                if kind is list and type(second) is str and _are_texts(value):
                    row.append(None)
                    keys = {pair_key(first, second) for first in value}
                    self._side += [(column.number, key, self._sequence) for key in keys]
                    continue
            elif kind is dict and not value:  # nothing is below
                row.append(None)
                continue
            native, side, odd = prepared.keys(column)
            if odd and not (column.odd and (column.multi or native != ARRAY_KEY)):
                _mark(self._link, self._table, {column.path: (native, side, odd)})
            if native is None and column.path in self._unique:
                self.write()  # a document of the same batch may have the same key
                _check_nulls(self._link, self._table, self._unique_keys(prepared), None)
            if side:
                self._side += [(column.number, key, self._sequence) for key in side]
            row.append(native)
        self._rows.append(tuple(row))
        if len(self._rows) >= _BATCH:
            self.write()

    def _unique_keys(self, prepared: Prepared) -> dict[str, Any]:
        return {path: prepared.keys(self._table.columns[path])[0] for path in self._unique}

    def write(self) -> None:
        """Write what was taken so far."""
        with _unique(self._table):
            self._link.sql.executemany(self._statement, self._rows)
        self._link.sql.executemany(
            f"INSERT OR IGNORE INTO {self._table.side} VALUES(?,?,?)", self._side
        )
        self._number += len(self._rows)
        self._link.expect_many(self._number)
        self._rows, self._side = [], []


_ELSEWHERE: Any = object()


def _are_texts(values: list[Any]) -> bool:
    if len(values) < 2:  # as the flow of most jobs, and their parents
        return not values or type(values[0]) is str
    return all(type(value) is str for value in values)


def _value_at(document: Any, names: tuple[str, ...]) -> Any:
    """Return the value at a path that runs through plain dictionaries only."""
    for name in names:
        if type(document) is not dict:
            return _ELSEWHERE
        document = document.get(name)
    return document


def rewrite(
    link: Link,
    table: Table,
    stored: Stored,
    prepared: Prepared,
    *,
    columns: Iterable[Column],
    old_keys: dict[str, Keys],
) -> bytes:
    """Replace a document by its changed version; returns its hot part as it is now.

    Parameters
    ----------
    columns
        Indexed paths that the change may have touched.
    old_keys
        Their keys before the change, by path.
    """
    before = (
        {part for _, _, part in holes(bson.decode(stored.raw))} if has_holes(stored.raw) else set()
    )
    raw = _finish(link, prepared.pieces, prepared.staged)
    after = {part for _, _, part in holes(bson.decode(raw))} if has_holes(raw) else set()
    for part in before - after:
        link.drop_part(part)
    new_keys = {c.path: c.keys(prepared.document) for c in columns if c.path != "_id"}
    changed = {p: k for p, k in new_keys.items() if k != old_keys.get(p)}
    _mark(link, table, changed)
    native = {p: k[0] for p, k in changed.items()}
    if changed:
        _check_nulls(link, table, native, stored.sequence)
    assignments = "".join(f", {table.columns[p].sql}=?" for p in native)
    with _unique(table):
        link.sql.execute(
            f"UPDATE {table.rows} SET hot=?{assignments} WHERE seq=?",
            (packed(raw), *native.values(), stored.sequence),
        )
    for path, (_, side, _) in changed.items():
        column = table.columns[path]
        old_side = old_keys[path][1] if path in old_keys else frozenset()
        if side == old_side:  # as of most columns: an empty statement takes its time, too
            continue
        link.sql.executemany(
            f"DELETE FROM {table.side} WHERE c=? AND v=? AND seq=?",
            [(column.number, key, stored.sequence) for key in old_side - side],
        )
        _add_side_keys(link, table, column, stored.sequence, side - old_side)
    return raw


def side_columns(table: Table) -> list[Column]:
    """Return the columns whose keys may be in the side table."""
    arrays = {c.path for c in table.columns.values() if c.multi}
    # No pair without an array.
    return [c for c in table.columns.values() if c.multi or (c.is_pair and c.paths[0] in arrays)]


def remove(link: Link, table: Table, stored: Stored, columns: Sequence[Column]) -> None:
    """Delete a document.

    Parameters
    ----------
    columns
        From `side_columns`.
    """
    if columns:
        document: dict[str, Any] = bson.decode(stored.raw)
        if has_holes(stored.raw):
            fill(document, [path for c in columns for path in c.paths], link.read_part)
        keys = [(c.number, key, stored.sequence) for c in columns for key in c.keys(document)[1]]
        link.sql.executemany(f"DELETE FROM {table.side} WHERE c=? AND v=? AND seq=?", keys)
    drop_parts(link, stored)
    link.sql.execute(f"DELETE FROM {table.rows} WHERE seq=?", (stored.sequence,))


def drop_parts(link: Link, stored: Stored) -> None:
    """Remove the large values of a document."""
    if has_holes(stored.raw):
        for _, _, part in holes(bson.decode(stored.raw)):
            link.drop_part(part)


def all_rows(link: Link, table: Table) -> Iterator[Stored]:
    """Yield every document of a collection."""
    for sequence, raw in link.select(f"SELECT seq, hot FROM {table.rows}"):
        yield Stored(sequence, raw)


def fill_column(link: Link, table: Table, column: Column) -> None:
    """Compute the keys of a new column for every existing document."""
    multi = odd = False
    updates, side = [], []
    for stored in all_rows(link, table):
        native, many, is_odd = column.keys(stored.decode(link, column.paths))
        multi, odd = multi or native == ARRAY_KEY, odd or is_odd
        if native is not None:
            updates.append((native, stored.sequence))
        side += [(column.number, key, stored.sequence) for key in many]
    link.sql.executemany(f"UPDATE {table.rows} SET {column.sql}=? WHERE seq=?", updates)
    link.sql.executemany(f"INSERT OR IGNORE INTO {table.side} VALUES(?,?,?)", side)
    if mark_column(link.sql, column, multi=multi, odd=odd):
        link.catalogue_changed()


def _finish(link: Link, pieces: Cut, staged: Iterable[Part]) -> bytes:
    """Store the values cut out, name those staged, and return the hot part's BSON."""
    for place, raw in pieces.values:
        pieces.put(place, link.write_part(raw).hole())
    for part in staged:
        link.sql.execute("DELETE FROM loose WHERE number=?", (part.number,))
    return pieces.encode()


def _add_side_keys(
    link: Link, table: Table, column: Column, sequence: int, keys: Iterable[Any]
) -> None:
    link.sql.executemany(
        f"INSERT OR IGNORE INTO {table.side} VALUES(?,?,?)",
        [(column.number, key, sequence) for key in keys],
    )


def mark(link: Link, table: Table, column: Column, keys: Keys) -> None:
    """Record that a column contains an array or an odd value, if that is so."""
    if keys[2] or keys[0] == ARRAY_KEY:
        _mark(link, table, {column.path: keys})


def _mark(link: Link, table: Table, seen: dict[str, Keys]) -> None:
    """Record columns that contain arrays or odd values for the first time."""
    changed = False
    seen = {path: keys for path, keys in seen.items() if keys[2] or keys[0] == ARRAY_KEY}
    if not seen:
        return
    unique = {c.path for _, columns in table.unique for c in columns}
    for path, (native, _, odd) in seen.items():
        multi = native == ARRAY_KEY
        if multi and path in unique:
            raise UnsupportedOperationError(f"an array in the unique index on {path}")
        if (odd or multi) and mark_column(link.sql, table.columns[path], multi=multi, odd=odd):
            changed = True
    if changed:
        link.catalogue_changed()


def _check_nulls(link: Link, table: Table, keys: dict[str, Any], sequence: int | None) -> None:
    """Enforce unique indexes for null keys: in SQLite, two NULLs are different."""
    if not any(key is None for key in keys.values()):
        return
    for name, columns in table.unique:
        if not all(c.path in keys for c in columns) or all(
            keys[c.path] is not None for c in columns
        ):
            continue
        condition = " AND ".join(f"{c.sql} IS ?" for c in columns)
        row = link.sql.execute(
            f"SELECT seq FROM {table.rows} WHERE {condition} AND seq IS NOT ? LIMIT 1",
            (*(keys[c.path] for c in columns), sequence),
        ).fetchone()
        if row is not None:
            raise _duplicate(table, name, {c.path: value_of_key(keys[c.path]) for c in columns})


class _unique:
    """Converts SQLite's refusal to `DuplicateKeyError`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if not isinstance(error, sqlite3.IntegrityError):
            return
        named = str(error).rpartition(": ")[2].split(", ")
        columns = {f"{self._table.rows}.{c.sql}": c.path for c in self._table.columns.values()}
        paths = [columns.get(name, name) for name in named]
        for name, info in self._table.indexes.items():
            if [path for path, _ in info["key"]] == paths:
                raise _duplicate(self._table, name, None, paths) from None
        raise _duplicate(self._table, None, None, paths) from None


def _duplicate(
    table: Table,
    index: str | None,
    key: dict[str, Any] | None,
    paths: Iterable[str] = (),
) -> DuplicateKeyError:
    what = ", ".join(key or paths)
    return duplicate_key(
        f"a document of {table.name} with the same {what} exists", index=index, key=key
    )
