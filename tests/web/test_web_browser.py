"""The pages in a real browser: nothing overflows, news arrive, and nothing leaves this machine."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from thoroughness import THOROUGH
from web_site import EVIL, stocked, uuid

from controller.documents import utc_now
from jfr_web.app import create_app
from jfr_web.pages import MENU
from jfr_web.security import names_of_this_host
from jfr_web.serve import Place, addresses, listen
from jfr_web.site import Site

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
REBOUND = "rebound.example"
"""A name of somebody else that leads to this machine."""
LOOPBACK_ONLY = f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
PATHS = [
    *(path for path, _ in MENU),
    *(f"/job/2{part}" for part in ("", "/data", "/files", "/log")),
    "/job/1/file?name=queue.out",
    f"/flow/{uuid(1001)}",
    f"/flow/{uuid(1002)}",
    "/jobs?columns=db_id,name,state,job_id,metadata,lock_id,worker,last_updated",
    "/plots?y=energy",
    "/batch/4711",
    "/doctor?examine=1",
    "/search?q=static",
    "/job/none",
]
AUDIT = (Path(__file__).parent / "page_audit.js").read_text()
"""Evaluated in a page: returns sentences about what is wrong with how it looks."""
DEADLINE = 20_000
"""Milliseconds for anything to happen."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser that reaches nothing but this machine."""
    if CHROMIUM is None:
        reason = os.environ.get("JFR_CHROMIUM_UNAVAILABLE")
        if os.environ.get("CI") and reason is None:
            pytest.fail("there is no chromium, and nothing says that it cannot be had")
        pytest.skip(reason or "there is no chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", LOOPBACK_ONLY]
        )
        yield launched
        launched.close()


class Served:
    """A site that is served by a thread of this process."""

    def __init__(self, folder: Path, *, actions: bool) -> None:
        import uvicorn

        self.place = Place(port=0)
        self.site = Site(stocked(folder).project, actions=actions)
        self.socket = listen(self.place)
        port = self.socket.getsockname()[1]
        app = create_app(self.site, names=names_of_this_host("127.0.0.1"), cookie=f"jfr_{port}")
        self.server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1)
        )
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]})
        self.thread.start()

    @property
    def link(self) -> str:
        """A link that works once."""
        return addresses(self.place, self.socket, self.site.tokens.new_link())

    def close(self) -> None:
        """End the server."""
        self.server.should_exit = True
        self.thread.join(20)
        self.site.close()
        self.socket.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A project that may be changed."""
    opened = Served(tmp_path_factory.mktemp("served"), actions=True)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def page(chromium: Any, served: Served) -> Any:
    """A page with a session, and what it asked for and complained of."""
    opened = chromium.new_context().new_page()
    opened.set_default_timeout(DEADLINE)
    opened.asked, opened.complaints = [], []
    opened.on("request", lambda request: opened.asked.append(request.url))
    opened.on("console", lambda said: opened.complaints.append(f"{opened.url}: {said.text}"))
    opened.on("pageerror", lambda error: opened.complaints.append(f"{opened.url}: {error}"))
    opened.goto(served.link)
    return opened


def origin(page: Any) -> str:
    parts = urlsplit(page.url)
    return f"{parts.scheme}://{parts.netloc}"


def test_every_page_looks_right(page: Any) -> None:
    """Light and dark, on a telephone and a screen: all can be read, and nothing is in the way."""
    base = origin(page)
    wrong: dict[str, list[str]] = {}
    for number, path in enumerate(PATHS):
        page.goto(base + path)
        for turn, (width, scheme) in enumerate(product((360, 1280), ("light", "dark"))):
            if not THOROUGH and (turn in (0, 3)) is bool(number % 2):
                continue  # half of them: each width, and each scheme, once
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            for said in page.evaluate(AUDIT):
                wrong.setdefault(said, []).append(f"{path} at {width}, {scheme}")
    page.emulate_media(color_scheme="light")
    told = [f"{said}: {len(places)} times, as {places[0]}" for said, places in wrong.items()]
    assert not told, "\n".join(told)
    expected = "404"  # the page that is not there
    assert [text for text in page.complaints if expected not in text] == []


def test_what_looks_wrong_is_found(page: Any) -> None:
    page.goto(f"{origin(page)}/project")
    page.evaluate("""() => {
        const add = (text, style) => {
            const made = document.body.appendChild(document.createElement("p"));
            made.textContent = text;
            Object.assign(made.style, style);
        };
        const here = { position: "absolute", top: "300px", left: "300px" };
        add("pale", { color: "#ccc", background: "#fff" });
        add("below", here);
        add("above", here);
        add("too long for it", { overflow: "hidden", whiteSpace: "nowrap", width: "30px" });
        document.body.appendChild(document.createElement("button"));
    }""")
    found = {said.partition(" ")[0].rstrip(":") for said in page.evaluate(AUDIT)}
    assert {"contrast", "overlap", "cut", "without"} <= found


def test_menus_are_opened_and_left_with_the_keyboard(page: Any) -> None:
    page.goto(f"{origin(page)}/jobs")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    page.focus("details.drop summary")
    page.keyboard.press("Enter")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        assert page.evaluate(AUDIT) == []
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert page.evaluate("document.activeElement.name") == "state"
    page.keyboard.press("Escape")
    assert page.locator("details.drop[open]").count() == 0
    page.emulate_media(color_scheme="light")


def test_news_of_a_job_arrive_by_themselves(page: Any, served: Served) -> None:
    page.goto(f"{origin(page)}/job/5")
    page.wait_for_selector(".live[data-state=on]")
    page.wait_for_selector("#state >> text=READY")
    change = {"$set": {"state": "RUNNING", "updated_on": utc_now(), "start_time": utc_now()}}
    served.site.controller.queue.jobs.update_one({"db_id": "5"}, change)
    page.wait_for_selector("#state >> text=RUNNING")


def test_an_action_with_its_plan(page: Any) -> None:
    page.goto(f"{origin(page)}/jobs?name=relax*")
    page.check("input[name=id][value='4']")
    page.select_option("select[name=action]", "pause")
    page.click("text=Show the plan")
    page.wait_for_selector("text=Nothing has been changed yet")
    page.click("main button")
    page.wait_for_selector("text=1 job paused")
    page.goto(f"{origin(page)}/job/4")
    page.wait_for_selector("#state >> text=PAUSED")


def test_filters_make_short_addresses(page: Any) -> None:
    page.goto(f"{origin(page)}/flows")
    page.fill("input[name=name]", "static*")
    page.click("text=Show")
    page.wait_for_selector("text=static of everything")
    assert "days=" not in page.url
    assert "name=static" in page.url


def test_keys_and_a_graph(page: Any) -> None:
    page.goto(f"{origin(page)}/flow/{uuid(1001)}")
    before = page.get_attribute("svg[data-zoom]", "viewBox")
    page.click("[data-zoom-by='0.8']")
    assert page.get_attribute("svg[data-zoom]", "viewBox") != before
    page.keyboard.press("/")
    page.keyboard.type("3")
    page.keyboard.press("Enter")
    page.wait_for_url("**/job/3")


def test_two_tabs_on_two_projects(page: Any, tmp_path: Path) -> None:
    other = Served(tmp_path, actions=False)
    try:
        tab = page.context.new_page()
        tab.goto(other.link)
        tab.wait_for_selector("text=read-only")
        page.goto(f"{origin(page)}/jobs")
        page.wait_for_selector("text=Show the plan")
        tab.reload()
        assert tab.title() == "Overview · silicon"
        tab.close()
    finally:
        other.close()


def test_what_others_get(chromium: Any, served: Served) -> None:
    """Without the link, with one that was used, under another name, from another page."""
    context = chromium.new_context()
    context.set_default_timeout(DEADLINE)
    mine, other = context.new_page(), chromium.new_context().new_page()
    link = served.link
    mine.goto(link)
    base = origin(mine)

    def refused(answer: Any, status: int, said: str) -> None:
        assert answer.status == status
        assert said in answer.text()
        assert "silicon" not in answer.text()

    refused(other.goto(f"{base}/jobs"), 403, "Open the link that jf gui printed")
    refused(other.goto(link), 403, "This link was used before")
    refused(mine.goto(base.replace("127.0.0.1", REBOUND)), 421, "does not answer to that host name")
    # Another port is the same site for a browser, which then sends the cookie.
    form = f'<form method="post" action="{base}/actions/plan"><button name="id" value="3"></form>'
    for foreign, said in (
        ("http://127.0.0.1:9/", "Not from this page"),
        ("http://elsewhere.example/", "Open the link that jf gui printed"),
    ):
        context.route(foreign, lambda route: route.fulfill(content_type="text/html", body=form))
        mine.goto(foreign)
        with mine.expect_navigation() as sent:
            mine.click("button")
        refused(sent.value, 403, said)
    other.context.close()
    context.close()


def test_pages_are_read_without_scripts(chromium: Any, served: Served) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(DEADLINE)
    page.goto(served.link)
    page.click("nav >> text=Jobs")
    page.fill(".search input", "relax Si 1")
    page.press(".search input", "Enter")
    page.wait_for_url("**/job/1")
    page.click("text=Files")
    page.click("text=queue.out")
    page.wait_for_selector("text=step 1")
    page.goto(f"{origin(page)}/flow/{uuid(1002)}")
    page.locator("svg a.node").nth(1).click()
    page.wait_for_url("**/jobs?flow_id=*")
    context.close()


def test_nothing_leaves_this_machine(page: Any) -> None:
    """Last: of all that the pages before asked for."""
    hosts = {urlsplit(url).hostname for url in page.asked}
    assert hosts == {"127.0.0.1"}
    assert EVIL  # no job of that name made a dialog, which would have stopped the pages before
