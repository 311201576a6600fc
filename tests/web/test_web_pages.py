"""What each page shows, and that whatever is in the database stays text."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from web_site import EVIL, Browser, uuid

from controller.browsing.search import search
from controller.graphs import Edge, EdgeKind, FlowGraph, JobNode, Origin, grouped
from controller.states import FlowState, JobState
from jfr_web.graph import flow_svg
from jfr_web.pages import MENU, PAGES
from jfr_web.tree import MOST_CHILDREN, MOST_NODES, Node, tree

SHOWN: list[tuple[str, list[str]]] = [
    ("/", ["327 jobs", "2 flows", "2 in error", "laptop", "cluster", "no runner is alive"]),
    ("/job/1", ["relax Si 1", "COMPLETED", "math.fsum", "laptop", "0:01:30", "Children"]),
    ("/job/2", ["ValueError: no", "job_error", "What to do", "jf job rerun 2", "Parents"]),
    ("/job/4", ["Why it does not run", "WAITING"]),
    ("/job/7", ["no route to host", "RUN_FINISHED"]),
    ("/job/1/data", ["argument 1", "encut 520", "deeper", "200 items", "energy -1.5"]),
    ("/job/4/data", ["there is no output yet: the job is WAITING"]),
    ("/job/1/files", ["queue.out", "data.csv", "download"]),
    ("/job/4/files", ["has no run directory yet"]),
    ("/job/1/file?name=data.csv", ["a,b 1,2", "8 bytes"]),
    ("/job/1/log", ["step 1"]),
    ("/job/4/log", ["has no log yet"]),
    (f"/flow/{uuid(1001)}", ["1 of 7 jobs completed", "Needs attention", "Longest run times"]),
    (f"/flow/{uuid(1002)}", ["320 of 320 jobs completed", "of groups of jobs", "80 static 2"]),
    ("/batches", ["4711", "RUNNING", "runs 1 of 2, 1 job done", "pilots"]),
    ("/batches?state=FINISHED", ["Nothing to show"]),
    ("/batch/4711", ["pilots/processes", "Jobs it has run"]),
    ("/reports", ["Jobs that ended", "327 jobs", "job_error", "laptop"]),
    ("/reports?interval=hours&number=3", ["jf job report hours 3"]),
    ("/events", ["Kind", "About"]),
    ("/runners", ["No runner is alive"]),
    ("/project", ["cluster.example.org", "********", "0 of any number of jobs", "max_jobs 3"]),
    ("/doctor", ["Examine now"]),
    ("/doctor?examine=1", ["327 jobs and 2 flows examined"]),
    ("/plots", ["In the output of the newest job: energy"]),
    ("/plots?y=energy&flow_id=1", ["1 jobs."]),
    ("/plots?y=energy&x=run_time", ["321 jobs."]),
    ("/plots?y=energy&name=static*&logx=1", ["320 jobs."]),
    ("/plots?y=energy&logy=1&color=state", ["321 jobs."]),
    ("/plots?y=nothing", ["No completed job that matches the filter has such numbers"]),
    ("/search?q=static", ["Flows", "Jobs", "static of everything"]),
    ("/search?q=nothing", ["Nothing found."]),
    ("/search", ["Search by db_id"]),
]


@pytest.mark.parametrize(("path", "texts"), SHOWN, ids=[path for path, _ in SHOWN])
def test_pages_show(browser: Browser, path: str, texts: list[str]) -> None:
    text = browser.text(path)
    assert [wanted for wanted in texts if wanted not in text] == []


PATHS = [
    *(path for path, _ in SHOWN),
    *(path for path, _ in MENU),
    "/job/2/data",
    "/job/1/file?name=queue.out",
]


@pytest.mark.parametrize("path", sorted(set(PATHS)))
def test_nothing_of_the_database_is_markup(browser: Browser, path: str) -> None:
    page = browser.get(path)
    assert page.status_code == 200
    assert EVIL not in page.text
    assert page.text.count("<script") == 1  # ours, by its address
    assert "not for anybody" not in page.text


@pytest.mark.parametrize("path", sorted(set(PATHS)))
def test_pages_can_be_read_without_seeing(browser: Browser, path: str) -> None:
    """One heading, labels for fields, names for pictures and regions, headings of tables."""
    page = browser.get(path).text
    assert len(re.findall(r"<h1[ >]", page)) == 1
    assert '<html lang="en">' in page
    for picture in re.findall(r"<svg[^>]*>", page):
        assert "aria-label=" in picture
    for image in re.findall(r"<img[^>]*>", page):
        assert "alt=" in image
    for field in re.findall(r"<(?:input|select)[^>]*>", page):
        named = "aria-label=" in field or 'type="hidden"' in field
        before = page[: page.index(field)]
        assert named or before.rfind("<label") > before.rfind("</label"), field


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/job/none", 404, "there is no job none"),
        ("/job/1/file?name=../../queue.db", 400, "jf job files ls ID"),
        ("/job/1/raw?name=/etc/passwd", 400, "jf job files ls ID"),
        ("/job/1/file?name=missing", 404, "there is no file missing"),
        ("/job/1/file", 404, "the address names no file"),
        ("/flow/none", 404, "there is no flow none"),
        ("/no/page", 404, "there is no page"),
    ],
)
def test_what_is_not_there_is_said(browser: Browser, path: str, status: int, said: str) -> None:
    answer = browser.get(path)
    assert answer.status_code == status
    assert said in answer.text


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        (f"/job/{uuid(3)}", "/job/3"),
        (f"/job/{uuid(3)[:8]}", "/job/3"),
        ("/flow/3", f"/flow/{uuid(1001)}"),
        (f"/flow/{uuid(1002)[:8]}", f"/flow/{uuid(1002)}"),
        ("/search?q=5", "/job/5"),
        (f"/search?q={uuid(1001)}", f"/flow/{uuid(1001)}"),
        (f"/search?q={uuid(6)[:8]}", "/job/6"),
        ("/search?q=static+of*", f"/flow/{uuid(1002)}"),
    ],
)
def test_ids_lead_to_one_address(browser: Browser, path: str, leads_to: str) -> None:
    answer = browser.get(path, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, leads_to)


def test_files_are_saved_not_shown(browser: Browser) -> None:
    answer = browser.get("/job/1/raw?name=queue.out")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert EVIL in answer.text


def test_the_data_of_a_plot_is_csv(browser: Browser) -> None:
    text = browser.get("/plots.csv?y=energy&x=time&db_id=1,10").text
    header, *rows = text.splitlines()
    assert header == "db_id,uuid,index,name,time,energy"
    assert sorted(row.split(",")[-1] for row in rows) == ["-1.5", "-15.0"]
    assert browser.get("/plots?y=%24where").status_code == 400


def test_a_search_by_name_takes_its_beginning(browser: Browser) -> None:
    assert search(browser.site.reader, "relax").pattern == "relax*"
    assert search(browser.site.reader, "*lax*").pattern == "*lax*"
    assert len(search(browser.site.reader, "*lax*").jobs) == 6


def test_a_defect_of_a_page_shows_no_more_than_that(
    browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: Any) -> None:
        raise KeyError("secret")

    monkeypatch.setattr("jfr_web.pages.overview.read_overview", fails)
    answer = browser.get("/")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "this page has a defect" in answer.text


def test_every_page_has_its_function() -> None:
    for page in PAGES:
        assert (page.function.__doc__ or "").strip()


def test_trees_are_cut() -> None:
    node = tree({"list": list(range(1000)), "short": [1, 2.5], "none": None, "yes": True})
    long, short, none, yes = node.children
    assert (len(long.children), long.left_out) == (MOST_CHILDREN, 1000 - MOST_CHILDREN)
    assert [part.text for part in (short, none, yes)] == ["[1, 2.5]", "null", "true"]
    wide = tree([[{"a": n} for n in range(150)] for _ in range(150)])

    def number(of: Node) -> int:
        return 1 + sum(map(number, of.children))

    assert number(wide) <= MOST_NODES + 200
    deep: Any = 1
    for _ in range(100):
        deep = {"@class": "Deep", "within": deep}
    assert tree(deep).text == "Deep, 2 keys"
    assert "more characters" in tree("x" * 5000).text


def graph(names: list[str], edges: list[tuple[int, int]]) -> FlowGraph:
    nodes = {
        str(n): JobNode(
            str(n), uuid(n), 1, name, JobState.COMPLETED, "w", None, Origin.SUBMITTED, None, True
        )
        for n, name in enumerate(names)
    }
    arrows = tuple(Edge(str(a), str(b), EdgeKind.PARENT) for a, b in edges)
    return FlowGraph("f", "flow", FlowState.COMPLETED, nodes, arrows, {})


@pytest.mark.parametrize(
    ("names", "edges", "groups"),
    [
        (["a"] * 400, [], {"a": 400}),
        (["a"] * 200 + ["b"] * 200, [(n, n + 200) for n in range(200)], {"a": 200, "b": 200}),
        ([f"static {n}" for n in range(400)], [], {"static #": 400}),
        (["step"] * 400, [(n, n + 1) for n in range(399)], {"step": 400}),  # a chain
    ],
)
def test_large_flows_are_grouped(
    names: list[str], edges: list[tuple[int, int]], groups: dict[str, int]
) -> None:
    found = grouped(graph(names, edges))
    assert {group.name: len(group.db_ids) for group in found.jobs.values()} == groups


def test_groups_are_never_too_many() -> None:
    words = [f"{chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(600)]
    found = grouped(graph(words, [(n, n + 1) for n in range(599)]))
    assert len(found.jobs) <= 300
    assert sum(len(group.db_ids) for group in found.jobs.values()) == 600


def test_a_graph_leads_to_its_jobs() -> None:
    small = graph([EVIL, "b"], [(0, 1)])
    drawn = flow_svg(small)
    assert EVIL not in drawn
    assert drawn.count('href="/job/') == 2
    assert drawn.count('<path class="edge"') == 1
    failed = replace(small.jobs["1"], state=JobState.FAILED)
    mixed = graph(["a"] * 400, [])
    mixed.jobs["1"] = replace(failed, name="a")
    assert "399 COMPLETED, 1 FAILED" in flow_svg(mixed)
