"""Actions that are planned but not done yet, each on a fixed list of jobs."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.errors import ArgumentError

KEPT = 3600.0
"""Seconds after which a plan is forgotten."""
_MOST = 100


@dataclass(frozen=True)
class Action:
    """An action on jobs.

    Attributes
    ----------
    name, title, done
        The name in addresses, the label of the button, and the participle: "pause", "Pause",
        "paused".
    method
        Method of the controller.
    command
        The equivalent command, without ``jf``.
    options
        {key of the form: keyword of the method} of yes-or-no options.
    value
        The keyword that takes a value; None if there is none.
    is_dangerous
        Whether the action cannot be undone.
    """

    name: str
    title: str
    done: str
    method: str
    command: str
    options: Mapping[str, str] = field(default_factory=dict)
    value: str | None = None
    is_dangerous: bool = False


ACTIONS: dict[str, Action] = {
    action.name: action
    for action in (
        Action("pause", "Pause", "paused", "pause_jobs", "job pause"),
        Action("resume", "Resume", "resumed", "resume_jobs", "job resume"),
        Action("stop", "Stop", "stopped", "stop_jobs", "job stop"),
        Action("rerun", "Rerun", "rerun", "rerun_jobs", "job rerun", {"force": "force"}),
        Action("retry", "Retry the step", "retried", "retry_jobs", "job retry"),
        Action(
            "priority",
            "Set priority",
            "changed",
            "set_job_run_properties",
            "job set priority",
            value="priority",
        ),
        Action(
            "worker",
            "Move to worker",
            "changed",
            "set_job_run_properties",
            "job set worker",
            value="worker",
        ),
        Action(
            "delete",
            "Delete",
            "deleted",
            "delete_jobs",
            "job delete",
            {"output": "delete_output", "files": "delete_files"},
            is_dangerous=True,
        ),
    )
}


@dataclass(frozen=True)
class Plan:
    """A planned action on certain jobs.

    Attributes
    ----------
    action
        The action.
    db_ids
        The jobs, fixed when the plan was made.
    keywords
        Keyword arguments of the method.
    session
        Session of the user who made the plan.
    made
        Time at which it was made, on the monotonic clock.
    """

    action: Action
    db_ids: tuple[str, ...]
    keywords: Mapping[str, Any]
    session: str
    made: float

    def run(self, controller: Any, *, dry_run: bool) -> Any:
        """Carry out the plan, or find out what it would do; returns a `BulkResult`."""
        method: Callable[..., Any] = getattr(controller, self.action.method)
        return method(
            db_ids=list(self.db_ids),
            raise_on_error=False,
            max_limit=0,
            dry_run=dry_run,
            **self.keywords,
        )


class Plans:
    """Plans of all users; each can be carried out once. Used by several threads."""

    def __init__(self) -> None:
        self._plans: dict[str, Plan] = {}
        self._lock = threading.Lock()

    def keep(self, plan: Plan) -> str:
        """Store a plan, and return its key."""
        key = secrets.token_urlsafe(16)
        with self._lock:
            fresh = {k: p for k, p in self._plans.items() if plan.made - p.made < KEPT}
            self._plans = dict([*fresh.items()][-(_MOST - 1) :])
            self._plans[key] = plan
        return key

    def take(self, key: str, session: str) -> Plan:
        """Remove a plan and return it.

        Raises
        ------
        ArgumentError
            There is no such plan, it belongs to another user, or it is too old.
        """
        with self._lock:
            plan = self._plans.get(key)
            good = plan is not None and plan.session == session
            if good:
                del self._plans[key]
        if plan is None or not good or time.monotonic() - plan.made > KEPT:
            raise ArgumentError(
                "this plan was already carried out or has expired: nothing was changed",
                hint="select the jobs again",
            )
        return plan
