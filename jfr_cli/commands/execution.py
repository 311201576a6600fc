"""``jf execution``: commands that run on a worker; `jfr_cli.main` handles the usual form."""

from __future__ import annotations

from typing import Annotated

import typer

from jfr_cli import command_groups

app = command_groups.command_group("Run jobs on a worker.")


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
    """Run jobs one after the other in long-lived processes.

    A runner starts it for workers with `warm`. It reads commands from standard input, one line of
    JSON each, and ends when its input ends.

    Example: jf execution pool < /dev/null
    """
    from controller.execution.zygote import main

    raise typer.Exit(main())


@app.command("run-batch")
def run_batch(
    base_run_dir: Annotated[
        str, typer.Argument(metavar="BASE_RUN_DIR", help="Folder of the jobs.")
    ],
    files_dir: Annotated[str, typer.Argument(metavar="FILES_DIR", help="Pool of the jobs.")],
    batch_uid: Annotated[
        str, typer.Argument(metavar="BATCH_UID", help="Internal id of the process.")
    ],
    max_time: Annotated[
        float | None, typer.Option("--max-time", "-mt", help="Start jobs for this many seconds.")
    ] = None,
    max_wait: Annotated[
        float | None,
        typer.Option("--max-wait", "-mw", help="Wait this many seconds for a job (0: no limit)."),
    ] = 60,
    max_jobs: Annotated[
        int | None, typer.Option("--max-jobs", "-mj", help="Jobs to run before ending.")
    ] = None,
    parallel_jobs: Annotated[
        int | None, typer.Option("--parallel-jobs", "-pj", help="Number of parallel jobs.")
    ] = None,
    sleep_time: Annotated[
        float | None,
        typer.Option("--sleep-time", "-st", help="Maximum seconds between checks of the pool."),
    ] = None,
) -> None:
    """Run the jobs of a pool: the command of a batch process, inside its allocation.

    Example: jf execution run-batch /runs /pool UID
    """
    from controller.execution.pilot import run_batch_jobs

    raise typer.Exit(
        run_batch_jobs(
            base_run_dir,
            files_dir,
            batch_uid,
            max_time,
            max_wait,
            max_jobs,
            parallel_jobs,
            sleep_time,
        )
    )
