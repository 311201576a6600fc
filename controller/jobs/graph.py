"""The place where scripts for jobflow-remote look for graphs: see `controller.graphs`."""

from controller.graphs import get_graph, get_mermaid

__all__ = [
    "get_graph",
    "get_mermaid",
]
