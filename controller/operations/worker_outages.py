"""Which workers cannot be reached at present, for other processes to read: `jf job why`.

A document of the auxiliary collection for each such worker, written by the runner that noticed it
and removed when the machine answers again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controller.operations.queue import Queue

_FIELD = "worker_outage"


@dataclass(frozen=True)
class WorkerOutage:
    """Why a worker's machine cannot be used.

    Attributes
    ----------
    worker
        Name of the worker.
    problem
        The problem, in one line.
    hint
        What to do; None if waiting is enough.
    retry_on
        Time of the next attempt, naive UTC.
    needs_login
        Whether only a login by a user helps.
    """

    worker: str
    problem: str
    hint: str | None
    retry_on: datetime
    needs_login: bool = False


def note_outage(queue: Queue, outage: WorkerOutage) -> None:
    """Record, or update the record, that a worker cannot be reached."""
    stored = {f"{_FIELD}.{name}": value for name, value in vars(outage).items()}
    queue.auxiliary.update_one({f"{_FIELD}.worker": outage.worker}, {"$set": stored}, upsert=True)


def end_outages(queue: Queue, workers: Sequence[str]) -> None:
    """Record that workers can be reached again."""
    queue.auxiliary.delete_many({f"{_FIELD}.worker": {"$in": list(workers)}})


def outage_of(queue: Queue, worker: str) -> WorkerOutage | None:
    """Return the outage of a worker; None if it can be reached."""
    found: dict[str, Any] | None = queue.auxiliary.find_one({f"{_FIELD}.worker": worker})
    return WorkerOutage(**found[_FIELD]) if found else None


def outages(queue: Queue) -> list[WorkerOutage]:
    """Return the outages of all workers that cannot be reached, sorted by name."""
    found = queue.auxiliary.find({_FIELD: {"$exists": True}})
    return sorted((WorkerOutage(**doc[_FIELD]) for doc in found), key=lambda each: each.worker)
