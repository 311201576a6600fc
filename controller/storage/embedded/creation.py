"""Create a database file, and check one before use.

A file is created completely or not at all: under a temporary name, then renamed. So an empty file
is never a database being created, but a lost one, or something else.
"""

from __future__ import annotations

import os
import sqlite3
import uuid
from contextlib import closing, suppress
from pathlib import Path

from controller.errors import StorageUnavailableError
from controller.paths import make_private_folder
from controller.storage.embedded import layout
from controller.storage.embedded.errors import translated
from controller.storage.embedded.lockfile import FileLock

_PRIVATE = 0o600


def make_file(path: Path, *, network: bool, wait: float) -> None:
    """Create a missing database and its folder, private to the user.

    Parameters
    ----------
    network
        Whether it is on a network file system: then it gets no write-ahead log.
    wait
        Seconds to wait for another process that is creating it too.

    Raises
    ------
    StorageUnavailableError
        They cannot be created.
    """
    try:
        if path.exists():
            return
        make_private_folder(path.parent)
        draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}.new")
        try:
            _write(draft, path, network=network)
            _give_name(draft, path, wait)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as error:
        raise StorageUnavailableError(
            f"cannot open or create {path}: {error.strerror}",
            hint="check the permissions of its folder, and the disk's space",
        ) from None


def is_writable(path: Path) -> bool:
    """Whether a file and its folder are writable; a log must be created next to it."""
    effective = os.access in os.supports_effective_ids
    return all(os.access(place, os.W_OK, effective_ids=effective) for place in (path, path.parent))


def read_only_uri(path: str, *, log: bool, network: bool) -> str:
    """Return the parameters with which SQLite opens a file read-only.

    Without a log next to it, no process has it open, and SQLite would create one: "immutable".
    On a network file system there is no log, and SQLite's own locks suffice for readers.
    """
    return f"file:{path}?mode=ro" if log or network else f"file:{path}?mode=ro&immutable=1"


def _write(draft: Path, path: Path, *, network: bool) -> None:
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_RDWR, _PRIVATE)
    os.fchmod(descriptor, _PRIVATE)  # whatever the umask; SQLite's log takes the mode over
    os.close(descriptor)
    try:
        with (
            translated(path),
            closing(sqlite3.connect(draft, isolation_level=None)) as connection,
        ):
            connection.execute("PRAGMA synchronous=FULL")
            connection.execute(f"PRAGMA journal_mode={'truncate' if network else 'wal'}")
            connection.execute("BEGIN IMMEDIATE")
            layout.create(connection)
            connection.execute("COMMIT")
    finally:
        for end in ("-wal", "-shm", "-journal"):
            draft.with_name(draft.name + end).unlink(missing_ok=True)


def _give_name(draft: Path, path: Path, wait: float) -> None:
    """Rename the draft, unless another file has the name by now."""
    lock = FileLock(path.with_name(path.name + ".lock"), wait)
    try:
        with lock.held():
            try:
                os.link(draft, path)
            except FileExistsError:
                return
            except OSError:  # a file system without hard links
                if path.exists():
                    return
                draft.rename(path)
            _sync_folder(path.parent)
    finally:
        lock.close()


def _sync_folder(folder: Path) -> None:
    """Make the new name durable, if the system supports it."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
