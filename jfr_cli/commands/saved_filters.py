"""``jf job filter`` and ``jf flow filter``: filters that are saved under a name."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from controller.saved_filters import (
    MARK,
    Kind,
    delete_filters,
    save_filter,
    saved_filters,
)
from jfr_cli import command_groups, complete, options
from jfr_cli.console import hint, say
from jfr_cli.output import show_one, show_rows, shows_list, shows_one, shows_table
from jfr_cli.render.saved_filters import SAVED_FILTERS
from jfr_cli.selection import with_flow_texts, with_job_texts
from jfr_cli.session import CURRENT

jobs = command_groups.command_group("Filters of jobs, saved under a name: jf job list @NAME.")
flows = command_groups.command_group("Filters of flows, saved under a name: jf flow list @NAME.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Its name, with or without @.")]
JobFilterNames = Annotated[
    list[str],
    typer.Argument(metavar="NAME...", help="Names.", autocompletion=complete.job_filters),
]
FlowFilterNames = Annotated[
    list[str],
    typer.Argument(metavar="NAME...", help="Names.", autocompletion=complete.flow_filters),
]
Replace = Annotated[bool, typer.Option("--replace", help="Replace a filter of this name.")]


@jobs.command("list")
@shows_list()
def list_job_filters() -> None:
    """List the saved filters of jobs.

    Example: jf job filter list
    """
    _list("job")


@flows.command("list")
@shows_list()
def list_flow_filters() -> None:
    """List the saved filters of flows.

    Example: jf flow filter list
    """
    _list("flow")


@jobs.command("save")
@shows_one()
@with_job_texts
def save_job_filter(
    selection: dict[str, Any],
    save_as: Name,
    replace: Replace = False,
    dry_run: options.DryRun = False,
) -> None:
    """Save a filter of jobs in the project, for `jf job list @NAME`, actions and the web page.

    Example: jf job filter save broken -s FAILED --days 7
    """
    _save("job", save_as, selection, replace=replace, dry_run=dry_run)


@flows.command("save")
@shows_one()
@with_flow_texts
def save_flow_filter(
    selection: dict[str, Any],
    save_as: Name,
    replace: Replace = False,
    dry_run: options.DryRun = False,
) -> None:
    """Save a filter of flows in the project, for `jf flow list @NAME` and the web page.

    Example: jf flow filter save copper --name 'Cu *'
    """
    _save("flow", save_as, selection, replace=replace, dry_run=dry_run)


@jobs.command("delete")
@shows_list(watchable=False)
def delete_job_filters(names: JobFilterNames, dry_run: options.DryRun = False) -> None:
    """Delete saved filters of jobs.

    Example: jf job filter delete broken
    """
    _delete("job", names, dry_run=dry_run)


@flows.command("delete")
@shows_list(watchable=False)
def delete_flow_filters(names: FlowFilterNames, dry_run: options.DryRun = False) -> None:
    """Delete saved filters of flows.

    Example: jf flow filter delete copper
    """
    _delete("flow", names, dry_run=dry_run)


def _list(kind: Kind) -> None:
    found = list(saved_filters(CURRENT.project_file, kind).values())
    show_rows(found, SAVED_FILTERS)
    if not found:
        hint(f"`jf {kind} filter save NAME ...` saves one")


def _save(
    kind: Kind, name: str, selection: dict[str, Any], *, replace: bool, dry_run: bool
) -> None:
    saved = save_filter(
        CURRENT.project_file, kind, name, selection, replace=replace, dry_run=dry_run
    )
    if not shows_table():
        show_one(saved, SAVED_FILTERS)
        return
    done = "would save" if dry_run else "saved"
    say(f"{done} {MARK}{saved.name}: {saved.flags}")
    hint(f"use it with `jf {kind} list {MARK}{saved.name}`")


def _delete(kind: Kind, names: list[str], *, dry_run: bool) -> None:
    gone = delete_filters(CURRENT.project_file, kind, names, dry_run=dry_run)
    if not shows_table():
        show_rows(gone, SAVED_FILTERS)
        return
    for saved in gone:
        say(f"{'would delete' if dry_run else 'deleted'} {MARK}{saved.name}: {saved.flags}")
