"""MongoDB and servers that speak its protocol, through pymongo.

pymongo's collections already follow the contract; what is added is our vocabulary: our write
operations go in, our results and errors come out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal

import pymongo
from pymongo import errors as driver
from pymongo.collection import Collection as DriverCollection
from pymongo.database import Database as DriverDatabase

from controller.errors import (
    ArgumentError,
    DuplicateKeyError,
    StorageError,
    StorageUnavailableError,
)
from controller.storage import base
from controller.storage.base import (
    BulkWriteResult,
    DeleteResult,
    Document,
    InsertManyResult,
    InsertOneResult,
    UpdateResult,
)

SERVER_SELECTION_TIMEOUT_MS = 3000
"""How long to look for a server; a user's ``mongoclient_kwargs`` win."""

_NOT_ALLOWED = {13, 18, 8000}  # Unauthorized, AuthenticationFailed, AtlasError
_DUPLICATE = 11000


@contextmanager
def translated(location: str) -> Iterator[None]:
    """Turn pymongo's errors into ours, naming the database but no secret.

    Raises
    ------
    StorageUnavailableError
        The server does not answer or does not let us in.
    DuplicateKeyError, ArgumentError, StorageError
        The server refused the operation.
    """
    try:
        yield
    except driver.PyMongoError as error:
        raise _in_our_words(location, error) from error
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"MongoDB cannot take this: {error}") from error


def _in_our_words(location: str, error: driver.PyMongoError) -> StorageError:
    if isinstance(error, driver.BulkWriteError):
        first: dict[str, Any] = next(iter(error.details.get("writeErrors") or []), {})
        if first.get("code") == _DUPLICATE:
            return _duplicate(first)
        return StorageError(f"{location}: {first.get('errmsg', 'a bulk write failed')}")
    if isinstance(error, driver.DuplicateKeyError):
        return _duplicate(error.details or {})
    if isinstance(error, driver.OperationFailure):
        if error.code in _NOT_ALLOWED:
            return StorageUnavailableError(
                f"{location} does not let us in (code {error.code})",
                hint="check username, password and auth_source of the project file",
            )
        message = (error.details or {}).get("errmsg") or str(error)
        return StorageError(f"{location}: {message}")
    if isinstance(error, driver.ConfigurationError):
        return StorageUnavailableError(
            f"{location}: {error}", hint="check the store in the project file"
        )
    if isinstance(error, (driver.ConnectionFailure, driver.ExecutionTimeout)):
        return StorageUnavailableError(
            f"{location} does not answer",
            hint="is the server running, and are host and port right?",
        )
    return StorageError(f"{location}: {error}")


def _duplicate(details: Mapping[str, Any]) -> DuplicateKeyError:
    key = dict(details.get("keyValue") or {})
    names = ", ".join(key or details.get("keyPattern") or {}) or "unique key"
    return DuplicateKeyError(f"a document with the same {names} exists", key=key or None)


class MongoCollection:
    """A collection on a server; see `controller.storage.base.Collection`.

    Attributes
    ----------
    raw
        pymongo's own collection, for what the contract leaves out.
    """

    def __init__(self, raw: DriverCollection[Document], location: str) -> None:
        self.raw, self._location = raw, location

    def __repr__(self) -> str:
        return f"MongoCollection({self._location!r}, {self.name!r})"

    @property
    def name(self) -> str:
        """Name within the database."""
        return self.raw.name

    def find(
        self,
        filter: base.Filter | None = None,
        projection: base.Projection = None,
        *,
        sort: base.Sort = None,
        skip: int = 0,
        limit: int = 0,
        session: Any = None,
        **options: Any,
    ) -> Iterator[Document]:
        """See `controller.storage.base.Collection.find`."""
        with translated(self._location):
            cursor = self.raw.find(
                filter,
                projection,
                sort=list(sort) if sort else None,
                skip=skip,
                limit=limit,
                session=session,
                **options,
            )
        return self._iterate(cursor)

    def _iterate(self, cursor: Any) -> Iterator[Document]:
        with translated(self._location), cursor:
            yield from cursor

    def find_one(
        self,
        filter: base.Filter | None = None,
        projection: base.Projection = None,
        *,
        sort: base.Sort = None,
        skip: int = 0,
        session: Any = None,
    ) -> Document | None:
        """See `controller.storage.base.Collection.find_one`."""
        with translated(self._location):
            return self.raw.find_one(
                filter,
                projection,
                sort=list(sort) if sort else None,
                skip=skip,
                session=session,
            )

    def insert_one(self, document: Document, *, session: Any = None) -> InsertOneResult:
        """See `controller.storage.base.Collection.insert_one`."""
        with translated(self._location):
            return InsertOneResult(self.raw.insert_one(document, session=session).inserted_id)

    def insert_many(
        self, documents: Iterable[Document], *, ordered: bool = True, session: Any = None
    ) -> InsertManyResult:
        """See `controller.storage.base.Collection.insert_many`."""
        many = list(documents)
        if not many:
            return InsertManyResult([])
        with translated(self._location):
            done = self.raw.insert_many(many, ordered=ordered, session=session)
        return InsertManyResult(done.inserted_ids)

    def update_one(
        self,
        filter: base.Filter,
        update: base.Update,
        *,
        upsert: bool = False,
        session: Any = None,
    ) -> UpdateResult:
        """See `controller.storage.base.Collection.update_one`."""
        with translated(self._location):
            return _updated(self.raw.update_one(filter, update, upsert=upsert, session=session))

    def update_many(
        self,
        filter: base.Filter,
        update: base.Update,
        *,
        upsert: bool = False,
        session: Any = None,
    ) -> UpdateResult:
        """See `controller.storage.base.Collection.update_many`."""
        with translated(self._location):
            return _updated(self.raw.update_many(filter, update, upsert=upsert, session=session))

    def replace_one(
        self,
        filter: base.Filter,
        replacement: Document,
        *,
        upsert: bool = False,
        session: Any = None,
    ) -> UpdateResult:
        """See `controller.storage.base.Collection.replace_one`."""
        with translated(self._location):
            done = self.raw.replace_one(filter, replacement, upsert=upsert, session=session)
        return _updated(done)

    def delete_one(self, filter: base.Filter, *, session: Any = None) -> DeleteResult:
        """See `controller.storage.base.Collection.delete_one`."""
        with translated(self._location):
            return DeleteResult(self.raw.delete_one(filter, session=session).deleted_count)

    def delete_many(self, filter: base.Filter, *, session: Any = None) -> DeleteResult:
        """See `controller.storage.base.Collection.delete_many`."""
        with translated(self._location):
            return DeleteResult(self.raw.delete_many(filter, session=session).deleted_count)

    def bulk_write(
        self,
        operations: Sequence[base.WriteOperation],
        *,
        ordered: bool = True,
        session: Any = None,
    ) -> BulkWriteResult:
        """See `controller.storage.base.Collection.bulk_write`."""
        if not operations:
            return BulkWriteResult()
        with translated(self._location):
            done = self.raw.bulk_write(
                [_driver_operation(op) for op in operations], ordered=ordered, session=session
            )
        return BulkWriteResult(
            done.inserted_count,
            done.matched_count,
            done.modified_count,
            done.deleted_count,
            done.upserted_count,
        )

    def find_one_and_update(
        self,
        filter: base.Filter,
        update: base.Update,
        projection: base.Projection = None,
        *,
        sort: base.Sort = None,
        upsert: bool = False,
        return_document: Literal["before", "after"] | bool = "before",
        session: Any = None,
    ) -> Document | None:
        """See `controller.storage.base.Collection.find_one_and_update`."""
        after = return_document is True or return_document == "after"
        with translated(self._location):
            found: Document | None = self.raw.find_one_and_update(
                filter,
                update,
                projection,
                sort=list(sort) if sort else None,
                upsert=upsert,
                return_document=after,
                session=session,
            )
        return found

    def find_one_and_delete(
        self,
        filter: base.Filter,
        projection: base.Projection = None,
        *,
        sort: base.Sort = None,
        session: Any = None,
    ) -> Document | None:
        """See `controller.storage.base.Collection.find_one_and_delete`."""
        with translated(self._location):
            found: Document | None = self.raw.find_one_and_delete(
                filter, projection, sort=list(sort) if sort else None, session=session
            )
        return found

    def count_documents(
        self,
        filter: base.Filter,
        *,
        skip: int = 0,
        limit: int = 0,
        session: Any = None,
    ) -> int:
        """See `controller.storage.base.Collection.count_documents`."""
        options = {k: v for k, v in (("skip", skip), ("limit", limit)) if v}
        with translated(self._location):
            return self.raw.count_documents(filter, session=session, **options)

    def estimated_document_count(self) -> int:
        """See `controller.storage.base.Collection.estimated_document_count`."""
        with translated(self._location):
            return self.raw.estimated_document_count()

    def distinct(
        self, key: str, filter: base.Filter | None = None, *, session: Any = None
    ) -> list[Any]:
        """See `controller.storage.base.Collection.distinct`."""
        with translated(self._location):
            return self.raw.distinct(key, filter, session=session)

    def aggregate(
        self, pipeline: Sequence[Mapping[str, Any]], *, session: Any = None
    ) -> Iterator[Document]:
        """See `controller.storage.base.Collection.aggregate`."""
        with translated(self._location):
            cursor = self.raw.aggregate(list(pipeline), session=session)
        return self._iterate(cursor)

    def create_index(
        self,
        keys: str | Sequence[str | tuple[str, int]],
        *,
        unique: bool = False,
        name: str | None = None,
        background: bool = True,
        **options: Any,
    ) -> str:
        """See `controller.storage.base.Collection.create_index`."""
        if unique:
            options["unique"] = True
        if name is not None:
            options["name"] = name
        with translated(self._location):
            return self.raw.create_index(keys, background=background, **options)

    def index_information(self) -> dict[str, dict[str, Any]]:
        """See `controller.storage.base.Collection.index_information`."""
        with translated(self._location):
            return dict(self.raw.index_information())

    def drop_index(self, name: str) -> None:
        """See `controller.storage.base.Collection.drop_index`."""
        with translated(self._location):
            self.raw.drop_index(name)

    def drop_indexes(self) -> None:
        """See `controller.storage.base.Collection.drop_indexes`."""
        with translated(self._location):
            self.raw.drop_indexes()

    def drop(self, *, session: Any = None) -> None:
        """See `controller.storage.base.Collection.drop`."""
        with translated(self._location):
            self.raw.drop(session=session)


class MongoDatabase:
    """A database on a server; see `controller.storage.base.Database`.

    Parameters
    ----------
    raw
        pymongo's database.
    location
        Host and database name, without secrets.
    owns_client
        Whether closing this closes the client.
    """

    engine: Literal["mongodb"] = "mongodb"

    def __init__(
        self, raw: DriverDatabase[Document], location: str, *, owns_client: bool = True
    ) -> None:
        self._raw, self._location, self._owns_client = raw, location, owns_client
        self._transactions: bool | None = None

    def __repr__(self) -> str:
        return f"MongoDatabase({self._location!r})"

    @property
    def location(self) -> str:
        """Host and database, for messages."""
        return self._location

    @property
    def supports_transactions(self) -> bool:
        """Whether the server is a replica set or a router, which alone have transactions."""
        if self._transactions is None:
            with translated(self._location):
                hello = self._raw.client.admin.command("hello")
            self._transactions = "setName" in hello or hello.get("msg") == "isdbgrid"
        return self._transactions

    def collection(self, name: str) -> MongoCollection:
        """Return a collection."""
        return MongoCollection(self._raw[name], self._location)

    def collection_names(self) -> list[str]:
        """Names of the collections that exist."""
        with translated(self._location):
            return sorted(self._raw.list_collection_names())

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        """Change several documents together where the server can; yields None where not."""
        if not self.supports_transactions:
            yield None
            return
        with (
            translated(self._location),
            self._raw.client.start_session() as session,
            session.start_transaction(),
        ):
            yield session

    def change_token(self) -> None:
        """Return None: only looking tells whether a server's data changed."""
        return

    def ping(self) -> None:
        """Ask the server for an answer."""
        with translated(self._location):
            self._raw.client.admin.command("ping")

    def compact(self, names: Sequence[str]) -> None:
        """Ask the server to give space back."""
        with translated(self._location):
            for name in names:
                self._raw.command("compact", name)

    def close(self) -> None:
        """Close the connections, if they are ours."""
        if self._owns_client:
            self._raw.client.close()


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
        How messages call it.
    client_options
        Keywords of pymongo's MongoClient.
    """
    options = {"serverSelectionTimeoutMS": SERVER_SELECTION_TIMEOUT_MS, **client_options}
    with translated(location):
        client: pymongo.MongoClient[Document]
        client = pymongo.MongoClient(uri, **options) if uri else pymongo.MongoClient(**options)
        return MongoDatabase(client[database], location)


def _updated(done: Any) -> UpdateResult:
    return UpdateResult(done.matched_count, done.modified_count, done.upserted_id)


def _driver_operation(operation: base.WriteOperation) -> Any:
    match operation:
        case base.InsertOne():
            return pymongo.InsertOne(operation.document)
        case base.UpdateOne():
            return pymongo.UpdateOne(operation.filter, operation.update, upsert=operation.upsert)
        case base.UpdateMany():
            return pymongo.UpdateMany(operation.filter, operation.update, upsert=operation.upsert)
        case base.ReplaceOne():
            return pymongo.ReplaceOne(
                operation.filter, operation.replacement, upsert=operation.upsert
            )
        case base.DeleteOne():
            return pymongo.DeleteOne(operation.filter)
        case base.DeleteMany():
            return pymongo.DeleteMany(operation.filter)
