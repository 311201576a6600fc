"""``jf quickstart``: a project that needs no database server."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from controller.errors import ConfigError
from jfr_cli import command_groups, options
from jfr_cli.console import say
from jfr_cli.output import show_report, shows_document

app = typer.Typer(add_completion=False, context_settings=command_groups.CONTEXT)


@app.command()
@shows_document()
def quickstart(
    name: Annotated[str, typer.Argument(help="Name of the project.")] = "jfr",
    dry_run: options.DryRun = False,
) -> None:
    """Create a ready-to-run project with an embedded database and a local worker.

    Example: jf quickstart
    """
    from controller.config import ConfigManager, quickstart_project
    from controller.jobcontroller import JobController

    manager = ConfigManager()
    made = name not in manager.projects_data
    if not made:
        path = manager.projects_data[name].filepath
        if manager.projects[name].queue.store.get("type") != "EmbeddedStore":
            raise ConfigError(
                f"a project {name!r} already exists ({path})", hint="choose another name"
            )
        say(f"project {name} already exists ({path})")
    else:
        path = str(manager.create_project(quickstart_project(name), dry_run=dry_run))
    if dry_run:
        lines = [f"would create project {name}: {path}"] if made else []
        show_report({"project": name, "file": path, "dry_run": True}, *lines)
        return
    with JobController.from_project(manager.get_project(name)) as controller:
        if made or not controller.is_set_up():
            controller.reset()
    show_report(
        {"project": name, "file": path, "dry_run": False},
        f"project {name}: {path}",
        *_next_steps(name, is_selected=_is_selected(name)),
    )


def _is_selected(name: str) -> bool:
    """Whether commands without ``-p`` use a project."""
    from controller.config import ConfigManager

    try:
        return ConfigManager().select_project_name() == name
    except ConfigError:
        return False


def _next_steps(name: str, *, is_selected: bool) -> tuple[str, ...]:
    jf = "jf" if is_selected else f"jf -p {shlex.quote(name)}"
    flow = "your_flow" if is_selected else f"your_flow, project={name!r}"
    return (
        f"next, in Python:   from controller import submit_flow; submit_flow({flow})",
        f"then:              {jf} runner run --until-idle",
        f"and look:          {jf} flow list; {jf} job list; {jf} job output 1",
    )
