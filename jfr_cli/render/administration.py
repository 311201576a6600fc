"""What the commands of ``jf admin`` did to the database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from jfr_cli.render.outcome import Changed, Tally, outcome_schema
from jfr_cli.render.schemas import DocumentSchema, flag, integer, mapping, text

if TYPE_CHECKING:
    from controller.operations.unlocking import HeldLock

_DRY_RUN = {"dry_run": flag("Whether nothing was changed.")}

RESET = DocumentSchema(
    "reset",
    "What `jf admin reset` deleted, or would delete.",
    {
        "deleted_jobs": integer("Number of jobs."),
        "deleted_flows": integer("Number of flows."),
        "outputs": flag("Whether all outputs too."),
        **_DRY_RUN,
    },
)
_NUMBER = {"unlocked": integer("Documents whose lock was, or would be, removed."), **_DRY_RUN}
UNLOCKED = outcome_schema(
    "unlocked", "What `jf admin unlock` and `unlock-flow` did, or would do.", **_NUMBER
)
UNLOCKED_RUNNER = DocumentSchema(
    "unlocked-runner", "What `jf admin unlock-runner` did, or would do.", _NUMBER
)
REBUILT = DocumentSchema(
    "rebuilt-indexes",
    "What `jf admin index rebuild` did, or would do.",
    {"lost": mapping("{collection: names of indexes that were not ours}"), **_DRY_RUN},
)
CREATED_INDEX = DocumentSchema(
    "created-index",
    "The index that `jf admin index create` made, or would make.",
    {
        "collection": text("Where."),
        "key": text("On which field."),
        "descending": flag("Whether the largest value comes first."),
        "unique": flag("Whether it refuses two documents with one value."),
        **_DRY_RUN,
    },
)
BACKUP = DocumentSchema(
    "backup",
    "What `jf backup create` and `restore` did, or would do.",
    {
        "folder": text("The folder that holds the files."),
        "documents": mapping("{collection: number of documents}"),
        **_DRY_RUN,
    },
)


def unlocking(held: Sequence[HeldLock], *, dry_run: bool) -> Tally:
    """Return what became of the locks of jobs or flows."""
    free = {"lock_id": None}
    changes = [
        Changed(one.db_id, one.name, {"lock_id": one.lock_id, "lock_time": one.lock_time}, free)
        for one in held
    ]
    return Tally(changes, dry_run=dry_run)
