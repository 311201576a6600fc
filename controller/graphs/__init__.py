"""A flow as a graph: dependencies, replacements and nested flows. Pure.

``model``     `FlowGraph`: jobs, edges and sub-flows, found in a `FlowInfo`
``tree``      nested nodes, for terminals and notebooks
``text``      Mermaid and DOT
``grouping``  jobs that are alike as one node, for flows of thousands
``layout``    positions of jobs in layers
``svg``       a picture, without external programs
``style``     colours and labels
``networks``  a networkx graph
"""

from controller.graphs.grouping import GROUP_ABOVE, Group, GroupedGraph, grouped
from controller.graphs.model import Edge, EdgeKind, FlowGraph, JobNode, Origin, SubFlow, flow_graph
from controller.graphs.networks import get_graph
from controller.graphs.style import LABELS
from controller.graphs.svg import get_svg
from controller.graphs.text import get_dot, get_mermaid
from controller.graphs.tree import TreeNode, get_tree

__all__ = [
    "GROUP_ABOVE",
    "LABELS",
    "Edge",
    "EdgeKind",
    "FlowGraph",
    "Group",
    "GroupedGraph",
    "JobNode",
    "Origin",
    "SubFlow",
    "TreeNode",
    "flow_graph",
    "get_dot",
    "get_graph",
    "get_mermaid",
    "get_svg",
    "get_tree",
    "grouped",
]
