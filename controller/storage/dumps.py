"""Collections as files, in the format of mongodump.

Of a collection ``NAME`` there are ``NAME.bson``, its documents one after the other as BSON, and
``NAME.metadata.json``, its indexes; both may be compressed (``.gz``). mongodump and mongorestore
read and write the same.
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
"""Called with the name of a collection, the documents done, and how many there are in all."""

BATCH_DOCUMENTS = 500
BATCH_BYTES = 8 << 20
"""Documents, or bytes, after which documents are inserted and progress is told."""
SUFFIXES = (".bson", ".bson.gz", ".metadata.json", ".metadata.json.gz")
"""How the names of the files end."""
_SMALLEST = 5
_LARGEST = 1 << 30
"""Bytes of a document; servers refuse more than 16 MB, the embedded engine takes more."""


@dataclass(frozen=True)
class Dump:
    """The files of one collection.

    Attributes
    ----------
    name
        Of the collection, as in the names of the files.
    data
        The file of the documents.
    metadata
        The file of the indexes; None where there is none.
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
        """Return the indexes, as mongodump describes them, but for the one on ``_id``."""
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
    """Say that a file is damaged."""
    return StorageFormatError(
        f"{path} is damaged at byte {place} of its documents", hint="use another backup"
    )


def find_dump(folder: Path, name: str) -> Dump | None:
    """Find the files of a collection in a folder, None when there are none.

    Raises
    ------
    ArgumentError
        They are there twice, compressed and not.
    """
    data, metadata = (_either(folder, f"{name}{end}") for end in SUFFIXES[::2])
    return None if data is None else Dump(name, data, metadata)


def _either(folder: Path, name: str) -> Path | None:
    found = [path for path in (folder / name, folder / f"{name}.gz") if path.is_file()]
    if len(found) > 1:
        raise ArgumentError(
            f"{folder} has both {found[0].name} and {found[1].name}",
            hint="remove the one that is not meant",
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
    """Write the documents of a collection, a page in memory at a time; returns how many.

    Parameters
    ----------
    name
        What to call the collection in the files.
    session
        Of a snapshot of the database.
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
        What `Collection.index_information` says.
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
    """Insert the documents of a dump, some at a time; returns how many.

    Raises
    ------
    DuplicateKeyError
        A unique index refuses one; those before it are in the collection.
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
"""What a server says of an index that is its own affair, and no other engine's."""


def restore_indexes(dump: Dump, collection: Collection) -> None:
    """Build the indexes of a dump that the collection has not; what the engine cannot is said."""
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
            logger.warning("the index %s of %s was not built: %s", index["name"], dump.name, error)


@contextmanager
def writing(path: Path, compress: bool) -> Iterator[IO[bytes]]:
    """Write a file that only its owner can read; it is on the disk in the end.

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
    """Turn errors of the system into one of ours that names the file."""
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{error.filename or path}: {error.strerror or error}",
            hint="check the space and the permissions of its folder",
        ) from error
