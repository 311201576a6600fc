"""What jobs and flows look like, in wide and narrow tables and as data."""

from __future__ import annotations

import io
import json
import os
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from controller.documents import BatchDoc, FlowInfo, JobInfo
from controller.errors import ArgumentError
from controller.safe_text import escaped_json
from controller.states import FlowState, JobState
from controller.tables import formats as shared_words
from jfr_cli.render import data, formats
from jfr_cli.render.batches import BATCHES, batch_panel
from jfr_cli.render.flows import FLOWS, flow_tree, needs_jobs
from jfr_cli.render.jobs import JOBS, job_lines, job_panel, job_table
from jfr_cli.render.tables import Column, Listing, TableSpec, chosen_columns, chosen_data

T0 = datetime(2026, 1, 2, 3, 4, 5)
FLOW = "aaaaaaaa-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def job(**fields: Any) -> JobInfo:
    given = {
        "uuid": "0f3c5e0a-3a55-4b8e-9d0c-6f4a1f0c7a11",
        "index": 1,
        "db_id": "1",
        "worker": "local",
        "state": JobState.COMPLETED,
        "created_on": datetime(2026, 1, 2, 3, 4, 5),
        "updated_on": datetime(2026, 1, 2, 4, 5, 6, 789000),
        "name": "relax",
        "hosts": [FLOW],
        **fields,
    }
    return JobInfo.model_validate(given)


def test_what_a_pilot_does_is_shown_line_by_line() -> None:
    told = {"node": "n1", "slots": 2, "running": ["a_1", "b_1"], "note": None}
    batch = BatchDoc(batch_uid="b", process_id="12", worker="w", activity=told)
    out = io.StringIO()
    Console(file=out, width=60).print(batch_panel(batch, None))
    assert "    running: a_1, b_1 " in out.getvalue()
    assert "note" not in out.getvalue()


@pytest.mark.parametrize(("width", "shown"), [(80, False), (200, True)])
def test_a_batch_process_is_one_line(width: int, shown: bool) -> None:
    folder = Path("/home/me/.jfremote/jfr/pilots/processes") / FLOW
    told = {"slots": 2, "running": ["a_1"], "done": 12}
    batch = BatchDoc(
        batch_uid=FLOW, process_id="4711", worker="w", batch_state="RUNNING", activity=told
    )
    found = listing([(batch, folder)], kind=BATCHES)
    _, _, *lines = drawn(found, width)
    assert len(lines) == 1
    assert (str(folder) in lines[0]) is shown
    assert "runs 1 of 2, 12 jobs done" in lines[0]
    assert [column.key for column in found.left_out] == ([] if shown else ["folder"])


def drawn(listing: Listing, width: int, room: int | None = -1) -> list[str]:
    """Draw a table on a console of a width, for which there is room."""
    out = io.StringIO()
    table = listing.table(width if room == -1 else room)
    Console(file=out, width=width, no_color=True).print(table)
    return [line.rstrip() for line in out.getvalue().removesuffix("\n").split("\n")]


def listing(
    items: list[Any], level: int = 0, kind: TableSpec = JOBS, asked: str | None = None
) -> Any:
    columns = chosen_columns(kind, asked, level)
    return Listing(kind, items, columns, pinned=asked is not None)


GOLDEN = Path(__file__).parent / "golden"
MANY = [
    ("relax Al", JobState.COMPLETED, {"start_time": T0, "end_time": T0 + timedelta(seconds=7501)}),
    ("strained cells of a compound with a long name", JobState.FAILED, {"error": "Traceback"}),
    ("fit [x] \u00e5 \u539f\u5b50", JobState.READY, {"index": 2}),
    ("held", JobState.PAUSED, {"lock_id": "me", "lock_time": T0, "metadata": {"a": 1}}),
    ("again", JobState.UPLOADED, {"remote": {"retry_time_limit": T0, "step_attempts": 2}}),
    ("gone", JobState.REMOTE_ERROR, {"previous_state": "UPLOADED", "remote": {"error": "no"}}),
    ("queued", JobState.SUBMITTED, {"remote": {"process_id": "4711"}}),
]


def job_list() -> list[JobInfo]:
    return [
        job(db_id=str(10**n if n < 5 else n), name=name, state=state, **more)
        for n, (name, state, more) in enumerate(MANY)
    ]


@pytest.mark.parametrize("width", [20, 40, 80, 120, 200])
@pytest.mark.parametrize("level", [0, 1, 2])
def test_the_table_of_jobs_is_as_it_was(width: int, level: int) -> None:
    compare(f"jobs-{'v' * level or 'plain'}-{width}", drawn(listing(job_list(), level), width))


@pytest.mark.parametrize("width", [20, 80, 200])
@pytest.mark.parametrize("level", [0, 1])
def test_the_table_of_flows_is_as_it_was(width: int, level: int) -> None:
    flows = [flow(), flow(name="a flow with a rather long name, as people give them", db_ids=[])]
    lines = drawn(listing(flows, level, FLOWS), width)
    compare(f"flows-{'v' * level or 'plain'}-{width}", lines)


def compare(name: str, lines: list[str]) -> None:
    """Hold a table to its file; JFR_WRITE_GOLDEN=1 writes the files anew, to be looked at."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("JFR_WRITE_GOLDEN"):
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert lines == path.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 160, 200])
@pytest.mark.parametrize("level", [0, 1, 2])
def test_no_line_is_wider_than_the_terminal(width: int, level: int) -> None:
    assert all(cell_len(line) <= width for line in drawn(listing(job_list(), level), width))


@pytest.mark.parametrize("width", [1, 5, 10])
def test_no_terminal_is_too_narrow(width: int) -> None:
    assert drawn(listing([job()], 2), width)


def test_the_columns_that_were_asked_for_are_all_shown() -> None:
    text = " ".join(drawn(listing([job()], asked="worker,uuid,state,remote.process_id"), 40))
    for header in ("Worker", "uuid", "State", "remote.pro"):
        assert header in text


TEXTS = st.text(st.sampled_from("ab \u539f\u5b50\u00e9[]\n"), max_size=12)
HEADS = st.text("a[]\u539f", min_size=1, max_size=5)


@given(st.lists(st.tuples(HEADS, TEXTS, st.booleans()), min_size=1, max_size=4), st.data())
def test_a_plain_table_is_what_rich_draws(named: list[Any], data: st.DataObject) -> None:
    columns = tuple(Column(f"k{i}", head, number=right) for i, (head, _, right) in enumerate(named))
    row = {f"k{i}": text for i, (_, text, _) in enumerate(named)}
    rows = [row, *data.draw(st.lists(st.fixed_dictionaries(dict.fromkeys(row, TEXTS))))]
    kind = TableSpec("some", "Some.", {}, columns=columns)
    whole = Listing(kind, rows, columns)
    assert whole.plain().split("\n") == drawn(whole, 2000, None)


def test_a_name_with_a_line_break_is_one_row() -> None:
    """It could make a row of its own: jobs of others, with any state."""
    shown = listing([job(name="a\n99  forged  COMPLETED"), job(name="b")])
    assert len(shown.plain().splitlines()) == len(drawn(shown, 200)) == 4
    flow = {"flow_id": "f", "state": FlowState.READY, "name": "one\ntwo", "db_ids": ["1"]}
    flow |= {"job_ids": ["u"], "job_indexes": [1], "created_on": T0, "updated_on": T0}
    tree = flow_tree(FlowInfo.model_validate({**flow, "jobs_info": [job(name="a\nb")]}))
    out = io.StringIO()
    Console(file=out, width=100).print(tree)
    assert len(out.getvalue().splitlines()) == 2


def test_what_looks_like_markup_is_shown_as_it_stands() -> None:
    text = listing([job(name="[bold]x[/bold]")], 1).plain()
    assert "Run time [h:mm:ss]" in text
    assert "[bold]x[/bold]" in text
    assert "Run time [h:mm:ss]" in "".join(drawn(listing([job()], 1), 2000))


@pytest.mark.parametrize("state", [*JobState, *FlowState])
def test_every_state_has_a_glyph_beside_its_word(state: JobState | FlowState) -> None:
    glyph, _, word = formats.state_text(state).plain.partition(" ")
    assert word == state.value
    assert glyph
    assert glyph != word


def test_styles_that_look_alike_differ_in_the_glyph() -> None:
    ends = [JobState.COMPLETED, JobState.FAILED, JobState.REMOTE_ERROR, JobState.READY]
    assert len({formats.state_text(s).plain[0] for s in ends}) == len(ends)


@pytest.mark.parametrize(
    ("verbosity", "chosen", "defaults", "expected"),
    [
        (0, None, None, "db_id name state job_id worker last_updated"),
        (0, None, ["db_id", "state"], "db_id state"),
        (0, "name", ["db_id"], "name"),
        (
            1,
            None,
            ["db_id"],
            "db_id name state job_id worker last_updated queue_id run_time retry_time prev_state "
            "locked",
        ),
        (
            2,
            None,
            None,
            "db_id name state job_id worker last_updated queue_id run_time retry_time prev_state "
            "lock_id lock_time metadata",
        ),
    ],
)
def test_columns(verbosity: int, chosen: Any, defaults: Any, expected: str) -> None:
    found = chosen_columns(JOBS, chosen, verbosity, defaults)
    assert [column.key for column in found] == expected.split()


@pytest.mark.parametrize(
    ("key", "nearest"), [("nme", "name"), ("sate", "state"), ("updated", "updated_on"), ("xxx", "")]
)
def test_an_unknown_column_is_named_with_the_nearest(key: str, nearest: str) -> None:
    for choose in (chosen_data, lambda kind, asked: chosen_columns(kind, asked, 0)):
        with pytest.raises(ArgumentError, match=f"'{key}'.*{nearest}"):
            choose(JOBS, f"db_id,{key}")


def test_data_has_the_columns_that_were_asked_for() -> None:
    row = JOBS.data(job(remote={"process_id": "7"}))
    asked = "db_id,queue_id,remote.process_id,job_id,last_updated,metadata.nothing"
    assert chosen_data(JOBS, asked)(row) == {
        "db_id": "1",
        "queue_id": "7",
        "remote.process_id": "7",
        "job_id": "0f3c5e0a-3a55-4b8e-9d0c-6f4a1f0c7a11",
        "last_updated": "2026-01-02T04:05:06.789Z",
        "metadata.nothing": None,
    }


@pytest.mark.parametrize(
    ("columns", "level", "needed"),
    [
        (None, 0, False),
        (None, 1, True),
        ("name,state", 1, False),
        ("db_id", 0, False),
        ("db_id, workers", 0, True),
        ("job_states", 0, True),
        ("jobs", 0, True),
        ("jobs.state", 0, True),
    ],
)
def test_what_has_to_be_read_of_flows(columns: str | None, level: int, needed: bool) -> None:
    assert needs_jobs(columns, level) is needed


def test_stored_data_becomes_columns() -> None:
    kind = job_table(["energy"])
    lines = drawn(listing([job(stored_data={"energy": -1.5}), job()], kind=kind), 200)
    assert lines[0].endswith("energy")
    assert lines[2].endswith("-1.5")


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(None, ""), (0, "0:00:00"), (61.9, "0:01:01"), (360_000, "100:00:00")],
)
def test_durations(seconds: float | None, expected: str) -> None:
    assert formats.duration(seconds) == expected


def flow(**fields: Any) -> FlowInfo:
    given = {
        "db_ids": ["1", "2", "3"],
        "job_ids": ["a", "b", "c"],
        "job_indexes": [1, 1, 1],
        "flow_id": FLOW,
        "state": FlowState.RUNNING,
        "name": "eos",
        "created_on": datetime(2026, 1, 2),
        "updated_on": datetime(2026, 1, 2),
        "job_states": [JobState.COMPLETED, JobState.COMPLETED, JobState.READY],
        "workers": ["b", "a", "a"],
        **fields,
    }
    return FlowInfo.model_validate(given)


@pytest.mark.parametrize(
    ("zone", "named"),
    [
        ("America/New_York", "America/New_York"),
        (":Europe/Berlin", "Europe/Berlin"),
        ("Etc/UTC", "UTC"),
        ("Nowhere/At_all", "local"),
        ("XYZ-3", "local"),
    ],
)
def test_a_zone_is_named_as_it_is_called_all_year(
    monkeypatch: pytest.MonkeyPatch, zone: str, named: str
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    lines = drawn(listing([job()]), 200)
    assert f"Last updated [{named}]" in lines[0]
    (column,) = chosen_columns(JOBS, "remote.retry_time_limit", 0)
    assert Listing(JOBS, [job()], [column]).plain().startswith(f"remote.retry_time_limit [{named}]")


def test_an_hour_that_clocks_repeat_is_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    shared_words._is_repeated.cache_clear()
    told = [formats.local_time(datetime(2026, 11, 1, hour, 30)) for hour in (4, 5, 6, 7)]
    assert told == [
        "2026-11-01 00:30",
        "2026-11-01 01:30 EDT",
        "2026-11-01 01:30 EST",
        "2026-11-01 02:30",
    ]
    assert formats.exact_time(datetime(2026, 7, 1, 12, 0, 1)) == "2026-07-01 08:00:01 EDT"
    shared_words._is_repeated.cache_clear()


def test_the_panel_of_a_job_names_the_zone_of_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    summer = datetime(2026, 7, 1, 12)
    found = job(created_on=summer, remote={"retry_time_limit": summer}).model_dump()
    out = io.StringIO()
    panel = job_panel(found, show_none=False, verbosity=0)
    Console(file=out, width=100, no_color=True).print(panel)
    for key in ("created_on", "retry_time_limit"):
        assert f"{key} = 2026-07-01 08:00:00 EDT" in out.getvalue()


def test_a_pipe_gets_lines_that_programs_of_jobflow_remote_read() -> None:
    values = job(error="Traceback\n  it failed\n", remote={"process_id": "7"}).model_dump()
    values |= {"state": JobState.COMPLETED, "parents": ["a"], "metadata": {"k": "v"}}
    lines = job_lines(values, show_none=False, verbosity=0).splitlines()
    found = {line.partition(" = ")[0]: line.partition(" = ")[2] for line in lines}
    assert found["state"] == "'COMPLETED'"
    assert found["db_id"] == repr(values["db_id"])
    assert found["index"] == "1"
    assert found["parents"] == "['a']"
    assert found["metadata"] == "{'k': 'v'}"
    assert found["remote"].startswith("{'process_id': '7'")
    assert lines[lines.index("error = Traceback") + 1] == "  it failed"
    assert "previous_state" not in found
    assert "previous_state = None" in job_lines(values, show_none=True, verbosity=0)


def test_times_are_utc_in_data() -> None:
    row = JOBS.data(job())
    assert row["updated_on"] == "2026-01-02T04:05:06.789Z"
    assert row["state"] == "COMPLETED"
    assert row["flow_uuid"] == FLOW
    assert row["end_time"] is None


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("ndjson", '{"db_id": "1", "n": null}\n{"db_id": "2", "n": [1]}'),
        ("csv", "db_id,n\n1,\n2,[1]"),
        ("name", "1\n2"),
        ("count", "2"),
        ("yaml", "- db_id: '1'\n  n:\n- db_id: '2'\n  n:\n  - 1"),
    ],
)
def test_formats(form: str, expected: str) -> None:
    rows = [{"db_id": "1", "n": None}, {"db_id": "2", "n": [1]}]
    assert data.written(rows, form, name_key="db_id") == expected


@pytest.mark.parametrize(
    ("form", "expected"), [("json", "[]"), ("ndjson", ""), ("csv", "db_id,n"), ("count", "0")]
)
def test_nothing_found_is_no_error(form: str, expected: str) -> None:
    assert data.written([], form, name_key="db_id", keys=["db_id", "n"]) == expected


def test_json_is_read_back_the_same() -> None:
    rows = [JOBS.data(job(name='ü "x"'))]
    assert json.loads(data.written(rows, "json", name_key="db_id")) == rows


@pytest.mark.parametrize("value", [[], {}, [{"a": {}, "b": []}], 2**70, "\ud800", 0.1, -1.5])
def test_json_is_what_python_writes(value: Any) -> None:
    rows = [{"value": value, "text": "\u2028 \x7f </ \u539f"}]
    whole = escaped_json(json.dumps(rows, indent=2, ensure_ascii=False))
    assert data.written(rows, "json", name_key="value") == whole


def test_a_large_number_is_read_back_the_same() -> None:
    """Older orjson writes 1e300, Python 1e+300."""
    text = data.written([{"value": 1e300}], "json", name_key="value")
    assert json.loads(text) == [{"value": 1e300}]


def test_json_has_no_nan() -> None:
    assert '"a": null' in data.written([{"a": float("nan")}], "json", name_key="a")
