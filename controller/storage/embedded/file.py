"""The file: one connection per thread and process, short transactions, and forks.

Three traps shape this module.

* Nothing may be open at a fork. SQLite stores in memory which locks its process holds; a child
inherits the memory but not the locks, so even a new connection of the child would hold none, and
other processes could remove the log under it. All connections are closed before a fork, and a child
forked in the middle of an operation is refused.
* Only SQLite opens and closes the database file: closing any descriptor of it
  drops every POSIX lock of the process.
* A missing file is only created on request: SQLite is told so, and each operation first checks that
the file under the name is still the open one.
* On a network file system a rollback journal is used instead of WAL: see `network`.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from controller.errors import (
    StorageBusyError,
    StorageError,
    StorageMissingError,
    StorageUnavailableError,
)
from controller.storage.base import Space
from controller.storage.embedded import layout
from controller.storage.embedded.creation import make_file
from controller.storage.embedded.errors import FROM_SQLITE, in_our_words, missing, translated
from controller.storage.embedded.link import SMALL_CACHE, Link, part_rows, row_count
from controller.storage.embedded.lockfile import is_gone
from controller.storage.embedded.network import (
    HostRecord,
    is_network_file_system,
    refuse_other_host,
)
from controller.storage.embedded.parts import Part

_OLDEST_SQLITE = (3, 26, 0)
_CLOSE_WAIT = 5.0
"""Seconds that closing waits for operations of other threads."""
_CHECKPOINT_WAIT = 1.0
"""Seconds that the emptying of the log waits for readers; the next writer can do it as well."""
_COURTESY = 1.0
"""Seconds that a reader waits for earlier writers, if reading would block them."""


class File:
    """The file: opens connections, and runs transactions on them.

    Parameters
    ----------
    path
        Its path; created with its folder if missing, private to the user.
    wait
        Seconds to wait for other writers.
    synchronous
        "FULL": acknowledged writes survive a power loss; "NORMAL": only a crash.
    create
        Create a missing file. Otherwise each use reports it as missing until it is created.
    """

    def __init__(self, path: Path, *, wait: float, synchronous: str, create: bool) -> None:
        if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
            raise StorageUnavailableError(
                f"SQLite {sqlite3.sqlite_version} is too old",
                hint="use a Python built with SQLite 3.26 or newer",
            )
        self.path, self.wait = path, wait
        self._name = str(path)
        self._synchronous = synchronous
        self._threads = threading.local()
        self._links: list[Link] = []
        self._gate = threading.RLock()
        self._active = 0
        self._forked_inside = False
        self._host: HostRecord | None = None
        self.network = is_network_file_system(path)
        _FILES.add(self)
        if create:
            self.create()
        if self.exists():
            with self.reading():
                pass

    def identity(self) -> tuple[int, int]:
        """Return the identity of the file, which differs for any other file with this name.

        Raises
        ------
        StorageMissingError
            The file is missing.
        """
        try:
            found = os.stat(self._name)  # noqa: PTH116 (before each read)
        except (FileNotFoundError, NotADirectoryError):
            raise missing(self.path) from None
        except OSError as error:
            raise self._unusable(error) from None
        return found.st_dev, found.st_ino

    def exists(self) -> bool:
        """Whether the file exists."""
        try:
            self.identity()
        except StorageMissingError:
            return False
        return True

    def create(self) -> None:
        """Create the file and its folder if they are missing.

        Raises
        ------
        StorageUnavailableError
            They cannot be created.
        """
        make_file(self.path, network=self.network, wait=self.wait)

    def _claim_host(self, *, read_only: bool) -> None:
        with self._gate:
            if not self.network or self._host is not None:
                return
            if read_only:
                refuse_other_host(self.path)
                return
            try:
                self._host = HostRecord(self.path)
            except OSError as error:
                raise self._unusable(error) from None

    def _unusable(self, error: OSError) -> StorageUnavailableError:
        return StorageUnavailableError(
            f"cannot open {self.path} for writing: {error.strerror}",
            hint="check the permissions of the file and of its folder, and the disk's space",
        )

    def link(self) -> Link:
        """Return the connection of this thread.

        Raises
        ------
        StorageMissingError
            The file does not exist, or no longer exists.
        """
        link: Link | None = getattr(self._threads, "link", None)
        is_open = link is not None and not link.closed and not link.in_transaction
        if link is not None and is_open and not link.is_of(self.identity()):
            # Another file has taken its place: the open one no longer has a name.
            self._forget(link)
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
        self._forget_ended_threads()
        identity = self.identity()
        try:
            link = Link(self.path, self.wait, identity, network=self.network)
        except OSError as error:
            raise self._unusable(error) from None
        try:
            self._claim_host(read_only=link.read_only)
            self._prepare(link)
        except BaseException:
            link.close()
            raise
        with self._gate:
            self._links.append(link)
        return link

    def _forget(self, link: Link) -> None:
        with self._gate:
            self._links = [known for known in self._links if known is not link]
        link.close()

    def _forget_ended_threads(self) -> None:
        with self._gate:
            ended = [link for link in self._links if not link.thread.is_alive()]
        for link in ended:
            self._forget(link)

    def _prepare(self, link: Link) -> None:
        """Check the file and set up the connection.

        The write lock is only taken if the journal mode, which the file itself stores, must be
        changed: reading does not wait for writers.
        """
        sql = link.sql
        link.sync(self._synchronous)
        # Each thread of a runner has one for weeks; what is read again comes from the system's.
        link.keep_pages(SMALL_CACHE)
        sql.execute("PRAGMA temp_store=MEMORY")
        layout.check(sql, str(self.path))
        if link.read_only:
            return
        wanted = "truncate" if self.network else "wal"
        found = sql.execute("PRAGMA journal_mode").fetchone()[0]
        if (found == "wal") != (wanted == "wal"):
            with link.lock.held():
                sql.execute(f"PRAGMA journal_mode={wanted}")
        elif found != wanted:
            sql.execute(f"PRAGMA journal_mode={wanted}")

    @contextmanager
    def reading(self, link: Link | None = None) -> Iterator[Link]:
        """Read a snapshot, for as long as it takes to fill one page.

        Parameters
        ----------
        link
            The connection of an open transaction, to read within it.
        """
        if link is not None:
            first = len(link.cursors)
            try:
                yield link
            except FROM_SQLITE as error:
                raise in_our_words(self.path, error) from error
            finally:
                link.close_cursors(first)
            return
        self._enter()  # no contexts within each other: this is done for every question
        try:
            link = self._free_link()
            if self.network and not link.read_only:
                with self._turn_of_reader(link), self._one_moment(link):
                    yield link
                return
            link.sql.execute("BEGIN")
            try:
                link.refresh()
                yield link
            finally:
                self._end_moment(link)
        except FROM_SQLITE as error:
            raise in_our_words(self.path, error) from error
        finally:
            self._leave()

    @staticmethod
    @contextmanager
    def _one_moment(link: Link) -> Iterator[None]:
        link.sql.execute("BEGIN")
        try:
            link.refresh()
            yield
        finally:
            File._end_moment(link)

    @staticmethod
    def _end_moment(link: Link) -> None:
        link.close_cursors()
        if link.sql.in_transaction:  # SQLite ends it if the disk or the file is bad
            link.sql.execute("COMMIT")

    @contextmanager
    def _within(self, link: Link) -> Iterator[None]:
        """Work within an open transaction."""
        first = len(link.cursors)
        with translated(self.path):
            try:
                yield
            finally:
                link.close_cursors(first)

    @contextmanager
    def _turn_of_reader(self, link: Link) -> Iterator[None]:
        """Give writers their turn if readers block them, as with a rollback journal.

        Only for a limited time: a reader does not wait for a writer that was suspended.
        """
        with ExitStack() as stack:
            with suppress(StorageBusyError):
                stack.enter_context(link.lock.held(shared=True, wait=min(_COURTESY, self.wait)))
            yield

    @contextmanager
    def writing(self, link: Link | None = None) -> Iterator[Link]:
        """Change documents, all or nothing.

        Parameters
        ----------
        link
            The connection of an open transaction, to write within it.
        """
        if link is not None:
            with self._within(link):
                yield link
            return
        with self._in_use(), translated(self.path):
            link = self._free_link(to_write=True)
            with link.lock.held() as waited:
                self._transact(link, waited)
                try:
                    link.make_newest()
                    yield link
                    link.close_cursors()
                    link.sql.execute("COMMIT")
                except BaseException:
                    link.forget()
                    link.close_cursors()
                    if link.sql.in_transaction:
                        link.sql.execute("ROLLBACK")
                    raise
            link.give_back_memory()
            self._sweep(link)

    def _transact(self, link: Link, waited: float = 0.0) -> None:
        """Start to write; the time spent waiting for other writers counts for SQLite, too."""
        if waited > 1:
            link.wait_for_sqlite(max(self.wait - waited, 1))
        # Without a log a commit that is not forced to the disk might be torn by a power cut.
        relaxed = getattr(self._threads, "unsynced", False) and not self.network
        link.sync("NORMAL" if relaxed else self._synchronous)
        self._threads.is_behind = relaxed
        try:
            link.sql.execute("BEGIN IMMEDIATE")
            link.refresh()
        finally:
            if waited > 1:
                link.wait_for_sqlite(self.wait)

    @contextmanager
    def unsynced(self) -> Iterator[None]:
        """Force no write of this thread to the disk by itself; see `storage.base.unsynced`."""
        before = getattr(self._threads, "unsynced", False)
        self._threads.unsynced = True
        try:
            yield
        finally:
            self._threads.unsynced = before

    @contextmanager
    def synced_once(self) -> Iterator[None]:
        """Force writes of this thread to the disk together; see `storage.base.synced_once`."""
        self._threads.is_behind = False
        try:
            with self.unsynced():
                yield
        finally:
            if self._threads.is_behind:
                self.force()

    def force(self) -> None:
        """Force to the disk what has been written: all of it is in the log, in its order.

        Nobody locks the log, so it can be opened beside SQLite, in any thread.

        Raises
        ------
        StorageUnavailableError
            The disk fails.
        """
        if self._synchronous != "FULL":
            return
        try:
            log = os.open(f"{self.path}-wal", os.O_RDONLY)
        except FileNotFoundError:  # it was written into the file, which syncs
            return
        except OSError as error:
            raise self._unusable(error) from None
        try:
            _sync(log)
        except OSError as error:
            raise self._unusable(error) from None
        finally:
            os.close(log)

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
        """Keep one snapshot over several reads of this thread."""
        with self.reading() as link:
            link.in_transaction = True
            try:
                yield link
            finally:
                link.in_transaction = False

    def _free_link(self, *, to_write: bool = False) -> Link:
        link = self.link()
        if link.in_transaction:
            raise StorageError(
                "this thread has a transaction open on the database", hint="pass its session"
            )
        if to_write and link.read_only:
            self._forget(link)  # it may have become writable
            link = self.link()
            if link.read_only:
                raise StorageUnavailableError(
                    f"cannot open {self.path} for writing: it is read-only here",
                    hint="check the permissions of the file and of its folder",
                )
        return link

    def stage(self, raw: bytes, owner: str) -> Part:
        """Write a large value in short transactions, before the document that refers to it."""
        with self.writing() as link:
            part = Part(link.next_part_number(), row_count(raw))
            link.sql.execute("INSERT INTO loose VALUES(?,?)", (part.number, owner))
        try:
            for row in part_rows(part, raw):
                with self.writing() as link:
                    link.sql.execute("INSERT INTO part VALUES(?,?)", row)
        except BaseException:
            self.abandon(part)
            raise
        return part

    def abandon(self, part: Part) -> None:
        """Discard a staged value to which no document will refer.

        If even that fails, its rows are removed after the end of this process.
        """
        with suppress(StorageError), self.writing() as link:
            link.sql.execute("INSERT OR REPLACE INTO loose VALUES(?,NULL)", (part.number,))
            link.swept = False

    def _sweep(self, link: Link) -> None:
        """Remove unreferenced parts, a few rows per transaction.

        The caller's write is already done: this neither waits nor fails, and continues later.
        """
        with suppress(StorageBusyError, sqlite3.Error):
            while not link.swept:
                with link.lock.held(wait=0):
                    self._sweep_some(link)

    def _sweep_some(self, link: Link) -> None:
        self._transact(link)
        try:
            if not link.collected:
                self._collect(link)
            row = link.sql.execute(
                "SELECT number FROM loose WHERE owner IS NULL LIMIT 1"
            ).fetchone()
            if row is not None:
                self._remove_some(link, row[0])
            link.sql.execute("COMMIT")
        finally:
            if link.sql.in_transaction:
                link.sql.execute("ROLLBACK")
        link.collected, link.swept = True, row is None

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

    @staticmethod
    def _collect(link: Link) -> None:
        """Mark what dead writers left behind."""
        rows = link.sql.execute("SELECT number, owner FROM loose").fetchall()
        dead = [(n,) for n, owner in rows if owner is not None and is_gone(owner)]
        link.sql.executemany("UPDATE loose SET owner=NULL WHERE number=?", dead)

    @contextmanager
    def _in_use(self) -> Iterator[None]:
        self._enter()
        try:
            yield
        finally:
            self._leave()

    def _enter(self) -> None:
        with self._gate:
            self._active += 1
        self._threads.depth = self._depth() + 1

    def _leave(self) -> None:
        self._threads.depth = self._depth() - 1
        with self._gate:
            self._active -= 1

    def _depth(self) -> int:
        """Operations that this thread is in."""
        return int(getattr(self._threads, "depth", 0))

    def close(self) -> None:
        """Close every connection of this process; using the file again opens new ones.

        A connection must not be closed while another thread is in it: SQLite would crash. Such an
        operation is waited for; one that hangs keeps its connection until its thread has ended.
        """
        deadline = time.monotonic() + _CLOSE_WAIT
        while not self._close_unused() and time.monotonic() < deadline:
            time.sleep(0.005)
        with self._gate:
            host, self._host = self._host, None
        if host is not None:
            host.release()

    def _close_unused(self) -> bool:
        """Close the connections that no other thread is in; return whether that is all."""
        with self._gate:  # nothing begins meanwhile
            others = self._active > self._depth()
            own = threading.current_thread()
            closed = [
                link
                for link in self._links
                if not others or link.thread is own or not link.thread.is_alive()
            ]
            self._links = [link for link in self._links if link not in closed]
            for link in closed:
                link.close()
        return not others

    def space(self) -> Space:
        """Return the size of the file with its log, and how much of it is unused."""
        with self.reading() as link:
            page = link.value("PRAGMA page_size")
            unused = link.value("PRAGMA freelist_count") * page
            content = link.value("PRAGMA page_count") * page
        size = 0
        for end in ("", "-wal"):
            with suppress(FileNotFoundError):
                size += self.path.with_name(self.path.name + end).stat().st_size
        return Space(size, unused, max(0, size - content))

    def compact(self) -> None:
        """Rewrite the file without the space of deleted documents.

        Readers see the old content meanwhile; writers wait. Killed in the middle, the file is as it
        was.

        Raises
        ------
        StorageError
            The disk has no room for a second copy, which is needed for a moment.
        """
        space = self.space()
        needed = 2 * (space.size - space.unused)
        free = shutil.disk_usage(self.path.parent).free
        if free < needed:
            raise StorageError(
                f"{self.path} cannot be compacted: this needs {needed >> 20} MB of free disk, and "
                f"there are {free >> 20} MB",
                hint="make room, or move the project to a larger disk",
            )
        with self._in_use(), translated(self.path):
            link = self._free_link(to_write=True)
            with link.lock.held():
                link.sql.execute("VACUUM")
                if not self.network:  # the log holds a copy now, until it is emptied
                    link.wait_for_sqlite(_CHECKPOINT_WAIT)
                    try:
                        link.sql.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                    finally:
                        link.wait_for_sqlite(self.wait)

    def before_fork(self) -> None:
        """Close what is open, unless an operation is running."""
        self._gate.acquire()
        if not self._active:
            links, self._links = self._links, []
            for link in links:
                link.close()

    def after_fork(self, *, in_child: bool) -> None:
        """Continue; a child that inherited an open connection is refused."""
        if in_child:
            self._forked_inside, self._active = bool(self._links), 0
            self._threads = threading.local()
        self._gate.release()


def _sync(number: int) -> None:
    """Force what was written into an open file to the disk."""
    force = os.fdatasync if hasattr(os, "fdatasync") else os.fsync  # not on a Mac
    force(number)


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
