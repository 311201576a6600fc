"""What all documents share: their base, the clock, the order of db_ids, names of collections."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from enum import Enum, StrEnum

from pydantic import BaseModel, ConfigDict


class DbCollection(Enum):
    """The collections of the queue database that users may ask for."""

    JOBS = "jobs"
    FLOWS = "flows"
    AUXILIARY = "aux"
    BATCHES = "batches"


class DynamicResponseType(StrEnum):
    """How a job's Response adds jobs to its flow."""

    REPLACE = "replace"
    DETOUR = "detour"
    ADDITION = "addition"


def utc_now() -> datetime:
    """Return the present time, naive, in UTC, with the milliseconds that a database keeps."""
    now = datetime.now(UTC).replace(tzinfo=None)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


class Stored(BaseModel):
    """A document, or a view of one."""

    # Built when used: a command that lists jobs has no use for most of them.
    model_config = ConfigDict(extra="ignore", arbitrary_types_allowed=True, defer_build=True)


def db_id_order(db_id: str) -> tuple[str, int]:
    """Sort key of a db_id: by its prefix, then by its number."""
    match = re.fullmatch(r"(.*?)(\d*)", db_id, re.DOTALL)
    assert match is not None  # both parts may be empty
    return match[1], int(match[2] or -1)
