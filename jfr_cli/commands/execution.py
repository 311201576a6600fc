"""``jf execution``: what runs on a worker. `jfr_cli.main` recognises the common form earlier."""

from __future__ import annotations

from typing import Annotated

import typer

from jfr_cli import options

app = options.command_group("What runs on a worker.")


@app.command("run")
def run(
    run_dir: Annotated[str, typer.Argument(metavar="DIR", help="Directory of the job.")] = ".",
) -> None:
    """Run the job whose input lies in a directory.

    Example: jf execution run .
    """
    from controller.execution.run import run_remote_job

    raise typer.Exit(run_remote_job(run_dir))
