"""The results of the commands of ``jf admin``."""

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
        "deleted_jobs": integer("Number of jobs deleted."),
        "deleted_flows": integer("Number of flows deleted."),
        "outputs": flag("Whether all outputs were deleted too."),
        **_DRY_RUN,
    },
)
_NUMBER = {
    "unlocked": integer("Number of documents whose lock was, or would be, removed."),
    **_DRY_RUN,
}
UNLOCKED = outcome_schema(
    "unlocked", "What `jf admin unlock` and `unlock-flow` did, or would do.", **_NUMBER
)
UNLOCKED_RUNNER = DocumentSchema(
    "unlocked-runner", "What `jf admin unlock-runner` did, or would do.", _NUMBER
)
REBUILT = DocumentSchema(
    "rebuilt-indexes",
    "What `jf admin index rebuild` did, or would do.",
    {
        "lost": mapping("{collection: names of dropped indexes that jfr had not created}"),
        **_DRY_RUN,
    },
)
CREATED_INDEX = DocumentSchema(
    "created-index",
    "The index that `jf admin index create` created, or would create.",
    {
        "collection": text("Collection of the index."),
        "key": text("The indexed field."),
        "descending": flag("Whether the order is descending."),
        "unique": flag("Whether two documents with the same value are refused."),
        **_DRY_RUN,
    },
)
BACKUP = DocumentSchema(
    "backup",
    "What `jf backup create` and `restore` did, or would do.",
    {
        "folder": text("The folder of the backup files."),
        "documents": mapping("{collection: number of documents}"),
        **_DRY_RUN,
    },
)


def unlocking(held: Sequence[HeldLock], *, dry_run: bool) -> Tally:
    """Return the result of unlocking jobs or flows."""
    free = {"lock_id": None}
    changes = [
        Changed(one.db_id, one.name, {"lock_id": one.lock_id, "lock_time": one.lock_time}, free)
        for one in held
    ]
    return Tally(changes, dry_run=dry_run)
