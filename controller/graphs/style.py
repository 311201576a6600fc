"""Colours and labels of jobs in a graph."""

from __future__ import annotations

import re
from dataclasses import dataclass

from controller.errors import ArgumentError
from controller.graphs.model import JobNode, Origin, SubFlow
from controller.safe_text import harmless
from controller.states import JobState

LABELS = ("name", "db_id", "uuid", "index", "state", "worker")
"""What can be written on a job."""


@dataclass(frozen=True)
class Paint:
    """Colours of a state: the area, its border and the text in it, as ``#rrggbb``."""

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
"""Colours that colour-blind people tell apart (those of Okabe and Ito)."""


def check_label(label: str) -> None:
    """Refuse a label that jobs do not have.

    Raises
    ------
    ArgumentError
        It is none of `LABELS`.
    """
    if label not in LABELS:
        raise ArgumentError(
            f"jobs cannot be labelled by {label!r}", hint=f"one of {', '.join(LABELS)}"
        )


def job_label(job: JobNode, label: str) -> str:
    """Return what is written on a job; its db_id where it has no name."""
    # A format, not str(), which names a state with its class.
    return f"{getattr(job, label)}" or job.db_id


def subflow_label(subflow: SubFlow, jobs: dict[str, JobNode]) -> str:
    """Return what is written on a sub-flow: where it came from, else the beginning of its uuid."""
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
    """Text without what no picture can carry, or what would deceive its reader."""
    return harmless(re.sub(r"\r\n|[\r\u2028\u2029]", "\n", text), "\ufffd")
