"""Convert SQLite's errors to jfr's, with what to do."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bson.errors import InvalidBSON

from controller.errors import (
    StorageBusyError,
    StorageError,
    StorageFormatError,
    StorageMissingError,
    StorageUnavailableError,
)


def missing(path: Path) -> StorageMissingError:
    """Return the error of a database whose file is not there."""
    return StorageMissingError(
        f"the database {path} does not exist",
        hint="mount its disk, or restore it from a backup; "
        "for a new project, create it with `jf admin reset`",
    )


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Convert SQLite's errors to jfr's, with the name of the file.

    Raises
    ------
    StorageUnavailableError, StorageBusyError, StorageFormatError
        The file cannot be used, with what to do.
    """
    try:
        yield
    except FROM_SQLITE as error:
        raise in_our_words(path, error) from error


FROM_SQLITE = (sqlite3.Error, InvalidBSON)
"""What `in_our_words` converts."""


def in_our_words(path: Path, error: Exception) -> StorageError:
    """Return jfr's error for one of SQLite, or for a document that cannot be read."""
    return _of_sqlite(path, error) if isinstance(error, sqlite3.Error) else _damaged(path, error)


def _of_sqlite(path: Path, error: sqlite3.Error) -> StorageError:
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_FULL"):
        return StorageUnavailableError(
            f"no space left for {path}", hint="free some space and try again; nothing was lost"
        )
    if name.startswith("SQLITE_BUSY"):
        return StorageBusyError(f"{path} is busy", hint="try again")
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")) or "decode to UTF-8" in str(error):
        return _damaged(path, error)
    refused = ("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")
    if name.startswith((*refused, "SQLITE_IOERR")) and not path.exists():
        return missing(path)  # it went away after it was opened, or looked for
    if name.startswith(refused):
        return StorageUnavailableError(
            f"cannot open {path} ({error})",
            hint="check the permissions of the file, of the files beside it and of its folder",
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
        f"{path} is damaged or not a database ({said})", hint="restore it from a backup"
    )
