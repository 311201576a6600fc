"""The structure of a flow, and the data of what is done to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from controller.documents import db_id_order
from controller.graphs.model import Origin
from controller.graphs.tree import TreeNode, get_tree
from controller.safe_text import one_line
from controller.states import JobState
from controller.tables.flows import FLOWS, needs_jobs
from jfr_cli.render.formats import state_text
from jfr_cli.render.outcome import outcome_schema
from jfr_cli.render.schemas import DocumentSchema, array, flag, integer, text

if TYPE_CHECKING:
    from rich.text import Text
    from rich.tree import Tree

    from controller.documents import FlowInfo
    from controller.graphs import TreeNode

__all__ = [
    "DRAWING",
    "FLOWS",
    "FLOW_STORE",
    "GRAPH",
    "RESUMED",
    "flow_tree",
    "needs_jobs",
]

_NODE: dict[str, Any] = {
    "kind": text("Kind of node.", one_of=("flow", "job")),
    "name": text("Its name."),
    "uuid": text("Its id."),
    "origin": text("How it was added to the flow.", one_of=[origin.value for origin in Origin]),
    "db_id": text("db_id of the job."),
    "index": integer("Index of the job."),
    "state": text("State of the job.", one_of=JobState),
    "worker": text("Name of the job's worker."),
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
        "as": text("The graph language.", one_of=("mermaid", "dot", "svg")),
        "text": text("The drawing; null if it was written to a file.", null=True),
        "file": text("Path of that file.", null=True),
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
            Text.assemble((one_line(root.name), "bold"), "  ", state_text(flow.state)),
            guide_style="dim",
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
        return Text(one_line(node.name), style="italic")
    job = node.job
    index = f" ({job.index})" if job.index > 1 else ""
    named = "" if label in ("db_id", "state", "index") else one_line(f"{getattr(job, label)}")
    line = Text.assemble((f"{job.db_id} ", "bold"), named, index, "  ", state_text(job.state))
    if node.origin in _BROUGHT:
        line.append(f"  {_BROUGHT[node.origin]}", style="dim")
    return line
