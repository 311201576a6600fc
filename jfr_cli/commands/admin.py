"""``jf admin``: set up, repair and maintain the database."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from controller.errors import MissingDocumentError, StateError
from controller.filters import FlowFilter, JobFilter
from jfr_cli import command_groups, options
from jfr_cli.commands import admin_index, admin_repair
from jfr_cli.commands.events import Limit, Since, local_date
from jfr_cli.output import (
    show_outcome,
    show_report,
    show_rows,
    shows_document,
    shows_list,
    shows_outcome,
)
from jfr_cli.prompts import confirm, knows_old_force
from jfr_cli.render.administration import unlocking
from jfr_cli.render.outcome import counted
from jfr_cli.selection import with_stored_flow_filter, with_stored_job_filter
from jfr_cli.session import CURRENT

if TYPE_CHECKING:
    from controller.operations.unlocking import HeldLock

app = command_groups.command_group("Set up, repair and maintain the database.")
app.add_typer(admin_index.app, name="index")
app.command("upgrade")(admin_repair.upgrade)
app.command("doctor")(admin_repair.doctor)


@app.command("log")
@shows_list()
def log(since: Since = None, max_results: Limit = 100, verbosity: options.Verbosity = 0) -> None:
    """Show administrative actions and actions on jobs: what, who and from where.

    Example: jf admin log --since 2026-01-31
    """
    from jfr_cli.render.events import EVENTS

    start = local_date("--since", since)
    with CURRENT.reader() as reader:
        found = reader.get_admin_log(start_date=start, limit=max_results)
    show_rows(found, EVENTS, verbosity=verbosity, defaults=("time", "what", "by", "text"))


@app.command("reset")
@knows_old_force
@shows_document()
def reset(
    date: Annotated[
        str | None, typer.Argument(help="Today's date, YYYY-MM-DD; required for 25 flows or more.")
    ] = None,
    output: Annotated[bool, typer.Option("--output", "-o", help="Delete all outputs too.")] = False,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
) -> None:
    """Set up the queue database; deletes all jobs and flows in it.

    Example: jf admin reset --yes
    """
    with CURRENT.controller() as controller:
        jobs, flows = controller.count_contents()
        more = " and all outputs" if output else ""
        doomed = f"{counted(jobs, 'job')} and {counted(flows, 'flow')}{more}"
        if not dry_run:
            if jobs or flows or output:
                confirm(f"This deletes {doomed}. Proceed?", yes)
            if not controller.reset(reset_output=output, validation=date):
                wrong = f"{date} is not today, and " if date else ""
                raise StateError(
                    f"{wrong}the database holds {counted(flows, 'flow')}: nothing was deleted",
                    hint="give today's date, as in `jf admin reset YYYY-MM-DD`",
                )
    show_report(
        {"deleted_jobs": jobs, "deleted_flows": flows, "outputs": output, "dry_run": dry_run},
        f"would delete {doomed}" if dry_run else "the database has been set up",
    )


@app.command("compact")
@shows_document()
def compact(dry_run: options.DryRun = False) -> None:
    """Release the disk space of deleted and archived jobs.

    The embedded database is rewritten, so a second copy must fit on the disk.

    Example: jf admin compact
    """
    with CURRENT.controller() as controller:
        done = controller.compact(dry_run=dry_run)
    facts = {"before": done.before, "after": done.after, "freed": done.freed, "dry_run": dry_run}
    if done.freed is None or done.before is None or done.after is None:
        show_report(facts, "the server was asked to release space; it does not report how much")
        return
    would = "would release at least" if dry_run else "released"
    sizes = [f"{n / 1e6:.1f} MB" for n in (done.freed, done.before, done.after)]
    show_report(facts, f"{would} {sizes[0]}: {sizes[1]} before, {sizes[2]} after")


@app.command("unlock")
@knows_old_force
@shows_outcome()
@with_stored_job_filter
def unlock(selection: JobFilter, yes: options.Yes = False, dry_run: options.DryRun = False) -> None:
    """Remove job locks whose holder is gone. A holder that is still alive loses its work.

    Example: jf admin unlock -did 12 --dry-run
    """
    with CURRENT.controller() as controller:
        held = controller.locked_jobs(selection)
        _unlock("job", held, controller.unlock_held_jobs, yes=yes, dry_run=dry_run)


@app.command("unlock-flow")
@knows_old_force
@shows_outcome()
@with_stored_flow_filter
def unlock_flow(
    selection: FlowFilter, yes: options.Yes = False, dry_run: options.DryRun = False
) -> None:
    """Remove flow locks whose holder is gone.

    Example: jf admin unlock-flow -fid 12 --yes
    """
    with CURRENT.controller() as controller:
        held = controller.locked_flows(selection)
        _unlock("flow", held, controller.unlock_held_flows, yes=yes, dry_run=dry_run)


@app.command("unlock-runner")
@shows_document()
def unlock_runner(dry_run: options.DryRun = False) -> None:
    """Remove the lock on the project's runner record.

    Example: jf admin unlock-runner
    """
    with CURRENT.controller() as controller:
        found, number = controller.unlock_runner(dry_run=dry_run)
    if not found:
        raise MissingDocumentError(
            "the database has no record of the running runner", hint="jf admin doctor --fix"
        )
    show_report(
        {"unlocked": number, "dry_run": dry_run},
        f"{counted(number, 'record')} {'would be ' if dry_run else ''}unlocked",
    )


def _unlock(
    what: str,
    held: Sequence[HeldLock],
    free: Callable[[Sequence[HeldLock]], int],
    *,
    yes: bool,
    dry_run: bool,
) -> None:
    number = len(held)
    if number and not dry_run:
        confirm(f"Unlock {counted(number, what)}?", yes)
        number = free(held)
    outcome = unlocking(held, dry_run=dry_run)
    show_outcome(outcome, what, "unlocked", unlocked=number, dry_run=dry_run)
