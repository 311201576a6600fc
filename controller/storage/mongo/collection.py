"""A collection on a server, through pymongo.

pymongo's collections already follow the contract; this class converts write operations, results and
errors between pymongo's classes and jfr's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import pymongo
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.collection import Collection as DriverCollection

from controller.errors import ArgumentError
from controller.storage import base
from controller.storage.base import (
    BulkWriteResult,
    DeleteResult,
    Document,
    InsertManyResult,
    InsertOneResult,
    UpdateResult,
)
from controller.storage.mongo.cursor import Cursor, Documents
from controller.storage.mongo.errors import translated


class MongoCollection:
    """A collection on a server; see `controller.storage.base.Collection`.

    pymongo's additional keywords and methods are available too; the latter raise pymongo's errors.
    The controller itself uses only the contract.

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
        # Only attributes of pymongo's class: on instances, every name is a sub-collection.
        if name.startswith("_") or not hasattr(DriverCollection, name):
            raise AttributeError(f"a MongoCollection has no attribute {name!r}")
        return getattr(self.raw, name)

    @property
    def name(self) -> str:
        """Name within the database."""
        return self.raw.name

    @property
    def native(self) -> DriverCollection[Document]:
        """See `controller.storage.base.Collection.native`."""
        return self.raw

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
