"""Several users at once: pages that hang, and pages that many ask for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any

import httpx
import pytest
from web_site import Browser, uuid

from controller.browsing import flow as flow_reading
from controller.browsing.lists import Listed
from controller.browsing.results import Points
from jfr_web.app import create_app
from jfr_web.pages import flow as flow_page
from jfr_web.security import names_of_this_host
from jfr_web.site import QUICK, SLOW

DEADLINE = 30
ADDRESS = "http://127.0.0.1:5001"


class Users:
    """Users of one server in one event loop, each with a session."""

    def __init__(self, browser: Browser, number: int) -> None:
        app = create_app(browser.site, names=names_of_this_host("127.0.0.1"))
        self.clients = [
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ADDRESS)
            for _ in range(number)
        ]
        self.tokens = browser.site.tokens

    async def __aenter__(self) -> list[httpx.AsyncClient]:
        for client in self.clients:
            await client.get(f"/?token={self.tokens.new_link()}")
        return self.clients

    async def __aexit__(self, *_: object) -> None:
        for client in self.clients:
            await client.aclose()


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, DEADLINE))


def test_pages_that_hang_stop_no_other(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them than there are threads, of lists and of what may take long."""
    opened = threading.Event()

    def hangs(answer: Any) -> Any:
        return lambda *_: opened.wait(DEADLINE) and answer

    async def work() -> None:
        async with Users(browser, 2) as (one, other):
            await one.get("/plots")  # the module is imported
            monkeypatch.setattr("jfr_web.pages.jobs.list_jobs", hangs(Listed([], None)))
            monkeypatch.setattr("jfr_web.pages.plots.read_points", hangs(Points([], 0, False, [])))
            number = QUICK + SLOW
            paths = ["/jobs"] * number + ["/plots?y=energy"] * number
            waiting = [asyncio.create_task(one.get(path)) for path in paths]
            await asyncio.sleep(0)
            for user in (one, other):
                for path in ("/", "/flows", "/job/1", "/job/1/files", "/project"):
                    assert (await user.get(path)).status_code == 200
            assert not any(task.done() for task in waiting)
            opened.set()
            answers = await asyncio.gather(*waiting)
            assert {answer.status_code for answer in answers} == {200}

    try:
        run(work())
    finally:
        opened.set()


def test_users_have_sessions_of_their_own(actor: Browser) -> None:
    async def work() -> None:
        async with Users(actor, 3) as users:
            pages = await asyncio.gather(*(user.get("/jobs") for user in users for _ in range(3)))
            assert {page.status_code for page in pages} == {200}
            forms = {page.text.partition('name="csrf" value="')[2][:64] for page in pages}
            assert len(forms) == len(users)

    run(work())


def test_a_flow_is_read_again_after_a_change_only(
    actor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading thousands of jobs takes the longest of a page about a flow."""
    reads = []

    def reading(*given: Any) -> Any:
        reads.append(given)
        return flow_reading.find_flow(*given)

    monkeypatch.setattr(flow_page, "find_flow", reading)
    path = f"/flow/{uuid(1001)}"
    assert actor.text(path) == actor.text(path)
    assert len(reads) == 1
    actor.site.controller.queue.jobs.update_one({"db_id": "3"}, {"$set": {"state": "COMPLETED"}})
    assert "2 of 7 jobs completed" in actor.text(path)
    assert len(reads) == 2
