"""A job ends: its output is stored, its response carried out, its children released.

The step can be killed between any two writes and done again. Outputs are keyed by (uuid, index)
and written before. Then, in one transaction where there is one:

1. jobs of the response are inserted, not runnable, keyed by (uuid, index);
2. the flow learns of them, by additions to sets, and children learn of new parents;
3. children or the whole flow are stopped, if the response says so;
4. the job itself is recorded, under its lock, and its children become READY;
5. the flow gets its state, and is released.

Without transactions an interruption before 4 leaves the job DOWNLOADED, so the step is done
again; after it, a finished job under a dead lock, and `recover` does the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from controller.documents import DynamicResponseType, flow_of, utc_now
from controller.errors import FlowNotFoundError, LockLostError, SubmissionError
from controller.locks import MongoLock
from controller.operations.failures import bounded
from controller.operations.flow_serialization import NewJob, read_flow
from controller.operations.insertion import RunSettings, insert_new_jobs, refuse_jobs_of_others
from controller.operations.progress import (
    FLOW_FIELDS,
    plan_progress,
    release_flow,
    release_operation,
    update_flow_state,
)
from controller.operations.queue import Queue
from controller.states import FINISHED_STATES, JobState
from controller.storage.base import Document, UpdateOne

STOPPABLE = (JobState.WAITING.value, JobState.READY.value)

_ORDER = (DynamicResponseType.REPLACE, DynamicResponseType.ADDITION, DynamicResponseType.DETOUR)
"""A detour comes last: what else the response adds below the job waits for the detour too."""


@dataclass(frozen=True)
class Ending:
    """How a job ended.

    Attributes
    ----------
    response
        The serialised Response; None when the job failed.
    error
        Why it failed; None when it did not.
    fields
        Further fields of the job's document to set, as dotted paths.
    """

    response: Mapping[str, Any] | None
    error: str | None = None
    fields: Mapping[str, Any] | None = None

    @property
    def state(self) -> JobState:
        """COMPLETED or FAILED."""
        return JobState.COMPLETED if self.error is None else JobState.FAILED

    def of_response(self, name: str) -> Any:
        """Return a part of the response; None when the job failed."""
        return None if self.error is not None else (self.response or {}).get(name)

    @property
    def stops_children(self) -> bool:
        """Whether the children of the job shall not run."""
        return bool(self.of_response("stop_children"))

    @property
    def stops_flow(self) -> bool:
        """Whether no other job of the flow shall run."""
        return bool(self.of_response("stop_jobflow"))


@dataclass(frozen=True)
class _Addition:
    """Jobs that a response adds, in one of its three ways."""

    kind: DynamicResponseType
    jobs: list[NewJob]
    leaves: list[str]


def finish(
    queue: Queue,
    job_doc: Document,
    ending: Ending,
    *,
    prefix: str | None = None,
    flow_lock: MongoLock | None = None,
    flow: MutableMapping[str, Any] | None = None,
) -> JobState:
    """Record the end of a job whose output, if any, is stored already.

    The caller holds the job (``job_doc`` is the locked document) and its flow.

    Parameters
    ----------
    prefix
        Of the db_ids of new jobs.
    flow_lock
        The lock on the flow, with `FLOW_FIELDS`. When given, it is released together with the
        change of the flow's state.
    flow
        The flow's document as it was locked, instead of ``flow_lock``; it gets the new state, too.

    Returns
    -------
    JobState
        COMPLETED or FAILED.

    Raises
    ------
    LockLostError
        The job is not ours any more; where there are transactions nothing was written.
    FlowNotFoundError
        The flow is missing.
    """
    try:
        additions = _additions(ending, job_doc)
        new = [job for addition in additions for job in addition.jobs]
        if new:
            refuse_jobs_of_others(queue, new, flow_of(job_doc))
    except SubmissionError as error:
        # The job ran; that nobody can accept what it asks for is its end, and says why.
        what = f"the job ran, but the jobs that it adds cannot be accepted: {error}"
        additions, ending = [], Ending(None, bounded(what), ending.fields)
    with queue.database.transaction() as session:
        known = _flow(queue, job_doc, flow_lock, flow, session)
        inserted: list[str] = []
        if additions or ending.stops_children or ending.stops_flow:
            _check_lock(queue, job_doc, session)
            inserted = _insert(queue, job_doc, ending, additions, prefix, session)
            _stop(queue, job_doc, ending, session)
        progress = plan_progress(
            queue, known, job_doc, ending.state, inserted=inserted, session=session
        )
        if progress.job is None or progress.job["lock_id"] != job_doc["lock_id"]:
            raise _lost(job_doc)
        _record(queue, job_doc, ending, progress.ready, session)
        is_new = progress.flow_state.value != known["state"]
        changed = {"state": progress.flow_state.value, "updated_on": utc_now()}
        if flow_lock is not None:
            if is_new:
                flow_lock.update_on_release = {"$set": changed}
            flow_lock.release(session=session)
        elif is_new:
            query = {"uuid": known["uuid"], "state": {"$ne": progress.flow_state.value}}
            queue.flows.update_one(query, {"$set": changed}, session=session)
    if flow is not None:
        flow["state"] = progress.flow_state.value
    return ending.state


def recover(queue: Queue, job_doc: Document) -> None:
    """Do what an interrupted `finish` left undone. The caller holds the job and its flow."""
    flow_uuid = flow_of(job_doc)
    release_flow(queue, flow_uuid)
    update_flow_state(queue, flow_uuid)


def is_finished(job_doc: Document) -> bool:
    """Whether the completion of a job has been recorded."""
    return job_doc["state"] in {state.value for state in FINISHED_STATES}


def _flow(
    queue: Queue,
    job_doc: Document,
    flow_lock: MongoLock | None,
    given: Mapping[str, Any] | None,
    session: Any,
) -> Mapping[str, Any]:
    uuid = flow_of(job_doc)
    flow: Mapping[str, Any] | None = None
    if flow_lock is not None:
        flow = flow_lock.locked_document
    elif given is not None and given.keys() >= FLOW_FIELDS.keys():
        flow = given
    else:
        flow = queue.flows.find_one({"uuid": uuid}, FLOW_FIELDS, session=session)
    if flow is None:
        raise FlowNotFoundError(f"the flow {uuid} of job {job_doc['db_id']} is missing")
    return flow


def _additions(ending: Ending, job_doc: Document) -> list[_Addition]:
    found = []
    for kind in _ORDER:
        described = ending.of_response(kind.value)
        if not described:
            continue
        serialized = read_flow(described)
        replaces = kind is DynamicResponseType.REPLACE
        roots = list(job_doc.get("parents") or []) if replaces else [job_doc["uuid"]]
        jobs = [
            NewJob(_within_flow(job.data, job_doc), job.parents or roots) for job in serialized.jobs
        ]
        found.append(_Addition(kind, jobs, serialized.leaves))
    return found


def _within_flow(data: dict[str, Any], job_doc: Document) -> dict[str, Any]:
    """Return a new job with the flows around the job that made it among its hosts.

    jobflow puts them there when it runs the job; every query for a flow's jobs relies on it.
    """
    around, own = job_doc["job"]["hosts"], list(data.get("hosts") or [])
    return data if own[-1:] == around[-1:] else {**data, "hosts": [*own, *around]}


def _insert(
    queue: Queue,
    job_doc: Document,
    ending: Ending,
    additions: list[_Addition],
    prefix: str | None,
    session: Any,
) -> list[str]:
    """Insert the jobs of a response and return their uuids."""
    settings = RunSettings(
        worker=job_doc["worker"],
        exec_config=job_doc.get("exec_config"),
        resources=job_doc.get("resources"),
        priority=job_doc.get("priority") or 0,
    )
    stopped = ending.stops_children or ending.stops_flow
    state = JobState.STOPPED if stopped else JobState.WAITING
    inserted: list[str] = []
    for addition in additions:
        ids = insert_new_jobs(
            queue, addition.jobs, settings, prefix=prefix, state=state, session=session
        )
        _tell_flow(queue, job_doc, addition, ids, session)
        inserted += [job.uuid for job in addition.jobs]
    return inserted


def _tell_flow(
    queue: Queue,
    job_doc: Document,
    addition: _Addition,
    ids: Mapping[tuple[str, int], str],
    session: Any,
) -> None:
    """Add new jobs to the flow; a detour also becomes a parent of the job's children."""
    added: dict[str, Any] = {
        "jobs": {"$each": [job.uuid for job in addition.jobs]},
        "ids": {"$each": [[ids[job.key], *job.key] for job in addition.jobs]},
    }
    if addition.kind is DynamicResponseType.DETOUR:
        own = [job.uuid for job in addition.jobs]
        children = {"parents": job_doc["uuid"], "uuid": {"$nin": own}}
        leaves = {"$each": addition.leaves}
        waiting = list(queue.jobs.find(children, ["uuid", "index"], session=session))
        if waiting:
            queue.jobs.update_many(children, {"$addToSet": {"parents": leaves}}, session=session)
        added.update({f"parents.{doc['uuid']}.{doc['index']}": leaves for doc in waiting})
    parents = {f"parents.{job.uuid}.{job.key[1]}": job.parents for job in addition.jobs}
    queue.flows.update_one(
        {"uuid": flow_of(job_doc)},
        {"$addToSet": added, "$set": {**parents, "updated_on": utc_now()}},
        session=session,
    )


def _stop(queue: Queue, job_doc: Document, ending: Ending, session: Any) -> None:
    """Stop what the response says; a job that somebody holds is stopped all the same."""
    uuid, flow_uuid = job_doc["uuid"], flow_of(job_doc)
    if ending.stops_children:
        stop_jobs(queue, {"parents": uuid}, session=session)
    if ending.stops_flow:
        stop_jobs(queue, {"job.hosts": flow_uuid, "uuid": {"$ne": uuid}}, session=session)


def stop_jobs(queue: Queue, selection: Mapping[str, Any], *, session: Any = None) -> int:
    """Stop the selected jobs that have not begun, held or not, and return their number."""
    done = queue.jobs.update_many(
        {**selection, "state": {"$in": list(STOPPABLE)}},
        {"$set": {"state": JobState.STOPPED.value, "updated_on": utc_now()}},
        session=session,
    )
    return done.modified_count


def _check_lock(queue: Queue, job_doc: Document, session: Any = None) -> None:
    query = {"_id": job_doc["_id"], "lock_id": job_doc["lock_id"]}
    if queue.jobs.find_one(query, ["_id"], session=session) is None:
        raise _lost(job_doc)


def _record(
    queue: Queue, job_doc: Document, ending: Ending, ready: list[str], session: Any
) -> None:
    """Write the end of the job, then release its children: one command, in this order."""
    fields = {
        **(ending.fields or {}),
        "state": ending.state.value,
        "error": ending.error,
        "stored_data": ending.of_response("stored_data"),
        "updated_on": utc_now(),
    }
    own = UpdateOne({"_id": job_doc["_id"], "lock_id": job_doc["lock_id"]}, {"$set": fields})
    released = [release_operation(ready)] if ready else []
    done = queue.jobs.bulk_write([own, *released], session=session)
    if done.matched_count < 1 + len(ready):
        _check_lock(queue, job_doc, session)


def _lost(job_doc: Document) -> LockLostError:
    return LockLostError(
        f"the lock on job {job_doc['db_id']} was lost while it was completed",
        hint="whoever holds it now completes it",
    )
