"""A job ends: its output is stored, its response carried out, its children released.

The step can be killed between any two writes and done again. Outputs are keyed by (uuid, index)
and written first. Then, in one transaction where there is one:

1. jobs of the response are inserted, not runnable, keyed by (uuid, index);
2. the flow learns of them, by additions to sets;
3. the job itself is recorded, under its lock;
4. children become READY;
5. the state of the flow follows.

Without transactions an interruption before 3 leaves the job DOWNLOADED, so the step is done
again; after 3 it leaves a finished job under a dead lock, and `recover` does the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from controller.documents import DynamicResponseType, utc_now
from controller.errors import LockLostError
from controller.operations.insertion import NewJob, RunSettings, insert_new_jobs, serialise
from controller.operations.progress import release_children, update_flow_state
from controller.operations.queue import Queue
from controller.states import FINISHED_STATES, JobState
from controller.storage.base import Document

STOPPABLE = (JobState.WAITING.value, JobState.READY.value)


@dataclass(frozen=True)
class _Addition:
    """Jobs that a response adds, in one of its three ways."""

    kind: DynamicResponseType
    jobs: list[NewJob]
    leaves: list[str]


def finish(
    queue: Queue,
    job_doc: Document,
    response: dict[str, Any] | None,
    *,
    error: str | None,
    doc_update: dict[str, Any],
    prefix: str | None = None,
) -> JobState:
    """Record the end of a job whose output, if any, is stored already.

    The caller holds the job (``job_doc`` is the locked document) and its flow.

    Parameters
    ----------
    response
        The serialised Response of the job; None when it failed.
    error
        Why it failed; None when it did not.
    doc_update
        Further fields of the job to set.
    prefix
        Of the db_ids of new jobs.

    Returns
    -------
    JobState
        COMPLETED or FAILED.

    Raises
    ------
    LockLostError
        The job is not ours any more; where there are transactions nothing was written.
    """
    flow_uuid, uuid = job_doc["job"]["hosts"][-1], job_doc["uuid"]
    state = JobState.COMPLETED if error is None else JobState.FAILED
    given = response or {}
    additions = [] if error is not None else _additions(given, job_doc)
    stop_children = bool(given.get("stop_children")) and error is None
    stop_jobflow = bool(given.get("stop_jobflow")) and error is None
    with queue.database.transaction() as session:
        _check_lock(queue, job_doc, session)
        inserted = _insert(
            queue, job_doc, additions, prefix, session, stopped=stop_children or stop_jobflow
        )
        if stop_children:
            _stop(queue, {"parents": uuid}, session)
        if stop_jobflow:
            _stop(queue, {"job.hosts": flow_uuid, "uuid": {"$ne": uuid}}, session)
        fields = {
            **doc_update,
            "state": state.value,
            "error": error,
            "stored_data": given.get("stored_data"),
            "updated_on": utc_now(),
        }
        _record(queue, job_doc, fields, session)
        release_children(queue, [uuid], also=inserted, session=session)
        update_flow_state(queue, flow_uuid, session=session)
    return state


def recover(queue: Queue, job_doc: Document) -> None:
    """Do what an interrupted `finish` left undone. The caller holds the job and its flow."""
    release_children(queue, [job_doc["uuid"]], also=[job_doc["uuid"]])
    flow_uuid = job_doc["job"]["hosts"][-1]
    flow = queue.flows.find_one({"uuid": flow_uuid}, ["jobs"])
    if flow is not None:
        release_children(queue, [], also=flow["jobs"])
    update_flow_state(queue, flow_uuid)


def is_finished(job_doc: Document) -> bool:
    """Whether the completion of a job has been recorded."""
    return job_doc["state"] in {state.value for state in FINISHED_STATES}


def _additions(response: dict[str, Any], job_doc: Document) -> list[_Addition]:
    from jobflow.core.flow import get_flow
    from monty.json import MontyDecoder

    found = []
    for kind in DynamicResponseType:
        described = response.get(kind.value)
        if not described:
            continue
        flow = get_flow(MontyDecoder().process_decoded(described), allow_external_references=True)
        if not flow.hosts and flow.uuid not in job_doc["job"]["hosts"]:
            flow.add_hosts_uuids(job_doc["job"]["hosts"])
        jobs = serialise(flow)
        within = {p for job in jobs for p in job.parents}
        own = {job.key[0] for job in jobs}
        roots = (
            list(job_doc.get("parents") or [])
            if kind is DynamicResponseType.REPLACE
            else [job_doc["uuid"]]
        )
        jobs = [job if set(job.parents) & own else NewJob(job.data, roots) for job in jobs]
        found.append(_Addition(kind, jobs, [uuid for uuid in own if uuid not in within]))
    return found


def _insert(
    queue: Queue,
    job_doc: Document,
    additions: list[_Addition],
    prefix: str | None,
    session: Any,
    *,
    stopped: bool,
) -> list[str]:
    settings = RunSettings(
        worker=job_doc["worker"],
        exec_config=job_doc.get("exec_config"),
        resources=job_doc.get("resources"),
        priority=job_doc.get("priority") or 0,
    )
    state = JobState.STOPPED if stopped else JobState.WAITING
    inserted: list[str] = []
    for addition in additions:
        ids = insert_new_jobs(
            queue, addition.jobs, settings, prefix=prefix, state=state, session=session
        )
        _tell_flow(queue, job_doc, addition, ids, session)
        inserted += [job.key[0] for job in addition.jobs]
    return inserted


def _tell_flow(
    queue: Queue,
    job_doc: Document,
    addition: _Addition,
    ids: dict[tuple[str, int], str],
    session: Any,
) -> None:
    """Add new jobs to the flow; a detour also becomes a parent of the job's children."""
    parents: dict[str, Any] = {
        f"parents.{job.key[0]}.{job.key[1]}": job.parents for job in addition.jobs
    }
    flow = {"uuid": job_doc["job"]["hosts"][-1]}
    update: dict[str, Any] = {
        "$addToSet": {
            "jobs": {"$each": [job.key[0] for job in addition.jobs]},
            "ids": {"$each": [[ids[job.key], *job.key] for job in addition.jobs]},
        },
        "$set": {**parents, "updated_on": utc_now()},
    }
    queue.flows.update_one(flow, update, session=session)
    if addition.kind is not DynamicResponseType.DETOUR:
        return
    own = sorted({job.key[0] for job in addition.jobs})
    children = {"parents": job_doc["uuid"], "uuid": {"$nin": own}}
    waiting = list(queue.jobs.find(children, ["uuid", "index"], session=session))
    if not waiting:
        return
    leaves = {"$each": sorted(addition.leaves)}
    queue.jobs.update_many(children, {"$addToSet": {"parents": leaves}}, session=session)
    queue.flows.update_one(
        flow,
        {"$addToSet": {f"parents.{doc['uuid']}.{doc['index']}": leaves for doc in waiting}},
        session=session,
    )


def _stop(queue: Queue, selection: dict[str, Any], session: Any) -> None:
    """Stop jobs that have not begun; one that somebody holds is stopped all the same."""
    queue.jobs.update_many(
        {**selection, "state": {"$in": list(STOPPABLE)}},
        {"$set": {"state": JobState.STOPPED.value, "updated_on": utc_now()}},
        session=session,
    )


def _check_lock(queue: Queue, job_doc: Document, session: Any) -> None:
    query = {"_id": job_doc["_id"], "lock_id": job_doc["lock_id"]}
    if queue.jobs.find_one(query, ["_id"], session=session) is None:
        raise _lost(job_doc)


def _record(queue: Queue, job_doc: Document, fields: dict[str, Any], session: Any) -> None:
    query = {"_id": job_doc["_id"], "lock_id": job_doc["lock_id"]}
    if not queue.jobs.update_one(query, {"$set": fields}, session=session).matched_count:
        raise _lost(job_doc)


def _lost(job_doc: Document) -> LockLostError:
    return LockLostError(
        f"the lock on job {job_doc['db_id']} was lost while it was completed",
        hint="whoever holds it now completes it",
    )
