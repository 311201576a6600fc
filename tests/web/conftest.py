"""A small project, and its pages asked for in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from web_site import Browser, Stock, TestClient, stocked

from controller.config import Project
from jfr_web.app import create_app
from jfr_web.security import names_of_this_host
from jfr_web.site import Site

ADDRESS = "http://127.0.0.1:5001"


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Stock:
    """A project whose queue holds jobs in many states; nobody writes to it."""
    return stocked(tmp_path_factory.mktemp("stock"))


def opened(project: Project, **more: Any) -> Iterator[Browser]:
    """Serve a project to one browser that has used its link."""
    site = Site(project, "/a/project.yaml", **more)
    app = create_app(site, names=names_of_this_host("127.0.0.1"))
    with TestClient(app, base_url=ADDRESS) as client:
        client.get(f"/?token={site.tokens.new_link()}")
        yield Browser(site, client)
    site.close()


@pytest.fixture(scope="session")
def browser(stock: Stock) -> Iterator[Browser]:
    """A browser of the stock, which may only look."""
    yield from opened(stock.project)


@pytest.fixture
def actor(tmp_path: Path, stock: Stock) -> Iterator[Browser]:
    """A browser of a project of its own, which may take actions."""
    yield from opened(stock.copied(tmp_path / "own").project, actions=True)
