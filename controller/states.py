"""States of jobs, flows and batch processes, and the named groups used by the rules.

The stored value of every member is its name. The set of members and their short codes are
those of jobflow-remote 1.0.1, so that both programs read each other's databases.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, StrEnum
from typing import Any, TypeVar

from controller.errors import ArgumentError, DeprecatedStateError, StorageFormatError
from controller.late_binding import bound

_E = TypeVar("_E", bound=Enum)

_RENAMED = {"TERMINATED": "RUN_FINISHED"}
"""Job states of jobflow-remote 0.1.x that a later version renamed."""


class _State(StrEnum):
    """A state, whose ``str()`` is that of jobflow-remote 1.0.1: ``JobState.COMPLETED``.

    Scripts compare it. Everything else, including the format in an f-string, gives the value.
    """

    __str__ = Enum.__str__

    def __format__(self, spec: str) -> str:
        return format(self.value, spec)


class JobState(_State):
    """State of one execution (uuid, index) of a job."""

    WAITING = "WAITING"  # in the database, at least one parent is not finished
    READY = "READY"  # ready to be checked out
    CHECKED_OUT = "CHECKED_OUT"  # claimed by a runner; next: upload the inputs
    UPLOADED = "UPLOADED"  # the run directory exists on the worker; next: submit
    SUBMITTED = "SUBMITTED"  # in the worker's queue, ``remote.process_id`` is known
    RUNNING = "RUNNING"  # running according to the queue
    RUN_FINISHED = "RUN_FINISHED"  # no longer in the queue; next: download
    DOWNLOADED = "DOWNLOADED"  # the results can be read by the runner; next: complete
    REMOTE_ERROR = "REMOTE_ERROR"  # a runner step failed permanently in ``previous_state``
    COMPLETED = "COMPLETED"  # the output is in the JobStore
    FAILED = "FAILED"  # the job's function raised, or its output is unusable
    PAUSED = "PAUSED"  # paused by the user
    STOPPED = "STOPPED"  # stopped by another job's stop_children or stop_jobflow
    USER_STOPPED = "USER_STOPPED"  # stopped by the user
    BATCH_SUBMITTED = "BATCH_SUBMITTED"  # in the pool of a batch worker
    BATCH_RUNNING = "BATCH_RUNNING"  # being executed by a batch process

    @property
    def short_value(self) -> str:
        """One to four letters for narrow tables."""
        return _SHORT[self]

    @classmethod
    def _missing_(cls, value: object) -> JobState | None:
        new = _RENAMED.get(str(value).upper())
        if new is not None:
            raise DeprecatedStateError(str(value), new)
        return None


_SHORT: dict[JobState, str] = {
    JobState.WAITING: "W",
    JobState.READY: "R",
    JobState.CHECKED_OUT: "CE",
    JobState.UPLOADED: "U",
    JobState.SUBMITTED: "SU",
    JobState.RUNNING: "RU",
    JobState.RUN_FINISHED: "RF",
    JobState.DOWNLOADED: "D",
    JobState.REMOTE_ERROR: "RERR",
    JobState.COMPLETED: "C",
    JobState.FAILED: "F",
    JobState.PAUSED: "P",
    JobState.STOPPED: "ST",
    JobState.USER_STOPPED: "CA",
    JobState.BATCH_SUBMITTED: "BS",
    JobState.BATCH_RUNNING: "BR",
}


class FlowState(_State):
    """State of a submitted flow, derived from its jobs (``controller.rules.flow_state``)."""

    WAITING = "WAITING"
    READY = "READY"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    PAUSED = "PAUSED"
    STOPPED = "STOPPED"

    @classmethod
    def from_jobs_states(
        cls, jobs_states: list[JobState], leaf_states: list[JobState]
    ) -> FlowState:
        """State of a flow with these job states; see `controller.rules.flow_state`."""
        return bound("FlowState.from_jobs_states")(jobs_states, leaf_states)


class Cause(StrEnum):
    """Why a job became FAILED or REMOTE_ERROR; field ``error_cause`` of its document."""

    JOB_ERROR = "job_error"  # the job's function raised, or its result cannot be stored
    IMPORT_FAILED = "import_failed"  # a module or function is missing on the worker
    OUT_OF_MEMORY = "out_of_memory"
    WALLTIME = "walltime"  # killed at its time limit
    PREEMPTED = "preempted"  # killed in favour of another job
    NODE_FAILED = "node_failed"
    CANCELLED_OUTSIDE = "cancelled_outside"  # ended by a user or program other than jfr
    PRE_RUN_FAILED = "pre_run_failed"  # the script ended in pre_run, before the job
    NO_OUTPUT = "no_output"  # it left no result, and nothing tells why
    UNREADABLE_OUTPUT = "unreadable_output"
    DISK_FULL = "disk_full"
    AUTHENTICATION = "authentication"  # the worker refused the login
    UNKNOWN = "unknown"  # a step of the runner failed for another reason

    @property
    def words(self) -> str:
        """What happened, as the start of a sentence."""
        return _CAUSE_WORDS[self]


_CAUSE_WORDS: dict[Cause, str] = {
    Cause.JOB_ERROR: "its function failed",
    Cause.IMPORT_FAILED: "an import failed on the worker",
    Cause.OUT_OF_MEMORY: "out of memory",
    Cause.WALLTIME: "killed: time limit exceeded",
    Cause.PREEMPTED: "killed: preempted by the queue",
    Cause.NODE_FAILED: "killed: its node failed",
    Cause.CANCELLED_OUTSIDE: "killed: cancelled from outside",
    Cause.PRE_RUN_FAILED: "its pre_run failed",
    Cause.NO_OUTPUT: "it left no result",
    Cause.UNREADABLE_OUTPUT: "its result cannot be read",
    Cause.DISK_FULL: "the disk is full",
    Cause.AUTHENTICATION: "the worker refused the login",
    Cause.UNKNOWN: "a step failed",
}


class BatchState(_State):
    """State of a batch process, which runs many jobs inside one queue submission."""

    SUBMITTED = "SUBMITTED"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"


_S = TypeVar("_S", JobState, FlowState, BatchState)


def stored_state(kind: type[_S], value: Any, what: str) -> _S:
    """Return the state in a document; names of jobflow-remote 0.1.x are recognised.

    Parameters
    ----------
    kind
        The enumeration.
    what
        The thing with this state, for the message.

    Raises
    ------
    StorageFormatError
        Unknown state.
    """
    try:
        return kind(value)
    except DeprecatedStateError as error:
        return kind(error.new_state)
    except ValueError:
        raise StorageFormatError(
            f"{what} is in the state {value!r}, which this version does not support",
            hint="was the database written by another version? See `jf admin upgrade` and "
            "`jf admin doctor`",
        ) from None


NOT_STARTED_STATES = (JobState.READY, JobState.WAITING)
"""No runner has claimed the job, and only its parents can block it."""

NOT_STARTED_FLOW_STATES = (FlowState.READY, FlowState.WAITING)
"""All jobs of the flow are in `NOT_STARTED_STATES`."""

PAUSABLE_STATES = NOT_STARTED_STATES
"""States that pause accepts."""

RESETTABLE_STATES = (
    JobState.CHECKED_OUT,
    JobState.UPLOADED,
    JobState.SUBMITTED,
    JobState.RUNNING,
    JobState.RUN_FINISHED,
    JobState.DOWNLOADED,
)
"""Under way on a worker that is not a batch worker."""

RUNNING_STATES = (*RESETTABLE_STATES, JobState.BATCH_SUBMITTED, JobState.BATCH_RUNNING)
"""Under way: claimed, and neither finished nor failed."""

BATCH_STATES = (JobState.BATCH_SUBMITTED, JobState.BATCH_RUNNING)
"""Being handled by a batch worker."""

DELETABLE_STATES = tuple(s for s in JobState if s not in BATCH_STATES)
"""States in which a job may be deleted."""

ERROR_STATES = (JobState.REMOTE_ERROR, JobState.FAILED)
"""Ended by an error that needs attention."""

FINISHED_STATES = (JobState.COMPLETED, JobState.FAILED)
"""The completion step has run."""

QUEUED_STATES = (JobState.SUBMITTED, JobState.RUNNING)
"""Known to the worker's queue under ``remote.process_id``."""


def parse_states(kind: type[_E], states: Any) -> tuple[_E, ...] | None:
    """Convert members, names or a mixture of them to members; None stays None.

    Raises
    ------
    ArgumentError
        Unknown state; the message suggests the closest one.
    """
    if states is None:
        return None
    many = [states] if isinstance(states, (str, Enum)) else states
    if not isinstance(many, Iterable):
        raise ArgumentError(
            f"states must be {kind.__name__} members, not {states!r}",
            hint="or their names, one or a list",
        )
    return tuple(parse_state(kind, s) for s in many)


def _noun(kind: type[Enum]) -> str:
    """Return the name of an enum in words: job state, flow state."""
    return "".join(f" {c.lower()}" if c.isupper() else c for c in kind.__name__).strip()


def parse_state(kind: type[_E], state: Any) -> _E:
    """Convert a member or its name, in upper or lower case, to the member; see `parse_states`."""
    if isinstance(state, kind):
        return state
    name = str(state.value if isinstance(state, Enum) else state)
    try:
        return kind(name.upper())
    except ValueError as error:
        if isinstance(error, ArgumentError):
            raise  # a renamed state explains itself
    names = [str(m.value) for m in kind]
    import difflib

    near = difflib.get_close_matches(name.upper(), names, n=1)
    raise ArgumentError(
        f"{name!r} is not a {_noun(kind)}",
        hint=f"did you mean {near[0]}?" if near else f"choose one of {', '.join(names)}",
    )


class EventKind(StrEnum):
    """Kind of an event. The first four are changes of a job's state."""

    STATE = "state"
    CLAIM = "claim"
    ATTEMPT_STARTED = "attempt_started"
    ATTEMPT_ENDED = "attempt_ended"
    STEP_FAILED = "step_failed"
    TAKEOVER = "takeover"
    ADDED = "added"
    DELETED = "deleted"
    FLOW = "flow"
    ACTION = "action"
    ADMIN = "admin"
    RUNNER = "runner"


STATE_CHANGES = (
    EventKind.STATE,
    EventKind.CLAIM,
    EventKind.ATTEMPT_STARTED,
    EventKind.ATTEMPT_ENDED,
)
"""Kinds of events that are changes of a job's state."""
ADMIN_KINDS = (EventKind.ADMIN, EventKind.ACTION)
"""Kinds of events that `jf admin log` shows."""
EVENT_KINDS = ("states", *(kind.value for kind in EventKind))
"""Words that filters of events accept: the kinds, and "states" for all changes of a job's state."""
