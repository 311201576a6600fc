"""``jf top``: the activity of a project, live."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from jfr_cli import command_groups
from jfr_cli.console import print_text, use_color
from jfr_cli.output import show_value, shows_document, shows_table
from jfr_cli.session import CURRENT

if TYPE_CHECKING:
    from controller.activity import Activity
    from controller.reader import QueueReader
    from jfr_cli.top.spans import Line

app = typer.Typer(add_completion=False, context_settings=command_groups.CONTEXT)
_LINES = 200
"""Number of lines of a log that are read."""


@app.command()
@shows_document()
def top(
    seconds: Annotated[
        float,
        typer.Option(
            "--interval", "-d", metavar="SECONDS", min=0.2, help="Seconds between two refreshes."
        ),
    ] = 2.0,
    once: Annotated[
        bool, typer.Option("--once", help="Print it once and exit, as without a terminal.")
    ] = False,
) -> None:
    """Show jobs, workers, runners, errors and throughput live.

    The key ? lists the keys. Without a terminal, print it once.

    Example: jf top
    """
    live = shows_table() and not once and sys.stdout.isatty() and sys.stdin.isatty()
    with CURRENT.reader() as reader:
        if live and os.environ.get("TERM") not in ("dumb", "", None):
            _live(reader, seconds)
            return
        from controller.activity import ActivityReader, Look

        activity = ActivityReader(reader).read(Look(), whole=True)
    _print(activity)


def _print(activity: Activity) -> None:
    if not shows_table():
        from jfr_cli.render.activity import activity_row

        show_value(activity_row(activity))
        return
    from shutil import get_terminal_size

    from jfr_cli.top.history import History
    from jfr_cli.top.screen import snapshot
    from jfr_cli.top.spans import plain

    width = get_terminal_size().columns if sys.stdout.isatty() else 110
    lines = snapshot(activity, History(), width)
    print_text("\n".join(plain(line).rstrip() for line in lines))


def _live(reader: QueueReader, seconds: float) -> None:
    from jfr_cli.top.live import Live, Source
    from jfr_cli.top.painting import renderer
    from jfr_cli.top.terminal import Terminal

    system = "truecolor" if os.environ.get("COLORTERM") in ("truecolor", "24bit") else "256"
    if "256" not in os.environ.get("TERM", "") and system == "256":
        system = "standard"
    color = use_color(sys.stdout, CURRENT.color)
    encoding = sys.stdout.encoding or "utf-8"
    terminal = Terminal(renderer(color=color, encoding=encoding, system=system))
    source = Source(reader, seconds, terminal.wake)
    live = Live(
        terminal,
        source,
        info=lambda db_id: _info(reader, db_id),
        log=lambda db_id: _log(reader, db_id),
        claim=lambda resume: _claim(reader, resume=resume),
    )
    try:
        with terminal.opened(), source.running():
            live.run()
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    except EOFError:  # the terminal is gone
        raise typer.Exit(129) from None


def _info(reader: QueueReader, db_id: str) -> Sequence[Line]:
    from jfr_cli.render.jobs import job_lines
    from jfr_cli.selection import named_job

    values = named_job(reader, db_id).model_dump(exclude={"lock_lease"})
    return _lines(job_lines(values, show_none=False, verbosity=0))


def _log(reader: QueueReader, db_id: str) -> Sequence[Line]:
    from controller.jobcontroller import JobController

    with JobController.from_project(reader.project) as controller:
        parts, missing = controller.read_job_log(db_id=db_id, lines=_LINES)
    found: list[Line] = []
    for part in parts:
        found += [((f"  {part.name}", "bold"),), *_lines(part.text)]
    return found or [((f"  nothing yet: there is no {' and no '.join(missing)}", "bright_black"),)]


def _lines(text: str) -> list[Line]:
    from controller.safe_text import one_line

    return [((f"  {one_line(line.expandtabs())}", ""),) for line in text.splitlines()]


def _claim(reader: QueueReader, *, resume: bool) -> str:
    from controller.jobcontroller import JobController

    with JobController.from_project(reader.project) as controller:
        if resume:
            controller.resume_claims()
        else:
            controller.pause_claims()
    return "runners claim jobs again" if resume else "runners claim no more jobs"
