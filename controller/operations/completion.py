"""Complete a job: store its output, apply its Response, release its children.

The step can be interrupted between any two writes and repeated. Outputs are keyed by (uuid, index)
and written first. Then, in one transaction if available (1 to 3 are in
`controller.operations.responses`):

1. jobs of the response are inserted, not yet runnable, keyed by (uuid, index);
2. they are added to the flow and, as parents, to children, with set operations;
3. children or the whole flow are stopped, if the response says so;
4. the end of the job is recorded, under its lock, and its children become READY;
5. the flow gets its state, and is unlocked.

Without transactions, an interruption before 4 leaves the job DOWNLOADED, so the step is repeated;
after 4, it leaves a finished job with an expired lock, and `recover` does the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from controller.documents import flow_of, utc_now
from controller.documents.attempts import ended_attempts
from controller.errors import FlowNotFoundError, LockLostError, SubmissionError
from controller.locks import MongoLock
from controller.operations.failures import bounded
from controller.operations.insertion import refuse_jobs_of_others
from controller.operations.progress import (
    FLOW_FIELDS,
    plan_progress,
    release_flow,
    release_operation,
    update_flow_state,
)
from controller.operations.queue import Queue
from controller.operations.responses import ResponseEffects, apply_effects, read_effects
from controller.operations.retrying import new_attempt_fields
from controller.rules.retries import PlannedRetry
from controller.rules.why import error_line
from controller.states import FINISHED_STATES, Cause, JobState
from controller.storage.base import Document, UpdateOne


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
    cause
        The `Cause` of the failure; read only if the job failed.
    node
        Node on which it ran, if known.
    retry
        The next attempt, if the job is retried.
    """

    response: Mapping[str, Any] | None
    error: str | None = None
    fields: Mapping[str, Any] | None = None
    cause: Cause = Cause.JOB_ERROR
    node: str | None = None
    retry: PlannedRetry | None = None

    @property
    def outcome(self) -> JobState:
        """State of the attempt: COMPLETED or FAILED."""
        return JobState.COMPLETED if self.error is None else JobState.FAILED

    @property
    def state(self) -> JobState:
        """New state of the job: the outcome, or READY if it is retried."""
        return JobState.READY if self.retry is not None else self.outcome

    @property
    def answer(self) -> Mapping[str, Any]:
        """The response; empty if the job failed."""
        return (self.response or {}) if self.error is None else {}


def finish(
    queue: Queue,
    job_doc: Document,
    ending: Ending,
    *,
    prefix: str | None = None,
    flow_lock: MongoLock | None = None,
    flow: MutableMapping[str, Any] | None = None,
) -> JobState:
    """Record the end of a job whose output, if any, has been stored.

    The caller holds the job (``job_doc`` is the locked document) and its flow.

    Parameters
    ----------
    prefix
        Prefix of the db_ids of new jobs.
    flow_lock
        The lock on the flow, with `FLOW_FIELDS`. If given, it is released with the new state of the
        flow.
    flow
        The locked flow document, instead of ``flow_lock``; its state is updated too.

    Returns
    -------
    JobState
        COMPLETED or FAILED, or READY for one that is retried.

    Raises
    ------
    LockLostError
        The lock on the job was lost; with transactions, nothing was written.
    FlowNotFoundError
        The flow is missing.
    """
    try:
        effects = read_effects(ending.answer, job_doc)
        if effects.jobs:
            refuse_jobs_of_others(queue, effects.jobs, flow_of(job_doc))
    except SubmissionError as error:
        # The job ran, but its Response cannot be accepted: it fails, with the reason.
        what = f"the job ran, but the jobs it adds cannot be accepted: {error}"
        effects, ending = ResponseEffects(), Ending(None, bounded(what), ending.fields)
    with queue.database.transaction() as session:
        known = _flow(queue, job_doc, flow_lock, flow, session)
        inserted: list[str] = []
        if not effects.is_empty:
            _check_lock(queue, job_doc, session)
            inserted = apply_effects(queue, job_doc, effects, prefix=prefix, session=session)
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
    """Complete an interrupted `finish`. The caller holds the locks on the job and its flow."""
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


def _check_lock(queue: Queue, job_doc: Document, session: Any = None) -> None:
    query = {"_id": job_doc["_id"], "lock_id": job_doc["lock_id"]}
    if queue.jobs.find_one(query, ["_id"], session=session) is None:
        raise _lost(job_doc)


def _record(
    queue: Queue, job_doc: Document, ending: Ending, ready: list[str], session: Any
) -> None:
    """Write the end of the job, then release its children: in one command, in this order."""
    fields = _end_fields(job_doc, ending)
    own = UpdateOne({"_id": job_doc["_id"], "lock_id": job_doc["lock_id"]}, {"$set": fields})
    released = [release_operation(ready)] if ready else []
    done = queue.jobs.bulk_write([own, *released], session=session)
    if done.matched_count < 1 + len(ready):
        _check_lock(queue, job_doc, session)


def _end_fields(job_doc: Document, ending: Ending) -> dict[str, Any]:
    """Return the fields that record an end: the attempt, and the new state of the job."""
    now, failed = utc_now(), ending.error is not None
    known = ending.fields or {}
    attempts = ended_attempts(
        job_doc,
        now=now,
        state=ending.outcome,
        cause=ending.cause.value if failed else None,
        headline=error_line(ending.error) if failed else None,
        start_time=known.get("start_time"),
        end_time=known.get("end_time"),
        node=ending.node,
        retry=ending.retry.as_stored() if ending.retry else None,
    )
    if ending.retry is not None:
        return {**new_attempt_fields(ending.retry, now), "attempts": attempts}
    fields = {
        **known,
        "state": ending.state.value,
        "error": ending.error,
        "stored_data": ending.answer.get("stored_data"),
        "attempts": attempts,
        "updated_on": now,
    }
    return {**fields, "error_cause": ending.cause.value} if failed else fields


def _lost(job_doc: Document) -> LockLostError:
    return LockLostError(
        f"the lock on job {job_doc['db_id']} was lost while the job was being completed",
        hint="the process that holds the lock now completes the job",
    )
