"""Logging in to the workers that require it, before a runner starts."""

from __future__ import annotations

from collections.abc import Callable

from controller.config import Project
from controller.config.workers import SSHWorker
from controller.errors import ControllerError, HostUnavailableError
from controller.hosts.pool import log_in, needs_login


def log_in_to(
    project: Project, asks: Callable[[str], bool] = lambda name: True
) -> dict[str, ControllerError]:
    """Log in to the workers that require an interactive login, unless a user has logged in.

    Parameters
    ----------
    asks
        Called with the name of a worker; returns whether to log in to it.

    Returns
    -------
    dict
        {name of a worker: why the login failed}. Its jobs wait for ``jf worker login``; those of
        other workers run.
    """
    failed: dict[str, ControllerError] = {}
    for name, worker in project.workers.items():
        if isinstance(worker, SSHWorker) and needs_login(worker, name) and asks(name):
            try:
                log_in(worker, name)
            except HostUnavailableError as error:
                failed[name] = error
    return failed
