"""Move finished flows out of the queue, and back.

With transactions, a flow is moved completely or not at all. Without them, the order ensures that a
flow is complete in one of the two places at any moment; the head's ``stage`` says in which:

``writing``    its parts are being written; the queue has everything
``deleting``   the archive has everything; jobs are being deleted, the flow's document last
``restoring``  the archive has everything; jobs are being inserted, the flow's document last

`mend` completes or undoes an interrupted move, and is idempotent. The doctor, the next move of any
flow, and runners (`mend_interrupted`) call it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from controller.documents import utc_now
from controller.errors import (
    DuplicateKeyError,
    FlowLockedError,
    FlowNotFoundError,
    LockedDocumentError,
    LockLostError,
    StateError,
    StorageBusyError,
)
from controller.leases import locked_error
from controller.locks import MongoLock
from controller.operations.archive_bundles import (
    bundle,
    bundled_with,
    dissolve,
    head_fields,
    parts_of,
)
from controller.operations.bulk import Options, report_progress
from controller.operations.chunks import bulk_work, process_in_chunks
from controller.operations.flow_locks import LockedFlows, lock_flows
from controller.operations.flow_results import FlowChange, FlowResult
from controller.operations.queue import Queue
from controller.operations.version import refuse_newer
from controller.rules.archiving import (
    DELETING,
    INDEXES,
    RESTORING,
    STAGES,
    WRITING,
    Part,
    part_id,
    why_not,
)
from controller.states import EventKind
from controller.storage.base import Collection, Document
from controller.storage.indexes import build_indexes
from controller.storage.packing import Packer, unpack

ARCHIVED = "ARCHIVED"
"""State that events use for archived flows."""
PART_JOBS = 1000
"""Maximum number of jobs in one part."""
PART_BYTES = 4 << 20
"""Maximum bytes of one part's jobs before packing, unless a single job is larger."""

_FLOW = ["uuid", "name", "state", "lock_id", "lock_time", "lock_lease"]
_JOB = ["db_id", "uuid", "state", "lock_id"]


def archive_flows(
    queue: Queue,
    uuids: Sequence[str],
    options: Options,
    *,
    selection: Mapping[str, Any] | None = None,
) -> FlowResult:
    """Archive flows that are finished.

    Parameters
    ----------
    uuids
        uuids of the submitted flows.
    selection
        A query that a locked flow must match; None for no check.

    Raises
    ------
    ControllerError
        With ``raise_on_error``: the first refusal. ``done`` of any exception raised is what was
        archived before.
    StorageFormatError
        The database has a newer version.
    """
    if not options.dry_run:
        refuse_newer(queue.auxiliary, "archiving")
        build_indexes(queue.archive, INDEXES)
    work = _Archiving(queue, options, selection, len(uuids))
    with bulk_work(work.result, lambda: bundle(queue, [] if options.dry_run else work.result)):
        wanted = dict.fromkeys(uuids, ())
        process_in_chunks(wanted, work.archive_chunk, wait=options.wait, report=work.report)
    return work.result


class _Archiving:
    """An archiving in progress."""

    def __init__(
        self, queue: Queue, options: Options, selection: Mapping[str, Any] | None, total: int
    ) -> None:
        self.queue, self.options, self._selection = queue, options, selection
        self.result = FlowResult(total, dry_run=options.dry_run)

    def report(self) -> None:
        """Report the progress."""
        report_progress(self.options, self.result)

    def archive_chunk(self, uuids: Mapping[str, object], may_wait: bool) -> list[str]:
        """Archive a chunk; see `process_in_chunks`."""
        how = {"break_lock": self.options.break_lock, "look_only": self.options.dry_run}
        with lock_flows(self.queue, list(uuids), _FLOW, matching=self._selection, **how) as held:
            left = self.result.refuse_unavailable(uuids, held, self.options, may_wait)
            flows = dict(held.documents)
            done = self._archive_all(held, flows)
        for flow, moved in zip(flows.values(), done):
            if moved:
                self.result.append(flow["uuid"])
                self.result.jobs += moved
                change = FlowChange(flow["uuid"], flow["name"], flow["state"], ARCHIVED)
                self.result.changes.append(change)
        return left

    def _archive_all(self, held: LockedFlows, flows: Mapping[str, Document]) -> list[int]:
        if self.options.dry_run or not self.queue.database.supports_transactions:
            return [self._archive(held, flow, None) for flow in flows.values()]
        with self.queue.database.transaction() as session:
            held.check(session)
            done = [self._archive(held, flow, session) for flow in flows.values()]
        for uuid, moved in zip(flows, done):
            if moved:
                del held.documents[uuid]
        return done

    def _archive(self, held: LockedFlows, flow: Document, session: Any) -> int:
        """Archive a locked flow; return the number of its jobs, 0 if it was refused."""
        queue, uuid = self.queue, flow["uuid"]
        jobs = list(queue.jobs.find({"job.hosts": uuid}, _JOB, session=session))
        ids = {"aftermath.uuid": {"$in": [job["uuid"] for job in jobs]}}
        cleaning = queue.auxiliary.find_one(ids, ["_id"], session=session) is not None
        reason = why_not(flow, jobs, cleaning=cleaning)
        if reason is None and not jobs:
            reason = "it has no jobs"
        if reason is not None:
            error = StateError(
                f"flow {uuid} cannot be archived: {reason}",
                hint="finished flows can be; `jf flow list` shows the states",
            )
            self.result.refuse(uuid, error, self.options)
            return 0
        if self.options.dry_run:
            return len(jobs)
        if session is None:
            held.check()
        move_out(queue, uuid, session)
        _tell(queue, "archive", flow, len(jobs), session)
        if session is None:
            del held.documents[uuid]
        return len(jobs)


def move_out(queue: Queue, uuid: str, session: Any) -> None:
    """Move a locked flow to the archive.

    Parameters
    ----------
    session
        Without a session, each write is separate, in the order that `mend` relies on.
    """
    archive, of_flow = queue.archive, {"job.hosts": uuid}
    flow = queue.flows.find_one({"uuid": uuid}, session=session)
    if flow is None:
        raise FlowNotFoundError(f"flow {uuid} was deleted in the meantime")
    archive.delete_many({"flow": uuid}, session=session)
    parts = 0
    for number, (fields, body) in enumerate(_packed(queue, of_flow, session)):
        part = {"_id": part_id(uuid, number), "flow": uuid, "n": number, **fields, "body": body}
        if number == 0:
            part.update(head_fields(flow, utc_now()))
            if session is None:
                part["stage"] = WRITING
        archive.insert_one(part, session=session)
        parts += 1
    head = {"_id": part_id(uuid, 0)}
    if session is None:
        archive.update_one(head, {"$set": {"stage": DELETING, "parts": parts}})
    elif parts > 1:
        archive.update_one(head, {"$set": {"parts": parts}}, session=session)
    queue.jobs.delete_many(of_flow, session=session)
    _raw(queue, queue.flows.name).delete_many({"uuid": uuid}, session=session)
    if session is None:
        archive.update_one(head, {"$unset": {"stage": ""}})


def _packed(
    queue: Queue, of_flow: Mapping[str, Any], session: Any
) -> Iterator[tuple[dict[str, Any], bytes]]:
    packer, part = Packer(), Part()
    for job in queue.jobs.find(of_flow, sort=[("created_on", 1)], session=session):
        packer.add(job)
        part.add(job)
        if packer.number >= PART_JOBS or packer.size >= PART_BYTES:
            yield part.fields(), packer.finish()
            packer, part = Packer(), Part()
    if packer.number:
        yield part.fields(), packer.finish()


def unarchive_flows(queue: Queue, uuids: Sequence[str], options: Options) -> FlowResult:
    """Bring archived flows back into the queue.

    Raises
    ------
    ControllerError
        With ``raise_on_error``: the first refusal. ``done`` of any exception is what was done
        before.
    StorageFormatError
        The database has a newer version, or a packed document is damaged.
    """
    if not options.dry_run:
        refuse_newer(queue.auxiliary, "a restoration")
    result = FlowResult(len(uuids), dry_run=options.dry_run)
    left: dict[str, None] = {}
    with bulk_work(result, lambda: bundle(queue, list(left))):
        for uuid in uuids:
            try:
                if not options.dry_run:
                    left.update(dict.fromkeys(dissolve(queue, uuid)))
                    left.pop(uuid, None)
                done = _unarchive(queue, uuid, dry_run=options.dry_run)
            except (LockedDocumentError, StateError, FlowNotFoundError) as error:
                result.refuse(uuid, error, options)
            else:
                result.append(uuid)
                result.jobs += done.pop("count")
                result.changes.append(FlowChange(**done))
            report_progress(options, result)
    return result


def _unarchive(queue: Queue, uuid: str, *, dry_run: bool) -> dict[str, Any]:
    if dry_run and (found := bundled_with(queue, uuid)) is not None:
        [part] = [part for part in parts_of(found) if part["flow"] == uuid]
        about = {"name": part["name"], "before": ARCHIVED, "after": part["state"]}
        return {"db_id": uuid, **about, "count": len(part["db_ids"])}
    head = queue.archive.find_one({"_id": part_id(uuid, 0)})
    if head is None:
        raise FlowNotFoundError(
            f"there is no archived flow {uuid}",
            hint="list archived flows with `jf flow list --archived`",
        )
    number = sum(len(p["db_ids"]) for p in queue.archive.find({"flow": uuid}, ["db_ids"]))
    done = {"db_id": uuid, "name": head["name"], "before": ARCHIVED, "after": head["state"]}
    if not dry_run:
        _move_in(queue, uuid)
    return {**done, "count": number}


def _move_in(queue: Queue, uuid: str) -> None:
    """Restore a flow from the archive by inserting what the queue lacks."""
    key = {"_id": part_id(uuid, 0)}
    with MongoLock(queue.archive, key, get_locked_doc=True) as lock:
        head = lock.locked_document
        if head is None:
            if lock.unavailable_document is None:
                raise FlowNotFoundError(f"flow {uuid} is no longer archived")
            raise locked_error(FlowLockedError, uuid, lock.unavailable_document)
        if head.get("stage") in (WRITING, DELETING):
            raise StateError(
                f"flow {uuid} is being archived, or its archiving was interrupted",
                hint="an interrupted move is completed or undone by the next `jf flow archive` or "
                "`unarchive`, a runner or `jf admin doctor --fix`",
            )
        flow = next(unpack(head["whole"]))
        _refuse_if_taken(queue, uuid, flow)
        with queue.database.transaction() as session:
            lock.check(session=session)
            is_back = head.get("stage") == RESTORING and _is_live(queue, uuid)
            if session is None:
                queue.archive.update_one(key, {"$set": {"stage": RESTORING}})
            count = 0 if is_back else insert_missing(queue, uuid, flow, session)
            _tell(queue, "unarchive", flow, count, session)
            queue.archive.delete_many({"flow": uuid, "n": {"$gt": 0}}, session=session)
            lock.delete_on_release = True
            lock.release(session=session)


def _is_live(queue: Queue, uuid: str) -> bool:
    return queue.flows.find_one({"uuid": uuid}, ["_id"]) is not None


def _refuse_if_taken(queue: Queue, uuid: str, flow: Document) -> None:
    """Raise if the queue has another job or flow with an id of the flow."""
    taken = queue.flows.find_one({"uuid": uuid, "_id": {"$ne": flow["_id"]}}, ["_id"]) is not None
    for part in queue.archive.find({"flow": uuid}, ["uuids", "db_ids", "body"]):
        wanted = [{"uuid": {"$in": part["uuids"]}}, {"db_id": {"$in": part["db_ids"]}}]
        found = {d["_id"] for query in wanted for d in queue.jobs.find(query, ["_id"])}
        if taken or (found and found - {job["_id"] for job in unpack(part["body"])}):
            raise StateError(
                f"flow {uuid} cannot be restored: the queue has another job or flow with its ids",
                hint="delete the other one first",
            )


def insert_missing(queue: Queue, uuid: str, flow: Document, session: Any) -> int:
    """Insert the jobs of an archived flow that the queue lacks, then the flow.

    Returns
    -------
    int
        Number of jobs in the flow.
    """
    jobs, count = _raw(queue, queue.jobs.name), 0
    for part in queue.archive.find({"flow": uuid}, ["body"], sort=[("n", 1)], session=session):
        packed = list(unpack(part["body"]))
        ids = {"_id": {"$in": [job["_id"] for job in packed]}}
        known = {doc["_id"] for doc in jobs.find(ids, ["_id"], session=session)}
        missing = [job for job in packed if job["_id"] not in known]
        if missing:
            jobs.insert_many(missing, session=session)
        count += len(packed)
    if queue.flows.find_one({"uuid": uuid}, ["_id"], session=session) is None:
        _raw(queue, queue.flows.name).insert_one(flow, session=session)
    return count


def unfinished(queue: Queue) -> list[Document]:
    """Return the heads of flows whose archiving or restoration is unfinished."""
    stages = {"stage": {"$in": list(STAGES)}}
    return list(queue.archive.find(stages, ["flow", "stage", "lock_id", "lock_lease", "name"]))


def mend(queue: Queue, uuid: str) -> str | None:
    """Complete or undo an interrupted move; return why that is not possible now, or None.

    Documents that are still in the queue are kept: they may have changed since.
    """
    key, flow = {"_id": part_id(uuid, 0)}, {"uuid": uuid}
    with MongoLock(queue.flows, flow, get_locked_doc=True, projection=["uuid"]) as flow_lock:
        if flow_lock.unavailable_document is not None:
            return "another process is working on it"
        with MongoLock(queue.archive, key, get_locked_doc=True) as lock:
            head = lock.locked_document
            if head is None:
                return "it has changed in the meantime"
            stage, is_live = head.get("stage"), flow_lock.acquired
            if stage not in STAGES:
                return "it has changed in the meantime"
            if stage == DELETING and not is_live:  # all is deleted: the flow comes last
                lock.update_on_release = {"$unset": {"stage": ""}}
                return None
            # A flow comes back last: if it is there, so are its jobs.
            if stage == DELETING or (stage == RESTORING and not is_live):
                insert_missing(queue, uuid, next(unpack(head["whole"])), None)
            queue.archive.delete_many({"flow": uuid, "n": {"$gt": 0}})
            lock.delete_on_release = True
    return None


def mend_interrupted(queue: Queue) -> int:
    """Complete or undo the moves that killed processes left half done; return how many.

    Flows that another process is working on are skipped. Every move of flows starts with this, and
    a runner does it every minute, because the jobs of a half-moved flow are in neither list.
    """
    done = 0
    for head in unfinished(queue):
        with suppress(LockLostError, DuplicateKeyError, StorageBusyError):
            done += mend(queue, head["flow"]) is None
    return done


def _tell(queue: Queue, what: str, flow: Mapping[str, Any], jobs: int, session: Any) -> None:
    event = {"kind": EventKind.ACTION.value, "name": what, "flow": flow["uuid"], "count": jobs}
    queue.events.write([{**event, "text": flow.get("name")}], session=session)


def _raw(queue: Queue, name: str) -> Collection:
    """Return a collection whose writes cause no events: a moved flow is neither new nor gone."""
    return queue.database.collection(name)
