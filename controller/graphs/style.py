"""Colours and labels of jobs in a graph."""

from __future__ import annotations

import re
from dataclasses import dataclass

from controller.errors import ArgumentError
from controller.graphs.model import JobNode, Origin, SubFlow
from controller.safe_text import harmless
from controller.states import JobState

LABELS = ("name", "db_id", "uuid", "index", "state", "worker")
"""Possible labels of jobs."""


@dataclass(frozen=True)
class Paint:
    """Colours of a state: fill, border and text, as ``#rrggbb``."""

    fill: str
    stroke: str
    text: str


_WAITING = Paint("#e6e6e6", "#8c8c8c", "#000000")
_READY = Paint("#f0e442", "#8a8200", "#000000")
_ACTIVE = Paint("#56b4e9", "#1f6f9f", "#000000")
_DONE = Paint("#009e73", "#005c43", "#ffffff")
_ERROR = Paint("#d55e00", "#7d3700", "#ffffff")
_HELD = Paint("#cc79a7", "#844468", "#000000")

PAINTS: dict[JobState, Paint] = {
    **dict.fromkeys(JobState, _ACTIVE),
    JobState.WAITING: _WAITING,
    JobState.READY: _READY,
    JobState.COMPLETED: _DONE,
    JobState.FAILED: _ERROR,
    JobState.REMOTE_ERROR: _ERROR,
    JobState.PAUSED: _HELD,
    JobState.STOPPED: _HELD,
    JobState.USER_STOPPED: _HELD,
}
"""Colours that colour-blind people can distinguish (Okabe and Ito)."""


def check_label(label: str) -> None:
    """Raise if a label is unknown.

    Raises
    ------
    ArgumentError
        It is not in `LABELS`.
    """
    if label not in LABELS:
        raise ArgumentError(
            f"jobs cannot be labelled by {label!r}", hint=f"choose one of {', '.join(LABELS)}"
        )


def job_label(job: JobNode, label: str) -> str:
    """Return the label of a job; its db_id if it has no name."""
    # Not str(), which includes the class of a state.
    return f"{getattr(job, label)}" or job.db_id


def subflow_label(subflow: SubFlow, jobs: dict[str, JobNode]) -> str:
    """Return the label of a sub-flow: its origin, or its abbreviated uuid."""
    maker = jobs.get(subflow.made_by or "")
    if maker is None or subflow.origin is Origin.SUBMITTED:
        return f"flow {subflow.uuid[:8]}"
    verb = {
        Origin.REPLACE: "replaces",
        Origin.DETOUR: "detour of",
        Origin.ADDITION: "added by",
    }[subflow.origin]
    return f"{verb} {maker.name or maker.db_id} ({maker.db_id})"


def printable(text: str) -> str:
    """Return a text without characters that a picture cannot contain, or that mislead."""
    return harmless(re.sub(r"\r\n|[\r\u2028\u2029]", "\n", text), "\ufffd")
