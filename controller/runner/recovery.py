"""Frees what dead runners left behind."""

from __future__ import annotations

import logging
from typing import Any

from controller.errors import FlowLockedError, JobLockedError, LockedDocumentError
from controller.jobcontroller import JobController
from controller.leases import OBSERVER, live_lease
from controller.locks import MongoLock
from controller.operations.completion import is_finished, recover
from controller.operations.progress import release_flow, update_flow_state
from controller.storage.base import Document

logger = logging.getLogger(__name__)


def take_over_expired(controller: JobController, told: set[str] | None = None) -> int:
    """Take over jobs whose holder died, finish what it had begun to record, and free them.

    A job that was being advanced keeps its state, and the next round tries the step again; one
    whose end had been recorded gets its children released and its flow's state derived.

    Parameters
    ----------
    told
        Locks without a lease, which are never taken over, that the log has told of already.

    Returns
    -------
    int
        How many jobs were freed.
    """
    freed, told = 0, set() if told is None else told
    fields = ["lock_id", "lock_time", "lock_lease", "state", "uuid", "index", "db_id", "job.hosts"]
    for held in list(controller.jobs.find({"lock_id": {"$ne": None}}, fields)):
        _tell_of_foreign(held, JobLockedError, held["db_id"], told)
        if not OBSERVER.is_expired(held):
            continue
        with MongoLock(
            controller.jobs, {"_id": held["_id"]}, get_locked_doc=True, projection=fields
        ) as lock:
            if lock.locked_document is None:
                continue
            freed += 1
            logger.warning("job %s was left locked by a process that died: freed", held["db_id"])
            if is_finished(lock.locked_document):
                with controller.lock_flow(
                    filter={"jobs": held["uuid"]}, get_locked_doc=True, projection=["uuid"]
                ) as flow_lock:
                    if flow_lock.acquired:
                        recover(controller.queue, lock.locked_document)
    fields = ["lock_id", "lock_time", "lock_lease", "uuid"]
    for flow in list(controller.flows.find({"lock_id": {"$ne": None}}, fields)):
        _tell_of_foreign(flow, FlowLockedError, flow["uuid"], told)
        if OBSERVER.is_expired(flow):
            _take_over_flow(controller, flow["_id"])
    return freed


def _take_over_flow(controller: JobController, document_id: Any) -> None:
    """Free a flow whose holder died; what he may have left undone is derived again."""
    with MongoLock(
        controller.flows, {"_id": document_id}, get_locked_doc=True, projection=["uuid"]
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
