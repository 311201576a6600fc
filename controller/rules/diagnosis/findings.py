"""The kinds of findings of an examination, and of repairs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """Severity of a finding."""

    PROBLEM = "problem"  # something does not work, or will never continue
    WARNING = "warning"  # works, but more slowly, or not with every tool
    NOTE = "note"  # nothing is wrong, for information


class FindingKind(StrEnum):
    """Kind of a finding."""

    FLOW_STATE = "flow-state"  # does not match the states of the flow's jobs
    JOB_STATE = "job-state"  # WAITING for nothing, or READY too early
    UNKNOWN_STATE = "unknown-state"  # not a valid job state
    LOCK_DEAD = "lock-dead"  # its owner has ended, or no longer renews it
    LOCK_FOREIGN = "lock-foreign"  # set by jobflow-remote, which does not renew locks
    LOCK_LONG = "lock-long"  # held and renewed for longer than any step should take
    LOCK_REMAINS = "lock-remains"  # leftover fields of a lock
    HALF_INSERTED = "half-inserted"  # a submission was not completed
    JOB_WITHOUT_FLOW = "job-without-flow"
    JOB_ELSEWHERE = "job-elsewhere"  # listed by a flow that is not among its hosts
    FLOW_ENTRY = "flow-entry"  # the flow lists a job that does not exist
    FLOW_MISSES_JOB = "flow-misses-job"  # the flow does not list one of its jobs
    PARENTS_DIFFER = "parents-differ"  # job and flow disagree
    PARENT_MISSING = "parent-missing"  # a job waits for one that does not exist
    UNATTENDED = "unattended"  # jobs to process, but no runner
    UNKNOWN_WORKER = "unknown-worker"
    COUNTER = "counter"  # would assign a db_id that is in use
    AUXILIARY = "auxiliary"  # a document of the database itself is missing
    NOT_SET_UP = "not-set-up"
    DUPLICATE = "duplicate"  # two documents with one key
    INDEX = "index"
    OUTPUT_MISSING = "output-missing"
    PENDING_CLEANUP = "pending-cleanup"  # work outside the database that is not being done
    UNFINISHED_RESTORE = "unfinished-restore"
    UNFINISHED_MOVE = "unfinished-move"  # archiving a flow, or bringing it back, was interrupted
    LEFTOVER_FOLDER = "leftover-folder"  # the removal of a run directory was begun


class Action(StrEnum):
    """Kind of a repair."""

    MEND_FLOW = "mend-flow"  # recompute lists, readiness and state of a flow
    REBUILD_FLOW = "rebuild-flow"  # recreate a flow's document from its jobs
    REMOVE_HALF = "remove-half"  # remove the remains of a submission
    FREE_LOCK = "free-lock"
    FREE_FOREIGN_LOCK = "free-foreign-lock"
    CLEAR_LOCK = "clear-lock"  # empty the leftover fields of a lock
    RAISE_COUNTER = "raise-counter"
    ADD_DOCUMENT = "add-document"
    BUILD_INDEXES = "build-indexes"
    MEND_ARCHIVE = "mend-archive"  # complete or undo the interrupted move of a flow
    REMOVE_NOTE = "remove-note"  # note of a restore that changed nothing, or has ended
    REMOVE_FOLDER = "remove-folder"  # folder whose removal was interrupted


CONSENT = {Action.FREE_FOREIGN_LOCK: "foreign_locks", Action.REMOVE_HALF: "half_inserted"}
"""{action only done on request: name of the argument that requests it}."""


@dataclass(frozen=True)
class Mending:
    """One repair; conditional on what was seen, and idempotent.

    Attributes
    ----------
    action
        What to do.
    target
        Uuid of the flow, name of the collection, or path of the folder.
    document_id
        ``_id`` of the document that is locked.
    lock_id, seq
        The lock, and its last renewal that was seen.
    value
        The minimum value of the counter; the document to add.
    """

    action: Action
    target: str
    document_id: Any = None
    lock_id: str | None = None
    seq: int | None = None
    value: Any = field(default=None, hash=False)


@dataclass(frozen=True)
class Finding:
    """A problem that was found, or a remark.

    Attributes
    ----------
    kind, severity
        Kind of the problem, and how serious it is.
    subject
        db_id of a job, uuid of a flow, or name of another subject.
    what
        The problem, in one line.
    remedy
        What the repair will do, or what the user has to do, in one line.
    mending
        The repair; None if only the user can do something.
    """

    kind: FindingKind
    severity: Severity
    subject: str
    what: str
    remedy: str
    mending: Mending | None = None

    @property
    def consent(self) -> str | None:
        """Name of the argument of `mend` that is required for it; None if none is."""
        return CONSENT.get(self.mending.action) if self.mending else None


@dataclass(frozen=True)
class Diagnosis:
    """The result of an examination.

    Attributes
    ----------
    findings
        The findings: first problems, then warnings, then notes.
    jobs, flows
        Numbers of jobs and flows examined.
    held
        Locks whose holder seems alive; documents under such a lock were not judged.
    """

    findings: tuple[Finding, ...]
    jobs: int
    flows: int
    held: int = 0

    @property
    def ok(self) -> bool:
        """Whether there is no problem; warnings and notes do not count."""
        return all(f.severity is not Severity.PROBLEM for f in self.findings)


@dataclass(frozen=True)
class Planned:
    """A repair, and the findings that it fixes."""

    mending: Mending
    findings: tuple[Finding, ...]


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings by severity, otherwise keeping their order."""
    order = list(Severity)
    return tuple(sorted(dict.fromkeys(findings), key=lambda f: order.index(f.severity)))


_FIRST = (
    Action.MEND_ARCHIVE,
    Action.ADD_DOCUMENT,
    Action.RAISE_COUNTER,
    Action.CLEAR_LOCK,
    Action.FREE_LOCK,
    Action.FREE_FOREIGN_LOCK,
    Action.REMOVE_HALF,
    Action.REBUILD_FLOW,
    Action.MEND_FLOW,
    Action.BUILD_INDEXES,
    Action.REMOVE_NOTE,
    Action.REMOVE_FOLDER,
)


def plan_mendings(findings: Iterable[Finding], *, consents: Iterable[str] = ()) -> list[Planned]:
    """Plan the repairs of findings: each once, locks before the flows they cover.

    Parameters
    ----------
    consents
        Values of `CONSENT`: what may be done in addition.
    """
    allowed = {None, *consents}
    by_mending: dict[Mending, list[Finding]] = {}
    for finding in findings:
        if finding.mending is not None and finding.consent in allowed:
            by_mending.setdefault(finding.mending, []).append(finding)
    planned = [Planned(mending, tuple(many)) for mending, many in by_mending.items()]
    return sorted(planned, key=_turn)


def _turn(planned: Planned) -> tuple[int, bool]:
    """When a repair is done: a job that ended is unlocked under the lock of its flow."""
    return _FIRST.index(planned.mending.action), planned.mending.target != "flows"
