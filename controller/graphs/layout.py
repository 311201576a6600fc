"""Positions of jobs in a picture: in layers, each job below its parents."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any, Protocol

from controller.graphs.model import Edge

MAX_PER_ROW = 16
"""A layer with more jobs is split into several rows, so that a picture stays readable."""
GAP = 24.0
"""Pixels between neighbours."""
_SWEEPS = 4

Neighbours = Mapping[str, Sequence[str]]


class Arrangeable(Protocol):
    """What can be arranged: a `FlowGraph`, or one of groups of jobs."""

    @property
    def jobs(self) -> Mapping[str, Any]:
        """The nodes, by id."""

    @property
    def edges(self) -> Sequence[Edge]:
        """The edges between them."""


def layers(graph: Arrangeable) -> list[list[str]]:
    """Return db_ids by layer: each job below its parents and the jobs it replaced.

    Edges of cycles, which should not occur, are ignored.
    """
    above, below = _neighbours(graph)
    depth: dict[str, int] = {}
    waiting = {node: len(above[node]) for node in graph.jobs}
    free = deque(node for node in graph.jobs if not waiting[node])
    while waiting:
        if not free:
            free.append(min(waiting, key=lambda node: waiting[node]))
        node = free.popleft()
        if waiting.pop(node, None) is None:
            continue
        depth[node] = max((depth[n] + 1 for n in above[node] if n in depth), default=0)
        for child in below[node]:
            if child in waiting:
                waiting[child] -= 1
                if waiting[child] <= 0:
                    free.append(child)
    found: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for node in graph.jobs:
        found[depth[node]].append(node)
    return found


def arrange(graph: Arrangeable, widths: Mapping[str, float]) -> dict[str, tuple[float, int]]:
    """Place every job.

    Parameters
    ----------
    widths
        {db_id: width in pixels}.

    Returns
    -------
    dict
        {db_id: (x of its centre in pixels, number of its row)}; the leftmost edge is at 0.
    """
    above, below = _neighbours(graph)
    rows = [
        layer[start : start + MAX_PER_ROW]
        for layer in _untangled(layers(graph), above, below)
        for start in range(0, len(layer), MAX_PER_ROW)
    ]
    middles: dict[str, float] = {}
    for row in rows:
        _pack(row, dict.fromkeys(row, 0.0), widths, middles)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            near = above if down else below
            wanted = {
                node: fmean(middles[n] for n in near[node]) if near[node] else middles[node]
                for node in row
            }
            _pack(row, wanted, widths, middles)
    left = min((middles[node] - widths[node] / 2 for node in middles), default=0.0)
    return {node: (middles[node] - left, n) for n, row in enumerate(rows) for node in row}


def _neighbours(graph: Arrangeable) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    above: dict[str, list[str]] = defaultdict(list)
    below: dict[str, list[str]] = defaultdict(list)
    for source, target in dict.fromkeys((edge.source, edge.target) for edge in graph.edges):
        above[target].append(source)
        below[source].append(target)
    return above, below


def _untangled(found: list[list[str]], above: Neighbours, below: Neighbours) -> list[list[str]]:
    """Order each layer by the mean position of its neighbours, downwards and upwards in turn."""
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        place = {node: (n + 0.5) / len(layer) for layer in found for n, node in enumerate(layer)}
        near = above if down else below
        for layer in found if down else reversed(found):
            layer.sort(
                key=lambda node: fmean(place[n] for n in near[node]) if near[node] else place[node]
            )
            place.update({node: (n + 0.5) / len(layer) for n, node in enumerate(layer)})
    return found


def _pack(
    row: Sequence[str],
    wanted: Mapping[str, float],
    widths: Mapping[str, float],
    middles: dict[str, float],
) -> None:
    """Place a row as close to the desired positions as its order and the widths allow."""
    edge: float | None = None
    for node in row:
        half = widths[node] / 2
        middle = wanted[node] if edge is None else max(wanted[node], edge + GAP + half)
        middles[node], edge = middle, middle + half
    off = fmean(middles[node] - wanted[node] for node in row)
    for node in row:
        middles[node] -= off
