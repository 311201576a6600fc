"""``jf backup``: back up the queue database to files and restore it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from jfr_cli import command_groups, options
from jfr_cli.output import show_report, shows_document
from jfr_cli.progress import progress_bar, with_names
from jfr_cli.session import CURRENT

_UNCHANGED = "nothing was written; an older backup is unchanged"
_ANEW = "the database is incomplete: run the same command again, it starts over"

app = command_groups.command_group("Back up the queue database to files and restore it.")

_Tools = Annotated[
    Path | None,
    typer.Option("--mongo-path", "-m", metavar="DIR", help="Folder of mongodump and mongorestore."),
]
_Python = Annotated[bool, typer.Option("--python", "-p", help="Never use MongoDB's tools.")]


@app.command("create")
@shows_document()
def create(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where to create the database's folder.")
    ] = Path(),
    compress: Annotated[
        bool, typer.Option("--compress", "-c", help="Compress: write .bson.gz.")
    ] = False,
    mongo_path: _Tools = None,
    python: _Python = False,
    dry_run: options.DryRun = False,
) -> None:
    """Write all jobs, flows, batch processes and ids to DIR/DATABASE, without outputs.

    An older backup there is replaced when the new one is complete. On a server without transactions
    no runner may be active.

    Example: jf backup create /backups --compress
    """
    with CURRENT.controller() as controller, _bar("backing up", _UNCHANGED) as report:
        counts = controller.backup_dump(
            folder, mongo_path, compress, python, progress=report, dry_run=dry_run
        )
        place = folder.absolute() / controller.queue.database.name
    _show(counts, place, "written to", dry_run=dry_run)


@app.command("restore")
@shows_document()
def restore(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder with the backup files.")
    ] = Path(),
    mongo_path: _Tools = None,
    python: _Python = False,
    dry_run: options.DryRun = False,
) -> None:
    """Restore a backup, made on either engine, into the empty queue database.

    After an interrupted restore, the next one starts over. No runner may be active.

    Example: jf backup restore /backups/queue
    """
    with CURRENT.controller() as controller, _bar("restoring", _ANEW) as report:
        counts = controller.backup_restore(
            folder, mongo_path, python, progress=report, dry_run=dry_run
        )
    _show(counts, folder.absolute(), "restored from", dry_run=dry_run)


@contextmanager
def _bar(what: str, afterwards: str) -> Iterator[Callable[[str, int, int], None]]:
    """Show a progress bar for each collection."""
    with progress_bar(what, afterwards=afterwards) as report:
        yield with_names(report, f"{what} {{}}")


def _show(counts: dict[str, int], folder: Path, done: str, *, dry_run: bool) -> None:
    numbers = ", ".join(f"{name} {number}" for name, number in counts.items())
    show_report(
        {"folder": folder, "documents": counts, "dry_run": dry_run},
        f"{'would be ' if dry_run else ''}{done} {folder}: {numbers}",
    )
