"""The structure of the SQLite file: tables, the catalogue of indexes, the format's version.

::

    coll    a collection: its number and name
    col     an indexed path of a collection: column ``k<n>`` of its table
    idx     an index: its name, keys and whether it is unique
    part    large values, CHUNK_SIZE bytes per row; id = number << ROW_BITS | row
    loose   parts to which no document refers: being written by `owner`, or (NULL) to be removed
    d<cid>  a row per document: seq, id (the key of _id), k<n>..., hot
    m<cid>  the keys of indexed paths that run through an array; k<n> then holds ARRAY_KEY;
            of pairs, one member of the array with one value of a second path (`pair_path`);
            and of all paths below one (`wildcards`), whose k<n> is NULL

``PRAGMA user_version`` counts the changes of the catalogue, so that every connection notices.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, TypeAlias

from bson import ObjectId

from controller.errors import StorageFormatError, StorageUnavailableError
from controller.storage.embedded.filters import split_path, values_at
from controller.storage.embedded.values import index_key, is_odd
from controller.storage.embedded.wildcards import UNREAD, answers, below, leaf_keys, plain_leaf_keys

APPLICATION_ID = 0x4A465230  # "JFR0"
FORMAT = 4
"""The newest format that is read. Format 2 has indexes of all paths below one, which a version that
does not know them would not keep up to date. Format 3 has compressed values (`compression`), format
4 other dictionaries for them, patched documents (`patches`), and no index of a side table by rows:
keys of a document follow from it. A file gets the newest format with the first write; documents
that it holds stay as they are."""
_FIRST_FORMAT = 1
ROW_BITS = 12
ARRAY_KEY = b"\xff"
"""In a column: the values are in the side table."""
NULL_KEY = b"\x00"
"""In the side table, where keys cannot be NULL."""

Keys: TypeAlias = tuple[Any, frozenset[Any], bool]
"""(native key, keys for the side table, odd) of a document at an indexed path."""
_ONLY_TEXT = {str}
_SCALARS = frozenset({type(None), str, int, datetime, ObjectId})
_NOT_PLAIN: Any = object()
_NO_KEYS: frozenset[Any] = frozenset()
_AND = "\0"
"""Between the two paths, or the two values, of a pair; no name of a field contains it."""


def pair_path(first: str, second: str) -> str:
    """Return the path of the column for a compound index over an array.

    SQLite's own compound index cannot do it: the values of the first path are in the side table.
    This column adds (value of the first, value of the second) there, so that the jobs of a large
    flow in one state are found without reading its other jobs.
    """
    return f"{first}{_AND}{second}"


def pair_key(first: str, second: str) -> str:
    """Return the key of two texts; for texts with a NUL it may not be unique."""
    return f"{first}{_AND}{second}"


_SCHEMA = """
CREATE TABLE meta(format INTEGER);
CREATE TABLE coll(cid INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE col(n INTEGER PRIMARY KEY, cid INT, path TEXT, multi INT, odd INT, UNIQUE(cid, path));
CREATE TABLE idx(cid INT, name TEXT, keys TEXT, uniq INT, PRIMARY KEY(cid, name));
CREATE TABLE part(id INTEGER PRIMARY KEY, body BLOB);
CREATE TABLE loose(number INTEGER PRIMARY KEY, owner TEXT)
"""


@dataclass
class Column:
    """An indexed path.

    Attributes
    ----------
    multi
        Some document reaches the path through an array.
    odd
        Some value's key does not order as the value does.
    paths
        The paths whose values make the keys: its own, or two (see `pair_path`).
    is_pair
        Whether they are two.
    is_wildcard
        Whether it stands for all paths below its own; see `wildcards`.
    is_plain
        Whether it is neither.
    names
        The names of the (first) path.
    seconds
        Those of the second path of a pair.
    sql
        Name of the native column.
    """

    number: int
    path: str
    multi: bool
    odd: bool
    paths: tuple[str, ...] = field(init=False)
    is_pair: bool = field(init=False)
    is_wildcard: bool = field(init=False)
    is_plain: bool = field(init=False)
    names: tuple[str, ...] = field(init=False)
    seconds: tuple[str, ...] = field(init=False)
    sql: str = field(init=False)

    def __post_init__(self) -> None:
        base = below(self.path)
        self.is_wildcard = base is not None
        self.paths = tuple((base or self.path).split(_AND))
        self.is_pair = len(self.paths) > 1
        self.is_plain = not (self.is_pair or self.is_wildcard)
        self.names, self.seconds = split_path(self.paths[0]), split_path(self.paths[-1])
        self.sql = "id" if self.path == "_id" else f"k{self.number}"

    def keys(self, document: dict[str, Any]) -> Keys:
        """Return (native key, keys for the side table, odd) of a document."""
        if self.is_plain:
            return self._own_keys(document)
        return self._pair_keys(document) if self.is_pair else self._keys_below(document)

    def plain_keys(self, document: dict[str, Any]) -> Keys | None:
        """Return the keys of a document as given by a caller, with values that BSON may change.

        None if that might matter: decode it first.
        """
        value = _plain_value(document, self.names)
        if self.is_wildcard:
            keys = None if value is _NOT_PLAIN else plain_leaf_keys(value)
            return None if keys is None else (None, *keys)
        kind = type(value)
        if kind is list and {*map(type, value)} <= _ONLY_TEXT:
            if not self.is_pair:
                return ARRAY_KEY, frozenset(value), True
            second = _plain_value(document, self.seconds)
            if type(second) is str:
                return None, frozenset([pair_key(first, second) for first in value]), False
        if kind in _SCALARS:
            return None if self.is_pair else index_key(value), _NO_KEYS, False
        return None

    def _keys_below(self, document: dict[str, Any]) -> Keys:
        value: Any = document
        for name in self.names:
            if type(value) is not dict:
                break
            value = value.get(name)
        if type(value) is dict or value is None:
            return None, *leaf_keys(value)
        # An array above the path: rare, and the document is read.
        return None, frozenset({UNREAD}), True

    def _pair_keys(self, document: dict[str, Any]) -> Keys:
        """Texts within an array with those at the other path; the rest has a native index."""
        native, firsts, _ = self._own_keys(document)
        if native != ARRAY_KEY:
            return None, _NO_KEYS, False
        seconds = [v for v in values_at(document, self.seconds) if type(v) is str]
        pairs = (pair_key(a, b) for a in firsts if type(a) is str for b in seconds)
        return None, frozenset(pairs), False

    def _own_keys(self, document: dict[str, Any]) -> Keys:
        value: Any = document
        for name in self.names:
            if type(value) is dict:
                value = value.get(name)  # null and missing share a key
            elif type(value) is list:
                return self._array_keys(document)
            else:
                return None, _NO_KEYS, False
        if value is None or type(value) is str:
            return value, _NO_KEYS, False
        if type(value) is list:
            if {*map(type, value)} <= _ONLY_TEXT:  # uuids, mostly
                return ARRAY_KEY, frozenset(value), True
            return self._array_keys(document)
        return index_key(value), _NO_KEYS, is_odd(value)

    def _array_keys(self, document: dict[str, Any]) -> Keys:
        values = list(values_at(document, self.names))
        if len(values) == 1 and type(values[0]) is not list:
            return index_key(values[0]), _NO_KEYS, is_odd(values[0])
        keys = (index_key(v) for v in values if type(v) is not list)
        return ARRAY_KEY, frozenset(NULL_KEY if k is None else k for k in keys), True


def _plain_value(document: Any, names: tuple[str, ...]) -> Any:
    """Return the value at a path that runs through dictionaries only."""
    for name in names:
        if type(document) is not dict:
            return _NOT_PLAIN
        document = document.get(name)
    return document


@dataclass
class Table:
    """A collection, as known to one connection.

    Attributes
    ----------
    cid, name, columns, indexes
        What the catalogue says of it.
    plans
        Of filters that were asked before, see `known_plans`; forgotten when the catalogue changes.
    touched
        {paths of an update: the columns whose keys it may change}; likewise.
    """

    cid: int
    name: str
    columns: dict[str, Column] = field(default_factory=dict)
    indexes: dict[str, dict[str, Any]] = field(default_factory=dict)
    plans: dict[Any, Any] = field(default_factory=dict, repr=False, compare=False)
    touched: dict[tuple[str, ...], list[Column]] = field(
        default_factory=dict, repr=False, compare=False
    )

    @property
    def rows(self) -> str:
        """Name of the table of documents."""
        return f"d{self.cid}"

    @property
    def side(self) -> str:
        """Name of the table of keys that lie in arrays."""
        return f"m{self.cid}"

    def wildcard(self, path: str) -> tuple[Column, str] | None:
        """Return the column that covers a path with others, and the rest of the path.

        None if there is none, or if the path may lead to a position in an array.
        """
        for column in self.columns.values():
            if column.is_wildcard and path.startswith(f"{column.paths[0]}."):
                rest = path[len(column.paths[0]) + 1 :]
                return (column, rest) if answers(rest) else None
        return None

    @cached_property
    def unique(self) -> list[tuple[str, list[Column]]]:
        """(index name, its columns) of every unique index."""
        return [
            (name, [self.columns[path] for path, _ in info["key"]])
            for name, info in self.indexes.items()
            if info.get("unique")
        ]

    @cached_property
    def selective(self) -> set[str]:
        """Paths of which one value names hardly more than one document."""
        firsts = {i["key"][0][0] for i in self.indexes.values() if i.get("unique")}
        return {"_id", *firsts}

    def set_index(self, name: str, info: dict[str, Any] | None) -> None:
        """Note an index, or with None that it is gone."""
        if info is None:
            del self.indexes[name]
        else:
            self.indexes[name] = info
        for derived in ("selective", "unique"):
            self.__dict__.pop(derived, None)


def create(connection: sqlite3.Connection) -> None:
    """Create the tables in a new file."""
    for statement in _SCHEMA.strip().split(";"):
        connection.execute(statement)
    connection.execute("INSERT INTO meta VALUES(?)", (_FIRST_FORMAT,))
    connection.execute(f"PRAGMA application_id={APPLICATION_ID}")


def check(connection: sqlite3.Connection, path: str) -> None:
    """Raise if a file is not jfr's, has a newer format, or is empty; nothing is locked.

    Raises
    ------
    StorageFormatError
        The file belongs to another program, or to a newer version of this one, or is damaged.
    StorageUnavailableError
        The file is empty.
    """
    known = connection.execute("PRAGMA application_id").fetchone()[0]
    if known == 0 and not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise StorageUnavailableError(
            f"{path} is an empty file, not a database",
            hint="restore it from a backup; if it was never used, remove it, and for a new "
            "project create it with `jf admin reset`",
        )
    if known != APPLICATION_ID:
        raise StorageFormatError(f"{path} belongs to another program", hint="choose another path")
    row = connection.execute("SELECT format FROM meta").fetchone()
    version = row[0] if row else None
    if not isinstance(version, int):
        raise StorageFormatError(f"{path} is damaged", hint="restore it from a backup")
    if version > FORMAT:
        raise StorageFormatError(
            f"{path} was written by a newer version of jfr (format {version}, this one reads "
            f"{FORMAT})",
            hint="update jfr",
        )


def make_newest(connection: sqlite3.Connection) -> None:
    """Give the file the newest format, unless it has it."""
    done = connection.execute("UPDATE meta SET format=? WHERE format<?", (FORMAT, FORMAT))
    if done.rowcount:
        for (cid,) in connection.execute("SELECT cid FROM coll").fetchall():
            connection.execute(f"DROP INDEX IF EXISTS m{cid}_seq")


def load_table(connection: sqlite3.Connection, name: str) -> Table | None:
    """Read the catalogue entry of a collection; None if it does not exist."""
    row = connection.execute("SELECT cid FROM coll WHERE name=?", (name,)).fetchone()
    if row is None:
        return None
    table = Table(row[0], name, {"_id": Column(0, "_id", multi=False, odd=False)})
    for number, path, multi, odd in connection.execute(
        "SELECT n, path, multi, odd FROM col WHERE cid=?", (table.cid,)
    ):
        table.columns[path] = Column(number, path, bool(multi), bool(odd))
    table.indexes["_id_"] = {"key": [("_id", 1)]}
    for index, keys, unique in connection.execute(
        "SELECT name, keys, uniq FROM idx WHERE cid=? ORDER BY rowid", (table.cid,)
    ):
        info: dict[str, Any] = {"key": [tuple(pair) for pair in json.loads(keys)]}
        if unique:
            info["unique"] = True
        table.indexes[index] = info
    return table


def create_table(connection: sqlite3.Connection, name: str) -> Table:
    """Create a collection."""
    cid = connection.execute("INSERT INTO coll(name) VALUES(?)", (name,)).lastrowid
    assert cid is not None
    connection.execute(f"CREATE TABLE d{cid}(seq INTEGER PRIMARY KEY, id NOT NULL, hot BLOB)")
    connection.execute(f"CREATE UNIQUE INDEX d{cid}_id ON d{cid}(id)")
    connection.execute(
        f"CREATE TABLE m{cid}(c INT, v NOT NULL, seq INT, PRIMARY KEY(c, v, seq)) WITHOUT ROWID"
    )
    loaded = load_table(connection, name)
    assert loaded is not None
    return loaded


def add_column(connection: sqlite3.Connection, table: Table, path: str) -> Column:
    """Add a native column for a path; the caller fills it."""
    number = connection.execute(
        "INSERT INTO col(cid, path, multi, odd) VALUES(?,?,0,0)", (table.cid, path)
    ).lastrowid
    assert number is not None
    connection.execute(f"ALTER TABLE {table.rows} ADD COLUMN k{number}")
    column = table.columns[path] = Column(number, path, multi=False, odd=False)
    if column.is_wildcard:  # its keys lie in the side table
        mark_column(connection, column, multi=True, odd=False)
    return column


def native_index_name(table: Table, info: Mapping[str, Any]) -> str:
    """Name of the SQLite index behind an index; those that differ in name only share it.

    Parameters
    ----------
    info
        Its entry in `Table.indexes`.
    """
    parts = "_".join(
        f"{table.columns[path].number}{'d' if way < 0 else ''}" for path, way in info["key"]
    )
    return f"{'u' if info.get('unique') else 'x'}{table.cid}_{parts}"


def mark_column(connection: sqlite3.Connection, column: Column, *, multi: bool, odd: bool) -> bool:
    """Record that a column now holds arrays or odd values; True when that is new."""
    if (not multi or column.multi) and (not odd or column.odd):
        return False
    column.multi, column.odd = column.multi or multi, column.odd or odd
    connection.execute(
        "UPDATE col SET multi=?, odd=? WHERE n=?", (column.multi, column.odd, column.number)
    )
    return True
