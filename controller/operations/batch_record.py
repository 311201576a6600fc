"""The documents of batch processes, and the pool folders shared with the runner."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from controller.config.removal import POOL_FOLDERS
from controller.documents import new_batch_document, utc_now
from controller.errors import BatchNotFoundError
from controller.hosts import open_host
from controller.states import BatchState
from controller.storage.base import Collection, Document, UpdateResult

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
