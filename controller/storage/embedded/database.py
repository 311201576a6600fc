"""The embedded database: its collections, transactions and file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from controller.errors import UnsupportedOperationError
from controller.storage.base import Space
from controller.storage.embedded.collection import EmbeddedCollection, Session
from controller.storage.embedded.errors import translated
from controller.storage.embedded.file import File

DEFAULT_WAIT = 30.0
"""Seconds to wait for another writer."""


class UserDatabase:
    """An embedded database with the interface of pymongo's databases.

    Every name that is not a method is a collection: ``db.jobs`` and ``db["jobs"]`` are the same.

    Parameters
    ----------
    database
        The database itself.
    """

    def __init__(self, database: EmbeddedDatabase) -> None:
        self._database = database

    def __repr__(self) -> str:
        return f"UserDatabase({self._database.location!r})"

    def __getattr__(self, name: str) -> EmbeddedCollection:
        if name.startswith("_"):
            raise AttributeError(f"a database has no attribute {name!r}", name=name, obj=self)
        return self._database.collection(name)

    def __getitem__(self, name: str) -> EmbeddedCollection:
        return self._database.collection(name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UserDatabase) and self._database is other._database

    def __hash__(self) -> int:
        return hash(id(self._database))

    @property
    def name(self) -> str:
        """Name of the file, without its ending."""
        return self._database.name

    def get_collection(self, name: str, **_options: Any) -> EmbeddedCollection:
        """Return a collection; it is created with its first document."""
        return self._database.collection(name)

    def list_collection_names(self, **_options: Any) -> list[str]:
        """Names of the collections that exist."""
        return self._database.collection_names()

    def drop_collection(self, name_or_collection: str | EmbeddedCollection) -> None:
        """Delete a collection with its documents and indexes."""
        given = name_or_collection
        self._database.collection(given if isinstance(given, str) else given.name).drop()

    def command(self, command: Any, *_: Any, **_options: Any) -> dict[str, Any]:
        """Execute the supported commands: ``ping`` and ``compact``."""
        name = command if isinstance(command, str) else next(iter(command), "")
        if name == "ping":
            self._database.ping()
        elif name == "compact":
            self._database.compact()
        else:
            raise UnsupportedOperationError(f"the command {name!r}")
        return {"ok": 1.0}


class EmbeddedDatabase:
    """See `controller.storage.base.Database` for what its methods promise.

    Parameters
    ----------
    file
        The open file.
    """

    engine: Literal["embedded"] = "embedded"
    supports_transactions = True
    transactions_never_conflict = True

    def __init__(self, file: File) -> None:
        self._file = file

    def __repr__(self) -> str:
        return f"EmbeddedDatabase({self.location!r})"

    @property
    def name(self) -> str:
        """Name of the file, as pymongo's databases have one."""
        return self._file.path.stem

    @property
    def location(self) -> str:
        """Path of the file."""
        return str(self._file.path)

    @property
    def native(self) -> UserDatabase:
        """See `controller.storage.base.Database.native`."""
        return UserDatabase(self)

    def collection(self, name: str) -> EmbeddedCollection:
        """Return a collection; it is created with its first document."""
        return EmbeddedCollection(self._file, name)

    __getitem__ = collection

    def collection_names(self) -> list[str]:
        """Names of the collections that exist."""
        with self._file.reading() as link:
            return [row[0] for row in link.sql.execute("SELECT name FROM coll ORDER BY name")]

    list_collection_names = collection_names

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Change several documents atomically."""
        with self._file.transaction() as link:
            yield Session(link)

    @contextmanager
    def snapshot(self) -> Iterator[Session]:
        """Read a snapshot of the database."""
        with self._file.snapshot() as link:
            yield Session(link)

    def change_token(self) -> object:
        """Return a value that differs after any other connection changed the file."""
        with translated(self._file.path):
            link = self._file.link()
            version = link.sql.execute("PRAGMA data_version").fetchone()[0]
        # data_version counts changes by others, as seen by one connection.
        return (id(link), version)

    def change_hints(self, name: str, wake: Callable[[], None]) -> None:
        """Return None: `change_token` tells as soon, at no cost."""
        del name, wake

    def exists(self) -> bool:
        """Whether the file exists."""
        return self._file.exists()

    def create(self) -> None:
        """Create the file if it is missing."""
        self._file.create()

    def ping(self) -> None:
        """Check that the file can be read."""
        self.collection_names()

    def compact(self, names: Sequence[str] = ()) -> None:
        """Return the space of deleted documents of the whole file to the system."""
        del names
        self._file.compact()

    def space(self) -> Space:
        """Return the size of the file with its log, and what deleted documents have left."""
        return self._file.space()

    largest_document: int | None = None

    def close(self) -> None:
        """Close the file; using the database again opens it again."""
        self._file.close()


def open_database(
    path: str | Path,
    *,
    wait: float = DEFAULT_WAIT,
    synchronous: str = "FULL",
    create: bool = True,
) -> EmbeddedDatabase:
    """Open the database in a file.

    Parameters
    ----------
    path
        The file.
    wait
        Seconds to wait for another writer before `StorageBusyError`.
    synchronous
        "FULL" keeps every acknowledged write through a power loss; "NORMAL" is faster, and may
        then lose the last ones, but nothing if only a process dies.
    create
        Create a missing file, readable by its owner only. Otherwise every use raises
        StorageMissingError until it is created.

    Raises
    ------
    StorageUnavailableError, StorageFormatError, StorageBusyError
        The file cannot be used.
    """
    where = Path(path).expanduser().absolute()
    return EmbeddedDatabase(File(where, wait=wait, synchronous=synchronous, create=create))
