"""Pause, resume and stop jobs."""

from __future__ import annotations

from controller.rules.plans.view import FlowPlan, FlowView, change, plan_each, startable_state
from controller.states import JobState


def plan_pause(view: FlowView) -> FlowPlan:
    """Pause jobs that have not started. Children are not changed: they wait anyway."""
    return plan_each(view, "pause", lambda doc: change(doc, JobState.PAUSED))


def plan_resume(view: FlowView) -> FlowPlan:
    """Resume paused and stopped jobs: READY if every parent allows it, else WAITING.

    The view contains the newest index of every parent.
    """
    return plan_each(view, "resume", lambda doc: change(doc, startable_state(view, doc, {})))


def plan_stop(view: FlowView) -> FlowPlan:
    """Stop jobs that are READY or running; running ones are cancelled in their queue."""
    return plan_each(view, "stop", lambda doc: change(doc, JobState.USER_STOPPED))
