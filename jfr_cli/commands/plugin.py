"""``jf plugin``: list the plugins that other packages add to jf."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from jfr_cli import command_groups
from jfr_cli.output import show_rows, shows_list
from jfr_cli.plugins import loaded_plugins
from jfr_cli.render.plugins import PLUGINS

app = command_groups.command_group("List the plugins that other packages add to jf.")


@app.command("list")
@shows_list()
def list_plugins(
    ctx: typer.Context,
    errors: Annotated[
        bool, typer.Option("--error", "-e", help="Show why plugins could not be loaded.")
    ] = False,
) -> None:
    """List the plugins and the commands they add.

    Example: jf plugin list -e
    """
    root: Any = ctx.find_root().command
    show_rows(loaded_plugins(tuple(root.list_commands(ctx))), PLUGINS, verbosity=int(errors))
