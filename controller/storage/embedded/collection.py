"""One collection of documents in the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
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
from controller.storage.embedded.known import KnownFields, is_worthwhile
from controller.storage.embedded.projections import projection_of
from controller.storage.embedded.routes import counted
from controller.storage.embedded.rows import Prepared, Stored
from controller.storage.embedded.values import MISSING, index_key, sort_key, value_of_key
from controller.storage.embedded.writes import Before, Writer
from controller.storage.embedded.writes import counted as counted_writes

if TYPE_CHECKING:
    from controller.storage.embedded.file import File
    from controller.storage.embedded.layout import Table
    from controller.storage.embedded.link import Link


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

    def unsynced(self) -> AbstractContextManager[None]:
        """See `controller.storage.base.unsynced`."""
        return self._file.unsynced()

    def synced_once(self) -> AbstractContextManager[None]:
        """See `controller.storage.base.synced_once`."""
        return self._file.synced_once()

    def force(self) -> None:
        """Force to the disk what has been written to the database; see `storage.behind`."""
        self._file.force()

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

    def find_known(
        self, filter: base.Filter, fields: Sequence[str], *, session: Session | None = None
    ) -> list[Document] | None:
        """See `controller.storage.base.KnowsFields`."""
        query = Query(filter)
        with self._file.reading(_link(session)) as link:
            table = link.table(self._name)
            if table is None:
                return []
            if not (KnownFields.has(table, fields) and query.plan(table).exact):
                return None
            sequences = sorted(query.sequences(link, table))
            if not is_worthwhile(link, table, len(sequences)):
                return None
            return [document for _, document in KnownFields(table, fields).read(link, sequences)]

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
            plan = query.plan(table)
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
            plan = query.plan(table)
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
        with self._writer(session) as writer:
            return writer.update(filter, update, upsert=upsert, many=False)

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
        with self._writer(session) as writer:
            return writer.update(filter, update, upsert=upsert, many=True)

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
            with self._writer(session) as writer:
                return writer.change_first(filter, change, upsert=upsert, staged=staged)
        except BaseException:
            for part in staged:
                self._file.abandon(part)
            raise

    def delete_one(self, filter: base.Filter, *, session: Session | None = None) -> DeleteResult:
        """See `controller.storage.base.Collection.delete_one`."""
        return self._delete(filter, session, 1)

    def delete_many(self, filter: base.Filter, *, session: Session | None = None) -> DeleteResult:
        """See `controller.storage.base.Collection.delete_many`."""
        return self._delete(filter, session, 0)

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
        with self._writer(session) as writer:
            link, table = writer.link, writer.table
            stored = next(query.scan(link, table, 1), None)
            if stored is None:
                if not upsert:
                    return None
                document = writer.upsert(query, change)
                return _shaped(document, projection) if after else None
            before = None if after else self._read(link, stored, projection)
            writer.rewrite(stored, change)
            if not after:
                return before
            return self._read(link, Stored(stored.sequence, writer.written), projection)

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
            rows.remove(link, table, stored, rows.side_columns(table))
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
        with self._writer(session) as writer:
            return counted_writes([writer.execute(own_operation(each)) for each in operations])

    def bulk_write_shown(
        self,
        operations: Sequence[base.WriteOperation],
        before: Before,
        fields: Sequence[str],
        *,
        session: Session | None = None,
    ) -> BulkWriteResult:
        """See `controller.storage.base.ShowsBefore`."""
        with self._writer(session, before, fields) as writer:
            return counted_writes([writer.execute(each) for each in operations])

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

    @contextmanager
    def _writer(
        self, session: Session | None, before: Before | None = None, fields: Sequence[str] = ()
    ) -> Iterator[Writer]:
        with self._file.writing(_link(session)) as link:
            yield Writer(self._file, link, self._table(link), before, fields)

    def _delete(self, filter: base.Filter, session: Session | None, limit: int) -> DeleteResult:
        query = Query(filter)
        with self._file.writing(_link(session)) as link:
            table = link.table(self._name)
            if table is None:
                return DeleteResult(0)
            return Writer(self._file, link, table).delete(query, limit)

    def _table(self, link: Link) -> Table:
        table = link.table(self._name, create=True)
        assert table is not None
        return table

    def _read(self, link: Link, stored: Stored, projection: base.Projection) -> Document:
        if projection is None:
            return stored.decode(link, [""])
        shape = projection_of(projection)
        return shape(stored.decode(link, shape.paths(), shape.excluded, shape.ends))

    def _abandon(self, ready: list[Prepared]) -> None:
        for prepared in ready:
            for part in prepared.staged:
                self._file.abandon(part)


def _link(session: Session | None) -> Link | None:
    return None if session is None else session.link


def _shaped(document: Document, projection: base.Projection) -> Document:
    return document if projection is None else projection_of(projection)(document)


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
