"""A collection that reports its writes to the event log.

Every write of the controller to jobs and flows goes through here, whatever makes it: so no change
of a state can be forgotten. The data of an event is read with the write itself
(``find_one_and_update``, `ShowsBefore`), or before it in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar, cast

from controller.operations.event_log import EventLog
from controller.rules.events import (
    DELETION,
    FLOW_FIELDS,
    JOB_FIELDS,
    KEYS,
    Change,
    added_flow,
    added_jobs,
    change_of,
    flow_events,
    is_comparable,
    job_events,
    selects,
    wanted_values,
)
from controller.storage.base import (
    BulkWriteResult,
    Collection,
    Database,
    DeleteMany,
    DeleteOne,
    DeleteResult,
    Document,
    ShowsBefore,
    UpdateMany,
    UpdateOne,
    UpdateResult,
    WriteOperation,
    synced_once,
    unsynced,
)

Told = tuple[WriteOperation, Change]
R = TypeVar("R")


def recorded(
    collection: Collection, database: Database, log: EventLog, *, flows: bool = False
) -> Collection:
    """Return a collection whose writes are recorded in a log.

    Parameters
    ----------
    flows
        It is the flows' collection, not that of the jobs.
    """
    if not log.enabled or getattr(collection, "is_recorded", None) is True:
        return collection
    return cast(Collection, RecordedCollection(collection, database, log, flows=flows))


class RecordedCollection:
    """See `controller.storage.base.Collection` for what its methods promise.

    Everything else is passed on to the collection: reads, and writes without events.

    Parameters
    ----------
    collection
        The collection itself.
    database
        Its database.
    log
        The log that receives the events.
    flows
        It is the flows' collection, not that of the jobs.
    """

    is_recorded = True

    def __init__(
        self, collection: Collection, database: Database, log: EventLog, *, flows: bool
    ) -> None:
        self._inner, self._database, self._log = collection, database, log
        self._shows_before = collection if isinstance(collection, ShowsBefore) else None
        self._is_of_flows = flows
        self._fields = FLOW_FIELDS if flows else JOB_FIELDS
        self._events_of = flow_events if flows else job_events

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def unsynced(self) -> AbstractContextManager[None]:
        """See `controller.storage.base.unsynced`."""
        return unsynced(self._inner)

    def synced_once(self) -> AbstractContextManager[None]:
        """See `controller.storage.base.synced_once`."""
        return synced_once(self._inner)

    @contextmanager
    def _joined(self, session: Any) -> Iterator[Any]:
        """Yield the session of the write and its event: a new one if that costs nothing."""
        if session is not None or not self._database.transactions_never_conflict:
            yield session
            return
        with self._database.transaction() as own:
            yield own

    def insert_one(self, document: Document, *, session: Any = None) -> Any:
        """Insert a document, and record it."""
        with self._joined(session) as joined:
            done = self._inner.insert_one(document, session=joined)
            told = [added_flow(document)] if self._is_of_flows else added_jobs([document])
            self._log.write(told, session=joined)
        return done

    def insert_many(
        self, documents: Iterable[Document], *, ordered: bool = True, session: Any = None
    ) -> Any:
        """Insert documents, and record them."""
        given = list(documents)
        if not given:
            return self._inner.insert_many(given, ordered=ordered, session=session)
        with self._joined(session) as joined:
            done = self._inner.insert_many(given, ordered=ordered, session=joined)
            told = [added_flow(d) for d in given] if self._is_of_flows else added_jobs(given)
            self._log.write(told, session=joined)
        return done

    def update_one(
        self, filter: Any, update: Any, *, upsert: bool = False, session: Any = None
    ) -> UpdateResult:
        """Change the first matching document, and record it."""
        change = change_of(filter, update)
        if change is None or upsert:
            return self._inner.update_one(filter, update, upsert=upsert, session=session)
        with self._joined(session) as joined:
            before = self._inner.find_one_and_update(
                filter, update, list(self._fields), session=joined
            )
            if before is None:
                return UpdateResult(0, 0)
            self._log.write(self._events_of(before, change), session=joined)
        return UpdateResult(1, 1)

    def update_many(
        self, filter: Any, update: Any, *, upsert: bool = False, session: Any = None
    ) -> UpdateResult:
        """Change every matching document, and record them."""

        def write(joined: Any) -> UpdateResult:
            return self._inner.update_many(filter, update, upsert=upsert, session=joined)

        return self._told([UpdateMany(filter, update, upsert)], write, _as_update, session)

    def delete_one(self, filter: Any, *, session: Any = None) -> DeleteResult:
        """Delete the first matching document, and record it."""

        def write(joined: Any) -> DeleteResult:
            return self._inner.delete_one(filter, session=joined)

        return self._told([DeleteOne(filter)], write, _as_deletion, session)

    def delete_many(self, filter: Any, *, session: Any = None) -> DeleteResult:
        """Delete every matching document; recorded unless these are all jobs of flows, or all."""

        def write(joined: Any) -> DeleteResult:
            return self._inner.delete_many(filter, session=joined)

        if not filter or "job.hosts" in filter:
            return write(session)
        return self._told([DeleteMany(filter)], write, _as_deletion, session)

    def bulk_write(
        self,
        operations: Sequence[WriteOperation],
        *,
        ordered: bool = True,
        session: Any = None,
    ) -> BulkWriteResult:
        """Do many writes in one round trip, and record them."""

        def write(joined: Any) -> BulkWriteResult:
            return self._inner.bulk_write(operations, ordered=ordered, session=joined)

        return self._told(operations, write, lambda done: done, session)

    def find_one_and_update(
        self,
        filter: Any,
        update: Any,
        projection: Any = None,
        *,
        sort: Any = None,
        upsert: bool = False,
        return_document: Any = "before",
        session: Any = None,
    ) -> Document | None:
        """Change the first matching document, record it, and return it."""
        change = change_of(filter, update)
        keywords = {"sort": sort, "upsert": upsert, "return_document": return_document}
        if change is None:
            return self._inner.find_one_and_update(
                filter, update, projection, session=session, **keywords
            )
        with self._joined(session) as joined:
            state = filter.get("state")
            if return_document in ("after", True) and not isinstance(state, str):
                found = self._inner.find_one(filter, ["state"], sort=sort, session=joined)
                state = found and found["state"]
            done = self._inner.find_one_and_update(
                filter, update, self._with_fields(projection), session=joined, **keywords
            )
            if done is not None:
                before = {**done, "state": state if isinstance(state, str) else done.get("state")}
                if return_document in ("after", True):
                    before["updated_on"] = None  # that of the state before is not known
                self._log.write(self._events_of(before, change), session=joined)
        return done

    def find_one_and_delete(
        self, filter: Any, projection: Any = None, *, sort: Any = None, session: Any = None
    ) -> Document | None:
        """Delete the first matching document, record it, and return it."""
        with self._joined(session) as joined:
            gone = self._inner.find_one_and_delete(
                filter, self._with_fields(projection), sort=sort, session=joined
            )
            if gone is not None:
                self._log.write(self._events_of(gone, DELETION), session=joined)
        return gone

    def _with_fields(self, projection: Any) -> Any:
        """Add the fields that events need to a projection."""
        if projection is None:
            return None
        if isinstance(projection, Mapping):
            if any(value for key, value in projection.items() if key != "_id"):
                wanted = [f for f in self._fields if not _includes(projection, f)]
                return {**projection, **dict.fromkeys(wanted, 1)}
            return {k: v for k, v in projection.items() if k not in self._fields} or None
        wanted = [f for f in self._fields if not _includes(projection, f)]
        return [*projection, *wanted]

    def _told(
        self,
        operations: Sequence[WriteOperation],
        write: Callable[[Any], R],
        as_result: Callable[[BulkWriteResult], R],
        session: Any,
    ) -> R:
        """Change documents, and record their previous state, if there is anything to record."""
        told = [(op, change) for op in operations if (change := _change_of(op)) is not None]
        if not told:
            return write(session)
        with self._joined(session) as joined:
            if joined is not None and self._shows_before is not None:
                return as_result(self._shown(self._shows_before, operations, told, joined))
            found = [pair for group in self._read(told, joined) for pair in group]
            done = write(joined)
            # Without a transaction, another process may have been faster, or written in between.
            if joined is None and found and len(found) != _number_changed(done):
                found = self._confirmed(found)
            events = [e for doc, change in found for e in self._events_of(doc, change)]
            self._log.write(events, session=joined)
        return done

    def _shown(
        self,
        inner: ShowsBefore,
        operations: Sequence[WriteOperation],
        told: Sequence[Told],
        session: Any,
    ) -> BulkWriteResult:
        """Write, and take the data of events from the documents that the write reads anyway."""
        changes = {id(operation): change for operation, change in told}
        events: list[dict[str, Any]] = []

        def before(operation: WriteOperation, document: Document) -> None:
            if (change := changes.get(id(operation))) is not None:
                events.extend(self._events_of(document, change))

        done = inner.bulk_write_shown(operations, before, self._fields, session=session)
        self._log.write(events, session=session)
        return done

    def _read(self, told: Sequence[Told], session: Any) -> Iterator[list[tuple[Document, Change]]]:
        """Read the documents that operations select, with as few queries as their keys allow."""
        by_key: dict[str, list[Told]] = {}
        for op, change in told:
            query = cast(Mapping[str, Any], getattr(op, "filter"))  # noqa: B009
            key = next((k for k in KEYS if k in query and wanted_values(query[k])), None)
            if key is not None and is_comparable(query):
                by_key.setdefault(key, []).append((op, change))
                continue
            limit = 1 if isinstance(op, (UpdateOne, DeleteOne)) else 0
            found = self._inner.find(query, list(self._fields), limit=limit, session=session)
            yield [(doc, change) for doc in found]
        for key, group in by_key.items():
            yield self._read_by(key, group, session)

    def _read_by(
        self, key: str, group: Sequence[Told], session: Any
    ) -> list[tuple[Document, Change]]:
        by_value: dict[Any, list[Told]] = {}
        for op, change in group:
            for value in wanted_values(op.filter[key]) or ():  # type: ignore[union-attr]
                by_value.setdefault(value, []).append((op, change))
        query = {key: {"$in": list(by_value)}}
        return [
            (doc, change)
            for doc in self._inner.find(query, list(self._fields), session=session)
            for op, change in by_value.get(doc[key], ())
            if selects(op.filter, doc, known=key)  # type: ignore[union-attr]
        ]

    def _confirmed(self, found: list[tuple[Document, Change]]) -> list[tuple[Document, Change]]:
        """Keep the documents that have been changed, judging by their present content."""
        query = {"_id": {"$in": [doc["_id"] for doc, _ in found]}}
        now = {doc["_id"]: doc for doc in self._inner.find(query, ["state", "lock_id"])}
        return [(doc, change) for doc, change in found if _is_done(change, now.get(doc["_id"]))]


def _is_done(change: Change, now: Document | None) -> bool:
    if change.deletes or now is None:
        return change.deletes and now is None
    if change.takes_over:
        return bool(now.get("lock_id") == change.lock_id)
    return change.state is None or bool(now["state"] == change.state)


def _number_changed(done: Any) -> int:
    return getattr(done, "matched_count", 0) + getattr(done, "deleted_count", 0)


def _as_update(done: BulkWriteResult) -> UpdateResult:
    return UpdateResult(done.matched_count, done.modified_count)


def _as_deletion(done: BulkWriteResult) -> DeleteResult:
    return DeleteResult(done.deleted_count)


def _change_of(operation: WriteOperation) -> Change | None:
    if isinstance(operation, (DeleteOne, DeleteMany)):
        return DELETION
    if isinstance(operation, (UpdateOne, UpdateMany)) and not operation.upsert:
        return change_of(operation.filter, operation.update)
    return None


def _includes(projection: Iterable[str], path: str) -> bool:
    """Whether a projection includes a path, or a part of it, with which it would collide."""
    return any(
        path == p or path.startswith(f"{p}.") or p.startswith(f"{path}.") for p in projection
    )
