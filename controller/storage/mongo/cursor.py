"""Results of a server, page by page: pymongo's cursors with jfr's errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Self

from controller.storage.base import Document
from controller.storage.mongo.errors import translated


class Documents:
    """Documents that a server returns, page by page: pymongo's cursor with jfr's errors."""

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
    """The result of a find, whose order and limits can be set until it is read."""

    def sort(self, key: str | Sequence[tuple[str, int]], direction: int = 1) -> Self:
        """Sort by a path, or by (path, direction) pairs."""
        self._raw.sort([(key, direction)] if isinstance(key, str) else key)
        return self

    def skip(self, count: int) -> Self:
        """Skip a number of documents at the start."""
        self._raw.skip(count)
        return self

    def limit(self, count: int) -> Self:
        """Limit the number of documents; 0 means all."""
        self._raw.limit(count)
        return self

    def batch_size(self, size: int) -> Self:
        """Set the number of documents per batch."""
        self._raw.batch_size(size)
        return self

    def __getitem__(self, index: int) -> Document:
        with translated(self._location):
            found: Document = self._raw[index]
        return found
