"""Lock several flows at once, for an action on many jobs.

`controller.bulk_locks` acquires the locks; this module checks, changes and releases the flows.
Flows locked by another process are left out, with the error that says so.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from controller.bulk_locks import lock_documents, look_at_locks
from controller.errors import (
    ControllerError,
    FlowLockedError,
    FlowNotFoundError,
    LockLostError,
    StateError,
)
from controller.leases import FREE, locked_error
from controller.operations.queue import Queue
from controller.storage.base import Document, UpdateOne

logger = logging.getLogger(__name__)


@dataclass
class LockedFlows:
    """Locked flows.

    Attributes
    ----------
    queue
        The queue that holds the flows.
    lock_id
        Id of our lock, the same for all flows.
    documents
        {uuid: document when it was locked}.
    unavailable
        {uuid: why it could not be locked}.
    """

    queue: Queue
    lock_id: str
    documents: dict[str, Document] = field(default_factory=dict)
    unavailable: dict[str, ControllerError] = field(default_factory=dict)

    def check(self, session: Any = None) -> None:
        """Check that all locks are still held.

        Raises
        ------
        LockLostError
            A lock was taken over or broken.
        """
        query = {"lock_id": self.lock_id}
        if self.queue.flows.count_documents(query, session=session) < len(self.documents):
            raise self._lost()

    def release(
        self, updates: Mapping[str, Mapping[str, Mapping[str, Any]]], *, session: Any = None
    ) -> None:
        """Change flows and release them, in one command.

        Parameters
        ----------
        updates
            {uuid: update operators}; flows that are not included stay locked.

        Raises
        ------
        LockLostError
            One of the locks was lost.
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
            hint="repeat the action: it continues where it stopped",
        )


@contextmanager
def lock_flows(
    queue: Queue,
    uuids: Sequence[str],
    projection: Sequence[str] | Mapping[str, Any],
    *,
    break_lock: bool = False,
    look_only: bool = False,
    matching: Mapping[str, Any] | None = None,
) -> Iterator[LockedFlows]:
    """Lock the flows that are free; release at the end those that are still locked.

    Parameters
    ----------
    projection
        The fields to read.
    break_lock
        Break the locks of other processes.
    look_only
        Lock nothing; read the documents, and still report flows locked by other processes as
        unavailable.
    matching
        A query; flows that do not match it when they are locked are unavailable.
    """
    if look_only:
        yield _look(queue, uuids, projection, break_lock=break_lock, matching=matching)
        return
    with lock_documents(
        queue.flows,
        "uuid",
        uuids,
        projection,
        matching=matching,
        break_lock=break_lock,
        transactional=queue.database.supports_transactions,
    ) as locked:
        flows = LockedFlows(queue, locked.lock_id, locked.documents)
        _note_unavailable(flows, locked.unavailable, matching)
        yield flows


def _look(
    queue: Queue,
    uuids: Sequence[str],
    projection: Any,
    *,
    break_lock: bool,
    matching: Mapping[str, Any] | None,
) -> LockedFlows:
    documents = {d["uuid"]: d for d in queue.flows.find({"uuid": {"$in": list(uuids)}}, projection)}
    flows = LockedFlows(queue, "")
    unavailable: dict[str, Document | None] = {u: None for u in uuids if u not in documents}
    held = [u for u in documents if documents[u].get("lock_id")]
    if held and not break_lock:
        locks, available = look_at_locks(queue.flows, "uuid", held)
        free = {query["_id"] for query in available}
        unavailable |= {u: d for u, d in locks.items() if d is None or d["_id"] not in free}
    _note_unavailable(flows, unavailable, None)
    _note_unmatched(flows, list(documents), matching)
    flows.documents = {u: d for u, d in documents.items() if u not in flows.unavailable}
    return flows


def _note_unavailable(
    flows: LockedFlows,
    unavailable: Mapping[str, Document | None],
    matching: Mapping[str, Any] | None,
) -> None:
    for uuid, document in unavailable.items():
        flows.unavailable[uuid] = (
            FlowNotFoundError(f"the flow {uuid} is missing", hint="see `jf admin doctor`")
            if document is None
            else locked_error(FlowLockedError, uuid, document)
        )
    _note_unmatched(flows, list(unavailable), matching)


def _note_unmatched(
    held: LockedFlows, uuids: Sequence[str], matching: Mapping[str, Any] | None
) -> None:
    """Record which flows exist but were not locked because they do not match."""
    if not matching or not uuids:
        return
    query = {"uuid": {"$in": list(uuids)}}
    found = held.queue.flows.find({"$and": [query, matching]}, ["uuid"])
    wanted = {document["uuid"] for document in found}
    for document in held.queue.flows.find(query, ["uuid", "state"]):
        uuid, state = document["uuid"], document["state"]
        if uuid not in wanted:
            held.unavailable[uuid] = StateError(
                f"flow {uuid} was not changed: it is {state} now, and no longer matches the "
                "selection",
                db_id=uuid,
                state=state,
                hint="check the flow, then try again",
            )
