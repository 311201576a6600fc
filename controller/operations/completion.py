"""Jobs end: their outputs are stored, what their Responses ask for is done, children are released.

Jobs end in batches; a single job is the batch with one. The step can be killed between any two
writes and done again. Outputs are keyed by (uuid, index) and written before
(`controller.operations.endings`). Then, in one transaction where there is one (1 to 3 are in
`controller.operations.responses`):

1. jobs of the responses are inserted, not runnable, keyed by (uuid, index);
2. the flows learn of them, by additions to sets, and children learn of new parents;
3. children or whole flows are stopped, if a response says so;
4. the jobs themselves are recorded, under their locks, and their children become READY;
5. the flows get their states, and are released.

Without transactions an interruption before 4 leaves a job DOWNLOADED, so the step is done
again; after it, a finished job under a dead lock, and `recover` does the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

from controller.documents import flow_of, utc_now
from controller.documents.attempts import ended_attempts
from controller.errors import FlowNotFoundError, LockLostError, SubmissionError
from controller.leases import FREE
from controller.operations.failures import bounded
from controller.operations.flow_locks import LockedFlows
from controller.operations.flow_states import derive_flow_state, update_flow_state
from controller.operations.insertion import refuse_jobs_of_others
from controller.operations.progress import (
    FLOW_FIELDS,
    JobsThatEnd,
    Progress,
    plan_progress,
    release_flow,
    release_operation,
)
from controller.operations.queue import Queue
from controller.operations.responses import ResponseEffects, apply_effects, read_effects
from controller.operations.retrying import new_attempt_fields
from controller.rules.retries import PlannedRetry
from controller.rules.step_retry import succeeded_step_update
from controller.rules.why import error_line
from controller.states import FINISHED_STATES, Cause, JobState
from controller.storage.base import Document, UpdateOne, WriteOperation

_SEE_DOCTOR = "see `jf admin doctor`"


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


@dataclass(frozen=True)
class EndedJob:
    """A job whose end is to be recorded.

    Attributes
    ----------
    doc
        Its document, as it was locked.
    ending
        How the job ended.
    """

    doc: Document
    ending: Ending

    @property
    def key(self) -> tuple[str, int]:
        """(uuid, index)."""
        return self.doc["uuid"], self.doc["index"]


JobEnds = dict[tuple[str, int], JobState | LockLostError]
"""{(uuid, index): the state of the job now, or that it is not ours any more}."""


def finish(
    queue: Queue,
    ended: Sequence[EndedJob],
    *,
    prefix: str | None = None,
    held: LockedFlows | None = None,
    flows: Mapping[str, MutableMapping[str, Any]] | None = None,
    session: Any = None,
    gives_back: bool = False,
) -> JobEnds:
    """Record the ends of jobs whose outputs, if any, are stored already.

    The caller holds the jobs and their flows.

    Parameters
    ----------
    prefix
        Prefix of the db_ids of new jobs.
    held
        The locked flows, with `FLOW_FIELDS`; those of the jobs are released together with the
        change of their states.
    flows
        {uuid: document} instead of ``held``, where the caller releases them; they get the new
        states, too.
    session
        Session of the caller's transaction; None starts a new transaction.
    gives_back
        Free the jobs with the same write, and record of each what every successful step records;
        for a ``session`` in which no other process writes (`Queue.takes_turns`).

    Returns
    -------
    dict
        COMPLETED or FAILED of each job, READY if it is retried. Of one that is not ours any more
        nothing was written, where there are transactions.

    Raises
    ------
    FlowNotFoundError
        A flow is missing.
    LockLostError
        A flow is not ours any more.
    """
    batch = _Batch(queue, prefix, held, {} if held is None else dict(held.documents), gives_back)
    batch.flows.update(flows or {})
    try:
        with queue.database.transaction() if session is None else nullcontext(session) as joined:
            answers = batch.write(list(ended), joined)
    except BaseException:
        if held is not None:
            held.documents.update(batch.flows)  # what was not written was not given back either
        raise
    for uuid, flow in (flows or {}).items():
        flow["state"] = batch.states.get(uuid, flow.get("state"))
    return answers


class _Batch:
    """Ends of jobs that are recorded together."""

    def __init__(
        self,
        queue: Queue,
        prefix: str | None,
        held: LockedFlows | None,
        flows: dict[str, Any],
        gives_back: bool,
    ) -> None:
        self.queue, self.prefix, self.held, self.flows = queue, prefix, held, flows
        self.gives_back = gives_back
        self.states: dict[str, str] = {}

    def write(self, ended: list[EndedJob], session: Any) -> JobEnds:
        """Write steps 1 to 5."""
        accepted = [self._accept(job, session) for job in ended]
        answers: JobEnds = {}
        asking = [job.doc for job, effects in accepted if not effects.is_empty]
        lost = self._lost(asking, session) if asking else set()
        inserted: dict[str, list[str]] = {}
        for job, effects in accepted:
            if job.key not in lost and not effects.is_empty:
                new = apply_effects(
                    self.queue, job.doc, effects, prefix=self.prefix, session=session
                )
                inserted.setdefault(flow_of(job.doc), []).extend(new)
        ours = [job for job, _ in accepted if job.key not in lost]
        progress, ours = self._plan(ours, inserted, session)
        gone = self._record(ours, progress, session)
        self._release(progress, gone, session)
        for job, _ in accepted:
            is_ours = any(job is mine for mine in ours) and job.key not in gone
            answers[job.key] = job.ending.state if is_ours else _lost(job.doc)
        return answers

    def _accept(self, job: EndedJob, session: Any) -> tuple[EndedJob, ResponseEffects]:
        """Read what a job asks for; what cannot be accepted is its end, and says why."""
        try:
            effects = read_effects(job.ending.answer, job.doc)
            if effects.jobs:
                refuse_jobs_of_others(self.queue, effects.jobs, flow_of(job.doc), session=session)
        except SubmissionError as error:
            what = f"the job ran, but the jobs that it adds cannot be accepted: {error}"
            failed = Ending(None, bounded(what), job.ending.fields)
            return EndedJob(job.doc, failed), ResponseEffects()
        return job, effects

    def _plan(
        self, ended: list[EndedJob], inserted: Mapping[str, list[str]], session: Any
    ) -> tuple[Progress, list[EndedJob]]:
        """Find out what follows; returns with it the jobs that are still ours."""
        while True:
            by_flow: dict[str, dict[tuple[str, int], JobState]] = {}
            for job in ended:
                by_flow.setdefault(flow_of(job.doc), {})[job.key] = job.ending.state
            ends = [
                JobsThatEnd(self._flow(uuid, session), states, inserted.get(uuid, ()))
                for uuid, states in by_flow.items()
            ]
            progress = plan_progress(self.queue, ends, session=session)
            ours = [
                job
                for job in ended
                if (read := progress.jobs.get(job.key)) is not None
                and read["lock_id"] == job.doc["lock_id"]
            ]
            if len(ours) == len(ended):
                return progress, ours
            ended = ours

    def _flow(self, uuid: str, session: Any) -> Mapping[str, Any]:
        known = self.flows.get(uuid)
        if known is None or not known.keys() >= FLOW_FIELDS.keys():
            known = self.queue.flows.find_one({"uuid": uuid}, FLOW_FIELDS, session=session)
        if known is None:
            raise FlowNotFoundError(f"the flow {uuid} of a job is missing", hint=_SEE_DOCTOR)
        return known

    def _record(
        self, ended: Sequence[EndedJob], progress: Progress, session: Any
    ) -> set[tuple[str, int]]:
        """Write the ends, then release children: one command, in this order.

        Returns
        -------
        set
            (uuid, index) of the jobs that were lost since they were read.
        """
        if not ended:
            return set()
        # In one order everywhere, so that two processes do not wait for each other's documents.
        in_order = sorted(ended, key=lambda job: str(job.doc["_id"]))
        also = {**succeeded_step_update(utc_now()), **FREE} if self.gives_back else {}
        operations: list[WriteOperation] = [record_operation(job, also) for job in in_order]
        if progress.ready:
            operations.append(release_operation(progress.ready))
        done = self.queue.jobs.bulk_write(operations, session=session)
        if self.gives_back or done.matched_count >= len(ended) + len(progress.ready):
            return set()
        return self._lost([job.doc for job in ended], session)

    def _lost(self, docs: Sequence[Document], session: Any) -> set[tuple[str, int]]:
        """(uuid, index) of those of the jobs that are not ours any more."""
        query = {"_id": {"$in": [doc["_id"] for doc in docs]}}
        found = self.queue.jobs.find(query, ["lock_id"], session=session)
        now = {doc["_id"]: doc["lock_id"] for doc in found}
        return {
            (doc["uuid"], doc["index"]) for doc in docs if now.get(doc["_id"]) != doc["lock_id"]
        }

    def _release(self, progress: Progress, gone: set[tuple[str, int]], session: Any) -> None:
        """Write the states of the flows; those that we hold are given back with it."""
        states, now = dict(progress.flow_states), utc_now()
        if gone:  # the plan counted on them
            states = {u: derive_flow_state(self.queue, u, session=session) for u in states}
        self.states = {uuid: state.value for uuid, state in states.items()}
        updates: dict[str, dict[str, Any]] = {uuid: {} for uuid in states}
        for uuid, state in states.items():
            if state.value != self.flows.get(uuid, {}).get("state"):
                updates[uuid] = {"$set": {"state": state.value, "updated_on": now}}
        if self.held is not None:
            if updates:
                self.held.release(updates, session=session)
            return
        for uuid, update in updates.items():
            if update:
                query = {"uuid": uuid, "state": {"$ne": states[uuid].value}}
                self.queue.flows.update_one(query, update, session=session)


def record_operation(job: EndedJob, also: Mapping[str, Any]) -> UpdateOne:
    """Compose the write of the end of a job: only under the lock under which it was read.

    Parameters
    ----------
    also
        Further fields to set; those of the end take precedence.
    """
    fields = {**also, **_end_fields(job.doc, job.ending)}
    return UpdateOne({"_id": job.doc["_id"], "lock_id": job.doc["lock_id"]}, {"$set": fields})


def recover(queue: Queue, job_doc: Document) -> None:
    """Do what an interrupted `finish` left undone. The caller holds the job and its flow."""
    recover_flow(queue, flow_of(job_doc))


def recover_flow(queue: Queue, flow_uuid: str) -> None:
    """Do what an interrupted change of a flow left undone. No other process may hold the flow."""
    release_flow(queue, flow_uuid)
    update_flow_state(queue, flow_uuid)


def is_finished(job_doc: Document) -> bool:
    """Whether the completion of a job has been recorded."""
    return job_doc["state"] in {state.value for state in FINISHED_STATES}


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
