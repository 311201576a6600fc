"""Servers that misbehave, each for one test, and hosts on them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from sshd import SSHServer, ssh_server, worker_on

from controller.hosts import Host
from controller.hosts.pool import Pool, open_host


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A home folder of our own, with room for sockets, and no pause between logins."""
    home = tempfile.mkdtemp(prefix="jfr")
    monkeypatch.setenv("HOME", home)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    monkeypatch.setattr("controller.hosts.limits.LOGIN_INTERVAL", 0.0)
    monkeypatch.setattr("controller.hosts.limits.FIRST_PAUSE", 0.0)
    yield
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., SSHServer]]:
    """Start servers; arguments as of `ssh_server`."""
    with ExitStack() as stack:

        def started(*lines: str, **environment: str) -> SSHServer:
            folder = tmp_path_factory.mktemp("sshd") / "server"
            return stack.enter_context(ssh_server(folder, *lines, **environment))

        yield started


@pytest.fixture
def reach() -> Iterator[Callable[..., Host]]:
    """Open hosts; the connection of each is its own."""
    with ExitStack() as stack:

        def reached(server: SSHServer, backend: str = "paramiko", **fields: Any) -> Host:
            pool = Pool()
            stack.callback(pool.close)
            return open_host(worker_on(server, backend=backend, **fields), "cluster", pool)

        yield reached
