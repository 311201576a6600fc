"""What the queries of all filters are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from controller.config.patterns import regex_problem
from controller.errors import ArgumentError, FilterError
from controller.filters.ids import is_uuid
from controller.globs import glob_to_regex
from controller.states import Cause

if TYPE_CHECKING:
    from controller.filters.flows import FlowFilter
    from controller.filters.jobs import JobFilter

Query = dict[str, Any]

NOTHING: Query = {"_id": {"$in": []}}
"""A query that no document matches."""


def failure_query(
    custom: Mapping[str, Any] | None, *, causes: Iterable[str] | None, error_match: str | None
) -> Query | None:
    """Add the conditions on failures to a query on jobs; None if there are none.

    Parameters
    ----------
    custom
        The user's own query.
    causes
        Members of `Cause`, or their names.
    error_match
        A regular expression to search in the job's error, or the runner's.

    Raises
    ------
    ArgumentError
        The cause does not exist, or the expression is invalid, too long, or has nested repeats.
    """
    asked: list[Query] = []
    if causes is not None and (known := [_cause(name) for name in causes]):
        asked.append({"error_cause": one_of(known)})
    if error_match is not None:
        _check_regex(error_match)
        found = {"$regex": error_match}
        asked.append({"$or": [{"error": found}, {"remote.error": found}]})
    if not asked:
        return None if custom is None else dict(custom)
    return {**(custom or {}), "$and": [*(custom or {}).get("$and", ()), *asked]}


def _cause(name: str) -> str:
    try:
        return Cause(name.lower().replace("-", "_")).value
    except ValueError:
        raise ArgumentError(
            f"{name!r} is not a cause of a failure", hint=f"choose one of {', '.join(Cause)}"
        ) from None


def _check_regex(text: str) -> None:
    if (problem := regex_problem(text)) is not None:
        raise ArgumentError(problem[0], hint=problem[1])


def merge_queries(query: Query, custom: Mapping[str, Any] | None) -> Query:
    """Combine a query with the user's own.

    Raises
    ------
    FilterError
        ``custom`` is not a dictionary, or both use the same top-level key.
    """
    if custom is None:
        return query
    if not isinstance(custom, Mapping):
        raise FilterError(
            f"a query must be a dictionary, not {type(custom).__name__}",
            hint='for example {"state": "FAILED"}',
        )
    shared = sorted(set(query) & set(custom))
    if shared:
        raise FilterError(
            f"the custom query and another filter both have a condition on {', '.join(shared)}",
            hint="keep only one of the two conditions",
        )
    return {**query, **custom}


def to_utc(time: datetime) -> datetime:
    """Convert to a naive time in UTC; a naive argument is in the machine's local time zone."""
    return time.astimezone(UTC).replace(tzinfo=None)


def one_of(values: Iterable[str]) -> Any:
    """Return the condition that a field has one of some values."""
    many = list(dict.fromkeys(values))
    return many[0] if len(many) == 1 else {"$in": many}


def flow_uuids_of(ids: Iterable[str], looked_up: Mapping[str, str] | None) -> list[str]:
    """Return the uuids of flows.

    Parameters
    ----------
    ids
        Uuids of flows, and db_ids of jobs.
    looked_up
        {db_id: uuid of its flow}; a db_id that is not in it is left out.
    """
    known = looked_up or {}
    found = [i if is_uuid(i) else known.get(i) for i in ids]
    return [uuid for uuid in found if uuid is not None]


def add_shared_conditions(
    query: Query, given: JobFilter | FlowFilter, *, name_path: str, metadata_path: str
) -> None:
    """Add the conditions that filters of jobs and of flows have in common.

    Parameters
    ----------
    query
        Is changed.
    name_path, metadata_path
        Where the name and the metadata are in the documents.

    Raises
    ------
    FilterError
        A part of a metadata key is empty or starts with ``$``.
    """
    if given.states is not None:
        query["state"] = one_of(s.value for s in given.states)
    window = {}
    if given.start_date is not None:
        window["$gte"] = to_utc(given.start_date)
    if given.end_date is not None:
        # Stored times have milliseconds: an end without them includes its whole second.
        end = to_utc(given.end_date)
        whole = end.microsecond == 0
        window["$lt" if whole else "$lte"] = end + timedelta(seconds=1) if whole else end
    if window:
        query["updated_on"] = window
    if given.name is not None:
        wild = any(c in given.name for c in "*?[")
        query[name_path] = {"$regex": glob_to_regex(given.name)} if wild else given.name
    for key, value in (given.metadata or {}).items():
        if not isinstance(key, str) or any(p == "" or p[0] == "$" for p in key.split(".")):
            raise FilterError(
                f"{key!r} cannot be a metadata key",
                hint="no part between its dots may be empty or start with $",
            )
        query[f"{metadata_path}.{key}"] = {"$eq": value}
    if given.locked:
        query["lock_id"] = {"$ne": None}
