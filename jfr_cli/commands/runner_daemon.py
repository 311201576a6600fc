"""The commands of ``jf runner`` that start runners in the background and send them requests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.errors import ArgumentError, ControllerError
from jfr_cli import command_groups, options
from jfr_cli.commands.metrics import Metrics
from jfr_cli.commands.runner_ending import (
    end_runners_of,
    ended_runners,
    exit_for,
    limit_of,
    waiting_line,
)
from jfr_cli.commands.worker import log_in_to_workers
from jfr_cli.console import print_data, say
from jfr_cli.output import show_report, shows_document
from jfr_cli.session import CURRENT

if TYPE_CHECKING:
    from controller.config import Project
    from controller.service.starting import Started

app = command_groups.command_group("Run the jobs of a project, and control its runners.")

_Transfer = Annotated[
    int, typer.Option("--transfer", "-t", min=1, help="Processes that upload and download.")
]
_Complete = Annotated[
    int, typer.Option("--complete", "-com", min=1, help="Processes that complete jobs.")
]
_Single = Annotated[bool, typer.Option("--single", "-s", help="One process for everything.")]
_AllProjects = Annotated[
    bool, typer.Option("--all-projects", help="Start the runners of all projects.")
]
_Wait = Annotated[bool, typer.Option("--wait", "-w", help="Wait until it has ended.")]
_All = Annotated[bool, typer.Option("--all", "-a", help="Runners of all projects.")]
_File = Annotated[
    Path | None,
    typer.Option(
        "--json", "-j", metavar="FILE", help="Write the names of the projects to a file (-a)."
    ),
]
_MaxWait = Annotated[
    int,
    typer.Option(
        "--max-wait",
        "-m",
        min=0,
        help="Seconds to wait with --wait; 0, and without --all the default, mean no limit.",
    ),
]
ALL_WAIT = 120
_Runner = Annotated[
    str | None, typer.Option("--runner", metavar="RUNNER", help="Only the runner of this id.")
]
_Host = Annotated[
    str | None, typer.Option("--host", metavar="NAME", help="Only runners on this machine.")
]


@app.command("start")
@shows_document()
def start(
    transfer: _Transfer = 1,
    complete: _Complete = 1,
    single: _Single = False,
    log_level: options.LogLevel = None,
    interactive: options.Interactive = False,
    all_projects: _AllProjects = False,
    metrics: Metrics = None,
) -> None:
    """Start a runner in the background; wait until it is registered, or say why it is not.

    Example: jf runner start
    """
    from controller.service.processes import StartOptions

    if single and (transfer > 1 or complete > 1):
        raise ArgumentError("--single means one process: leave out --transfer and --complete")
    if interactive and (transfer > 1 or complete > 1):
        raise ArgumentError("--connect-interactive requires --single")
    if interactive and all_projects:
        raise ArgumentError("--connect-interactive works for one project only")
    if metrics is not None:
        if all_projects:
            raise ArgumentError(
                "--metrics works for one project only: each project needs its own port"
            )
        from controller.metrics import parse_address

        parse_address(metrics)
    chosen = StartOptions(transfer, complete, log_level, interactive, metrics)
    if all_projects:
        _for_all_projects(lambda project: _started(project, chosen), "started")
        return
    if interactive:  # a process in the background has no user to ask
        log_in_to_workers(CURRENT.project)
    started = _started(CURRENT.project, chosen)
    show_report(_start_facts(CURRENT.project, started), *_start_lines(CURRENT.project, started))


def _started(project: Project, chosen: Any) -> list[Started]:
    from controller.service.starting import start_runners

    with waiting_line(f"starting the runner of project {project.name}") as going:
        return start_runners(project, chosen, on_wait=lambda: going(()))


def _start_facts(project: Project, started: list[Started]) -> dict[str, Any]:
    return {"project": project.name, "started": [vars(one) for one in started]}


def _start_lines(project: Project, started: list[Started]) -> list[str]:
    from controller.service.processes import MAIN

    return [
        ("the runner" if one.name == MAIN else f"the runner ({one.name})")
        + f" of project {project.name} has started: process {one.pid}, log {one.log_file}"
        + (f", metrics {one.metrics}" if one.metrics else "")
        for one in started
    ]


def _for_all_projects(action: Any, done: str) -> dict[str, Any]:
    """Do something for every usable project; a failure of one does not affect the others.

    Raises
    ------
    typer.Exit
        Exit code 5 if it failed for some projects, 1 if for all.
    """
    from controller.config import ConfigManager

    results: dict[str, Any] = {}
    failed: dict[str, str] = {}
    manager = ConfigManager()
    for problem in manager.unusable.values():
        say(f"warning: {problem}")
    for name, project in sorted(manager.projects.items()):
        try:
            results[name] = action(project)
        except ControllerError as error:
            failed[name] = error.message
            say(f"jf: project {name}: {error}")
        else:
            say(f"project {name}: {done}")
    show_report({done: sorted(results), "failed": failed})
    if failed:
        raise typer.Exit(5 if results else 1)
    return results


@app.command("stop")
def stop(
    context: typer.Context,
    wait: _Wait = False,
    all_projects: _All = False,
    file: _File = None,
    max_wait: _MaxWait = ALL_WAIT,
    runner: _Runner = None,
    host: _Host = None,
) -> None:
    """Stop the runners of the project, on any machine, after their current step.

    Example: jf runner stop --wait
    """
    end_runners_of(
        wait, all_projects, file, limit_of(context, max_wait, all_projects), runner, host
    )


@app.command("shutdown")
def shutdown(
    context: typer.Context,
    wait: _Wait = False,
    all_projects: _All = False,
    file: _File = None,
    max_wait: _MaxWait = ALL_WAIT,
    runner: _Runner = None,
    host: _Host = None,
) -> None:
    """Same as stop.

    Example: jf runner shutdown
    """
    end_runners_of(
        wait, all_projects, file, limit_of(context, max_wait, all_projects), runner, host
    )


@app.command("stop-processes", hidden=True)
def stop_processes(
    context: typer.Context,
    wait: _Wait = False,
    all_projects: _All = False,
    file: _File = None,
    max_wait: _MaxWait = ALL_WAIT,
    runner: _Runner = None,
    host: _Host = None,
) -> None:
    """Same as stop: there is no supervisor that would keep running.

    Example: jf runner stop-processes
    """
    end_runners_of(
        wait, all_projects, file, limit_of(context, max_wait, all_projects), runner, host
    )


@app.command("kill")
def kill(
    context: typer.Context,
    wait: _Wait = False,
    all_projects: _All = False,
    file: _File = None,
    max_wait: _MaxWait = ALL_WAIT,
    runner: _Runner = None,
    host: _Host = None,
) -> None:
    """End the runners at once; the next one recovers their unfinished steps.

    Example: jf runner kill
    """
    end_runners_of(
        wait,
        all_projects,
        file,
        limit_of(context, max_wait, all_projects),
        runner,
        host,
        at_once=True,
    )


@app.command("restart")
@shows_document()
def restart() -> None:
    """Stop the runner of this machine and start it again, with the options that it had.

    Example: jf runner restart
    """
    from controller.service.lockfile import holders
    from controller.service.processes import MAIN, StartOptions
    from controller.service.requests import Choice

    project = CURRENT.project
    facts = holders(project).get(MAIN) or {}
    ended = ended_runners(project, Choice(here=True), wait=True, limit=None, at_once=False)
    if not ended:
        say("no runner was active on this machine")
    started = _started(project, StartOptions.stored(facts.get("options") or {}))
    show_report(_start_facts(project, started), *_start_lines(project, started))


def _told(action: str, done: str, runner: str | None, host: str | None) -> None:
    """Send runners a request that does not end them, and print their answers."""
    from controller.rules.runner_requests import RequestAction
    from controller.service.requests import Choice, tell_runners

    with CURRENT.controller() as controller:
        asked = tell_runners(controller.queue, Choice(runner, host), RequestAction(action))
    words = {"done": done, "pending": "no answer yet", "silent": "silent", "refused": "refused"}
    lines = [
        f"{one.named}: {words[one.outcome]}" + (f": {one.message}" if one.message else "")
        for one in asked
    ] or ["no runner is active"]
    show_report({"runners": [vars(one) for one in asked]}, *lines)
    exit_for(asked)


@app.command("reload")
@shows_document()
def reload(runner: _Runner = None, host: _Host = None) -> None:
    """Make the runners read the project file again; running jobs are not affected.

    Example: jf runner reload
    """
    _told("reload", "the project file was reloaded", runner, host)


@app.command("pause")
@shows_document()
def pause(runner: _Runner = None, host: _Host = None) -> None:
    """Claim no more jobs; jobs in progress continue. Applies to new runners too.

    Example: jf runner pause
    """
    _claim(paused=True, runner=runner, host=host)


@app.command("resume")
@shows_document()
def resume(runner: _Runner = None, host: _Host = None) -> None:
    """Claim jobs again after `jf runner pause`.

    Example: jf runner resume
    """
    _claim(paused=False, runner=runner, host=host)


def _claim(*, paused: bool, runner: str | None, host: str | None) -> None:
    """Stop all runners, or one of them, from claiming jobs; or let them claim again."""
    words = "no further jobs are claimed" if paused else "jobs are claimed"
    if runner is not None or host is not None:
        _told("pause" if paused else "resume", words, runner, host)
        return
    with CURRENT.controller() as controller:
        changed = controller.pause_claims() if paused else controller.resume_claims()
    already = "" if changed else "; this was already so"
    facts = {"claims_paused": paused, "changed": changed}
    show_report(facts, f"{words} by the runners of project {CURRENT.project.name}{already}")


@app.command("foreground")
def foreground() -> None:
    """Follow the logs of the runners; Ctrl-C does not stop them.

    Example: jf runner foreground
    """
    from controller.service.lockfile import holders

    if not holders(CURRENT.project):
        say("warning: no runner was started in the background on this machine")
        return
    _follow(None, None, is_over=lambda: not holders(CURRENT.project))


@app.command("log")
def log(
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Keep printing new messages.")
    ] = False,
    lines: Annotated[
        int, typer.Option("--lines", "-n", min=0, help="Last messages to show; 0 for all.")
    ] = 50,
    runner: _Runner = None,
    level: options.LeastLevel = None,
) -> None:
    """Show the logs of all runners of the project on this machine's disks, merged.

    Example: jf runner log --follow --level warn
    """
    from controller.service.logfiles import merged_log

    folder, is_empty = Path(CURRENT.project.log_dir), True
    for entry in merged_log(folder, _log_choice(runner, level), last=lines or None):
        print_data(entry.text)
        is_empty = False
    if is_empty:
        chosen = "" if runner is None and level is None else " of this runner or level"
        say(f"no message{chosen} in {folder}")
    if follow:
        _follow(runner, level)


def _follow(runner: str | None, level: str | None, **more: Any) -> None:
    from controller.service.logfiles import follow_log

    folder = Path(CURRENT.project.log_dir)
    for entry in follow_log(folder, _log_choice(runner, level), **more):
        print_data(entry.text)


def _log_choice(runner: str | None, level: str | None) -> Any:
    import logging

    from controller.config import LogLevel
    from controller.service.logfiles import LogChoice

    return LogChoice(runner, LogLevel(level).to_logging() if level else logging.NOTSET)


@app.command("unit")
def unit(
    cron: Annotated[
        bool, typer.Option("--cron", help="Print crontab lines, for machines without systemd.")
    ] = False,
) -> None:
    """Print a systemd user unit, or crontab lines, that keep the project's runner running.

    Example: jf runner unit
    """
    from controller.service.units import cron_line, systemd_unit

    project = CURRENT.project.name
    print_data(cron_line(project) if cron else systemd_unit(project).rstrip())
