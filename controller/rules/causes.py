"""Determine the cause of an unsuccessful end from its facts; pure, the first match counts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from controller.rules.why import error_line
from controller.states import Cause

_QUEUE_STATES = {
    "OUT_OF_MEMORY": Cause.OUT_OF_MEMORY,
    "TIMEOUT": Cause.WALLTIME,
    "DEADLINE": Cause.WALLTIME,
    "PREEMPTED": Cause.PREEMPTED,
    "NODE_FAIL": Cause.NODE_FAILED,
    "BOOT_FAIL": Cause.NODE_FAILED,
    "CANCELLED": Cause.CANCELLED_OUTSIDE,
}
"""Job states of Slurm."""

_OOM = re.compile(
    r"oom[-_ ]?kill|Exceeded (job|step) memory limit|exceeded memory limit"
    r"|PBS: job killed: (v?mem|pvmem|pmem)\b|exceeds job hard limit \"[hs]_(vmem|rss|data)\""
    r"|Out Of Memory|Out of memory: Kill",
)
"""Messages of schedulers and the kernel when memory ran out."""

_NO_SPACE = re.compile(r"No space left on device|Disk quota exceeded")

_LOG: tuple[tuple[re.Pattern[str], Cause], ...] = (
    (
        re.compile(
            r"CANCELLED AT \S+ DUE TO TIME LIMIT|PBS: job killed: (walltime|cput)\b"
            r"|exceeded hard wallclock time|exceeds job hard limit \"[hs]_(rt|cpu)\""
        ),
        Cause.WALLTIME,
    ),
    (re.compile(r"CANCELLED AT \S+ DUE TO PREEMPTION"), Cause.PREEMPTED),
    (re.compile(r"CANCELLED AT \S+ DUE TO NODE FAILURE"), Cause.NODE_FAILED),
    (_OOM, Cause.OUT_OF_MEMORY),
    (re.compile(r"^MemoryError\b|std::bad_alloc", re.MULTILINE), Cause.OUT_OF_MEMORY),
    (_NO_SPACE, Cause.DISK_FULL),
    (re.compile(r"^(ModuleNotFoundError|ImportError)\b", re.MULTILINE), Cause.IMPORT_FAILED),
    (re.compile(r"\*\*\* (JOB|STEP) \S+ ON .* CANCELLED AT "), Cause.CANCELLED_OUTSIDE),
)
"""Messages in the log of a job without a result, the most specific first."""

_RAISED: tuple[tuple[re.Pattern[str], Cause], ...] = (
    (re.compile(r"([\w.]*\.)?(_ArrayMemoryError|MemoryError)\b"), Cause.OUT_OF_MEMORY),
    (re.compile(r"(ModuleNotFoundError|ImportError)\b"), Cause.IMPORT_FAILED),
)
"""Start of the traceback's last line of a job's function."""

_STEP: tuple[tuple[re.Pattern[str], Cause], ...] = (
    (_NO_SPACE, Cause.DISK_FULL),
    (
        re.compile(
            r"Permission denied \((publickey|password|keyboard|gssapi)|[Aa]uthentication fail"
        ),
        Cause.AUTHENTICATION,
    ),
    (
        re.compile(
            r"must contain exactly one document|JSONDecodeError|not valid JSON|BadGzipFile"
            r"|cannot be parsed"
        ),
        Cause.UNREADABLE_OUTPUT,
    ),
)
"""Messages in the error of a runner's step."""

_TERMINATED = "the job was terminated (SIGTERM)"
_SIGTERM, _SIGXCPU = 128 + 15, 128 + 24


@dataclass(frozen=True)
class EndFacts:
    """The facts about an unsuccessful end of a job.

    Attributes
    ----------
    error
        The error message.
    has_result
        Whether the job itself recorded how it ended.
    log
        The end of its ``queue.err``.
    exit_status
        Exit status of its command, None if unknown.
    queue_state
        The final state in the queue, such as ``TIMEOUT`` or ``CANCELLED by 1000``.
    ended_in_pre_run
        Whether the script ended before the job's command.
    """

    error: str
    has_result: bool
    log: str = ""
    exit_status: int | None = None
    queue_state: str | None = None
    ended_in_pre_run: bool = False


def cause_of_end(facts: EndFacts) -> Cause:
    """Return why a job FAILED."""
    if facts.has_result and not facts.error.startswith(_TERMINATED):
        return _cause_of_error(facts)
    state = (facts.queue_state or "").split(" ")[0].rstrip("+")
    found = _QUEUE_STATES.get(state) or _match(_LOG, facts.log)
    if found is not None:
        return found
    if facts.ended_in_pre_run:
        return Cause.PRE_RUN_FAILED
    if facts.exit_status == _SIGXCPU:
        return Cause.WALLTIME
    if facts.has_result or facts.exit_status == _SIGTERM:
        return Cause.CANCELLED_OUTSIDE  # a scheduler would have reported why
    return Cause.NO_OUTPUT


def cause_of_failed_step(text: str, *, reads_result: bool) -> Cause:
    """Return why a runner's step failed permanently.

    Parameters
    ----------
    text
        The error.
    reads_result
        Whether it was the step that reads the job's result.
    """
    found = _match(_STEP, text)
    if found is None and reads_result and "cannot be read" in text:
        return Cause.UNREADABLE_OUTPUT
    return found or Cause.UNKNOWN


def _cause_of_error(facts: EndFacts) -> Cause:
    """Determine the cause from the exception of the job's function (or of a child process)."""
    for line in (facts.error.partition("\n")[0], error_line(facts.error)):
        for pattern, cause in _RAISED:
            if pattern.match(line):
                return cause
        if _NO_SPACE.search(line):
            return Cause.DISK_FULL
    return Cause.OUT_OF_MEMORY if _OOM.search(facts.log) else Cause.JOB_ERROR


def _match(table: tuple[tuple[re.Pattern[str], Cause], ...], text: str) -> Cause | None:
    return next((cause for pattern, cause in table if pattern.search(text)), None)
