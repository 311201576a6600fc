"""What all documents share: their base, the clock, the flow of a job, the order of db_ids."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum, StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

RENEW_EVERY = 5.0
"""Seconds between two renewals of a lock; each adds one to ``lock_lease.seq``."""


class DbCollection(Enum):
    """The collections of the queue database that users may ask for."""

    JOBS = "jobs"
    FLOWS = "flows"
    AUX = "aux"
    BATCHES = "batches"
    AUXILIARY = "aux"  # noqa: PIE796 (another name of AUX, as jobflow-remote calls it)


class DynamicResponseType(StrEnum):
    """How a job's Response adds jobs to its flow."""

    REPLACE = "replace"
    DETOUR = "detour"
    ADDITION = "addition"


def utc_now() -> datetime:
    """Return the current time: naive, in UTC, with the millisecond resolution of databases."""
    now = datetime.now(UTC).replace(tzinfo=None)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


class Stored(BaseModel):
    """A document, or a view of one."""

    # Built when used: a command that lists jobs has no use for most of them.
    model_config = ConfigDict(extra="ignore", arbitrary_types_allowed=True, defer_build=True)


def flow_of(job: Mapping[str, Any]) -> str:
    """Uuid of the submitted flow of a job's document; ``hosts`` begins with the innermost one."""
    return str(job["job"]["hosts"][-1])


def flow_if_named(job: Mapping[str, Any]) -> str | None:
    """Like `flow_of`; None if a damaged document names no flow."""
    hosts = (job.get("job") or {}).get("hosts") or []
    return str(hosts[-1]) if hosts else None


def db_id_order(db_id: str) -> tuple[str, int]:
    """Sort key of a db_id: by its prefix, then by its number."""
    if db_id.isdecimal():  # nearly all, of flows of thousands of jobs
        return "", int(db_id)
    match = re.fullmatch(r"(.*?)(\d*)", db_id, re.DOTALL)
    assert match is not None  # both parts may be empty
    return match[1], int(match[2] or -1)


def scheduler_of(remote: Mapping[str, Any]) -> str | dict[str, Any] | None:
    """Return the ``scheduler_type`` of the queue that a job is in.

    It stays that of the submission when the project file changes: only that queue knows the id.

    Parameters
    ----------
    remote
        The sub-document of the job.

    Returns
    -------
    str, dict or None
        None if it is not recorded; use that of the worker's current queue then.
    """
    known: str | dict[str, Any] | None = remote.get("scheduler")
    return known or ("shell" if remote.get("process") else None)
