"""What the controller needs of a database: the contract of both engines.

`Collection` follows pymongo's class of the same name in names, argument order and results, but
promises only the *portable subset*: what MongoDB, servers that speak its protocol and the embedded
engine handle identically. An engine refuses everything else with `UnsupportedOperationError`, which
names the operation.

Rules that hold for both engines:

* Documents are plain dictionaries of BSON values. Times come back naive, in UTC, with millisecond
  precision; aware times are converted when written.
* Errors are those of ``controller.errors``; driver errors are never passed through.
* Every method that takes ``session`` runs inside that transaction when it is not None.
* One write method call is atomic per document; several documents are changed atomically only
  inside `Database.transaction`, if ``supports_transactions`` is True.
* The database must be closed before a fork, and may be opened again afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

Document: TypeAlias = dict[str, Any]
Filter: TypeAlias = Mapping[str, Any]
Update: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""Update operators, or a pipeline of ``$set``/``$unset`` stages."""
Projection: TypeAlias = Mapping[str, Any] | Sequence[str] | None
Sort: TypeAlias = Sequence[tuple[str, int]] | None
"""(path, direction) pairs; 1 ascending, -1 descending."""
Session: TypeAlias = Any
"""An engine's handle of a running transaction."""


class _Result:
    """Answer to a write."""

    __slots__ = ()

    @property
    def acknowledged(self) -> bool:
        """Whether the write was acknowledged; always True."""
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
        Number of documents that matched the filter.
    modified_count
        Number of documents that were changed.
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
    """Replace the first document that matches, keeping its ``_id``."""

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


@dataclass(frozen=True, slots=True)
class Space:
    """How much of a disk a database takes.

    Attributes
    ----------
    size
        Bytes of its files.
    unused
        Bytes of these that deleted documents have left: `Database.compact` returns them.
    log
        Bytes of these that a log of the last writes takes, which is emptied from time to time.
    """

    size: int
    unused: int
    log: int = 0


class Collection(Protocol):
    """One collection of documents."""

    @property
    def name(self) -> str:
        """Name within the database."""

    @property
    def native(self) -> Any:
        """The object given to users: pymongo's collection, or one with the same methods."""

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
            Maximum number of documents; 0 means all.
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
            The document violates a unique index.
        """

    def insert_many(
        self,
        documents: Iterable[Document],
        *,
        ordered: bool = True,
        session: Session | None = None,
    ) -> InsertManyResult:
        """Insert documents, in order; with ``ordered``, stop at the first refused document.

        Raises
        ------
        DuplicateKeyError
            A document violates a unique index. On the embedded engine nothing was inserted; on
            MongoDB, those before it were (or all others, if not ``ordered``).
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
        """Execute many writes in one round trip. An empty list does nothing."""

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
        """Run an aggregation pipeline; selecting conditions belong in the first $match."""

    def create_index(
        self,
        keys: str | Sequence[str | tuple[str, int]],
        *,
        unique: bool = False,
        name: str | None = None,
        background: bool = True,
        **options: Any,
    ) -> str:
        """Create an index unless it exists, and return its name (pymongo's default names).

        Raises
        ------
        DuplicateKeyError
            ``unique``, and documents share a key.
        UnsupportedOperationError
            An option that the engine does not support (options are never ignored silently).
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


@runtime_checkable
class ShowsBefore(Protocol):
    """A collection that can show documents to its caller while it changes them."""

    def bulk_write_shown(
        self,
        operations: Sequence[WriteOperation],
        before: Callable[[WriteOperation, Document], None],
        fields: Sequence[str],
        *,
        session: Any,
    ) -> BulkWriteResult:
        """As `Collection.bulk_write`, of updates and deletions.

        Parameters
        ----------
        before
            Called with an operation and each document that it selects, before that is changed. The
            document must not be kept.
        fields
            What of it has to be there.
        """


@runtime_checkable
class KnowsFields(Protocol):
    """A collection that knows some fields of its documents without reading them."""

    def find_known(
        self, filter: Filter, fields: Sequence[str], *, session: Any = None
    ) -> list[Document] | None:
        """See `known_fields`; None if documents have to be read."""


def known_fields(
    collection: Collection, filter: Filter, fields: Sequence[str], *, session: Any = None
) -> list[Document]:
    """Return fields of the matching documents, in any order, as quickly as the engine can.

    A field that a document does not have may be there, as None. Of an array that names a text
    several times, all but one may be missing.

    Parameters
    ----------
    fields
        Paths: none within an array, and none above another.
    """
    known = None
    if isinstance(collection, KnowsFields):
        known = collection.find_known(filter, fields, session=session)
    return list(collection.find(filter, list(fields), session=session)) if known is None else known


def unsynced(collection: Any) -> AbstractContextManager[None]:
    """Let writes of this thread in the block survive a crash of every process, but no power cut.

    For what means nothing without the processes of this machine, such as locks: a write that is
    forced to the disk may take longer than all else. Of two writes of one database the later never
    survives without the earlier. What an engine does not distinguish is forced to the disk anyway.

    Parameters
    ----------
    collection
        One of the database.
    """
    of_engine = getattr(type(collection), "unsynced", None)
    return nullcontext() if of_engine is None else of_engine(collection)


def synced_once(collection: Any) -> AbstractContextManager[None]:
    """Force the writes of this thread in the block to the disk together, when the block ends.

    Others see each of them at once, so what they see may be lost in a power cut until then. What an
    engine does not distinguish is forced to the disk with each write.

    Parameters
    ----------
    collection
        One of the database.

    Raises
    ------
    StorageUnavailableError
        At the end of the block: the disk fails.
    """
    of_engine = getattr(type(collection), "synced_once", None)
    return nullcontext() if of_engine is None else of_engine(collection)


class Database(Protocol):
    """The collections of one queue or one output store."""

    @property
    def engine(self) -> Literal["embedded", "mongodb"]:
        """Name of the engine: for messages, not for decisions."""

    @property
    def name(self) -> str:
        """Name of the database; on the embedded engine, of the file without its extension."""

    @property
    def location(self) -> str:
        """Where the database is, for messages: a path, or host and database, without secrets."""

    @property
    def supports_transactions(self) -> bool:
        """Whether several documents can be changed atomically. Detected once, never assumed."""

    @property
    def transactions_never_conflict(self) -> bool:
        """Whether any write can be made one of a transaction without new ways to fail.

        Where writers wait for each other: elsewhere a transaction fails where a single write would
        have been tried again by the server.
        """

    @property
    def native(self) -> Any:
        """The object given to users: pymongo's database, or one with the same methods."""

    def collection(self, name: str) -> Collection:
        """Return a collection; it is created with its first document."""

    def collection_names(self) -> list[str]:
        """Names of the collections that exist."""

    def transaction(self) -> AbstractContextManager[Session | None]:
        """Change several documents atomically.

        Yields the session to pass to every call, or None without transactions: the block then runs
        write by write, so its order must allow a later pass to complete it. The block must not ask
        the user, use the network or wait.
        """

    def snapshot(self) -> AbstractContextManager[Session | None]:
        """Read a snapshot of the database, whatever other processes write meanwhile.

        Yields the session to pass to every read of this thread, or None without snapshots: each
        read then sees the current state.
        """

    def change_token(self) -> object | None:
        """Return a value that differs after any other process changed the database.

        None if the engine cannot tell cheaply: the caller must then query.
        """

    def change_hints(self, name: str, wake: Callable[[], None]) -> Closeable | None:
        """Have something called after a collection may have changed; None where that cannot be.

        A hint only: changes without a call, and calls without a change, are possible.
        """

    def exists(self) -> bool:
        """Whether the database exists; on a server, it is created with its first document."""

    def create(self) -> None:
        """Create the database if it is missing; the only way to create one."""

    def ping(self) -> None:
        """Check that the database answers.

        Raises
        ------
        StorageUnavailableError
            The database does not answer within some seconds.
        """

    def compact(self, names: Sequence[str]) -> None:
        """Return the space of deleted documents to the system, if possible."""

    def space(self) -> Space | None:
        """Return how much of the disk the database takes; None if it cannot tell."""

    @property
    def largest_document(self) -> int | None:
        """Bytes of BSON that a document may have; None where any size will do."""

    def close(self) -> None:
        """Release connections and files. May be called twice."""
