"""``jf worker``: log in to workers and test them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from controller.errors import ArgumentError
from jfr_cli import command_groups, complete
from jfr_cli.console import say
from jfr_cli.output import show_report, show_value, shows_document, shows_table
from jfr_cli.progress import waiting_line
from jfr_cli.prompts import agrees
from jfr_cli.render.trials import standing, trial_lines, trial_row
from jfr_cli.session import CURRENT

if TYPE_CHECKING:
    from controller.config import Project

app = command_groups.command_group("Log in to workers and test them.")

_Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="Name of the worker.", autocompletion=complete.worker_names
    ),
]


@app.command("login")
@shows_document()
def login(name: _Name) -> None:
    """Log in to a worker's host; ssh asks for what it needs, such as a one-time code.

    Runners and commands then use this connection until it ends, and never log in themselves. Meant
    for workers with interactive_login: true; for any other worker, the login is only tested.

    Example: jf worker login cluster
    """
    from controller.config.workers import SSHWorker
    from controller.hosts.pool import log_in

    worker = CURRENT.project.get_worker(name)
    if not isinstance(worker, SSHWorker):
        raise ArgumentError(f"the worker {name} is local: no login is needed")
    machines = log_in(worker, name)
    lasts = worker.uses_openssh
    done = "logged in to" if lasts else "login works on"
    show_report(
        {"worker": name, "machines": machines, "lasts": lasts}, f"{done} {', '.join(machines)}"
    )


def log_in_to_workers(project: Project) -> None:
    """Log in to each worker that needs a user for it, if the user agrees.

    Raises
    ------
    ArgumentError
        There is no terminal for the login.
    """
    from controller.hosts.pool import needs_login
    from controller.runner import log_in_to

    waiting = [name for name, worker in project.workers.items() if needs_login(worker, name)]
    if waiting and not sys.stdin.isatty():
        raise ArgumentError(
            f"there is no terminal for the login to {', '.join(waiting)}",
            hint=f"on one: jf worker login {waiting[0]}",
        )
    failed = log_in_to(project, lambda name: agrees(f"Log in to worker {name}?", False))
    for name, error in failed.items():
        say(f"jf: worker {name}: {error}; its jobs wait for: jf worker login {name}")


@app.command("test")
@shows_document()
def try_out(
    name: _Name,
    exec_config: Annotated[
        str | None,
        typer.Option(
            "--exec-config",
            "-ec",
            metavar="NAME",
            help="Use this exec_config.",
            autocompletion=complete.exec_config_names,
        ),
    ] = None,
    connect: Annotated[
        str | None,
        typer.Option(
            "--connect",
            metavar="HOST:PORT",
            help="HOST:PORT that the job must reach from its node.",
        ),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option(
            "--timeout", metavar="SECONDS", min=1, help="Time limit; exit 8 when it is reached."
        ),
    ] = 600,
) -> None:
    """Run a small job through a worker's queue, end to end; exit 9 if it fails.

    It finds problems that only a job reveals: a missing module or package, or a bad pre_run line.
    The project's queue and outputs are not touched, and the files of the job are removed.

    Example: jf worker test cluster
    """
    from controller.runner.trial import try_worker

    with waiting_line(standing) as tell:
        trial = try_worker(
            CURRENT.project,
            name,
            timeout=timeout,
            exec_config=exec_config,
            connect=connect,
            tell=tell,
        )
    if shows_table():
        for line in trial_lines(trial):
            say(line)
    else:
        show_value(trial_row(trial))
    if not trial.ok:
        raise typer.Exit(8 if trial.state is None else 9)
