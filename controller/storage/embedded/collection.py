"""One collection of documents in the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import bson

from controller.errors import UnsupportedOperationError
from controller.storage import base
from controller.storage.base import (
    BulkWriteResult,
    DeleteResult,
    Document,
    InsertManyResult,
    InsertOneResult,
    UpdateResult,
)
from controller.storage.embedded import indexes, rows
from controller.storage.embedded.aggregation import aggregate
from controller.storage.embedded.changes import Change, Replacement, own_operation
from controller.storage.embedded.cursor import Cursor, Query
from controller.storage.embedded.filters import split_path, values_at
from controller.storage.embedded.planner import plan_filter
from controller.storage.embedded.projections import Projection
from controller.storage.embedded.routes import counted
from controller.storage.embedded.rows import Prepared, Stored
from controller.storage.embedded.values import MISSING, index_key, sort_key, value_of_key

if TYPE_CHECKING:
    from controller.storage.embedded.file import File
    from controller.storage.embedded.layout import Table
    from controller.storage.embedded.link import Link
    from controller.storage.embedded.parts import Part


class Session:
    """An open transaction, to be passed to the methods of collections."""

    def __init__(self, link: Link) -> None:
        self.link = link


class EmbeddedCollection:
    """A collection; see `controller.storage.base.Collection` for its methods.

    Parameters
    ----------
    file
        The file it lies in.
    name
        Its name.
    """

    def __init__(self, file: File, name: str) -> None:
        self._file, self._name = file, name

    def __repr__(self) -> str:
        return f"EmbeddedCollection({str(self._file.path)!r}, {self._name!r})"

    @property
    def name(self) -> str:
        """Name within the database."""
        return self._name

    full_name = name

    @property
    def native(self) -> EmbeddedCollection:
        """See `controller.storage.base.Collection.native`: this has pymongo's methods."""
        return self

    # ------------------------------------------------------------------ reading

    def find(
        self,
        filter: base.Filter | None = None,
        projection: base.Projection = None,
        *,
        sort: Any = None,
        skip: int = 0,
        limit: int = 0,
        session: Session | None = None,
        **options: Any,
    ) -> Cursor:
        """See `controller.storage.base.Collection.find`."""
        _refuse(options, tolerated=("batch_size", "no_cursor_timeout", "allow_disk_use"))
        return Cursor(
            self._file,
            self._name,
            filter,
            projection,
            sort=sort,
            skip=skip,
            limit=limit,
            link=_link(session),
        )

    def raw_documents(self, *, session: Session | None = None) -> Iterator[bytes]:
        """See `controller.storage.base.Collection.raw_documents`."""
        return (bson.encode(document) for document in self.find(session=session))

    def find_one(
        self,
        filter: Any = None,
        projection: base.Projection = None,
        *,
        sort: Any = None,
        skip: int = 0,
        session: Session | None = None,
        **options: Any,
    ) -> Document | None:
        """See `controller.storage.base.Collection.find_one`; an ``_id`` may be the filter."""
        if filter is not None and not isinstance(filter, Mapping):
            filter = {"_id": filter}
        found = self.find(
            filter, projection, sort=sort, skip=skip, limit=1, session=session, **options
        )
        return next(found, None)

    def count_documents(
        self,
        filter: base.Filter,
        *,
        skip: int = 0,
        limit: int = 0,
        session: Session | None = None,
    ) -> int:
        """See `controller.storage.base.Collection.count_documents`."""
        query = Query(filter)
        with self._file.reading(_link(session)) as link:
            table = link.table(self._name)
            if table is None:
                return 0
            plan = plan_filter(table, query.spec)
            if plan.exact:
                found = counted(link, table, plan)
                sql = f"SELECT count(*) FROM {table.rows} WHERE {plan.sql}"
                count = found if found is not None else link.value(sql, plan.params)
            else:
                count = sum(1 for _ in query.scan(link, table))
        left = max(count - skip, 0)
        return min(left, limit) if limit else left

    def estimated_document_count(self) -> int:
        """See `controller.storage.base.Collection.estimated_document_count`."""
        return self.count_documents({})

    def distinct(
        self, key: str, filter: base.Filter | None = None, *, session: Session | None = None
    ) -> list[Any]:
        """See `controller.storage.base.Collection.distinct`."""
        query = Query(filter)
        with self._file.reading(_link(session)) as link:
            table = link.table(self._name)
            if table is None:
                return []
            column = table.columns.get(key)
            plan = plan_filter(table, query.spec)
            if column is not None and plan.exact and not column.multi and not column.odd:
                sql = f"SELECT DISTINCT {column.sql} FROM {table.rows} WHERE {plan.sql}"
                keys = [row[0] for row in link.sql.execute(sql, plan.params)]
                if None not in keys:  # null and missing share a key
                    return sorted(map(value_of_key, keys), key=sort_key)
            values: list[Any] = []
            for stored in query.scan(link, table):
                found = values_at(stored.decode(link, [key]), split_path(key), into_array=False)
                for value in found:  # of an array its members, which may be arrays themselves
                    values += value if type(value) is list else [value]
        return _unique_values(values)

    def aggregate(
        self,
        pipeline: Sequence[Mapping[str, Any]],
        *,
        session: Session | None = None,
        **options: Any,
    ) -> Iterator[Document]:
        """See `controller.storage.base.Collection.aggregate`."""
        _refuse(options, tolerated=("allowDiskUse", "batchSize"))
        return iter(aggregate(self._file, self._name, pipeline, _link(session)))

    # ------------------------------------------------------------------ inserting

    def insert_one(self, document: Document, *, session: Session | None = None) -> InsertOneResult:
        """See `controller.storage.base.Collection.insert_one`."""
        self.insert_many([document], session=session)
        return InsertOneResult(document["_id"])

    def insert_many(
        self,
        documents: Iterable[Document],
        *,
        ordered: bool = True,
        session: Session | None = None,
    ) -> InsertManyResult:
        """See `controller.storage.base.Collection.insert_many`; all or nothing here."""
        del ordered  # nothing is inserted if one is refused
        ids: list[Any] = []

        def prepare(*, stage: bool) -> Iterator[Prepared]:
            for document in documents:
                yield rows.prepare(self._file, document, stage=stage)
                ids.append(document["_id"])

        if session is not None:  # the file is already locked: one by one needs less memory
            with self._file.writing(session.link) as link:
                rows.insert_all(link, self._table(link), prepare(stage=False))
            return InsertManyResult(ids)
        ready: list[Prepared] = []
        try:
            ready.extend(prepare(stage=True))
            with self._file.writing() as link:
                rows.insert_all(link, self._table(link), ready)
        except BaseException:
            self._abandon(ready)
            raise
        return InsertManyResult(ids)

    # ------------------------------------------------------------------ changing

    def update_one(
        self,
        filter: base.Filter,
        update: base.Update,
        upsert: bool = False,
        *,
        session: Session | None = None,
        **options: Any,
    ) -> UpdateResult:
        """See `controller.storage.base.Collection.update_one`."""
        _refuse(options)
        with self._file.writing(_link(session)) as link:
            return self._update(link, filter, update, upsert=upsert, many=False)

    def update_many(
        self,
        filter: base.Filter,
        update: base.Update,
        upsert: bool = False,
        *,
        session: Session | None = None,
        **options: Any,
    ) -> UpdateResult:
        """See `controller.storage.base.Collection.update_many`."""
        _refuse(options)
        with self._file.writing(_link(session)) as link:
            return self._update(link, filter, update, upsert=upsert, many=True)

    def replace_one(
        self,
        filter: base.Filter,
        replacement: Document,
        upsert: bool = False,
        *,
        session: Session | None = None,
        **options: Any,
    ) -> UpdateResult:
        """See `controller.storage.base.Collection.replace_one`."""
        _refuse(options)
        change = Replacement(replacement)
        staged = change.stage(self._file) if session is None else []
        try:
            with self._file.writing(_link(session)) as link:
                return self._change_first(link, filter, change, upsert=upsert, staged=staged)
        except BaseException:
            for part in staged:
                self._file.abandon(part)
            raise

    def delete_one(self, filter: base.Filter, *, session: Session | None = None) -> DeleteResult:
        """See `controller.storage.base.Collection.delete_one`."""
        return self._delete(filter, session, limit=1)

    def delete_many(self, filter: base.Filter, *, session: Session | None = None) -> DeleteResult:
        """See `controller.storage.base.Collection.delete_many`."""
        return self._delete(filter, session, limit=0)

    def find_one_and_update(
        self,
        filter: base.Filter,
        update: base.Update,
        projection: base.Projection = None,
        *,
        sort: Any = None,
        upsert: bool = False,
        return_document: Any = "before",
        session: Session | None = None,
        **options: Any,
    ) -> Document | None:
        """See `controller.storage.base.Collection.find_one_and_update`."""
        _refuse(options)
        change = Change(update)
        after = return_document is True or return_document == "after"
        query = Query(filter, sort)
        with self._file.writing(_link(session)) as link:
            table = self._table(link)
            stored = next(query.scan(link, table, 1), None)
            if stored is None:
                if not upsert:
                    return None
                document = self._upsert(link, table, query, change)
                return _shaped(document, projection) if after else None
            before = None if after else self._read(link, stored, projection)
            self._rewrite(link, table, stored, change)
            if not after:
                return before
            row = link.sql.execute(
                f"SELECT hot FROM {table.rows} WHERE seq=?", (stored.sequence,)
            ).fetchone()
            return self._read(link, Stored(stored.sequence, row[0]), projection)

    def find_one_and_replace(
        self,
        filter: base.Filter,
        replacement: Document,
        projection: base.Projection = None,
        *,
        sort: Any = None,
        upsert: bool = False,
        return_document: Any = "before",
    ) -> Document | None:
        """Replace the first matching document and return it, atomically, as pymongo does."""
        after = return_document is True or return_document == "after"
        with self._file.transaction() as link:
            session = Session(link)
            before = self.find_one(filter, ["_id"], sort=sort, session=session)
            found = None
            if before is not None and not after:
                found = self.find_one(before, projection, session=session)
            done = self.replace_one(before or filter, replacement, upsert, session=session)
            if after and (before is not None or upsert):
                key = before or {"_id": done.upserted_id}
                found = self.find_one(key, projection, session=session)
        return found

    def find_one_and_delete(
        self,
        filter: base.Filter,
        projection: base.Projection = None,
        *,
        sort: Any = None,
        session: Session | None = None,
    ) -> Document | None:
        """See `controller.storage.base.Collection.find_one_and_delete`."""
        query = Query(filter, sort)
        with self._file.writing(_link(session)) as link:
            table = self._table(link)
            stored = next(query.scan(link, table, 1), None)
            if stored is None:
                return None
            document = self._read(link, stored, projection)
            rows.remove(link, table, stored)
            return document

    def bulk_write(
        self,
        operations: Sequence[Any],
        *,
        ordered: bool = True,
        session: Session | None = None,
        **options: Any,
    ) -> BulkWriteResult:
        """See `controller.storage.base.Collection.bulk_write`; all or nothing here.

        Takes pymongo's operation objects as well.
        """
        del ordered  # one transaction: nothing is written when one operation is refused
        _refuse(options, tolerated=("bypass_document_validation",))
        if not operations:
            return BulkWriteResult()
        total = dict.fromkeys(("inserted", "matched", "modified", "deleted", "upserted"), 0)
        with self._file.writing(_link(session)) as link:
            for operation in map(own_operation, operations):
                for what, count in self._execute(link, operation).items():
                    total[what] += count
        return BulkWriteResult(**{f"{what}_count": count for what, count in total.items()})

    # ------------------------------------------------------------------ indexes

    def create_index(
        self,
        keys: str | Sequence[str | tuple[str, int]],
        *,
        unique: bool = False,
        name: str | None = None,
        background: bool = True,
        **options: Any,
    ) -> str:
        """See `controller.storage.base.Collection.create_index`."""
        del background  # an index is created in one step
        _refuse(options)
        with self._file.writing() as link:
            return indexes.create(link, self._table(link), keys, unique=unique, name=name)

    def index_information(self) -> dict[str, dict[str, Any]]:
        """See `controller.storage.base.Collection.index_information`."""
        with self._file.reading() as link:
            table = link.table(self._name)
            return {} if table is None else {k: dict(v) for k, v in table.indexes.items()}

    def drop_index(self, name: str) -> None:
        """See `controller.storage.base.Collection.drop_index`."""
        with self._file.writing() as link:
            indexes.drop(link, self._table(link), name)

    def drop_indexes(self) -> None:
        """See `controller.storage.base.Collection.drop_indexes`."""
        with self._file.writing() as link:
            table = self._table(link)
            for name in [n for n in table.indexes if n != "_id_"]:
                indexes.drop(link, table, name)

    def drop(self, *, session: Session | None = None) -> None:
        """See `controller.storage.base.Collection.drop`."""
        with self._file.writing(_link(session)) as link:
            table = link.table(self._name)
            if table is None:
                return
            for stored in rows.all_rows(link, table):
                rows.drop_parts(link, stored)
            indexes.drop_collection(link, table)

    # ------------------------------------------------------------------ inner work

    def _table(self, link: Link) -> Table:
        table = link.table(self._name, create=True)
        assert table is not None
        return table

    def _read(self, link: Link, stored: Stored, projection: base.Projection) -> Document:
        if projection is None:
            return stored.decode(link, [""])
        shape = Projection(projection)
        return shape(stored.decode(link, shape.paths(), shape.excluded))

    def _abandon(self, ready: list[Prepared]) -> None:
        for prepared in ready:
            for part in prepared.staged:
                self._file.abandon(part)

    def _update(
        self, link: Link, filter: base.Filter, update: base.Update, *, upsert: bool, many: bool
    ) -> UpdateResult:
        change = Change(update)
        if not many:
            return self._change_first(link, filter, change, upsert=upsert)
        query, table = Query(filter), self._table(link)
        # All of them first, so that the update does not find documents it moved itself.
        found = list(query.scan(link, table))
        if not found and upsert:
            document = self._upsert(link, table, query, change)
            return UpdateResult(0, 0, document["_id"])
        modified = sum(self._rewrite(link, table, stored, change) for stored in found)
        return UpdateResult(len(found), modified)

    def _change_first(
        self,
        link: Link,
        filter: base.Filter,
        change: Change | Replacement,
        *,
        upsert: bool,
        staged: Sequence[Part] = (),
    ) -> UpdateResult:
        query, table = Query(filter), self._table(link)
        stored = next(query.scan(link, table, 1), None)
        if stored is not None:
            return UpdateResult(1, int(self._rewrite(link, table, stored, change, staged)))
        if not upsert:
            for part in staged:
                link.drop_part(part)
            return UpdateResult(0, 0)
        document = self._upsert(link, table, query, change, staged)
        return UpdateResult(0, 0, document["_id"])

    def _rewrite(
        self,
        link: Link,
        table: Table,
        stored: Stored,
        change: Change | Replacement,
        staged: Sequence[Part] = (),
    ) -> bool:
        touched = [c for c in table.columns.values() if change.touches(c)]
        paths = [*change.paths, *(path for c in touched for path in c.paths)]
        document, filled = stored.open(link, paths)
        old_keys = {c.path: c.keys(document) for c in touched}
        before = bson.encode(document) if filled else stored.raw
        document = change.apply(document)
        after = bson.encode(document)
        if after == before:  # the hot part may still differ, because values move by size
            for part in staged:
                link.drop_part(part)
            return False
        prepared = Prepared(document, change.cut(document, filled, after), list(staged))
        rows.rewrite(link, table, stored, prepared, columns=touched, old_keys=old_keys)
        return True

    def _upsert(
        self,
        link: Link,
        table: Table,
        query: Query,
        change: Change | Replacement,
        staged: Sequence[Part] = (),
    ) -> Document:
        document = change.seed(query.spec)
        prepared = rows.prepare(self._file, document, stage=False)
        if staged:
            prepared.pieces, prepared.staged = change.cut(prepared.document), list(staged)
        rows.insert(link, table, prepared)
        return prepared.document

    def _delete(self, filter: base.Filter, session: Session | None, limit: int) -> DeleteResult:
        query = Query(filter)
        with self._file.writing(_link(session)) as link:
            table = link.table(self._name)
            if table is None:
                return DeleteResult(0)
            found = list(islice(query.scan(link, table, limit), limit or None))
            for stored in found:
                rows.remove(link, table, stored)
            return DeleteResult(len(found))

    def _execute(self, link: Link, operation: base.WriteOperation) -> dict[str, int]:
        if isinstance(operation, base.InsertOne):
            prepared = rows.prepare(self._file, operation.document, stage=False)
            rows.insert(link, self._table(link), prepared)
            return {"inserted": 1}
        session = Session(link)
        if isinstance(operation, base.DeleteOne):
            return {"deleted": self._delete(operation.filter, session, 1).deleted_count}
        if isinstance(operation, base.DeleteMany):
            return {"deleted": self._delete(operation.filter, session, 0).deleted_count}
        if isinstance(operation, base.ReplaceOne):
            change = Replacement(operation.replacement)
            done = self._change_first(link, operation.filter, change, upsert=operation.upsert)
        else:
            done = self._update(
                link,
                operation.filter,
                operation.update,
                upsert=operation.upsert,
                many=isinstance(operation, base.UpdateMany),
            )
        return {
            "matched": done.matched_count,
            "modified": done.modified_count,
            "upserted": int(done.upserted_id is not None),
        }


def _link(session: Session | None) -> Link | None:
    return None if session is None else session.link


def _shaped(document: Document, projection: base.Projection) -> Document:
    return document if projection is None else Projection(projection)(document)


def _refuse(options: Mapping[str, Any], tolerated: Sequence[str] = ()) -> None:
    """Raise on options that would change a result; options are never ignored silently."""
    wrong = [name for name, value in options.items() if value and name not in tolerated]
    if wrong:
        raise UnsupportedOperationError(f"the option {', '.join(sorted(wrong))}")


def _unique_values(values: list[Any]) -> list[Any]:
    found: dict[Any, Any] = {}
    for value in values:
        if value is not MISSING:
            found.setdefault(index_key(value), value)
    return sorted(found.values(), key=sort_key)
