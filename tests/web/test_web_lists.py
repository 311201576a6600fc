"""Lists of jobs and flows: the filters of the command line in the address."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from web_site import Browser

from controller.browsing.lists import Order, list_jobs
from controller.errors import ArgumentError
from controller.filter_texts import FLOW_KEYS, JOB_KEYS, LIST_FLAGS
from controller.filters import JobFilter
from controller.saved_filters import save_filter
from jfr_cli import selection
from jfr_web.address_filters import Ask


def ids(page: str) -> list[str]:
    """db_ids in a list, from top to bottom."""
    return re.findall(r'<td class="r0 num"><a href="/job/(\d+)">', page)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("max_results=3", ["1", "2", "3"]),
        ("state=FAILED", ["2"]),
        ("state=failed,paused", ["2", "6"]),
        ("state=FAILED&state=PAUSED", ["2", "6"]),
        ("error=1", ["2", "7"]),
        ("running=1", ["3"]),
        ("cause=job_error", ["2"]),
        ("error_match=ValueError", ["2"]),
        ("error_match=route", ["7"]),
        ("db_id=5,3", ["3", "5"]),
        ("name=relax*&max_results=2", ["1", "3"]),
        ("worker=cluster", []),
        ("metadata=element%3DGe", []),
        ("query=%7B%22db_id%22%3A%20%224%22%7D", ["4"]),
        ("days=1&state=READY", ["5"]),
        ("end_date=2020-01-01", []),
        ("sort=created_on&reverse_sort=1&state=FAILED,READY", ["5", "2"]),
    ],
)
def test_filters(browser: Browser, query: str, found: list[str]) -> None:
    answer = browser.get(f"/jobs?{query}")
    assert answer.status_code == 200
    assert ids(answer.text) == found


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("days=x", "is not a whole number"),
        ("days=1&hours=1", "cannot be combined"),
        ("state=NO", "NO"),
        ("start_date=soon", "is not a date"),
        ("sort=name", "cannot sort by"),
        ("columns=nothing", "there is no column"),
        ("after=x", "is not the start of a page"),
        ("max_results=1000000", "whole number from"),
        ("query=%7B%22%24where%22%3A%201%7D", "where"),
        ("error_match=(", "("),
    ],
)
def test_what_makes_no_sense_is_said(browser: Browser, query: str, said: str) -> None:
    answer = browser.get(f"/jobs?{query}")
    assert answer.status_code == 400
    assert said in answer.text


def test_pages_follow_each_other(browser: Browser) -> None:
    seen: list[str] = []
    path = "/jobs?max_results=100"
    while path:
        page = browser.get(path).text
        seen += ids(page)
        found = re.search(r'rel="next" href="([^"]*)"', page)
        path = found[1].replace("&amp;", "&") if found else ""
    assert len(seen) == len(set(seen)) == 327


def test_pages_of_things_that_changed_at_one_time(browser: Browser) -> None:
    reader = browser.site.reader
    same = JobFilter(states=["COMPLETED"])
    first = list_jobs(reader, same, Order(size=2))
    assert first.after
    # As if all had changed at the time of the last one: the rest is left out by number.
    time, number = first.after.split("~")
    assert number == "1"
    again = list_jobs(reader, same, Order(size=2, after=f"{time}~0"))
    assert again.items[0] == first.items[-1]
    assert (first.items[0].updated_on - first.items[1].updated_on) > timedelta(minutes=1)


def test_the_command_that_gives_the_same(browser: Browser) -> None:
    text = browser.text("/jobs?state=FAILED&name=a+b*&days=2&sort=created_on&columns=db_id,name")
    assert (
        "jf job list --state FAILED --name &#39;a b*&#39; --days 2 --sort created_on "
        "--columns db_id,name -m 50"
    ) in text
    assert "jf flow list --state FAILED" in browser.text("/flows?state=FAILED&max_results=100")


def test_columns(browser: Browser) -> None:
    page = browser.text("/jobs?columns=db_id,metadata&columns=cause&state=FAILED")
    assert "Metadata" in page
    assert "job_error" in page
    flows = browser.text("/flows?columns=name,job_states")
    assert "C-F-RU-W-R-P-RERR" in flows


def test_exports_are_what_the_command_line_writes(browser: Browser) -> None:
    answer = browser.get("/jobs.csv?state=FAILED,READY&columns=db_id,state")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="silicon-jobs.csv"'
    assert list(csv.reader(io.StringIO(answer.text))) == [
        ["db_id", "state"],
        ["2", "FAILED"],
        ["5", "READY"],
    ]
    assert len(browser.get("/jobs.json").json()) == 327
    assert sorted(flow["num_jobs"] for flow in browser.get("/flows.json").json()) == [7, 320]
    assert browser.get("/jobs.exe").status_code == 404


def test_the_keys_are_the_flags_of_the_command_line() -> None:
    assert set(JOB_KEYS) == set(selection._JOB)
    assert set(FLOW_KEYS) == set(selection._FLOW)
    assert set(LIST_FLAGS) == {"locked", "error", "running"}


def test_addresses() -> None:
    ask = Ask.of("/jobs", "state=A&state=B,C&after=x&empty=")
    assert ask.all("state") == ["A", "B", "C"]
    assert ask.url(after=None, sort="created_on") == "/jobs?state=A&state=B%2CC&sort=created_on"
    assert ask.url("/jobs.csv", after=None, state=None) == "/jobs.csv"
    with pytest.raises(ArgumentError):
        Ask.of("/", "n=-1").number("n", 1)


def test_filters_saved_on_the_command_line_are_links(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser.site, "project_file", str(tmp_path / "silicon.yaml"))
    texts = {"state": ["FAILED", "READY"], "name": "*"}
    save_filter(tmp_path / "silicon.yaml", "job", "mine", texts)
    save_filter(tmp_path / "silicon.yaml", "flow", "theirs", {"name": "static*"})
    (link,) = re.findall(r'<a class="chip" href="([^"]+)">@mine</a>', browser.get("/jobs").text)
    assert ids(browser.get(unescape(link)).text) == ["2", "5"]
    assert "@theirs" not in browser.get("/jobs").text
    assert "@theirs" in browser.get("/flows").text
