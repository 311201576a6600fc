"""One thread's connection to the file: its view of the catalogue, and large values."""

from __future__ import annotations

import re
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from controller.errors import StorageFormatError, StorageUnavailableError
from controller.storage.embedded import layout
from controller.storage.embedded.compression import is_packed, packed, plain
from controller.storage.embedded.creation import is_writable, read_only_uri
from controller.storage.embedded.lockfile import FileLock
from controller.storage.embedded.parts import CHUNK_SIZE, Part, is_array_of_texts
from controller.storage.embedded.patches import patched
from controller.storage.embedded.patterns import compile_pattern

_ROWS_OF_VERY_LARGE = 2
SMALL_CACHE, _LARGE_CACHE = 2048, 64 << 10
"""Kilobytes of the file that are kept in memory: usually, and while many documents are written."""
_MANY_DOCUMENTS = 2000


class Link:
    """The connection of one thread.

    Parameters
    ----------
    path
        The file.
    wait
        Seconds to wait for other writers.
    identity
        What `File.identity` said just before.
    network
        Whether the file lies on a network file system.

    Attributes
    ----------
    sql
        The SQLite connection.
    thread
        The thread that opened it.
    read_only
        Whether the file, or its folder, was not writable when it was opened.
    in_transaction
        Whether a transaction of `File` is open on it.
    collected
        Whether remains of dead writers have been marked.
    swept
        Whether nothing is marked for removal.
    cursors
        What is being read; see `close_cursors`.
    """

    def __init__(
        self, path: Path, wait: float, identity: tuple[int, int], *, network: bool
    ) -> None:
        self._path, self._identity = path, identity
        self.thread = threading.current_thread()
        self.lock = FileLock(path.with_name(path.name + ".lock"), wait)
        self.read_only = not is_writable(path)
        self._seen = self._look() if self.read_only else None
        uri = f"file:{quote(str(path))}?mode=rw"  # never made here
        if self.read_only:
            log = path.with_name(path.name + "-wal").exists()
            uri = read_only_uri(quote(str(path)), log=log, network=network)
        self.sql = sqlite3.connect(
            uri,
            uri=True,
            timeout=wait,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )
        self.sql.create_function("jfr_matches", 3, _matches, deterministic=True)
        self.sql.create_function("jfr_patched", 2, patched, deterministic=True)
        self._synchronous = ""
        self.in_transaction = False
        self.closed = False
        self.collected = self.swept = False
        self._crowded = self._is_wide = False
        self.cursors: list[sqlite3.Cursor] = []
        self._tables: dict[str, layout.Table | None] = {}
        self._version = -1
        self._is_newest = False

    def is_of(self, identity: tuple[int, int]) -> bool:
        """Whether this is a connection to the current file in its current mode.

        SQLite does not look again at a file that it takes for immutable.
        """
        return identity == self._identity and (not self.read_only or self._look() == self._seen)

    def _look(self) -> tuple[object, ...]:
        found = self._path.stat()
        log = self._path.with_name(self._path.name + "-wal").exists()
        return found.st_size, found.st_mtime_ns, log

    def sync(self, synchronous: str) -> None:
        """Set what the commits of the next transactions survive; see `File`."""
        if synchronous != self._synchronous:
            self.sql.execute(f"PRAGMA synchronous={synchronous}")
            self._synchronous = synchronous

    def wait_for_sqlite(self, seconds: float) -> None:
        """Set how long SQLite waits for locks not covered by the lock file."""
        self.sql.execute(f"PRAGMA busy_timeout={int(seconds * 1000)}")

    def select(self, statement: str, params: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Start to read rows, perhaps not to the end; see `close_cursors`."""
        cursor = self.sql.execute(statement, params)
        self.cursors.append(cursor)
        return cursor

    def version(self) -> object:
        """Return a value that differs after any change of the file, by this connection or another.

        To be called within a transaction.
        """
        changed_by_others = self.value("PRAGMA data_version")
        return id(self), changed_by_others, self.sql.total_changes

    def value(self, statement: str, params: Sequence[Any] = ()) -> int:
        """Return the number that a statement selects."""
        return int(self.sql.execute(statement, params).fetchone()[0])

    def close_cursors(self, first: int = 0) -> None:
        """Close unfinished cursors, at the end of each operation.

        A traceback may keep them alive for long: then SQLite would continue to show its old
        snapshot of the file, and would refuse to write.

        Parameters
        ----------
        first
            How many of them belong to the operation around this one.
        """
        for cursor in self.cursors[first:]:
            cursor.close()
        del self.cursors[first:]

    def refresh(self) -> None:
        """Forget the catalogue if it changed; to be called at the start of a transaction."""
        version = self.sql.execute("PRAGMA user_version").fetchone()[0]
        if version != self._version:
            self._version, self._tables = version, {}

    def forget(self) -> None:
        """Forget the catalogue: what was changed in it has been rolled back."""
        self._version = -1
        self._is_newest = False

    def make_newest(self) -> None:
        """Give the file the newest format: what is written now, earlier versions cannot read."""
        if not self._is_newest:
            layout.make_newest(self.sql)
            self._is_newest = True

    def catalogue_changed(self) -> None:
        """Let every other connection notice that the catalogue changed."""
        self._version += 1
        self.sql.execute(f"PRAGMA user_version={self._version}")
        for table in self._tables.values():
            if table is not None:
                table.plans.clear()
                table.touched.clear()

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
        return plain(rows[0][0] if len(rows) == 1 else b"".join(row[0] for row in rows))

    def read_end(self, part: Part) -> bytes | None:
        """Return the last bytes of a very large value's BSON; None if it has to be read whole."""
        low = part.number << layout.ROW_BITS
        if part.rows < _ROWS_OF_VERY_LARGE or is_packed(self._row(low)):
            return None
        return self._row(low + part.rows - 2) + self._row(low + part.rows - 1)

    def _row(self, number: int) -> bytes:
        row = self.sql.execute("SELECT body FROM part WHERE id=?", (number,)).fetchone()
        return b"" if row is None else bytes(row[0])

    def next_part_number(self) -> int:
        """Return a number that no part has yet; good until the transaction ends."""
        largest = self.sql.execute("SELECT max(id) FROM part").fetchone()[0] or 0
        loose = self.sql.execute("SELECT max(number) FROM loose").fetchone()[0] or 0
        return int(max(largest >> layout.ROW_BITS, loose)) + 1

    def write_part(self, raw: bytes) -> Part:
        """Store a value within the present transaction."""
        # The end of a large array of texts (the jobs of a flow) is read without the rest.
        stored = raw if len(raw) > CHUNK_SIZE and is_array_of_texts(raw) else packed(raw)
        part = Part(self.next_part_number(), row_count(stored))
        self.sql.executemany("INSERT INTO part VALUES(?,?)", part_rows(part, stored))
        self._crowded = self._crowded or part.rows > 1
        return part

    def keep_pages(self, kilobytes: int) -> None:
        """Set how much of the file SQLite keeps in memory."""
        self.sql.execute(f"PRAGMA cache_size=-{kilobytes}")

    def expect_many(self, documents: int) -> None:
        """Prepare for a transaction that writes so many documents.

        Their entries in indexes lie everywhere: with a small cache, each page would be written and
        read again many times.
        """
        if documents >= _MANY_DOCUMENTS and not self._is_wide:
            self._is_wide = self._crowded = True
            self.keep_pages(_LARGE_CACHE)

    def give_back_memory(self) -> None:
        """Forget the pages of large values, which are not read again soon; after a commit."""
        if self._is_wide:
            self._is_wide = False
            self.keep_pages(SMALL_CACHE)
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
        """Close the connection, without waiting for other processes.

        The last one also empties the log, which needs the lock. If another process holds the lock,
        ours is not the last one.
        """
        if self.closed:
            return
        self.closed = True
        if self.read_only:
            self.sql.close()
            return
        try:
            with self.lock.held(wait=0):
                self.sql.close()
        except StorageUnavailableError:
            self.sql.close()
        self.lock.close()


@lru_cache(maxsize=64)
def _compiled(source: str, options: str) -> re.Pattern[str]:
    return compile_pattern(source, options)


def _matches(source: str, options: str, value: Any) -> bool:
    """Whether a regular expression is found in a text; called by SQLite, with other values, too."""
    return type(value) is str and _compiled(source, options).search(value) is not None


def row_count(raw: bytes) -> int:
    """Rows that a value takes."""
    return -(-len(raw) // CHUNK_SIZE)


def part_rows(part: Part, raw: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield (id, bytes) of the rows of a value."""
    view = memoryview(raw)
    for row in range(part.rows):
        chunk = view[row * CHUNK_SIZE : (row + 1) * CHUNK_SIZE]
        yield (part.number << layout.ROW_BITS) + row, bytes(chunk)
