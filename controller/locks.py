"""Locks on documents: who works on a job or a flow, and what happens when that process dies.

A lock is two fields that jobflow-remote 1.0.1 knows too, ``lock_id`` and ``lock_time``. Beside
them lies ``lock_lease: {id, owner, seq}``, valid only while ``lease.id == lock_id``:

* The holder renews it every `RENEW_EVERY` seconds (``seq`` + 1), from one thread per process.
* A process that has seen the same (id, seq) for `EXPIRES_AFTER` seconds **of its own monotonic
  clock** takes over, by one update that still asks for that (id, seq). No clock is ever compared
  with another machine's. Where the owner was a process of this host and boot that has ended, the
  lock is taken over at once.
* A lock without a matching lease is other software at work. It is never taken over by
  itself; `break_lock` and ``unlock`` free it.
* A holder that cannot write the end of its work, since the database fails, renews its lease no
  more. What it had written is not known, so it is as if it had died: the process that takes over
  looks, and in this process that may be at once.
* A holder that lost its lease must not write: every write to the locked document asks for its
  ``lock_id``, and `MongoLock.check` is called before the first write to another document.

**Order.** Who needs several documents takes the job first, then its flow, then further jobs of
that flow. No process waits without a limit, and the runner never waits at all, so that two users
who take jobs of one flow in different orders end with *busy*, not in a deadlock.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from contextlib import nullcontext
from copy import deepcopy
from types import TracebackType
from typing import Any
from uuid import uuid4

from controller.errors import (
    ArgumentError,
    LockLostError,
    StorageError,
    StorageUnavailableError,
    WriteConflictError,
)
from controller.identity import named_process
from controller.leases import (
    FREE,
    GIVEN_UP,
    OBSERVER,
    LeaseObserver,
    end_renewal,
    lock_fields,
    not_renewed_since,
    renew,
)
from controller.storage.base import Collection, Document, unsynced
from controller.storage.opening import as_collection

logger = logging.getLogger(__name__)

MAX_SLEEP = 0.5
"""Longest pause, in seconds, between two attempts of a process that waits."""
_LOOKED_AT = ["lock_id", "lock_lease"]


class MongoLock:
    """Locks one document for the time of a ``with`` block.

    Parameters
    ----------
    collection
        The collection of the document: one of jfr's, or pymongo's own.
    filter
        Selects it; the first that matches, in the order of ``sort``.
    update
        Further changes to make when the lock is acquired, as ``{"$set": {...}}``.
    break_lock
        Take the lock even if another process holds it, whose writes are refused from then on.
    lock_id
        Id of the lock; a new one when None.
    sleep
        Wait for a held document, retrying at least after this many seconds; None never waits.
    max_wait
        Seconds to wait at most.
    projection
        Fields of the document to read; lock fields are always included.
    get_locked_doc
        Fetch the document also when another process has locked it, as `unavailable_document`.
    kwargs
        ``sort``.

    Attributes
    ----------
    locked_document
        The document as it is after locking; None when nothing was locked.
    unavailable_document
        The document that another process has locked, with ``sleep``, ``get_locked_doc``.
    update_on_release
        Update to make together with the release: operators, or a pipeline.
    delete_on_release
        Delete the document instead of releasing it.
    """

    LOCK_KEY = "lock_id"
    LOCK_TIME_KEY = "lock_time"

    def __init__(
        self,
        collection: Any,
        filter: Mapping[str, Any] | None,
        update: Mapping[str, Any] | None = None,
        break_lock: bool = False,
        lock_id: str | None = None,
        sleep: float | None = None,
        max_wait: float = 600,
        projection: Any = None,
        get_locked_doc: bool = False,
        *,
        observer: LeaseObserver | None = None,
        **kwargs: Any,
    ) -> None:
        self.collection, self._documents = collection, as_collection(collection)
        self.filter = dict(filter or {})
        self.update, self.break_lock = update, break_lock
        self.lock_id = lock_id or str(uuid4())
        self._id_is_ours = lock_id is None
        self.sleep, self.max_wait = sleep, max_wait
        self.projection, self.get_locked_doc = _with_lock_fields(projection), get_locked_doc
        self.kwargs = kwargs
        self.locked_document: Document | None = None
        self.unavailable_document: Document | None = None
        self.update_on_release: dict[str, Any] | list[dict[str, Any]] = {}
        self.delete_on_release = False
        self._observer = observer or OBSERVER
        self._released: Document | None = None

    @property
    def acquired(self) -> bool:
        """Whether we hold the document."""
        return self.locked_document is not None

    @property
    def is_locked(self) -> bool:
        """Whether nothing was locked: another holds the document, or none matches.

        `unavailable_document` tells the two apart, where it was asked for.
        """
        return self.locked_document is None

    @classmethod
    def get_lock_id(cls, d: Mapping[str, Any]) -> Any:
        """Return the id of the lock on a document, None when it is free."""
        return d.get(cls.LOCK_KEY)

    @classmethod
    def get_lock_time(cls, d: Mapping[str, Any]) -> Any:
        """Return since when a document has been locked, in UTC; None when it is free."""
        return d.get(cls.LOCK_TIME_KEY)

    def acquire(self) -> bool:
        """Try to lock, waiting as the parameters say; True when the document is ours."""
        deadline = time.monotonic() + self.max_wait
        while not self._try():
            left = deadline - time.monotonic()
            if not self.sleep or self.unavailable_document is None or left <= 0:
                return False
            self._wait_for(self.unavailable_document, min(left, MAX_SLEEP))
        return True

    def _wait_for(self, held: Document, seconds: float) -> None:
        """Wait until a document may be free; not for longer, since another one may be free then.

        Those who wait ask for little: with many of them it is what the holder has to wait for.
        """
        end, query = time.monotonic() + seconds, {"_id": held["_id"]}
        while True:
            time.sleep(max(0.0, min(self.sleep or 0.0, MAX_SLEEP, end - time.monotonic())))
            if time.monotonic() >= end:
                return
            now = self.collection.find_one(query, _LOOKED_AT)
            if now is None or now.get("lock_id") is None or self._observer.is_expired(now):
                return

    def _try(self) -> bool:
        self.unavailable_document = None
        free = self.filter if self.break_lock else {**self.filter, "lock_id": None}
        if "lock_id" in self.filter:
            free = self.filter
        self.locked_document = self._take(free)
        while self.locked_document is None and (self.sleep or self.get_locked_doc):
            sort = self.kwargs.get("sort")
            held = self._documents.find_one(self.filter, self.projection, sort=sort)
            if held is None:
                break
            if held.get("lock_id") is not None:
                self.unavailable_document = held
                if self._observer.is_expired(held):
                    self._take_over(held)
                break
            self.locked_document = self._take(free)  # it was released between the two
        if self.locked_document is None:
            return False
        self.unavailable_document = None
        renew(self._documents, self.locked_document["_id"], self.lock_id)
        return True

    def _take(self, query: Mapping[str, Any]) -> Document | None:
        update = _merged({"$set": lock_fields(self.lock_id)}, dict(self.update or {}))
        sort = self.kwargs.get("sort")
        means_more = nullcontext() if self.update else unsynced(self._documents)
        try:
            with means_more:
                return self._documents.find_one_and_update(
                    query, update, self.projection, sort=sort, return_document="after"
                )
        except StorageUnavailableError:
            if self._id_is_ours:
                GIVEN_UP.add(self.lock_id)  # it may have been done before the answer was lost
            raise

    def _take_over(self, held: Document) -> None:
        self.locked_document = self._take(not_renewed_since(held))
        if self.locked_document is not None:
            who = named_process(held["lock_lease"].get("owner"))
            logger.warning("took over the expired lock %s of %s", held["lock_id"], who)

    def check(self, *, session: Any = None) -> None:
        """Make sure that we still hold the document.

        Parameters
        ----------
        session
            Transaction in which to look.

        Raises
        ------
        LockLostError
            The lease was taken over or broken.
        """
        document = self.locked_document
        if document is None:
            raise ArgumentError("the lock was not acquired")
        held = {"_id": document["_id"], "lock_id": self.lock_id}
        confirm_held(self._documents, held, session=session)

    def _lost(self) -> LockLostError:
        return lock_lost(self.lock_id, self._documents)

    def release(self, *, session: Any = None) -> None:
        """Free the document, together with what `update_on_release` says.

        Whatever goes wrong, the lease is not renewed any more.

        Parameters
        ----------
        session
            Transaction to do it in.

        Raises
        ------
        LockLostError
            The document is not ours any more; nothing was written.
        ArgumentError
            Both an update and a deletion were asked for, or an update touches the lock.
        """
        document = self.locked_document
        if document is None:
            return
        try:
            done = self._release(document, session)
        except BaseException:
            self.give_up()
            raise
        self._forget()
        if not done:
            raise self._lost()
        if session is not None:
            self._released = document  # unless the transaction fails

    def _release(self, document: Document, session: Any) -> int:
        if self.delete_on_release and self.update_on_release:
            raise ArgumentError("update_on_release and delete_on_release cannot be combined")
        query = {"_id": document["_id"], "lock_id": self.lock_id}
        if self.delete_on_release:
            return self._documents.delete_one(query, session=session).deleted_count
        update = self._release_update()
        return self._documents.update_one(query, update, session=session).matched_count

    def _release_update(self) -> Any:
        if isinstance(self.update_on_release, list):
            return [*self.update_on_release, {"$set": dict(FREE)}]
        return _merged(deepcopy(self.update_on_release), {"$set": dict(FREE)})

    def abandon(self, *, unchanged: Mapping[str, Any] | None = None) -> None:
        """Free the document without any other change; a lock lost already is fine.

        Parameters
        ----------
        unchanged
            Values that these fields must still have; otherwise the lock is given up.
        """
        document = self.locked_document
        if document is None:
            return
        query = {"_id": document["_id"], "lock_id": self.lock_id}
        try:
            freed = {"$set": dict(FREE)}
            done = self._documents.update_one({**query, **(unchanged or {})}, freed).matched_count
        except BaseException:
            self.give_up()
            raise
        if not done and unchanged:
            self.give_up()
            return
        if not done and self._released is None:
            logger.warning("%s", self._lost())
        self._forget()

    def give_up(self) -> None:
        """Hold the document no more, and leave it to the process that takes the lock over.

        For an end of which is not known how much was written: that process looks, and finishes it.
        """
        if self.locked_document is not None:
            GIVEN_UP.add(self.lock_id)
        self._forget()

    def _forget(self) -> None:
        if self.locked_document is not None:
            end_renewal(self.locked_document["_id"], self.lock_id)
        self.locked_document = None

    def __enter__(self) -> MongoLock:
        self.acquire()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self.release()
            return
        if self._released is not None:
            self.locked_document = self._released  # the transaction may have been undone
        elif self.acquired and self.update_on_release:
            logger.warning("releasing a lock after %s: its update was not made", kind.__name__)
        if isinstance(error, StorageUnavailableError) and not isinstance(error, WriteConflictError):
            self.give_up()
            return
        try:
            self.abandon()
        except StorageError as storage_error:
            # The first error is the one to report; the lock was given up.
            logger.warning("a lock could not be released: %s", storage_error)


def confirm_held(
    collection: Collection, document: Mapping[str, Any], *, session: Any = None
) -> None:
    """Make sure that a document which was read under a lock is still held under that lock.

    Parameters
    ----------
    document
        A document with ``_id`` and ``lock_id``.

    Raises
    ------
    LockLostError
        The lease was taken over or broken.
    """
    query = {"_id": document["_id"], "lock_id": document["lock_id"]}
    if collection.find_one(query, ["_id"], session=session) is None:
        raise lock_lost(document["lock_id"], collection)


def lock_lost(lock_id: str, collection: Collection) -> LockLostError:
    """Return the error of a holder that has lost its lock."""
    return LockLostError(
        f"the lock {lock_id} on a document of {collection.name} was lost",
        hint="nothing was written; the action can be tried again",
    )


def _with_lock_fields(projection: Any) -> Any:
    if projection is None:
        return None
    if isinstance(projection, Mapping):
        if any(value for key, value in projection.items() if key != "_id"):
            return {**projection, **dict.fromkeys(FREE, 1)}
        return {k: v for k, v in projection.items() if k not in FREE} or None
    return [*dict.fromkeys([*projection, *FREE])]


def _merged(first: dict[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """Merge two updates, operator by operator.

    Raises
    ------
    ArgumentError
        Both give one field a different value.
    """
    out = {op: dict(fields) for op, fields in first.items()}
    for op, fields in second.items():
        known = out.setdefault(op, {})
        for key, value in fields.items():
            if key in known and known[key] != value:
                raise ArgumentError(f"the update sets {key} twice")
            known[key] = value
    return out
