"""`jf top`: what is shown, what keys do, and what is written to the terminal, as tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.activity import Activity, Entry, Failure, Look, Minute
from controller.errors import StorageUnavailableError
from controller.operations.job_counts import JobCounts
from controller.operations.runner_processes import RunnerProcess
from controller.operations.worker_outages import WorkerOutage
from controller.rules.runner_requests import ProcessState
from controller.states import JobState
from jfr_cli.top.history import History, sparkline
from jfr_cli.top.live import Source, numbers
from jfr_cli.top.painting import changes, renderer
from jfr_cli.top.screen import Frame, list_room, screen, snapshot
from jfr_cli.top.spans import Line, fit, fitted, line_width, plain
from jfr_cli.top.terminal import keys_in
from jfr_cli.top.view import SORTS, Act, View, arranged, press

NOW = datetime(2026, 3, 1, 12, 0, 30)
MINUTE = timedelta(minutes=1)


def job(number: int, state: JobState = JobState.RUNNING, **more: Any) -> Entry:
    facts: dict[str, Any] = {
        "db_id": str(number),
        "name": f"relax {number} 日本",
        "state": state,
        "worker": "local" if number % 2 else "cluster",
        "priority": 0,
        "created_on": NOW - number * MINUTE,
        "updated_on": NOW - number * MINUTE,
        "start_time": NOW - number * MINUTE if state is JobState.RUNNING else None,
        "end_time": None,
        "note": "",
        "retrying": False,
    }
    return Entry(**{**facts, **more})


ACTIVITY = Activity(
    project="metals",
    on=NOW,
    counts=JobCounts(
        NOW,
        0.01,
        {
            ("RUNNING", "local"): 3,
            ("RUNNING", "cluster"): 9,
            ("READY", "cluster"): 1234,
            ("COMPLETED", "local"): 1_234_567,
            ("FAILED", "cluster"): 2,
        },
        None,
    ),
    look=Look(),
    jobs=[job(n) for n in range(1, 31)],
    failures=[Failure("7", "static\x1b[31m Al", "local", NOW - 5 * MINUTE, "walltime", "killed")],
    minutes=[Minute(NOW.replace(second=0) - n * MINUTE, n, n // 30) for n in range(59, -1, -1)],
    runners=[RunnerProcess({"hostname": "login", "pid": 42}, ProcessState.ALIVE, 2.0)],
    claims_paused=False,
    outages=[WorkerOutage("cluster", "no route to host", None, NOW)],
    limits={"local": 8, "cluster": None},
)
VIEWS = {
    "plain": View(),
    "filtered": View(Look("all", "local", "rel*"), sort="name", reverse=True, selected="12"),
    "typing": View(typing="日本" * 60),
    "asking": View(asks=Act.PAUSE),
    "help": View(pane="help"),
    "log": View(pane="log", scroll=1_000_000),
}


def history() -> History:
    found = History()
    for _ in range(5):
        found.add(numbers(ACTIVITY))
    return found


def texts(view: View, activity: Activity | None, width: int, height: int, **more: Any) -> list[str]:
    frame = Frame(width, height, **more)
    return [plain(line) for line in screen(view, activity, history(), frame)]


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize(
    "size", [(80, 24), (132, 50), (116, 30), (40, 12), (20, 5), (9, 2)], ids=str
)
def test_every_line_fits_the_screen(name: str, size: tuple[int, int]) -> None:
    width, height = size
    pane: tuple[str, list[Line]] = ("Log", [((f"line {n} 日本" * 20, ""),) for n in range(99)])
    few = replace(ACTIVITY, jobs=[], failures=[], runners=[], outages=[], claims_paused=True)
    for activity in (ACTIVITY, few, None):
        frame = Frame(width, height, "out of reach", "", pane)
        lines = screen(VIEWS[name], activity, history(), frame)
        assert [line_width(line) for line in lines] == [width] * height
        assert list_room(VIEWS[name], activity, width, height) >= 1
        assert "\x1b" not in "".join(map(plain, lines))


def test_the_screen_of_80_columns_and_24_lines() -> None:
    lines = [line.rstrip() for line in texts(View(), ACTIVITY, 80, 24)]
    assert lines[0].startswith(" jf top  metals")
    assert "✔ 1 runner" in lines[0]
    for number, words in {
        1: "· WAITING 0 ◕ ending 0",
        2: "○ READY 1,234 ✔ COMPLETED 1,234,567",
        5: "▶ RUNNING 12 ‖ paused 0",
        7: "Runners ✔ login:42 2 s",
        9: "local 3/8 0 0",
        10: "! cluster 9 1,234 2 no route to host",
    }.items():
        shown = lines[number].replace("▁", "").replace("█", "").split()
        assert shown[: len(words.split())] == words.split()
    assert lines[6].startswith(" 3.0 ended per minute  ")
    assert lines[6].endswith("1,800 in the last hour, 30 failed")
    assert lines[11].startswith("─ Under way (30) sorted by time ─")
    assert lines[13].split() == [
        "▸",
        "30",
        "relax",
        "30",
        "日本",
        "▶",
        "RUNNING",
        "cluster",
        "0:30:00",
    ]
    assert lines[21].startswith("─ Newest errors")
    assert lines[22].split() == ["5", "min", "7", "static?[31m", "Al", "killed"]
    assert lines[23].startswith(" q quit  ? help  tab list")


@pytest.mark.parametrize(
    ("view", "activity", "more", "said"),
    [
        (View(), None, {}, "reading ..."),
        (View(), ACTIVITY, {"problem": "no route"}, "! as it was: no route"),
        (View(), replace(ACTIVITY, runners=[]), {}, "✘ no runner"),
        (View(), replace(ACTIVITY, runners=[]), {}, "jf runner start"),
        (View(), replace(ACTIVITY, claims_paused=True), {}, "‖ claims paused"),
        (View(), replace(ACTIVITY, on=NOW + MINUTE), {}, "counted 60 s ago"),
        (View(), replace(ACTIVITY, jobs=[]), {}, "none"),
        (View(Look(name="Cu", worker="local")), ACTIVITY, {}, "worker local, name Cu"),
        (
            View(asks=Act.PAUSE),
            ACTIVITY,
            {},
            "no runner of the project starts a further job. y or n?",
        ),
        (View(typing="Cu"), ACTIVITY, {}, "name: Cu"),
        (View(), ACTIVITY, {"notice": "runners claim no more jobs"}, "runners claim no more"),
        (View(pane="help"), ACTIVITY, {}, "the end of its log"),
    ],
)
def test_what_is_said(view: View, activity: Activity | None, more: Any, said: str) -> None:
    assert said in "\n".join(texts(view, activity, 110, 24, **more))


def test_the_marked_job_is_on_the_screen() -> None:
    for number in (30, 15, 1):
        lines = texts(View(selected=str(number)), ACTIVITY, 80, 24)
        (marked,) = [line for line in lines if line.startswith("▸")]
        assert f"relax {number} " in marked


def test_a_snapshot_has_everything_and_no_mark() -> None:
    text = "\n".join(map(plain, snapshot(ACTIVITY, History(), 100)))
    assert text.count("relax") == 20
    assert "killed" in text
    assert "▸" not in text


@pytest.mark.parametrize("sort", SORTS)
def test_sorting(sort: str) -> None:
    orders = {
        "time": "30",  # the longest first
        "id": "1",
        "name": "1",
        "state": "1",
        "worker": "2",
    }
    found = arranged(View(sort=sort), ACTIVITY)
    assert found[0].db_id == orders[sort]
    assert arranged(View(sort=sort, reverse=True), ACTIVITY)[0].db_id != orders[sort]


@pytest.mark.parametrize(
    ("view", "key", "expected", "act"),
    [
        (View(), "q", View(), Act.QUIT),
        (View(), "down", View(selected="29"), None),
        (View(selected="29"), "k", View(selected="30"), None),
        (View(), "up", View(selected="30"), None),
        (View(), "end", View(selected="1"), None),
        (View(selected="1"), "pagedown", View(selected="1"), None),
        (View(), "pagedown", View(selected="25"), None),
        (View(selected="gone"), "g", View(selected="30"), None),
        (View(), "tab", View(Look("next")), Act.READ),
        (View(), "backtab", View(Look("all")), Act.READ),
        (View(), "w", View(Look(worker="local")), Act.READ),
        (View(Look(worker="cluster")), "w", View(), Act.READ),
        (View(Look("all", "local", "x")), "escape", View(Look("all")), Act.READ),
        (View(), "s", View(sort="id"), None),
        (View(sort="worker"), "s", View(), None),
        (View(), "S", View(reverse=True), None),
        (View(), "/", View(typing=""), None),
        (View(typing="C"), "u", View(typing="Cu"), None),
        (View(typing="Cu"), "backspace", View(typing="C"), None),
        (View(typing="q"), "enter", View(Look(name="q")), Act.READ),
        (View(typing="q"), "escape", View(), None),
        (View(), "enter", View(selected="30", pane="info"), Act.INFO),
        (View(selected="3"), "l", View(selected="3", pane="log"), Act.LOG),
        (View(pane="info", selected="3"), "l", View(pane="log", selected="3"), Act.LOG),
        (View(pane="log", scroll=3), "q", View(), None),
        (View(pane="log", scroll=3), "pageup", View(pane="log"), None),
        (View(pane="log"), "j", View(pane="log", scroll=1), None),
        (View(), "?", View(pane="help"), None),
        (View(pane="help"), "x", View(pane="help"), None),
        (View(), "p", View(asks=Act.PAUSE), None),
        (View(asks=Act.PAUSE), "y", View(), Act.PAUSE),
        (View(asks=Act.PAUSE), "enter", View(), None),
        (View(), "r", View(), Act.REFRESH),
        (View(), "x", View(), None),
    ],
    ids=str,
)
def test_keys(view: View, key: str, expected: View, act: Act | None) -> None:
    assert press(view, key, ACTIVITY, 6) == (expected, act)


def test_paused_claims_are_resumed_by_the_same_key() -> None:
    paused = replace(ACTIVITY, claims_paused=True)
    assert press(View(), "p", paused, 6) == (View(asks=Act.RESUME), None)


def test_keys_before_the_first_reading() -> None:
    for key in ("down", "enter", "l", "w", "p", "end"):
        assert press(View(), key, None, 6) == (View(), None)


@pytest.mark.parametrize(
    ("text", "keys", "rest"),
    [
        ("qj", ["q", "j"], ""),
        ("\x1b[A\x1bOB", ["up", "down"], ""),
        ("\x1b[5~\x1b[6~\x1b[H\x1b[4~", ["pageup", "pagedown", "home", "end"], ""),
        ("\x1b", [], "\x1b"),
        ("\x1b[", [], "\x1b["),
        ("\x1b[1", [], "\x1b[1"),
        ("\x1bq", ["escape", "q"], ""),
        ("\x1b\x1b", ["escape"], "\x1b"),
        ("\x1b[200~x", ["x"], ""),
        ("\t\r\x7f\x15", ["tab", "enter", "backspace", "clear"], ""),
        ("é日\x01", ["é", "日"], ""),
    ],
)
def test_what_a_terminal_sends(text: str, keys: list[str], rest: str) -> None:
    assert keys_in(text) == (keys, rest)


@pytest.mark.parametrize(
    ("values", "width", "top", "drawn"),
    [
        ([], 3, None, "   "),
        ([5, 5], 3, None, " ▁▁"),
        ([0, 7], 2, None, "▁█"),
        ([9, 0, 1, 2, 3], 4, None, "▁▃▆█"),
        ([4, 8], 2, 8, "▅█"),
        ([0, 0], 2, 1, "▁▁"),
        ([1], 0, None, ""),
    ],
)
def test_sparklines(values: list[int], width: int, top: int | None, drawn: str) -> None:
    assert sparkline(values, width, top=top) == drawn


@pytest.mark.parametrize(
    ("text", "width", "right", "fitting"),
    [
        ("abc", 5, False, "abc  "),
        ("abc", 5, True, "  abc"),
        ("abcdef", 4, False, "abc…"),
        ("日本語", 5, False, "日本…"),
        ("日本語", 4, False, "日 …"),
        ("a\nb\x1b", 5, False, "a b? "),
        ("abc", 0, False, ""),
    ],
)
def test_fitting(text: str, width: int, right: bool, fitting: str) -> None:
    assert fit(text, width, right=right) == fitting


TEXTS = st.text(st.sampled_from("ab 1日é"), max_size=14)
STYLES = st.sampled_from(["", "bold", "color(36)", "reverse"])
LINES = st.lists(st.lists(st.tuples(TEXTS, STYLES), max_size=4).map(tuple), max_size=4)


@given(LINES, LINES)
def test_what_is_written_makes_the_new_screen_of_the_old_one(old: Any, new: Any) -> None:
    render = renderer(color=True, encoding="utf-8")
    after = [fitted(line, 20) for line in new]
    once, twice = pyte.Screen(20, 4), pyte.Screen(20, 4)
    before = [fitted(line, 20) for line in old]
    pyte.Stream(once).feed(changes([], before, render) + changes(before, after, render))
    pyte.Stream(twice).feed(changes([], after, render))
    for row in range(4):
        for column in range(20):
            assert once.buffer[row][column] == twice.buffer[row][column]


def test_a_second_that_passes_costs_a_few_bytes() -> None:
    render = renderer(color=True, encoding="utf-8")
    jobs = [replace(each, start_time=each.start_time) for each in ACTIVITY.jobs]
    frame = Frame(80, 24)
    first = screen(View(), ACTIVITY, history(), frame)
    later = replace(ACTIVITY, on=NOW + timedelta(seconds=2), jobs=jobs)
    written = changes(first, screen(View(), later, history(), frame), render)
    assert changes(first, first, render) == ""
    assert len(written.encode()) < 400  # 2 s; all of the screen would be 5,000


@pytest.mark.parametrize(("encoding", "text"), [("ascii", "#_>..."), ("utf-8", "█▁▶日")])
def test_monochrome_and_poor_locales(encoding: str, text: str) -> None:
    shown = renderer(color=False, encoding=encoding)(
        "█▁▶日"[:3] + ("日" if encoding == "utf-8" else "…··"), "bold color(36) reverse"
    )
    assert text[:3] in shown
    assert "\x1b[1;7m" in shown
    assert "36" not in shown


def test_a_database_that_is_away_leaves_what_was_read() -> None:
    class Reading:
        found = [ACTIVITY, StorageUnavailableError("no route to host")]

        def read(self, look: Look) -> Activity:
            answer = self.found.pop(0) if len(self.found) > 1 else self.found[0]
            if isinstance(answer, Exception):
                raise answer
            return answer

    import threading

    woken = threading.Semaphore(0)
    reader: Any = None
    source = Source(reader, 0.01, woken.release)
    source._activity = Reading()  # type: ignore[assignment]
    with source.running():
        for _ in range(2):
            assert woken.acquire(timeout=10)
    activity, problem = source.found
    assert (activity, problem) == (ACTIVITY, "no route to host")
