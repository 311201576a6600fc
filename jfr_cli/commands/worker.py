"""``jf worker``: log in to machines that ask for a second factor."""

from __future__ import annotations

from typing import Annotated

import typer

from controller.errors import ArgumentError
from jfr_cli import complete, options
from jfr_cli.output import show_report, shows_document
from jfr_cli.session import CURRENT

app = options.command_group("Log in to machines that ask for a second factor.")

_Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="Name of the worker.", autocompletion=complete.worker_names
    ),
]


@app.command("login")
@shows_document()
def login(name: _Name) -> None:
    """Log in to the machine of a worker; ssh asks for what it needs, a one-time code for example.

    Runners and commands then use that connection until it ends, and never log in by themselves. It
    is for workers with interactive_login: true; the login of any other is tried out.

    Example: jf worker login cluster
    """
    from controller.config.workers import SSHWorker
    from controller.hosts.pool import log_in

    worker = CURRENT.project.get_worker(name)
    if not isinstance(worker, SSHWorker):
        raise ArgumentError(f"the worker {name} is this machine: there is nowhere to log in")
    machines = log_in(worker, name)
    lasts = worker.uses_openssh
    done = "logged in to" if lasts else "a login works at"
    show_report(
        {"worker": name, "machines": machines, "lasts": lasts}, f"{done} {', '.join(machines)}"
    )
