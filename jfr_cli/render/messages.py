"""Errors and versions."""

from __future__ import annotations

from jfr_cli.render.schemas import DocumentSchema, entry, integer, mapping, text

ERROR = DocumentSchema(
    "error",
    "Written to standard error with --json if a command fails.",
    {
        "error": entry(
            DocumentSchema(
                "",
                "The error.",
                {
                    "code": integer("The exit code."),
                    "message": text("The problem, in one line."),
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
        "python": text("Version of Python."),
        "extras": mapping("{extra of jfr: whether all that it needs is installed}."),
        "packages": mapping("{package that matters for jobs: version}, of those installed."),
    },
)
