"""A flow as a picture (SVG), drawn without external programs."""

from __future__ import annotations

import unicodedata
from html import escape

from controller.documents import FlowInfo
from controller.graphs.layout import arrange
from controller.graphs.model import Edge, EdgeKind, FlowGraph, JobNode, flow_graph
from controller.graphs.style import PAINTS, check_label, job_label, printable

_COLUMN, _MIN_WIDTH, _HEIGHT, _ROW, _MARGIN = 7.2, 96.0, 40.0, 92.0, 20.0
_MAX_COLUMNS = 28
_TITLE_HEIGHT = 28.0


def get_svg(flow: FlowInfo | FlowGraph, label: str = "name") -> str:
    """Return a flow as an SVG picture.

    Parameters
    ----------
    flow
        A flow with ``jobs_info``, or its graph.
    label
        The label of the jobs; one of `LABELS`. Long labels are cut; the tooltip shows the full
        name, the db_id, the state and the worker.

    Returns
    -------
    str
        Jobs are below their parents; a dotted arrow leads to the replacement of a job.

    Raises
    ------
    ArgumentError
        Unknown label, or a flow that was read without its jobs.
    """
    check_label(label)
    graph = flow_graph(flow)
    texts = {job.db_id: _cut(job_label(job, label)) for job in graph.jobs.values()}
    widths = {
        db_id: max(_MIN_WIDTH, _columns(text) * _COLUMN + 20) for db_id, text in texts.items()
    }
    places = {
        db_id: (x + _MARGIN, row * _ROW + _MARGIN + _TITLE_HEIGHT)
        for db_id, (x, row) in arrange(graph, widths).items()
    }
    title = _cut(graph.name)
    right = max((places[n][0] + widths[n] / 2 for n in places), default=0.0)
    width = max(right, _columns(title) * _COLUMN * 1.2 + _MARGIN) + _MARGIN
    height = max((y for _, y in places.values()), default=_TITLE_HEIGHT) + _HEIGHT + _MARGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}" role="img" '
            'font-family="Helvetica, Arial, sans-serif" font-size="12">',
            f"<title>{_text(graph.name)}</title>",
            '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
            'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#666666"/></marker>'
            "</defs>",
            f'<rect width="{width:.0f}" height="{height:.0f}" fill="#ffffff"/>',
            f'<text x="{_MARGIN}" y="{_MARGIN + 6}" font-size="14" font-weight="bold">'
            f"{_text(title)}</text>",
            *(_arrow(edge, places) for edge in graph.edges),
            *(
                _box(job, texts[job.db_id], places[job.db_id], widths[job.db_id])
                for job in graph.jobs.values()
            ),
            "</svg>",
            "",
        ]
    )


def _arrow(edge: Edge, places: dict[str, tuple[float, float]]) -> str:
    (x1, top), (x2, y2) = places[edge.source], places[edge.target]
    y1 = top + _HEIGHT
    bend = max((y2 - y1) / 2, 10.0)
    dotted = ' stroke-dasharray="2 4"' if edge.kind is EdgeKind.REPLACE else ""
    return (
        f'<path d="M{x1:.1f} {y1:.1f}C{x1:.1f} {y1 + bend:.1f} {x2:.1f} {y2 - bend:.1f} '
        f'{x2:.1f} {y2:.1f}" fill="none" stroke="#666666"{dotted} marker-end="url(#tip)"/>'
    )


def _box(job: JobNode, text: str, place: tuple[float, float], width: float) -> str:
    (x, y), paint = place, PAINTS[job.state]
    about = f"{job.name} ({job.db_id}, index {job.index})\n{job.state} on {job.worker}"
    line = f'<text x="{x:.1f}" text-anchor="middle" fill="{paint.text}"'
    return (
        f"<g><title>{_text(about)}</title>"
        f'<rect x="{x - width / 2:.1f}" y="{y:.1f}" width="{width:.1f}" height="{_HEIGHT:.0f}" '
        f'rx="6" fill="{paint.fill}" stroke="{paint.stroke}"/>'
        f'{line} y="{y + 17:.1f}">{_text(text)}</text>'
        f'{line} y="{y + 32:.1f}" font-size="10">{job.state}</text></g>'
    )


def _text(text: str) -> str:
    return escape(printable(text), quote=True)


def _columns(text: str) -> int:
    """Width in terminal columns: wide East Asian characters take two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _cut(text: str) -> str:
    line = " ".join(text.split())
    if _columns(line) <= _MAX_COLUMNS:
        return line
    while line and _columns(line) >= _MAX_COLUMNS:
        line = line[:-1]
    return line + "\u2026"
