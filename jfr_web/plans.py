"""Actions that were planned and are not done yet: each on a list of jobs that does not change."""

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
    """Something that can be done with jobs.

    Attributes
    ----------
    name, title, done
        As in an address, on a button, and of what was done: "pause", "Pause", "paused".
    method
        Of the controller.
    command
        The words of the command line that do the same.
    options
        {key of a form: keyword of the method}, of yes-or-no options.
    value
        The keyword that takes a value, None without one.
    is_dangerous
        What is done cannot be undone.
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
    """An action on jobs.

    Attributes
    ----------
    action
        What is to be done.
    db_ids
        The jobs: those that were chosen, whatever matches a filter later.
    keywords
        Of the method.
    session
        Of the user who planned it.
    made
        When, on the monotonic clock.
    """

    action: Action
    db_ids: tuple[str, ...]
    keywords: Mapping[str, Any]
    session: str
    made: float

    def run(self, controller: Any, *, dry_run: bool) -> Any:
        """Do it, or find out what it would do; returns a `BulkResult`."""
        method: Callable[..., Any] = getattr(controller, self.action.method)
        return method(
            db_ids=list(self.db_ids),
            raise_on_error=False,
            max_limit=0,
            dry_run=dry_run,
            **self.keywords,
        )


class Plans:
    """Plans of all users; each can be done once. Used by several threads."""

    def __init__(self) -> None:
        self._plans: dict[str, Plan] = {}
        self._lock = threading.Lock()

    def keep(self, plan: Plan) -> str:
        """Keep a plan, and return the key by which it is found again."""
        key = secrets.token_urlsafe(16)
        with self._lock:
            fresh = {k: p for k, p in self._plans.items() if plan.made - p.made < KEPT}
            self._plans = dict([*fresh.items()][-(_MOST - 1) :])
            self._plans[key] = plan
        return key

    def take(self, key: str, session: str) -> Plan:
        """Return a plan, which is then gone.

        Raises
        ------
        ArgumentError
            There is none, it is of another user, or it is too old.
        """
        with self._lock:
            plan = self._plans.get(key)
            good = plan is not None and plan.session == session
            if good:
                del self._plans[key]
        if plan is None or not good or time.monotonic() - plan.made > KEPT:
            raise ArgumentError(
                "this plan was done already, or is too old: nothing was done",
                hint="choose the jobs again",
            )
        return plan
