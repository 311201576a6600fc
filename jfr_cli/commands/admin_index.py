"""``jf admin index``: the indexes of the queue database."""

from __future__ import annotations

from typing import Annotated

import typer

from jfr_cli import choices, command_groups, options
from jfr_cli.output import show_report, shows_document
from jfr_cli.progress import progress_bar
from jfr_cli.prompts import confirm
from jfr_cli.session import CURRENT

app = command_groups.command_group("The indexes of the queue database.")

_COLLECTIONS = ("jobs", "flows", "aux", "batches")
_WAYS = {"asc": 1, "desc": -1}
_AGAIN = "run the same command again to build the missing ones"
_Foreground = Annotated[
    bool,
    typer.Option(
        "--foreground", "-fg", help="Block all other work on the server during the build."
    ),
]


@app.command("rebuild")
@shows_document()
def rebuild(
    foreground: _Foreground = False, yes: options.Yes = False, dry_run: options.DryRun = False
) -> None:
    """Drop all indexes and rebuild the built-in ones; indexes you added are lost.

    Example: jf admin index rebuild --dry-run
    """
    with CURRENT.controller() as controller:
        lost = controller.custom_indexes()
        names = [f"{name} of {target}" for target, found in lost.items() for name in found]
        if not dry_run:
            if names:
                confirm(f"This drops the indexes {', '.join(names)} for good. Proceed?", yes)
            with progress_bar("building indexes", at_least=1, afterwards=_AGAIN) as report:
                controller.build_indexes(background=not foreground, drop=True, progress=report)
    would = "would be " if dry_run else ""
    show_report(
        {"lost": lost, "dry_run": dry_run},
        f"indexes {would or 'were '}rebuilt; {would}lost: {', '.join(names) or 'none'}",
    )


@app.command("create")
@shows_document()
def create(
    key: Annotated[
        str, typer.Argument(metavar="KEY", help="Field name, with dots between levels.")
    ],
    way: Annotated[
        str,
        typer.Argument(metavar="WAY", help="asc or desc.", **choices.choice(tuple(_WAYS))),
    ] = "asc",
    foreground: _Foreground = False,
    collection: Annotated[
        str,
        typer.Option(
            "--collection",
            "-c",
            metavar="NAME",
            help=f"One of {', '.join(_COLLECTIONS)}.",
            **choices.choice(_COLLECTIONS),
        ),
    ] = "jobs",
    unique: Annotated[bool, typer.Option("--unique", "-u", help="Require unique values.")] = False,
    dry_run: options.DryRun = False,
) -> None:
    """Create a custom index if it does not exist.

    Example: jf admin index create job.metadata.tag
    """
    from controller.documents import DbCollection

    if not dry_run:
        with CURRENT.controller() as controller:
            controller.create_indexes(
                [[(key, _WAYS[way])]],
                collection=DbCollection(collection),
                unique=unique,
                background=not foreground,
            )
    show_report(
        {
            "collection": collection,
            "key": key,
            "descending": way == "desc",
            "unique": unique,
            "dry_run": dry_run,
        },
        f"an index on {key} of {collection} {'would be created' if dry_run else 'exists'}",
    )
