"""Claim READY jobs: they become CHECKED_OUT, and no other process claims them.

The state is the claim. Many jobs are claimed in one transaction; without transactions, they are
locked while they change, so that they can be distinguished from jobs claimed by others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from controller.bulk_locks import lock_documents
from controller.config.retries import LONGEST_DELAY
from controller.documents import flow_if_named, utc_now
from controller.operations.batch_steps import BatchStep, step_of_locked
from controller.operations.queue import Queue
from controller.operations.steps import CLAIM_ORDER, RetryPolicy, StepOutcome
from controller.rules.step_retry import due_query
from controller.states import NOT_STARTED_FLOW_STATES, FlowState, JobState
from controller.storage.base import Document
from controller.storage.conflicts import repeat_on_conflict

_FIELDS = ["uuid", "index", "db_id", "job.hosts"]
_NOT_STARTED = [state.value for state in NOT_STARTED_FLOW_STATES]


def claim_jobs(
    queue: Queue,
    query: Mapping[str, Any] | None = None,
    *,
    limit: int,
    sort: Sequence[tuple[str, int]] | None = None,
) -> list[tuple[str, int]]:
    """Claim the first READY jobs that are due and not locked.

    Parameters
    ----------
    query
        Further conditions.
    limit
        Maximum number of jobs.
    sort
        Order of the jobs; None means by priority, then by age.

    Returns
    -------
    list
        (uuid, index) of each, in this order; possibly fewer if others claim at the same time.
    """
    wanted = _wanted(query)
    if limit == 1:
        claimed = _claim_one(queue, wanted, sort or CLAIM_ORDER)
    elif queue.database.supports_transactions:
        # In an order that has an index: otherwise all jobs of the worker would be read.
        if queue.jobs.find_one(wanted, ["_id"], sort=sort or CLAIM_ORDER) is None:
            return []
        claim = partial(_claim_many, queue, wanted, sort or CLAIM_ORDER, limit)
        claimed = repeat_on_conflict(claim)
    else:
        found = queue.jobs.find(wanted, ["_id"], sort=sort or CLAIM_ORDER, limit=limit)
        ids = [document["_id"] for document in found]
        if not ids:
            return []
        claimed = repeat_on_conflict(partial(_claim_under_locks, queue, wanted, ids))
    return [(job["uuid"], job["index"]) for job in claimed]


def claim_and_step(
    queue: Queue,
    query: Mapping[str, Any],
    step: BatchStep,
    retries: RetryPolicy,
    *,
    room: Callable[[Any], int],
) -> list[StepOutcome]:
    """Claim the first READY jobs that are due, and do their first step under the same lock.

    The limit is computed in the transaction that claims the jobs, so that several runners
    together do not exceed it.

    Parameters
    ----------
    query
        Further conditions.
    step
        Called with the locked documents, which are CHECKED_OUT.
    room
        Called with the session of the transaction; returns the maximum number of jobs to claim.

    Returns
    -------
    list
        As returned by `take_steps`.

    Raises
    ------
    StorageUnavailableError
        The database fails; locks, if there are any, are left to expire.
    """
    wanted, ids = _wanted(query), list[Any]()

    def choose(session: Any) -> list[Any]:
        limit = room(session)
        if limit > 0:
            found = queue.jobs.find(
                wanted, ["_id", "job.hosts"], sort=CLAIM_ORDER, limit=limit, session=session
            )
            jobs = list(found)
            ids[:] = [job["_id"] for job in jobs]
            if jobs and _is_first(queue, jobs, session):
                _begin_flows(queue, jobs, session)
        return ids

    ready = {"state": JobState.READY.value}
    with lock_documents(
        queue.jobs,
        "_id",
        choose,
        matching=ready,
        fields=_claim()["$set"],
        within=queue.database.transaction,
    ) as locked:
        return step_of_locked(locked, ids, step, retries)


def _wanted(query: Mapping[str, Any] | None) -> dict[str, Any]:
    """Select READY jobs that are due and not locked."""
    wanted = {**(query or {}), "state": JobState.READY.value, "lock_id": None}
    # A job that is to be retried may have to wait.
    return {**wanted, "$and": [*wanted.get("$and", []), due_query(utc_now(), LONGEST_DELAY)]}


def _claim_one(queue: Queue, wanted: Mapping[str, Any], sort: Sequence[tuple[str, int]]) -> Any:
    job = queue.jobs.find_one_and_update(
        wanted, _claim(), _FIELDS, sort=sort, return_document="after"
    )
    if job is None:
        return []
    _begin_flows(queue, [job], None)
    return [job]


def _claim_many(
    queue: Queue, wanted: Mapping[str, Any], sort: Sequence[tuple[str, int]], limit: int
) -> list[Document]:
    with queue.database.transaction() as session:
        jobs = list(queue.jobs.find(wanted, [*_FIELDS], sort=sort, limit=limit, session=session))
        if jobs:
            ids = [job["_id"] for job in jobs]
            queue.jobs.update_many({"_id": {"$in": ids}}, _claim(), session=session)
            _begin_flows(queue, jobs, session)
    return jobs


def _claim_under_locks(
    queue: Queue, wanted: Mapping[str, Any], ids: Sequence[Any]
) -> list[Document]:
    """Claim jobs under a lock; a process that dies in between leaves locked CHECKED_OUT jobs."""
    with lock_documents(
        queue.jobs, "_id", ids, _FIELDS, matching=wanted, fields=_claim()["$set"]
    ) as locked:
        jobs = [locked.documents[i] for i in ids if i in locked.documents]
        if jobs:
            _begin_flows(queue, jobs, None)
    return jobs


def _claim() -> dict[str, dict[str, Any]]:
    return {"$set": {"state": JobState.CHECKED_OUT.value, "updated_on": utc_now()}}


def _is_first(queue: Queue, jobs: Sequence[Document], session: Any) -> bool:
    """Whether a flow of claimed jobs has not started yet; nearly always cheaper than a write."""
    return queue.flows.find_one(_not_begun(jobs), ["_id"], session=session) is not None


def _begin_flows(queue: Queue, jobs: Sequence[Document], session: Any) -> None:
    """Set the flows of claimed jobs to RUNNING."""
    begun = {"$set": {"state": FlowState.RUNNING.value, "updated_on": utc_now()}}
    queue.flows.update_many(_not_begun(jobs), begun, session=session)


def _not_begun(jobs: Sequence[Document]) -> dict[str, Any]:
    """Select the flows of these jobs that have not started yet."""
    uuids = sorted({uuid for job in jobs if (uuid := flow_if_named(job)) is not None})
    return {"uuid": {"$in": uuids}, "state": {"$in": _NOT_STARTED}}
