"""Filters: what a user selects by, as a query in MongoDB's language. Pure.

The same few parameters select jobs (and flows) in every method and command. They are declared,
described, checked and translated here. Conditions of different parameters are combined with AND,
several values of one parameter with OR; None means "no condition", an empty list matches nothing.

Flows are found through an index on ``job.hosts`` or ``uuid``, never through ``ids``, so ids that
identify a flow by one of its jobs must be looked up first: `JobFilter.db_ids_of_flows` and
`FlowFilter.db_ids_of_flows` list them, and ``query`` takes the result.

`jobs`, `flows` and `batches` hold the three filters, `arguments` checks what they are given,
`conditions` is what their queries are made of, and `ids` tells the kinds of ids apart.
"""

from controller.filters.batches import BatchFilter
from controller.filters.conditions import (
    NOTHING,
    Query,
    failure_query,
    merge_queries,
    to_utc,
)
from controller.filters.flows import FlowFilter
from controller.filters.ids import is_id, is_start_of_uuid, is_uuid
from controller.filters.jobs import JobFilter, job_id_query

__all__ = [
    "NOTHING",
    "BatchFilter",
    "FlowFilter",
    "JobFilter",
    "Query",
    "failure_query",
    "is_id",
    "is_start_of_uuid",
    "is_uuid",
    "job_id_query",
    "merge_queries",
    "to_utc",
]
