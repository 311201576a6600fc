"""Reports, with bars that fit into 80 columns, and the schemas of their data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from controller.states import JobState
from jfr_cli.render.formats import (
    ACTIVE,
    GREEN,
    ORANGE,
    SKY,
    VERMILION,
    drawn_text,
    duration,
    exact_time,
    local_time,
    state_words,
    zone,
)
from jfr_cli.render.schemas import DocumentSchema, array, entry, integer, mapping, text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from controller.documents import FlowInfo
    from controller.report import FlowsReport, FlowTrends, JobsReport

BAR = 24
"""Width of a full bar, in columns."""

TRENDS = DocumentSchema(
    "trends",
    "Numbers of jobs or flows that ended in each of the last intervals.",
    {
        "interval": text("hours, days, weeks, months or years."),
        "num_intervals": integer("Number of intervals."),
        "timezone": text("Time zone of the intervals."),
        "dates": array(text("An interval."), "The intervals, oldest first."),
        "completed": array(integer("A number."), "Number completed in each interval."),
        "failed": array(integer("A number."), "Number failed in each interval."),
        "remote_error": array(
            integer("A number."), "Jobs only: number of REMOTE_ERROR in each interval."
        ),
    },
    optional=frozenset({"remote_error"}),
)
REPORT = DocumentSchema(
    "report",
    "Statistics of jobs or flows: `jf job report` and `jf flow report`.",
    {
        "summary": mapping("Numbers by group: completed, running, error, active."),
        "states": mapping("Numbers by state, for every state."),
        "longest_running": array(mapping("A job."), "Jobs only: those running longest."),
        "workers": mapping("Jobs only: {worker: {jobs, active}}."),
        "causes": mapping("Jobs only: number of failed jobs by cause, the largest first."),
        "trends": entry(TRENDS),
    },
    optional=frozenset({"longest_running", "workers", "causes"}),
)


def job_report(report: JobsReport) -> RenderableType:
    """Show the statistics of jobs."""
    from rich.console import Group

    parts: list[Any] = [_summary("Jobs", report), "", _states(report.state_counts)]
    if report.causes:
        most = max(report.causes.values())
        causes = [
            (cause or "not recorded", str(number), bar(number, most, VERMILION))
            for cause, number in report.causes.items()
        ]
        parts += ["", _table("Errors by cause", ("Cause", "Number", ""), causes)]
    if report.workers:
        most = max(load.jobs for load in report.workers.values())
        rows = [
            (name, str(load.active), str(load.jobs), bar(load.jobs, most, "blue"))
            for name, load in report.workers.items()
        ]
        parts += ["", _table("Workers", ("Worker", "Active", "All", ""), rows)]
    if report.longest_running:
        headers = ("Name", "DB id", "Run time", f"Since [{zone()}]")
        running = [
            (j.name, j.db_id, duration(j.estimated_run_time), local_time(j.start_time))
            for j in report.longest_running
        ]
        parts += ["", _table("Longest running jobs", headers, running)]
    return Group(*parts, "", _trends(report.trends))


def flow_report(report: FlowsReport) -> RenderableType:
    """Show the statistics of flows."""
    from rich.console import Group

    parts = [_summary("Flows", report), "", _states(report.state_counts)]
    return Group(*parts, "", _trends(report.trends))


def one_flow_report(flow: FlowInfo, title: str) -> RenderableType:
    """Show the progress of one flow: its times and the states of its jobs."""
    from collections import Counter

    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    jobs = flow.jobs_info or []
    done = sum(job.state is JobState.COMPLETED for job in jobs)
    starts = [job.start_time for job in jobs if job.start_time is not None]
    ends = [job.end_time for job in jobs if job.end_time is not None]
    spent = sum(job.run_time or job.estimated_run_time or 0 for job in jobs)
    times = Table(box=None, show_header=False, pad_edge=False)
    for label, value in (
        ("Created", exact_time(flow.created_on)),
        ("First job started", exact_time(min(starts, default=None))),
        ("Last job ended", exact_time(max(ends, default=None))),
        ("Changed last", exact_time(flow.updated_on)),
        ("Run time of all jobs", duration(spent)),
    ):
        times.add_row(label, value or "-")
    filled = bar(done, len(jobs), GREEN)
    progress = Text.assemble(
        ("Progress ", "bold"),
        filled,
        ("─" * (BAR - len(filled)), "bright_black"),
        f" {done} of {len(jobs)} completed",
    )
    counts = Counter(job.state for job in jobs)
    ordered = {state: counts[state] for state in JobState if counts[state]}
    return Group(Text(title, style="bold"), "", times, "", progress, "", _states(ordered))


def bar(number: int, most: int, style: str, width: int = BAR) -> Any:
    """Return a bar proportional to a number, with a resolution of an eighth of a column."""
    from rich.text import Text

    eighths = round(8 * width * number / most) if most else 0
    if number and not eighths:
        eighths = 1
    full, rest = divmod(eighths, 8)
    return Text("█" * full + ("", *"▏▎▍▌▋▊▉")[rest], style=style)


def _summary(what: str, report: JobsReport | FlowsReport) -> Any:
    from rich.text import Text

    numbers = (
        ("completed", report.completed, GREEN),
        ("running", report.running, ACTIVE),
        ("in error", report.error, VERMILION),
        ("active", report.active, SKY),
    )
    line = Text.assemble((f"{what}: ", "bold"), (f"{report.total} in total", "bold"))
    for word, number, style in numbers:
        line.append(" · ").append(f"{number} {word}", style=style if number else "dim")
    return line


def _table(title: str, headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> RenderableType:
    """Return a table with a title; the first and the last column are aligned to the left.

    Parameters
    ----------
    rows
        Cells; texts are shown literally, without Rich markup.
    """
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for position, header in enumerate(headers):
        ends = position in (0, len(headers) - 1)
        table.add_column(Text(header), justify="left" if ends else "right")
    for row in rows:
        table.add_row(*(drawn_text(cell) if isinstance(cell, str) else cell for cell in row))
    return Group(Text(title, style="italic"), table)


def _states(counts: Mapping[Any, int]) -> Any:
    shown = {state_words(state): number for state, number in counts.items() if number}
    most = max(shown.values(), default=0)
    rows: list[tuple[Any, ...]] = [
        (word, str(n), bar(n, most, word.style)) for word, n in shown.items()
    ]
    return _table("States", ("State", "Number", ""), rows or [("none", "", "")])


def _trends(trends: FlowTrends) -> Any:
    # Different blocks, so that the parts of a bar can be distinguished without colours.
    series: list[tuple[str, tuple[int, ...], str, str]] = [
        ("Completed", trends.completed, GREEN, "█"),
        ("Failed", trends.failed, VERMILION, "▒"),
    ]
    if hasattr(trends, "remote_error"):
        series.append(("Remote error", trends.remote_error, ORANGE, "░"))
    title = f"Ended in the last {trends.num_intervals} {trends.interval} [{trends.timezone}]"
    most = max((max(numbers, default=0) for _, numbers, *_ in series), default=0)
    rows = []
    for position, date in enumerate(trends.dates):
        numbers = [values[position] for _, values, *_ in series]
        picture = _stacked(numbers, [(style, block) for *_, style, block in series], max(most, 1))
        rows.append((date, *(str(n) if n else "·" for n in numbers), picture))
    return _table(title, ("", *(f"{block} {name}" for name, *_, block in series), ""), rows)


def _stacked(numbers: list[int], looks: list[tuple[str, str]], most: int) -> Any:
    """Return stacked bars; every nonzero part has at least one block."""
    from rich.text import Text

    line = Text()
    for number, (style, block) in zip(numbers, looks):
        length = max(round(BAR // 2 * number / most), 1 if number else 0)
        line.append(block * length, style=style)
    return line
