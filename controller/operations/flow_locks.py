"""Hold several flows at once, for an action on many jobs.

Two commands take any number of flows, and one gives them back. Flows that somebody else holds are
left out and named; nobody waits while he holds others, so two such actions cannot block each
other.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from controller.errors import (
    ControllerError,
    FlowLockedError,
    FlowNotFoundError,
    LockedDocumentError,
    LockLostError,
    StateError,
    StorageError,
    StorageUnavailableError,
    WriteConflictError,
)
from controller.leases import FREE, GIVEN_UP, OBSERVER, hold_leases, live_lease, lock_fields
from controller.operations.queue import Queue
from controller.storage.base import Document, UpdateOne

logger = logging.getLogger(__name__)


@dataclass
class LockedFlows:
    """Flows that we hold.

    Attributes
    ----------
    queue
        Where they are.
    lock_id
        Of our lock; the same on all of them.
    documents
        {uuid: document as it was locked}.
    unavailable
        {uuid: why it could not be had}.
    """

    queue: Queue
    lock_id: str
    documents: dict[str, Document] = field(default_factory=dict)
    unavailable: dict[str, ControllerError] = field(default_factory=dict)

    def check(self, session: Any = None) -> None:
        """Make sure that we still hold all of them.

        Raises
        ------
        LockLostError
            A lease was taken over or broken.
        """
        query = {"lock_id": self.lock_id}
        if self.queue.flows.count_documents(query, session=session) < len(self.documents):
            raise self._lost()

    def release(
        self, updates: Mapping[str, Mapping[str, Mapping[str, Any]]], *, session: Any = None
    ) -> None:
        """Change flows and give them back, in one command.

        Parameters
        ----------
        updates
            {uuid: update operators}; flows that are not in it stay held.

        Raises
        ------
        LockLostError
            One of them is not ours any more.
        """
        operations = []
        for uuid, update in updates.items():
            query = {"_id": self.documents[uuid]["_id"], "lock_id": self.lock_id}
            fields = {**update.get("$set", {}), **FREE}
            operations.append(UpdateOne(query, {**update, "$set": fields}))
        done = self.queue.flows.bulk_write(operations, session=session)
        if done.matched_count < len(operations):
            raise self._lost()
        for uuid in updates:
            del self.documents[uuid]

    def _lost(self) -> LockLostError:
        return LockLostError(
            f"the lock {self.lock_id} on a flow was lost",
            hint="the action can be tried again: it goes on where it stopped",
        )


@contextmanager
def lock_flows(
    queue: Queue, uuids: Sequence[str], projection: Sequence[str] | Mapping[str, Any], **how: Any
) -> Iterator[LockedFlows]:
    """Lock those of the flows that can be had at once; give back at the end what still is held.

    Parameters
    ----------
    projection
        What to read of them.
    how
        ``break_lock``: take them whoever holds them. ``look_only``: lock nothing; the documents
        are read, and those that others hold are unavailable all the same. ``matching``: a query;
        flows that it does not match, when they are locked, are unavailable.
    """
    look_only = how.pop("look_only", False)
    held = LockedFlows(queue, str(uuid4()))
    if look_only:
        _look(held, uuids, projection, **how)
        yield held
        return
    with hold_leases(queue.flows, held.lock_id):
        entered = False
        try:
            _take(held, uuids, projection, **how)
            entered = True
            yield held
        except BaseException as error:
            whole = queue.database.supports_transactions or isinstance(error, WriteConflictError)
            if entered and isinstance(error, StorageUnavailableError) and not whole:
                GIVEN_UP.add(held.lock_id)  # what was written is not known: see `controller.locks`
            else:
                _give_back(held)
            raise
        if held.documents:
            _give_back(held)


def _give_back(held: LockedFlows) -> None:
    try:
        held.queue.flows.update_many({"lock_id": held.lock_id}, {"$set": dict(FREE)})
    except StorageError as error:
        GIVEN_UP.add(held.lock_id)
        logger.warning("flows could not be unlocked: %s", error)


def _take(
    held: LockedFlows,
    uuids: Sequence[str],
    projection: Any,
    *,
    break_lock: bool = False,
    matching: Mapping[str, Any] | None = None,
) -> None:
    flows, fields = held.queue.flows, {"$set": lock_fields(held.lock_id)}
    query: dict[str, Any] = {"uuid": {"$in": list(uuids)}}
    flows.update_many(_both(query if break_lock else {**query, "lock_id": None}, matching), fields)
    ours = {"lock_id": held.lock_id}
    held.documents.update({d["uuid"]: d for d in flows.find(ours, projection)})
    missing = [uuid for uuid in uuids if uuid not in held.documents]
    if not missing:
        return
    expired = _look_at_others(held, missing)
    if expired:
        operations = [UpdateOne(_both(query, matching), fields) for query in expired]
        flows.bulk_write(operations, ordered=False)
        late = flows.find({**ours, "uuid": {"$in": missing}}, projection)
        held.documents.update({d["uuid"]: d for d in late})
        for uuid in held.documents:
            held.unavailable.pop(uuid, None)
    _note_unmatched(held, [uuid for uuid in missing if uuid not in held.documents], matching)


def _look(
    held: LockedFlows,
    uuids: Sequence[str],
    projection: Any,
    *,
    break_lock: bool = False,
    matching: Mapping[str, Any] | None = None,
) -> None:
    found = held.queue.flows.find({"uuid": {"$in": list(uuids)}}, projection)
    documents = {d["uuid"]: d for d in found}
    if not break_lock:
        _look_at_others(held, [u for u in uuids if documents.get(u, {}).get("lock_id")])
    for uuid in uuids:
        if uuid not in documents:
            held.unavailable[uuid] = _missing(uuid)
    _note_unmatched(held, list(documents), matching)
    held.documents = {u: d for u, d in documents.items() if u not in held.unavailable}


def _both(query: dict[str, Any], matching: Mapping[str, Any] | None) -> dict[str, Any]:
    return {"$and": [query, matching]} if matching else query


def _note_unmatched(
    held: LockedFlows, uuids: Sequence[str], matching: Mapping[str, Any] | None
) -> None:
    """Note which flows exist and could not be had since they do not match."""
    if not matching or not uuids:
        return
    query = {"uuid": {"$in": list(uuids)}}
    found = held.queue.flows.find(_both(query, matching), ["uuid"])
    wanted = {document["uuid"] for document in found}
    for document in held.queue.flows.find(query, ["uuid", "state"]):
        uuid, state = document["uuid"], document["state"]
        if uuid not in wanted:
            held.unavailable[uuid] = StateError(
                f"flow {uuid} was left alone: it is {state} now, and not among those that were "
                "asked for any more",
                db_id=uuid,
                state=state,
                hint="look again, then try again",
            )


def _look_at_others(held: LockedFlows, uuids: Sequence[str]) -> list[dict[str, Any]]:
    """Note why flows cannot be had; return queries for those whose lease has run out."""
    fields = ["uuid", "lock_id", "lock_time", "lock_lease"]
    documents = {
        d["uuid"]: d for d in held.queue.flows.find({"uuid": {"$in": list(uuids)}}, fields)
    }
    expired = []
    for uuid in uuids:
        document = documents.get(uuid)
        if document is None:
            held.unavailable[uuid] = _missing(uuid)
            continue
        held.unavailable[uuid] = locked_error(FlowLockedError, uuid, document)
        if document.get("lock_id") is None:
            expired.append({"_id": document["_id"], "lock_id": None})  # given back meanwhile
        elif OBSERVER.is_expired(document):
            lease = live_lease(document)
            assert lease is not None
            expired.append(
                {
                    "_id": document["_id"],
                    "lock_id": document["lock_id"],
                    "lock_lease.id": lease["id"],
                    "lock_lease.seq": lease["seq"],
                }
            )
    return expired


def locked_error(
    kind: type[LockedDocumentError], document_id: str, document: Mapping[str, Any]
) -> LockedDocumentError:
    """Say who holds a document."""
    return kind(
        document_id=document_id,
        lock_id=document.get("lock_id"),
        lock_time=document.get("lock_time"),
        owner=(document.get("lock_lease") or {}).get("owner"),
    )


def _missing(uuid: str) -> FlowNotFoundError:
    return FlowNotFoundError(f"the flow {uuid} is missing", hint="see `jf admin doctor`")
