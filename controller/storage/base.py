"""What the controller asks of a database: the contract of both engines.

`Collection` follows pymongo's class of the same name in names, argument order and results, but
promises only the *portable subset*: what MongoDB, servers that speak its protocol and the
embedded engine answer alike. An engine refuses everything else with
`UnsupportedOperationError`, naming it.

Rules that hold for both engines:

* Documents are plain dictionaries of BSON values. Times come back naive, in UTC, with millisecond
  precision; aware times are converted on the way in.
* Errors are those of ``controller.errors``; no error of a driver escapes.
* Every method that takes ``session`` runs inside that transaction when it is not None.
* One write method call is atomic per document; several documents are atomic together only
  inside `Database.transaction` where ``supports_transactions`` holds.
* Nothing may be open at a fork: close the database before, open it again after.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias

Document: TypeAlias = dict[str, Any]
Filter: TypeAlias = Mapping[str, Any]
Update: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""Update operators, or a pipeline of ``$set``/``$unset`` stages."""
Projection: TypeAlias = Mapping[str, Any] | Sequence[str] | None
Sort: TypeAlias = Sequence[tuple[str, int]] | None
"""(path, direction) pairs; 1 ascending, -1 descending."""
Session: TypeAlias = Any
"""An engine's own handle of a running transaction."""


class _Result:
    """Answer to a write."""

    __slots__ = ()

    @property
    def acknowledged(self) -> bool:
        """Whether the database has answered; it always has."""
        return True


@dataclass(frozen=True, slots=True)
class InsertOneResult(_Result):
    """Answer to `Collection.insert_one`."""

    inserted_id: Any


@dataclass(frozen=True, slots=True)
class InsertManyResult(_Result):
    """Answer to `Collection.insert_many`; ids in the order of the documents."""

    inserted_ids: list[Any]


@dataclass(frozen=True, slots=True)
class UpdateResult(_Result):
    """Answer to an update or replacement.

    Attributes
    ----------
    matched_count
        Documents that the filter selected.
    modified_count
        Those of them that are different now.
    upserted_id
        ``_id`` of the document an upsert created, else None.
    """

    matched_count: int
    modified_count: int
    upserted_id: Any = None


@dataclass(frozen=True, slots=True)
class DeleteResult(_Result):
    """Answer to a deletion."""

    deleted_count: int


@dataclass(frozen=True, slots=True)
class BulkWriteResult(_Result):
    """Answer to `Collection.bulk_write`: sums over all operations."""

    inserted_count: int = 0
    matched_count: int = 0
    modified_count: int = 0
    deleted_count: int = 0
    upserted_count: int = 0


@dataclass(frozen=True, slots=True)
class InsertOne:
    """Insert a document."""

    document: Document


@dataclass(frozen=True, slots=True)
class UpdateOne:
    """Change the first document that matches."""

    filter: Filter
    update: Update
    upsert: bool = False


@dataclass(frozen=True, slots=True)
class UpdateMany:
    """Change every document that matches."""

    filter: Filter
    update: Update
    upsert: bool = False


@dataclass(frozen=True, slots=True)
class ReplaceOne:
    """Put another document in the place of the first that matches, keeping its ``_id``."""

    filter: Filter
    replacement: Document
    upsert: bool = False


@dataclass(frozen=True, slots=True)
class DeleteOne:
    """Delete the first document that matches."""

    filter: Filter


@dataclass(frozen=True, slots=True)
class DeleteMany:
    """Delete every document that matches."""

    filter: Filter


WriteOperation: TypeAlias = InsertOne | UpdateOne | UpdateMany | ReplaceOne | DeleteOne | DeleteMany


class Collection(Protocol):
    """One collection of documents."""

    @property
    def name(self) -> str:
        """Name within the database."""

    @property
    def native(self) -> Any:
        """What users are given: pymongo's collection, or one that has the same methods."""

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
        """Iterate over the matching documents.

        The iterator reads in pages and holds no transaction between them: a document that is
        changed meanwhile is seen in one of its versions, never twice.

        Parameters
        ----------
        limit
            At most so many documents; 0 means all.
        """

    def raw_documents(self, *, session: Session | None = None) -> Iterator[bytes]:
        """Iterate over the BSON of all documents, byte for byte as they are stored."""

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

    def insert_one(self, document: Document, *, session: Session | None = None) -> InsertOneResult:
        """Insert a document; a missing ``_id`` is added to it.

        Raises
        ------
        DuplicateKeyError
            A unique index refuses it.
        """

    def insert_many(
        self,
        documents: Iterable[Document],
        *,
        ordered: bool = True,
        session: Session | None = None,
    ) -> InsertManyResult:
        """Insert documents, in order; with ``ordered`` the first refusal ends the work.

        Raises
        ------
        DuplicateKeyError
            A unique index refused one. On the embedded engine nothing was inserted; on MongoDB
            those before it were (those around it too, when not ``ordered``).
        """

    def update_one(
        self,
        filter: Filter,
        update: Update,
        *,
        upsert: bool = False,
        session: Session | None = None,
    ) -> UpdateResult:
        """Change the first matching document."""

    def update_many(
        self,
        filter: Filter,
        update: Update,
        *,
        upsert: bool = False,
        session: Session | None = None,
    ) -> UpdateResult:
        """Change every matching document."""

    def replace_one(
        self,
        filter: Filter,
        replacement: Document,
        *,
        upsert: bool = False,
        session: Session | None = None,
    ) -> UpdateResult:
        """Replace the first matching document, keeping its ``_id``."""

    def delete_one(self, filter: Filter, *, session: Session | None = None) -> DeleteResult:
        """Delete the first matching document."""

    def delete_many(self, filter: Filter, *, session: Session | None = None) -> DeleteResult:
        """Delete every matching document."""

    def bulk_write(
        self,
        operations: Sequence[WriteOperation],
        *,
        ordered: bool = True,
        session: Session | None = None,
    ) -> BulkWriteResult:
        """Carry out many writes in one round trip. An empty list does nothing."""

    def find_one_and_update(
        self,
        filter: Filter,
        update: Update,
        projection: Projection = None,
        *,
        sort: Sort = None,
        upsert: bool = False,
        return_document: Literal["before", "after"] | bool = "before",
        session: Session | None = None,
    ) -> Document | None:
        """Change the first matching document and return it, atomically.

        Parameters
        ----------
        return_document
            "before" (pymongo's False) or "after" (pymongo's True) the change.
        """

    def find_one_and_delete(
        self,
        filter: Filter,
        projection: Projection = None,
        *,
        sort: Sort = None,
        session: Session | None = None,
    ) -> Document | None:
        """Delete the first matching document and return it, atomically."""

    def count_documents(
        self,
        filter: Filter,
        *,
        skip: int = 0,
        limit: int = 0,
        session: Session | None = None,
    ) -> int:
        """Count the matching documents."""

    def estimated_document_count(self) -> int:
        """Count all documents, cheaply."""

    def distinct(
        self, key: str, filter: Filter | None = None, *, session: Session | None = None
    ) -> list[Any]:
        """Return the different values of a path, through arrays."""

    def aggregate(
        self, pipeline: Sequence[Mapping[str, Any]], *, session: Session | None = None
    ) -> Iterator[Document]:
        """Run an aggregation pipeline; every selecting condition belongs in its first $match."""

    def create_index(
        self,
        keys: str | Sequence[str | tuple[str, int]],
        *,
        unique: bool = False,
        name: str | None = None,
        background: bool = True,
        **options: Any,
    ) -> str:
        """Create an index if it is not there yet and return its name (pymongo's default names).

        Raises
        ------
        DuplicateKeyError
            ``unique``, and documents share a key.
        UnsupportedOperationError
            An option that the engine cannot honour (it never ignores one silently).
        """

    def index_information(self) -> dict[str, dict[str, Any]]:
        """Return the indexes as pymongo does: {name: {"key": [(path, direction)], ...}}."""

    def drop_index(self, name: str) -> None:
        """Drop an index by name."""

    def drop_indexes(self) -> None:
        """Drop every index but the one on ``_id``."""

    def drop(self, *, session: Session | None = None) -> None:
        """Delete the collection with its documents and indexes."""


class Closeable(Protocol):
    """Something that runs until it is closed."""

    def close(self) -> None:
        """End it. Closing twice is fine."""


class Database(Protocol):
    """The collections of one queue or one output store."""

    @property
    def engine(self) -> Literal["embedded", "mongodb"]:
        """Which engine this is: for messages, never for deciding."""

    @property
    def name(self) -> str:
        """Name of the database; of the file without its ending on the embedded engine."""

    @property
    def location(self) -> str:
        """Where the database is, for messages: a path, or host and database, without secrets."""

    @property
    def supports_transactions(self) -> bool:
        """Whether several documents can be changed together. Detected once, never assumed."""

    @property
    def transactions_never_conflict(self) -> bool:
        """Whether any write can be made one of a transaction without new ways to fail.

        Where writers wait for each other: elsewhere a transaction fails where a single write would
        have been tried again by the server.
        """

    @property
    def native(self) -> Any:
        """What users are given: pymongo's database, or one that has the same methods."""

    def collection(self, name: str) -> Collection:
        """Return a collection; it comes into being with its first document."""

    def collection_names(self) -> list[str]:
        """Names of the collections that exist."""

    def transaction(self) -> AbstractContextManager[Session | None]:
        """Change several documents together, or none.

        Yields the session to pass to every call, or None where there are no transactions: the
        block then runs write by write, so its order must be one that a later pass can finish.
        No question to a user, no network and no waiting belongs in the block.
        """

    def snapshot(self) -> AbstractContextManager[Session | None]:
        """Read one moment of the database, whatever others write meanwhile.

        Yields the session to pass to every reading call of this thread, or None where there are
        no snapshots: the reads then see what is there when they come to it.
        """

    def change_token(self) -> object | None:
        """Return a value that differs after any other process changed the database.

        None where the engine cannot tell cheaply: the caller then has to look.
        """

    def change_hints(self, name: str, wake: Callable[[], None]) -> Closeable | None:
        """Have something called after a collection may have changed; None where that cannot be.

        A hint only: changes without a call, and calls without a change, are possible.
        """

    def exists(self) -> bool:
        """Whether the database is there; one on a server comes with its first document."""

    def create(self) -> None:
        """Make the database where it is missing: the one way to a new one."""

    def ping(self) -> None:
        """Do nothing, successfully.

        Raises
        ------
        StorageUnavailableError
            Within some seconds, when the database does not answer.
        """

    def compact(self, names: Sequence[str]) -> None:
        """Give space that deleted documents left back to the system, where possible."""

    def close(self) -> None:
        """Release connections and files. Closing twice is fine."""
