"""A step of many jobs: lock those that are due, do the step of each, record the outcomes.

Jobs take a step together, with few writes; a single job is a batch of one. What the step did is
in the fields or the error that it returns for a job; either is written to the job together with the
end of its lock. A job whose outcome cannot be recorded affects only itself.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from controller.bulk_locks import LockedDocuments, lock_documents
from controller.documents import utc_now
from controller.errors import StorageUnavailableError
from controller.leases import FREE, GIVEN_UP
from controller.locks import lock_lost
from controller.operations.queue import Queue
from controller.operations.steps import (
    CLAIM_ORDER,
    RetryPolicy,
    StepOutcome,
    StepResult,
    eligible_query,
    plan_end,
)
from controller.storage.base import (
    BulkWriteResult,
    Document,
    Projection,
    UpdateMany,
    UpdateOne,
    WriteOperation,
)
from controller.storage.conflicts import repeat_on_conflict

logger = logging.getLogger(__name__)

LONGEST_TURN = 1.0
"""Seconds after which no further job of a batch starts its step."""


class Recorded(Enum):
    """Means that a step has itself recorded the result and unlocked the job."""

    RECORDED = auto()


RECORDED = Recorded.RECORDED
Answer = dict[str, Any] | Exception | Recorded
Answers = dict[tuple[str, int], Answer]
BatchStep = Callable[[list[Document]], Mapping[tuple[str, int], Answer]]
"""Does a step of many locked jobs; returns for each (uuid, index) the fields to set, the error, or
`RECORDED`. A job that is missing in the result was not examined, and is unlocked
unchanged."""


def take_steps(
    queue: Queue,
    query: Mapping[str, Any],
    step: BatchStep,
    retries: RetryPolicy,
    *,
    limit: int,
    projection: Projection = None,
    ids: Sequence[Any] | None = None,
) -> list[StepOutcome]:
    """Do one step of many jobs: they are locked together, and the results are one write.

    Parameters
    ----------
    query
        Selects eligible jobs; those whose next step is not due never are.
    step
        Called with the locked documents.
    limit
        Maximum number of jobs: the first ones, by priority and age.
    projection
        Fields of the jobs to read: all but those that the step does not need.
    ids
        ``_id`` of the jobs, if the caller knows them; None to look for them.

    Returns
    -------
    list
        One outcome for each job that the step looked at; empty when no job is eligible.

    Raises
    ------
    StorageUnavailableError
        The database fails; locks, if there are any, are left to expire.
    """
    eligible = eligible_query(query, retries)
    if ids is None:
        free = {**eligible, "lock_id": None}
        first = queue.jobs.find(free, ["_id"], sort=CLAIM_ORDER, limit=limit)
        ids = [document["_id"] for document in first]
    if not ids:
        return []
    with lock_documents(queue.jobs, "_id", ids, projection, matching=eligible) as locked:
        return step_of_locked(locked, ids, step, retries)


def step_of_locked(
    locked: LockedDocuments, ids: Sequence[Any], step: BatchStep, retries: RetryPolicy
) -> list[StepOutcome]:
    """Do one step of locked jobs, record the results, and free them.

    Parameters
    ----------
    ids
        ``_id`` of the jobs, in the order in which the step takes them; of some that are not locked,
        too.
    """
    jobs = [locked.documents[i] for i in ids if i in locked.documents]
    return _Ends(locked, retries).record(jobs, step(jobs)) if jobs else []


def one_by_one(
    step: Callable[[Document], dict[str, Any]], may_go_on: Callable[[Document], bool]
) -> BatchStep:
    """Turn a step of one job into a step of many jobs.

    Parameters
    ----------
    step
        Called with a locked document; returns the fields to set.
    may_go_on
        Asked before each job but the first: whether to do its step now. After `LONGEST_TURN` the
        others are given back in any case, so that what was done is recorded.
    """

    def steps(jobs: list[Document]) -> dict[tuple[str, int], dict[str, Any] | Exception]:
        answers: dict[tuple[str, int], dict[str, Any] | Exception] = {}
        end = time.monotonic() + LONGEST_TURN
        for job in jobs:
            if answers and (time.monotonic() > end or not may_go_on(job)):
                continue
            try:
                answers[job["uuid"], job["index"]] = step(job)
            except Exception as error:  # noqa: BLE001 (every failure of a step is recorded)
                answers[job["uuid"], job["index"]] = error
        return answers

    return steps


def record_midway(
    queue: Queue, jobs: Sequence[Document], fields: Sequence[Mapping[str, Any]]
) -> list[bool]:
    """Record in locked jobs what is about to be done with them, in one write.

    So a process that takes a job over knows where to look. The documents change, too, so that
    the end of the step is recorded of the job as it is now.

    Parameters
    ----------
    jobs, fields
        The locked documents, and the fields to set in each.

    Returns
    -------
    list of bool
        Whether each is still locked by us; nothing was written to the others.

    Raises
    ------
    StorageUnavailableError
        The database cannot be reached.
    """
    if not jobs:
        return []
    now = utc_now()
    operations: list[WriteOperation] = [
        UpdateOne(
            {"_id": job["_id"], "lock_id": job["lock_id"], "state": job["state"]},
            {"$set": {**some, "updated_on": now}},
        )
        for job, some in zip(jobs, fields)
    ]
    done = repeat_on_conflict(lambda: queue.jobs.bulk_write(operations, ordered=False))
    ours = {job["_id"] for job in jobs}
    if done.matched_count < len(jobs):
        query = {"_id": {"$in": list(ours)}, "lock_id": jobs[0]["lock_id"]}
        ours = {found["_id"] for found in queue.jobs.find(query, ["_id"])}
    for job, some in zip(jobs, fields):
        if job["_id"] in ours:
            job.update(changed(job, some))
    return [job["_id"] in ours for job in jobs]


def changed(document: Document, fields: Mapping[str, Any]) -> Document:
    """Return a document in which fields, given by dotted paths of one dot at most, are set."""
    new = dict(document)
    for path, value in fields.items():
        above, _, last = path.rpartition(".")
        if above:
            new[above] = {**(new.get(above) or {}), last: value}
        else:
            new[last] = value
    return new


@dataclass(frozen=True)
class _End:
    """The outcome of the step of one job, and the fields to write."""

    outcome: StepOutcome | None
    fields: Mapping[str, Any]
    unchanged: Mapping[str, Any] = field(default_factory=dict)

    def of(self, result: StepResult, error: Exception) -> StepOutcome | None:
        """Return a different outcome for the same job."""
        old = self.outcome
        return None if old is None else StepOutcome(old.job, result, old.fields, error)


class _Ends:
    """Writes the outcomes of a step of many jobs, and unlocks them."""

    def __init__(self, locked: LockedDocuments, retries: RetryPolicy) -> None:
        self._locked, self._retries = locked, retries
        self._jobs, self._lock_id = locked.collection, locked.lock_id
        self._now = utc_now()

    def record(
        self,
        jobs: Sequence[Document],
        answers: Mapping[tuple[str, int], Answer],
    ) -> list[StepOutcome]:
        """Write all of them together; if that is refused, each one alone."""
        ends: dict[Any, _End] = {}
        outcomes: dict[Any, StepOutcome | None] = {}
        for job in jobs:
            answer = answers.get((job["uuid"], job["index"]))
            if isinstance(answer, Recorded):
                outcomes[job["_id"]] = StepOutcome(job, StepResult.ADVANCED)
                continue
            try:
                ends[job["_id"]] = self._end(job, answer)
            except Exception as error:  # noqa: BLE001 (it costs this job only)
                outcomes[job["_id"]] = self._unrecorded(job, error)
        try:
            found = self._write(ends)
        except StorageUnavailableError:
            raise
        except Exception as error:  # noqa: BLE001 (it costs one of these jobs only)
            if len(ends) == 1:
                ((key, end),) = ends.items()
                found = {key: end.outcome and self._unrecorded(end.outcome.job, error)}
            else:
                found = self._write_each(ends)
        outcomes.update(found)
        self._locked.documents.clear()  # all are unlocked, or given up
        return [each for job in jobs if (each := outcomes.get(job["_id"])) is not None]

    def _write_each(self, ends: Mapping[Any, _End]) -> dict[Any, StepOutcome | None]:
        found: dict[Any, StepOutcome | None] = {}
        for key, end in ends.items():
            try:
                found.update(self._write({key: end}))
            except StorageUnavailableError:
                raise
            except Exception as error:  # noqa: BLE001 (it costs this job only)
                found[key] = end.outcome and self._unrecorded(end.outcome.job, error)
        return found

    def _unrecorded(self, job: Document, error: Exception) -> StepOutcome:
        logger.error("job %s: the end of a step cannot be recorded", job["db_id"], exc_info=error)
        GIVEN_UP.add(self._lock_id)
        return StepOutcome(job, StepResult.NOT_RECORDED, error=error)

    def _end(self, job: Document, answer: dict[str, Any] | Exception | None) -> _End:
        unchanged = {"state": job["state"]}
        if answer is None:
            return _End(None, {}, unchanged)
        error, set_by_step = (answer, {}) if isinstance(answer, Exception) else (None, answer)
        result, fields = plan_end(job, error, self._retries, self._now)
        outcome = StepOutcome(job, result, set_by_step, error)
        if fields is None:
            return _End(outcome, {}, unchanged)
        return _End(outcome, {**fields, **set_by_step, "updated_on": self._now})

    def _write(self, ends: Mapping[Any, _End]) -> dict[Any, StepOutcome | None]:
        """Write outcomes and unlock their jobs; identical ones are one operation."""
        if not ends:
            return {}
        alike: dict[str, tuple[_End, list[Any]]] = {}
        for key, end in ends.items():
            kind = repr((end.fields, end.unchanged))
            alike.setdefault(kind, (end, []))[1].append(key)
        operations: list[WriteOperation] = []
        for end, keys in alike.values():
            one = {"lock_id": self._lock_id, **end.unchanged}
            update = {"$set": {**end.fields, **FREE}}
            if len(keys) == 1:
                operations.append(UpdateOne({"_id": keys[0], **one}, update))
            else:
                operations.append(UpdateMany({"_id": {"$in": keys}, **one}, update))

        def write_ends() -> BulkWriteResult:
            return self._jobs.bulk_write(operations)

        done = repeat_on_conflict(write_ends)
        if done.matched_count >= len(ends):
            return {key: end.outcome for key, end in ends.items()}
        return self._look(ends)

    def _look(self, ends: Mapping[Any, _End]) -> dict[Any, StepOutcome | None]:
        """Find out which jobs were not written because they are no longer ours."""
        query = {"_id": {"$in": list(ends)}}
        found = {d["_id"]: d for d in self._jobs.find(query, ["lock_id", "updated_on"])}
        outcomes: dict[Any, StepOutcome | None] = {}
        for key, end in ends.items():
            now = found.get(key)
            outcomes[key] = end.outcome
            if now is not None and now["lock_id"] == self._lock_id:
                GIVEN_UP.add(self._lock_id)  # recorded and not finished
            elif end.fields and (now is None or now["updated_on"] != self._now):
                outcomes[key] = end.of(StepResult.LOST, lock_lost(self._lock_id, self._jobs))
        return outcomes
