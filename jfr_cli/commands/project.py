"""``jf project``: create, list and check projects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Annotated

import typer

from controller.errors import ArgumentError, ConfigError
from jfr_cli import choices, command_groups, options
from jfr_cli.commands import project_parts
from jfr_cli.console import hint, print_data, say
from jfr_cli.output import (
    only_documents,
    show_report,
    show_rows,
    show_value,
    shows_document,
    shows_list,
    shows_table,
)
from jfr_cli.progress import Report, progress_bar, with_names
from jfr_cli.prompts import confirm, knows_old_force
from jfr_cli.render import data
from jfr_cli.render.project_files import CONFLICTS, MIGRATED, PROBLEMS, problem_line
from jfr_cli.render.projects import CHECKS, PROJECTS
from jfr_cli.session import CURRENT

app = command_groups.command_group(
    "Create, list, check, change and move projects.", invoke_without_command=True
)
app.add_typer(project_parts.workers, name="worker")
app.add_typer(project_parts.exec_configs, name="exec_config")
app.add_typer(project_parts.edit, name="edit")


@app.callback()
def group(ctx: typer.Context, tree: command_groups.Tree = False) -> None:
    """Create, list, check, change and move projects."""
    del tree
    if ctx.invoked_subcommand is not None:
        return
    from controller.config import ConfigManager

    try:
        selected = ConfigManager().get_project_data(CURRENT.project_name)
        print_data(f"the selected project is {selected.project.name} ({selected.filepath})")
    except ConfigError as error:
        say(f"no project is selected: {error}")
    hint("see `jf project list`, `jf project generate --help` and `jf project check`")


@app.command("list")
@shows_list()
def list_projects(
    warn: Annotated[
        bool, typer.Option("--warn", "-w", help="Show which files are invalid.")
    ] = False,
) -> None:
    """List the projects by name.

    Example: jf project list -w
    """
    from controller.config import SETTINGS, ConfigManager

    manager = ConfigManager()
    selected = CURRENT.project_name or SETTINGS.project
    rows = [
        {
            "name": name,
            "file": found.filepath,
            "selected": name == selected or len(manager.projects_data) == 1,
        }
        for name, found in sorted(manager.projects_data.items())
    ]
    show_rows(rows, PROJECTS)
    if not rows and shows_table():
        hint(f"there is no project in {manager.folder}: create one with `jf quickstart`")
    if warn or CURRENT.warn_project:
        for problem in (*manager.unusable.values(), *manager.warnings):
            say(f"warning: {problem}")
    elif manager.unusable:
        named = ", ".join(Path(name).name for name in sorted(manager.unusable))
        say(f"invalid: {named}")
        hint("`jf project list -w` says why")


@app.command("generate")
def generate(
    name: Annotated[str, typer.Argument(help="Name of the new project.")],
    file_format: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT",
            help="json, yaml or toml.",
            **choices.choice(("yaml", "json", "toml")),
        ),
    ] = "yaml",
    full: Annotated[bool, typer.Option("--full", help="Include every kind of entry.")] = False,
    dry_run: options.DryRun = False,
    json: options.Json = False,
) -> None:
    """Write an example MongoDB project file for you to edit.

    Example: jf project generate mine --full
    """
    from controller.config import ConfigManager, dummy_project
    from controller.config.writing import file_text

    CURRENT.use_format(None, json)
    only_documents()
    content = dummy_project(name, full=full)
    path = ConfigManager().create_project(content, ext=file_format, dry_run=dry_run)
    if not shows_table():
        show_value({"project": name, "file": path, "dry_run": dry_run})
    elif dry_run:
        print_data(file_text(path, content).rstrip("\n"))
    else:
        print_data(str(path))
        hint("edit it, then: jf project check")


@app.command("check")
@shows_list()
def check(
    jobstore: Annotated[
        bool, typer.Option("--jobstore", "-js", help="Only the JobStores.")
    ] = False,
    queue: Annotated[bool, typer.Option("--queue", "-q", help="Only the queue.")] = False,
    worker: options.OneWorker = None,
    errors: Annotated[bool, typer.Option("--errors", "-e", help="Show full errors.")] = False,
    full: Annotated[
        bool, typer.Option("--full", "-f", help="Also compare all packages of the workers.")
    ] = False,
) -> None:
    """Check database, outputs, workers and environment; exit 9 if a check fails.

    Example: jf project check -e
    """
    from controller.checks import PARTS, check_project

    only = {"jobstore": jobstore, "queue": queue, "worker": worker is not None}
    parts = [part for part, chosen in only.items() if chosen]
    if len(parts) > 1:
        raise ArgumentError(f"--{' and --'.join(parts)} cannot be combined")
    with progress_bar("checking", at_least=1, afterwards="nothing was changed") as report:
        results = check_project(
            CURRENT.project,
            parts or PARTS,
            worker,
            full=full,
            progress=with_names(report, "checking {}"),
        )
    show_rows(results, CHECKS, verbosity=int(errors))
    if not all(result.ok for result in results):
        raise typer.Exit(9)


@app.command("check-conflicts")
@shows_list()
def check_conflicts() -> None:
    """Look for databases, folders and batch pools that projects share; exit 9 if any.

    Example: jf project check-conflicts
    """
    from controller.config import ConfigManager, find_conflicts

    conflicts = find_conflicts(ConfigManager().projects.values())
    show_rows(conflicts, CONFLICTS)
    if conflicts:
        raise typer.Exit(9)


@app.command("validate")
@shows_list()
def validate(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A project file.", exists=True, dir_okay=False)
    ],
) -> None:
    """Validate a project file, problems by line; exit 9 if it is invalid.

    Example: jf project validate ~/.jfremote/mine.yaml
    """
    from controller.config import validate_file

    problems = validate_file(file)
    if shows_table():
        for problem in problems:
            print_data(problem_line(problem))
        if not problems:
            say(f"{file} is valid")
    else:
        show_rows(problems, PROBLEMS)
    if problems:
        raise typer.Exit(9)


@app.command("show")
@shows_document()
def show(
    name: options.OptionalProject = None,
    resolved: Annotated[
        bool, typer.Option("--resolved", help="Include all default values.")
    ] = False,
) -> None:
    """Show a project file, optionally with all defaults; secrets are hidden.

    Example: jf project show --resolved
    """
    from controller.config import ConfigManager, masked
    from controller.config.files import read_mapping

    found = ConfigManager().get_project_data(name or CURRENT.project_name)
    content = masked(found.project if resolved else read_mapping(Path(found.filepath)))
    form = "yaml" if shows_table() else CURRENT.output_format
    print_data(data.one_written(data.plain(content), form))


@app.command("remove")
@knows_old_force
@shows_document()
def remove(
    name: options.ProjectArgument,
    keep_folders: Annotated[
        bool, typer.Option("--keep-folders", "-k", help="Delete only the file, without asking.")
    ] = False,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
) -> None:
    """Delete a project: its file, and its folder with all that jfr made in it.

    Other files in the folder are kept and listed.

    Example: jf project remove old --dry-run
    """
    from controller.config import ConfigManager
    from controller.projects.files import remove_project

    manager = ConfigManager()
    removed = remove_project(manager, name, keep_folders=keep_folders, dry_run=True)
    if not dry_run:
        confirm(f"Delete {_named(removed.paths)}?", yes or keep_folders)
        removed = remove_project(manager, name, keep_folders=keep_folders, dry_run=False)
    what = _named(removed.paths)
    left = [f"not made by jfr, so left there: {_named(removed.left)}"] if removed.left else []
    show_report(
        {"project": name, "paths": removed.paths, "left": removed.left, "dry_run": dry_run},
        f"{'would delete' if dry_run else 'deleted'} {what}",
        *left,
    )


def _named(paths: Sequence[Path], most: int = 5) -> str:
    """Name files and folders in a sentence, or the first of many."""
    shown = [str(path) for path in paths[:most]]
    if len(paths) > most:
        shown.append(f"{len(paths) - most} more")
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))


@app.command("migrate")
@shows_list(watchable=False)
def migrate(
    to: Annotated[
        str,
        typer.Option(
            "--to",
            metavar="URI|PATH",
            help="mongodb://HOST/DATABASE, or a folder for an embedded database.",
        ),
    ],
    switch: Annotated[
        bool, typer.Option("--switch", help="Then switch the project file to it; keeps a copy.")
    ] = False,
    queue_only: Annotated[bool, typer.Option("--queue-only", help="Do not copy outputs.")] = False,
    yes: options.Yes = False,
    dry_run: options.DryRun = False,
) -> None:
    """Copy the project to another database and verify the copy; can be interrupted and repeated.

    Copies jobs, flows, batch processes, ids and the outputs stored with them; the original is not
    changed. No runner may be active.

    Example: jf project migrate --to mongodb://localhost/jobs --switch
    """
    from controller.config import ConfigManager
    from controller.projects import migration
    from controller.projects.migration_plan import plan_migration

    manager = ConfigManager()
    project = manager.get_project(CURRENT.project_name)
    plan = plan_migration(project, to, queue_only=queue_only)
    numbers = migration.count_documents(plan)
    for store in plan.left:
        say(f"not copied: {store.what} ({store.shown}) stays in use")
    if dry_run:
        migration.rehearse(plan, manager)
        show_rows(migration.planned_rows(plan, numbers), MIGRATED)
        return
    confirm(f"Copy {sum(numbers)} documents to {plan.rows[0]['target']}?", yes)
    with progress_bar("copying") as report:
        done = migration.migrate(plan, manager, switch=switch, step=_steps(report, sum(numbers)))
    show_rows(done.rows, MIGRATED)
    if done.backup is not None:
        say(f"{done.project_file} now names the new database; copy of the old file: {done.backup}")
    else:
        say("the copy is verified; the project file is unchanged (use --switch to change it)")


def _steps(report: Report, total: int) -> Callable[[], None]:
    """Return a progress callback that shows a bar per collection."""
    numbers = count(1)
    return lambda: report(next(numbers), total)
