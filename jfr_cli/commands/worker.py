"""``jf worker``: log in to hosts that require a second factor."""

from __future__ import annotations

from typing import Annotated

import typer

from controller.errors import ArgumentError
from jfr_cli import complete, options
from jfr_cli.output import show_report, shows_document
from jfr_cli.session import CURRENT

app = options.command_group("Log in to hosts that require a second factor.")

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
