"""SQLite connections: one per thread and process, short transactions, errors in our words.

Three traps shape this module.

* Nothing may be open at a fork. SQLite remembers in memory which locks its process holds; a child
  inherits the memory but not the locks, so that even a new connection of the child would hold
  none and others would remove the log under it. All connections are closed before a fork, and a
  child that was forked in the middle of an operation is refused.
* The database file is never opened and closed by anybody but SQLite: closing any descriptor of it
  drops every POSIX lock of the process.
* On a network file system WAL does not work (its shared memory is of one host) and locks are only
  good among processes of one host: there a rollback journal is used and a second host is refused.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bson.errors import InvalidBSON

from controller.errors import (
    StorageBusyError,
    StorageError,
    StorageFormatError,
    StorageUnavailableError,
)
from controller.storage.embedded import layout
from controller.storage.embedded.lockfile import FileLock, is_gone
from controller.storage.embedded.parts import CHUNK_SIZE, Part

_OLDEST_SQLITE = (3, 26, 0)
_NETWORK = {
    *("nfs", "nfs4", "lustre", "gpfs", "beegfs", "cifs", "smb3", "fuse.sshfs", "9p", "afs", "ceph"),
    *("fuse.glusterfs", "panfs", "orangefs", "pvfs2"),
}


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours, naming the file.

    Raises
    ------
    StorageUnavailableError, StorageBusyError, StorageFormatError
        The file cannot be used, with what to do.
    """
    try:
        yield
    except sqlite3.Error as error:
        raise _in_our_words(path, error) from error
    except InvalidBSON as error:
        raise _damaged(path, error) from error


def _in_our_words(path: Path, error: sqlite3.Error) -> StorageError:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_FULL"):
        return StorageUnavailableError(
            f"no space is left for {path}", hint="free some and try again; nothing was lost"
        )
    if name.startswith("SQLITE_BUSY"):
        return StorageBusyError(f"{path} is busy", hint="try again")
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or "decode to UTF-8" in str(error):
        return _damaged(path, error)
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return StorageUnavailableError(
            f"{path} cannot be opened for writing ({error})",
            hint="check the permissions of the file and of its folder",
        )
    if name.startswith("SQLITE_IOERR"):
        return StorageUnavailableError(
            f"the disk failed or is full while using {path} ({error})",
            hint="check the disk's space and health, then try again",
        )
    return StorageError(f"{path}: {error}")


def _damaged(path: Path, error: Exception) -> StorageFormatError:
    said = " ".join(str(error).split())
    return StorageFormatError(
        f"{path} is damaged or no database ({said})", hint="restore it from a backup"
    )


def is_network_file_system(path: Path) -> bool:
    """Whether a path lies on a file system that several hosts may share.

    ``JFR_EMBEDDED_NETWORK`` (0 or 1) decides instead of the list of mounts where it is set.
    """
    forced = os.environ.get("JFR_EMBEDDED_NETWORK")
    if forced is not None:
        return forced == "1"
    best, kind = "", ""
    with suppress(OSError), Path("/proc/self/mountinfo").open() as mounts:
        for line in mounts:
            fields = line.split()
            point = fields[4].rstrip("/") + "/"
            if f"{path}/".startswith(point) and len(point) >= len(best):
                best, kind = point, fields[fields.index("-") + 1]
    return kind in _NETWORK


class Link:
    """One connection, of one thread.

    Attributes
    ----------
    sql
        The SQLite connection.
    in_transaction
        A `File.transaction` is open on it.
    """

    def __init__(self, file: File) -> None:
        self.lock = FileLock(file.path.with_name(file.path.name + ".lock"), file.wait)
        self.sql = sqlite3.connect(
            file.path,
            timeout=file.wait,
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


class File:
    """The file: opens connections, and runs transactions on them.

    Parameters
    ----------
    path
        Where it is; created with its folder when missing, for the user alone.
    wait
        Seconds to wait for other writers.
    synchronous
        "FULL": an acknowledged write survives a loss of power; "NORMAL": only a crash.
    create
        Whether a missing file may be created.
    """

    def __init__(self, path: Path, *, wait: float, synchronous: str, create: bool) -> None:
        if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
            raise StorageUnavailableError(
                f"SQLite {sqlite3.sqlite_version} is too old",
                hint="use a Python built with SQLite 3.26 or newer",
            )
        self.path, self.wait = path, wait
        self._synchronous = synchronous
        self._threads = threading.local()
        self._links: list[Link] = []
        self._gate = threading.RLock()
        self._active = 0
        self._forked_inside = False
        self._create(create)
        self.network = is_network_file_system(path)
        self._host = self._claim_host() if self.network else None
        _FILES.add(self)
        with self.reading():
            pass

    def _create(self, create: bool) -> None:
        try:
            if self.path.exists():
                return
            if not create:
                raise StorageUnavailableError(
                    f"there is no database at {self.path}", hint="`jf quickstart` makes one"
                )
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # Before SQLite creates it with the umask's mode; O_EXCL, since a file that somebody
            # has open must not be opened and closed here.
            with suppress(FileExistsError):
                os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except OSError as error:
            raise StorageUnavailableError(
                f"{self.path} cannot be opened or made: {error.strerror}",
                hint="check the permissions of its folder, and the disk's space",
            ) from None

    def _claim_host(self) -> _HostRecord:
        try:
            return _HostRecord(self.path)
        except OSError as error:
            raise self._unusable(error) from None

    def _unusable(self, error: OSError) -> StorageUnavailableError:
        return StorageUnavailableError(
            f"{self.path} cannot be opened for writing: {error.strerror}",
            hint="check the permissions of the file and of its folder, and the disk's space",
        )

    def link(self) -> Link:
        """Return the connection of this thread."""
        link: Link | None = getattr(self._threads, "link", None)
        if link is None or link.closed:
            link = self._open()
            self._threads.link = link
        return link

    def _open(self) -> Link:
        if self._forked_inside:
            raise StorageError(
                f"this process was forked while {self.path} was in use",
                hint="start processes with spawn, or fork before using the database",
            )
        try:
            link = Link(self)
        except OSError as error:
            raise self._unusable(error) from None
        try:
            with link.lock.held():
                self._prepare(link.sql)
        except BaseException:
            link.close()
            raise
        with self._gate:
            self._links.append(link)
        self._collect(link)
        return link

    def _prepare(self, sql: sqlite3.Connection) -> None:
        mode = "truncate" if self.network else "wal"
        sql.execute(f"PRAGMA synchronous={self._synchronous}")
        sql.execute("PRAGMA cache_size=-16384")
        sql.execute("PRAGMA temp_store=MEMORY")
        sql.execute(f"PRAGMA journal_mode={mode}")
        sql.execute("BEGIN IMMEDIATE")
        layout.prepare(sql, str(self.path))
        sql.execute("COMMIT")

    @contextmanager
    def reading(self, link: Link | None = None) -> Iterator[Link]:
        """Read a snapshot, for as long as it takes to fill one page.

        Parameters
        ----------
        link
            The connection of an open transaction, to read within it.
        """
        if link is not None:
            with translated(self.path):
                yield link
            return
        with self._in_use(), translated(self.path):
            link = self._free_link()
            if self.network:
                # A writer of a rollback journal waits for readers, and would starve.
                with link.lock.held(shared=True):
                    link.refresh()
                    yield link
                return
            link.sql.execute("BEGIN")
            try:
                link.refresh()
                yield link
            finally:
                if link.sql.in_transaction:  # SQLite ends it where the disk or the file is bad
                    link.sql.execute("COMMIT")

    @contextmanager
    def writing(self, link: Link | None = None) -> Iterator[Link]:
        """Change documents, all or nothing.

        Parameters
        ----------
        link
            The connection of an open transaction, to write within it.
        """
        if link is not None:
            with translated(self.path):
                yield link
            return
        with self._in_use(), translated(self.path):
            link = self._free_link()
            with link.lock.held():
                self._transact(link)
                try:
                    yield link
                    link.sql.execute("COMMIT")
                except BaseException:
                    link.forget()
                    if link.sql.in_transaction:
                        link.sql.execute("ROLLBACK")
                    raise
            link.give_back_memory()
            self._sweep(link)

    def _transact(self, link: Link) -> None:
        link.sql.execute("BEGIN IMMEDIATE")
        link.refresh()

    @contextmanager
    def transaction(self) -> Iterator[Link]:
        """Keep one write transaction open over several operations of this thread."""
        with self.writing() as link:
            link.in_transaction = True
            try:
                yield link
            finally:
                link.in_transaction = False

    @contextmanager
    def snapshot(self) -> Iterator[Link]:
        """Keep one moment of the file in view over several reads of this thread."""
        with self.reading() as link:
            link.in_transaction = True
            try:
                yield link
            finally:
                link.in_transaction = False

    def _free_link(self) -> Link:
        link = self.link()
        if link.in_transaction:
            raise StorageError(
                "this thread has a transaction open on the database", hint="pass its session"
            )
        return link

    def stage(self, raw: bytes, owner: str) -> Part:
        """Write a large value in short transactions, before the document that will name it."""
        with self.writing() as link:
            part = Part(link.next_part_number(), row_count(raw))
            link.sql.execute("INSERT INTO loose VALUES(?,?)", (part.number, owner))
        for row in part_rows(part, raw):
            with self.writing() as link:
                link.sql.execute("INSERT INTO part VALUES(?,?)", row)
        return part

    def abandon(self, part: Part) -> None:
        """Give up a value that was staged and that no document will name."""
        with self.writing() as link:
            link.drop_part(part)

    def _sweep(self, link: Link) -> None:
        """Remove parts that nothing names, a few rows per transaction."""
        while not link.swept:
            with link.lock.held():
                self._transact(link)
                row = link.sql.execute(
                    "SELECT number FROM loose WHERE owner IS NULL LIMIT 1"
                ).fetchone()
                if row is None:
                    link.swept = True
                else:
                    self._remove_some(link, row[0])
                link.sql.execute("COMMIT")

    @staticmethod
    def _remove_some(link: Link, number: int) -> None:
        low = number << layout.ROW_BITS
        high = low + (1 << layout.ROW_BITS) - 1
        removed = link.sql.execute(
            "DELETE FROM part WHERE id IN "
            "(SELECT id FROM part WHERE id BETWEEN ? AND ? ORDER BY id DESC LIMIT 4)",
            (low, high),
        ).rowcount
        if not removed:
            link.sql.execute("DELETE FROM loose WHERE number=?", (number,))

    def _collect(self, link: Link) -> None:
        """Mark what dead writers left behind; the next write of this thread removes it."""
        rows = link.sql.execute("SELECT number, owner FROM loose").fetchall()
        dead = [(n,) for n, owner in rows if owner is not None and is_gone(owner)]
        if dead:
            with link.lock.held():
                link.sql.executemany("UPDATE loose SET owner=NULL WHERE number=?", dead)
        link.swept = not dead and all(owner is not None for _, owner in rows)

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        with self._gate:
            self._active += 1
        try:
            yield
        finally:
            with self._gate:
                self._active -= 1

    def close(self) -> None:
        """Close every connection of this process; using the file again opens new ones."""
        with self._gate:
            links, self._links = self._links, []
        for link in links:
            link.close()
        if self._host is not None:
            self._host.release()

    def compact(self) -> None:
        """Rewrite the file without the space that deleted documents left."""
        with self._in_use(), translated(self.path):
            link = self._free_link()
            with link.lock.held():
                link.sql.execute("VACUUM")

    def before_fork(self) -> None:
        """Close what is open, unless an operation is under way."""
        self._gate.acquire()
        if not self._active:
            links, self._links = self._links, []
            for link in links:
                link.close()

    def after_fork(self, *, in_child: bool) -> None:
        """Go on; a child that inherited an open connection is refused."""
        if in_child:
            self._forked_inside, self._active = bool(self._links), 0
            self._threads = threading.local()
        self._gate.release()


class _HostRecord:
    """Says which host uses a file on a network file system; refuses a second one.

    Every process of that host holds the record shared; the last one to close removes it. After a
    crash the record stays, and is taken over by the same host or once it names another boot.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + ".host")
        me = {"host": socket.gethostname(), "boot_id": boot_id()}
        flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o600)
        other = _host_named(os.pread(self._descriptor, 1000, 0))
        if other not in (None, me["host"]):
            os.close(self._descriptor)
            raise StorageUnavailableError(
                f"{path} lies on a network file system and is in use by host {other}",
                hint=f"run jf there; if that host no longer uses it, remove {self._path}",
            )
        record = {**me, "since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, json.dumps(record).encode(), 0)
        except OSError:
            os.close(self._descriptor)
            raise
        self._lock(shared=True)

    def release(self) -> None:
        """Stop using the file."""
        if self._descriptor < 0:
            return
        if self._lock(shared=False):
            with suppress(FileNotFoundError):
                self._path.unlink()
        os.close(self._descriptor)
        self._descriptor = -1

    def _lock(self, *, shared: bool) -> bool:
        try:
            mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
            fcntl.flock(self._descriptor, mode | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


def _host_named(record: bytes) -> str | None:
    """Return the host that a record names, None where it was cut off and names nobody."""
    try:
        name = json.loads(record)["host"]
    except (ValueError, KeyError, TypeError):
        return None
    return name if isinstance(name, str) else None


def boot_id() -> str:
    """Return what changes at each boot of this host; "" where the system does not tell."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return ""


_FILES: weakref.WeakSet[File] = weakref.WeakSet()


def _before_fork() -> None:
    for file in list(_FILES):
        file.before_fork()


def _after_fork(*, in_child: bool) -> None:
    for file in list(_FILES):
        file.after_fork(in_child=in_child)


os.register_at_fork(
    before=_before_fork,
    after_in_parent=lambda: _after_fork(in_child=False),
    after_in_child=lambda: _after_fork(in_child=True),
)
