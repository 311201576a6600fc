"""A flow as nested nodes, as a terminal or a notebook shows them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from controller.documents import FlowInfo
from controller.graphs.model import (
    MAX_DEPTH,
    FlowGraph,
    JobNode,
    Origin,
    SubFlow,
    flow_graph,
)
from controller.graphs.style import subflow_label


@dataclass
class TreeNode:
    """A flow, a flow within it, or a job.

    Attributes
    ----------
    kind
        "flow" or "job".
    name
        Name of the job or the flow; for a flow within the flow, its origin.
    uuid
        The uuid of the job or the flow.
    job
        The job; None for a flow.
    origin
        How it was added to the flow. Jobs added by a job are below that job: the indices that
        replaced it, its detours and its additions.
    children
        Child nodes, in the order of their creation.
    """

    kind: Literal["flow", "job"]
    name: str
    uuid: str
    job: JobNode | None = None
    origin: Origin = Origin.SUBMITTED
    children: list[TreeNode] = field(default_factory=list)

    def walk(self) -> Iterator[tuple[int, TreeNode]]:
        """Yield (depth, node) of this node and all below it, from the top down."""
        stack = [(0, self)]
        while stack:
            depth, node = stack.pop()
            yield depth, node
            stack += [(depth + 1, child) for child in reversed(node.children)]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data."""
        own: dict[str, Any] = {
            "kind": self.kind,
            "name": self.name,
            "uuid": self.uuid,
            "origin": self.origin.value,
        }
        if self.job is not None:
            own |= {
                "db_id": self.job.db_id,
                "index": self.job.index,
                "state": self.job.state.value,
                "worker": self.job.worker,
            }
        return {**own, "children": [child.as_dict() for child in self.children]}


def get_tree(flow: FlowInfo | FlowGraph) -> TreeNode:
    """Return a flow as nested nodes.

    Parameters
    ----------
    flow
        A flow with ``jobs_info``, or its graph.

    Returns
    -------
    TreeNode
        The flow. Nodes that would lie very deep are moved up, so that drawing them is safe.

    Raises
    ------
    ArgumentError
        The flow was read without its jobs.
    """
    graph = flow_graph(flow)
    parts: dict[str, JobNode | SubFlow] = {**graph.subflows, **graph.jobs}
    places = {key: _place(key, part, graph) for key, part in parts.items()}
    root = TreeNode("flow", graph.name, graph.flow_id)
    nodes = {key: _node(part, graph) for key, part in parts.items()}
    order = _order(graph)
    for key in sorted(parts, key=lambda key: order[key]):
        place = _reachable(key, places)
        (root if place is None else nodes[place]).children.append(nodes[key])
    return root


def _node(part: JobNode | SubFlow, graph: FlowGraph) -> TreeNode:
    if isinstance(part, SubFlow):
        return TreeNode("flow", subflow_label(part, graph.jobs), part.uuid, origin=part.origin)
    # The origin of a sub-flow is not repeated for each job in it.
    told = part.index == 1 and _is_brought(part.subflow, part.made_by, graph)
    origin = Origin.SUBMITTED if told else part.origin
    return TreeNode("job", part.name or part.db_id, part.uuid, part, origin)


def _place(key: str, part: JobNode | SubFlow, graph: FlowGraph) -> str | None:
    """Key of the parent of a part: the job that added it, else its enclosing flow."""
    around = part.within if isinstance(part, SubFlow) else part.subflow
    maker = part.made_by
    if maker is None or _is_brought(around, maker, graph):
        return around
    if part.origin is Origin.REPLACE:
        # All indices of a job are below the first, side by side.
        uuid = graph.jobs[maker].uuid
        maker = next(job.db_id for job in graph.jobs.values() if job.uuid == uuid)
    return maker if maker != key else around


def _is_brought(around: str | None, maker: str | None, graph: FlowGraph) -> bool:
    """Whether a job added a sub-flow, or an enclosing one."""
    while around is not None:
        if graph.subflows[around].made_by == maker:
            return maker is not None
        around = graph.subflows[around].within
    return False


def _reachable(key: str, places: dict[str, str | None]) -> str | None:
    """Return a valid parent of a node: at most `MAX_DEPTH` deep, and never below itself."""
    way: dict[str, None] = {}
    place = places[key]
    while place is not None:
        if place == key or place in way:
            return None  # documents that contradict each other
        way[place] = None
        place = places[place]
    above = list(way)
    return above[-MAX_DEPTH:][0] if above else None


def _order(graph: FlowGraph) -> dict[str, int]:
    """Position of every part in time: a sub-flow has that of its first job."""
    order: dict[str, int] = {}
    for number, job in enumerate(graph.jobs.values()):
        within = job.subflow
        while within is not None:
            order.setdefault(within, number)
            within = graph.subflows[within].within
        order[job.db_id] = number
    return order
