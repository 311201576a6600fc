"""A flow as text that other programs draw: Mermaid and DOT."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from controller.documents import FlowInfo
from controller.graphs.model import EdgeKind, FlowGraph, JobNode, SubFlow, flow_graph
from controller.graphs.style import PAINTS, check_label, job_label, printable, subflow_label
from controller.states import JobState

_INDENT = "    "


def get_mermaid(flow: FlowInfo | FlowGraph, label: str = "name", show_subflows: bool = True) -> str:
    """Return a flow as a Mermaid flowchart, which GitHub and notebooks draw.

    Parameters
    ----------
    flow
        A flow with ``jobs_info``, or its graph.
    label
        Label of the jobs; one of `LABELS`.
    show_subflows
        Draw a frame around each flow within the flow.

    Returns
    -------
    str
        Top down; nodes are db_ids, their class is the state, a dotted edge leads from a job to
        the one that replaced it.

    Raises
    ------
    ArgumentError
        Unknown label, or a flow that was read without its jobs.
    """
    check_label(label)
    graph = flow_graph(flow)

    def job_line(job: JobNode) -> str:
        return f'{_mermaid_id(job.db_id)}["{_mermaid_text(job_label(job, label))}"]:::{job.state}'

    def frame(subflow: SubFlow) -> str:
        title = _mermaid_text(subflow_label(subflow, graph.jobs))
        return f'subgraph {_mermaid_id("flow-" + subflow.uuid)} ["{title}"]'

    lines = ["flowchart TD"]
    lines += _nodes(graph, job_line, (frame, "end") if show_subflows else None)
    for edge in graph.edges:
        arrow = "-.->" if edge.kind is EdgeKind.REPLACE else "-->"
        lines.append(f"{_INDENT}{_mermaid_id(edge.source)} {arrow} {_mermaid_id(edge.target)}")
    for state in JobState:
        paint = PAINTS[state]
        colours = f"fill:{paint.fill},stroke:{paint.stroke},color:{paint.text}"
        lines.append(f"{_INDENT}classDef {state} {colours}")
    return "\n".join(lines) + "\n"


def get_dot(flow: FlowInfo | FlowGraph, label: str = "name", show_subflows: bool = True) -> str:
    """Return a flow in the language of Graphviz; parameters and errors as in `get_mermaid`."""
    check_label(label)
    graph = flow_graph(flow)

    def job_line(job: JobNode) -> str:
        paint = PAINTS[job.state]
        return (
            f"{_dot_text(job.db_id)} [label={_dot_text(job_label(job, label))}, "
            f"tooltip={_dot_text(f'{job.db_id} {job.state}')}, "
            f'fillcolor="{paint.fill}", color="{paint.stroke}", fontcolor="{paint.text}"];'
        )

    def frame(subflow: SubFlow) -> str:
        title = _dot_text(subflow_label(subflow, graph.jobs))
        return f"subgraph {_dot_text('cluster_' + subflow.uuid)} {{ label={title};"

    lines = [
        f"digraph {_dot_text(graph.flow_id)} {{",
        f"{_INDENT}label={_dot_text(graph.name)};",
        f'{_INDENT}node [shape=box, style="rounded,filled", fontname="sans-serif"];',
    ]
    lines += _nodes(graph, job_line, (frame, "}") if show_subflows else None)
    for edge in graph.edges:
        dotted = " [style=dotted]" if edge.kind is EdgeKind.REPLACE else ""
        ends = f"{_dot_text(edge.source)} -> {_dot_text(edge.target)}"
        lines.append(f"{_INDENT}{ends}{dotted};")
    return "\n".join([*lines, "}"]) + "\n"


_Frame = tuple[Callable[[SubFlow], str], str]
"""The lines that open and close a flow within the flow."""


def _nodes(
    graph: FlowGraph, job_line: Callable[[JobNode], str], frame: _Frame | None
) -> Iterator[str]:
    """Lines of all jobs, with frames around nested flows if requested."""
    if frame is None:
        return (_INDENT + job_line(job) for job in graph.jobs.values())
    return _nested(graph, job_line, *frame, _INDENT)


def _nested(
    graph: FlowGraph,
    job_line: Callable[[JobNode], str],
    frame: Callable[[SubFlow], str],
    end: str,
    indent: str,
    within: str | None = None,
) -> Iterator[str]:
    """Lines of the content of a flow, at most `controller.graphs.model.MAX_DEPTH` deep."""
    for part in graph.contents.get(within, []):
        if isinstance(part, JobNode):
            yield indent + job_line(part)
            continue
        yield indent + frame(part)
        yield from _nested(graph, job_line, frame, end, indent + _INDENT, part.uuid)
        yield indent + end


def _mermaid_id(text: str) -> str:
    """An id that Mermaid accepts: letters, digits, - and _; "end" alone is a keyword."""
    plain = re.sub(r"[^A-Za-z0-9_-]", lambda m: f"_x{ord(m[0]):x}_", text)
    return f"{plain}_" if plain.lower() == "end" else plain


_MERMAID_MARKS = re.compile(r'["#<>&`]')
_MARKDOWN_LIST = re.compile(r"^(\d+)([.)])(?=\s)|^([-+*])(?=\s)")


def _mermaid_text(text: str) -> str:
    """Text within quotes: Mermaid has no escapes but the numbers of characters."""
    safe = _MERMAID_MARKS.sub(lambda m: f"#{ord(m[0])};", printable(text))
    safe = _MARKDOWN_LIST.sub(lambda m: f"{m[1] or ''}#{ord(m[2] or m[3])};", safe)
    return safe.replace("\n", "<br/>") or " "


def _dot_text(text: str) -> str:
    safe = printable(text).replace("\\", "\\\\").replace('"', '\\"')
    return '"' + safe.replace("\n", "\\n") + '"'
