"""What a job's document stores about a failure: the error, shortened, and the end of its logs."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from controller.errors import ControllerError, RemoteError
from controller.execution.files import (
    QUEUE_ERR,
    QUEUE_OUT,
    end_of_log,
    exit_status,
    pre_run_status,
    read_end,
    read_excerpt,
)
from controller.rules.causes import EndFacts, cause_of_end
from controller.schedulers.start import STARTED, parse_start
from controller.states import Cause

_LONGEST = 20_000
"""Maximum length of a stored error, in characters: some quote all of their input."""

MISSING_OUTPUT = "the job's output is missing"
"""Start of the error of a job that ran but whose output file is missing."""

_KILLED = (Cause.WALLTIME, Cause.PREEMPTED, Cause.NODE_FAILED)
"""Causes that only the queue can report."""


def error_text(error: BaseException) -> str:
    """Describe a failed step for ``remote.error``, shortened if necessary."""
    return bounded(_error_text(error))


def bounded(text: str) -> str:
    """Cut the middle out of a long text, and escape what a database cannot store.

    A lone surrogate in a message must not prevent its error from being recorded.
    """
    text = text.encode(errors="backslashreplace").decode()
    cut = len(text) - _LONGEST
    if cut <= 0:
        return text
    half = _LONGEST // 2
    return f"{text[:half]}\n... {cut} characters were cut ...\n{text[-half:]}"


def _error_text(error: BaseException) -> str:
    if isinstance(error, ControllerError):
        cause = error.__cause__
        trace = "".join(traceback.format_exception(cause)) if cause is not None else ""
        kind = "Remote error: " if isinstance(error, RemoteError) else ""
        return f"{kind}{error}" + (f"\ncaused by:\n{trace}" if trace else "")
    return "".join(traceback.format_exception(error))


def cause_in_run_dir(run_dir: Path, error: str, has_result: bool, queue_state: str | None) -> Cause:
    """Return why a job FAILED; see `EndFacts`."""
    if error.startswith(MISSING_OUTPUT):
        return Cause.NO_OUTPUT
    log, status = end_of_log(run_dir), exit_status(run_dir)
    in_pre_run = pre_run_status(run_dir) is not None
    return cause_of_end(EndFacts(error, has_result, log, status, queue_state, in_pre_run))


def with_cause(error: str, cause: Cause) -> str:
    """Prefix an error with its cause in words, if the job itself could not know it."""
    return f"{cause.words}\n{error}" if cause in _KILLED else error


def node_in_run_dir(run_dir: Path, job_doc: Mapping[str, Any]) -> str | None:
    """Return the node on which the current attempt of a job started; None if it is not recorded."""
    start = parse_start(read_end(run_dir / STARTED, 1000).decode(errors="replace"))
    token = (job_doc.get("remote") or {}).get("submission_token")
    return (start.node or None) if start is not None and start.is_of(token) else None


def log_fields(run_dir: Path) -> dict[str, Any]:
    """Return the stored parts of a job's logs, as fields of its document."""
    return {
        "remote.queue_out": read_excerpt(run_dir, QUEUE_OUT),
        "remote.queue_err": read_excerpt(run_dir, QUEUE_ERR),
    }
