"""What `jf` says about itself: errors and versions."""

from __future__ import annotations

from jfr_cli.render.shapes import Shape, entry, integer, text

ERROR = Shape(
    "error",
    "What is written to standard error with --json when a command fails.",
    {
        "error": entry(
            Shape(
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
VERSION_INFO = Shape(
    "version",
    "What `jf --version --json` prints.",
    {
        "jfr": text("Version of the program."),
        "schema": integer("Version of these schemas; the last part of each `$id`."),
    },
)
