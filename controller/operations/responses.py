"""Apply the Response of a job: add jobs to its flow, and stop others.

jobflow adds jobs in three ways. A *replace* takes the place of the job, under its uuid and the next
index; a *detour* comes between the job and its children, which wait for it too; an *addition* is
one more child. All of them are keyed by (uuid, index), and added to the flow with set operations,
so `apply_effects` may be interrupted anywhere and repeated. The new jobs are not yet runnable:
`controller.operations.completion` releases them once the job itself is recorded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.documents import DynamicResponseType, flow_of, utc_now
from controller.operations.flow_serialization import NewJob, read_flow
from controller.operations.insertion import RunSettings, insert_new_jobs
from controller.operations.queue import Queue
from controller.states import NOT_STARTED_STATES, JobState
from controller.storage.base import Document

_ORDER = (DynamicResponseType.REPLACE, DynamicResponseType.ADDITION, DynamicResponseType.DETOUR)
"""The detour is last: the other jobs added below the job wait for the detour too."""


@dataclass(frozen=True)
class AddedJobs:
    """Jobs added by a response in one of the three ways."""

    kind: DynamicResponseType
    jobs: list[NewJob]
    leaves: list[str]


@dataclass(frozen=True)
class ResponseEffects:
    """The effects of a response.

    Attributes
    ----------
    added
        Jobs to add to the flow.
    stops_children
        Whether the children of the job must not run.
    stops_flow
        Whether no other job of the flow may run.
    """

    added: list[AddedJobs] = field(default_factory=list)
    stops_children: bool = False
    stops_flow: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether the response has no effect."""
        return not (self.added or self.stops)

    @property
    def stops(self) -> bool:
        """Whether any other job is stopped."""
        return self.stops_children or self.stops_flow

    @property
    def jobs(self) -> list[NewJob]:
        """All jobs to add."""
        return [job for added in self.added for job in added.jobs]


def read_effects(response: Mapping[str, Any] | None, job_doc: Document) -> ResponseEffects:
    """Read the effects of a serialised Response.

    Raises
    ------
    SubmissionError
        The jobs it adds cannot be accepted.
    """
    if not response:
        return ResponseEffects()
    added = []
    for kind in _ORDER:
        described = response.get(kind.value)
        if not described:
            continue
        serialized = read_flow(described)
        replaces = kind is DynamicResponseType.REPLACE
        roots = list(job_doc.get("parents") or []) if replaces else [job_doc["uuid"]]
        jobs = [
            NewJob(_within_flow(job.data, job_doc), job.parents or roots) for job in serialized.jobs
        ]
        added.append(AddedJobs(kind, jobs, serialized.leaves))
    stop_children, stop_flow = response.get("stop_children"), response.get("stop_jobflow")
    return ResponseEffects(added, bool(stop_children), bool(stop_flow))


def apply_effects(
    queue: Queue,
    job_doc: Document,
    effects: ResponseEffects,
    *,
    prefix: str | None = None,
    session: Any = None,
) -> list[str]:
    """Apply the effects of a response, and return the uuids of the jobs it adds.

    A job locked by another process is stopped as well.

    Parameters
    ----------
    prefix
        Prefix of the db_ids of new jobs.
    """
    inserted = _insert(queue, job_doc, effects, prefix, session)
    uuid, flow_uuid = job_doc["uuid"], flow_of(job_doc)
    if effects.stops_children:
        stop_jobs(queue, {"parents": uuid}, session=session)
    if effects.stops_flow:
        stop_jobs(queue, {"job.hosts": flow_uuid, "uuid": {"$ne": uuid}}, session=session)
    return inserted


def _insert(
    queue: Queue,
    job_doc: Document,
    effects: ResponseEffects,
    prefix: str | None,
    session: Any,
) -> list[str]:
    """Insert the jobs of a response."""
    settings = RunSettings(
        worker=job_doc["worker"],
        exec_config=job_doc.get("exec_config"),
        resources=job_doc.get("resources"),
        priority=job_doc.get("priority") or 0,
        retry=job_doc.get("retry"),
    )
    state = JobState.STOPPED if effects.stops else JobState.WAITING
    inserted: list[str] = []
    for added in effects.added:
        ids = insert_new_jobs(
            queue, added.jobs, settings, prefix=prefix, state=state, session=session
        )
        _tell_flow(queue, job_doc, added, ids, session)
        inserted += [job.uuid for job in added.jobs]
    return inserted


def _tell_flow(
    queue: Queue,
    job_doc: Document,
    added: AddedJobs,
    ids: Mapping[tuple[str, int], str],
    session: Any,
) -> None:
    """Add new jobs to the flow; a detour also becomes a parent of the job's children."""
    entries: dict[str, Any] = {
        "jobs": {"$each": [job.uuid for job in added.jobs]},
        "ids": {"$each": [[ids[job.key], *job.key] for job in added.jobs]},
    }
    if added.kind is DynamicResponseType.DETOUR:
        own = [job.uuid for job in added.jobs]
        children = {"parents": job_doc["uuid"], "uuid": {"$nin": own}}
        leaves = {"$each": added.leaves}
        waiting = list(queue.jobs.find(children, ["uuid", "index"], session=session))
        if waiting:
            queue.jobs.update_many(children, {"$addToSet": {"parents": leaves}}, session=session)
        entries.update({f"parents.{doc['uuid']}.{doc['index']}": leaves for doc in waiting})
    parents = {f"parents.{job.uuid}.{job.key[1]}": job.parents for job in added.jobs}
    queue.flows.update_one(
        {"uuid": flow_of(job_doc)},
        {"$addToSet": entries, "$set": {**parents, "updated_on": utc_now()}},
        session=session,
    )


def _within_flow(data: dict[str, Any], job_doc: Document) -> dict[str, Any]:
    """Return a new job with the enclosing flows of the job that created it among its hosts.

    jobflow adds these when it runs the job; every query for a flow's jobs relies on it.
    """
    around, own = job_doc["job"]["hosts"], list(data.get("hosts") or [])
    return data if own[-1:] == around[-1:] else {**data, "hosts": [*own, *around]}


def stop_jobs(queue: Queue, selection: Mapping[str, Any], *, session: Any = None) -> int:
    """Stop the selected jobs that have not started, locked or not, and return their number."""
    done = queue.jobs.update_many(
        {**selection, "state": {"$in": [state.value for state in NOT_STARTED_STATES]}},
        {"$set": {"state": JobState.STOPPED.value, "updated_on": utc_now()}},
        session=session,
    )
    return done.modified_count
