"""Carry out the repairs of a diagnosis.

Each repair requires the state that it was planned for, so that doing it late, twice or concurrently
does no harm. A flow is repaired under its lock, from what is read under it, in a transaction if
available; without transactions, the jobs are written before the flow's own document, and after an
interruption the examination starts over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.doctor import reading
from controller.doctor.folders import remove_leftover
from controller.documents import new_flow_document, utc_now
from controller.errors import DuplicateKeyError, LockLostError, StorageBusyError
from controller.leases import FREE, not_renewed_since
from controller.locks import MongoLock
from controller.operations.archiving import mend as mend_move
from controller.operations.backup import COUNTER, UNFINISHED
from controller.operations.completion import is_finished, recover, recover_flow
from controller.operations.flow_states import derive_flow_state
from controller.operations.queue import Queue
from controller.rules.diagnosis.findings import (
    Action,
    Diagnosis,
    Finding,
    Mending,
    plan_mendings,
)
from controller.rules.diagnosis.flowplan import FlowPlan, FlowView, JobChange, plan_flow
from controller.rules.diagnosis.flows import some
from controller.states import FlowState, JobState
from controller.storage.base import Document, UpdateOne
from controller.storage.indexes import build_indexes

if TYPE_CHECKING:
    from controller.jobcontroller import JobController

_CHANGED = "it has changed in the meantime"
_HELD = "another process is working on it"


class Outcome(StrEnum):
    """The outcome of a repair."""

    PLANNED = "planned"  # a dry run
    DONE = "done"
    SKIPPED = "skipped"  # not possible now, or no longer needed


@dataclass(frozen=True)
class Mended:
    """A repair of findings, and its outcome.

    Attributes
    ----------
    text
        The repair that was or would be done, in one line.
    outcome
        The outcome.
    findings
        The findings it repairs.
    reason
        Why it was skipped.
    """

    text: str
    outcome: Outcome
    findings: tuple[Finding, ...]
    reason: str | None = None


def mend(
    controller: JobController,
    diagnosis: Diagnosis,
    dry_run: bool = True,
    *,
    foreign_locks: bool = False,
    half_inserted: bool = False,
    progress: reading.Progress | None = None,
) -> list[Mended]:
    """Repair findings.

    A repair that conflicts with the work of another process is skipped, without waiting.

    Parameters
    ----------
    diagnosis
        The result of `diagnose`.
    dry_run
        Only return the repairs that would be done.
    foreign_locks
        Unlock documents locked by programs that do not renew locks. Make sure that none of them is
        running.
    half_inserted
        Remove the remains of interrupted submissions. None of these jobs has run.
    progress
        Called with the number of repairs done; not in a dry run.

    Returns
    -------
    list
        The repairs done or planned; without the findings that only the user can fix.
    """
    consents = [
        name
        for name, given in (("foreign_locks", foreign_locks), ("half_inserted", half_inserted))
        if given
    ]
    done: list[Mended] = []
    plans = plan_mendings(diagnosis.findings, consents=consents)
    for planned in plans:
        subjects = some(list(dict.fromkeys(f.subject for f in planned.findings)))
        remedies = some(list(dict.fromkeys(f.remedy for f in planned.findings)))
        text = f"{subjects}: {remedies}"
        outcome, reason = Outcome.PLANNED, None
        if not dry_run:
            reason = _repair(controller.queue, planned.mending)
            outcome = Outcome.DONE if reason is None else Outcome.SKIPPED
        done.append(Mended(text, outcome, planned.findings, reason))
        if progress is not None and not dry_run:
            progress("mending", len(done), len(plans))
    return done


def _repair(queue: Queue, mending: Mending) -> str | None:
    """Do a repair; if not possible, return why."""
    try:
        return _ACTIONS[mending.action](queue, mending)
    except (LockLostError, StorageBusyError, DuplicateKeyError) as error:
        return str(error)


def _mend_flow(queue: Queue, mending: Mending) -> str | None:
    with MongoLock(
        queue.flows,
        {"uuid": mending.target},
        get_locked_doc=True,
        projection=reading.FLOW_FIELDS,
    ) as lock:
        flow = lock.locked_document
        if flow is None:
            return _HELD if lock.unavailable_document is not None else "it no longer exists"
        with queue.database.transaction() as session:
            view = reading.read_views(queue, [flow], session=session)[0]
            if not view.jobs:
                return "it has no jobs"
            plan = plan_flow(view)
            lock.check(session=session)
            _write_jobs(queue, plan, session)
            fields = plan.fields(flow)
            if plan.state is not None:
                state = derive_flow_state(queue, flow["uuid"], session=session)
                if state.value != flow.get("state"):
                    fields["state"] = state.value
            if fields:
                lock.update_on_release = {"$set": {**fields, "updated_on": utc_now()}}
            lock.release(session=session)
    return None


def _write_jobs(queue: Queue, plan: FlowPlan, session: Any) -> None:
    operations = [_job_operation(change) for change in plan.jobs]
    if operations:
        queue.jobs.bulk_write(operations, session=session)


def _job_operation(change: JobChange) -> UpdateOne:
    # Jobs are claimed and stopped without the flow's lock, so their state must be unchanged.
    job = change.job
    update: dict[str, Any] = {"$set": {"updated_on": utc_now()}}
    if change.state is not None:
        update["$set"]["state"] = change.state.value
    if change.lost_parents:
        update["$pull"] = {"parents": {"$in": list(change.lost_parents)}}
    return UpdateOne({"_id": job["_id"], "state": job["state"]}, update)


def _rebuild_flow(queue: Queue, mending: Mending) -> str | None:
    uuid = mending.target
    with queue.database.transaction() as session:
        if queue.flows.find_one({"uuid": uuid}, ["_id"], session=session) is not None:
            return "it exists again"
        jobs = reading.read_views(queue, [{"uuid": uuid}], session=session)[0].jobs
        if not jobs:
            return _CHANGED
        queue.flows.insert_one(_flow_document(uuid, jobs), session=session)
    return _mend_flow(queue, mending)


def _flow_document(uuid: str, jobs: Sequence[Mapping[str, Any]]) -> Document:
    plan = plan_flow(FlowView({"uuid": uuid}, jobs))
    return new_flow_document(
        uuid=uuid,
        name="rebuilt",
        metadata=None,
        ids=[(db_id, of, index) for db_id, of, index in plan.lists.ids],
        parents=plan.lists.parents,
        state=plan.state or FlowState.RUNNING,
        now=min(job["created_on"] for job in jobs),
    )


def _remove_half(queue: Queue, mending: Mending) -> str | None:
    uuid, of_flow = mending.target, {"job.hosts": mending.target}
    with MongoLock(queue.flows, {"uuid": uuid}, get_locked_doc=True, projection=["uuid"]) as lock:
        if lock.unavailable_document is not None:
            return _HELD
        if lock.acquired:
            if queue.jobs.find_one(of_flow, ["_id"]) is not None:
                return _CHANGED
            lock.delete_on_release = True
            return None
    with queue.database.transaction() as session:
        waiting = {"state": JobState.WAITING.value, "lock_id": None}
        begun = queue.jobs.find_one({**of_flow, "$nor": [waiting]}, ["_id"], session=session)
        flow = queue.flows.find_one({"uuid": uuid}, ["_id"], session=session)
        if begun is not None or flow is not None:
            return _CHANGED
        queue.jobs.delete_many({**of_flow, **waiting}, session=session)
    return None


def _free_lock(queue: Queue, mending: Mending) -> str | None:
    seen = {
        "_id": mending.document_id,
        "lock_id": mending.lock_id,
        "lock_lease": {"id": mending.lock_id, "seq": mending.seq},
    }
    return _free_of_dead(queue, mending, not_renewed_since(seen))


def _free_of_dead(queue: Queue, mending: Mending, query: dict[str, Any]) -> str | None:
    if (reason := _complete_step(queue, mending, query)) is not None:
        return reason
    return _free(queue, mending, query)


def _complete_step(queue: Queue, mending: Mending, query: dict[str, Any]) -> str | None:
    """Complete what the holder of a lock may have left undone; if not possible, return why.

    Before the document is unlocked: without transactions, the lock is all that tells of it.
    """
    held = getattr(queue, mending.target).find_one(query, ["uuid", "state", "job.hosts"])
    if held is None:
        return _CHANGED
    if mending.target == "flows":
        recover_flow(queue, held["uuid"])
    elif mending.target == "jobs" and is_finished(held):
        flow = {"jobs": held["uuid"]}
        with MongoLock(queue.flows, flow, get_locked_doc=True, projection=["uuid"]) as lock:
            if lock.unavailable_document is not None:
                return _HELD
            if lock.acquired:
                recover(queue, held)
    return None


def _free_foreign_lock(queue: Queue, mending: Mending) -> str | None:
    query = {
        "_id": mending.document_id,
        "lock_id": mending.lock_id,
        "lock_lease.id": {"$ne": mending.lock_id},
    }
    return _free_of_dead(queue, mending, query)


def _clear_lock(queue: Queue, mending: Mending) -> str | None:
    return _free(queue, mending, {"_id": mending.document_id, "lock_id": None})


def _free(queue: Queue, mending: Mending, query: dict[str, Any]) -> str | None:
    collection = getattr(queue, mending.target)
    done = collection.update_one(query, {"$set": dict(FREE)})
    return None if done.matched_count else _CHANGED


def _raise_counter(queue: Queue, mending: Mending) -> str | None:
    behind = {"next_id": {"$exists": True, "$lt": mending.value}}
    done = queue.auxiliary.update_many(behind, {"$set": {"next_id": mending.value}})
    return None if done.matched_count else _CHANGED


def _add_document(queue: Queue, mending: Mending) -> str | None:
    name = mending.target
    queue.auxiliary.update_one(
        {name: {"$exists": True}}, {"$setOnInsert": {name: mending.value}}, upsert=True
    )
    return None


def _build_indexes(queue: Queue, mending: Mending) -> str | None:
    build_indexes(getattr(queue, mending.target), reading.INDEXES[mending.target])
    return None


def _mend_archive(queue: Queue, mending: Mending) -> str | None:
    return mend_move(queue, mending.target)


def _remove_note(queue: Queue, mending: Mending) -> str | None:
    del mending  # there is only one note
    with MongoLock(queue.auxiliary, UNFINISHED, get_locked_doc=True) as lock:
        if not lock.acquired:
            return _HELD if lock.unavailable_document is not None else _CHANGED
        if queue.auxiliary.find_one(COUNTER, ["_id"]) is None:
            return _CHANGED
        lock.delete_on_release = True
    return None


def _remove_folder(queue: Queue, mending: Mending) -> str | None:
    del queue  # it belongs to no document
    return remove_leftover(Path(mending.target))


_ACTIONS: dict[Action, Callable[[Queue, Mending], str | None]] = {
    Action.MEND_FLOW: _mend_flow,
    Action.REBUILD_FLOW: _rebuild_flow,
    Action.REMOVE_HALF: _remove_half,
    Action.FREE_LOCK: _free_lock,
    Action.FREE_FOREIGN_LOCK: _free_foreign_lock,
    Action.CLEAR_LOCK: _clear_lock,
    Action.RAISE_COUNTER: _raise_counter,
    Action.ADD_DOCUMENT: _add_document,
    Action.BUILD_INDEXES: _build_indexes,
    Action.MEND_ARCHIVE: _mend_archive,
    Action.REMOVE_NOTE: _remove_note,
    Action.REMOVE_FOLDER: _remove_folder,
}
