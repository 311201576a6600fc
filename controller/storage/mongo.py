"""MongoDB and servers that speak its protocol, through pymongo.

pymongo's collections already follow the contract; what is added is our vocabulary: our write
operations go in, our results and errors come out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from typing import Any, Literal, Self

import pymongo
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.collection import Collection as DriverCollection
from pymongo.database import Database as DriverDatabase

from controller.errors import ArgumentError, UnsupportedOperationError
from controller.storage import base
from controller.storage.base import (
    BulkWriteResult,
    DeleteResult,
    Document,
    InsertManyResult,
    InsertOneResult,
    UpdateResult,
)
from controller.storage.mongo_errors import translated

SERVER_SELECTION_TIMEOUT_MS = 3000
"""How long to look for a server; a user's ``mongoclient_kwargs`` win."""


class Documents:
    """Documents that a server returns, page by page: pymongo's cursor with our errors."""

    def __init__(self, raw: Any, location: str) -> None:
        self._raw, self._location = raw, location

    def __iter__(self) -> Iterator[Document]:
        return self

    def __next__(self) -> Document:
        with translated(self._location):
            found: Document = next(self._raw)
        return found

    next = __next__

    def to_list(self, length: int | None = None) -> list[Document]:
        """Return the next documents as a list; None means all."""
        return list(islice(self, length))

    def close(self) -> None:
        """Return no more documents."""
        self._raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Cursor(Documents):
    """The answer to a find, which may be given its order and limits until it is read."""

    def sort(self, key: str | Sequence[tuple[str, int]], direction: int = 1) -> Self:
        """Sort by a path, or by (path, direction) pairs."""
        self._raw.sort([(key, direction)] if isinstance(key, str) else key)
        return self

    def skip(self, count: int) -> Self:
        """Leave out so many documents at the beginning."""
        self._raw.skip(count)
        return self

    def limit(self, count: int) -> Self:
        """Return at most so many documents; 0 means all."""
        self._raw.limit(count)
        return self

    def batch_size(self, size: int) -> Self:
        """Fetch so many documents at once."""
        self._raw.batch_size(size)
        return self

    def __getitem__(self, index: int) -> Document:
        with translated(self._location):
            found: Document = self._raw[index]
        return found


class MongoCollection:
    """A collection on a server; see `controller.storage.base.Collection`.

    Users get these from ``JobController.get_collection`` and know pymongo's collections, so
    pymongo's further keywords are passed on, and its further methods are found here too; the
    latter raise pymongo's errors. The controller itself keeps to the contract.

    Attributes
    ----------
    raw
        pymongo's own collection.
    """

    def __init__(self, raw: DriverCollection[Document], location: str) -> None:
        self.raw, self._location = raw, location

    def __repr__(self) -> str:
        return f"MongoCollection({self._location!r}, {self.name!r})"

    def __getattr__(self, name: str) -> Any:
        # Only what pymongo's class defines: on its instances every name is a sub-collection.
        if name.startswith("_") or not hasattr(DriverCollection, name):
            raise AttributeError(f"a MongoCollection has no attribute {name!r}")
        return getattr(self.raw, name)

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
    ) -> Cursor:
        """See `controller.storage.base.Collection.find`."""
        with translated(self._location):
            cursor = self.raw.find(
                filter,
                projection,
                sort=sort or None,
                skip=skip,
                limit=limit,
                session=session,
                **options,
            )
        return Cursor(cursor, self._location)

    def raw_documents(self, *, session: Any = None) -> Iterator[bytes]:
        """See `controller.storage.base.Collection.raw_documents`."""
        raw = self.raw.with_options(codec_options=CodecOptions(document_class=RawBSONDocument))
        with translated(self._location):
            cursor = raw.find({}, session=session)
        return (found.raw for found in Documents(cursor, self._location))  # type: ignore[attr-defined]

    def find_one(
        self,
        filter: base.Filter | None = None,
        projection: base.Projection = None,
        *,
        sort: base.Sort = None,
        skip: int = 0,
        session: Any = None,
        **options: Any,
    ) -> Document | None:
        """See `controller.storage.base.Collection.find_one`."""
        with translated(self._location):
            return self.raw.find_one(
                filter,
                projection,
                sort=sort or None,
                skip=skip,
                session=session,
                **options,
            )

    def insert_one(
        self, document: Document, *, session: Any = None, **options: Any
    ) -> InsertOneResult:
        """See `controller.storage.base.Collection.insert_one`."""
        with translated(self._location):
            return InsertOneResult(
                self.raw.insert_one(document, session=session, **options).inserted_id
            )

    def insert_many(
        self,
        documents: Iterable[Document],
        *,
        ordered: bool = True,
        session: Any = None,
        **options: Any,
    ) -> InsertManyResult:
        """See `controller.storage.base.Collection.insert_many`."""
        many = list(documents)
        if not many:
            return InsertManyResult([])
        with translated(self._location):
            done = self.raw.insert_many(many, ordered=ordered, session=session, **options)
        return InsertManyResult(done.inserted_ids)

    def update_one(
        self,
        filter: base.Filter,
        update: base.Update,
        *,
        upsert: bool = False,
        session: Any = None,
        **options: Any,
    ) -> UpdateResult:
        """See `controller.storage.base.Collection.update_one`."""
        with translated(self._location):
            return _updated(
                self.raw.update_one(filter, update, upsert=upsert, session=session, **options)
            )

    def update_many(
        self,
        filter: base.Filter,
        update: base.Update,
        *,
        upsert: bool = False,
        session: Any = None,
        **options: Any,
    ) -> UpdateResult:
        """See `controller.storage.base.Collection.update_many`."""
        with translated(self._location):
            return _updated(
                self.raw.update_many(filter, update, upsert=upsert, session=session, **options)
            )

    def replace_one(
        self,
        filter: base.Filter,
        replacement: Document,
        *,
        upsert: bool = False,
        session: Any = None,
        **options: Any,
    ) -> UpdateResult:
        """See `controller.storage.base.Collection.replace_one`."""
        with translated(self._location):
            done = self.raw.replace_one(
                filter, replacement, upsert=upsert, session=session, **options
            )
        return _updated(done)

    def delete_one(
        self, filter: base.Filter, *, session: Any = None, **options: Any
    ) -> DeleteResult:
        """See `controller.storage.base.Collection.delete_one`."""
        with translated(self._location):
            return DeleteResult(
                self.raw.delete_one(filter, session=session, **options).deleted_count
            )

    def delete_many(
        self, filter: base.Filter, *, session: Any = None, **options: Any
    ) -> DeleteResult:
        """See `controller.storage.base.Collection.delete_many`."""
        with translated(self._location):
            return DeleteResult(
                self.raw.delete_many(filter, session=session, **options).deleted_count
            )

    def bulk_write(
        self,
        operations: Sequence[base.WriteOperation],
        *,
        ordered: bool = True,
        session: Any = None,
        **options: Any,
    ) -> BulkWriteResult:
        """See `controller.storage.base.Collection.bulk_write`."""
        if not operations:
            return BulkWriteResult()
        requests = [_driver_operation(operation) for operation in operations]
        with translated(self._location):
            done = self.raw.bulk_write(requests, ordered=ordered, session=session, **options)
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
        **options: Any,
    ) -> Document | None:
        """See `controller.storage.base.Collection.find_one_and_update`."""
        after = return_document is True or return_document == "after"
        with translated(self._location):
            found: Document | None = self.raw.find_one_and_update(
                filter,
                update,
                projection,
                sort=sort or None,
                upsert=upsert,
                return_document=after,
                session=session,
                **options,
            )
        return found

    def find_one_and_delete(
        self,
        filter: base.Filter,
        projection: base.Projection = None,
        *,
        sort: base.Sort = None,
        session: Any = None,
        **options: Any,
    ) -> Document | None:
        """See `controller.storage.base.Collection.find_one_and_delete`."""
        with translated(self._location):
            found: Document | None = self.raw.find_one_and_delete(
                filter, projection, sort=sort or None, session=session, **options
            )
        return found

    def count_documents(
        self,
        filter: base.Filter,
        *,
        skip: int = 0,
        limit: int = 0,
        session: Any = None,
        **options: Any,
    ) -> int:
        """See `controller.storage.base.Collection.count_documents`."""
        options.update({k: v for k, v in (("skip", skip), ("limit", limit)) if v})
        with translated(self._location):
            return self.raw.count_documents(filter, session=session, **options)

    def estimated_document_count(self) -> int:
        """See `controller.storage.base.Collection.estimated_document_count`."""
        with translated(self._location):
            return self.raw.estimated_document_count()

    def distinct(
        self, key: str, filter: base.Filter | None = None, *, session: Any = None, **options: Any
    ) -> list[Any]:
        """See `controller.storage.base.Collection.distinct`."""
        with translated(self._location):
            return self.raw.distinct(key, filter, session=session, **options)

    def aggregate(
        self, pipeline: Sequence[Mapping[str, Any]], *, session: Any = None, **options: Any
    ) -> Iterator[Document]:
        """See `controller.storage.base.Collection.aggregate`."""
        with translated(self._location):
            cursor = self.raw.aggregate(list(pipeline), session=session, **options)
        return Documents(cursor, self._location)

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
    on_close
        What closes the client; None when somebody else will.
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
        """Yield None: a server's snapshots last some minutes, which may not be enough."""
        yield None

    def change_token(self) -> None:
        """Return None: only looking tells whether a server's data changed."""
        return

    def ping(self) -> None:
        """Ask the server for an answer."""
        with translated(self._location):
            self._raw.client.admin.command("ping")

    def compact(self, names: Sequence[str]) -> None:
        """Ask the server to give space back; one that cannot is left as it is."""
        for name in set(names).intersection(self.collection_names()):
            with suppress(UnsupportedOperationError), translated(self._location):
                self._raw.command("compact", name)

    def close(self) -> None:
        """Close the connections, if they are ours."""
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
        How messages call it.
    client_options
        Keywords of pymongo's MongoClient.
    """
    options = {"serverSelectionTimeoutMS": SERVER_SELECTION_TIMEOUT_MS, **client_options}
    with translated(location):
        client: pymongo.MongoClient[Document]
        client = pymongo.MongoClient(uri, **options) if uri else pymongo.MongoClient(**options)
        return MongoDatabase(client[database], location, on_close=client.close)


def _updated(done: Any) -> UpdateResult:
    return UpdateResult(done.matched_count, done.modified_count, done.upserted_id)


_DRIVER_OPERATIONS = (
    pymongo.InsertOne,
    pymongo.UpdateOne,
    pymongo.UpdateMany,
    pymongo.ReplaceOne,
    pymongo.DeleteOne,
    pymongo.DeleteMany,
)


def _driver_operation(operation: Any) -> Any:
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
    if isinstance(operation, _DRIVER_OPERATIONS):
        return operation
    raise ArgumentError(f"not a write operation: {operation!r}")
