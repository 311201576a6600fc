"""The changes of a document by a write, prepared before the file is locked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from controller.errors import ArgumentError
from controller.storage import base
from controller.storage.base import Document
from controller.storage.embedded import rows
from controller.storage.embedded.filters import split_path
from controller.storage.embedded.rows import Prepared
from controller.storage.embedded.updates import (
    Update,
    is_pipeline,
    replacement,
    seed_of_upsert,
)
from controller.storage.embedded.values import equal, normalise

if TYPE_CHECKING:
    from controller.storage.embedded.file import File
    from controller.storage.embedded.layout import Column, Table
    from controller.storage.embedded.parts import Part

_MOST_KNOWN = 256
"""Sets of paths of which it is remembered what they touch."""


class Change:
    """A prepared update.

    Attributes
    ----------
    paths
        What it reads and changes, as dotted paths.
    constants
        {name: value} of the values that every changed document has.
    """

    def __init__(self, update: base.Update) -> None:
        if not isinstance(update, Mapping) and not is_pipeline(update):
            raise ArgumentError(f"an update must be a dictionary or a list, not {update!r}")
        spec = dict(update) if isinstance(update, Mapping) else list(update)
        self._update = Update(normalise(spec)[0])
        self.paths = list(self._update.paths())
        self.constants = self._update.constants()

    def touches(self, column: Column) -> bool:
        """Whether the update may change the column's keys."""
        return _touch(self.paths, column.paths)

    def apply(self, document: Document) -> Document:
        """Change the document."""
        self._update.apply(document)
        return document

    def cut(self, document: Document, filled: Any = None, raw: bytes | None = None) -> rows.Cut:
        """Cut the changed document."""
        return rows.cut(document, filled, raw)

    def seed(self, query: Mapping[str, Any]) -> Document:
        """Return the document inserted by an upsert."""
        document = seed_of_upsert(query)
        self._update.apply(document, inserting=True)
        return document


def touched_columns(table: Table, change: Change | Replacement) -> list[Column]:
    """Return the columns of a table whose keys a change may change."""
    paths = tuple(change.paths)
    found = table.touched.get(paths)
    if found is None:  # asked for every document that is changed
        if len(table.touched) >= _MOST_KNOWN:
            table.touched.clear()
        found = [column for column in table.columns.values() if change.touches(column)]
        table.touched[paths] = found
    return found


def _touch(paths: Sequence[str], mine: Sequence[str]) -> bool:
    """Whether one of the paths is above or below one of others; "" is above all."""
    changed = [split_path(path) if path else () for path in paths]
    return any(
        path[: len(own)] == own[: len(path)] for own in map(split_path, mine) for path in changed
    )


class Replacement:
    """A replacement document."""

    paths: Sequence[str] = ("",)

    def __init__(self, document: Document) -> None:
        self._document, raw = normalise(replacement(document))
        rows.refuse_foreign_holes(raw)
        self._pieces: rows.Cut | None = None

    def touches(self, column: Column) -> bool:
        """Whether the column's keys may change: any of them."""
        return column is not None

    def stage(self, file: File) -> list[Part]:
        """Write very large values before the transaction."""
        prepared = Prepared(self._document, rows.cut(self._document))
        rows.stage_large(file, prepared)
        self._pieces = prepared.pieces if prepared.staged else None
        return prepared.staged

    def apply(self, document: Document) -> Document:
        """Return the new document with the old one's _id."""
        wanted = self._document.get("_id", document["_id"])
        if not equal(wanted, document["_id"]):
            raise ArgumentError("a replacement cannot change _id")
        return {"_id": document["_id"], **self._document}

    def cut(self, document: Document, filled: Any = None, raw: bytes | None = None) -> rows.Cut:
        """Cut the new document; what was staged has its holes already."""
        if self._pieces is None:
            return rows.cut(document, filled, raw)
        return rows.Cut({"_id": document["_id"], **self._pieces.hot}, self._pieces.values)

    def seed(self, query: Mapping[str, Any]) -> Document:
        """Return the document inserted by an upsert."""
        seed = seed_of_upsert(query)
        if "_id" not in seed:
            return dict(self._document)
        if not equal(seed["_id"], self._document.get("_id", seed["_id"])):
            raise ArgumentError("a replacement cannot change _id")
        return {"_id": seed["_id"], **self._document}


def own_operation(operation: Any) -> base.WriteOperation:
    """Accept pymongo's operation objects, by class name, without importing pymongo."""
    if isinstance(operation, base.WriteOperation):
        return operation
    kind, fields = type(operation).__name__, operation
    if kind == "InsertOne":
        return base.InsertOne(fields._doc)
    if kind == "ReplaceOne":
        return base.ReplaceOne(fields._filter, fields._doc, bool(fields._upsert))
    if kind in ("UpdateOne", "UpdateMany"):
        own = base.UpdateOne if kind == "UpdateOne" else base.UpdateMany
        return own(fields._filter, fields._doc, bool(fields._upsert))
    if kind in ("DeleteOne", "DeleteMany"):
        return (base.DeleteOne if kind == "DeleteOne" else base.DeleteMany)(fields._filter)
    raise ArgumentError(f"not a write operation: {operation!r}")
