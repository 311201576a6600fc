"""Batch processes on a terminal, and the data of what is done to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.tables.batches import BATCHES
from jfr_cli.render.formats import cell_text, drawn_text, exact_time
from jfr_cli.render.outcome import Changed, LeftAlone, Tally, outcome_schema
from jfr_cli.render.schemas import DocumentSchema, flag, integer

if TYPE_CHECKING:
    from rich.panel import Panel

    from controller.documents import BatchDoc

__all__ = ["BATCHES", "CHANGED_BATCHES", "DELETED_BATCHES", "batch_panel", "forgetting"]

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
    for key, value in BATCHES.row((batch, folder)).items():
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
    if isinstance(value, Mapping):
        return "".join(
            f"\n    {name}: {cell_text(each)}" for name, each in value.items() if each is not None
        )
    return exact_time(value) if isinstance(value, datetime) else cell_text(value)
