"""Ten questions of those who look after many calculations, answered with the pages alone.

docs/web.md lists them with the way to the answer; here each way is gone, from link to link.
"""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from web_site import Browser, uuid

DOCUMENTED = Path(__file__).parents[2] / "docs" / "web.md"

QUESTIONS: list[tuple[str, list[str], list[str]]] = [
    (
        "Which of last week's relaxations ran out of memory?",
        ["/jobs", "/jobs?name=relax*&cause=out_of_memory&days=7"],
        ["Nothing to show"],
    ),
    (
        "Why are jobs failing, and which ones?",
        ["/reports", "/jobs?error=1&cause=job_error"],
        ["FAILED", "laptop"],
    ),
    ("What needs my attention?", ["/"], ["2 in error", "no runner is alive"]),
    ("Why does this job not run?", ["/jobs?state=WAITING", "/job/4"], ["Why it does not run"]),
    (
        "How far has this flow got, and what takes so long?",
        ["/flows", f"/flow/{uuid(1001)}"],
        ["1 of 7 jobs completed", "Longest run times"],
    ),
    (
        "How many jobs ended on each of the last 30 days?",
        ["/reports?number=30"],
        ["Jobs that ended"],
    ),
    ("Who stopped that job, and when?", ["/events?job=5", "/job/5"], ["Timeline", " By "]),
    (
        "Which worker is full, and which machine cannot be reached?",
        ["/", "/project"],
        ["laptop", "cluster", "of 3 jobs under way"],
    ),
    ("How does one result depend on another?", ["/plots", "/plots?y=energy"], ["321 jobs."]),
    (
        "Which settings did this calculation use, and what did it print?",
        ["/search?q=relax", "/job/1/data", "/job/1/log"],
        ["encut 520", "step 1"],
    ),
]


@pytest.mark.parametrize(
    ("question", "way", "answers"), QUESTIONS, ids=[q for q, _, _ in QUESTIONS]
)
def test_a_question_is_answered(
    browser: Browser, question: str, way: list[str], answers: list[str]
) -> None:
    assert question in DOCUMENTED.read_text()
    text = " ".join(browser.text(path) for path in way)
    assert [wanted for wanted in answers if wanted not in text] == []


@pytest.mark.parametrize(
    ("start", "leads_to"),
    [
        ("/", "/jobs?error=1"),
        ("/reports", "/jobs?error=1&cause=job_error"),
        ("/jobs?state=WAITING", "/job/4"),
        ("/flows", f"/flow/{uuid(1001)}"),
        ("/job/2", "/job/2/log"),
        ("/job/2", f"/flow/{uuid(1001)}"),
        (f"/flow/{uuid(1001)}", "/job/2"),
        ("/plots", "/plots?y=energy"),
    ],
)
def test_the_way_is_a_link(browser: Browser, start: str, leads_to: str) -> None:
    links = [unescape(href) for href in re.findall(r'href="([^"]+)"', browser.get(start).text)]
    assert leads_to in links


def test_the_first_question_is_asked_with_the_fields_of_the_page(browser: Browser) -> None:
    page = browser.get("/jobs").text
    assert {"name", "cause", "days"} <= set(re.findall(r'<(?:input|select) name="(\w+)"', page))
    assert "out_of_memory" in page
