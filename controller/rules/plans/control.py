"""Hold jobs back, let them go on, end them."""

from __future__ import annotations

from controller.rules.plans.view import FlowPlan, FlowView, change, plan_each, startable_state
from controller.states import JobState


def plan_pause(view: FlowView) -> FlowPlan:
    """Hold back jobs that have not begun. Children are not touched: they wait anyway."""
    return plan_each(view, "pause", lambda doc: change(doc, JobState.PAUSED))


def plan_resume(view: FlowView) -> FlowPlan:
    """Let paused and stopped jobs go on: READY where every parent allows it, else WAITING.

    The view holds the newest index of every parent.
    """
    return plan_each(view, "resume", lambda doc: change(doc, startable_state(view, doc, {})))


def plan_stop(view: FlowView) -> FlowPlan:
    """End jobs that are READY or under way; what runs of them is ended in its queue."""
    return plan_each(view, "stop", lambda doc: change(doc, JobState.USER_STOPPED))
