"""A queue that dies at a chosen write, and what is left of it."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from controller.errors import StorageUnavailableError
from controller.operations.queue import Queue
from controller.storage.base import Document

WRITES = (
    "insert_one",
    "insert_many",
    "update_one",
    "update_many",
    "replace_one",
    "delete_one",
    "delete_many",
    "bulk_write",
    "bulk_write_shown",  # only one engine has it
    "find_one_and_update",
    "find_one_and_delete",
)


class Killed(BaseException):
    """The process is gone."""


class Fuse:
    """Counts writes and blows at one of them.

    Parameters
    ----------
    at
        Number of the write, from 1; 0 never blows.
    after
        Whether the write is still carried out.
    """

    def __init__(self, at: int = 0, *, after: bool = False) -> None:
        self.at, self.after = at, after
        self.writes, self.blown = 0, False

    def call(self, method: Any, name: str, args: Any, kwargs: Any) -> Any:
        """Carry out a call unless the process is dead, or dies now."""
        if threading.current_thread().name == "jfr-leases":
            # It renews by the clock: which write it is would change from run to run.
            if self.blown:
                raise StorageUnavailableError("the process is gone")
            return method(*args, **kwargs)
        if self.blown:
            raise Killed
        if name not in WRITES:
            return method(*args, **kwargs)
        self.writes += 1
        if self.writes != self.at:
            return method(*args, **kwargs)
        if self.after:
            method(*args, **kwargs)
        self.blown = True
        raise Killed


class _Collection:
    def __init__(self, inner: Any, fuse: Fuse) -> None:
        self._inner, self._fuse = inner, fuse

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return found
        return lambda *args, **kwargs: self._fuse.call(found, name, args, kwargs)


class _Database:
    def __init__(self, inner: Any, fuse: Fuse, *, transactions: bool) -> None:
        self._inner, self._fuse, self._transactions = inner, fuse, transactions

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def collection(self, name: str) -> Any:
        return _Collection(self._inner.collection(name), self._fuse)

    @property
    def supports_transactions(self) -> bool:
        return self._transactions

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        if not self._transactions:
            yield None
            return
        with self._inner.transaction() as session:
            yield session


def dying(queue: Queue, fuse: Fuse, *, transactions: bool) -> Queue:
    """Wrap a queue such that the fuse can kill whoever uses it."""
    names = ("jobs", "flows", "auxiliary", "batches")
    # Below what tells the event log: so a change and its event are two moments to die at.
    inner = {name: getattr(getattr(queue, name), "_inner", getattr(queue, name)) for name in names}
    wrapped: dict[str, Any] = {name: _Collection(c, fuse) for name, c in inner.items()}
    database: Any = _Database(queue.database, fuse, transactions=transactions)
    return dataclasses.replace(queue, database=database, **wrapped)


Snapshot = dict[str, list[Document]]


def snapshot(queue: Queue) -> Snapshot:
    """Read everything."""
    return {name: list(getattr(queue, name).find({})) for name in ("jobs", "flows", "auxiliary")}


def restore(queue: Queue, saved: Snapshot) -> None:
    """Put everything back as it was read."""
    for name, documents in saved.items():
        getattr(queue, name).delete_many({})
        getattr(queue, name).insert_many([dict(d) for d in documents])


def bury(queue: Queue) -> None:
    """Make every lock one of a process that has ended."""
    gone = {"$set": {"lock_lease.owner.start_time": "before the crash"}}
    for collection in (queue.jobs, queue.flows):
        collection.update_many({"lock_id": {"$ne": None}}, gone)


def essence(queue: Queue) -> Any:
    """Everything that a crash must not change: no times, no numbers of documents."""
    hidden = ("_id", "db_id", "created_on", "updated_on", "lock_lease", "remote")
    jobs = {}
    for job in queue.jobs.find({}):
        kept = {k: v for k, v in job.items() if k not in hidden}
        for attempt in kept.get("attempts") or []:
            attempt.pop("ended_on")
            attempt.get("retry", {}).pop("at", None)
        jobs[job["uuid"], job["index"]] = {**kept, "parents": sorted(job["parents"])}
    flows = []
    for flow in queue.flows.find({}):
        parents = {
            (uuid, index): sorted(many)
            for uuid, by_index in flow["parents"].items()
            for index, many in by_index.items()
        }
        ids = sorted((uuid, index) for _, uuid, index in flow["ids"])
        flows.append((flow["state"], flow["lock_id"], sorted(flow["jobs"]), ids, parents))
    return jobs, flows
