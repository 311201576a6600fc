"""``jf runner``: run the jobs of a project, and control its runners."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from controller.errors import JobFailedError
from jfr_cli import options
from jfr_cli.commands.metrics import Metrics
from jfr_cli.commands.notify import Notify
from jfr_cli.commands.runner_daemon import app
from jfr_cli.commands.worker import log_in_to_workers
from jfr_cli.console import say
from jfr_cli.output import (
    show_count,
    show_one,
    show_report,
    show_rows,
    shows_document,
    shows_list,
    shows_one,
    wants_count,
)
from jfr_cli.prompts import confirm, knows_old_force
from jfr_cli.render.outcome import counted
from jfr_cli.render.runners import (
    RUNNER,
    RUNNER_PROCESS,
    RUNNER_STATUS,
    RunnersSeen,
    status_lines,
)
from jfr_cli.session import CURRENT

__all__ = ["app"]


@app.command("run")
@shows_document()
def run(
    log_level: options.LogLevel = None,
    set_pid: options.SetPid = False,
    transfer: Annotated[
        bool, typer.Option("--transfer", "-t", help="Upload and download.")
    ] = False,
    complete: Annotated[bool, typer.Option("--complete", "-com", help="Complete jobs.")] = False,
    queue: Annotated[
        bool, typer.Option("--queue", "-q", help="Submit and poll the queues.")
    ] = False,
    checkout: Annotated[bool, typer.Option("--checkout", "-cho", help="Claim jobs.")] = False,
    interactive: options.Interactive = False,
    daemonized: Annotated[
        bool, typer.Option("--daemonized", "-d", help="Started by a daemon.")
    ] = False,
    until_idle: Annotated[
        bool,
        typer.Option(
            "--until-idle", help="Stop when nothing is left to do (for the chosen steps)."
        ),
    ] = False,
    max_time: Annotated[
        float | None,
        typer.Option("--max-time", min=0, help="Stop after this many seconds; exit 8 if not idle."),
    ] = None,
    metrics: Metrics = None,
) -> None:
    """Run jobs in the foreground, until Ctrl-C or until nothing is left to do.

    Example: jf runner run --until-idle
    """
    from controller.execution.worker_pools import start_pools

    if interactive:
        log_in_to_workers(CURRENT.project)
    chosen = any((transfer, complete, queue, checkout))
    # Now: they import jobflow while this process imports what a runner needs.
    pools = start_pools(CURRENT.project) if queue or not chosen else {}

    from controller.metrics import serving_metrics
    from controller.runner import Runner

    runner = Runner(
        project=CURRENT.project,
        log_level=log_level,
        runner_id=str(os.getpid()) if set_pid else None,
        daemon_id=str(os.getppid()) if daemonized else None,
        pools=pools,
    )
    try:
        parts = {
            "transfer": transfer or not chosen,
            "complete": complete or not chosen,
            "queue": queue or not chosen,
            "checkout": checkout or not chosen,
        }
        with serving_metrics(runner.controller, metrics) as runner.metrics_at:
            if not until_idle:
                runner.run(**parts, max_time=max_time)
                return
            summary = runner.run_until_idle(max_time, **parts)
    finally:
        runner.cleanup()
    show_report(
        {
            "completed": summary.completed,
            "failed": summary.failed,
            "timed_out": summary.timed_out,
        },
        f"{counted(len(summary.completed), 'job')} completed, {len(summary.failed)} failed"
        + (f"; others were not done after {max_time:g} s" if summary.timed_out else ""),
    )
    if summary.timed_out:
        raise typer.Exit(8)
    if summary.failed:
        raise JobFailedError(
            f"{counted(len(summary.failed), 'job')} ended in an error: "
            f"{', '.join(summary.failed[:10])}",
            db_ids=summary.failed,
            hint=f"`jf job info {summary.failed[0]}` shows why",
        )


@app.command("status")
@shows_one()
def status(notify: Notify = False) -> None:
    """Show whether a runner serves the project, and list all; exit 9 if none is alive (for cron).

    Example: jf runner status || mail -s "no runner" me@example.org
    """
    with CURRENT.controller() as controller:
        found = controller.get_runner_status()
        seen = RunnersSeen(found, controller.get_runners_overview())
        if notify:
            from controller.notifications import tell_of_runner

            tell_of_runner(controller.queue, CURRENT.project)
    if wants_count():
        show_count(int(found.alive))
    else:
        show_one(seen, RUNNER_STATUS, lambda: status_lines(seen))
    if not found.alive:
        raise typer.Exit(9)


@app.command("list")
@shows_list()
def list_runners(verbosity: options.Verbosity = 0) -> None:
    """List the runners of the project: on every machine, in the background or not.

    Example: jf runner list
    """
    with CURRENT.controller() as controller:
        overview = controller.get_runners_overview()
    show_rows(overview.runners, RUNNER_PROCESS, verbosity=verbosity)


@app.command("info")
@shows_one(watchable=True)
def info(
    verbosity: options.Verbosity = 0,
    pings: Annotated[
        bool, typer.Option("--pings", "-p", help="Also show the last heartbeats.")
    ] = False,
) -> None:
    """Show the registered runner, alive or not.

    Example: jf runner info --pings
    """
    from jfr_cli.render.runners import RunnerInfo, runner_panel

    with CURRENT.controller() as controller:
        found = RunnerInfo(
            controller.get_runner_status(),
            controller.get_runner_pings() if pings else None,
            whole=verbosity > 0,
        )
    if wants_count():
        show_count(int(found.status.alive))
    else:
        show_one(found, RUNNER, lambda: runner_panel(found))


@app.command("reset")
@knows_old_force
@shows_document()
def reset(
    yes: options.Yes = False,
    break_lock: options.BreakLock = False,
    dry_run: options.DryRun = False,
) -> None:
    """Delete the record of the registered runner; if it is still alive, it registers again.

    Example: jf runner reset --yes
    """
    with CURRENT.controller() as controller:
        found = controller.get_runner_status()
        if found.record is None:
            say("warning: no runner is registered")
        elif not dry_run:
            who = f"process {found.record.get('pid')} on {found.record.get('hostname')}"
            confirm(f"Delete the record of the runner ({who}, {found.state})?", yes)
            controller.clean_running_runner(break_lock=break_lock)
    done = found.record is not None
    show_report(
        {"reset": done and not dry_run, "dry_run": dry_run},
        *(
            [
                "the runner's record would be deleted"
                if dry_run
                else "the runner's record is deleted"
            ]
            if done
            else []
        ),
    )


@app.command("update-status")
@shows_document()
def update_status(
    log_level: options.LogLevel = None,
    set_pid: options.SetPid = False,
    interactive: options.Interactive = False,
    dry_run: options.DryRun = False,
) -> None:
    """Poll the queues once and update job states; only while no runner is active.

    Example: jf runner update-status
    """
    from controller.runner import Runner

    if interactive:
        log_in_to_workers(CURRENT.project)
    runner = Runner(
        project=CURRENT.project,
        log_level=log_level,
        runner_id=str(os.getpid()) if set_pid else None,
    )
    try:
        changed = runner.update_status(dry_run)
    finally:
        runner.cleanup()
    show_report(
        {"changed": changed, "dry_run": dry_run},
        f"{counted(len(changed), 'job')} {'would change' if dry_run else 'changed'} state",
    )
