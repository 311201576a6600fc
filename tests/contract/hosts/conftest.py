"""Every kind of host that the contract is checked on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from controller.hosts import Host, LocalHost

HOSTS: dict[str, Callable[[float], Host]] = {"local": lambda timeout: LocalHost(timeout)}
"""{kind: function that opens a host with a timeout in seconds}."""


@pytest.fixture(params=sorted(HOSTS))
def open_with(request: pytest.FixtureRequest) -> Callable[[float], Host]:
    return HOSTS[request.param]


@pytest.fixture
def host(open_with: Callable[[float], Host]) -> Iterator[Host]:
    return open_with(30)
