"""The graph of a flow as SVG: nodes are links, colours are classes of the style sheet. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from controller.graphs import GROUP_ABOVE, EdgeKind, FlowGraph, Group, JobNode, grouped
from controller.graphs.layout import arrange
from controller.safe_text import harmless
from controller.states import ERROR_STATES, RUNNING_STATES, JobState
from controller.tables.formats import Words, state_words
from jfr_web.listing import tone_of
from jfr_web.rendering import count

_COLUMN, _LEAST, _HEIGHT, _ROW, _MARGIN = 7.0, 104.0, 38.0, 78.0, 16.0
_LONGEST = 24


@dataclass(frozen=True)
class _Box:
    href: str
    title: str
    text: str
    below: str
    tone: str
    states: Mapping[JobState, int]


def flow_svg(graph: FlowGraph) -> Markup:
    """Return a flow as a picture; a flow of many jobs is drawn as groups of similar jobs."""
    if len(graph.jobs) <= GROUP_ABOVE:
        return _drawn(graph, {db_id: _of_job(job) for db_id, job in graph.jobs.items()}, graph.name)
    some = grouped(graph)
    return _drawn(
        some, {key: _of_group(graph, group) for key, group in some.jobs.items()}, graph.name
    )


def _of_job(job: JobNode) -> _Box:
    words = state_words(job.state)
    index = f" ({job.index})" if job.index > 1 else ""
    title = f"{job.db_id} {job.name}{index}: {job.state.value} on {job.worker}"
    return _Box(
        f"/job/{job.db_id}",
        title,
        _cut(f"{job.name}{index}"),
        words,
        tone_of(words),
        {job.state: 1},
    )


def _of_group(graph: FlowGraph, group: Group) -> _Box:
    if len(group.db_ids) == 1:
        return _of_job(graph.jobs[group.db_ids[0]])
    name = group.name.replace("#", "*") if group.name != "..." else None
    href = f"/jobs?{urlencode({'flow_id': graph.flow_id, **({'name': name} if name else {})})}"
    counts = ", ".join(f"{number} {state.value}" for state, number in group.states.items())
    leading = _leading(group.states)
    signs = " ".join(
        f"{state_words(state).partition(' ')[0]}{count(number)}"
        for state, number in group.states.items()
    )
    return _Box(
        href,
        f"{len(group.db_ids)} jobs {group.name}: {counts}",
        f"{count(len(group.db_ids))} {_cut(group.name)}",
        signs,
        tone_of(leading),
        group.states,
    )


def _leading(states: Mapping[JobState, int]) -> Words:
    """Return the most important state: an error, then a running one, then the most frequent."""
    for some in (ERROR_STATES, RUNNING_STATES):
        for state in some:
            if states.get(state):
                return state_words(state)
    return state_words(max(states, key=lambda state: states[state]))


def _drawn(graph: Any, boxes: Mapping[str, _Box], name: str) -> Markup:
    widths = {
        key: max(_LEAST, max(len(box.text), len(box.below)) * _COLUMN + 20)
        for key, box in boxes.items()
    }
    places = {
        key: (x + _MARGIN, row * _ROW + _MARGIN) for key, (x, row) in arrange(graph, widths).items()
    }
    if not places:
        return Markup("")
    width = max(x + widths[key] / 2 for key, (x, _) in places.items()) + _MARGIN
    height = max(y for _, y in places.values()) + _HEIGHT + _MARGIN
    edges = [_edge(places[e.source], places[e.target], e.kind) for e in graph.edges]
    nodes = [_node(box, places[key], widths[key]) for key, box in boxes.items()]
    # Plain strings, joined once: joining thousands of escaped pieces would be slow.
    return Markup(  # noqa: S704  # all texts were escaped when the pieces were made
        f'<svg viewBox="0 0 {width:.0f} {height:.0f}" data-zoom="0 0 {width:.0f} {height:.0f}" '
        f'role="group" aria-label="{_text("Graph of " + name)}">'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>'
        f"{''.join(edges)}{''.join(nodes)}</svg>"
    )


def _edge(source: tuple[float, float], target: tuple[float, float], kind: EdgeKind) -> str:
    (x1, top), (x2, y2) = source, target
    y1 = top + _HEIGHT
    bend = max((y2 - y1) / 2, 10.0)
    css = "edge replace" if kind is EdgeKind.REPLACE else "edge"
    return (
        f'<path class="{css}" d="M{x1:.0f} {y1:.0f}C{x1:.0f} {y1 + bend:.0f} {x2:.0f} '
        f'{y2 - bend:.0f} {x2:.0f} {y2:.0f}" marker-end="url(#tip)"/>'
    )


def _node(box: _Box, place: tuple[float, float], width: float) -> str:
    x, y = place
    left = x - width / 2
    return (
        f'<a class="node" href="{_text(box.href)}"><title>{_text(box.title)}</title>'
        f'<rect class="box" x="{left:.0f}" y="{y:.0f}" width="{width:.0f}" '
        f'height="{_HEIGHT:.0f}" rx="5"/>'
        f"{_parts(box, left, y, width)}"
        f'<text x="{x + 3:.0f}" y="{y + 16:.0f}" text-anchor="middle">{_text(box.text)}</text>'
        f'<text class="sub" x="{x + 3:.0f}" y="{y + 31:.0f}" text-anchor="middle">'
        f"{_text(box.below)}</text></a>"
    )


def _parts(box: _Box, left: float, y: float, width: float) -> str:
    """Draw the states along the left edge of a job, or along the lower edge of a group."""
    if len(box.states) == 1:
        return (
            f'<rect class="f-{box.tone} mark" x="{left:.0f}" y="{y:.0f}" width="6" '
            f'height="{_HEIGHT:.0f}" rx="3"/>'
        )
    total, parts, at = sum(box.states.values()), [], left
    for state, number in box.states.items():
        part = width * number / total
        tone = tone_of(state_words(state))
        parts.append(
            f'<rect class="f-{tone} mark" x="{at:.1f}" y="{y + _HEIGHT - 4:.0f}" '
            f'width="{part:.1f}" height="4"/>'
        )
        at += part
    return "".join(parts)


def _cut(text: str) -> str:
    line = " ".join(text.split()) or "?"
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _text(text: str) -> str:
    return str(Markup.escape(harmless(text, "\ufffd")))
