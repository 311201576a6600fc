"""``jf runner``: run the jobs of a project."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from controller.errors import ArgumentError, JobFailedError
from jfr_cli import options
from jfr_cli.output import show_report, shows_one
from jfr_cli.session import CURRENT

app = options.command_group("Run the jobs of a project.")
_LEVELS = ("error", "warn", "info", "debug")


@app.command("run")
@shows_one()
def run(
    log_level: Annotated[
        str | None, typer.Option("--log-level", "-log", help="error, warn, info or debug.")
    ] = None,
    set_pid: Annotated[
        bool, typer.Option("--set-pid", "-pid", help="Use the process id as the runner's id.")
    ] = False,
    transfer: Annotated[
        bool, typer.Option("--transfer", "-t", help="Upload and download.")
    ] = False,
    complete: Annotated[bool, typer.Option("--complete", "-com", help="Complete jobs.")] = False,
    queue: Annotated[
        bool, typer.Option("--queue", "-q", help="Submit, and ask the queues.")
    ] = False,
    checkout: Annotated[bool, typer.Option("--checkout", "-cho", help="Claim jobs.")] = False,
    interactive: Annotated[
        bool, typer.Option("--connect-interactive", "-i", help="Ask for logins.")
    ] = False,
    daemonized: Annotated[
        bool, typer.Option("--daemonized", "-d", help="Started by a daemon.")
    ] = False,
    until_idle: Annotated[
        bool, typer.Option("--until-idle", help="End when nothing is left to do.")
    ] = False,
    max_time: Annotated[
        float | None, typer.Option("--max-time", help="Seconds after which to end (--until-idle).")
    ] = None,
) -> None:
    """Run jobs in the foreground, until Ctrl-C or until nothing is left to do.

    Example: jf runner run --until-idle
    """
    if log_level is not None and log_level not in _LEVELS:
        raise ArgumentError(f"--log-level is one of {', '.join(_LEVELS)}, not {log_level!r}")
    from controller.runner import Runner

    runner = Runner(
        project=CURRENT.project,
        log_level=log_level,
        runner_id=str(os.getpid()) if set_pid else None,
        connect_interactive=interactive,
        daemon_id=str(os.getppid()) if daemonized else None,
    )
    try:
        if not until_idle:
            chosen = any((transfer, complete, queue, checkout))
            runner.run(
                transfer=transfer or not chosen,
                complete=complete or not chosen,
                queue=queue or not chosen,
                checkout=checkout or not chosen,
            )
            return
        summary = runner.run_until_idle(max_time)
    finally:
        runner.cleanup()
    show_report(
        {
            "completed": summary.completed,
            "failed": summary.failed,
            "timed_out": summary.timed_out,
        },
        f"{len(summary.completed)} jobs completed, {len(summary.failed)} failed"
        + (f"; others were not done after {max_time:g} s" if summary.timed_out else ""),
    )
    if summary.timed_out:
        raise typer.Exit(8)
    if summary.failed:
        raise JobFailedError(
            f"{len(summary.failed)} jobs ended in an error: {', '.join(summary.failed[:10])}",
            db_ids=summary.failed,
            hint=f"`jf job info {summary.failed[0]}` tells why",
        )
