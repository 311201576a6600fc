"""What jobs and flows look like, in wide and narrow tables and as data."""

from __future__ import annotations

import io
import json
from datetime import datetime
from typing import Any

import pytest
from rich.console import Console, RenderableType

from controller.documents import FlowInfo, JobInfo
from controller.errors import ArgumentError
from controller.states import FlowState, JobState
from jfr_cli.render import data, tables

FLOW = "aaaaaaaa-0000-4000-8000-000000000000"


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "zone", lambda: "UTC")
    monkeypatch.setattr(
        tables, "local_time", lambda t, form="%Y-%m-%d %H:%M": t.strftime(form) if t else ""
    )


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


def drawn(content: RenderableType, width: int) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, no_color=True).print(content)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def table_of(jobs: list[JobInfo], verbosity: int = 0, **how: Any) -> RenderableType:
    return tables.jobs_table(jobs, tables.job_columns(verbosity, None, None), **how)


def test_the_wide_table() -> None:
    jobs = [job(), job(db_id="12", index=2, state=JobState.FAILED, name="fit [x]")]
    assert drawn(table_of(jobs), 200) == [
        " " * 48 + "Jobs info",
        "┏━━━━━━━┳━━━━━━━━━┳━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━"
        "┳━━━━━━━━━━━━━━━━━━━━┓",
        "┃ DB id ┃ Name    ┃ State       ┃ Job id (Index)                           ┃ Worker "
        "┃ Last updated [UTC] ┃",
        "┡━━━━━━━╇━━━━━━━━━╇━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━"
        "╇━━━━━━━━━━━━━━━━━━━━┩",
        "│ 1     │ relax   │ ✔ COMPLETED │ 0f3c5e0a-3a55-4b8e-9d0c-6f4a1f0c7a11 (1) │ local  "
        "│ 2026-01-02 04:05   │",
        "│ 12    │ fit [x] │ ✘ FAILED    │ 0f3c5e0a-3a55-4b8e-9d0c-6f4a1f0c7a11 (2) │ local  "
        "│ 2026-01-02 04:05   │",
        "└───────┴─────────┴─────────────┴──────────────────────────────────────────┴────────"
        "┴────────────────────┘",
    ]


def test_the_narrow_table_fits_80_columns() -> None:
    jobs = [job(name="strained cells"), job(db_id="12345", name="fit", state=JobState.READY)]
    assert drawn(table_of(jobs, narrow=True), 80) == [
        " " * 30 + "Jobs info",
        "DB id  Name            State        Job id        Worker  Updated",
        "─" * 70,
        "1      strained cells  ✔ COMPLETED  0f3c5e0a (1)  local   01-02 04:05",
        "12345  fit             ○ READY      0f3c5e0a (1)  local   01-02 04:05",
    ]


def test_the_narrow_table_leaves_out_empty_columns_only() -> None:
    plain = drawn(table_of([job()], 2, narrow=True), 200)[1]
    assert "Lock" not in plain
    assert "Retry" not in plain
    locked = job(lock_id="me", remote={"retry_time_limit": datetime(2026, 1, 2)})
    full = drawn(table_of([locked], 2, narrow=True), 200)[1]
    assert "Lock id" in full
    assert "Retry" in full


@pytest.mark.parametrize("width", [1, 5, 20, 40])
@pytest.mark.parametrize("narrow", [True, False])
def test_no_terminal_is_too_narrow(width: int, narrow: bool) -> None:
    assert drawn(table_of([job()], 2, narrow=narrow), width)


@pytest.mark.parametrize("state", [*JobState, *FlowState])
def test_every_state_has_a_glyph_beside_its_word(state: JobState | FlowState) -> None:
    glyph, _, word = tables.state_text(state).plain.partition(" ")
    assert word == state.value
    assert glyph
    assert glyph != word


def test_styles_that_look_alike_differ_in_the_glyph() -> None:
    ends = [JobState.COMPLETED, JobState.FAILED, JobState.REMOTE_ERROR, JobState.READY]
    assert len({tables.state_text(s).plain[0] for s in ends}) == len(ends)


@pytest.mark.parametrize(
    ("verbosity", "chosen", "defaults", "expected"),
    [
        (0, None, None, "db_id name state job_id worker last_updated"),
        (0, None, ["db_id", "state"], "db_id state"),
        (0, ["name"], ["db_id"], "name"),
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
    assert tables.job_columns(verbosity, chosen, defaults) == expected.split()


def test_an_unknown_column_is_named() -> None:
    with pytest.raises(ArgumentError, match="nme"):
        tables.job_columns(0, ["nme"], None)


def test_stored_data_becomes_columns() -> None:
    table = table_of([job(stored_data={"energy": -1.5}), job()], stored_data=["energy"])
    text = "\n".join(drawn(table, 200))
    assert "energy" in text
    assert "-1.5" in text


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(None, ""), (0, "0:00:00"), (61.9, "0:01:01"), (360_000, "100:00:00")],
)
def test_durations(seconds: float | None, expected: str) -> None:
    assert tables.duration(seconds) == expected


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


def test_job_states_are_listed_in_the_wide_and_counted_in_the_narrow_table() -> None:
    assert "C-C-R" in drawn(tables.flows_table([flow()], 1), 200)[4]
    narrow = drawn(tables.flows_table([flow()], 1, narrow=True), 80)[-1]
    assert narrow.endswith("a, b     2C 1R")


def test_times_are_utc_in_data() -> None:
    row = data.job_row(job())
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
    assert data.written(rows, form) == expected


@pytest.mark.parametrize(
    ("form", "expected"), [("json", "[]"), ("ndjson", ""), ("csv", ""), ("count", "0")]
)
def test_nothing_found_is_no_error(form: str, expected: str) -> None:
    assert data.written([], form) == expected


def test_json_is_read_back_the_same() -> None:
    rows = [data.job_row(job(name='ü "x"'))]
    assert json.loads(data.written(rows, "json")) == rows
