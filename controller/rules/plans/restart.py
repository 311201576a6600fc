"""Run jobs again.

A *light* rerun resets a running job to READY and changes nothing else. A *full* one also resets the
jobs that depend on it: its children, or with ``force`` all its descendants.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from typing import Any

from controller.documents import get_reset_job_base_dict
from controller.errors import ControllerError, StateError
from controller.rules.actions import check_action
from controller.rules.plans.view import (
    Doc,
    FlowPlan,
    FlowView,
    JobChange,
    Key,
    Refusal,
    change,
    check_held,
    is_in_batch,
    plan_each,
    startable_state,
    state_of,
)
from controller.states import NOT_STARTED_STATES, RESETTABLE_STATES, JobState

UNTOUCHED = (*NOT_STARTED_STATES, JobState.PAUSED)
"""States of children that allow a rerun without ``force``: they have not started."""

_ATTEMPT_FIELDS = {
    "remote.step_attempts": 0,
    "remote.retry_time_limit": None,
    "remote.error": None,
    "remote.queue_reason": None,
    "remote.queue_out": None,
    "remote.queue_err": None,
}


def plan_retry(view: FlowView) -> FlowPlan:
    """Reset jobs in REMOTE_ERROR to the state before it; let others retry immediately.

    A READY job that waits for the time of a planned retry need not wait for it any more.
    """
    return plan_each(view, "retry", _retried, also=_waits_for_retry)


def _waits_for_retry(doc: Doc) -> bool:
    is_ready = state_of(doc) is JobState.READY
    return is_ready and (doc.get("remote") or {}).get("retry_time_limit") is not None


def _retried(doc: Doc) -> JobChange:
    if _waits_for_retry(doc):
        return change(doc, JobState.READY, {"remote.retry_time_limit": None})
    if state_of(doc) is not JobState.REMOTE_ERROR:
        return change(doc, state_of(doc), _ATTEMPT_FIELDS)
    name = doc.get("previous_state")
    try:
        previous = JobState(name or "")
    except ValueError:
        raise StateError(
            f"job {doc['db_id']} is in REMOTE_ERROR, but its previous state is {name!r}",
            action="retry",
            db_id=doc["db_id"],
            state=JobState.REMOTE_ERROR,
            hint="rerun it",
        ) from None
    return change(doc, previous, reset_fields())


def reset_fields() -> dict[str, Any]:
    """The fields that are reset when a job starts over, without the time of the change."""
    return {k: v for k, v in get_reset_job_base_dict().items() if k != "updated_on"}


def plan_rerun(view: FlowView, *, force: bool = False, delete_files: bool = True) -> FlowPlan:
    """Reset jobs to the beginning, with the jobs that depend on them.

    Parameters
    ----------
    view
        Contains all indices of the chosen jobs, of their parents and of their children (with
        ``force``, of all descendants).
    force
        Accept jobs in any final state, and reset descendants in any state.
    delete_files
        Remove the run directory at the next upload.
    """
    changes: dict[Key, JobChange] = {}
    assumed: dict[Key, JobState] = {}
    refused: list[Refusal] = []
    for key, doc in view.chosen_docs():
        if key in changes:
            continue  # already reset, as a descendant of another chosen job
        try:
            planned = _rerun(view, key, doc, assumed, force=force, delete_files=delete_files)
        except ControllerError as error:
            refused.append(Refusal(doc["db_id"], error))
        else:
            changes.update(planned)
            assumed.update(_states(planned))
    return FlowPlan(view.uuid, tuple(changes.values()), (), tuple(refused))


def _rerun(
    view: FlowView,
    key: Key,
    doc: Doc,
    assumed: dict[Key, JobState],
    *,
    force: bool,
    delete_files: bool,
) -> dict[Key, JobChange]:
    check_held(view, key)
    hint = None
    if is_in_batch(doc) and not force:
        hint = "a batch process may run it a second time; use force (--force) if you accept that"
    check_action("rerun", doc["db_id"], state_of(doc), force=force, hint=hint)
    light = state_of(doc) in RESETTABLE_STATES
    dependents = {} if light else _taken_back(view, doc, force=force, delete_files=delete_files)
    # A view of both: a copy for each of many jobs would take the square of their number.
    after = startable_state(view, doc, ChainMap(_states(dependents), assumed))
    own = change(doc, after, _fresh(doc, delete_files=delete_files))
    return {**dependents, key: own}


def _states(changes: Mapping[Key, JobChange]) -> dict[Key, JobState]:
    return {key: change.after for key, change in changes.items() if change.after}


def _taken_back(
    view: FlowView, doc: Doc, *, force: bool, delete_files: bool
) -> dict[Key, JobChange]:
    """Plan what a full rerun does to the jobs that depend on the job."""
    uuid, index = doc["uuid"], doc["index"]
    if view.newest[uuid]["index"] > index:
        raise _refusal(doc, f"it was replaced by index {view.newest[uuid]['index']}", "rerun that")
    keys = view.descendants(uuid) if force else view.children.get(uuid, [])
    taken: dict[Key, JobChange] = {}
    for key in keys:
        other = view.jobs[key]
        if key[0] == uuid:
            continue
        if view.newest[key[0]]["index"] > key[1]:
            raise _refusal(doc, f"job {other['db_id']}, which depends on it, was replaced", None)
        check_held(view, key)
        state = state_of(other)
        if not force and state not in UNTOUCHED:
            raise _refusal(
                doc,
                f"job {other['db_id']}, which depends on it, is {state.value}",
                "use force (--force) to reset it as well",
            )
        if state is not JobState.WAITING:
            fields = _fresh(other, delete_files=delete_files)
            taken[key] = change(other, JobState.WAITING, fields, dependent=True)
    return taken


def _fresh(doc: Doc, *, delete_files: bool) -> dict[str, Any]:
    cleanup = {"remote.prerun_cleanup": True} if delete_files and doc.get("run_dir") else {}
    return {**reset_fields(), **cleanup}


def _refusal(doc: Doc, why: str, hint: str | None) -> StateError:
    return StateError(
        f"job {doc['db_id']} cannot be rerun: {why}",
        action="rerun",
        db_id=doc["db_id"],
        state=state_of(doc),
        hint=hint or "delete the flow, and submit it again",
    )
