"""``jf project``: make, list and check projects."""

from __future__ import annotations

from typing import Annotated

import typer

from jfr_cli import options
from jfr_cli.console import hint, print_data, say
from jfr_cli.render import data
from jfr_cli.session import CURRENT

app = options.command_group("Make, list and check projects.", invoke_without_command=True)


@app.callback()
def group(ctx: typer.Context, tree: options.Tree = False) -> None:
    """Make, list and check projects."""
    del tree
    if ctx.invoked_subcommand is None:
        say("see `jf project list`, `jf project generate --help` and `jf project check`")


@app.command("list")
def list_projects(
    warn: Annotated[
        bool, typer.Option("--warn", "-w", help="Say which files cannot be used.")
    ] = False,
    output_format: options.OutputFormat = None,
    json: options.Json = False,
) -> None:
    """List the projects by name.

    Example: jf project list -w
    """
    form = CURRENT.use_format(output_format, json)
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
    if form in ("table", "wide"):
        for row in rows:
            print_data(f"{row['name']}{'  *' if row['selected'] else ''}")
        if not rows:
            hint(f"there is no project in {manager.folder}: `jf quickstart` makes one")
    else:
        print_data(data.written(rows, form, name_key="name"))
    if manager.unusable and (warn or CURRENT.warn_project):
        for problem in manager.unusable.values():
            say(f"warning: {problem}")
    elif manager.unusable:
        hint(f"{len(manager.unusable)} files cannot be used: `jf project list -w` says why")


@app.command("generate")
def generate(
    name: Annotated[str, typer.Argument(help="Name of the new project.")],
    file_format: Annotated[
        str, typer.Option("--format", "-f", metavar="FORMAT", help="json, yaml or toml.")
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
def check(
    jobstore: Annotated[bool, typer.Option("--jobstore", "-js", help="Only the JobStore.")] = False,
    queue: Annotated[bool, typer.Option("--queue", "-q", help="Only the queue.")] = False,
    worker: Annotated[str | None, typer.Option("--worker", "-w", help="Only this worker.")] = None,
    errors: Annotated[bool, typer.Option("--errors", "-e", help="Show whole errors.")] = False,
    full: Annotated[bool, typer.Option("--full", "-f", help="Check more.")] = False,
    output_format: options.OutputFormat = None,
    json: options.Json = False,
) -> None:
    """Check that database, outputs and workers can be used; exit 9 when one cannot.

    Example: jf project check
    """
    del full
    form = CURRENT.use_format(output_format, json)
    from controller.checks import check_project

    only = {"jobstore": jobstore, "queue": queue, "worker": worker is not None}
    parts = [part for part, chosen in only.items() if chosen] or list(only)
    results = check_project(CURRENT.project, parts, worker)
    if form in ("table", "wide"):
        for result in results:
            print_data(f"{'ok  ' if result.ok else 'FAIL'} {result.what}")
            if result.problem:
                print_data(f"     {result.problem if errors else result.problem.splitlines()[0]}")
    else:
        rows = [{"what": r.what, "ok": r.ok, "problem": r.problem} for r in results]
        print_data(data.written(rows, form, name_key="what"))
    if not all(result.ok for result in results):
        raise typer.Exit(9)
