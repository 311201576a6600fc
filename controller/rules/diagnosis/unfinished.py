"""Unfinished work: an interrupted restore, and pending clean-up outside the database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from controller.rules.diagnosis.findings import Action, Finding, FindingKind, Mending, Severity
from controller.rules.diagnosis.flows import count, some

LATE_AFTER = timedelta(hours=1)
"""Age at which an entry of a known worker counts as late; a runner tries every ten seconds."""


@dataclass(frozen=True)
class PendingCleanupView:
    """The pending clean-up of one job.

    Attributes
    ----------
    db_id
        The job.
    worker
        The worker; None if only the output of the job is to be deleted.
    requested_on
        UTC, naive.
    todo
        Description of what a user would do there.
    """

    db_id: str
    worker: str | None
    requested_on: datetime
    todo: str


def unfinished_move(uuid: str, stage: str) -> Finding:
    """Describe a flow whose move to or from the archive was interrupted.

    Parameters
    ----------
    stage
        A stage of `controller.rules.archiving`.
    """
    what = {"writing": "archiving it", "deleting": "archiving it"}.get(stage, "bringing it back")
    return Finding(
        FindingKind.UNFINISHED_MOVE,
        Severity.PROBLEM,
        uuid,
        f"{what} was interrupted ({stage}): it is partly in the queue, partly in the archive",
        "complete the move, or undo it",
        Mending(Action.MEND_ARCHIVE, uuid),
    )


def examine_pending_cleanup(
    entries: Iterable[PendingCleanupView], workers: Collection[str] | None, now: datetime
) -> list[Finding]:
    """Find pending clean-up that is not being done.

    Parameters
    ----------
    workers
        Names of the project's workers; None if unknown.
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
        f"the project has no worker {worker!r} to clean up {done}: "
        + some([f"{entry.db_id} ({entry.todo})" for entry in entries]),
        "add the worker to the project, or clean up by hand; runners give up after a day",
    )


def _late(entries: list[PendingCleanupView]) -> Finding:
    since = min(entry.requested_on for entry in entries)
    ids = [entry.db_id for entry in entries]
    return Finding(
        FindingKind.PENDING_CLEANUP,
        Severity.NOTE,
        "entries",
        f"since {since:%Y-%m-%dT%H:%M:%SZ} no runner has cleaned up "
        f"{count(ids, 'stopped, rerun or deleted')}: {some(ids)}",
        "see the log of a runner for the reason",
    )


def examine_restore(note: Mapping[str, Any], *, at_work: bool, countable: bool) -> Finding:
    """Return the finding about a restore whose note exists.

    Parameters
    ----------
    note
        ``folder`` and ``started_on`` of the restore.
    at_work
        Whether a live process has locked the note.
    countable
        Whether the counter of db_ids exists. A restore removes it before it changes anything else,
        and restores it last.
    """
    begun = note.get("started_on")
    since = f", started {begun:%Y-%m-%dT%H:%M:%SZ}," if begun else ""
    what = f"a restore from {note.get('folder')}{since}"
    if at_work:
        return _of_restore(Severity.NOTE, f"{what} is running", "check again when it is done")
    if countable:
        return _of_restore(
            Severity.WARNING,
            f"{what} has left a note, which prevents backups; the database is complete",
            "remove the note",
            Mending(Action.REMOVE_NOTE, "auxiliary"),
        )
    return _of_restore(
        Severity.PROBLEM,
        f"{what} was interrupted: the database is only partly restored; nothing else was checked",
        "repeat `jf backup restore` with that folder, or empty the database with `jf admin reset`",
    )


def leftover_folder(path: str) -> Finding:
    """Say that a removal of a run directory of this machine did not come to its end."""
    return Finding(
        FindingKind.LEFTOVER_FOLDER,
        Severity.WARNING,
        path,
        "the removal of this run directory was interrupted: nothing uses what is left of it",
        "finish removing it",
        Mending(Action.REMOVE_FOLDER, path),
    )


def _of_restore(
    severity: Severity, what: str, remedy: str, mending: Mending | None = None
) -> Finding:
    kind = FindingKind.UNFINISHED_RESTORE
    return Finding(kind, severity, "unfinished_restore", what, remedy, mending)
