"""Filters: the selection arguments of a user, as a query in MongoDB's language. Pure.

The same few parameters select jobs (and flows) in every method and command. They are declared,
described, checked and translated here. Different parameters are combined with AND, several values
of one parameter with OR; None means "no condition", an empty list matches nothing.

Flows are found through an index on ``job.hosts`` or ``uuid``, never through ``ids``, so ids that
identify a flow by one of its jobs must be looked up first: `JobFilter.db_ids_of_flows` and
`FlowFilter.db_ids_of_flows` list them, and ``query`` takes the result.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from controller.config.patterns import regex_problem
from controller.errors import ArgumentError, FilterError
from controller.globs import glob_to_regex
from controller.states import BatchState, Cause, FlowState, JobState, parse_states

Query = dict[str, Any]

NOTHING: Query = {"_id": {"$in": []}}
"""A query that no document matches."""


@dataclass(frozen=True, kw_only=True)
class JobFilter:
    """Filter of jobs.

    Attributes
    ----------
    job_ids
        (uuid, index) pairs; or a single pair.
    db_ids
        db_id of the jobs; integers are converted to text.
    flow_ids
        Uuids of the flows, or of flows within them, that the jobs belong to, or the db_id of any
        of a flow's jobs.
    states
        `JobState` members or their names.
    start_date, end_date
        Bounds of ``updated_on``, inclusive. A naive time is in the machine's local time
        zone, an aware one in its own.
    name
        Pattern of the job's name with the wildcards of `fnmatch` (``*``, ``?``, ``[seq]``); it
        must match the whole name, case-sensitively.
    metadata
        Entries that the job's metadata must have. A dot in a key leads into a nested dictionary.
    workers
        Names of the workers.
    locked
        True selects locked jobs; False is no condition.
    causes
        Why the jobs failed: `Cause` members or their names.
    error_match
        A regular expression to search in the job's error, or the runner's.
    custom_query
        A query in MongoDB's language, combined with the rest; a top-level key used by another
        parameter is an error.
    """

    job_ids: Any = None
    db_ids: Any = None
    flow_ids: Any = None
    states: Any = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    name: str | None = None
    metadata: Mapping[str, Any] | None = None
    workers: Any = None
    locked: bool = False
    causes: Any = None
    error_match: str | None = None
    custom_query: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        _normalise(
            self,
            job_ids=_job_id_pairs(self.job_ids),
            db_ids=_strings("db_ids", self.db_ids),
            flow_ids=_strings("flow_ids", self.flow_ids),
            states=parse_states(JobState, self.states),
            workers=_strings("workers", self.workers),
            causes=_strings("causes", self.causes),
        )
        failure_query(None, causes=self.causes, error_match=self.error_match)
        _check_texts(self.name, self.metadata)
        _check_window(self.start_date, self.end_date)

    @property
    def is_empty(self) -> bool:
        """Whether there is no condition, so that every job matches."""
        return _is_empty(self)

    @property
    def is_lasting(self) -> bool:
        """Whether a job that matches will always match: the fields concerned cannot change."""
        lasting = {"job_ids", "db_ids", "flow_ids", "name", "metadata"}
        return all(
            f.name in lasting or getattr(self, f.name) in (None, False) for f in fields(self)
        )

    @property
    def db_ids_of_flows(self) -> list[str]:
        """Members of ``flow_ids`` that are db_ids and must be looked up."""
        return [i for i in self.flow_ids or () if not is_uuid(i)]

    def with_whole_job_ids(self, whole: Callable[[str], str]) -> JobFilter:
        """Return the filter with abbreviated uuids of jobs expanded.

        Parameters
        ----------
        whole
            Expands an abbreviated uuid; returns a whole one unchanged.
        """
        found = tuple((whole(uuid), index) for uuid, index in self.job_ids or ())
        return self if found == (self.job_ids or ()) else replace(self, job_ids=found)

    def query(self, flow_uuids: Mapping[str, str] | None = None) -> Query:
        """Translate into a query on job documents.

        Parameters
        ----------
        flow_uuids
            {db_id: uuid of its flow} for `db_ids_of_flows`; missing ones match nothing.
        """
        query: Query = {}
        if self.job_ids is not None:
            pairs = [{"uuid": uuid, "index": index} for uuid, index in self.job_ids]
            query.update({"$or": pairs} if pairs else NOTHING)
        if self.db_ids is not None:
            query["db_id"] = _one_of(self.db_ids)
        if self.flow_ids is not None:
            query["job.hosts"] = _one_of(_flow_uuids(self.flow_ids, flow_uuids))
        _add_common(query, self, name_path="job.name", metadata_path="job.metadata")
        if self.workers is not None:
            query["worker"] = _one_of(self.workers)
        whole = merge_queries(query, self.custom_query)
        if self.causes is None and self.error_match is None:
            return whole
        asked = failure_query(whole, causes=self.causes, error_match=self.error_match)
        return whole if asked is None else asked


@dataclass(frozen=True, kw_only=True)
class FlowFilter:
    """Filter of flows.

    Attributes
    ----------
    job_ids
        Uuids of jobs that belong to the flows.
    db_ids
        db_id of jobs that belong to the flows.
    flow_ids
        Uuids of the flows, or the db_id of any of their jobs.
    states
        `FlowState` members or their names.
    start_date, end_date, name, metadata, locked, custom_query
        As in `JobFilter`, applied to the flow's own document.
    """

    job_ids: Any = None
    db_ids: Any = None
    flow_ids: Any = None
    states: Any = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    name: str | None = None
    metadata: Mapping[str, Any] | None = None
    locked: bool = False
    custom_query: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        _normalise(
            self,
            job_ids=_strings("job_ids", self.job_ids),
            db_ids=_strings("db_ids", self.db_ids),
            flow_ids=_strings("flow_ids", self.flow_ids),
            states=parse_states(FlowState, self.states),
        )
        _check_texts(self.name, self.metadata)
        _check_window(self.start_date, self.end_date)

    @property
    def is_empty(self) -> bool:
        """Whether there is no condition, so that every flow matches."""
        return _is_empty(self)

    @property
    def db_ids_of_flows(self) -> list[str]:
        """db_ids that must be looked up: ``db_ids``, and those among ``flow_ids``."""
        return [*(self.db_ids or ()), *(i for i in self.flow_ids or () if not is_uuid(i))]

    def with_whole_job_ids(self, whole: Callable[[str], str]) -> FlowFilter:
        """As `JobFilter.with_whole_job_ids`."""
        found = tuple(map(whole, self.job_ids or ()))
        return self if found == (self.job_ids or ()) else replace(self, job_ids=found)

    def query(self, flow_uuids: Mapping[str, str] | None = None) -> Query:
        """Translate into a query on flow documents; ``flow_uuids`` as in `JobFilter.query`."""
        query: Query = {}
        if self.job_ids is not None:
            query["jobs"] = _one_of(self.job_ids)
        wanted = None
        if self.flow_ids is not None:
            wanted = _flow_uuids(self.flow_ids, flow_uuids)
        if self.db_ids is not None:
            by_job = _flow_uuids(self.db_ids, flow_uuids)
            wanted = by_job if wanted is None else [u for u in wanted if u in set(by_job)]
        if wanted is not None:
            query["uuid"] = _one_of(wanted)
        _add_common(query, self, name_path="name", metadata_path="metadata")
        return merge_queries(query, self.custom_query)


@dataclass(frozen=True, kw_only=True)
class BatchFilter:
    """Filter of batch processes.

    Attributes
    ----------
    process_id
        Ids in the workers' queues; two workers may have the same one.
    batch_uid
        jfr's ids of the processes.
    worker
        Names of the workers.
    batch_state
        `BatchState` members or their names.
    job_ids
        (uuid, index) pairs of jobs executed by them, or a single pair.
    db_ids
        db_id of jobs executed by them.
    """

    process_id: Any = None
    batch_uid: Any = None
    worker: Any = None
    batch_state: Any = None
    job_ids: Any = None
    db_ids: Any = None

    def __post_init__(self) -> None:
        _normalise(
            self,
            process_id=_strings("process_id", self.process_id),
            batch_uid=_strings("batch_uid", self.batch_uid),
            worker=_strings("worker", self.worker),
            batch_state=parse_states(BatchState, self.batch_state),
            job_ids=_job_id_pairs(self.job_ids),
            db_ids=_strings("db_ids", self.db_ids),
        )
        if self.job_ids is not None and self.db_ids is not None:
            raise FilterError(
                "job_ids and db_ids both select jobs of a batch process",
                hint="give only one of them",
            )

    def query(self) -> Query:
        """Translate into a query on batch documents."""
        query: Query = {}
        for name in ("process_id", "batch_uid", "worker"):
            if (values := getattr(self, name)) is not None:
                query[name] = _one_of(values)
        if self.batch_state is not None:
            query["batch_state"] = _one_of(s.value for s in self.batch_state)
        if self.db_ids is not None:
            query["jobs"] = {"$elemMatch": {"0": _one_of(self.db_ids)}}
        elif self.job_ids is not None:
            pairs = [
                {"jobs": {"$elemMatch": {"1": uuid, "2": index}}} for uuid, index in self.job_ids
            ]
            query.update({"$or": pairs} if pairs else NOTHING)
        return query


def failure_query(
    custom: Mapping[str, Any] | None, *, causes: Iterable[str] | None, error_match: str | None
) -> Query | None:
    """Add the conditions on failures to a query on jobs; None if there are none.

    Parameters
    ----------
    custom
        The user's own query.
    causes
        Members or names of `Cause`.
    error_match
        A regular expression to search in the job's error, or the runner's.

    Raises
    ------
    ArgumentError
        The cause does not exist, or the expression is invalid, too long, or has nested repeats.
    """
    asked: list[Query] = []
    if causes is not None and (known := [_cause(name) for name in causes]):
        asked.append({"error_cause": _one_of(known)})
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
            hint="give it in one of them only",
        )
    return {**query, **custom}


def job_id_query(
    *, db_id: str | None = None, job_id: str | None = None, job_index: int | None = None
) -> tuple[Query, list[tuple[str, int]] | None]:
    """Return the query and the sort order that find one job.

    Parameters
    ----------
    db_id
        db_id of the job.
    job_id
        Uuid of the job; exactly one of the two must be given.
    job_index
        With ``job_id``: the index. None returns the largest one first.

    Raises
    ------
    ArgumentError
        Neither or both of ``db_id`` and ``job_id``, or a wrong type.
    """
    if (db_id is None) == (job_id is None):
        raise ArgumentError(
            "a job is identified by either db_id or job_id",
            hint="give exactly one of them",
        )
    given: dict[str, tuple[Any, type | tuple[type, ...]]] = {
        "db_id": (db_id, (str, int)),
        "job_id": (job_id, str),
        "job_index": (job_index, int),
    }
    for name, (value, kind) in given.items():
        if value is not None and (value is True or value is False or not isinstance(value, kind)):
            wanted = "an integer" if name == "job_index" else "the text shown by `jf job list`"
            raise ArgumentError(f"{name} cannot be {value!r}", hint=f"it must be {wanted}")
    if db_id is not None:
        return {"db_id": str(db_id)}, None
    if job_index is not None:
        return {"uuid": job_id, "index": job_index}, None
    return {"uuid": job_id}, [("index", -1)]


def is_uuid(text: str) -> bool:
    """Whether an id is a canonical lower-case uuid; anything else is a db_id."""
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def is_id(value: Any, *, number: bool = False) -> bool:
    """Whether a value can be an id; ``number`` allows integers, which are converted to text."""
    return isinstance(value, str) or (
        number and isinstance(value, int) and not isinstance(value, bool)
    )


def is_start_of_uuid(text: str) -> bool:
    """Whether a text may be an abbreviated uuid of sufficient length."""
    return bool(re.fullmatch(r"[0-9a-f]{4,8}|[0-9a-f]{8}-[0-9a-f-]{0,26}", text))


def to_utc(time: datetime) -> datetime:
    """Convert to a naive time in UTC; a naive argument is in the machine's local time zone."""
    return time.astimezone(UTC).replace(tzinfo=None)


def _normalise(target: Any, **values: Any) -> None:
    for name, value in values.items():
        object.__setattr__(target, name, value)


def _is_empty(target: JobFilter | FlowFilter) -> bool:
    return all(
        getattr(target, f.name) is None or (f.name == "locked" and not target.locked)
        for f in fields(target)
    )


def _strings(what: str, values: Any) -> tuple[str, ...] | None:
    if values is None:
        return None
    many = [values] if isinstance(values, (str, int)) else values
    if not isinstance(many, Iterable) or isinstance(many, Mapping):
        raise ArgumentError(
            f"{what} must be a string or a list of strings, not {values!r}",
            hint="None selects all, an empty list nothing",
        )
    out = []
    for value in many:
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise ArgumentError(
                f"{what} must contain strings, not {value!r}", hint='for example ["1", "2"]'
            )
        out.append(str(value))
    return tuple(out)


def _job_id_pairs(values: Any) -> tuple[tuple[str, int], ...] | None:
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
                hint="for ids without an index use db_ids or flow_ids",
            )
    return tuple((uuid, index) for uuid, index in many)


def _is_pair(value: Any) -> bool:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        return False
    uuid, index = value
    return isinstance(uuid, str) and isinstance(index, int) and not isinstance(index, bool)


def _check_texts(name: Any, metadata: Any) -> None:
    if name is not None and not isinstance(name, str):
        raise ArgumentError(f"name must be a text, not {name!r}", hint='for example "relax*"')
    if metadata is not None and not isinstance(metadata, Mapping):
        raise ArgumentError(
            f"metadata must be a dictionary, not {metadata!r}", hint='for example {"tag": "x"}'
        )


def _seconds(time: datetime) -> str:
    return time.isoformat(timespec="seconds")


def _check_window(start: Any, end: Any) -> None:
    for name, value in (("start_date", start), ("end_date", end)):
        if value is not None and not isinstance(value, datetime):
            raise ArgumentError(
                f"{name} must be a datetime, not {value!r}",
                hint="convert a text with `datetime.fromisoformat`",
            )
    if start is not None and end is not None and to_utc(start) > to_utc(end):
        raise FilterError(
            f"the start date {_seconds(start)} is after the end date {_seconds(end)}",
            hint="exchange them?",
        )


def _one_of(values: Iterable[str]) -> Any:
    many = list(dict.fromkeys(values))
    return many[0] if len(many) == 1 else {"$in": many}


def _flow_uuids(ids: Iterable[str], looked_up: Mapping[str, str] | None) -> list[str]:
    known = looked_up or {}
    found = [i if is_uuid(i) else known.get(i) for i in ids]
    return [uuid for uuid in found if uuid is not None]


def _add_common(
    query: Query, given: JobFilter | FlowFilter, *, name_path: str, metadata_path: str
) -> None:
    if given.states is not None:
        query["state"] = _one_of(s.value for s in given.states)
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
                f"{key!r} cannot be a metadata key", hint="no part may be empty or start with $"
            )
        query[f"{metadata_path}.{key}"] = {"$eq": value}
    if given.locked:
        query["lock_id"] = {"$ne": None}
