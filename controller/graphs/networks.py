"""A flow as a networkx graph, for notebooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from controller.documents import FlowInfo
from controller.graphs.model import FlowGraph, flow_graph
from controller.graphs.style import check_label, job_label

if TYPE_CHECKING:
    from networkx import DiGraph


def get_graph(flow: FlowInfo | FlowGraph, label: str = "name") -> DiGraph:
    """Return a flow as a networkx graph.

    Parameters
    ----------
    flow
        A flow with ``jobs_info``, or its graph.
    label
        Field of `LABELS` used for the attribute ``label`` of the nodes.

    Returns
    -------
    networkx.DiGraph
        Nodes are db_ids, with the fields of `JobNode` as attributes; an edge has ``kind``,
        "parent" or "replace".

    Raises
    ------
    ArgumentError
        Unknown label, or a flow that was read without its jobs.
    """
    from networkx import DiGraph

    check_label(label)
    found = flow_graph(flow)
    data: dict[str, Any] = found.as_dict()
    graph = DiGraph(flow_id=found.flow_id, name=found.name, state=data["state"])
    for job, fields in zip(found.jobs.values(), data["jobs"]):
        graph.add_node(job.db_id, **fields, label=job_label(job, label))
    for edge in data["edges"]:
        graph.add_edge(edge["source"], edge["target"], kind=edge["kind"])
    return graph
