"""One connection to the file, of one thread: the catalogue as it sees it, and large values."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from controller.errors import StorageBusyError, StorageFormatError
from controller.storage.embedded import layout
from controller.storage.embedded.lockfile import FileLock
from controller.storage.embedded.parts import CHUNK_SIZE, Part


class Link:
    """One connection, of one thread.

    Parameters
    ----------
    path
        The file.
    wait
        Seconds to wait for other writers.
    identity
        What `File.identity` said just before.

    Attributes
    ----------
    sql
        The SQLite connection.
    identity
        Of the file that is open.
    in_transaction
        A transaction of `File` is open on it.
    """

    def __init__(self, path: Path, wait: float, identity: tuple[int, int]) -> None:
        self.identity = identity
        self.lock = FileLock(path.with_name(path.name + ".lock"), wait)
        self.sql = sqlite3.connect(
            f"file:{quote(str(path))}?mode=rw",  # never made here
            uri=True,
            timeout=wait,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
        self.in_transaction = False
        self.closed = False
        self.swept = True
        self._crowded = False
        self._tables: dict[str, layout.Table | None] = {}
        self._version = -1

    def refresh(self) -> None:
        """Forget the catalogue if it changed; to be called at the start of a transaction."""
        version = self.sql.execute("PRAGMA user_version").fetchone()[0]
        if version != self._version:
            self._version, self._tables = version, {}

    def forget(self) -> None:
        """Forget the catalogue: what was changed in it has been rolled back."""
        self._version = -1

    def catalogue_changed(self) -> None:
        """Let every other connection notice that the catalogue changed."""
        self._version += 1
        self.sql.execute(f"PRAGMA user_version={self._version}")

    def table(self, name: str, *, create: bool = False) -> layout.Table | None:
        """Return a collection's tables."""
        if self._tables.get(name) is None:
            table = layout.load_table(self.sql, name)
            if table is None and create:
                table = layout.create_table(self.sql, name)
                self.catalogue_changed()
            self._tables[name] = table
        return self._tables[name]

    def drop_table(self, name: str) -> None:
        """Forget a collection that was dropped."""
        self._tables.pop(name, None)
        self.catalogue_changed()

    def read_part(self, part: Part) -> bytes:
        """Return the BSON of a large value."""
        low = part.number << layout.ROW_BITS
        self._crowded = self._crowded or part.rows > 1
        rows = self.sql.execute(
            "SELECT body FROM part WHERE id BETWEEN ? AND ? ORDER BY id",
            (low, low + part.rows - 1),
        ).fetchall()
        if len(rows) != part.rows:
            raise StorageFormatError(f"a large value is damaged ({len(rows)} of {part.rows} rows)")
        return rows[0][0] if len(rows) == 1 else b"".join(row[0] for row in rows)

    def next_part_number(self) -> int:
        """Return a number that no part has yet; good until the transaction ends."""
        largest = self.sql.execute("SELECT max(id) FROM part").fetchone()[0] or 0
        loose = self.sql.execute("SELECT max(number) FROM loose").fetchone()[0] or 0
        return int(max(largest >> layout.ROW_BITS, loose)) + 1

    def write_part(self, raw: bytes) -> Part:
        """Store a value within the present transaction."""
        part = Part(self.next_part_number(), row_count(raw))
        self.sql.executemany("INSERT INTO part VALUES(?,?)", part_rows(part, raw))
        self._crowded = self._crowded or part.rows > 1
        return part

    def give_back_memory(self) -> None:
        """Forget the pages of large values, which are not read again soon; after a commit."""
        if self._crowded:
            self._crowded = False
            self.sql.execute("PRAGMA shrink_memory")

    def drop_part(self, part: Part) -> None:
        """Remove a value; a large one is only marked, and removed in small steps later."""
        if part.rows == 1:
            self.sql.execute("DELETE FROM part WHERE id=?", (part.number << layout.ROW_BITS,))
        else:
            self.sql.execute("INSERT OR REPLACE INTO loose VALUES(?,NULL)", (part.number,))
            self.swept = False

    def close(self) -> None:
        """Close the connection; the last one also empties the log, hence under the lock."""
        if self.closed:
            return
        self.closed = True
        try:
            with self.lock.held():
                self.sql.close()
        except StorageBusyError:
            self.sql.close()
        self.lock.close()


def row_count(raw: bytes) -> int:
    """Rows that a value takes."""
    return -(-len(raw) // CHUNK_SIZE)


def part_rows(part: Part, raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (id, bytes) of the rows of a value."""
    view = memoryview(raw)
    for row in range(part.rows):
        chunk = view[row * CHUNK_SIZE : (row + 1) * CHUNK_SIZE]
        yield (part.number << layout.ROW_BITS) + row, bytes(chunk)
