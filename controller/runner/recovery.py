"""Release and complete what dead runners left behind."""

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
from controller.operations.completion import is_finished, recover, recover_flow
from controller.storage.base import Document

logger = logging.getLogger(__name__)

_FLOW_FIELDS = ["lock_id", "lock_time", "lock_lease", "uuid"]
_JOB_FIELDS = [*_FLOW_FIELDS, "state", "index", "db_id", "job.hosts"]


def take_over_expired(controller: JobController, told: set[str] | None = None) -> int:
    """Take over jobs whose holder died, complete what it had started to record, and unlock them.

    A job that was being advanced keeps its state, and the next round retries the step; for one
    whose end had been recorded, children are released and the flow's state is derived. The same
    applies to locks that this process gave up because the database failed. Errors with one document
    are logged, and do not affect the others.

    Parameters
    ----------
    told
        Locks without a lease, which are never taken over, that have already been logged.

    Returns
    -------
    int
        Number of jobs released.
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
    """Log errors with one document; raise only if the database is unreachable."""
    try:
        yield
    except (StorageUnavailableError, LockLostError):
        raise
    except Exception:
        logger.exception("%s could not be released", name)


def _take_over_job(controller: JobController, held: Document) -> int:
    """Release a job whose holder died; return the number released."""
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
                    lock.give_up()  # its children depend on this: the next recovery retries it
                    return 0
        if ours:
            logger.warning(
                "job %s: released after a failure of the database during a step", job["db_id"]
            )
        else:
            logger.warning("job %s: released from the lock of a dead process", job["db_id"])
        return 1


def _take_over_flow(controller: JobController, document_id: Any) -> None:
    """Release a flow whose holder died; complete what it may have left undone."""
    with MongoLock(
        controller.queue.flows, {"_id": document_id}, get_locked_doc=True, projection=["uuid"]
    ) as lock:
        if lock.locked_document is not None:
            recover_flow(controller.queue, lock.locked_document["uuid"])


def _tell_of_foreign(
    held: Document, kind: type[LockedDocumentError], name: str, told: set[str]
) -> None:
    """Log once that other software has locked a document: jfr never breaks such a lock."""
    if live_lease(held) is not None or held["lock_id"] in told:
        return
    told.add(held["lock_id"])
    error = kind(document_id=name, lock_id=held["lock_id"], lock_time=held.get("lock_time"))
    logger.warning("%s by other software; jfr does not break this lock", error)
