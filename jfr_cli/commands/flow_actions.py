"""``jf flow delete`` and so on: change whole flows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from controller.filters import FlowFilter
from jfr_cli import command_groups, options
from jfr_cli.console import say
from jfr_cli.output import (
    show_outcome,
    show_report,
    show_rows,
    shows_document,
    shows_outcome,
    shows_table,
)
from jfr_cli.progress import progress_bar
from jfr_cli.prompts import confirm, knows_old_force
from jfr_cli.render.files import cleaning, cleaning_facts, skipped_lines
from jfr_cli.render.flows import FLOWS
from jfr_cli.render.outcome import counted
from jfr_cli.selection import flow_keywords, with_flow_filter
from jfr_cli.session import CURRENT

app = command_groups.part_of_group()
set_app = command_groups.command_group("Set properties of flows.")

ByJob = Annotated[bool, typer.Option("--job", "-j", help="The uuid is that of a job.")]
_NAMED = 20
"""How many ids of deleted flows are printed; ``--json`` has all."""


@app.command("delete")
@knows_old_force
@shows_outcome()
@with_flow_filter
def delete(
    selection: FlowFilter,
    yes: options.Yes = False,
    limit: Annotated[
        int, typer.Option("--max", "-m", min=0, help="Refuse if more are selected (0: no limit).")
    ] = 10,
    verbosity: options.Verbosity = 0,
    output: Annotated[bool, typer.Option("--output", "-o", help="Delete outputs too.")] = False,
    files: Annotated[bool, typer.Option("--files", "-fi", help="Delete run folders too.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", "-a", help="Delete outputs and run folders too.")
    ] = False,
    keep_processes: Annotated[
        bool, typer.Option("--keep-processes", "-kp", help="Let running jobs go on.")
    ] = False,
    wait: options.Wait = None,
    break_lock: options.BreakLock = False,
    dry_run: options.DryRun = False,
) -> None:
    """Delete flows with all their jobs.

    Example: jf flow delete -fid 12 --files --yes
    """
    with CURRENT.controller() as controller:
        query = controller.queue.query(selection)
        found = controller.get_flows_info(custom_query=query, with_jobs_info=verbosity > 0)
        too_many = limit and len(found) > limit  # which the controller refuses
        if found and not dry_run and not too_many:
            if verbosity and shows_table():
                show_rows(found, FLOWS, verbosity=verbosity - 1)
            jobs = sum(len(flow.db_ids) for flow in found)
            doomed = f"{counted(len(found), 'flow')} with {counted(jobs, 'job')}"
            confirm(f"Delete {doomed}?", yes)
        with progress_bar("deleting flows") as report:
            outcome = controller.delete_flows(
                [flow.flow_id for flow in found],
                max_limit=limit,
                selection=selection,
                delete_output=output or everything,
                delete_files=files or everything,
                cancel_processes=not keep_processes,
                wait=wait,
                break_lock=break_lock,
                dry_run=dry_run,
                progress=report,
            )
    if outcome and not dry_run and shows_table():
        say(f"deleted: {_named(outcome)}")
    show_outcome(outcome, "flow", "deleted")


def _named(ids: Sequence[str]) -> str:
    """List the first of many ids."""
    further = f" and {len(ids) - _NAMED} more" if len(ids) > _NAMED else ""
    return ", ".join(ids[:_NAMED]) + further


@app.command("clean")
@shows_outcome()
@with_flow_filter
def clean(
    selection: FlowFilter,
    verbosity: options.Verbosity = 0,
    locked: options.Locked = False,
    force: options.SkipRunnerCheck = False,
    yes: options.Yes = False,
    all_states: options.AllStates = False,
    dry_run: options.DryRun = False,
) -> None:
    """Delete the run folders of the ended jobs of flows.

    Example: jf flow clean -s COMPLETED --days 30 --yes
    """
    from dataclasses import replace

    with CURRENT.controller() as controller:
        query = controller.queue.query(replace(selection, locked=locked))
        flows = controller.get_flows_info(custom_query=query, with_jobs_info=True)
        jobs = [job for flow in flows for job in flow.jobs_info or []]
        if verbosity and shows_table():
            show_rows(flows, FLOWS, verbosity=verbosity - 1)
        if jobs and not dry_run:
            what = f"{counted(len(jobs), 'job')} of {counted(len(flows), 'flow')}"
            confirm(f"Delete the run folders of {what}?", yes)
        with progress_bar("deleting folders") as report:
            done = controller.clean_job_files(
                jobs, all_states=all_states, force=force, dry_run=dry_run, progress=report
            )
    if shows_table():
        for line in skipped_lines(done):
            say(f"not deleted: {line}")
    outcome = cleaning(done, jobs, dry_run=dry_run)
    show_outcome(outcome, "folder", "deleted", **cleaning_facts(done, dry_run=dry_run))


@app.command("resume")
@shows_outcome()
def resume(
    flow: options.FlowIdArgument,
    by_job: ByJob = False,
    wait: options.Wait = None,
    break_lock: options.BreakLock = False,
    dry_run: options.DryRun = False,
) -> None:
    """Resume all paused and stopped jobs of a flow.

    Example: jf flow resume 12
    """
    with CURRENT.controller() as controller, progress_bar("resuming jobs") as report:
        outcome = controller.resume_jobs_of_flow(
            **flow_keywords(controller, flow, by_job=by_job),
            wait=wait,
            break_lock=break_lock,
            dry_run=dry_run,
            progress=report,
        )
    show_outcome(outcome, "job", "resumed", resumed=len(outcome), dry_run=dry_run)


@set_app.command("store")
@shows_document()
def set_store(
    flow: options.FlowIdArgument,
    store: Annotated[
        str | None,
        typer.Argument(
            metavar="STORE", help="One of optional_jobstores; leave out for the default."
        ),
    ] = None,
    by_job: ByJob = False,
    dry_run: options.DryRun = False,
) -> None:
    """Set the JobStore of a flow that has not started.

    Example: jf flow set store 12 archive
    """
    with CURRENT.controller() as controller:
        controller.set_flow_store(
            store, **flow_keywords(controller, flow, by_job=by_job), dry_run=dry_run
        )
    name = store or "the default one"
    would = "would be" if dry_run else "is now"
    show_report({"store": store, "dry_run": dry_run}, f"the JobStore of the flow {would} {name}")
