"""Checks of the values that a filter is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any

from controller.errors import ArgumentError, FilterError
from controller.filters.conditions import to_utc


def normalise(target: Any, **values: Any) -> None:
    """Replace values of a frozen filter by their normal form."""
    for name, value in values.items():
        object.__setattr__(target, name, value)


def is_empty(target: Any) -> bool:
    """Whether a filter has no condition; ``locked=False`` is none."""
    return all(
        getattr(target, f.name) is None or (f.name == "locked" and not target.locked)
        for f in fields(target)
    )


def strings(what: str, values: Any) -> tuple[str, ...] | None:
    """Return one or several ids or names as texts; integers are converted, None stays None.

    Raises
    ------
    ArgumentError
        ``values`` holds something else; the message calls it ``what``.
    """
    if values is None:
        return None
    many = [values] if isinstance(values, (str, int)) else values
    if not isinstance(many, Iterable) or isinstance(many, Mapping):
        raise ArgumentError(
            f"{what} must be a string or a list of strings, not {values!r}",
            hint="None selects everything, an empty list selects nothing",
        )
    out = []
    for value in many:
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise ArgumentError(
                f"{what} must contain strings, not {value!r}", hint='for example ["1", "2"]'
            )
        out.append(str(value))
    return tuple(out)


def job_id_pairs(values: Any) -> tuple[tuple[str, int], ...] | None:
    """Return one or several (uuid, index) pairs as a tuple of pairs; None stays None.

    Raises
    ------
    ArgumentError
        ``values`` holds something else.
    """
    if values is None:
        return None
    lone = isinstance(values, Mapping) or not isinstance(values, Iterable)
    many = [values] if lone else list(values)
    if _is_pair(many):
        many = [many]
    for value in many:
        if not _is_pair(value):
            raise ArgumentError(
                f"job_ids must contain (uuid, index) pairs, not {value!r}",
                hint="select by ids without an index with db_ids or flow_ids",
            )
    return tuple((uuid, index) for uuid, index in many)


def _is_pair(value: Any) -> bool:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        return False
    uuid, index = value
    return isinstance(uuid, str) and isinstance(index, int) and not isinstance(index, bool)


def check_texts(name: Any, metadata: Any) -> None:
    """Raise ArgumentError if a name is not a string or metadata are not a dictionary."""
    if name is not None and not isinstance(name, str):
        raise ArgumentError(f"name must be a string, not {name!r}", hint='for example "relax*"')
    if metadata is not None and not isinstance(metadata, Mapping):
        raise ArgumentError(
            f"metadata must be a dictionary, not {metadata!r}", hint='for example {"tag": "x"}'
        )


def _seconds(time: datetime) -> str:
    return time.isoformat(timespec="seconds")


def check_window(start: Any, end: Any) -> None:
    """Raise ArgumentError unless both are times or None, FilterError if the end is first."""
    for name, value in (("start_date", start), ("end_date", end)):
        if value is not None and not isinstance(value, datetime):
            raise ArgumentError(
                f"{name} must be a datetime, not {value!r}",
                hint="convert a string with `datetime.fromisoformat`",
            )
    if start is not None and end is not None and to_utc(start) > to_utc(end):
        raise FilterError(
            f"the start date {_seconds(start)} is after the end date {_seconds(end)}",
            hint="swap them",
        )
