"""``jf events``: what happened to jobs and flows, and who did it."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.states import EVENT_KINDS
from jfr_cli import choices, command_groups, complete, options
from jfr_cli.console import print_data, print_text
from jfr_cli.output import only_lines, picked_rows, show_rows, shows_list, shows_table
from jfr_cli.render import data
from jfr_cli.render.events import EVENTS, event_line
from jfr_cli.selection import parse_date
from jfr_cli.session import CURRENT

if TYPE_CHECKING:
    from controller.documents.events import EventDoc
    from controller.reader import QueueReader

LOOK_EVERY = 1.0
"""Seconds between two queries for new events."""
app = typer.Typer(add_completion=False, context_settings=command_groups.CONTEXT)

Since = Annotated[
    str | None,
    typer.Option("--since", metavar="DATE", help="Happened at or after (local time)."),
]
Limit = Annotated[int, typer.Option("--max-results", "-m", min=0, help="Only the last N (0: all).")]


@app.command()
@shows_list(watchable=False)
def events(
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Keep printing new events until Ctrl-C.")
    ] = False,
    job: Annotated[
        list[str] | None,
        typer.Option(
            "--job",
            "-j",
            metavar="ID",
            help="Only of this job: db_id or uuid.",
            autocompletion=complete.job_ids,
            **choices.SEVERAL,
        ),
    ] = None,
    flow: Annotated[
        list[str] | None,
        typer.Option(
            "--flow",
            metavar="ID",
            help="Only of this flow: uuid, or any job's db_id.",
            autocompletion=complete.flow_ids,
            **choices.SEVERAL,
        ),
    ] = None,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--kind",
            "-k",
            metavar="KIND",
            help="Only this kind; 'states' means all changes of a job's state.",
            **choices.choices(EVENT_KINDS),
        ),
    ] = None,
    state: Annotated[
        list[str] | None,
        typer.Option(
            "--state",
            "-s",
            metavar="STATE",
            help="Only changes to this state.",
            autocompletion=options.event_states,
            **choices.SEVERAL,
        ),
    ] = None,
    worker: options.Workers = None,
    runner: Annotated[
        list[str] | None,
        typer.Option("--runner", metavar="RUNNER", help="Only by the runner with this id."),
    ] = None,
    actor: Annotated[
        list[str] | None, typer.Option("--actor", metavar="USER@HOST", help="Only by this user.")
    ] = None,
    since: Since = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE", help="Happened before (local time).")
    ] = None,
    max_results: Limit = 100,
    verbosity: options.Verbosity = 0,
) -> None:
    """Show what happened to jobs and flows and who did it, oldest first.

    Example: jf events --job 12 --follow
    """
    wanted: dict[str, Any] = {
        "kinds": kind,
        "job_ids": job,
        "flow_ids": flow,
        "states": state and [name.upper() for name in state],
        "workers": worker,
        "runner_ids": runner,
        "actors": actor,
        "end_date": local_date("--until", until),
    }
    start = local_date("--since", since)
    if follow:
        only_lines("--follow")
    with CURRENT.reader() as reader:
        found = reader.get_events(**wanted, start_date=start, limit=max_results)
        if not follow:
            show_rows(found, EVENTS, verbosity=verbosity)
            return
        _follow(reader, found, wanted)


def _follow(reader: QueueReader, found: list[EventDoc], wanted: dict[str, Any]) -> None:
    seen = found
    _print(found)
    try:
        while True:
            time.sleep(LOOK_EVERY)
            new = list(reader.new_events(seen, **wanted))
            _print(new)
            seen = [*seen, *new][-10_000:]
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _print(found: list[EventDoc]) -> None:
    if not found:
        return
    if shows_table():
        print_text("\n".join(map(event_line, found)))
    else:
        print_data(data.written(picked_rows(found, EVENTS), "ndjson", name_key="event_id"))
    sys.stdout.flush()


def local_date(flag: str, text: str | None) -> datetime | None:
    """Read a date as the other filters do; one without a zone is local."""
    found = parse_date(flag, text, datetime.now())
    return found and found.astimezone(UTC)
