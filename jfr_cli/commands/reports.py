"""``jf job report`` and ``jf flow report``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from jfr_cli import choices, command_groups
from jfr_cli.output import show_picture, show_value, shows_document, shows_table
from jfr_cli.render.formats import zone_name
from jfr_cli.session import CURRENT

jobs = command_groups.part_of_group()
flows = command_groups.part_of_group()

INTERVALS = ("hours", "days", "weeks", "months", "years")
Interval = Annotated[
    str,
    typer.Argument(
        metavar="INTERVAL",
        help=f"One of {', '.join(INTERVALS)}.",
        **choices.choice(INTERVALS),
    ),
]
Number = Annotated[int | None, typer.Argument(metavar="NUMBER", min=1, help="Number of intervals.")]


@jobs.command("report")
@shows_document(watchable=True)
def job_report(interval: Interval = "days", number: Number = None) -> None:
    """Show the jobs by state and how many ended recently.

    Example: jf job report hours 24
    """
    from controller.report import JobsReport
    from jfr_cli.render.reports import job_report as picture

    _show(JobsReport, picture, interval, number)


@flows.command("report")
@shows_document(watchable=True)
def flow_report(interval: Interval = "days", number: Number = None) -> None:
    """Show the flows by state and how many ended recently.

    Example: jf flow report weeks
    """
    from controller.report import FlowsReport
    from jfr_cli.render.reports import flow_report as picture

    _show(FlowsReport, picture, interval, number)


def _show(kind: Any, picture: Any, interval: str, number: int | None) -> None:
    with CURRENT.controller() as controller:
        report = kind.generate_report(controller, interval, number, zone_name() or "UTC")
    if shows_table():
        show_picture(lambda: picture(report))
    else:
        show_value(report.as_dict())
