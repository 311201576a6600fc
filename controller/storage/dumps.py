"""Collections as files, in the format of mongodump.

For a collection ``NAME`` there are ``NAME.bson``, its concatenated BSON documents, and
``NAME.metadata.json``, its indexes; both may be compressed (``.gz``). mongodump and mongorestore
use the same files.
"""

from __future__ import annotations

import gzip
import logging
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeAlias
from uuid import uuid4

import bson
from bson import json_util
from bson.errors import BSONError

from controller.errors import (
    ArgumentError,
    StorageError,
    StorageFormatError,
    UnsupportedOperationError,
)
from controller.storage.base import Collection, Document, Session
from controller.storage.indexes import build_indexes

logger = logging.getLogger(__name__)

Progress: TypeAlias = Callable[[str, int, int], None]
"""Called with the name of a collection, the documents done, and their total number."""

BATCH_DOCUMENTS = 500
BATCH_BYTES = 8 << 20
"""Number of documents, or bytes, that are inserted at once."""
SUFFIXES = (".bson", ".bson.gz", ".metadata.json", ".metadata.json.gz")
"""Extensions of the files."""
_SMALLEST = 5
_LARGEST = 1 << 30
"""Maximum size of a document in bytes; servers allow 16 MB, the embedded engine more."""


@dataclass(frozen=True)
class Dump:
    """The files of one collection.

    Attributes
    ----------
    name
        Name of the collection in the names of the files.
    data
        The file of the documents.
    metadata
        The file of the indexes, or None.
    """

    name: str
    data: Path
    metadata: Path | None

    def documents(self) -> Iterator[Document]:
        """Yield the documents; raises as `records`."""
        return (document for document, _ in self.records())

    def records(self) -> Iterator[tuple[Document, int]]:
        """Yield each document with the number of its bytes.

        Raises
        ------
        StorageFormatError
            The file is damaged.
        """
        with reading(self.data) as stream:
            place = 0
            while head := stream.read(4):
                length = int.from_bytes(head, "little")
                if len(head) < 4 or not _SMALLEST <= length <= _LARGEST:
                    raise damaged(self.data, place)
                raw = head + stream.read(length - 4)
                try:
                    document = bson.decode(raw)
                except BSONError:
                    raise damaged(self.data, place) from None
                yield document, length
                place += length

    def check(self) -> int:
        """Read everything once and return the number of documents; raises as `records`."""
        self.indexes()
        return sum(1 for _ in self.records())

    def indexes(self) -> list[Document]:
        """Return the indexes, as described by mongodump, except for the one on ``_id``."""
        if self.metadata is None:
            return []
        with reading(self.metadata) as stream:
            text = stream.read()
        try:
            found = json_util.loads(text.decode())["indexes"]
            return [index for index in found if list(index["key"]) != ["_id"]]
        except (ValueError, KeyError, TypeError):
            raise StorageFormatError(f"{self.metadata} does not describe indexes") from None


def damaged(path: Path, place: int) -> StorageFormatError:
    """Return the error about a damaged file."""
    return StorageFormatError(
        f"{path} is damaged at byte {place} of its documents", hint="use another backup"
    )


def find_dump(folder: Path, name: str) -> Dump | None:
    """Find the files of a collection in a folder, None if there are none.

    Raises
    ------
    ArgumentError
        There are both compressed and uncompressed files.
    """
    data, metadata = (_either(folder, f"{name}{end}") for end in SUFFIXES[::2])
    return None if data is None else Dump(name, data, metadata)


def _either(folder: Path, name: str) -> Path | None:
    found = [path for path in (folder / name, folder / f"{name}.gz") if path.is_file()]
    if len(found) > 1:
        raise ArgumentError(
            f"{folder} has both {found[0].name} and {found[1].name}",
            hint="remove one of them",
        )
    return found[0] if found else None


def write_dump(
    collection: Collection,
    folder: Path,
    name: str,
    *,
    compress: bool = False,
    session: Session | None = None,
    progress: Progress | None = None,
) -> int:
    """Write the documents of a collection, a page in memory at a time; return their number.

    Parameters
    ----------
    name
        Name of the collection in the files.
    session
        The session of a snapshot of the database.
    """
    total, done = collection.count_documents({}, session=session) if progress else 0, 0
    with writing(folder / f"{name}.bson", compress) as stream:
        for raw in collection.raw_documents(session=session):
            stream.write(raw)
            done += 1
            if progress and done % BATCH_DOCUMENTS == 0:
                progress(name, done, max(done, total))
    if progress:
        progress(name, done, done)
    return done


def write_metadata(
    information: Mapping[str, Mapping[str, Any]], folder: Path, name: str, *, compress: bool
) -> None:
    """Write the indexes of a collection.

    Parameters
    ----------
    information
        The result of `Collection.index_information`.
    """
    indexes = {"_id_": {"key": [("_id", 1)]}, **information}
    content = {
        "indexes": [_index_document(index, info) for index, info in indexes.items()],
        "uuid": uuid4().hex,
        "collectionName": name,
        "type": "collection",
    }
    text = json_util.dumps(content, json_options=json_util.CANONICAL_JSON_OPTIONS)
    with writing(folder / f"{name}.metadata.json", compress) as stream:
        stream.write(text.encode())


def _index_document(name: str, information: Mapping[str, Any]) -> Document:
    key = {
        path: int(way) if isinstance(way, (int, float)) else way for path, way in information["key"]
    }
    options = {k: v for k, v in information.items() if k not in ("key", "v", "ns")}
    return {"v": 2, "key": key, "name": name, **options}


def restore_documents(
    dump: Dump, collection: Collection, total: int, progress: Progress | None = None
) -> int:
    """Insert the documents of a dump, in batches; return their number.

    Raises
    ------
    DuplicateKeyError
        A document violates a unique index; those before it are in the collection.
    """
    done, size = 0, 0
    batch: list[Document] = []
    for document, length in dump.records():
        batch.append(document)
        size += length
        if len(batch) >= BATCH_DOCUMENTS or size >= BATCH_BYTES:
            done += _insert(collection, batch)
            batch, size = [], 0
            if progress:
                progress(dump.name, done, total)
    done += _insert(collection, batch)
    if progress:
        progress(dump.name, done, total)
    return done


def _insert(collection: Collection, batch: list[Document]) -> int:
    if batch:
        collection.insert_many(batch)
    return len(batch)


_OF_THE_SERVER = ("v", "ns", "background", "storageEngine")
"""Options of an index that concern only the server."""


def restore_indexes(dump: Dump, collection: Collection) -> None:
    """Create the missing indexes of a dump; log those that the engine does not support."""
    for index in dump.indexes():
        keys = list(index["key"].items())
        said = {"key", "name", "unique", *_OF_THE_SERVER}
        options = {name: value for name, value in index.items() if name not in said}
        try:
            if options:
                collection.create_index(
                    keys, unique=bool(index.get("unique")), name=index["name"], **options
                )
            else:
                build_indexes(collection, ((keys, bool(index.get("unique"))),))
        except (UnsupportedOperationError, ArgumentError) as error:
            logger.warning(
                "the index %s of %s was not created: %s", index["name"], dump.name, error
            )


@contextmanager
def writing(path: Path, compress: bool) -> Iterator[IO[bytes]]:
    """Write a file that only its owner can read, and sync it to disk.

    Compressed, it has the name with ``.gz``.
    """
    if compress:
        path = path.with_name(f"{path.name}.gz")
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
    with file_errors(path), os.fdopen(os.open(path, flags, 0o600), "wb") as plain:
        if compress:
            with gzip.GzipFile(fileobj=plain, mode="wb", compresslevel=6) as stream:
                yield stream  # type: ignore[misc]
        else:
            yield plain
        plain.flush()
        os.fsync(plain.fileno())


@contextmanager
def reading(path: Path) -> Iterator[IO[bytes]]:
    """Read a file, compressed if its name says so."""
    with file_errors(path), path.open("rb") as plain:
        if path.suffix != ".gz":
            yield plain
            return
        try:
            with gzip.GzipFile(fileobj=plain, mode="rb") as stream:
                yield stream  # type: ignore[misc]
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise StorageFormatError(
                f"{path} is damaged: it cannot be decompressed", hint="use another backup"
            ) from None


@contextmanager
def file_errors(path: Path) -> Iterator[None]:
    """Convert system errors to a StorageError that names the file."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{error.filename or path}: {error.strerror or error}",
            hint="check the space and the permissions of its folder",
        ) from error
