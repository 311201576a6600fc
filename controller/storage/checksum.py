"""Checksums of documents and collections that do not depend on the engine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import bson
from bson import Int64

from controller.storage.base import Document, Filter

_SIZE = 16
_MODULUS = 1 << (8 * _SIZE)


class Readable(Protocol):
    """Anything whose documents can be iterated over."""

    def find(self, filter: Filter | None = None) -> Iterator[Document]:
        """Iterate over documents."""


@dataclass(frozen=True)
class CollectionDigest:
    """The digest of a collection, independent of the order of its documents.

    Attributes
    ----------
    count
        Number of documents.
    checksum
        Sum of the documents' digests, as hexadecimal digits.
    """

    count: int
    checksum: str


def document_digest(document: Document) -> int:
    """Return a number that, in practice, differs for any two different documents.

    The order of keys does not matter, nor whether an integer was stored in 4 or 8 bytes;
    1 and 1.0 differ.
    """
    raw = bson.encode({"": _canonical(document)})
    return int.from_bytes(hashlib.blake2b(raw, digest_size=_SIZE).digest())


def collection_digest(
    collection: Readable, on_document: Callable[[], None] | None = None
) -> CollectionDigest:
    """Read a whole collection and return its digest.

    Parameters
    ----------
    on_document
        Called after each document.
    """
    count = total = 0
    for document in collection.find({}):
        count += 1
        total = (total + document_digest(document)) % _MODULUS
        if on_document is not None:
            on_document()
    return CollectionDigest(count, f"{total:0{2 * _SIZE}x}")


def _canonical(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _canonical(value[key]) for key in sorted(value)}
    if isinstance(value, (list, tuple)):
        return [_canonical(item) for item in value]
    return int(value) if isinstance(value, Int64) else value
