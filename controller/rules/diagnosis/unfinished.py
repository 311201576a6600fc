"""What was begun and has not ended: a restore, and what is to happen outside the database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from controller.rules.diagnosis.findings import Action, Finding, FindingKind, Mending, Severity
from controller.rules.diagnosis.flows import count, some

LATE_AFTER = timedelta(hours=1)
"""Age after which an entry of a known worker counts as late; a runner tries every ten seconds."""


@dataclass(frozen=True)
class PendingCleanupView:
    """What is to happen for one job outside the database.

    Attributes
    ----------
    db_id
        The job.
    worker
        Where; None when only the output of the job is to go.
    requested_on
        UTC, naive.
    todo
        What a person would do there.
    """

    db_id: str
    worker: str | None
    requested_on: datetime
    todo: str


def examine_pending_cleanup(
    entries: Iterable[PendingCleanupView], workers: Collection[str] | None, now: datetime
) -> list[Finding]:
    """Find what is to happen outside the database and does not.

    Parameters
    ----------
    workers
        Names of the project's workers; None when they are not known.
    now
        UTC, naive.
    """
    gone: dict[str, list[PendingCleanupView]] = {}
    late: list[PendingCleanupView] = []
    for entry in entries:
        if workers is not None and entry.worker is not None and entry.worker not in workers:
            gone.setdefault(entry.worker, []).append(entry)
        elif now - entry.requested_on > LATE_AFTER:
            late.append(entry)
    findings = [_of_no_worker(worker, many) for worker, many in gone.items()]
    return findings + ([_late(late)] if late else [])


def _of_no_worker(worker: str, entries: list[PendingCleanupView]) -> Finding:
    ids = [entry.db_id for entry in entries]
    done = count(ids, "stopped, rerun or deleted")
    return Finding(
        FindingKind.PENDING_CLEANUP,
        Severity.WARNING,
        worker,
        f"no worker {worker!r} in the project to see to {done}: "
        + some([f"{entry.db_id} ({entry.todo})" for entry in entries]),
        "add the worker to the project, or do it by hand; runners give it up after a day",
    )


def _late(entries: list[PendingCleanupView]) -> Finding:
    since = min(entry.requested_on for entry in entries)
    ids = [entry.db_id for entry in entries]
    return Finding(
        FindingKind.PENDING_CLEANUP,
        Severity.NOTE,
        "entries",
        f"since {since:%Y-%m-%dT%H:%M:%SZ} a runner has to see to "
        f"{count(ids, 'stopped, rerun or deleted')}: {some(ids)}",
        "the log of a runner says what is in the way",
    )


def examine_restore(note: Mapping[str, Any], *, at_work: bool, countable: bool) -> Finding:
    """Say what became of a restore that has left its note.

    Parameters
    ----------
    note
        ``folder`` and ``started_on`` of the restore.
    at_work
        Whether a living process has locked the note.
    countable
        Whether the counter of db_ids is there. A restore takes it away before it changes anything
        else, and brings it back when all is restored.
    """
    begun = note.get("started_on")
    since = f", begun {begun:%Y-%m-%dT%H:%M:%SZ}," if begun else ""
    what = f"a restore from {note.get('folder')}{since}"
    if at_work:
        return _of_restore(Severity.NOTE, f"{what} is at work", "examine again when it is done")
    if countable:
        return _of_restore(
            Severity.WARNING,
            f"{what} has left a note, which forbids backups; the database is whole",
            "remove the note",
            Mending(Action.REMOVE_NOTE, "auxiliary"),
        )
    return _of_restore(
        Severity.PROBLEM,
        f"{what} was interrupted: the database is half restored, and nothing else was examined",
        "`jf backup restore` of that folder begins anew; `jf admin reset` empties the database",
    )


def _of_restore(
    severity: Severity, what: str, remedy: str, mending: Mending | None = None
) -> Finding:
    kind = FindingKind.UNFINISHED_RESTORE
    return Finding(kind, severity, "unfinished_restore", what, remedy, mending)
