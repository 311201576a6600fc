"""Ending runners: the common parts of stop, shutdown, kill, stop-processes and restart."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from controller.errors import (
    ArgumentError,
    ControllerError,
    NotFoundError,
    StorageUnavailableError,
)
from jfr_cli.console import say, status
from jfr_cli.output import show_report
from jfr_cli.session import CURRENT

if TYPE_CHECKING:
    from controller.config import Project
    from controller.service.requests import Asked


def end_runners_of(
    wait: bool,
    all_projects: bool,
    file: Path | None,
    limit: float | None,
    runner: str | None,
    host: str | None,
    *,
    at_once: bool = False,
) -> None:
    """The common part of stop, shutdown, kill and stop-processes."""
    from controller.service.requests import Choice

    choice = Choice(runner, host)
    if not all_projects:
        if file is not None:
            raise ArgumentError("--json FILE requires --all", hint="jf --format json runner stop")
        show_ended(
            ended_runners(CURRENT.project, choice, wait, limit, at_once=at_once), at_once=at_once
        )
        return
    _end_all(choice, wait, limit, file, at_once=at_once)


def limit_of(context: typer.Context, max_wait: int, all_projects: bool) -> float | None:
    """Return the maximum time to wait, in seconds; None for no limit."""
    source = context.get_parameter_source("max_wait")
    is_given = source is not None and source.name != "DEFAULT"
    return float(max_wait) if max_wait and (all_projects or is_given) else None


def _end_all(
    choice: Any, wait: bool, limit: float | None, file: Path | None, *, at_once: bool
) -> None:
    from controller.config import ConfigManager

    deadline = None if limit is None else time.monotonic() + limit
    asked: dict[str, list[Asked]] = {}
    failed: dict[str, str] = {}
    for name, project in sorted(ConfigManager().projects.items()):
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        try:
            asked[name] = ended_runners(project, choice, wait, left, at_once=at_once)
        except NotFoundError:  # that runner may be one of another project
            asked[name] = []
        except ControllerError as error:
            failed[name] = error.message
            say(f"jf: project {name}: {error}")
    active = sorted(name for name, some in asked.items() if some)
    if file is not None:
        try:
            file.write_text(json.dumps(active) + "\n", encoding="utf-8")
        except OSError as error:
            raise ArgumentError(f"cannot write {file}: {error.strerror}") from None
    if not active and not failed:
        say(f"no runner{choice.in_words} is active in any project")
    show_ended([one for some in asked.values() for one in some], at_once=at_once, quiet=True)
    if failed:
        raise typer.Exit(5 if active else 4)


def ended_runners(
    project: Project, choice: Any, wait: bool, limit: float | None, *, at_once: bool
) -> list[Asked]:
    """Tell the runners of a project to end; only by signals if its database is unreachable."""
    from controller.jobcontroller import JobController
    from controller.service.requests import end_runners, end_without_database

    what = "killing" if at_once else "stopping"
    with waiting_line(f"{what} the runners of project {project.name}") as going:
        try:
            with JobController.from_project(project) as controller:
                return end_runners(
                    controller.queue,
                    choice,
                    at_once=at_once,
                    wait=wait,
                    max_wait=limit,
                    on_wait=going,
                )
        except StorageUnavailableError as error:
            asked = end_without_database(
                project, choice, at_once=at_once, max_wait=limit, on_wait=going
            )
            if not asked:
                raise
            say(f"warning: {error.message}; only runners on this machine were told")
            return asked


def show_ended(asked: Sequence[Asked], *, at_once: bool, quiet: bool = False) -> None:
    """Print the outcome for runners that were told to end.

    Raises
    ------
    typer.Exit
        Exit code 8 if one has not ended in time, 6 if one cannot be reached.
    """
    words = {
        "done": "killed" if at_once else "stopped",
        "asked": "told to end; `jf runner status` shows when it has",
        "pending": "has not ended yet",
        "silent": "does not answer",
        "refused": "refuses",
    }
    lines = [
        f"{one.named}: {words[one.outcome]}" + (f": {one.message}" if one.message else "")
        for one in asked
    ]
    if not asked and not quiet:
        lines = ["no runner is active: there was nothing to stop"]
    show_report({"runners": [vars(one) for one in asked]}, *lines)
    exit_for(asked)


def exit_for(asked: Sequence[Asked]) -> None:
    """Exit with 8 if one has not ended in time, 5 or 6 if some or all were not reached."""
    outcomes = {str(one.outcome) for one in asked}
    if "pending" in outcomes:
        raise typer.Exit(8)
    if outcomes & {"silent", "refused"}:
        raise typer.Exit(5 if outcomes & {"done", "asked"} else 6)


@contextmanager
def waiting_line(what: str) -> Iterator[Any]:
    """Show the wait and its duration on a terminal; yields the function to call during it."""
    begun = time.monotonic()

    def going(names: Sequence[str]) -> None:
        left = f" ({', '.join(names)})" if names else ""
        status(f"{what} ... {time.monotonic() - begun:.0f} s{left}")

    try:
        yield going
    finally:
        status("")
