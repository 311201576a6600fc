"""The filter of flows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from controller.filters.arguments import check_texts, check_window, is_empty, normalise, strings
from controller.filters.conditions import (
    Query,
    add_shared_conditions,
    flow_uuids_of,
    merge_queries,
    one_of,
)
from controller.filters.ids import is_uuid
from controller.states import FlowState, parse_states


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
        normalise(
            self,
            job_ids=strings("job_ids", self.job_ids),
            db_ids=strings("db_ids", self.db_ids),
            flow_ids=strings("flow_ids", self.flow_ids),
            states=parse_states(FlowState, self.states),
        )
        check_texts(self.name, self.metadata)
        check_window(self.start_date, self.end_date)

    @property
    def is_empty(self) -> bool:
        """Whether there is no condition, so that every flow matches."""
        return is_empty(self)

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
            query["jobs"] = one_of(self.job_ids)
        wanted = None
        if self.flow_ids is not None:
            wanted = flow_uuids_of(self.flow_ids, flow_uuids)
        if self.db_ids is not None:
            by_job = flow_uuids_of(self.db_ids, flow_uuids)
            wanted = by_job if wanted is None else [u for u in wanted if u in set(by_job)]
        if wanted is not None:
            query["uuid"] = one_of(wanted)
        add_shared_conditions(query, self, name_path="name", metadata_path="metadata")
        return merge_queries(query, self.custom_query)
