"""Flows: their data, their table, and the structure of one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from controller.documents import db_id_order
from controller.graphs.model import Origin
from controller.graphs.tree import TreeNode, get_tree
from controller.states import FlowState, JobState
from jfr_cli.render.data import Row
from jfr_cli.render.jobs import JOBS
from jfr_cli.render.outcome import outcome_schema
from jfr_cli.render.schemas import DocumentSchema, array, flag, integer, mapping, text, time
from jfr_cli.render.tables import MORE, MOST, Column, TableSpec, asked_keys
from jfr_cli.render.words import SHORT_TIME, local_time, state_text, state_words

if TYPE_CHECKING:
    from rich.text import Text
    from rich.tree import Tree

    from controller.documents import FlowInfo
    from controller.graphs import TreeNode


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
        "job_states": array(text("State.", one_of=JobState), f"Of its jobs: {_WHEN_JOBS}."),
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


_NODE: dict[str, Any] = {
    "kind": text("Kind of node.", one_of=("flow", "job")),
    "name": text("Its name."),
    "uuid": text("Its id."),
    "origin": text("How it was added to the flow.", one_of=[origin.value for origin in Origin]),
    "db_id": text("Of a job."),
    "index": integer("Of a job."),
    "state": text("Of a job.", one_of=JobState),
    "worker": text("Of a job."),
    "children": array(
        {"type": "object"}, "Its members, or the jobs that it added; with the same schema."
    ),
}
GRAPH = DocumentSchema(
    "flow-graph",
    "A flow as nested parts: `jf flow graph`.",
    _NODE,
    optional=frozenset({"db_id", "index", "state", "worker"}),
)
DRAWING = DocumentSchema(
    "drawing",
    "A flow in a graph language: `jf flow graph --as` and `--path`.",
    {
        "as": text("Which.", one_of=("mermaid", "dot", "svg")),
        "text": text("The drawing; null if it was written to a file.", null=True),
        "file": text("That file.", null=True),
    },
)
RESUMED = outcome_schema(
    "resumed",
    "What `jf flow resume` did, or would do.",
    resumed=integer("Number of jobs that were, or would be, resumed."),
    dry_run=flag("Whether nothing was changed."),
)
FLOW_STORE = DocumentSchema(
    "flow-store",
    "What `jf flow set store` did, or would do.",
    {
        "store": text("Name of the JobStore; null for the default.", null=True),
        "dry_run": flag("Whether nothing was changed."),
    },
)


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


_BROUGHT = {
    Origin.REPLACE: "replaced it",
    Origin.DETOUR: "detour",
    Origin.ADDITION: "added",
}


def flow_tree(flow: FlowInfo, label: str = "name") -> Tree:
    """Return the nested structure of a flow; jobs added by a job are below it.

    Parameters
    ----------
    label
        The label of a job, besides its db_id and its state: one of `controller.graphs.LABELS`.
    """
    from rich.text import Text
    from rich.tree import Tree

    # In order of submission, from which the origin is derived, however the table is sorted.
    jobs = sorted(flow.jobs_info or [], key=lambda job: db_id_order(job.db_id))
    order = [job.db_id for job in jobs]
    root = get_tree(flow.model_copy(update={"jobs_info": jobs, "db_ids": order}))
    drawn = {
        id(root): Tree(
            Text.assemble((root.name, "bold"), "  ", state_text(flow.state)), guide_style="dim"
        )
    }
    way = [root]
    for depth, node in root.walk():
        if node is root:
            continue
        del way[depth:]
        drawn[id(node)] = drawn[id(way[-1])].add(_node_text(node, label))
        way.append(node)
    return drawn[id(root)]


def _node_text(node: TreeNode, label: str) -> Text:
    from rich.text import Text

    if node.job is None:
        return Text(node.name, style="italic")
    job = node.job
    index = f" ({job.index})" if job.index > 1 else ""
    named = "" if label in ("db_id", "state", "index") else f"{getattr(job, label)}"
    line = Text.assemble((f"{job.db_id} ", "bold"), named, index, "  ", state_text(job.state))
    if node.origin in _BROUGHT:
        line.append(f"  {_BROUGHT[node.origin]}", style="dim")
    return line
