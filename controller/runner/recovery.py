"""Frees what dead runners left behind."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from controller.errors import (
    FlowLockedError,
    JobLockedError,
    LockedDocumentError,
    LockLostError,
    StorageUnavailableError,
)
from controller.jobcontroller import JobController
from controller.leases import GIVEN_UP, OBSERVER, live_lease
from controller.locks import MongoLock
from controller.operations.completion import is_finished, recover
from controller.operations.progress import release_flow, update_flow_state
from controller.storage.base import Document

logger = logging.getLogger(__name__)

_FLOW_FIELDS = ["lock_id", "lock_time", "lock_lease", "uuid"]
_JOB_FIELDS = [*_FLOW_FIELDS, "state", "index", "db_id", "job.hosts"]


def take_over_expired(controller: JobController, told: set[str] | None = None) -> int:
    """Take over jobs whose holder died, finish what it had begun to record, and free them.

    A job that was being advanced keeps its state, and the next round tries the step again; one
    whose end had been recorded gets its children released and its flow's state derived. The same
    is done for locks that this process gave up since the database failed. What goes wrong with
    one document is logged, and keeps nothing from the others.

    Parameters
    ----------
    told
        Locks without a lease, which are never taken over, that the log has told of already.

    Returns
    -------
    int
        How many jobs were freed.
    """
    freed, told, given_up = 0, set() if told is None else told, GIVEN_UP.unseen()
    for held in list(controller.queue.jobs.find({"lock_id": {"$ne": None}}, _JOB_FIELDS)):
        _tell_of_foreign(held, JobLockedError, held["db_id"], told)
        if OBSERVER.is_expired(held):
            with _only(f"job {held['db_id']}"):
                freed += _take_over_job(controller, held)
    for flow in list(controller.queue.flows.find({"lock_id": {"$ne": None}}, _FLOW_FIELDS)):
        _tell_of_foreign(flow, FlowLockedError, flow["uuid"], told)
        if OBSERVER.is_expired(flow):
            with _only(f"flow {flow['uuid']}"):
                _take_over_flow(controller, flow["_id"])
    GIVEN_UP.mark_seen(given_up)
    return freed


@contextmanager
def _only(name: str) -> Iterator[None]:
    """Let what goes wrong with one document be its own affair; a database that is away is not."""
    try:
        yield
    except (StorageUnavailableError, LockLostError):
        raise
    except Exception:
        logger.exception("%s could not be freed", name)


def _take_over_job(controller: JobController, held: Document) -> int:
    """Free a job whose holder died; returns whether, as a number."""
    ours = held["lock_id"] in GIVEN_UP
    with MongoLock(
        controller.queue.jobs, {"_id": held["_id"]}, get_locked_doc=True, projection=_JOB_FIELDS
    ) as lock:
        job = lock.locked_document
        if job is None:
            return 0
        if is_finished(job):
            with controller.lock_flow(
                filter={"jobs": job["uuid"]}, get_locked_doc=True, projection=["uuid"]
            ) as flow_lock:
                if flow_lock.acquired:
                    recover(controller.queue, job)
                elif flow_lock.is_locked:
                    lock.give_up()  # its children wait for this: the next recovery does it
                    return 0
        if ours:
            logger.warning("job %s: freed; the database had failed in a step of it", job["db_id"])
        else:
            logger.warning("job %s was left locked by a process that died: freed", job["db_id"])
        return 1


def _take_over_flow(controller: JobController, document_id: Any) -> None:
    """Free a flow whose holder died; what it may have left undone is derived again."""
    with MongoLock(
        controller.queue.flows, {"_id": document_id}, get_locked_doc=True, projection=["uuid"]
    ) as lock:
        if lock.locked_document is not None:
            uuid = lock.locked_document["uuid"]
            release_flow(controller.queue, uuid)
            update_flow_state(controller.queue, uuid)


def _tell_of_foreign(
    held: Document, kind: type[LockedDocumentError], name: str, told: set[str]
) -> None:
    """Say once that other software holds a document: nothing will happen to it by itself."""
    if live_lease(held) is not None or held["lock_id"] in told:
        return
    told.add(held["lock_id"])
    error = kind(document_id=name, lock_id=held["lock_id"], lock_time=held.get("lock_time"))
    logger.warning("%s; by other software, so it is left alone", error)
