"""Requests to a runner, and the state of its process according to its record; pure.

A request is stored with the runner that it is for: ``{id, action, by, on}``. The runner answers:
``{id, action, result, message, on}``; a request is new as long as the answer has another id.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

MISSED_BEATS = 3
"""Number of missing heartbeats after which a runner counts as silent."""


class RequestAction(StrEnum):
    """Requests to a runner."""

    STOP = "stop"  # end after the current step
    KILL = "kill"  # end at once
    RELOAD = "reload"  # read the project file again
    PAUSE = "pause"  # claim no more jobs
    RESUME = "resume"  # claim jobs again


class ProcessState(StrEnum):
    """State of a runner's process."""

    ALIVE = "alive"
    STOPPING = "stopping"  # alive, and asked to end
    SILENT = "silent"  # no heartbeat for too long: hung, stopped, cut off or dead
    ENDED = "ended"  # its process has ended without recording it


def new_request(record: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the request of a runner's record that it has not answered; None if there is none."""
    request, answer = record.get("request"), record.get("answer") or {}
    if not isinstance(request, Mapping) or request.get("id") == answer.get("id"):
        return None
    return request


def process_state(record: Mapping[str, Any], now: datetime, *, has_ended: bool) -> ProcessState:
    """Derive the state of a process from its record.

    Parameters
    ----------
    record
        The stored record: ``beat_on`` (naive UTC), ``beat_every`` (seconds), ``request``.
    now
        Naive UTC.
    has_ended
        Whether the process is on this machine and has certainly ended.
    """
    if has_ended:
        return ProcessState.ENDED
    beat_on, every = record.get("beat_on"), float(record.get("beat_every") or 10.0)
    if not isinstance(beat_on, datetime) or now - beat_on > timedelta(seconds=MISSED_BEATS * every):
        return ProcessState.SILENT
    asked = (record.get("request") or {}).get("action")
    ends = asked in (RequestAction.STOP, RequestAction.KILL)
    return ProcessState.STOPPING if ends else ProcessState.ALIVE
