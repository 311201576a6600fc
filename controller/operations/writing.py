"""Write the plans of a chunk of flows.

With transactions, all of it happens together. Without them, the order ensures that after an
interruption, repeating the same action completes it:

1. the entries to end processes, which wait for the change of their job;
2. jobs that change as a consequence, then jobs that were chosen;
3. parents that no longer exist, children that became READY;
4. the flows: their lists and states, with the release of their locks.

Every write to a job requires the state that was read and an unlocked job.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

from controller.documents import utc_now
from controller.errors import StateError, WriteConflictError
from controller.leases import FREE
from controller.operations.chunks import WriteConflict
from controller.operations.flow_locks import LockedFlows
from controller.operations.flow_states import derive_flow_states
from controller.operations.pending_cleanup import PendingCleanup, request, withdraw
from controller.operations.progress import release_children
from controller.operations.queue import Queue
from controller.rules.plans import FlowPlan, FlowView, JobChange, Refusal
from controller.states import FINISHED_STATES, JobState
from controller.storage.base import DeleteMany, UpdateMany, WriteOperation

_RELEASING = frozenset({*FINISHED_STATES, JobState.USER_STOPPED, None})
"""States after which children may start; None is a deletion, which may restore an older index."""


@dataclass(frozen=True)
class Deletion:
    """What to delete along with jobs.

    Attributes
    ----------
    files, outputs
        Whether to delete their run directories, and their outputs.
    """

    files: bool = False
    outputs: bool = False


def write_plans(
    queue: Queue,
    views: Mapping[str, FlowView],
    plans: Sequence[FlowPlan],
    held: LockedFlows,
    *,
    deletion: Deletion | None = None,
    accept_loss: bool = False,
) -> list[FlowPlan]:
    """Write plans, and return what was done.

    Parameters
    ----------
    held
        The locked flows; released with their new states.
    deletion
        What to delete along with the jobs.
    accept_loss
        Refuse jobs that another process has changed, instead of raising `WriteConflict`.

    Raises
    ------
    WriteConflict
        Raised only with transactions; without them, losses are always accepted.
    LockLostError
        The lock on a flow was lost.
    """
    if not any(plan.changes for plan in plans):
        return list(plans)
    careful = queue.database.supports_transactions and not accept_loss
    before = dict(held.documents)
    try:
        with queue.database.transaction() if careful else nullcontext() as session:
            writer = _Writer(queue, views, held, session, deletion or Deletion(), careful=careful)
            return writer.write(plans)
    except BaseException as error:
        # What was not written was not released either.
        held.documents.update(before)
        if careful and isinstance(error, WriteConflictError):
            raise WriteConflict from error
        raise


class _Writer:
    def __init__(
        self,
        queue: Queue,
        views: Mapping[str, FlowView],
        held: LockedFlows,
        session: Any,
        deletion: Deletion,
        *,
        careful: bool,
    ) -> None:
        self.queue, self.views, self.held, self.session = queue, views, held, session
        self._careful, self._deletion = careful, deletion
        self._now = utc_now()

    def write(self, plans: Sequence[FlowPlan]) -> list[FlowPlan]:
        if self.held.documents and self.session is None:
            self.held.check()
        entries = {
            c.db_id: self._pending_cleanup(plan, c)
            for plan in plans
            for c in plan.changes
            if c.cancel or c.after is None
        }
        request(self.queue, entries.values(), session=self.session)
        plans = self._write_jobs(plans, dependent=True)
        plans = self._write_jobs(plans, dependent=False)
        for change in (c for plan in plans for c in plan.changes):
            entries.pop(change.db_id, None)
        withdraw(self.queue, entries.values(), session=self.session)
        self._derive(plans)
        return list(plans)

    def _pending_cleanup(self, plan: FlowPlan, change: JobChange) -> PendingCleanup:
        gone = change.after is None
        flow = self.held.documents.get(plan.flow_uuid, {})
        return PendingCleanup.for_job(
            self._doc(plan, change),
            cancel=change.cancel,
            deleted=gone,
            delete_files=gone and self._deletion.files,
            delete_output=gone and self._deletion.outputs,
            jobstore=flow.get("jobstore"),
        )

    def _doc(self, plan: FlowPlan, change: JobChange) -> Mapping[str, Any]:
        return self.views[plan.flow_uuid].jobs[change.uuid, change.index]

    def _write_jobs(self, plans: Sequence[FlowPlan], *, dependent: bool) -> list[FlowPlan]:
        """Write one layer of changes; drop those that another process preceded."""
        layer = [(p, c) for p in plans for c in p.changes if c.dependent is dependent]
        if not layer:
            return list(plans)
        done = self.queue.jobs.bulk_write(self._operations(layer), session=self.session)
        if done.matched_count + done.deleted_count >= len(layer):
            return list(plans)
        if self._careful:
            raise WriteConflict
        lost = self._lost([change for _, change in layer])
        return [_without(plan, lost) for plan in plans]

    def _operations(self, layer: Sequence[tuple[FlowPlan, JobChange]]) -> list[WriteOperation]:
        """One operation for all jobs with the same change."""
        alike: dict[Any, tuple[JobChange, Mapping[str, Any], list[str]]] = {}
        for plan, change in layer:
            doc = self._doc(plan, change)
            kind = (change.before, change.after, doc.get("lock_id"), repr(change.fields))
            alike.setdefault(kind, (change, doc, []))[2].append(change.db_id)
        return [self._operation(change, doc, ids) for change, doc, ids in alike.values()]

    def _operation(
        self, change: JobChange, doc: Mapping[str, Any], db_ids: list[str]
    ) -> WriteOperation:
        query = {
            "db_id": db_ids[0] if len(db_ids) == 1 else {"$in": db_ids},
            "state": change.before.value,
            "lock_id": doc.get("lock_id"),
        }
        if change.after is None:
            return DeleteMany(query)
        # The change also removes a lock that is broken or whose holder died.
        freed = FREE if doc.get("lock_id") is not None else {}
        fields = {**change.fields, "state": change.after.value, "updated_on": self._now, **freed}
        return UpdateMany(query, {"$set": fields})

    def _lost(self, changes: Sequence[JobChange]) -> dict[str, str]:
        """{db_id: its current state} of the jobs that another process changed first."""
        ids = [change.db_id for change in changes]
        query = {"db_id": {"$in": ids}}
        found = self.queue.jobs.find(query, ["db_id", "state", "updated_on"], session=self.session)
        now = {d["db_id"]: d for d in found}
        lost = {}
        for change in changes:
            document = now.get(change.db_id)
            if change.after is None:
                if document is not None:
                    lost[change.db_id] = document["state"]
            elif document is None:
                lost[change.db_id] = "deleted"
            elif document["state"] != change.after.value or document["updated_on"] != self._now:
                lost[change.db_id] = document["state"]
        return lost

    def _derive(self, plans: Sequence[FlowPlan]) -> None:
        """Write the consequences of the changes, and release the flows."""
        detached = [uuid for plan in plans for uuid in plan.detached]
        if detached:
            pull = {"$pull": {"parents": {"$in": detached}}}
            self.queue.jobs.update_many({"parents": {"$in": detached}}, pull, session=self.session)
        released = {c.uuid for p in plans for c in p.changes if c.after in _RELEASING}
        orphans = {key[0] for p in plans for u in p.detached for key in self._children(p, u)}
        if released or orphans:
            release_children(self.queue, sorted(released), also=orphans, session=self.session)
        ours = {p.flow_uuid: p for p in plans if p.flow_uuid in self.held.documents and p.changes}
        if not ours:
            return
        flows = {uuid: self.held.documents[uuid] for uuid in ours}
        known = {
            uuid: [(c.uuid, c.index, c.after) for c in plan.changes if c.after is not None]
            for uuid, plan in ours.items()
        }
        states = derive_flow_states(self.queue, flows, known, session=self.session)
        updates: dict[str, dict[str, Mapping[str, Any]]] = {}
        for uuid, plan in ours.items():
            fields = {"state": states[uuid].value, "updated_on": self._now}
            changed = bool(plan.flow_update) or states[uuid].value != flows[uuid]["state"]
            updates[uuid] = {**plan.flow_update, **({"$set": fields} if changed else {})}
        self.held.release(updates, session=self.session)

    def _children(self, plan: FlowPlan, uuid: str) -> list[tuple[str, int]]:
        return self.views[plan.flow_uuid].children.get(uuid, [])


def _without(plan: FlowPlan, lost: Mapping[str, str]) -> FlowPlan:
    """Remove from a plan the jobs that another process changed first.

    A chosen job is not changed if a consequence of it could not be written.
    """
    gone = [c for c in plan.changes if c.db_id in lost]
    if not gone:
        return plan
    dropped = [c for c in plan.changes if not c.dependent] if gone[0].dependent else gone
    refused = tuple(
        Refusal(
            c.db_id,
            StateError(
                f"job {c.db_id} was not changed: another process changed job {gone[0].db_id}"
                f" at the same time; it is {lost[gone[0].db_id]} now",
                db_id=c.db_id,
                state=c.before,
                hint="check the job, then try again",
            ),
        )
        for c in dropped
        if not c.dependent
    )
    left = {c.db_id for c in (*gone, *dropped)}
    return replace(
        plan,
        changes=tuple(c for c in plan.changes if c.db_id not in left),
        refused=(*plan.refused, *refused),
    )
