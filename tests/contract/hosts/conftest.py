"""Every kind of host that the contract is checked on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sshd import SSHServer, ssh_server, worker_on

from controller.hosts import Host, LocalHost
from controller.hosts.pool import Pool, open_host

KINDS = ("local", "paramiko", "openssh", "separated")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SSHServer]:
    """One server for all tests that do nothing to it."""
    with ssh_server(tmp_path_factory.mktemp("sshd") / "server") as running:
        yield running


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the sockets of shared connections are."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(autouse=True)
def our_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For one test at a time: what stays patched would reach the tests of other folders."""
    monkeypatch.setattr("controller.hosts.openssh.Path.home", lambda: home)
    monkeypatch.setattr("controller.hosts.limits.LOGIN_INTERVAL", 0.0)


@pytest.fixture(scope="session")
def session_pool() -> Iterator[tuple[Pool, dict[str, Host]]]:
    """Connections that last for all tests, as they do in a runner, and what holds each of them."""
    pool = Pool()
    yield pool, {}
    pool.close()


def worker_of(kind: str, server: SSHServer, **fields: Any) -> Any:
    """Return a worker that is reached in one of the ways."""
    if kind == "separated":
        transfer = {"host": "127.0.0.1", "port": server.port}
        fields = {"type": "separated_transfer", "transfer": transfer, **fields}
    else:
        fields = {"backend": kind, **fields}
    return worker_on(server, **fields)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def open_with(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[float], Host]]:
    """Open a host with a timeout in seconds."""
    if kind == "local":
        yield lambda timeout: LocalHost(timeout)
        return
    server = request.getfixturevalue("server")
    pool, held = request.getfixturevalue("session_pool")
    with ExitStack() as stack:

        def opened(timeout: float) -> Host:
            worker = worker_of(kind, server).model_copy(update={"timeout_execute": timeout})
            if kind not in held:  # a connection ends with the last host that uses it
                held[kind] = open_host(worker, pool=pool)
            host = open_host(worker, pool=pool)
            stack.callback(host.close)
            return host

        yield opened


@pytest.fixture
def host(open_with: Callable[[float], Host]) -> Host:
    return open_with(30)
