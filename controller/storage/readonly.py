"""A database that refuses every write, for programs that only show it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, NoReturn

from controller.errors import StorageError
from controller.storage.base import (
    Closeable,
    Collection,
    Database,
    Document,
    Filter,
    Projection,
    Session,
    Sort,
    Space,
)


def _refuse(*_: Any, **__: Any) -> NoReturn:
    raise StorageError(
        "this program only reads the database",
        hint="change it with a `jf` command, or with `jf gui --actions`",
    )


class ReadOnlyCollection:
    """A collection without writes; see `controller.storage.base.Collection`."""

    insert_one = insert_many = update_one = update_many = replace_one = _refuse
    delete_one = delete_many = bulk_write = find_one_and_update = find_one_and_delete = _refuse
    create_index = drop_index = drop_indexes = drop = _refuse

    def __init__(self, collection: Collection) -> None:
        self._collection = collection

    @property
    def name(self) -> str:
        """Name of the collection."""
        return self._collection.name

    @property
    def native(self) -> ReadOnlyCollection:
        """The collection itself: the driver's own object could write."""
        return self

    def find(
        self,
        filter: Filter | None = None,
        projection: Projection = None,
        *,
        sort: Sort = None,
        skip: int = 0,
        limit: int = 0,
        session: Session | None = None,
    ) -> Iterator[Document]:
        """Iterate over the matching documents."""
        return self._collection.find(
            filter, projection, sort=sort, skip=skip, limit=limit, session=session
        )

    def raw_documents(self, *, session: Session | None = None) -> Iterator[bytes]:
        """Iterate over the BSON of all documents."""
        return self._collection.raw_documents(session=session)

    def find_one(
        self,
        filter: Filter | None = None,
        projection: Projection = None,
        *,
        sort: Sort = None,
        skip: int = 0,
        session: Session | None = None,
    ) -> Document | None:
        """Return the first matching document, or None."""
        return self._collection.find_one(filter, projection, sort=sort, skip=skip, session=session)

    def count_documents(
        self, filter: Filter, *, skip: int = 0, limit: int = 0, session: Session | None = None
    ) -> int:
        """Count the matching documents."""
        return self._collection.count_documents(filter, skip=skip, limit=limit, session=session)

    def estimated_document_count(self) -> int:
        """Count all documents, cheaply."""
        return self._collection.estimated_document_count()

    def distinct(
        self, key: str, filter: Filter | None = None, *, session: Session | None = None
    ) -> list[Any]:
        """Return the different values of a path."""
        return self._collection.distinct(key, filter, session=session)

    def aggregate(
        self, pipeline: Sequence[Mapping[str, Any]], *, session: Session | None = None
    ) -> Iterator[Document]:
        """Run an aggregation pipeline; one that writes is refused."""
        if any(stage.keys() & {"$out", "$merge"} for stage in pipeline):
            _refuse()
        return self._collection.aggregate(pipeline, session=session)

    def index_information(self) -> dict[str, dict[str, Any]]:
        """Return the indexes."""
        return self._collection.index_information()


class ReadOnlyDatabase:
    """A database without writes; see `controller.storage.base.Database`."""

    create = compact = transaction = _refuse

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def engine(self) -> Literal["embedded", "mongodb"]:
        """Name of the engine."""
        return self._database.engine

    @property
    def name(self) -> str:
        """Name of the database."""
        return self._database.name

    @property
    def location(self) -> str:
        """Where the database is, without secrets."""
        return self._database.location

    @property
    def supports_transactions(self) -> bool:
        """Whether several documents could be changed atomically."""
        return self._database.supports_transactions

    @property
    def transactions_never_conflict(self) -> bool:
        """Whether any write could be made one of a transaction."""
        return self._database.transactions_never_conflict

    @property
    def native(self) -> ReadOnlyDatabase:
        """The collection itself: the driver's own object could write."""
        return self

    def collection(self, name: str) -> ReadOnlyCollection:
        """Return a collection."""
        return ReadOnlyCollection(self._database.collection(name))

    @property
    def largest_document(self) -> int | None:
        """Bytes that a document may have; None where any size will do."""
        return self._database.largest_document

    def space(self) -> Space | None:
        """Return how much of the disk the database takes."""
        return self._database.space()

    def collection_names(self) -> list[str]:
        """Names of the collections that exist."""
        return self._database.collection_names()

    def snapshot(self) -> AbstractContextManager[Session | None]:
        """Read a snapshot of the database."""
        return self._database.snapshot()

    def change_token(self) -> object | None:
        """Return a value that differs after any other process changed the database."""
        return self._database.change_token()

    def change_hints(self, name: str, wake: Callable[[], None]) -> Closeable | None:
        """Have something called after a collection may have changed."""
        return self._database.change_hints(name, wake)

    def exists(self) -> bool:
        """Whether the database exists."""
        return self._database.exists()

    def ping(self) -> None:
        """Check that the database answers."""
        self._database.ping()

    def close(self) -> None:
        """Release connections and files."""
        self._database.close()
