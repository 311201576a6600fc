"""What was begun and has not ended: a restore, and what is to happen outside the database."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from controller.rules.diagnosis.findings import Action, Finding, FindingKind, Mending, Severity
from controller.rules.diagnosis.flows import count, some

LATE_AFTER = timedelta(hours=1)
"""Age after which a wish whose worker is known counts as late; a runner tries every ten seconds."""


@dataclass(frozen=True)
class WishView:
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


def examine_wishes(
    wishes: Iterable[WishView], workers: Collection[str] | None, now: datetime
) -> list[Finding]:
    """Find what is to happen outside the database and does not.

    Parameters
    ----------
    workers
        Names of the project's workers; None when they are not known.
    now
        UTC, naive.
    """
    gone: dict[str, list[WishView]] = {}
    late: list[WishView] = []
    for wish in wishes:
        if workers is not None and wish.worker is not None and wish.worker not in workers:
            gone.setdefault(wish.worker, []).append(wish)
        elif now - wish.requested_on > LATE_AFTER:
            late.append(wish)
    findings = [_of_no_worker(worker, many) for worker, many in gone.items()]
    return findings + ([_late(late)] if late else [])


def _of_no_worker(worker: str, wishes: list[WishView]) -> Finding:
    ids = [wish.db_id for wish in wishes]
    done = count(ids, "stopped, rerun or deleted")
    return Finding(
        FindingKind.WISH,
        Severity.WARNING,
        worker,
        f"no worker {worker!r} in the project to see to {done}: "
        + some([f"{wish.db_id} ({wish.todo})" for wish in wishes]),
        "add the worker to the project, or do it by hand; runners give it up after a day",
    )


def _late(wishes: list[WishView]) -> Finding:
    since = min(wish.requested_on for wish in wishes)
    ids = [wish.db_id for wish in wishes]
    return Finding(
        FindingKind.WISH,
        Severity.NOTE,
        "wishes",
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
        Whether somebody alive holds the note.
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
