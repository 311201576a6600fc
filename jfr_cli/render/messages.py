"""What `jf` says about itself: errors and versions."""

from __future__ import annotations

from jfr_cli.render.schemas import DocumentSchema, entry, integer, text

ERROR = DocumentSchema(
    "error",
    "What is written to standard error with --json when a command fails.",
    {
        "error": entry(
            DocumentSchema(
                "",
                "What went wrong.",
                {
                    "code": integer("The exit code."),
                    "message": text("What is wrong, in one line."),
                    "hint": text("What to do next.", null=True),
                },
            )
        )
    },
)
VERSION_INFO = DocumentSchema(
    "version",
    "What `jf --version --json` prints.",
    {
        "jfr": text("Version of the program."),
        "schema": integer("Version of these schemas; the last part of each `$id`."),
    },
)
