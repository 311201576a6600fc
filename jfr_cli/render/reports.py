"""Reports, with bars that read well at 80 columns, and the shapes of their data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from controller.states import JobState
from jfr_cli.render.shapes import Shape, array, entry, integer, mapping, text
from jfr_cli.render.words import (
    ACTIVE,
    GREEN,
    ORANGE,
    SKY,
    VERMILION,
    duration,
    local_time,
    state_text,
)

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from controller.documents import FlowInfo
    from controller.report import FlowsReport, FlowTrends, JobsReport

BAR = 24
"""Columns of a full bar."""

_TO_THE_SECOND = "%Y-%m-%d %H:%M:%S"

TRENDS = Shape(
    "trends",
    "What ended in each of the last intervals.",
    {
        "interval": text("hours, days, weeks, months or years."),
        "num_intervals": integer("How many."),
        "timezone": text("Where days begin."),
        "dates": array(text("An interval."), "The intervals, oldest first."),
        "completed": array(integer("A number."), "Completed in each."),
        "failed": array(integer("A number."), "Failed in each."),
        "remote_error": array(integer("A number."), "Of jobs: REMOTE_ERROR in each."),
    },
    optional=frozenset({"remote_error"}),
)
REPORT = Shape(
    "report",
    "How jobs or flows stand: what `jf job report` and `jf flow report` print.",
    {
        "summary": mapping("Numbers by what they mean: completed, running, error, active."),
        "states": mapping("Numbers by state, every state."),
        "longest_running": array(mapping("A job."), "Of jobs: what runs for the longest time."),
        "workers": mapping("Of jobs: {worker: {jobs, active}}."),
        "trends": entry(TRENDS),
    },
    optional=frozenset({"longest_running", "workers"}),
)


def job_report(report: JobsReport) -> RenderableType:
    """Show how the jobs stand."""
    from rich.console import Group
    from rich.table import Table

    parts: list[Any] = [_summary("Jobs", report), "", _states(report.state_counts)]
    if report.workers:
        table = _table("Workers", "Worker", "Active", "All")
        most = max(load.jobs for load in report.workers.values())
        for name, load in report.workers.items():
            table.add_row(name, str(load.active), str(load.jobs), bar(load.jobs, most, "blue"))
        parts += ["", table]
    if report.longest_running:
        running = Table(title="Running for the longest time", title_justify="left", box=None)
        for header in ("DB id", "Name", "Since", "Run time"):
            running.add_column(header)
        for job in report.longest_running:
            running.add_row(
                job.db_id,
                job.name,
                local_time(job.start_time),
                duration(job.estimated_run_time),
            )
        parts += ["", running]
    return Group(*parts, "", _trends(report.trends))


def flow_report(report: FlowsReport) -> RenderableType:
    """Show how the flows stand."""
    from rich.console import Group

    parts = [_summary("Flows", report), "", _states(report.state_counts)]
    return Group(*parts, "", _trends(report.trends))


def one_flow_report(flow: FlowInfo, title: str) -> RenderableType:
    """Show how far one flow has come: its times, the states of its jobs, and progress."""
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
        ("Created", local_time(flow.created_on, _TO_THE_SECOND)),
        ("First job began", local_time(min(starts, default=None), _TO_THE_SECOND)),
        ("Last job ended", local_time(max(ends, default=None), _TO_THE_SECOND)),
        ("Changed last", local_time(flow.updated_on, _TO_THE_SECOND)),
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
    """Return a bar as long as its number, in eighths of a column where it is short."""
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
    line = Text.assemble((f"{what}: ", "bold"), (f"{report.total} in all", "bold"))
    for word, number, style in numbers:
        line.append(" · ").append(f"{number} {word}", style=style if number else "dim")
    return line


def _table(title: str, *headers: str) -> Table:
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for position, header in enumerate(headers):
        table.add_column(header, justify="left" if position == 0 else "right")
    table.add_column("")
    return table


def _states(counts: Mapping[Any, int]) -> Any:
    table = _table("States", "State", "Number")
    shown = {state: number for state, number in counts.items() if number}
    most = max(shown.values(), default=0)
    for state, number in shown.items():
        label = state_text(state)
        table.add_row(label, str(number), bar(number, most, str(label.style)))
    if not shown:
        table.add_row("there is nothing", "")
    return table


def _trends(trends: FlowTrends) -> Any:
    rows: list[tuple[str, tuple[int, ...], str]] = [
        ("Completed", trends.completed, GREEN),
        ("Failed", trends.failed, VERMILION),
    ]
    if hasattr(trends, "remote_error"):
        rows.append(("Remote error", trends.remote_error, ORANGE))
    title = f"Ended in the last {trends.num_intervals} {trends.interval} [{trends.timezone}]"
    table = _table(title, "", *(name for name, *_ in rows))
    most = max((max(numbers, default=0) for _, numbers, _ in rows), default=0)
    for position, date in enumerate(trends.dates):
        numbers = [values[position] for _, values, _ in rows]
        picture = _stacked(numbers, [style for *_, style in rows], max(most, 1))
        table.add_row(date, *(str(n) if n else "·" for n in numbers), picture)
    return table


def _stacked(numbers: list[int], styles: list[str], most: int) -> Any:
    from rich.text import Text

    line = Text()
    for number, style in zip(numbers, styles):
        line.append_text(bar(number, most, style, BAR // 2))
    return line
