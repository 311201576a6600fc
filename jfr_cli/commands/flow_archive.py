"""``jf flow archive`` and ``unarchive``: move finished flows out of the queue, and back."""

from __future__ import annotations

from dataclasses import replace

from controller.filters import FlowFilter
from jfr_cli import command_groups, options
from jfr_cli.output import show_outcome, shows_outcome
from jfr_cli.progress import progress_bar
from jfr_cli.prompts import confirm
from jfr_cli.render.outcome import counted
from jfr_cli.selection import with_flow_filter
from jfr_cli.session import CURRENT

app = command_groups.part_of_group()


@app.command("archive")
@shows_outcome()
@with_flow_filter
def archive(
    selection: FlowFilter,
    yes: options.Yes = False,
    wait: options.Wait = None,
    dry_run: options.DryRun = False,
) -> None:
    """Move finished flows out of the queue; they stay readable, and can be brought back.

    Lists show them with --archived. Without --state, flows that are COMPLETED, FAILED or
    STOPPED are selected.

    Example: jf flow archive -s COMPLETED --end-date 2026-01-31 --yes
    """
    from controller.rules.archiving import FINISHED

    chosen = selection if selection.states is not None else replace(selection, states=FINISHED)
    with CURRENT.controller() as controller:
        if not dry_run:
            number = controller.queue.flows.count_documents(controller.queue.query(chosen))
            if number:
                confirm(f"Archive {counted(number, 'flow')}?", yes)
        with progress_bar("archiving flows") as report:
            outcome = controller.archive_flows(
                selection=chosen, wait=wait, dry_run=dry_run, progress=report
            )
    show_outcome(outcome, "flow", "archived")


@app.command("unarchive")
@shows_outcome()
@with_flow_filter
def unarchive(
    selection: FlowFilter, yes: options.Yes = False, dry_run: options.DryRun = False
) -> None:
    """Bring archived flows back into the queue, as they were.

    Example: jf flow unarchive -fid 12 --yes
    """
    with CURRENT.controller() as controller:
        if not dry_run:
            number = len(controller.unarchive_flows(selection=selection, dry_run=True))
            if number:
                confirm(f"Bring {counted(number, 'flow')} back?", yes)
        with progress_bar("restoring flows") as report:
            outcome = controller.unarchive_flows(
                selection=selection, dry_run=dry_run, progress=report
            )
    show_outcome(outcome, "flow", "brought back")
