"""Documents in GridFS files, as in maggma's GridFSStore, without importing maggma.

A document is a JSON file of any size; the keys to look it up by are in the file's metadata. Here
the file has the ``_id`` of the document, so that writing is idempotent, and remains of a killed
writer can be found.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from controller.errors import StorageError, UnsupportedOperationError
from controller.storage import base
from controller.storage.base import BulkWriteResult, Database, Document, ReplaceOne
from controller.storage.opening import open_store

_CHUNK = 255 * 1024  # as in all drivers
_METADATA = "metadata."
_LOOKED_UP = ("blob_uuid", "job_uuid", "job_index")
"""Keys by which jobflow finds and deletes documents in additional stores."""


def open_gridfs(spec: Mapping[str, Any]) -> Database:
    """Open the database of the description of a GridFSStore.

    Raises
    ------
    ConfigError
        A key is missing or wrong.
    """
    return open_store({**spec, "type": "MongoStore"}).database


class GridFSCollection:
    """The documents of a GridFSStore, with the methods of a `Collection` that copying needs.

    Parameters
    ----------
    database
        The database of the files.
    spec
        Description of the GridFSStore.
    """

    def __init__(self, database: Database, spec: Mapping[str, Any]) -> None:
        self.name = str(spec["collection_name"])
        self._files = database.collection(f"{self.name}.files")
        self._chunks = database.collection(f"{self.name}.chunks")
        self._fields = [*_LOOKED_UP, *(spec.get("searchable_fields") or ())]
        self._compress = bool(spec.get("compression"))
        self._indexed = False

    def find(
        self,
        filter: base.Filter | None = None,
        projection: base.Projection = None,
        *,
        sort: base.Sort = None,
    ) -> Iterator[Document]:
        """Iterate over documents; only ``_id`` is supported in filter, projection and order.

        Raises
        ------
        StorageError
            A chunk of a file is missing.
        """
        files = self._files.find(filter, sort=sort)
        if projection is not None:
            return ({"_id": file["_id"]} for file in files)
        return (self._read(file) for file in files)

    def count_documents(self, filter: base.Filter) -> int:
        """Count documents, by their ``_id``."""
        return self._files.count_documents(filter)

    def bulk_write(self, operations: Sequence[base.WriteOperation]) -> BulkWriteResult:
        """Write documents under their ``_id``, one after the other.

        Raises
        ------
        UnsupportedOperationError
            An operation other than `ReplaceOne`, or a document that JSON cannot represent.
        """
        self._create_indexes()
        for operation in operations:
            if not isinstance(operation, ReplaceOne):
                raise UnsupportedOperationError("GridFS supports only whole documents")
            self._write(operation.replacement)
        return BulkWriteResult(upserted_count=len(operations))

    def index_information(self) -> dict[str, dict[str, Any]]:
        """Return the indexes on keys of the metadata, as if of the documents themselves."""
        found = {}
        for name, index in self._files.index_information().items():
            keys = [(path.removeprefix(_METADATA), way) for path, way in index["key"]]
            if all(path.startswith(_METADATA) for path, _ in index["key"]):
                found[name] = {**index, "key": keys}
        return found

    def create_index(self, keys: Sequence[tuple[str, int]], *, unique: bool = False) -> str:
        """Create an index on keys of the metadata."""
        return self._files.create_index(
            [(path if path == "_id" else _METADATA + path, way) for path, way in keys],
            unique=unique,
        )

    def _create_indexes(self) -> None:
        if not self._indexed:
            self._files.create_index([("filename", 1), ("uploadDate", 1)])
            self._chunks.create_index([("files_id", 1), ("n", 1)], unique=True)
            self._indexed = True

    def _write(self, document: Document) -> None:
        data, metadata = self._content(document)
        identity = document["_id"]
        # The file's entry is written last and deleted first, so it always has all its chunks.
        self._files.delete_one({"_id": identity})
        self._chunks.delete_many({"files_id": identity})
        self._chunks.insert_many(
            {"files_id": identity, "n": number, "data": data[start : start + _CHUNK]}
            for number, start in enumerate(range(0, len(data), _CHUNK))
        )
        self._files.insert_one(
            {
                "_id": identity,
                "length": len(data),
                "chunkSize": _CHUNK,
                "uploadDate": datetime.now(UTC),
                "metadata": metadata,
            }
        )

    def _content(self, document: Document) -> tuple[bytes, dict[str, Any]]:
        """Bytes and metadata of a document's file."""
        try:
            data = json.dumps({k: v for k, v in document.items() if k != "_id"}).encode()
        except TypeError as error:
            shown = document.get("blob_uuid", document["_id"])
            raise UnsupportedOperationError(
                f"document {shown} cannot be stored in GridFS, which contains JSON: {error}",
                hint="leave the outputs where they are",
            ) from error
        metadata = {field: document[field] for field in self._fields if field in document}
        if self._compress:
            return zlib.compress(data), {**metadata, "compression": "zlib"}
        return data, metadata

    def _read(self, file: Document) -> Document:
        chunks = self._chunks.find({"files_id": file["_id"]}, ["data"], sort=[("n", 1)])
        data = b"".join(chunk["data"] for chunk in chunks)
        if len(data) != file["length"]:
            raise StorageError(
                f"file {file['_id']} of {self.name} has only {len(data)} of {file['length']} bytes",
                hint="the file is damaged: restore or delete it",
            )
        metadata = file.get("metadata") or {}
        if metadata.get("compression") == "zlib":
            data = zlib.decompress(data)
        try:
            content = json.loads(data)
        except ValueError:
            content = None
        if not isinstance(content, dict):  # a user's own file: maggma returns it like this
            content = {**metadata, "data": data}
        return {**content, "_id": file["_id"]}
