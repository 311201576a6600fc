"""Flows: their data, and their table."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from controller.states import FlowState, JobState
from controller.tables.columns import MORE, MOST, Column, TableSpec, asked_keys
from controller.tables.data import Row
from controller.tables.formats import SHORT_TIME, local_time, state_words
from controller.tables.jobs import JOBS
from controller.tables.schemas import array, flag, integer, mapping, text, time

if TYPE_CHECKING:
    from controller.documents import FlowInfo


def _row(flow: FlowInfo) -> Row:
    row: Row = {
        "db_id": flow.db_id,
        "uuid": flow.flow_id,
        "name": flow.name,
        "state": flow.state,
        "num_jobs": len(flow.db_ids),
        "db_ids": flow.db_ids,
        "created_on": flow.created_on,
        "updated_on": flow.updated_on,
        "metadata": flow.flow_metadata,
        "jobstore": flow.jobstore,
        "locked": flow.is_locked,
    }
    if flow.jobs_info is not None:
        row["jobs"] = [JOBS.data(job) for job in flow.jobs_info]
        row["workers"] = sorted(set(flow.workers))
        row["job_states"] = flow.job_states
    return row


def _codes(flow: FlowInfo) -> str:
    return "-".join(state.short_value for state in flow.job_states)


def _counted_codes(flow: FlowInfo) -> str:
    codes = Counter(state.short_value for state in flow.job_states)
    return " ".join(f"{number}{code}" for code, number in codes.items())


_OF_JOBS = frozenset({"jobs", "workers", "job_states"})
"""Keys that require reading the jobs' documents."""
_WHEN_JOBS = "with `jf flow info`, -v, wide, or if requested by --columns"

FLOWS = TableSpec(
    "flow",
    "A flow: an entry of `jf flow list`, or what `jf flow info` prints.",
    {
        "db_id": text("db_id of its first job.", null=True),
        "uuid": text("Id of the flow."),
        "name": text("Name of the flow."),
        "state": text("State, derived from its jobs.", one_of=FlowState),
        "num_jobs": integer("Number of jobs, counting every index."),
        "db_ids": array(text("db_id."), "Its jobs, with every index."),
        "created_on": time("Time of submission."),
        "updated_on": time("Time of the last change."),
        "metadata": mapping("The flow's metadata."),
        "jobstore": text("Name of its JobStore, null for the default.", null=True),
        "locked": flag("Whether the flow is locked."),
        "jobs": array(JOBS, f"Its jobs: {_WHEN_JOBS}."),
        "workers": array(text("Name."), f"Workers of its jobs: {_WHEN_JOBS}."),
        "job_states": array(text("State.", one_of=JobState), f"States of its jobs: {_WHEN_JOBS}."),
    },
    optional=_OF_JOBS,
    row=_row,
    columns=(
        Column("db_id", "DB id", number=True, short=("Id", None), rank=0),
        Column("name", "Name", wraps=True, rank=0),
        Column(
            "state",
            "State",
            lambda f: state_words(f.state),
            tiny=lambda f: state_words(f.state, short=True),
            rank=0,
        ),
        Column(
            "flow_id",
            "Flow id",
            lambda f: f.flow_id,
            path="uuid",
            short=("Flow id", lambda f: f.flow_id[:8]),
            rank=4,
        ),
        Column("num_jobs", "Num Jobs", number=True, short=("Jobs", None), rank=2),
        Column(
            "last_updated",
            "Last updated [{zone}]",
            lambda f: local_time(f.updated_on),
            path="updated_on",
            short=("Updated", lambda f: local_time(f.updated_on, SHORT_TIME)),
            rank=3,
        ),
        Column("workers", "Workers", lambda f: ", ".join(sorted(set(f.workers))), levels=MORE),
        Column(
            "job_states",
            "Job states",
            _codes,
            short=("Job states", _counted_codes),
            levels=MORE,
            wraps=True,
        ),
        Column("metadata", "Flow metadata", levels=MOST, wraps=True, rank=7),
    ),
)
"""Flows, and the columns of their table."""


def needs_jobs(columns: str | None, level: int) -> bool:
    """Whether the requested columns of flows require reading their jobs.

    Parameters
    ----------
    columns
        The value of ``--columns``; None for the usual ones.
    level
        The number of ``-v``; wide is one more.
    """
    if columns is None:
        return level > 0
    return any(key.partition(".")[0] in _OF_JOBS for key in asked_keys(columns))
