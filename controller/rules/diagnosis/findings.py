"""What an examination of a queue can find, and what can be done about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How much a finding matters."""

    PROBLEM = "problem"  # something does not work, or will never go on
    WARNING = "warning"  # works, but slower, or not for every tool
    NOTE = "note"  # nothing is wrong, but worth knowing


class FindingKind(StrEnum):
    """What is not as it should be."""

    FLOW_STATE = "flow-state"  # not what the flow's jobs give it
    JOB_STATE = "job-state"  # WAITING for nothing, or READY too early
    UNKNOWN_STATE = "unknown-state"  # a word that is no state of a job
    LOCK_DEAD = "lock-dead"  # its owner has ended, or renews it no more
    LOCK_FOREIGN = "lock-foreign"  # set by jobflow-remote, which renews nothing
    LOCK_LONG = "lock-long"  # held and renewed for longer than any step should take
    LOCK_REMAINS = "lock-remains"  # fields of a lock that is not held
    HALF_INSERTED = "half-inserted"  # a submission did not come to its end
    JOB_WITHOUT_FLOW = "job-without-flow"
    JOB_ELSEWHERE = "job-elsewhere"  # listed by a flow that its hosts do not name
    FLOW_ENTRY = "flow-entry"  # the flow lists a job that does not exist
    FLOW_MISSES_JOB = "flow-misses-job"  # the flow does not list one of its jobs
    PARENTS_DIFFER = "parents-differ"  # job and flow disagree
    PARENT_MISSING = "parent-missing"  # a job waits for one that does not exist
    UNATTENDED = "unattended"  # jobs under way, and no runner
    UNKNOWN_WORKER = "unknown-worker"
    COUNTER = "counter"  # would give out a db_id that is taken
    AUXILIARY = "auxiliary"  # a document of the database itself is missing
    NOT_SET_UP = "not-set-up"
    DUPLICATE = "duplicate"  # two documents under one key
    INDEX = "index"
    OUTPUT_MISSING = "output-missing"
    PENDING_CLEANUP = "pending-cleanup"  # something outside the database is to happen, and does not
    UNFINISHED_RESTORE = "unfinished-restore"


class Action(StrEnum):
    """What a mending does."""

    MEND_FLOW = "mend-flow"  # derive lists, readiness and state of a flow again
    REBUILD_FLOW = "rebuild-flow"  # make a flow's document from its jobs
    REMOVE_HALF = "remove-half"  # remove what a submission left behind
    FREE_LOCK = "free-lock"
    FREE_FOREIGN_LOCK = "free-foreign-lock"
    CLEAR_LOCK = "clear-lock"  # empty the fields of a lock that is not held
    RAISE_COUNTER = "raise-counter"
    ADD_DOCUMENT = "add-document"
    BUILD_INDEXES = "build-indexes"
    REMOVE_NOTE = "remove-note"  # of a restore that changed nothing, or has ended


CONSENT = {Action.FREE_FOREIGN_LOCK: "foreign_locks", Action.REMOVE_HALF: "half_inserted"}
"""{what is done only on demand: name of the argument that demands it}."""


@dataclass(frozen=True)
class Mending:
    """One thing to do; it depends on what was seen, and doing it twice is doing it once.

    Attributes
    ----------
    action
        What.
    target
        Uuid of the flow, or name of the collection.
    document_id
        ``_id`` of the document whose lock is meant.
    lock_id, seq
        The lock, and the last renewal that was seen.
    value
        The counter's least value; the document to add.
    """

    action: Action
    target: str
    document_id: Any = None
    lock_id: str | None = None
    seq: int | None = None
    value: Any = field(default=None, hash=False)


@dataclass(frozen=True)
class Finding:
    """Something that is not as it should be.

    Attributes
    ----------
    kind, severity
        What it is and how much it matters.
    subject
        db_id of a job, uuid of a flow, or what else it is about.
    what
        What is wrong: one line.
    remedy
        What the mending will do, or what the person has to do: one line.
    mending
        What to do; None where only a person can.
    """

    kind: FindingKind
    severity: Severity
    subject: str
    what: str
    remedy: str
    mending: Mending | None = None

    @property
    def consent(self) -> str | None:
        """Name of the argument of `mend` that has to be given; None where none has to."""
        return CONSENT.get(self.mending.action) if self.mending else None


@dataclass(frozen=True)
class Diagnosis:
    """What an examination found.

    Attributes
    ----------
    findings
        In the order problems, warnings, notes.
    jobs, flows
        How many were examined.
    held
        Locks whose holder seems alive; what such a lock covers was not judged.
    """

    findings: tuple[Finding, ...]
    jobs: int
    flows: int
    held: int = 0

    @property
    def ok(self) -> bool:
        """Whether there is no problem; warnings and notes are none."""
        return all(f.severity is not Severity.PROBLEM for f in self.findings)


@dataclass(frozen=True)
class Planned:
    """A mending, and the findings that it mends."""

    mending: Mending
    findings: tuple[Finding, ...]


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sort findings by severity, leaving their order otherwise as it is."""
    order = list(Severity)
    return tuple(sorted(dict.fromkeys(findings), key=lambda f: order.index(f.severity)))


_FIRST = (
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
)


def plan_mendings(findings: Iterable[Finding], *, consents: Iterable[str] = ()) -> list[Planned]:
    """Plan what to do about findings: each thing once, locks before the flows they cover.

    Parameters
    ----------
    consents
        Of the values of `CONSENT`: what else may be done.
    """
    allowed = {None, *consents}
    by_mending: dict[Mending, list[Finding]] = {}
    for finding in findings:
        if finding.mending is not None and finding.consent in allowed:
            by_mending.setdefault(finding.mending, []).append(finding)
    planned = [Planned(mending, tuple(many)) for mending, many in by_mending.items()]
    return sorted(planned, key=lambda p: _FIRST.index(p.mending.action))
