"""Copy collections from one database to another; can be repeated until complete.

A copy can be interrupted at any point and started again: documents are written by ``_id``, and
existing ones are not written twice. Nothing is deleted on either side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from controller.errors import StateError, StorageError
from controller.storage.base import (
    BulkWriteResult,
    Document,
    Filter,
    Projection,
    ReplaceOne,
    Sort,
    WriteOperation,
)
from controller.storage.checksum import CollectionDigest, collection_digest, document_digest
from controller.storage.sizes import document_size

PAGE = 200
"""Number of small documents that are read, compared and written at once."""

PAGE_BYTES = 32 * 1024**2
"""Maximum size of a page in bytes, unless it is a single document."""

Step = Callable[[], None]
"""Called after each document, to show the progress."""


class Copyable(Protocol):
    """What copying needs of a collection; every `controller.storage.base.Collection` has it."""

    @property
    def name(self) -> str:
        """Name within the database."""

    def find(
        self,
        filter: Filter | None = None,
        projection: Projection = None,
        *,
        sort: Sort = None,
    ) -> Iterator[Document]:
        """Iterate over documents, selected and sorted by ``_id``."""

    def count_documents(self, filter: Filter) -> int:
        """Count documents, selected by ``_id``."""

    def bulk_write(self, operations: Sequence[WriteOperation]) -> BulkWriteResult:
        """Replace or insert whole documents."""

    def index_information(self) -> dict[str, dict[str, Any]]:
        """Return the indexes, as pymongo does."""

    def create_index(self, keys: Sequence[tuple[str, int]], *, unique: bool = False) -> str:
        """Create an index."""


@dataclass(frozen=True)
class Move:
    """A collection to be copied.

    Attributes
    ----------
    what
        Kind of its documents: jobs, flows, outputs and so on.
    source, target
        Source and target of the copy.
    limit
        Maximum size of a document in the target, in bytes; None if it is never exceeded.
    """

    what: str
    source: Copyable
    target: Copyable
    limit: int | None = None


@dataclass(frozen=True)
class Copied:
    """The result of a copy.

    Attributes
    ----------
    written
        Documents that were written.
    unchanged
        Documents that existed already.
    digest
        Checksum of either side; both are equal.
    """

    written: int
    unchanged: int
    digest: CollectionDigest


def large_documents(move: Move) -> Iterator[str]:
    """Yield descriptions of the documents that are too large for the target, with their sizes."""
    if move.limit is None:
        return
    for document in move.source.find({}):
        size = document_size(document)
        if size > move.limit:
            yield f"{_name(document)} ({size / 1e6:.1f} MB)"


def _name(document: Document) -> str:
    if document.get("db_id"):
        return f"db_id {document['db_id']}"
    if "uuid" in document:
        index = f" index {document['index']}" if "index" in document else ""
        return f"{document['uuid']}{index}"
    return str(document.get("blob_uuid", document["_id"]))


def refuse_strangers(move: Move) -> None:
    """Refuse a target with documents that did not come from the source.

    Raises
    ------
    StateError
        It has such documents: copying would mix two projects.
    """
    for page in _pages(move.target.find({}, ["_id"])):
        wanted = {"_id": {"$in": [doc["_id"] for doc in page]}}
        if move.source.count_documents(wanted) != len(page):
            raise StateError(
                f"the collection {move.target.name} of the target contains documents that are not "
                f"among the {move.what} here",
                action="migrate",
                hint="choose an empty database",
            )


def copy_collection(move: Move, step: Step | None = None) -> Copied:
    """Copy a collection with its indexes, and verify count and checksum of both sides.

    Raises
    ------
    StateError
        The two sides differ at the end: another program was writing.
    StorageError
        The target refuses a document.
    """
    _copy_indexes(move)
    written = unchanged = 0
    for page in _pages(move.source.find({}, sort=[("_id", 1)])):
        changed = _differing(page, move.target)
        try:
            move.target.bulk_write(
                [ReplaceOne({"_id": doc["_id"]}, doc, upsert=True) for doc in changed]
            )
        except StorageError as error:
            error.message = f"{move.what} cannot be copied: {error.message}"
            raise
        written += len(changed)
        unchanged += len(page) - len(changed)
        if step is not None:
            for _ in page:
                step()
    return Copied(written, unchanged, _verified(move))


def _verified(move: Move) -> CollectionDigest:
    source, target = collection_digest(move.source), collection_digest(move.target)
    if source != target:
        raise StateError(
            f"the copied {move.what} differ from the original: {target.count} documents of "
            f"{source.count}, checksums {target.checksum} and {source.checksum}",
            action="migrate",
            hint="another program was writing: stop it, and run the same command again",
        )
    return source


def _pages(documents: Iterator[Document]) -> Iterator[list[Document]]:
    page: list[Document] = []
    size = 0
    for document in documents:
        page.append(document)
        size += document_size(document)
        if len(page) == PAGE or size >= PAGE_BYTES:
            yield page
            page, size = [], 0
    if page:
        yield page


def _differing(page: list[Document], target: Copyable) -> list[Document]:
    """Return the documents that are missing in the target or differ there."""
    there = {
        _key(doc): document_digest(doc)
        for doc in target.find({"_id": {"$in": [doc["_id"] for doc in page]}})
    }
    return [doc for doc in page if there.get(_key(doc)) != document_digest(doc)]


def _key(document: Document) -> int:
    return document_digest({"_id": document["_id"]})


def _copy_indexes(move: Move) -> None:
    """Create the indexes of the source, also users' own, as far as both sides support them."""
    for name, index in move.source.index_information().items():
        keys = [(path, way) for path, way in index["key"]]
        if name != "_id_" and all(way in (1, -1) for _, way in keys):
            move.target.create_index(keys, unique=bool(index.get("unique")))
