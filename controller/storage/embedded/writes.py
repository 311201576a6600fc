"""Updates, replacements and deletions of documents, within an open transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

import bson

from controller.storage import base
from controller.storage.base import DeleteResult, Document, UpdateResult
from controller.storage.embedded import rows
from controller.storage.embedded.bulk_rewriting import rewrite_all
from controller.storage.embedded.changes import Change, Replacement, touched_columns
from controller.storage.embedded.cursor import Query, stored_at
from controller.storage.embedded.known import is_worthwhile
from controller.storage.embedded.patching import FEWEST, Patches, remove_all
from controller.storage.embedded.rows import Prepared, Stored

if TYPE_CHECKING:
    from controller.storage.embedded.file import File
    from controller.storage.embedded.layout import Table
    from controller.storage.embedded.link import Link
    from controller.storage.embedded.parts import Part

Before: TypeAlias = Callable[[base.WriteOperation, Document], None]
"""Called with a write and each document that it selects, before that is changed."""


@dataclass
class Writer:
    """Changes documents of one collection in one transaction.

    Attributes
    ----------
    file, link, table
        Where they are.
    before, fields
        Who is shown each selected document before it changes, and which of its fields have to be
        there. The document must not be kept: it changes.
    written
        The hot part of the last document that `rewrite` was given, as it is now.
    """

    file: File
    link: Link
    table: Table
    before: Before | None = None
    fields: Sequence[str] = ()
    written: bytes = b""

    def execute(self, operation: base.WriteOperation) -> dict[str, int]:
        """Carry out one of many writes; returns {what was done: number of documents}."""
        if isinstance(operation, base.InsertOne):
            prepared = rows.prepare(self.file, operation.document, stage=False)
            rows.insert(self.link, self.table, prepared)
            return {"inserted": 1}
        if isinstance(operation, (base.DeleteOne, base.DeleteMany)):
            limit = 1 if isinstance(operation, base.DeleteOne) else 0
            gone = self.delete(Query(operation.filter), limit, self._shown(operation))
            return {"deleted": gone.deleted_count}
        if isinstance(operation, base.ReplaceOne):
            change = Replacement(operation.replacement)
            done = self.change_first(operation.filter, change, upsert=operation.upsert)
        else:
            done = self.update(
                operation.filter,
                operation.update,
                upsert=operation.upsert,
                many=isinstance(operation, base.UpdateMany),
                shown=self._shown(operation),
            )
        return {
            "matched": done.matched_count,
            "modified": done.modified_count,
            "upserted": int(done.upserted_id is not None),
        }

    def _shown(self, operation: base.WriteOperation) -> Callable[[Document], None] | None:
        before = self.before
        return None if before is None else lambda document: before(operation, document)

    def update(
        self,
        filter: base.Filter,
        update: base.Update,
        *,
        upsert: bool,
        many: bool,
        shown: Callable[[Document], None] | None = None,
    ) -> UpdateResult:
        """Change the first matching document, or each."""
        change = Change(update)
        if not many:
            return self.change_first(filter, change, upsert=upsert, shown=shown)
        query = Query(filter)
        matched, modified = self._change_all(query, change, shown)
        if not matched and upsert:
            return UpdateResult(0, 0, self.upsert(query, change)["_id"])
        return UpdateResult(matched, modified)

    def _change_all(
        self, query: Query, change: Change, shown: Callable[[Document], None] | None
    ) -> tuple[int, int]:
        """Change all matching documents; returns (how many there are, how many are others now)."""
        link, table = self.link, self.table
        patches = Patches.of(table, change, self.fields if shown else ())
        if patches is not None and query.plan(table).exact:
            sequences = query.sequences(link, table)
            if patches.pays_for(link, sequences):
                return patches.write(link, sequences, one=self.rewrite, shown=shown)
            found = stored_at(link, table, sequences)
        else:
            found = query.lasting(link, table)
        return rewrite_all(link, table, found, change, one=self.rewrite, shown=shown)

    def change_first(
        self,
        filter: base.Filter,
        change: Change | Replacement,
        *,
        upsert: bool,
        staged: Sequence[Part] = (),
        shown: Callable[[Document], None] | None = None,
    ) -> UpdateResult:
        """Change the first matching document, or insert one."""
        query = Query(filter)
        stored = next(query.scan(self.link, self.table, 1), None)
        if stored is not None:
            return UpdateResult(1, int(self.rewrite(stored, change, staged, shown)))
        if not upsert:
            for part in staged:
                self.link.drop_part(part)
            return UpdateResult(0, 0)
        return UpdateResult(0, 0, self.upsert(query, change, staged)["_id"])

    def rewrite(
        self,
        stored: Stored,
        change: Change | Replacement,
        staged: Sequence[Part] = (),
        shown: Callable[[Document], None] | None = None,
    ) -> bool:
        """Change a document; returns whether it is another now."""
        touched = touched_columns(self.table, change)
        paths = [*change.paths, *(path for c in touched for path in c.paths)]
        document, filled = stored.open(self.link, [*paths, *(self.fields if shown else ())])
        if shown is not None:
            shown(document)
        old_keys = {c.path: c.keys(document) for c in touched}
        before = bson.encode(document) if filled else stored.raw
        document = change.apply(document)
        after = bson.encode(document)
        self.written = stored.raw
        if after == before:  # the hot part may still differ, because values move by size
            for part in staged:
                self.link.drop_part(part)
            return False
        prepared = Prepared(document, change.cut(document, filled, after), list(staged))
        self.written = rows.rewrite(
            self.link, self.table, stored, prepared, columns=touched, old_keys=old_keys
        )
        return True

    def upsert(
        self, query: Query, change: Change | Replacement, staged: Sequence[Part] = ()
    ) -> Document:
        """Insert the document that an update of nothing makes."""
        document = change.seed(query.spec)
        prepared = rows.prepare(self.file, document, stage=False)
        if staged:
            prepared.pieces, prepared.staged = change.cut(prepared.document), list(staged)
        rows.insert(self.link, self.table, prepared)
        return prepared.document

    def delete(
        self,
        query: Query,
        limit: int,
        shown: Callable[[Document], None] | None = None,
    ) -> DeleteResult:
        """Delete matching documents; 0 means all of them."""
        if not limit and shown is None and query.plan(self.table).exact:
            sequences = query.sequences(self.link, self.table)
            if len(sequences) >= FEWEST and is_worthwhile(self.link, self.table, len(sequences)):
                remove_all(self.link, self.table, sequences)
                return DeleteResult(len(sequences))
        found = self._to_delete(query, limit)
        number, columns = 0, rows.side_columns(self.table)
        for stored in found:
            if shown is not None:
                shown(stored.decode(self.link, self.fields))
            rows.remove(self.link, self.table, stored, columns)
            number += 1
        return DeleteResult(number)

    def _to_delete(self, query: Query, limit: int) -> Iterator[Stored]:
        if not limit:
            return query.lasting(self.link, self.table)
        return iter(list(islice(query.scan(self.link, self.table, limit), limit)))


def counted(done: Sequence[Mapping[str, int]]) -> base.BulkWriteResult:
    """Add up what `Writer.execute` returned."""
    total = dict.fromkeys(("inserted", "matched", "modified", "deleted", "upserted"), 0)
    for each in done:
        for what, count in each.items():
            total[what] += count
    return base.BulkWriteResult(**{f"{what}_count": count for what, count in total.items()})
