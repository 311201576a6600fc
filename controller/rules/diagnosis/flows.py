"""Find inconsistencies between a flow and its jobs, and jobs without a flow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from controller.documents import flow_of
from controller.rules.diagnosis.findings import Action, Finding, FindingKind, Mending, Severity
from controller.rules.diagnosis.flowplan import (
    Doc,
    FlowPlan,
    FlowView,
    JobChange,
    Lists,
    entries,
    job_key,
    known_states,
    plan_flow,
)
from controller.states import JobState

SUBMISSION_TIME = timedelta(minutes=5)
"""A flow younger than this may still be being inserted."""


def examine_flow(view: FlowView, now: datetime) -> list[Finding]:
    """Find the problems of a flow and its jobs.

    Parameters
    ----------
    view
        The flow, read while it was not locked.
    now
        Naive UTC.
    """
    flow, uuid = view.flow, view.flow["uuid"]
    if not view.jobs:
        return [_empty_flow(flow, now)]
    mending = Mending(Action.MEND_FLOW, uuid)
    plan = plan_flow(view)
    findings = [_unknown_state(job) for job in view.jobs if not known_states([job])]
    for change in plan.jobs:
        findings += _of_job(change, mending)
    findings += _of_lists(view, plan, mending, now)
    if plan.state is not None and plan.state != flow.get("state"):
        findings.append(
            Finding(
                FindingKind.FLOW_STATE,
                Severity.PROBLEM,
                uuid,
                f"flow {uuid} is {flow.get('state')}, but its jobs make it {plan.state.value}",
                f"set its state to {plan.state.value}",
                mending,
            )
        )
    return findings


def _of_job(change: JobChange, mending: Mending) -> list[Finding]:
    job, db_id = change.job, str(change.job["db_id"])
    stopped = change.state is JobState.STOPPED
    remedy = "remove this parent"
    if stopped:
        remedy += " and stop the job; `jf job resume` starts it, if it can run without the parent"
    findings = [
        Finding(
            FindingKind.PARENT_MISSING,
            Severity.PROBLEM,
            db_id,
            f"job {db_id} waits for job {parent}, which does not exist",
            remedy,
            mending,
        )
        for parent in change.lost_parents
    ]
    if change.state is not None and not stopped:
        why = {
            JobState.READY: "although it no longer waits for anything",
            JobState.WAITING: "although not all of its parents have finished",
        }[change.state]
        findings.append(
            Finding(
                FindingKind.JOB_STATE,
                Severity.PROBLEM,
                db_id,
                f"job {db_id} is {job['state']} {why}",
                f"set its state to {change.state.value}",
                mending,
            )
        )
    return findings


def _of_lists(view: FlowView, plan: FlowPlan, mending: Mending, now: datetime) -> list[Finding]:
    flow, uuid = view.flow, view.flow["uuid"]
    findings = [_elsewhere(view, e, mending) for e in entries(flow) if e[1] in view.foreign_jobs]
    ghosts, missed = _ghosts(view, plan.lists), _missed(view, plan.lists)
    if ghosts:
        findings.append(_ghost_entries(flow, ghosts, mending, now))
    if missed:
        findings.append(
            Finding(
                FindingKind.FLOW_MISSES_JOB,
                Severity.PROBLEM,
                uuid,
                f"flow {uuid} does not list {count(missed, 'of its own')}: {some(missed)}",
                "list them",
                mending,
            )
        )
    differing = [db_id for db_id in _differing(view, plan) if db_id not in missed]
    if differing:
        findings.append(
            Finding(
                FindingKind.PARENTS_DIFFER,
                Severity.WARNING,
                uuid,
                f"flow {uuid} lists different parents than the jobs themselves: {some(differing)}",
                "use those of the jobs; rerun and delete depend on them",
                mending,
            )
        )
    if _has_doubles(flow):
        findings.append(
            Finding(
                FindingKind.FLOW_ENTRY,
                Severity.WARNING,
                uuid,
                f"flow {uuid} lists a job twice",
                "list each job once",
                mending,
            )
        )
    return findings


def _ghosts(view: FlowView, ought: Lists) -> list[str]:
    """Jobs listed by the flow that do not exist: db_ids, or uuids if no db_id is listed."""
    flow = _without_others(view)
    right = {tuple(entry) for entry in ought.ids}
    gone = [e for e in entries(flow) if e not in right]
    named = {e[1] for e in gone}
    others = [u for u in flow.get("jobs") or () if u not in ought.jobs]
    for uuid, by_index in (flow.get("parents") or {}).items():
        if by_index.keys() - ought.parents.get(uuid, {}).keys():
            others.append(uuid)
    return list(dict.fromkeys([*(str(e[0]) for e in gone), *(u for u in others if u not in named)]))


def _without_others(view: FlowView) -> Doc:
    """Return the flow without listed jobs of other flows, which are a separate finding."""
    flow, others = view.flow, view.of_others
    if not others:
        return flow
    return {
        **flow,
        "ids": [list(e) for e in entries(flow) if e[1] not in others],
        "jobs": [u for u in flow.get("jobs") or () if u not in others],
        "parents": {u: p for u, p in (flow.get("parents") or {}).items() if u not in others},
    }


def _missed(view: FlowView, ought: Lists) -> list[str]:
    """db_ids of the flow's jobs that it does not list."""
    stored, named = set(entries(view.flow)), set(view.flow.get("jobs") or ())
    listed = [e for e in map(tuple, ought.ids) if e[1] not in view.foreign_jobs]
    return [str(e[0]) for e in listed if e not in stored or e[1] not in named]


def _differing(view: FlowView, plan: FlowPlan) -> list[str]:
    """db_ids of the jobs whose parents differ in the flow, except for lost parents."""
    stored = view.flow.get("parents") or {}
    lost = {job_key(c.job): set(c.lost_parents) for c in plan.jobs}
    differing = []
    for job in view.jobs:
        mine = plan.lists.parents[job["uuid"]][str(job["index"])]
        its = (stored.get(job["uuid"]) or {}).get(str(job["index"]))
        if its is None or set(mine) != set(its) - lost.get(job_key(job), set()):
            differing.append(str(job["db_id"]))
    return differing


def _has_doubles(flow: Doc) -> bool:
    ids, jobs = entries(flow), flow.get("jobs") or ()
    return len(set(ids)) < len(ids) or len(set(jobs)) < len(jobs)


def _on_its_way(uuid: str, what: str) -> Finding:
    return Finding(
        FindingKind.HALF_INSERTED,
        Severity.NOTE,
        uuid,
        what,
        "it may still be being submitted: check again in a few minutes",
    )


def _ghost_entries(flow: Doc, ghosts: list[str], mending: Mending, now: datetime) -> Finding:
    uuid = flow["uuid"]
    what = f"flow {uuid} lists {count(ghosts, 'that do not exist')}: {some(ghosts)}"
    if _is_young(flow.get("created_on"), now):
        return _on_its_way(uuid, what)
    return Finding(
        FindingKind.FLOW_ENTRY,
        Severity.PROBLEM,
        uuid,
        what,
        "remove them from its lists",
        mending,
    )


def _elsewhere(view: FlowView, entry: tuple[Any, ...], mending: Mending) -> Finding:
    lists = f"flow {view.flow['uuid']} lists job {entry[0]}"
    if entry[1] in view.of_others:
        other = flow_of(view.foreign_jobs[entry[1]])
        what = f"{lists}, which belongs to flow {other}: both have requested it"
        remedy = "remove it from this flow's lists"
        return Finding(
            FindingKind.JOB_ELSEWHERE, Severity.PROBLEM, str(entry[0]), what, remedy, mending
        )
    return Finding(
        FindingKind.JOB_ELSEWHERE,
        Severity.PROBLEM,
        str(entry[0]),
        f"{lists}, which belongs to another flow, or to none",
        "cannot be repaired automatically: delete the flow that should not have it",
    )


def _empty_flow(flow: Doc, now: datetime) -> Finding:
    uuid = flow["uuid"]
    what = f"flow {uuid} ({flow.get('name')}) has no jobs: its submission was interrupted"
    if _is_young(flow.get("created_on"), now):
        return _on_its_way(uuid, f"flow {uuid} ({flow.get('name')}) has no jobs yet")
    return Finding(
        FindingKind.HALF_INSERTED,
        Severity.PROBLEM,
        uuid,
        what,
        "remove it (on request), then submit the flow again",
        Mending(Action.REMOVE_HALF, uuid),
    )


def _unknown_state(job: Doc) -> Finding:
    db_id, state = str(job["db_id"]), job.get("state")
    remedy = "use the jfr version that wrote it, or correct the field `state` of its document"
    if state == "TERMINATED":
        remedy = "the database was written by jobflow-remote 0.1: run `jf admin upgrade`"
    return Finding(
        FindingKind.UNKNOWN_STATE,
        Severity.PROBLEM,
        db_id,
        f"job {db_id} has the invalid state {state!r}",
        remedy,
    )


def examine_orphans(uuid: str | None, jobs: Sequence[Doc], now: datetime) -> Finding:
    """Return the finding about jobs whose flow does not exist.

    Parameters
    ----------
    uuid
        The flow that they name; None if none.
    jobs
        The jobs, with at least ``db_id``, ``state`` and ``created_on``.
    """
    db_ids = [str(job["db_id"]) for job in jobs]
    if uuid is None:
        return Finding(
            FindingKind.JOB_WITHOUT_FLOW,
            Severity.PROBLEM,
            db_ids[0],
            f"{count(db_ids, 'name no flow')}: {some(db_ids)}",
            "cannot be repaired: no program can process them; remove them from the database",
        )
    if any(job.get("state") != JobState.WAITING for job in jobs):
        return Finding(
            FindingKind.JOB_WITHOUT_FLOW,
            Severity.PROBLEM,
            uuid,
            f"flow {uuid} does not exist, but {count(db_ids, 'belong to it')}: {some(db_ids)}",
            "recreate the flow's document from its jobs; then delete the flow, if intended",
            Mending(Action.REBUILD_FLOW, uuid),
        )
    if any(_is_young(job.get("created_on"), now) for job in jobs):
        return Finding(
            FindingKind.HALF_INSERTED,
            Severity.NOTE,
            uuid,
            f"flow {uuid} does not exist yet, but {len(db_ids)} of its jobs do",
            "it may still be being submitted: check again in a few minutes",
        )
    return Finding(
        FindingKind.HALF_INSERTED,
        Severity.PROBLEM,
        uuid,
        f"the submission of flow {uuid} was interrupted: {count(db_ids, 'wait for it')}",
        "submit the same flow again to continue, or remove them (on request)",
        Mending(Action.REMOVE_HALF, uuid),
    )


def _is_young(created_on: Any, now: datetime) -> bool:
    # The submitting process may have a different clock: a time in the future means young too.
    return isinstance(created_on, datetime) and now - created_on < SUBMISSION_TIME


def count(things: Sequence[Any], rest: str) -> str:
    """Return "1 job that ..." or "3 jobs that ..."."""
    return f"{len(things)} job{'' if len(things) == 1 else 's'} {rest}".replace(" jobs of", " of")


def some(names: Sequence[str], limit: int = 5) -> str:
    """Return the first names, and the number of others."""
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + more
