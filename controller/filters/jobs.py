"""The filter of jobs, and the query that finds one job."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from controller.errors import ArgumentError
from controller.filters.arguments import (
    check_texts,
    check_window,
    is_empty,
    job_id_pairs,
    normalise,
    strings,
)
from controller.filters.conditions import (
    NOTHING,
    Query,
    add_shared_conditions,
    failure_query,
    flow_uuids_of,
    merge_queries,
    one_of,
)
from controller.filters.ids import is_uuid
from controller.states import JobState, parse_states


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
        normalise(
            self,
            job_ids=job_id_pairs(self.job_ids),
            db_ids=strings("db_ids", self.db_ids),
            flow_ids=strings("flow_ids", self.flow_ids),
            states=parse_states(JobState, self.states),
            workers=strings("workers", self.workers),
            causes=strings("causes", self.causes),
        )
        failure_query(None, causes=self.causes, error_match=self.error_match)
        check_texts(self.name, self.metadata)
        check_window(self.start_date, self.end_date)

    @property
    def is_empty(self) -> bool:
        """Whether there is no condition, so that every job matches."""
        return is_empty(self)

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
            query["db_id"] = one_of(self.db_ids)
        if self.flow_ids is not None:
            query["job.hosts"] = one_of(flow_uuids_of(self.flow_ids, flow_uuids))
        add_shared_conditions(query, self, name_path="job.name", metadata_path="job.metadata")
        if self.workers is not None:
            query["worker"] = one_of(self.workers)
        whole = merge_queries(query, self.custom_query)
        if self.causes is None and self.error_match is None:
            return whole
        asked = failure_query(whole, causes=self.causes, error_match=self.error_match)
        return whole if asked is None else asked


def job_id_query(
    *, db_id: str | None = None, job_id: str | None = None, job_index: int | None = None
) -> tuple[Query, list[tuple[str, int]] | None]:
    """Return the query and the sort order that find one job.

    Parameters
    ----------
    db_id
        db_id of the job.
    job_id
        Uuid of the job; give either this or ``db_id``.
    job_index
        Index of the job with that uuid; None finds the one with the largest index.

    Raises
    ------
    ArgumentError
        Neither or both of ``db_id`` and ``job_id`` are given, or a value has the wrong type.
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
