"""A database on a server, through pymongo."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Literal

import pymongo
import pymongo.errors
from pymongo.database import Database as DriverDatabase

from controller.errors import UnsupportedOperationError
from controller.storage.base import Document, Space
from controller.storage.mongo.change_hints import AWAIT_MS, ChangeHints
from controller.storage.mongo.collection import MongoCollection
from controller.storage.mongo.errors import translated
from controller.storage.opening import SERVER_SELECTION_TIMEOUT_MS
from controller.storage.sizes import MONGODB_LIMIT


class MongoDatabase:
    """A database on a server; see `controller.storage.base.Database`.

    Parameters
    ----------
    raw
        pymongo's database.
    location
        Host and database name, without secrets.
    on_close
        Closes the client; None if the caller will close it.
    """

    engine: Literal["mongodb"] = "mongodb"

    def __init__(
        self,
        raw: DriverDatabase[Document],
        location: str,
        *,
        on_close: Callable[[], object] | None = None,
    ) -> None:
        self._raw, self._location, self._on_close = raw, location, on_close
        self._transactions: bool | None = None

    def __repr__(self) -> str:
        return f"MongoDatabase({self._location!r})"

    @property
    def name(self) -> str:
        """Name of the database."""
        return self._raw.name

    @property
    def location(self) -> str:
        """Host and database, for messages."""
        return self._location

    @property
    def supports_transactions(self) -> bool:
        """Whether the server is a replica set or a router, which have transactions."""
        if self._transactions is None:
            with translated(self._location):
                hello = self._raw.client.admin.command("hello")
            self._transactions = "setName" in hello or hello.get("msg") == "isdbgrid"
        return self._transactions

    transactions_never_conflict = False

    @property
    def native(self) -> DriverDatabase[Document]:
        """See `controller.storage.base.Database.native`."""
        return self._raw

    def collection(self, name: str) -> MongoCollection:
        """Return a collection."""
        return MongoCollection(self._raw[name], self._location)

    def collection_names(self) -> list[str]:
        """Names of the collections that exist."""
        with translated(self._location):
            return sorted(self._raw.list_collection_names())

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """Change several documents atomically if supported; otherwise yield None."""
        if not self.supports_transactions:
            yield None
            return
        with translated(self._location):
            session = self._raw.client.start_session()
        with session:
            with translated(self._location):
                session.start_transaction()
            try:
                yield session
            except BaseException:
                session.abort_transaction()
                raise
            with translated(self._location):
                session.commit_transaction()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Yield None: a server's snapshots last a few minutes, which may not be enough."""
        yield None

    def change_token(self) -> None:
        """Return None: changes on a server can only be found by queries."""
        return

    def change_hints(self, name: str, wake: Callable[[], None]) -> ChangeHints | None:
        """Follow a change stream where the server is a replica set; see `ChangeHints`."""
        if not self.supports_transactions:
            return None
        watched = self._raw[name]
        return ChangeHints(
            lambda token: watched.watch(resume_after=token, max_await_time_ms=AWAIT_MS), wake
        )

    def exists(self) -> bool:
        """Return True: on a server, databases are created with their first document."""
        return True

    def create(self) -> None:
        """Do nothing."""

    def ping(self) -> None:
        """Check that the server answers."""
        with translated(self._location):
            self._raw.client.admin.command("ping")

    def compact(self, names: Sequence[str]) -> None:
        """Ask the server to return space to the system; ignore if unsupported."""
        for name in set(names).intersection(self.collection_names()):
            with suppress(UnsupportedOperationError), translated(self._location):
                self._raw.command("compact", name)

    def space(self) -> Space | None:
        """Return what the server says; None where it does not tell of free space."""
        with translated(self._location):
            try:
                found = self._raw.command("dbStats", freeStorage=1)
            except pymongo.errors.OperationFailure:
                return None
        if "freeStorageSize" not in found:
            return None
        indexes = int(found.get("indexSize") or 0)
        return Space(int(found["storageSize"]) + indexes, int(found["freeStorageSize"]))

    @property
    def largest_document(self) -> int:
        """16 MB, as for every MongoDB."""
        return MONGODB_LIMIT

    def close(self) -> None:
        """Close the connections, if this object owns them."""
        if self._on_close is not None:
            self._on_close()
            self._on_close = None


def connect(
    database: str, *, uri: str | None = None, location: str, **client_options: Any
) -> MongoDatabase:
    """Open a database on a server; no connection is made before the first operation.

    Parameters
    ----------
    database
        Its name.
    uri
        Connection string; None connects to ``host`` and ``port`` of the options.
    location
        Its name in messages.
    client_options
        Keywords of pymongo's MongoClient.
    """
    options = {"serverSelectionTimeoutMS": SERVER_SELECTION_TIMEOUT_MS, **client_options}
    with translated(location):
        client: pymongo.MongoClient[Document]
        client = pymongo.MongoClient(uri, **options) if uri else pymongo.MongoClient(**options)
        return MongoDatabase(client[database], location, on_close=client.close)
