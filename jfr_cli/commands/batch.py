"""``jf batch``: manage batch processes, which run many jobs in one queue submission."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from jfr_cli import command_groups, options
from jfr_cli.output import (
    show_count,
    show_one,
    show_outcome,
    show_report,
    show_rows,
    shows_document,
    shows_list,
    shows_one,
    shows_outcome,
    wants_count,
)
from jfr_cli.prompts import confirm
from jfr_cli.render.batches import BATCHES, forgetting
from jfr_cli.render.outcome import counted
from jfr_cli.selection import uuid_index_pairs
from jfr_cli.session import CURRENT

if TYPE_CHECKING:
    from controller.documents import BatchDoc

_NOUN = "batch process"
app = command_groups.command_group("Manage batch processes, which run many jobs in one submission.")


@app.command("list")
@shows_list()
def list_batches(
    worker: options.Workers = None,
    max_results: Annotated[
        int, typer.Option("--max-results", "-m", min=0, help="Maximum number (0: no limit).")
    ] = 20,
    state: options.BatchStates = None,
    job_id: options.JobIds = None,
    db_id: options.DbIds = None,
    verbosity: options.Verbosity = 0,
) -> None:
    """List batch processes, most recently changed first.

    Example: jf batch list -s RUNNING
    """
    wanted: dict[str, Any] = {
        "worker": worker,
        "batch_state": state,
        "job_ids": uuid_index_pairs(job_id),
        "db_ids": db_id,
    }
    with CURRENT.controller() as controller:
        if wants_count():
            show_count(controller.count_batches(**wanted))
            return
        found = controller.get_batches(**wanted, limit=max_results)
        rows = [(batch, controller.batch_folder(batch)) for batch in found]
    show_rows(rows, BATCHES, verbosity=verbosity)


@app.command("info")
@shows_one(watchable=True)
def info(
    batch_id: Annotated[
        str, typer.Argument(metavar="BATCH", help="Id in the queue, or batch uid.")
    ],
) -> None:
    """Show a batch process and the jobs that it executed.

    Example: jf batch info 12345
    """
    from jfr_cli.render.batches import batch_panel

    with CURRENT.controller() as controller:
        batch = controller.get_batch(batch_id)
        folder = controller.batch_folder(batch)
    show_one((batch, folder), BATCHES, lambda: batch_panel(batch, folder))


@app.command("delete")
@shows_outcome()
def delete(
    state: options.BatchStates = None,
    process_id: Annotated[
        list[str] | None,
        typer.Option("--process-id", "-pid", metavar="QUEUE_ID", help="Id in the queue."),
    ] = None,
    batch_uid: Annotated[
        list[str] | None,
        typer.Option("--batch-uid", "-bid", metavar="UID", help="Internal id of the process."),
    ] = None,
    worker: options.Workers = None,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
) -> None:
    """Delete records of batch processes (default: FINISHED ones); no process is stopped.

    Example: jf batch delete -wk cluster --dry-run
    """
    wanted: dict[str, Any] = {
        "process_id": process_id,
        "worker": worker,
        "batch_state": state or ["FINISHED"],
    }
    with CURRENT.controller() as controller:
        whole = controller.queue.whole_batch_uid
        wanted["batch_uid"] = batch_uid and [whole(text) for text in batch_uid]
        found = controller.get_batches(**wanted, limit=0)
        left: list[BatchDoc] = []
        if found and not dry_run:
            confirm(f"Delete the records of {counted(len(found), _NOUN)}?", yes)
            wanted["batch_uid"] = [batch.batch_uid for batch in found]
            if controller.delete_batches(**wanted) < len(found):
                left = controller.get_batches(batch_uid=wanted["batch_uid"], limit=0)
    outcome = forgetting(found, left, dry_run=dry_run)
    number = 0 if dry_run else len(outcome)
    show_outcome(outcome, _NOUN, "deleted", deleted=number, dry_run=dry_run)


@app.command("fix-batch-doc-jobs-dict", hidden=True)
@shows_document()
def fix_jobs(dry_run: options.DryRun = False) -> None:
    """Repair documents written by development versions of jobflow-remote 1.0.

    Example: jf batch fix-batch-doc-jobs-dict --dry-run
    """
    with CURRENT.controller() as controller:
        number = controller.fix_batch_doc_jobs(dry_run=dry_run)
    show_report(
        {"changed": number, "dry_run": dry_run},
        f"{counted(number, _NOUN)} {'would be ' if dry_run else ''}changed",
    )
