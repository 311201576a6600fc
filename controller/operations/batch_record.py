"""The documents of batch processes, and the pool folders shared with the runner."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from controller.config.removal import POOL_FOLDERS
from controller.documents import new_batch_document, utc_now
from controller.errors import BatchNotFoundError, DuplicateKeyError
from controller.hosts import open_host
from controller.locks import MongoLock
from controller.rules.pool_files import BatchInfo, read_claimed_file
from controller.states import BatchState
from controller.storage.base import (
    Collection,
    Document,
    UpdateOne,
    UpdateResult,
    WriteOperation,
)

if TYPE_CHECKING:
    from controller.config import Project
    from controller.config.workers import WorkerBase

logger = logging.getLogger(__name__)

ACTIVE = {"$in": [BatchState.SUBMITTED.value, BatchState.RUNNING.value]}
"""States of a process that may still take jobs."""


def add(batches: Collection, *, process_id: str, batch_uid: str, worker: str) -> Document:
    """Insert the document of a process that was just submitted, and return it with its ``_id``.

    Raises
    ------
    DuplicateKeyError
        A process with this ``batch_uid`` exists already.
    """
    document = new_batch_document(batch_uid=batch_uid, process_id=process_id, worker=worker)
    document["_id"] = batches.insert_one(document).inserted_id
    return document


def find(batches: Collection, batch_uid: str) -> Document:
    """Return the document of a process.

    Raises
    ------
    BatchNotFoundError
        There is no such process.
    """
    document = batches.find_one({"batch_uid": batch_uid})
    if document is None:
        raise BatchNotFoundError(
            f"there is no batch process with the uid {batch_uid}",
            hint="`jf batch list` lists the existing ones",
        )
    return document


def add_job(
    batches: Collection, batch_uid: str, *, db_id: str, uuid: str, index: int
) -> UpdateResult:
    """Record that a process executes a job; idempotent."""
    return batches.update_one(
        {"batch_uid": batch_uid},
        {"$addToSet": {"jobs": [db_id, uuid, index]}, "$set": {"updated_on": utc_now()}},
    )


def set_running(
    batches: Collection, batch_uid: str, start_time: datetime | None = None
) -> UpdateResult:
    """Record that a process runs, unless it is known to have ended; the first start time stays.

    Parameters
    ----------
    start_time
        Aware, or naive in UTC; None for now.
    """
    now = utc_now()
    begun = batches.update_one(
        {"batch_uid": batch_uid, "batch_state": ACTIVE, "start_time": None},
        {
            "$set": {
                "batch_state": BatchState.RUNNING.value,
                "start_time": _utc(start_time) or now,
                "updated_on": now,
            }
        },
    )
    if begun.matched_count:
        return begun
    return batches.update_one(
        {"batch_uid": batch_uid, "batch_state": ACTIVE},
        {"$set": {"batch_state": BatchState.RUNNING.value, "updated_on": now}},
    )


def finished(end_time: datetime | None = None) -> Document:
    """Return the update that records the end of a process; a naive time is in UTC."""
    now = utc_now()
    fields = {
        "batch_state": BatchState.FINISHED.value,
        "end_time": _utc(end_time) or now,
        "updated_on": now,
    }
    return {"$set": fields}


def processes(batches: Collection, worker: str) -> dict[str, str]:
    """Return {process_id: batch_uid} of the processes of a worker that have not ended."""
    found = batches.find({"worker": worker, "batch_state": ACTIVE}, ["process_id", "batch_uid"])
    return {doc["process_id"]: doc["batch_uid"] for doc in found}


def batch_workers(project: Project) -> Iterator[tuple[str, WorkerBase]]:
    """Yield (name, worker) of the batch workers of a project."""
    for name, worker in project.workers.items():
        if worker.is_batch:
            yield name, worker


def remove_pools(project: Project) -> None:
    """Empty the pool folder of each batch worker on this machine.

    Other files in its folder stay. Pools on other machines are left, with a warning: their files
    name jobs that no longer exist, and are ignored.
    """
    for name, worker in batch_workers(project):
        assert worker.batch is not None
        if worker.is_local:
            pool = worker.batch.jobs_handle_dir
            open_host(worker).rmtree(*(pool / name for name in POOL_FOLDERS))
        else:
            logger.warning(
                "the pool folder %s of worker %s was not emptied: it is on another machine",
                worker.batch.jobs_handle_dir,
                name,
            )


def _utc(time: datetime | None) -> datetime | None:
    if time is None or time.tzinfo is None:
        return time
    return time.astimezone(UTC).replace(tzinfo=None)


def add_submitted(
    batches: Collection,
    process_id: str,
    batch_uid: str,
    worker: str,
    process: Mapping[str, Any] | None,
) -> None:
    """Insert the document of a pilot, with its identifiers, unless another runner has done so."""
    with suppress(DuplicateKeyError):
        add(batches, process_id=process_id, batch_uid=batch_uid, worker=worker)
    if process is not None:
        batches.update_one({"batch_uid": batch_uid}, {"$set": {"process": dict(process)}})


def add_jobs(batches: Collection, jobs: Mapping[str, Sequence[Sequence[Any]]]) -> None:
    """Record which pilots execute which jobs; idempotent.

    Parameters
    ----------
    jobs
        {batch_uid: [[db_id, uuid, index], ...]}.
    """
    now = utc_now()
    operations: list[WriteOperation] = []
    for known in batches.find({"batch_uid": {"$in": sorted(jobs)}}, ["batch_uid", "jobs"]):
        # Databases compare each new job with each old one for $addToSet.
        there = {tuple(job) for job in known.get("jobs") or ()}
        new = [list(job) for job in jobs[known["batch_uid"]] if tuple(job) not in there]
        if new:
            update = {"$push": {"jobs": {"$each": new}}, "$set": {"updated_on": now}}
            operations.append(UpdateOne({"batch_uid": known["batch_uid"]}, update))
    if operations:
        batches.bulk_write(operations, ordered=False)


def set_process_id(batches: Collection, batch_uid: str, process_id: str) -> None:
    """Record the queue id under which a pilot runs."""
    batches.update_one({"batch_uid": batch_uid}, {"$set": {"process_id": process_id}})


def note_running(batches: Collection, pilot: Document, info: BatchInfo | None) -> bool:
    """Record that a pilot runs, and the activity that it reports.

    Parameters
    ----------
    pilot
        Its document.

    Returns
    -------
    bool
        Whether anything has changed.
    """
    uid = pilot["batch_uid"]
    is_new: bool = pilot["batch_state"] != BatchState.RUNNING.value
    if is_new:
        set_running(batches, uid, info.start_time if info else None)
    told = activity(info)
    if told is None or told == pilot.get("activity"):
        return is_new
    fields = {"activity": told, "last_ping_time": info.last_ping_time if info else None}
    batches.update_one({"batch_uid": uid, "batch_state": ACTIVE}, {"$set": fields})
    return is_new


def end(batches: Collection, pilot: Document, info: BatchInfo | None) -> None:
    """Record that a pilot has ended, at the time that it reported, if it did."""
    ended = (info.end_time or info.last_ping_time) if info else None
    update = finished(ended)
    if info is not None:
        update["$set"].update(last_ping_time=info.last_ping_time, activity=activity(info))
    batches.update_one({"batch_uid": pilot["batch_uid"], "batch_state": ACTIVE}, update)


def activity(info: BatchInfo | None) -> dict[str, Any] | None:
    """Return the activity that a pilot reports, as its document stores it; None for none."""
    if info is None or info.report is None:
        return None
    told = asdict(info.report)
    told["running"] = [f"{uuid}_{index}" for uuid, index in _jobs_in(info.report.running)]
    del told["seq"]
    return told


def _jobs_in(names: Sequence[str]) -> list[tuple[str, int]]:
    return [known[:2] for name in names if (known := read_claimed_file(name)) is not None]


def turn_key(worker: str) -> dict[str, str]:
    """Return the query for the document of the lease under which pilots are submitted."""
    return {"_id": f"pilots of worker {worker}"}


def has_pending(auxiliary: Collection, key: Mapping[str, str]) -> bool:
    """Whether a runner has started to submit pilots without having recorded the result yet."""
    return auxiliary.find_one({**key, "pending": {"$gt": []}}, ["_id"]) is not None


class SubmissionTurn:
    """The lease of a worker's pilots, while it is held.

    Attributes
    ----------
    pending
        batch_uids of pilots whose submission has been started, and may have succeeded.
    """

    def __init__(self, lock: MongoLock, auxiliary: Collection, pending: Sequence[str]) -> None:
        self._lock, self._auxiliary = lock, auxiliary
        self.pending = list(pending)

    def begin(self, batch_uid: str) -> None:
        """Record that a pilot is about to be submitted.

        Raises
        ------
        LockLostError
            Another runner now has the lease.
        """
        self._write({"$addToSet": {"pending": batch_uid}})

    def end(self, batch_uid: str) -> None:
        """Record that its submission is recorded, or has failed."""
        self._write({"$pull": {"pending": batch_uid}})

    def _write(self, update: Document) -> None:
        self._lock.check()
        assert self._lock.locked_document is not None
        self._auxiliary.update_one({"_id": self._lock.locked_document["_id"]}, update)


@contextmanager
def submission_turn(
    auxiliary: Collection, key: Mapping[str, str]
) -> Iterator[SubmissionTurn | None]:
    """Hold the lease of a worker's pilots for a block; yields None if another runner has it."""
    if auxiliary.find_one(key, ["_id"]) is None:
        with suppress(DuplicateKeyError):  # another runner was first to make it
            auxiliary.insert_one({**key, "lock_id": None, "lock_time": None, "pending": []})
    with MongoLock(auxiliary, key, get_locked_doc=True) as lock:  # takes over one that has expired
        document = lock.locked_document
        if document is None:
            yield None
        else:
            yield SubmissionTurn(lock, auxiliary, document.get("pending") or [])
