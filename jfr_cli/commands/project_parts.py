"""``jf project worker``, ``exec_config`` and ``edit``: the contents of project files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from controller.errors import StateError
from jfr_cli import command_groups, options
from jfr_cli.console import print_data, say
from jfr_cli.output import show_rows, shows_list, shows_table
from jfr_cli.parsing import CommandThatTakesEmpty
from jfr_cli.prompts import agrees, knows_old_force
from jfr_cli.render.project_files import EDITS, EXEC_CONFIGS, WORKERS, edit_row
from jfr_cli.session import CURRENT

workers = command_groups.command_group("The workers of a project.")
exec_configs = command_groups.command_group("The execution configurations of a project.")
edit = command_groups.command_group("Change project files.")


@workers.command("list")
@shows_list()
def list_workers(verbosity: options.Verbosity = 0) -> None:
    """List the workers of the project; the first one is the default.

    Example: jf project worker list -v
    """
    show_rows(list(CURRENT.project.workers.items()), WORKERS, verbosity=verbosity)


@exec_configs.command("list")
@shows_list()
def list_exec_configs(verbosity: options.Verbosity = 0) -> None:
    """List the execution configurations of the project.

    Example: jf project exec_config list -v
    """
    show_rows(list(CURRENT.project.exec_config.items()), EXEC_CONFIGS, verbosity=verbosity)


@edit.command("replace", cls=CommandThatTakesEmpty)
@knows_old_force
@shows_list(watchable=False)
def replace(
    old: Annotated[str, typer.Argument(metavar="OLD", help="Text to replace.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The new text.")],
    everywhere: Annotated[
        bool, typer.Option("--all", "-a", help="Edit all project files, even with active runners.")
    ] = False,
    yes: options.Yes = False,
    no_backup: Annotated[
        bool, typer.Option("--no-backup", "-nb", help="Do not keep a copy of the file.")
    ] = False,
    dry_run: options.DryRun = False,
) -> None:
    """Replace a text in project files: shows and checks each change, and asks per file.

    Example: jf project edit replace /scratch/old /scratch/new --dry-run
    """
    from controller.config.editing import apply_edit, plan_replacement
    from controller.projects.files import files_to_edit

    edits = plan_replacement(files_to_edit(CURRENT.project_name, everywhere=everywhere), old, new)
    rows, spoiled = [], 0
    for planned in edits:
        if shows_table():
            print_data(planned.diff)
        for problem in planned.problems:
            say(f"warning: the project would be invalid: {problem}")
        refused = yes and not dry_run and planned.spoils
        spoiled += refused
        chosen = not (dry_run or refused) and agrees(f"Change {planned.path}?", yes)
        copy = apply_edit(planned, backup=not no_backup) if chosen else None
        if copy:
            say(f"copy of the old file: {copy}")
        rows.append(edit_row(planned, changed=chosen, backup=copy))
    if not shows_table():
        show_rows(rows, EDITS)
    else:
        changed = [Path(row["file"]).name for row in rows if row["changed"]]
        say(f"files with the text: {len(rows)}; changed: {', '.join(changed) or 'none'}")
    if spoiled:
        error = StateError(
            f"left as {'it was' if spoiled == 1 else 'they were'}: "
            f"{spoiled} {'file' if spoiled == 1 else 'files'} that would become invalid",
            hint="choose a longer OLD; without --yes, you are asked for each file",
        )
        error.done = [row["file"] for row in rows if row["changed"]]
        raise error
