"""``jf project``: make, list and check projects."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from jfr_cli import options
from jfr_cli.console import hint, print_data, say
from jfr_cli.output import show_rows, shows_list, shows_table
from jfr_cli.render.projects import CHECKS, PROJECTS
from jfr_cli.session import CURRENT

app = options.command_group("Make, list and check projects.", invoke_without_command=True)


@app.callback()
def group(ctx: typer.Context, tree: options.Tree = False) -> None:
    """Make, list and check projects."""
    del tree
    if ctx.invoked_subcommand is None:
        say("see `jf project list`, `jf project generate --help` and `jf project check`")


@app.command("list")
@shows_list()
def list_projects(
    warn: Annotated[
        bool, typer.Option("--warn", "-w", help="Say which files cannot be used.")
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
        hint(f"there is no project in {manager.folder}: `jf quickstart` makes one")
    if manager.unusable and (warn or CURRENT.warn_project):
        for problem in manager.unusable.values():
            say(f"warning: {problem}")
    elif manager.unusable:
        hint(f"{len(manager.unusable)} files cannot be used: `jf project list -w` says why")


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
            **options.choice(("yaml", "json", "toml")),
        ),
    ] = "yaml",
    full: Annotated[bool, typer.Option("--full", help="Write every kind of entry.")] = False,
) -> None:
    """Write an example project on MongoDB, to be edited.

    Example: jf project generate mine --full
    """
    from controller.config import ConfigManager, dummy_project

    path = ConfigManager().create_project(dummy_project(name, full=full), ext=file_format)
    print_data(str(path))
    hint("edit it, then: jf project check")


@app.command("check")
@shows_list()
def check(
    jobstore: Annotated[bool, typer.Option("--jobstore", "-js", help="Only the JobStore.")] = False,
    queue: Annotated[bool, typer.Option("--queue", "-q", help="Only the queue.")] = False,
    worker: Annotated[str | None, typer.Option("--worker", "-w", help="Only this worker.")] = None,
    errors: Annotated[bool, typer.Option("--errors", "-e", help="Show whole errors.")] = False,
    full: Annotated[bool, typer.Option("--full", "-f", help="Check more.")] = False,
) -> None:
    """Check that database, outputs and workers can be used; exit 9 when one cannot.

    Example: jf project check
    """
    del full
    from controller.checks import check_project

    only = {"jobstore": jobstore, "queue": queue, "worker": worker is not None}
    parts = [part for part, chosen in only.items() if chosen] or list(only)
    results = check_project(CURRENT.project, parts, worker)
    whole = errors or not shows_table()
    show_rows([_row(result, whole=whole) for result in results], CHECKS)
    if not all(result.ok for result in results):
        raise typer.Exit(9)


def _row(result: Any, *, whole: bool) -> dict[str, Any]:
    problem = result.problem if whole or not result.problem else result.problem.splitlines()[0]
    return {"what": result.what, "ok": result.ok, "problem": problem}
