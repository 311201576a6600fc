"""Freeing documents whose holder is gone and left no lease to take over."""

from __future__ import annotations

from controller.filters import FlowFilter, JobFilter
from controller.leases import FREE
from controller.operations.queue import Queue
from controller.storage.base import Collection, Filter


def unlock(
    queue: Queue,
    collection: Collection,
    selection: JobFilter | FlowFilter,
    *,
    dry_run: bool = False,
) -> int:
    """Remove the locks of the selected documents, whoever holds them, in one update.

    A holder that is alive after all loses his lock: his next write is refused with
    `LockLostError`, so that nothing gets mixed up.

    Parameters
    ----------
    selection
        With ``locked=True``.
    dry_run
        Count only.

    Returns
    -------
    int
        Documents that were unlocked, or would be.
    """
    query = queue.query(selection)
    if dry_run:
        return collection.count_documents(query)
    return collection.update_many(query, {"$set": dict(FREE)}).modified_count


def unlock_one(collection: Collection, query: Filter, *, dry_run: bool = False) -> tuple[int, int]:
    """Remove the lock of one document; returns (documents found, documents that were locked)."""
    found = collection.count_documents(query, limit=1)
    locked = {**query, "lock_id": {"$ne": None}}
    if dry_run:
        return found, collection.count_documents(locked, limit=1)
    return found, collection.update_one(locked, {"$set": dict(FREE)}).modified_count
