"""Whether the holder of a lock is alive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from controller.documents.stored import RENEW_EVERY
from controller.identity import named_process
from controller.rules.diagnosis.findings import Action, Finding, FindingKind, Mending, Severity

Doc = Mapping[str, Any]

BUSY_TIME = timedelta(minutes=10)
"""A foreign lock younger than this is assumed to be in use."""
LONG_TIME = timedelta(minutes=10)
"""A lock that has been renewed for longer may belong to a process that hangs."""


@dataclass(frozen=True)
class LockView:
    """A document that carries a lock.

    Attributes
    ----------
    collection
        Name of its collection.
    subject, name
        The subject of a finding, and its name for users: "12", "job 12".
    document
        The document, with at least ``_id`` and the fields of the lock.
    lease
        The lease of the lock; None for a foreign lock, and for no lock.
    expired
        Whether its owner has certainly ended, or did not renew it while it was watched.
    """

    collection: str
    subject: str
    name: str
    document: Doc
    lease: Mapping[str, Any] | None
    expired: bool


def has_remains(document: Doc) -> bool:
    """Whether a document that is not locked has fields of a lock."""
    if document.get("lock_id") is not None:
        return False
    return document.get("lock_time") is not None or document.get("lock_lease") is not None


def examine_lock(view: LockView, now: datetime, *, foreign_runner: bool) -> Finding | None:
    """Return the finding about a lock; None if its holder seems alive.

    Parameters
    ----------
    now
        Naive UTC. Ages are only shown: the clock may be another machine's.
    foreign_runner
        Whether a runner of jobflow-remote is registered and alive.
    """
    document = view.document
    if has_remains(document):
        return _remains(view)
    lock_id = document.get("lock_id")
    if lock_id is None:
        return None
    if view.lease is not None:
        return _expired(view, view.lease) if view.expired else _long(view, view.lease)
    age = _age(document.get("lock_time"), now)
    in_use = foreign_runner or (age is not None and age < BUSY_TIME)
    since = "an unknown time" if age is None else _said(age)
    return Finding(
        FindingKind.LOCK_FOREIGN,
        Severity.WARNING if in_use else Severity.PROBLEM,
        view.subject,
        f"{view.name} has been locked for {since} by a program that does not renew its locks",
        "unlock it (on request), if neither jobflow-remote nor a script of yours is running",
        Mending(Action.FREE_FOREIGN_LOCK, view.collection, document["_id"], lock_id),
    )


def _expired(view: LockView, lease: Mapping[str, Any]) -> Finding:
    who = named_process(lease.get("owner"))
    return Finding(
        FindingKind.LOCK_DEAD,
        Severity.PROBLEM,
        view.subject,
        f"{view.name} is locked by {who}, which is no longer running",
        "free it",
        Mending(Action.FREE_LOCK, view.collection, view.document["_id"], lease["id"], lease["seq"]),
    )


def _long(view: LockView, lease: Mapping[str, Any]) -> Finding | None:
    """Return the finding about a lock renewed for too long; its age is counted in renewals."""
    held = timedelta(seconds=RENEW_EVERY * int(lease.get("seq") or 0))
    if held < LONG_TIME:
        return None
    return Finding(
        FindingKind.LOCK_LONG,
        Severity.WARNING,
        view.subject,
        f"{view.name} has been held for {_said(held)} by {named_process(lease.get('owner'))}, "
        "longer than a step takes, unless it transfers very large files",
        "if it makes no progress, restart that process (`jf runner stop`): this releases the lock",
    )


def _remains(view: LockView) -> Finding:
    return Finding(
        FindingKind.LOCK_REMAINS,
        Severity.WARNING,
        view.subject,
        f"{view.name} has the time or the owner of a lock, but no lock",
        "clear these fields",
        Mending(Action.CLEAR_LOCK, view.collection, view.document["_id"]),
    )


def _age(lock_time: Any, now: datetime) -> timedelta | None:
    return now - lock_time if isinstance(lock_time, datetime) else None


def _said(age: timedelta) -> str:
    seconds = max(0, int(age.total_seconds()))
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            number = seconds // size
            return f"{number} {unit}{'' if number == 1 else 's'}"
    return f"{seconds} s"
