"""``jf execution``: what runs on a worker. `jfr_cli.main` handles the common form earlier."""

from __future__ import annotations

import inspect
from typing import Annotated, Any

import typer

from jfr_cli import options
from jfr_cli.not_implemented import Later

app = options.command_group("Run jobs on a worker.")
_RUN_BATCH: dict[str, tuple[Any, Any]] = {
    "base_run_dir": (
        Annotated[str, typer.Argument(metavar="BASE_RUN_DIR", help="Folder of the jobs.")],
        inspect.Parameter.empty,
    ),
    "files_dir": (
        Annotated[str, typer.Argument(metavar="FILES_DIR", help="Pool of the jobs.")],
        inspect.Parameter.empty,
    ),
    "batch_uid": (
        Annotated[str, typer.Argument(metavar="BATCH_UID", help="Internal id of the process.")],
        inspect.Parameter.empty,
    ),
    "max_time": (
        Annotated[
            float | None,
            typer.Option("--max-time", "-mt", help="Start jobs for this many seconds."),
        ],
        None,
    ),
    "max_wait": (
        Annotated[
            float | None,
            typer.Option("--max-wait", "-mw", help="Wait this many seconds for a job."),
        ],
        60,
    ),
    "max_jobs": (
        Annotated[int | None, typer.Option("--max-jobs", "-mj", help="Jobs to run.")],
        None,
    ),
    "parallel_jobs": (
        Annotated[
            int | None, typer.Option("--parallel-jobs", "-pj", help="Number of parallel jobs.")
        ],
        None,
    ),
    "sleep_time": (
        Annotated[
            float | None, typer.Option("--sleep-time", "-st", help="Seconds between checks.")
        ],
        None,
    ),
}
Later(
    "execution run-batch",
    "Run the jobs of a pool.",
    "use a worker without `batch`",
    _RUN_BATCH,
    "/runs /pool UID",
).add_to(app)


@app.command("run")
def run(
    run_dir: Annotated[str, typer.Argument(metavar="DIR", help="Directory of the job.")] = ".",
) -> None:
    """Run the job whose input is in a directory.

    Example: jf execution run .
    """
    from controller.execution.run import run_remote_job

    raise typer.Exit(run_remote_job(run_dir))


@app.command("pool")
def pool() -> None:
    """Run jobs one after the other in processes that stay.

    A runner starts it for workers with `warm`. It reads what to do from standard input, a line of
    JSON each, and ends when that ends.

    Example: jf execution pool < /dev/null
    """
    from controller.execution.zygote import main

    raise typer.Exit(main())
