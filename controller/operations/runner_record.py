"""The record of the runner that serves a database, and its signs of life.

``running_runner`` and ``runner_pings`` are documents that jobflow-remote 1.0.1 reads and writes
too. It gives a sign of life once an hour; we give one every `PING_EVERY` seconds and say so in
the record (``ping_every``), so that everybody can tell a dead runner from a live one.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from controller.documents import utc_now
from controller.operations.queue import Queue
from controller.storage.base import Collection

RUNNER = {"running_runner": {"$exists": True}}
PINGS = {"runner_pings": {"$exists": True}}
PING_EVERY = 10.0
"""Seconds between two signs of life."""
FOREIGN_PING_EVERY = 3600.0
"""jobflow-remote's, by default."""
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
    """Whether a record is of a runner that gave a sign of life not too long ago."""
    if not isinstance(record, dict):
        return False
    last = record.get("last_pinged") or record.get("start_time")
    if not isinstance(last, datetime):
        return False
    every = float(record.get("ping_every") or FOREIGN_PING_EVERY)
    return abs((now or utc_now()) - last) < timedelta(seconds=3 * every)


def is_foreign(record: Any) -> bool:
    """Whether a record was written by jobflow-remote."""
    return isinstance(record, dict) and "ping_every" not in record


def live_runner(queue: Queue) -> dict[str, Any] | None:
    """Return the record of a live runner, None when there is none."""
    record = get_running_runner(queue.auxiliary)
    return record if isinstance(record, dict) and is_live(record) else None


def register(queue: Queue, record: dict[str, Any]) -> None:
    """Write the record of a runner that starts."""
    queue.auxiliary.update_one(
        RUNNER, {"$set": {"running_runner": {**record, "ping_every": PING_EVERY}}}
    )


def ping(queue: Queue, runner_id: str, entry: dict[str, Any]) -> None:
    """Give a sign of life; a runner that joined another one's record takes it over if need be."""
    now = utc_now()
    record = get_running_runner(queue.auxiliary)
    if isinstance(record, dict) and (record.get("runner_id") == runner_id or is_live(record)):
        queue.auxiliary.update_one(RUNNER, {"$set": {"running_runner.last_pinged": now}})
    else:
        register(queue, {**entry, "start_time": now, "last_pinged": now})
    queue.auxiliary.update_one(
        PINGS,
        {"$push": {"runner_pings": {"$each": [{**entry, "time": now}], "$slice": -KEPT_PINGS}}},
    )


def deregister(queue: Queue, runner_id: str) -> None:
    """Remove the record of a runner that ends, if it is its own."""
    queue.auxiliary.update_one(
        {"running_runner.runner_id": runner_id}, {"$set": {"running_runner": None}}
    )
