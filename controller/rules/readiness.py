"""When a job may run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from controller.states import JobState

_STRICT = frozenset({JobState.COMPLETED})
_TOLERANT = frozenset({JobState.COMPLETED, JobState.FAILED, JobState.USER_STOPPED})
TOLERATED = _TOLERANT - _STRICT
"""States of a parent for which ``on_missing_references`` of its child matters."""


def on_missing_of(job: Mapping[str, Any]) -> str | None:
    """Return ``job.config.on_missing_references`` of a job's document.

    jobflow may have serialised it as an enum.
    """
    value = ((job.get("job") or {}).get("config") or {}).get("on_missing_references")
    return value.get("value") if isinstance(value, Mapping) else value


def acceptable_parent_states(on_missing: str | None) -> frozenset[JobState]:
    """Return the states of a parent that let a child with this ``on_missing_references`` run.

    Parameters
    ----------
    on_missing
        ``job.config.on_missing_references``: "error" (also None), "none" or "pass".

    Notes
    -----
    STOPPED and REMOTE_ERROR parents never release a child: the former was meant to end the
    branch, the latter may still be retried.
    """
    return _STRICT if on_missing in (None, "error") else _TOLERANT


def is_satisfied(on_missing: str | None, parent_states: Iterable[JobState]) -> bool:
    """Whether a job may run, given the states of the newest index of each of its parents."""
    return set(parent_states) <= acceptable_parent_states(on_missing)


def initial_job_state(has_parents: bool, *, stopped: bool = False) -> JobState:
    """Return the initial state of a new job.

    Parameters
    ----------
    has_parents
        Whether it depends on other jobs.
    stopped
        Whether the response that creates it also stops the jobs it would join.
    """
    if stopped:
        return JobState.STOPPED
    return JobState.WAITING if has_parents else JobState.READY


def resumed_state(on_missing: str | None, parent_states: Iterable[JobState]) -> JobState:
    """Return the state of a paused or stopped job after resume.

    The same rule as readiness, so a resumed job never waits for a parent that would have
    released it.
    """
    return JobState.READY if is_satisfied(on_missing, parent_states) else JobState.WAITING
