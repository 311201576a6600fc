"""Lock many documents of one collection at once, under one lock; `controller.locks` locks one.

Two commands lock any number of documents, and one command locks one; those that another process has
locked are left out and reported. Nothing is waited for, so two processes that want the same
documents cannot block each other. For the lease, and the handling of dead holders and database
failures, see `controller.locks`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from controller.errors import StorageError, StorageUnavailableError, WriteConflictError
from controller.leases import (
    FREE,
    GIVEN_UP,
    OBSERVER,
    hold_leases,
    lock_fields,
    not_renewed_since,
)
from controller.storage.base import Collection, Document, UpdateOne, unsynced
from controller.storage.conflicts import repeat_on_conflict

logger = logging.getLogger(__name__)

_LOCK_FIELDS = ("lock_id", "lock_time", "lock_lease")


@dataclass
class LockedDocuments:
    """Locked documents.

    Attributes
    ----------
    collection
        The collection of the documents.
    lock_id
        Id of the lock, the same on all of them.
    documents
        {value of the key: document when it was locked}. Documents unlocked in another way are
        removed.
    unavailable
        {value of the key: the lock fields of a document that another process has locked}; None if
        there is no such document.
    """

    collection: Collection
    lock_id: str
    documents: dict[Any, Document] = field(default_factory=dict)
    unavailable: dict[Any, Document | None] = field(default_factory=dict)


@contextmanager
def lock_documents(
    collection: Collection,
    key: str,
    values: Sequence[Any] | Callable[[Any], Sequence[Any]],
    projection: Sequence[str] | Mapping[str, Any] | None = None,
    *,
    matching: Mapping[str, Any] | None = None,
    break_lock: bool = False,
    transactional: bool = False,
    fields: Mapping[str, Any] | None = None,
    within: Callable[[], AbstractContextManager[Any]] = nullcontext,
) -> Iterator[LockedDocuments]:
    """Lock the documents that are free; release at the end those that are still locked.

    Parameters
    ----------
    key, values
        The field that identifies the documents, and its values; a function chooses them, given the
        session of ``within``.
    projection
        Fields to read; must include the key.
    matching
        Lock only documents that match this query; the others are in ``unavailable``.
    break_lock
        Break the locks of other processes.
    transactional
        The work under the lock is done in one transaction, so that nothing was written if the
        database fails. Otherwise that is unknown then, and the lock is left to expire.
    fields
        Fields to set with the lock.
    within
        The transaction in which the documents are chosen and locked; over before the block begins.
    """
    locked = LockedDocuments(collection, str(uuid4()))
    with hold_leases(collection, locked.lock_id):
        taken = False
        try:
            update = {"$set": {**(fields or {}), **lock_fields(locked.lock_id)}}
            with unsynced(collection), within() as session:
                chosen = values(session) if callable(values) else values
                if chosen:
                    _take(
                        locked,
                        key,
                        chosen,
                        projection,
                        update,
                        matching,
                        break_lock=break_lock,
                        session=session,
                    )
            taken = True
            yield locked
        except BaseException as error:
            whole = transactional or isinstance(error, WriteConflictError)
            if taken and isinstance(error, StorageUnavailableError) and not whole:
                GIVEN_UP.add(locked.lock_id)  # what was written is not known
            else:
                _free(locked)
            raise
        if locked.documents:
            _free(locked)


def look_at_locks(
    collection: Collection, key: str, values: Sequence[Any]
) -> tuple[dict[Any, Document | None], list[dict[str, Any]]]:
    """Read the locks of documents; each call observes their leases.

    Returns
    -------
    dict
        {value of the key: lock fields, None if there is no such document}.
    list
        A query for documents that may be locked after all: they are free, or their lease has
        expired.
    """
    fields = [*dict.fromkeys(("_id", key, *_LOCK_FIELDS))]
    found = {d[key]: d for d in collection.find({key: {"$in": list(values)}}, fields)}
    available = []
    for document in found.values():
        if document.get("lock_id") is None:
            available.append({"_id": document["_id"], "lock_id": None})
        elif OBSERVER.is_expired(document):
            available.append(not_renewed_since(document))
    return {value: found.get(value) for value in values}, available


def _take(
    locked: LockedDocuments,
    key: str,
    values: Sequence[Any],
    projection: Any,
    update: Mapping[str, Any],
    matching: Mapping[str, Any] | None,
    *,
    break_lock: bool,
    session: Any,
) -> None:
    collection, ours = locked.collection, {"lock_id": locked.lock_id}
    query: dict[str, Any] = {key: {"$in": list(values)}}
    if not break_lock:
        query["lock_id"] = None
    if len(values) == 1:
        query = _both({**query, key: values[0]}, matching)
        one = collection.find_one_and_update(
            query, update, projection, return_document="after", session=session
        )
        locked.documents.update({} if one is None else {one[key]: one})
    else:

        def lock_all() -> None:
            collection.update_many(_both(query, matching), update, session=session)

        repeat_on_conflict(lock_all)
        found = collection.find(ours, projection, session=session)
        locked.documents.update({d[key]: d for d in found})
    missing = [value for value in values if value not in locked.documents]
    if not missing or session is not None:
        return
    locked.unavailable, available = look_at_locks(collection, key, missing)
    if available:
        operations = [UpdateOne(_both(one, matching), update) for one in available]
        collection.bulk_write(operations, ordered=False)
        late = collection.find({**ours, key: {"$in": missing}}, projection)
        locked.documents.update({d[key]: d for d in late})
        for value in locked.documents:
            locked.unavailable.pop(value, None)


def _both(query: dict[str, Any], matching: Mapping[str, Any] | None) -> dict[str, Any]:
    if not matching:
        return query
    if query.keys().isdisjoint(matching):  # flat conditions are understood without reading
        return {**query, **matching}
    return {"$and": [query, matching]}


def _free(locked: LockedDocuments) -> None:
    try:

        def free_all() -> None:
            with unsynced(locked.collection):
                locked.collection.update_many({"lock_id": locked.lock_id}, {"$set": dict(FREE)})

        repeat_on_conflict(free_all)
    except StorageError as error:
        # The error of the work itself is the one to report; the next process takes these over.
        GIVEN_UP.add(locked.lock_id)
        logger.warning("documents of %s could not be unlocked: %s", locked.collection.name, error)
