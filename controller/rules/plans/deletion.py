"""Delete jobs from a flow, keeping the flow consistent.

Children lose the deleted parent. A child that still waited for it would wait forever, or run
without its input: it is STOPPED, unless the job was COMPLETED or the child can run without inputs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from controller.errors import StateError
from controller.rules.plans.view import (
    Doc,
    FlowPlan,
    FlowView,
    JobChange,
    Key,
    Refusal,
    change,
    plan_each,
    state_of,
)
from controller.rules.readiness import acceptable_parent_states, on_missing_of
from controller.states import NOT_STARTED_STATES, JobState


def plan_deletion(view: FlowView, *, keeps_outputs: bool = True) -> FlowPlan:
    """Delete jobs.

    Parameters
    ----------
    view
        Contains all indices of the chosen jobs, their children, and the size of the flow.
    keeps_outputs
        Whether the output of a deleted job can still be read.
    """
    plan = plan_each(view, "delete", lambda doc: change(doc, None))
    if plan.changes and len(plan.changes) >= view.size:
        return _refuse_all(view, plan)
    gone = {(c.uuid, c.index) for c in plan.changes}
    uuids = {uuid for uuid, _ in gone}
    left = {uuid for uuid, index in view.jobs if (uuid, index) not in gone}
    detached = sorted(uuids - left)
    stopped = tuple(_stopped_children(view, gone, detached, keeps_outputs=keeps_outputs))
    ids = [[c.db_id, c.uuid, c.index] for c in plan.changes]
    pulls: dict[str, Any] = {"ids": {"$in": ids}, "jobs": {"$in": detached}}
    for uuid, index in sorted({key for u in detached for key in view.children.get(u, ())} - gone):
        pulls[f"parents.{uuid}.{index}"] = {"$in": detached}
    unset = {f"parents.{u}": "" for u in detached}
    unset |= {f"parents.{u}.{i}": "" for u, i in sorted(gone) if u in left}
    return FlowPlan(
        view.uuid,
        (*stopped, *plan.changes),
        plan.unchanged,
        plan.refused,
        tuple(detached),
        {"$pull": pulls, "$unset": unset} if plan.changes else {},
    )


def _refuse_all(view: FlowView, plan: FlowPlan) -> FlowPlan:
    refused = tuple(
        Refusal(
            c.db_id,
            StateError(
                f"job {c.db_id} cannot be deleted: its flow would be left empty",
                action="delete",
                db_id=c.db_id,
                state=c.before,
                hint=f"delete the flow: jf flow delete -fid {view.uuid}",
            ),
        )
        for c in plan.changes
    )
    return FlowPlan(view.uuid, (), plan.unchanged, (*plan.refused, *refused))


def _stopped_children(
    view: FlowView, gone: set[Key], detached: Iterable[str], *, keeps_outputs: bool
) -> Iterable[JobChange]:
    """Children that would run without an input that a deleted job has not produced."""
    done: set[Key] = set()
    for uuid in detached:
        last = view.newest[uuid]
        for key in view.children.get(uuid, ()):
            child = view.jobs[key]
            if key in gone or key in done or state_of(child) not in NOT_STARTED_STATES:
                continue
            if not _can_run_without(child, last, keeps_outputs=keeps_outputs):
                done.add(key)
                yield change(child, JobState.STOPPED, dependent=True)


def _can_run_without(child: Doc, parent: Doc, *, keeps_outputs: bool) -> bool:
    on_missing = on_missing_of(child)
    if on_missing not in (None, "error"):
        return True
    return keeps_outputs and state_of(parent) in acceptable_parent_states(on_missing)
