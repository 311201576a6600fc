"""What the commands of ``jf admin`` did to the database."""

from __future__ import annotations

from jfr_cli.render.shapes import Shape, flag, integer, mapping, text

_DRY_RUN = {"dry_run": flag("Whether nothing was changed.")}

RESET = Shape(
    "reset",
    "What `jf admin reset` deleted, or would delete.",
    {
        "deleted_jobs": integer("Number of jobs."),
        "deleted_flows": integer("Number of flows."),
        "outputs": flag("Whether all outputs too."),
        **_DRY_RUN,
    },
)
UNLOCKED = Shape(
    "unlocked",
    "What `jf admin unlock`, `unlock-flow` and `unlock-runner` did, or would do.",
    {"unlocked": integer("Documents whose lock was removed."), **_DRY_RUN},
)
REBUILT = Shape(
    "rebuilt-indexes",
    "What `jf admin index rebuild` did, or would do.",
    {"lost": mapping("{collection: names of indexes that were not ours}"), **_DRY_RUN},
)
CREATED_INDEX = Shape(
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
BACKUP = Shape(
    "backup",
    "What `jf backup create` and `restore` did, or would do.",
    {
        "folder": text("The folder that holds the files."),
        "documents": mapping("{collection: number of documents}"),
        **_DRY_RUN,
    },
)
