"""How fast the web page is at 100,000 jobs, and what open pages cost the database.

First byte of each page, the bytes of a first and of a next visit, a page fully drawn in Chromium,
the graph of a flow of 5,000 jobs, 20 live pages against one, and the start of `jf gui`. Limits are
those of an unloaded machine; times on a loaded one are longer.
``python benchmarks/web.py [JOBS]``
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from measuring import (
    JF,
    PYTHON,
    Project,
    Table,
    controller_of,
    flow_uuid,
    populate,
    project,
    run,
    scratch,
    seconds,
    usual,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

from controller.config import ConfigManager
from jfr_web.app import create_app
from jfr_web.pages import jobs as pages
from jfr_web.security import names_of_this_host
from jfr_web.site import Site

JOBS = 100_000
LARGE = 5_000
FIRST_BYTE, DRAWN, GRAPH, START = 0.1, 0.5, 1.0, 1.0
FIRST_VISIT, NEXT_VISIT = 150_000, 30_000
TABS, TIMES_ONE = 20, 2.0
PAGES = (
    *("/", "/jobs", "/jobs?state=FAILED", "/jobs?name=job+1*", "/flows", "/job/500", "/reports"),
    *("/events", "/runners", "/project", "/batches", "/search?q=job+1"),
)
REPEATS = 5


@contextmanager
def client_of(made: Project) -> Iterator[tuple[Site, TestClient]]:
    """Serve a project in this process."""
    data = ConfigManager(folder=made.file.parent).get_project_data()
    site = Site(data.project)
    app = create_app(site, names=names_of_this_host("127.0.0.1"))
    with TestClient(app, base_url="http://127.0.0.1:5001") as client:
        client.get(f"/?token={site.tokens.new_link()}")
        yield site, client
    site.close()


def first_bytes(table: Table, client: TestClient, jobs: int) -> None:
    for page in PAGES:
        client.get(page)  # templates and modules are loaded
        taken = usual([seconds(lambda page=page: client.get(page)) for _ in range(REPEATS)])
        table.row(f"first byte of {page}, {jobs} jobs", taken, FIRST_BYTE, "s", "fixed")


def sizes(table: Table, client: TestClient) -> None:
    def sent(path: str) -> int:
        return int(client.get(path).headers["content-length"])

    page = client.get("/jobs").text
    files = re.findall(r'(?:href|src|data-news)="(/static/[^"]+)"', page)
    first = sent("/jobs") + sum(sent(path) for path in files)
    table.row("bytes of a first visit", first, FIRST_VISIT, "bytes", "fixed")
    table.row("bytes of a next visit", max(map(sent, PAGES)), NEXT_VISIT, "bytes", "fixed")


def live_tabs(table: Table, site: Site, client: TestClient) -> None:
    """Ask as many pages do after one change: what reaches the database."""
    read = pages.list_jobs
    asked = 0

    def counting(*args: Any) -> Any:
        nonlocal asked
        asked += 1
        return read(*args)

    pages.list_jobs = counting
    loads = []
    for tabs in (1, TABS):
        asked = 0
        site.news.version += 1
        for _ in range(tabs):
            client.get("/jobs", headers={"x-live": "1"})
        loads.append(asked)
    pages.list_jobs = read
    one, many = loads
    by = f"{TIMES_ONE:g} x one page ({one})"
    table.row(f"reads of the list by {TABS} live pages", many, TIMES_ONE * max(one, 1), "reads", by)


@contextmanager
def gui(made: Project) -> Iterator[str]:
    """Start `jf gui`, and give its link."""
    env = {**os.environ, **made.env}
    words = [JF, "gui", "--port", "0"]
    with subprocess.Popen(words, env=env, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            for line in server.stderr:
                if found := re.search(r"open (http\S+)", line):
                    yield found[1]
                    break
        finally:
            server.terminate()


def start(table: Table, made: Project) -> None:
    import httpx

    taken = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        with gui(made) as link:
            httpx.get(link, follow_redirects=True, timeout=30).raise_for_status()
            taken.append(time.perf_counter() - began)
    typer = usual([seconds(lambda: run(PYTHON, "-c", "import typer")) for _ in range(REPEATS)])
    by = f"fixed; import of typer {typer:.3f} s"
    table.row("`jf gui` until its page has answered", usual(taken), START, "s", by)


CLICKED = """addEventListener(
    "click", (e) => (sessionStorage.clicked = performance.timeOrigin + e.timeStamp), true)"""
ANSWERED = """performance.timeOrigin - Number(sessionStorage.clicked)
    + performance.getEntriesByType("navigation")[0].responseStart"""
"""Milliseconds by the clock of the browser: what drives it from outside takes time as well."""
PAINTED = "new Promise(done => requestAnimationFrame(() => setTimeout(done)))"


def drawn(table: Table, made: Project, large: str, change: Callable[[], None]) -> None:
    """Open pages in Chromium until they are painted, and click on a group of jobs.

    Parameters
    ----------
    change
        Changes a job, so that nothing that was read before can be shown again.
    """
    chromium = shutil.which("chromium")
    if chromium is None:
        print("no chromium: pages are not drawn", flush=True)
        return
    from playwright.sync_api import sync_playwright

    with gui(made) as link, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context()
        page = context.new_page()
        page.goto(link)
        base = link.partition("/?")[0]

        def opened(path: str) -> float:
            began = time.perf_counter()
            page.goto(base + path, wait_until="load")
            page.evaluate(PAINTED)
            return time.perf_counter() - began

        def clicked() -> float:
            tab = context.new_page()
            tab.goto(base + graph, wait_until="load")
            tab.evaluate(CLICKED)
            box = tab.locator("svg a.node").nth(3).bounding_box()
            assert box is not None
            tab.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            tab.wait_for_url("**/job*", wait_until="commit", timeout=5000)
            taken = float(tab.evaluate(ANSWERED)) / 1000
            tab.close()
            return taken

        def changed(path: str) -> float:
            change()
            return opened(path)

        for path in PAGES:
            taken = usual([opened(path) for _ in range(REPEATS)])
            table.row(f"{path} drawn in Chromium", taken, DRAWN, "s", "fixed")
        graph = f"/flow/{large}"
        taken = usual([changed(graph) for _ in range(REPEATS)])
        table.row(f"graph of {LARGE} jobs drawn in Chromium", taken, GRAPH, "s", "fixed")
        taken = usual([opened(graph) for _ in range(REPEATS)])
        table.row("the same, if nothing changed since", taken, GRAPH, "s", "fixed")
        taken = usual([clicked() for _ in range(REPEATS)])
        table.row("a click on it, until the answer begins", taken, FIRST_BYTE, "s", "fixed")
        browser.close()


def main() -> int:
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else JOBS
    table = Table(f"The web page at {jobs} jobs")
    with scratch() as folder, project("embedded", folder) as made:
        path = made.file.with_suffix("") / "queue.sqlite"
        spec = {"type": "EmbeddedStore", "path": str(path), "collection_name": "jobs"}
        number = jobs // 100  # of flows, each of 100 jobs
        with controller_of(spec) as opened:
            populate(opened, jobs)
            populate(opened, LARGE, per_flow=LARGE, first=LARGE * number)
        with client_of(made) as (site, client):
            first_bytes(table, client, jobs)
            sizes(table, client)
            live_tabs(table, site, client)

        def change() -> None:
            with controller_of(spec) as opened:
                opened.queue.jobs.update_one({"db_id": "1"}, {"$inc": {"priority": 1}})

        drawn(table, made, flow_uuid(number), change)
        start(table, made)
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main())
