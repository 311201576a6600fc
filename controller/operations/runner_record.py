"""The record of the runner that serves a database, and its pings.

``running_runner`` and ``runner_pings`` are documents that jobflow-remote 1.0.1 reads and writes
too. Its runner pings once an hour; ours pings every `PING_EVERY` seconds and says so in the record
(``ping_every``), so that every process can tell a dead runner from a live one.

One runner is registered; additional ones only ping. When the registered one falls silent or ends,
another one registers with its next ping. Until then its earlier pings show that it exists.

A process that decides by the record and then changes it holds its lock meanwhile, as jobflow-remote
does while it starts and stops its processes. Pings need no lock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from controller.documents import utc_now
from controller.errors import MissingDocumentError, RunnerLockedError, RunningRunnerError
from controller.leases import live_lease, owner_is_dead
from controller.locks import MongoLock
from controller.operations.queue import Queue
from controller.storage.base import Collection

RUNNER = {"running_runner": {"$exists": True}}
PINGS = {"runner_pings": {"$exists": True}}
PING_EVERY = 10.0
"""Seconds between two pings."""
FOREIGN_PING_EVERY = 3600.0
"""Default of jobflow-remote."""
KEPT_PINGS = 50
NO_DOCUMENT = "NO_DOCUMENT"
"""What is returned when the database has no such record."""


def get_running_runner(auxiliary: Collection) -> dict[str, Any] | str | None:
    """Return the record, None when no runner is registered, or `NO_DOCUMENT`."""
    found = auxiliary.find_one(RUNNER)
    if found is None:
        return NO_DOCUMENT
    record: dict[str, Any] | None = found["running_runner"]
    return record


def is_live(record: Any, now: datetime | None = None) -> bool:
    """Whether a record is of a runner whose last ping is recent.

    A runner of this machine whose process has ended is never live.
    """
    if not isinstance(record, dict) or owner_is_dead(record.get("process")):
        return False
    last = record.get("last_pinged") or record.get("start_time")
    if not isinstance(last, datetime):
        return False
    every = float(record.get("ping_every") or FOREIGN_PING_EVERY)
    return abs((now or utc_now()) - last) < timedelta(seconds=3 * every)


def is_foreign(record: Any) -> bool:
    """Whether a record was written by jobflow-remote."""
    return isinstance(record, dict) and "ping_every" not in record


class RunnerState(StrEnum):
    """Whether a runner serves a database."""

    ALIVE = "alive"
    SILENT = "silent"  # registered, but its last ping is too old
    NONE = "none"  # none is registered, and none pings
    NO_RECORD = "no record"  # the database has no runner record


@dataclass(frozen=True)
class RunnerStatus:
    """Whether a runner serves a database, and which one.

    Attributes
    ----------
    state
        The status.
    record
        The ``running_runner`` sub-document, or what is known of a live unregistered runner if the
        registered one is dead; None if there is neither.
    silent_for
        Seconds since its last ping, if any.
    has_ended
        Its process is known to have ended.
    """

    state: RunnerState
    record: dict[str, Any] | None = None
    silent_for: float | None = None
    has_ended: bool = False

    @property
    def alive(self) -> bool:
        """Whether a runner serves the database."""
        return self.state is RunnerState.ALIVE


def runner_status(auxiliary: Collection) -> RunnerStatus:
    """Return whether a runner serves a database."""
    record = get_running_runner(auxiliary)
    now = utc_now()
    if not is_live(record, now) and record != NO_DOCUMENT:
        record = _alive_beside(get_pings(auxiliary), now) or record
    if not isinstance(record, dict):
        return RunnerStatus(RunnerState.NO_RECORD if record else RunnerState.NONE)
    last = record.get("last_pinged") or record.get("start_time")
    silent_for = (now - last).total_seconds() if isinstance(last, datetime) else None
    state = RunnerState.ALIVE if is_live(record, now) else RunnerState.SILENT
    return RunnerStatus(state, record, silent_for, owner_is_dead(record.get("process")))


def _alive_beside(pings: list[dict[str, Any]], now: datetime) -> dict[str, Any] | None:
    """Return the record of a live jfr runner that is not registered."""
    newest = {ping["runner_id"]: ping for ping in pings if "process" in ping}
    for ping in reversed(newest.values()):
        record = {**ping, "last_pinged": ping["time"], "ping_every": PING_EVERY}
        if not ping.get("ended") and is_live(record, now):
            return record
    return None


def live_runner(queue: Queue) -> dict[str, Any] | None:
    """Return the record of a live runner, None if there is none."""
    status = runner_status(queue.auxiliary)
    return status.record if status.alive else None


def refuse_beside_runner(queue: Queue, action: str) -> None:
    """Refuse an action that is not allowed while a runner is active.

    Raises
    ------
    RunningRunnerError
        A live runner serves the database.
    """
    record = live_runner(queue)
    if record is not None:
        raise RunningRunnerError(
            f"a runner is active (process {record.get('pid')} on {record.get('hostname')}): "
            f"{action} is refused",
            runner=record,
            hint="stop it first; if it has crashed, wait half a minute",
        )


@contextmanager
def lock_runner(
    auxiliary: Collection, *, wait: float = 0, break_lock: bool = False
) -> Iterator[MongoLock]:
    """Lock the document of the running runner.

    Parameters
    ----------
    wait
        Seconds to wait for another process that holds the lock.
    break_lock
        Break the lock of another process.

    Raises
    ------
    RunnerLockedError
        Another process has locked it.
    MissingDocumentError
        The database has no such document.
    """
    lock = MongoLock(
        auxiliary, RUNNER, break_lock=break_lock, sleep=wait or None, max_wait=wait,
        get_locked_doc=True,
    )  # fmt: skip
    with lock:
        if lock.unavailable_document is not None:
            held = lock.unavailable_document
            raise RunnerLockedError(
                document_id=str(held["_id"]),
                lock_id=held["lock_id"],
                lock_time=held.get("lock_time"),
                owner=(live_lease(held) or {}).get("owner"),
            )
        if not lock.acquired:
            raise MissingDocumentError(
                "the database has no record of the running runner",
                hint="a database of jobflow-remote before 0.1.5 needs `jf admin upgrade`, "
                "a new one `jf admin reset`",
            )
        yield lock


def register(lock: MongoLock, record: Mapping[str, Any]) -> None:
    """Write the record of a starting runner when the lock of `lock_runner` is released."""
    now = utc_now()
    registered = {**record, "start_time": now, "last_pinged": now, "ping_every": PING_EVERY}
    lock.update_on_release = {"$set": {"running_runner": registered}}


def clean(auxiliary: Collection, *, break_lock: bool = False) -> None:
    """Record that no runner is registered, whatever the record says; errors as `lock_runner`."""
    with lock_runner(auxiliary, break_lock=break_lock) as lock:
        lock.update_on_release = {"$set": {"running_runner": None}}


def deregister(queue: Queue, entry: Mapping[str, Any]) -> None:
    """Record that a runner ends, and remove the record if it is its own."""
    queue.auxiliary.update_one(
        {"running_runner.runner_id": entry["runner_id"]}, {"$set": {"running_runner": None}}
    )
    _remember(queue.auxiliary, {**entry, "ended": True, "time": utc_now()})


def remove_record(queue: Queue, runner_id: str) -> None:
    """Record that no runner is registered, if the registered one was this one, which was killed."""
    queue.auxiliary.update_one(
        {"running_runner.runner_id": runner_id}, {"$set": {"running_runner": None}}
    )


def ping(auxiliary: Collection, entry: Mapping[str, Any]) -> tuple[bool, list[dict[str, Any]]]:
    """Record a ping.

    Parameters
    ----------
    entry
        What to store with the ping; ``time`` is added. With a ``runner_id`` it is the ping of that
        runner only: the record of another one stays as it is.

    Returns
    -------
    tuple
        Whether there is a record, in which ``last_pinged`` was updated; and the stored pings, the
        newest last.
    """
    now = utc_now()
    whose: dict[str, Any] = {"running_runner": {"$ne": None}}
    if entry.get("runner_id") is not None:
        whose = {"running_runner.runner_id": entry["runner_id"]}
    registered = auxiliary.update_one(whose, {"$set": {"running_runner.last_pinged": now}})
    return registered.matched_count > 0, _remember(auxiliary, {**entry, "time": now})


def _remember(auxiliary: Collection, ping: Mapping[str, Any]) -> list[dict[str, Any]]:
    kept = auxiliary.find_one_and_update(
        PINGS,
        {"$push": {"runner_pings": {"$each": [dict(ping)], "$slice": -KEPT_PINGS}}},
        return_document="after",
    )
    pings: list[dict[str, Any]] = kept["runner_pings"] if kept else []
    return pings


def keep_registered(queue: Queue, entry: Mapping[str, Any]) -> None:
    """Record a ping; an additional runner takes the record over if the registered one is dead."""
    record = get_running_runner(queue.auxiliary)
    own = isinstance(record, dict) and record.get("runner_id") == entry["runner_id"]
    if not own and not is_live(record):
        # If another runner registers at this moment, that is fine; the next ping will show it.
        with suppress(RunnerLockedError), lock_runner(queue.auxiliary) as lock:
            document = lock.locked_document
            assert document is not None
            if not is_live(document["running_runner"]):
                register(lock, entry)
    ping(queue.auxiliary, entry)


def get_pings(auxiliary: Collection) -> list[dict[str, Any]]:
    """Return the stored pings, the newest last."""
    found = auxiliary.find_one(PINGS)
    pings: list[dict[str, Any]] = found["runner_pings"] if found else []
    return pings


def clean_pings(auxiliary: Collection) -> int:
    """Delete all pings; return how many there were."""
    before = auxiliary.find_one_and_update(PINGS, {"$set": {"runner_pings": []}})
    return len(before["runner_pings"]) if before else 0
