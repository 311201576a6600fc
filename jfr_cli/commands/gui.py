"""``jf gui``: view the project in a browser."""

from __future__ import annotations

from typing import Annotated

import typer

from jfr_cli import options
from jfr_cli.not_implemented import Later

app = typer.Typer(add_completion=False, context_settings=options.CONTEXT)
_PORT = Annotated[int, typer.Option("--port", "-p", help="Port to listen on.")]

Later(
    "gui",
    "View the project in a browser.",
    "jf flow list, jf flow info ID, jf job info ID",
    {"port": (_PORT, 5001)},
    "--port 5001",
).add_to(app)
