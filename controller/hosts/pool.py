"""Connections of this process: one per machine, shared by workers and threads."""

from __future__ import annotations

import atexit
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

from controller.hosts.base import Host
from controller.hosts.link import Link
from controller.hosts.local import LocalHost
from controller.hosts.openssh import OpenSSHLink
from controller.hosts.shell import ShellHost
from controller.hosts.split import SplitHost
from controller.hosts.ssh import ParamikoLink

if TYPE_CHECKING:
    from controller.config.workers import (
        ConnectionData,
        SeparatedTransferWorker,
        SSHWorker,
        WorkerBase,
    )


class Pool:
    """Links, shared by the hosts that use the same connection.

    A link is closed when the last host that uses it is closed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._links: dict[str, tuple[Link, int]] = {}

    def take(self, key: str, make: Callable[[], Link]) -> tuple[Link, Callable[[], None]]:
        """Return the link of a key, and a function that releases it, which may be called twice."""
        with self._lock:
            link, users = self._links.get(key) or (make(), 0)
            self._links[key] = (link, users + 1)
        given_back = threading.Event()

        def give_back() -> None:
            if not given_back.is_set():
                given_back.set()
                self._give_back(key)

        return link, give_back

    def _give_back(self, key: str) -> None:
        with self._lock:
            link, users = self._links.pop(key)
            if users > 1:
                self._links[key] = (link, users - 1)
                return
        link.close()

    def counts(self) -> list[tuple[str, int]]:
        """Return (name of its machine, hosts that use it) of each link."""
        with self._lock:
            return [(link.name, users) for link, users in self._links.values()]

    def close(self) -> None:
        """Close all links, even those in use."""
        with self._lock:
            links = [link for link, _ in self._links.values()]
        for link in links:
            link.close()


POOL = Pool()
"""The links of this process."""

atexit.register(POOL.close)


def open_host(worker: WorkerBase, name: str | None = None, pool: Pool = POOL) -> Host:
    """Return the host of a worker, not yet connected.

    Parameters
    ----------
    name
        Name of the worker, for hints.
    """
    from controller.config.workers import SeparatedTransferWorker, SSHWorker

    if not isinstance(worker, SSHWorker):
        return LocalHost(timeout=worker.timeout_execute)
    commands = _shell_host(worker, worker.connection, name, pool)
    if isinstance(worker, SeparatedTransferWorker):
        return SplitHost(commands, _shell_host(worker, worker.transfer_connection, name, pool))
    return commands


def open_link(worker: SSHWorker, connection: ConnectionData, name: str | None = None) -> Link:
    """Return a new link for a connection of a worker, of the worker's kind."""
    if worker.uses_openssh:
        return OpenSSHLink(
            connection,
            worker=name,
            interactive=worker.interactive_login,
            forward_agent=worker.forward_agent,
            connect_timeout=worker.connect_timeout,
            keepalive=worker.keepalive,
            ssh_config=worker.ssh_config,
        )
    return ParamikoLink(
        connection,
        forward_agent=worker.forward_agent,
        connect_timeout=worker.connect_timeout,
        keepalive=worker.keepalive,
        ssh_config=worker.ssh_config,
    )


def needs_login(worker: WorkerBase, name: str) -> bool:
    """Whether a user has to log in to a machine of a worker before it can be used."""
    from controller.config.workers import SeparatedTransferWorker, SSHWorker

    if not isinstance(worker, SSHWorker) or not worker.interactive_login:
        return False
    connections = [worker.connection]
    if isinstance(worker, SeparatedTransferWorker):
        connections.append(worker.transfer_connection)
    links = [open_link(worker, connection, name) for connection in connections]
    return any(isinstance(link, OpenSSHLink) and not link.is_connected for link in links)


def log_in(worker: SSHWorker | SeparatedTransferWorker, name: str) -> list[str]:
    """Log in to the machines of a worker, asking on the terminal; returns their names.

    Raises
    ------
    HostUnavailableError
        A machine cannot be reached, or refuses the login.
    """
    from controller.config.workers import SeparatedTransferWorker

    connections = [worker.connection]
    if isinstance(worker, SeparatedTransferWorker):
        connections.append(worker.transfer_connection)
    for connection in connections:
        link = open_link(worker, connection, name)
        if isinstance(link, OpenSSHLink):
            link.log_in()
        else:
            link.connect()  # shows that no user input is needed
            link.close()
    return [connection.host for connection in connections]


def _shell_host(
    worker: SSHWorker, connection: ConnectionData, name: str | None, pool: Pool
) -> ShellHost:
    settings = worker.model_dump_json(
        include={
            "forward_agent", "connect_timeout", "keepalive", "interactive_login", "ssh_config",
            "backend",
        }
    )  # fmt: skip
    key = settings + connection.model_dump_json()
    link, give_back = pool.take(key, lambda: open_link(worker, connection, name))
    host = ShellHost(
        link,
        worker.timeout_execute,
        shell=worker.shell_cmd,
        login=worker.login_shell,
        on_close=give_back,
    )
    weakref.finalize(host, give_back)  # in case it is never closed
    return host
