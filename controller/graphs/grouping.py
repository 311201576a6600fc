"""A flow with thousands of jobs as a graph of groups of jobs that are alike. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from controller.graphs.layout import layers
from controller.graphs.model import Edge, FlowGraph, JobNode
from controller.states import JobState

GROUP_ABOVE = 300
"""Number of jobs up to which each is drawn by itself."""
_NUMBERS = re.compile(r"[-+]?\d+(?:\.\d+)?")

Key = Callable[[JobNode, int], Hashable]
"""What jobs of one group have in common: a function of the job and of its layer."""


@dataclass(frozen=True)
class Group:
    """Jobs that are alike.

    Attributes
    ----------
    name
        The name of its jobs, with ``#`` for numbers that differ; "..." for jobs of several names.
    names
        The names of its jobs, at most two.
    states
        {state: number of jobs}.
    db_ids
        Its jobs, in order of creation.
    """

    name: str
    names: tuple[str, ...]
    states: dict[JobState, int]
    db_ids: tuple[str, ...]


@dataclass(frozen=True)
class GroupedGraph:
    """A flow as a graph of groups.

    Attributes
    ----------
    jobs
        {id: group}.
    edges
        Between groups; one for each pair and kind.
    """

    jobs: dict[str, Group]
    edges: tuple[Edge, ...]


def grouped(graph: FlowGraph, most: int = GROUP_ABOVE) -> GroupedGraph:
    """Return a graph with a limited number of groups, as fine as the limit allows.

    Jobs of one layer with the same name are a group; where that makes too many, numbers in names,
    then layers, then names are ignored.
    """
    layer = {db_id: n for n, row in enumerate(layers(graph)) for db_id in row}
    keys: Sequence[Key] = (
        lambda job, depth: (depth, job.name),
        lambda job, depth: (depth, _pattern(job.name)),
        lambda job, depth: _pattern(job.name),
        lambda job, depth: depth * most // (2 * (max(layer.values(), default=0) + 1)),
    )
    for key in keys:
        members: dict[Hashable, list[JobNode]] = defaultdict(list)
        for job in graph.jobs.values():
            members[key(job, layer[job.db_id])].append(job)
        if len(members) <= most:
            break
    return _graph_of(graph, list(members.values()))


def _graph_of(graph: FlowGraph, members: Sequence[Sequence[JobNode]]) -> GroupedGraph:
    groups = {f"g{number}": _group(jobs) for number, jobs in enumerate(members)}
    home = {db_id: name for name, group in groups.items() for db_id in group.db_ids}
    edges = dict.fromkeys(
        Edge(home[edge.source], home[edge.target], edge.kind)
        for edge in graph.edges
        if home[edge.source] != home[edge.target]
    )
    return GroupedGraph(groups, tuple(edges))


def _group(jobs: Sequence[JobNode]) -> Group:
    names = tuple(dict.fromkeys(job.name for job in jobs))
    patterns = {_pattern(name) for name in names}
    name = names[0] if len(names) == 1 else (patterns.pop() if len(patterns) == 1 else "...")
    states = Counter(job.state for job in jobs)
    return Group(
        name,
        names[:2],
        {state: states[state] for state in JobState if states[state]},
        tuple(job.db_id for job in jobs),
    )


def _pattern(name: str) -> str:
    return _NUMBERS.sub("#", name)
