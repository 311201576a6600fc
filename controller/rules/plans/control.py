"""Pause, resume and stop jobs."""

from __future__ import annotations

from controller.rules.actions import ACTIONS
from controller.rules.plans.view import FlowPlan, FlowView, Key, change, plan_each, startable_state
from controller.rules.readiness import TOLERATED
from controller.states import RUNNING_STATES, JobState

_TOLERATED = frozenset(state.value for state in TOLERATED)
_RUNNING = frozenset(state.value for state in RUNNING_STATES)


def plan_pause(view: FlowView) -> FlowPlan:
    """Pause jobs that have not started. Children are not changed: they wait anyway."""
    return plan_each(view, "pause", lambda doc: change(doc, JobState.PAUSED))


def pause_needs(_view: FlowView) -> list[Key]:
    """Return the jobs of which `plan_pause` needs more than `LIGHT_FIELDS`: none."""
    return []


def plan_resume(view: FlowView) -> FlowPlan:
    """Resume paused and stopped jobs: READY if every parent allows it, else WAITING.

    The view contains the newest index of every parent.
    """
    return plan_each(view, "resume", lambda doc: change(doc, startable_state(view, doc, {})))


def resume_needs(view: FlowView) -> list[Key]:
    """Return the jobs of which `plan_resume` needs more than `LIGHT_FIELDS`.

    What a job says of missing references matters only if a parent ended without an output.
    """
    accepted = {state.value for state in ACTIONS["resume"].accepts}
    ended = {uuid for uuid, doc in view.newest.items() if doc["state"] in _TOLERATED}
    return [
        key
        for key, doc in view.chosen_docs()
        if doc["state"] in accepted and not ended.isdisjoint(doc.get("parents") or ())
    ]


def plan_stop(view: FlowView) -> FlowPlan:
    """Stop jobs that are READY or running; running ones are cancelled in their queue."""
    return plan_each(view, "stop", lambda doc: change(doc, JobState.USER_STOPPED))


def stop_needs(view: FlowView) -> list[Key]:
    """Return the jobs of which `plan_stop` needs more than `LIGHT_FIELDS`: those to cancel."""
    return [key for key, doc in view.chosen_docs() if doc["state"] in _RUNNING]
