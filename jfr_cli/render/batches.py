"""Batch processes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.states import BatchState
from jfr_cli.render.data import Row
from jfr_cli.render.outcome import Changed, LeftAlone, Tally, outcome_schema
from jfr_cli.render.schemas import DocumentSchema, array, entry, flag, integer, text, time
from jfr_cli.render.tables import MORE, Column, TableSpec
from jfr_cli.render.words import cell_text, drawn_text, exact_time, local_time, state_words

if TYPE_CHECKING:
    from rich.panel import Panel

    from controller.documents import BatchDoc

Placed = tuple["BatchDoc", Path | None]
"""A batch process and its folder."""


def _row(placed: Placed) -> Row:
    batch, folder = placed
    return {
        "process_id": batch.process_id,
        "batch_uid": batch.batch_uid,
        "worker": batch.worker,
        "folder": folder and str(folder),
        "state": batch.batch_state,
        "jobs": [{"db_id": job[0], "uuid": job[1], "index": job[2]} for job in batch.jobs],
        "created_on": batch.created_on,
        "updated_on": batch.updated_on,
        "start_time": batch.start_time,
        "end_time": batch.end_time,
        "last_ping_time": batch.last_ping_time,
    }


BATCHES = TableSpec(
    "batch",
    "A batch process: `jf batch info`, and an entry of `jf batch list`.",
    {
        "process_id": text("Its id in the worker's queue."),
        "batch_uid": text("Its id in jfr."),
        "worker": text("Name of the worker."),
        "folder": text(
            "Its folder on the worker, if the worker is still in the project.", null=True
        ),
        "state": text("Its state.", one_of=[s.value for s in BatchState]),
        "jobs": array(
            entry(
                DocumentSchema(
                    "",
                    "A job.",
                    {
                        "db_id": text("Its db_id."),
                        "uuid": text("Its uuid."),
                        "index": integer("Its index."),
                    },
                )
            ),
            "The jobs it executed.",
        ),
        "created_on": time("Time of submission."),
        "updated_on": time("Time of the last change."),
        "start_time": time("Start time.", null=True),
        "end_time": time("End time.", null=True),
        "last_ping_time": time("Time of the last ping.", null=True),
    },
    row=_row,
    columns=(
        Column("process_id", "Process ID", rank=0),
        Column("batch_uid", "Batch UID", short=("Batch", lambda p: p[0].batch_uid[:8])),
        Column("worker", "Worker"),
        Column("folder", "Process folder", wraps=True, rank=3),
        Column("state", "Status", lambda p: state_words(p[0].batch_state), rank=0),
        Column(
            "jobs",
            "Jobs",
            lambda p: cell_text([job[0] for job in p[0].jobs]),
            levels=MORE,
            wraps=True,
        ),
        Column(
            "updated_on",
            "Last updated [{zone}]",
            lambda p: local_time(p[0].updated_on),
            levels=MORE,
        ),
    ),
    name_key="process_id",
)
DELETED_BATCHES = outcome_schema(
    "deleted-batches",
    "What `jf batch delete` did, or would do; `db_id` contains the batch_uid.",
    deleted=integer("Number of batch processes deleted."),
    dry_run=flag("Whether nothing was changed."),
)
CHANGED_BATCHES = DocumentSchema(
    "changed-batches",
    "What `jf batch fix-batch-doc-jobs-dict` did, or would do.",
    {
        "changed": integer("Number of batch processes repaired."),
        "dry_run": flag("Whether nothing was changed."),
    },
)


def forgetting(found: Sequence[BatchDoc], left: Sequence[BatchDoc], *, dry_run: bool) -> Tally:
    """Return the result of deleting documents; those left had changed."""
    stays = {batch.batch_uid for batch in left}
    return Tally(
        [
            Changed(batch.batch_uid, batch.process_id, batch.batch_state)
            for batch in found
            if batch.batch_uid not in stays
        ],
        refused=[LeftAlone(b.batch_uid, f"it is {b.batch_state.value} now") for b in left],
        dry_run=dry_run,
    )


def batch_panel(batch: BatchDoc, folder: Path | None) -> Panel:
    """Return the panel of one batch process."""
    from rich.panel import Panel
    from rich.text import Text

    content = Text()
    for key, value in _row((batch, folder)).items():
        if value is None or value == []:
            continue
        content.append(f"{key} = ", style="bold")
        content.append(drawn_text(_shown(key, value)))
        content.append("\n")
    content.rstrip()
    return Panel(content, expand=False)


def _shown(key: str, value: Any) -> str:
    if key == "jobs":
        return "".join(f"\n    {job['db_id']}  {job['uuid']} ({job['index']})" for job in value)
    return exact_time(value) if isinstance(value, datetime) else cell_text(value)
