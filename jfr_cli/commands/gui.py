"""``jf gui``: the project in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from controller.errors import ArgumentError
from jfr_cli import command_groups
from jfr_cli.console import say
from jfr_cli.session import CURRENT

app = typer.Typer(add_completion=False, context_settings=command_groups.CONTEXT)


@app.command()
def gui(
    port: Annotated[
        int, typer.Option("--port", "-p", min=0, max=65535, help="Port; 0 chooses a free one.")
    ] = 5001,
    host: Annotated[
        str, typer.Option("--host", help="Address to listen on; others let other users connect.")
    ] = "127.0.0.1",
    socket: Annotated[
        str | None,
        typer.Option("--socket", metavar="PATH", help="Listen on a unix socket, for ssh -L."),
    ] = None,
    actions: Annotated[
        bool,
        typer.Option(
            "--actions", help="Allow actions on the pages, which are read-only otherwise."
        ),
    ] = False,
) -> None:
    """View the project in a browser.

    Prints a link that works once, and serves until Ctrl-C.

    Example: jf gui --port 5001
    """
    from jfr_web.serve import HOST, Place, serve

    if socket is not None and host != HOST:
        raise ArgumentError("--socket and --host cannot be combined", hint="omit one of the two")
    place = Place(host, port, None if socket is None else Path(socket).expanduser().absolute())
    project = CURRENT.project
    serve(project, place, project_file=str(CURRENT.project_file), actions=actions, tell=say)
