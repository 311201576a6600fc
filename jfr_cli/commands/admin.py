"""``jf admin``: set up and look after the database."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from controller.errors import ArgumentError, StateError
from jfr_cli import options
from jfr_cli.output import show_report, shows_one
from jfr_cli.session import CURRENT

app = options.command_group("Set up and look after the database.")


def confirm(question: str, yes: bool) -> None:
    """Ask before something is lost; without a terminal nobody is asked, and --yes is needed."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise ArgumentError(f"{question} Nobody can be asked here", hint="add --yes")
    if not typer.confirm(question, default=False, err=True):
        raise typer.Exit(0)


@app.command("reset")
@shows_one()
def reset(
    date: Annotated[
        str | None, typer.Argument(help="Today's date, YYYY-MM-DD: needed from 25 flows on.")
    ] = None,
    output: Annotated[bool, typer.Option("--output", "-o", help="Delete all outputs too.")] = False,
    yes: options.Yes = False,
) -> None:
    """Set up the queue database, deleting all jobs and flows that are in it.

    Example: jf admin reset --yes
    """
    with CURRENT.controller() as controller:
        jobs, flows = controller.jobs.count_documents({}), controller.flows.count_documents({})
        if jobs or flows or output:
            more = " and all outputs" if output else ""
            confirm(f"This deletes {jobs} jobs and {flows} flows{more}. Proceed?", yes)
        done = controller.reset(reset_output=output, validation=date)
    if not done:
        raise StateError(
            f"the database holds {flows} flows: nothing was deleted",
            hint="give today's date, as in `jf admin reset YYYY-MM-DD`",
        )
    show_report({"deleted_jobs": jobs, "deleted_flows": flows}, "the database has been set up")
