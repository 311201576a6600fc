"""``jf execution``: what runs on a worker. `jfr_cli.main` recognises the common form earlier."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    help="What runs on a worker.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def _group() -> None:
    """What runs on a worker."""


@app.command("run")
def run(
    run_dir: Annotated[str, typer.Argument(metavar="DIR", help="Directory of the job.")] = ".",
) -> None:
    """Run the job whose input lies in a directory.

    Example: jf execution run .
    """
    from controller.execution.run import run_remote_job

    raise typer.Exit(run_remote_job(run_dir))
