"""Look-ups in a database file for TAB completion: no lock, no log, no new file.

Only the columns of indexes are read, with the standard library: opening the file like the
controller would import bson, take the lock and prepare the file for writing. If a file cannot be
read immediately, for whatever reason, nothing is offered.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

Row = TypeVar("Row")

WAIT = 0.3
"""Seconds to wait for a writer on a file system that requires it."""
_BEYOND = "\U0010ffff"
"""Orders after every text that begins alike."""


class FileLookup:
    """See `controller.storage.lookup.Lookup`.

    Parameters
    ----------
    path
        The database file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def jobs(
        self, collection: str, key: str, begins: str, limit: int
    ) -> list[tuple[str, str, int, str, str]]:
        """Return (db_id, uuid, index, state, name) of the jobs that changed last."""

        def read(connection: sqlite3.Connection) -> Iterator[tuple[str, str, int, str, str]]:
            table = _Table(connection, collection)
            paths = ("db_id", "uuid", "index", "state", "job.name")
            for db_id, uuid, index, state, name in table.newest(paths, key, begins, limit):
                yield _text(db_id), _text(uuid), int(index), _text(state), _text(name)

        return self._read(read)

    def flows(
        self, collection: str, jobs: str, begins: str, limit: int
    ) -> list[tuple[str, str, str, str]]:
        """Return (db_id of the first job or "", uuid, state, name) of the flows changed last."""

        def read(connection: sqlite3.Connection) -> Iterator[tuple[str, str, str, str]]:
            table, members = _Table(connection, collection), _Table(connection, jobs)
            paths = ("uuid", "state", "name")
            for uuid, state, name in table.newest(paths, "uuid", begins, limit):
                first = members.first("db_id", "job.hosts", uuid)
                yield _text(first), _text(uuid), _text(state), _text(name)

        return self._read(read)

    def _read(self, read: Callable[[sqlite3.Connection], Iterator[Row]]) -> list[Row]:
        try:
            with closing(self._open()) as connection:
                return list(read(connection))
        except (sqlite3.Error, OSError, _MissingError):
            return []

    def _open(self) -> sqlite3.Connection:
        """Open the file for reading.

        Without a log next to it, no process has it open, and SQLite would create one: "immutable".
        A log without its index is left by a crash, and only a writer can repair it.
        """
        log, index, journal = (
            self._path.with_name(self._path.name + end).exists()
            for end in ("-wal", "-shm", "-journal")
        )
        if log and not index:
            raise _MissingError
        mode = "mode=ro" if log or journal else "mode=ro&immutable=1"
        return sqlite3.connect(f"file:{quote(str(self._path))}?{mode}", uri=True, timeout=WAIT)


class _MissingError(Exception):
    """A collection or an index is not there."""


class _Table:
    """The indexed paths of a collection, as `layout` describes them."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._connection = connection
        found = connection.execute("SELECT cid FROM coll WHERE name = ?", (name,)).fetchone()
        if found is None:
            raise _MissingError
        self._number = int(found[0])
        self._columns: dict[str, int] = dict(
            connection.execute("SELECT path, n FROM col WHERE cid = ?", found).fetchall()
        )

    def _column(self, path: str) -> str:
        if path not in self._columns:
            raise _MissingError
        return f"k{self._columns[path]}"

    def newest(
        self, paths: tuple[str, ...], key: str, begins: str, limit: int
    ) -> Iterator[tuple[Any, ...]]:
        """Yield the values of the paths, the document that changed last first."""
        selected = ", ".join(map(self._column, paths))
        bounds = (begins, begins + _BEYOND) if begins else ()
        column = self._column(key)
        yield from self._connection.execute(
            f"SELECT {selected} FROM d{self._number} "
            f"{f'WHERE {column} >= ? AND {column} < ?' if begins else ''} "
            f"ORDER BY {self._column('updated_on')} DESC, seq DESC LIMIT ?",
            (*bounds, limit),
        )

    def first(self, path: str, array: str, value: str) -> Any:
        """Return the path's value in the oldest document that has the value in an array."""
        self._column(array)
        found = self._connection.execute(
            f"SELECT {self._column(path)} FROM d{self._number} WHERE seq = "
            f"(SELECT min(seq) FROM m{self._number} WHERE c = ? AND v = ?)",
            (self._columns[array], value),
        ).fetchone()
        return found[0] if found else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
