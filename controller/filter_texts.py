"""Filters as users write them: values of flags, or the query of a web page's address. Pure.

The keys are the same on the command line and in a browser: those of the flags, without leading
dashes, with ``_`` for ``-``. A list has several values, everything else is one string.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from controller.errors import ArgumentError
from controller.filters import FlowFilter, JobFilter
from controller.states import ERROR_STATES, RUNNING_STATES


class FlagError(ArgumentError):
    """A value that cannot be read.

    Parameters
    ----------
    text
        What is wrong with it.
    flag
        Its flag, such as ``--days``, possibly followed by examples.
    """

    def __init__(self, text: str, *, flag: str | None = None) -> None:
        super().__init__(f"{flag.partition(' ')[0]}: {text}" if flag else text)
        self.text, self.flag = text, flag


_DATE_FORMS = (
    "%Y-%m-%d",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d %H:%M:%S",
)
_TIME_FORMS = ("%H:%M", "%H:%M:%S")
_ISO_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d")
"""Start of a date and time in ISO 8601; fractions, Z or an offset may follow."""


JOB_KEYS: dict[str, bool] = {
    "state": True,
    "worker": True,
    "name": False,
    "cause": True,
    "error_match": False,
    "days": False,
    "hours": False,
    "start_date": False,
    "end_date": False,
    "db_id": True,
    "flow_id": True,
    "job_id": True,
    "metadata": False,
    "query": False,
}
"""{key of a filter of jobs: whether it takes several values}; ``--key`` is its flag."""
FLOW_KEYS: dict[str, bool] = {
    key: many for key, many in JOB_KEYS.items() if key not in ("worker", "cause", "error_match")
}
"""The same of flows."""
LIST_FLAGS = ("error", "running", "locked")
"""Flags of lists of jobs, without a value."""


def with_flags(
    selection: JobFilter, *, locked: bool = False, error: bool = False, running: bool = False
) -> JobFilter:
    """Return a filter with the conditions of `LIST_FLAGS` added."""
    further = (ERROR_STATES if error else ()) + (RUNNING_STATES if running else ())
    states = (*(selection.states or ()), *further) if further else selection.states
    return replace(selection, locked=locked, states=states)


def job_filter(given: Mapping[str, Any]) -> JobFilter:
    """Return the filter of jobs that texts describe; a key that is missing is no condition."""
    start, end = window(given)
    return JobFilter(
        job_ids=uuid_index_pairs(given.get("job_id")),
        db_ids=given.get("db_id"),
        flow_ids=given.get("flow_id"),
        states=given.get("state"),
        start_date=start,
        end_date=end,
        name=given.get("name"),
        metadata=dictionary("--metadata", given.get("metadata")),
        workers=given.get("worker"),
        causes=given.get("cause"),
        error_match=given.get("error_match"),
        custom_query=dictionary("--query", given.get("query")),
    )


def flow_filter(given: Mapping[str, Any]) -> FlowFilter:
    """Return the filter of flows that texts describe; a key that is missing is no condition."""
    start, end = window(given)
    return FlowFilter(
        job_ids=given.get("job_id"),
        db_ids=given.get("db_id"),
        flow_ids=given.get("flow_id"),
        states=given.get("state"),
        start_date=start,
        end_date=end,
        name=given.get("name"),
        metadata=dictionary("--metadata", given.get("metadata")),
        custom_query=dictionary("--query", given.get("query")),
    )


def window(given: Mapping[str, Any]) -> tuple[datetime | None, datetime | None]:
    """Return the bounds given by --start-date, --end-date, --days and --hours.

    Times without a zone are local.
    """
    said = [n for n in ("start_date", "days", "hours") if given.get(n) is not None]
    if len(said) > 1:
        flags = " and ".join(f"--{n.replace('_', '-')}" for n in said)
        raise FlagError(f"{flags} cannot be combined")
    now = datetime.now()
    start = parse_date("--start-date", given.get("start_date"), now)
    for unit in ("days", "hours"):
        if given.get(unit) is not None:
            start = _before(now, unit, given[unit])
    return start, parse_date("--end-date", given.get("end_date"), now)


def _before(now: datetime, unit: str, number: int | str) -> datetime:
    if isinstance(number, str) and not (number.isascii() and number.isdigit()):
        raise FlagError(f"{number!r} is not a whole number", flag=f"--{unit}")
    try:
        return now - timedelta(**{unit: int(number)})
    except OverflowError:
        raise FlagError(
            f"{number} {unit} ago is before the earliest date", flag=f"--{unit}"
        ) from None


def parse_date(flag: str, text: str | None, now: datetime) -> datetime | None:
    """Read a date, a date and time, or a time of the last 24 hours, all local.

    With ``Z`` or an offset, a date and time keeps its zone.
    """
    if text is None:
        return None
    found = _read_date(text, now)
    try:
        if found is not None:
            found.astimezone(UTC)
            return found
    except (OverflowError, ValueError):  # out of range
        pass
    raise FlagError(
        f"{text!r} is not a date",
        flag=f"{flag} (2026-01-31, 2026-01-31T12:00, 2026-01-31T12:00:00Z or 12:00)",
    )


def _read_date(text: str, now: datetime) -> datetime | None:
    for form in (*_DATE_FORMS, *_TIME_FORMS):
        try:
            found = datetime.strptime(text, form)
        except ValueError:
            continue
        if form in _DATE_FORMS:
            return found
        today = datetime.combine(now.date(), found.time())
        return today if today <= now else today - timedelta(days=1)
    try:
        return datetime.fromisoformat(text) if _ISO_TIME.match(text) else None
    except ValueError:
        return None


def dictionary(flag: str, text: str | None) -> dict[str, Any] | None:
    """Read JSON, or ``key=value,key2=value2`` whose values are texts."""
    if text is None:
        return None
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if isinstance(found, dict):
        return found
    pairs = [chunk.split("=") for chunk in text.split(",")]
    if found is not None or any(len(pair) != 2 or not pair[0].strip() for pair in pairs):
        raise FlagError(f'{text!r} is neither JSON nor "key=value"', flag=flag)
    return {key.strip(): value for key, value in pairs}


def typed_dictionary(flag: str, text: str | None) -> dict[str, Any] | None:
    """Like `dictionary`; in pairs, numbers, true, false and null are read as such."""
    found = dictionary(flag, text)
    if found is None or text is None or text.lstrip().startswith("{"):
        return found
    return {key: _typed(value) for key, value in found.items()}


def _typed(text: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, (int, float, bool)) or value is None else text


def uuid_index_pairs(texts: list[str] | None) -> list[tuple[str, int]] | None:
    """Read ``UUID:INDEX`` texts; None stays None."""
    return [_pair(text) for text in texts] if texts else None


def _pair(text: str) -> tuple[str, int]:
    uuid, _, index = text.rpartition(":")
    if not uuid or not index.isdigit():
        raise FlagError(f"{text!r} is not UUID:INDEX", flag="--job-id")
    return uuid, int(index)
