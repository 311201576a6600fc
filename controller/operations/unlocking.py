"""Unlock documents whose holder has died without a lease that could be taken over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from controller.filters import FlowFilter, JobFilter
from controller.leases import FREE
from controller.operations.queue import Queue
from controller.storage.base import Collection, Filter


@dataclass(frozen=True)
class HeldLock:
    """A lock of a job or a flow.

    Attributes
    ----------
    db_id
        db_id of the job; for a flow, its uuid.
    name
        Name of the job or flow; None if it has none.
    lock_id
        Id of the lock.
    lock_time
        Time at which it was locked, in UTC.
    """

    db_id: str
    name: str | None
    lock_id: str
    lock_time: datetime | None


def find_locks(
    queue: Queue, collection: Collection, selection: JobFilter | FlowFilter
) -> list[HeldLock]:
    """Return the locks of the selected documents, including damaged ones; ``locked=True``."""
    fields = ["db_id", "uuid", "name", "job.name", "lock_id", "lock_time"]
    return [
        HeldLock(
            doc.get("db_id") or doc["uuid"],
            doc.get("name") or (doc.get("job") or {}).get("name"),
            doc["lock_id"],
            doc.get("lock_time"),
        )
        for doc in collection.find(queue.query(selection), fields)
    ]


def unlock_held(collection: Collection, key: str, held: Sequence[HeldLock]) -> int:
    """Remove exactly these locks, not those set meanwhile; return the number removed.

    Parameters
    ----------
    The field that identifies the document by ``db_id``.
        The field that holds what stands for ``db_id``.
    """
    query = {
        key: {"$in": [one.db_id for one in held]},
        "lock_id": {"$in": [one.lock_id for one in held]},
    }
    return collection.update_many(query, {"$set": dict(FREE)}).modified_count


def unlock(
    queue: Queue,
    collection: Collection,
    selection: JobFilter | FlowFilter,
    *,
    dry_run: bool = False,
) -> int:
    """Remove the locks of the selected documents, whichever process holds them, in one update.

    If the holder is still alive, it loses its lock: its next write is refused with `LockLostError`,
    so nothing gets mixed up.

    Parameters
    ----------
    selection
        Including ``locked=True``.
    dry_run
        Only count the locks.

    Returns
    -------
    int
        Number of documents that were unlocked, or would be.
    """
    query = queue.query(selection)
    if dry_run:
        return collection.count_documents(query)
    return collection.update_many(query, {"$set": dict(FREE)}).modified_count


def unlock_one(collection: Collection, query: Filter, *, dry_run: bool = False) -> tuple[int, int]:
    """Remove the lock of one document; return (documents found, documents that were locked)."""
    found = collection.count_documents(query, limit=1)
    locked = {**query, "lock_id": {"$ne": None}}
    if dry_run:
        return found, collection.count_documents(locked, limit=1)
    return found, collection.update_one(locked, {"$set": dict(FREE)}).modified_count
