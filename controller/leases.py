"""Leases: that the holder of a lock still lives, and how other processes see it.

`controller.locks` states the protocol.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from controller.documents.stored import RENEW_EVERY, utc_now
from controller.errors import LockedDocumentError, StorageClosedError, StorageError
from controller.identity import Liveness, liveness, this_process
from controller.storage.base import Collection, UpdateMany, UpdateOne, WriteOperation

logger = logging.getLogger(__name__)

EXPIRES_AFTER = 20.0
"""Seconds without a renewal after which a lease may be taken over."""

FREE: dict[str, None] = {"lock_id": None, "lock_time": None, "lock_lease": None}
"""What a free document holds."""


def this_owner() -> dict[str, Any]:
    """Describe this process such that its end can be told later."""
    return this_process()


def owner_is_dead(owner: Mapping[str, Any] | None) -> bool:
    """Whether the owner was a process of this host that has ended for certain.

    One of another PID namespace, or one that the system does not show, may live: its lease has to
    run out.
    """
    if not owner or owner.get("host") != socket.gethostname() or not owner.get("boot_id"):
        return False
    return liveness(owner) is Liveness.ENDED


def lock_fields(lock_id: str) -> dict[str, Any]:
    """What a document holds that this process has locked."""
    return {
        "lock_id": lock_id,
        "lock_time": utc_now(),
        "lock_lease": {"id": lock_id, "owner": this_owner(), "seq": 0},
    }


def live_lease(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the lease that belongs to a document's lock, None for a foreign or no lock."""
    lease = document.get("lock_lease")
    lock_id = document.get("lock_id")
    if lock_id is None or not isinstance(lease, dict) or lease.get("id") != lock_id:
        return None
    return lease


def not_renewed_since(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a query for a document whose holder has not renewed its lease since it was read."""
    lease = document["lock_lease"]
    return {
        "_id": document["_id"],
        "lock_id": document["lock_id"],
        "lock_lease.id": lease["id"],
        "lock_lease.seq": lease["seq"],
    }


def locked_error(
    kind: type[LockedDocumentError], document_id: str, document: Mapping[str, Any]
) -> LockedDocumentError:
    """Say who has locked a document."""
    return kind(
        document_id=document_id,
        lock_id=document.get("lock_id"),
        lock_time=document.get("lock_time"),
        owner=(live_lease(document) or {}).get("owner"),
    )


class GivenUpLocks:
    """Locks of this process whose end could not be written: nothing is done under them any more.

    What was written before the database failed is not known. So they are not simply freed: to
    `LeaseObserver` they are as if their holder had died: who takes them over looks.

    Parameters
    ----------
    limit
        Maximum number of locks to remember; the oldest is forgotten first, and expires by itself.
    """

    def __init__(self, *, limit: int = 10_000) -> None:
        self._limit = limit
        self._ids: OrderedDict[str, None] = OrderedDict()
        self._unseen: set[str] = set()
        self._mutex = threading.Lock()

    def add(self, lock_id: str) -> None:
        """Note a lock that this process, which may still hold it, does not renew any more."""
        with self._mutex:
            self._ids[lock_id] = None
            self._unseen.add(lock_id)
            while len(self._ids) > self._limit:
                self._unseen.discard(self._ids.popitem(last=False)[0])

    def __contains__(self, lock_id: object) -> bool:
        return lock_id in self._ids

    def unseen(self) -> frozenset[str]:
        """Return the locks that no recovery has looked at."""
        with self._mutex:
            return frozenset(self._unseen)

    def mark_seen(self, lock_ids: Iterable[str]) -> None:
        """Note that a recovery has looked at these."""
        with self._mutex:
            self._unseen.difference_update(lock_ids)


GIVEN_UP = GivenUpLocks()
"""Those of this process."""


class LeaseObserver:
    """Remembers since when leases have not been renewed, as this process saw it.

    Parameters
    ----------
    clock
        Monotonic seconds; injected by tests.
    limit
        Maximum number of leases to remember; the oldest is forgotten first.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, limit: int = 10_000) -> None:
        self._clock, self._limit = clock, limit
        self._seen: OrderedDict[Any, tuple[str, int, float]] = OrderedDict()
        self._mutex = threading.Lock()

    def is_expired(self, document: Mapping[str, Any]) -> bool:
        """Whether the document's lease may be taken over now; each call is an observation."""
        lease = live_lease(document)
        if lease is None:
            return False
        if lease["id"] in GIVEN_UP or owner_is_dead(lease.get("owner")):
            return True
        now, key = self._clock(), document["_id"]
        with self._mutex:
            known = self._seen.get(key)
            if known is None or known[:2] != (lease["id"], lease["seq"]):
                self._seen[key] = (lease["id"], lease["seq"], now)
                self._seen.move_to_end(key)
                while len(self._seen) > self._limit:
                    self._seen.popitem(last=False)
                return False
        return now - known[2] >= EXPIRES_AFTER


OBSERVER = LeaseObserver()
"""What this process saw; shared, so that a short wait builds on the one before."""


class _Renewer:
    """One thread that renews all leases of this process, while there are any."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._held: dict[str, tuple[Collection, Any]] = {}
        self._threads: dict[str, int] = {}
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._pid = os.getpid()

    def add(self, collection: Collection, document_id: Any, lock_id: str) -> None:
        """Renew a lease until `remove`; a None for the document means all under this lock."""
        with self._mutex:
            if self._pid != os.getpid():  # forked: the thread stayed with the parent
                self._held, self._thread, self._pid = {}, None, os.getpid()
                self._threads = {}
            self._held[f"{lock_id}/{document_id}"] = (collection, document_id)
            self._threads[f"{lock_id}/{document_id}"] = threading.get_ident()
            if self._thread is None or not self._thread.is_alive():
                self._wake = threading.Event()
                self._thread = threading.Thread(target=self._run, name="jfr-leases", daemon=True)
                self._thread.start()

    def remove(self, document_id: Any, lock_id: str) -> None:
        """Stop renewing a lease."""
        with self._mutex:
            self._held.pop(f"{lock_id}/{document_id}", None)
            self._threads.pop(f"{lock_id}/{document_id}", None)

    def locks_of(self, thread: int | None) -> list[str]:
        """Stop renewing the leases that a thread took; returns the ids of their locks."""
        with self._mutex:
            keys = [key for key, holder in self._threads.items() if holder == thread]
            for key in keys:
                self._held.pop(key, None)
                del self._threads[key]
        return [key.partition("/")[0] for key in keys]

    def _run(self) -> None:
        while True:
            self._wake.wait(RENEW_EVERY)
            with self._mutex:
                if not self._held:
                    self._thread = None
                    return
                held = dict(self._held)
            try:
                closed = self.renew(held)
            except Exception:
                logger.exception("leases could not be renewed")
            else:
                with self._mutex:
                    for key in closed:
                        self._held.pop(key, None)
                        self._threads.pop(key, None)

    @staticmethod
    def renew(held: Mapping[str, tuple[Collection, Any]]) -> list[str]:
        """Renew leases, in one command per collection.

        Returns
        -------
        list
            Keys of those that this process cannot renew any more, as it has closed the database.
        """
        closed: list[str] = []
        by_collection: dict[int, tuple[Collection, list[WriteOperation]]] = {}
        for key, (collection, document_id) in held.items():
            lock_id = key.partition("/")[0]
            _, operations = by_collection.setdefault(id(collection), (collection, []))
            ours = {"lock_id": lock_id, "lock_lease.id": lock_id}
            renewal = {"$inc": {"lock_lease.seq": 1}}
            if document_id is None:
                operations.append(UpdateMany(ours, renewal))
            else:
                operations.append(UpdateOne({"_id": document_id, **ours}, renewal))
        for collection, operations in by_collection.values():
            try:
                collection.bulk_write(operations, ordered=False)
            except StorageClosedError:
                closed += [key for key, (where, _) in held.items() if where is collection]
            except StorageError as error:
                # The lease runs out if this goes on; fencing then protects the documents.
                logger.warning("leases could not be renewed: %s", error)
        return closed


_RENEWER = _Renewer()


def renew(collection: Collection, document_id: Any, lock_id: str) -> None:
    """Renew the lease of a document that this process has locked, until `end_renewal`."""
    _RENEWER.add(collection, document_id, lock_id)


def end_renewal(document_id: Any, lock_id: str) -> None:
    """Renew the lease no more."""
    _RENEWER.remove(document_id, lock_id)


def give_up_leases_of(thread: int | None) -> None:
    """Give up all locks that a thread of this process holds, as if it had died; see `GIVEN_UP`."""
    for lock_id in _RENEWER.locks_of(thread):
        GIVEN_UP.add(lock_id)


@contextmanager
def hold_leases(collection: Collection, lock_id: str) -> Iterator[None]:
    """Renew the leases of all documents under one lock of ours, until the block ends."""
    _RENEWER.add(collection, None, lock_id)
    try:
        yield
    finally:
        _RENEWER.remove(None, lock_id)
