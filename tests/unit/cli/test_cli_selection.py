"""Options -> filters, as tables."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from controller.errors import ArgumentError
from controller.filters import FlowFilter, JobFilter
from controller.jobcontroller import JobController
from controller.states import FlowState, JobState
from jfr_cli.app import UsageError
from jfr_cli.selection import (
    dictionary,
    job_named,
    keywords,
    parse_date,
    window,
    with_flow_filter,
    with_job_filter,
)

UUID = "0f3c5e0a-3a55-4b8e-9d0c-6f4a1f0c7a11"
NOON = datetime(2026, 3, 10, 12, 0)


def selected(decorate: Any, *words: str) -> Any:
    """The filter that a command with these words receives."""
    seen: list[Any] = []
    app = typer.Typer()

    @app.command()
    @decorate
    def command(selection: Any) -> None:
        seen.append(selection)

    result = CliRunner().invoke(app, list(words), standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    return seen[0]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], {}),
        (["-did", "1", "-did", "2"], {"db_ids": ["1", "2"]}),
        (["--db-id", "1"], {"db_ids": ["1"]}),
        (["-jid", f"{UUID}:2"], {"job_ids": [(UUID, 2)]}),
        (["-fid", "7", "--flow-id", UUID], {"flow_ids": ["7", UUID]}),
        (["-s", "completed", "-s", "FAILED"], {"states": [JobState.COMPLETED, JobState.FAILED]}),
        (["-sdate", "2026-01-31"], {"start_date": datetime(2026, 1, 31)}),
        (["-edate", "2026-01-31T12:30"], {"end_date": datetime(2026, 1, 31, 12, 30)}),
        (["-n", "relax*"], {"name": "relax*"}),
        (["-meta", "tag=a,kind=b"], {"metadata": {"tag": "a", "kind": "b"}}),
        (["-meta", '{"n": 1}'], {"metadata": {"n": 1}}),
        (["-wk", "a", "--worker", "b"], {"workers": ["a", "b"]}),
        (["-q", '{"priority": {"$gt": 3}}'], {"custom_query": {"priority": {"$gt": 3}}}),
    ],
)
def test_job_options(words: list[str], expected: dict[str, Any]) -> None:
    assert selected(with_job_filter, *words) == JobFilter(**expected)


ACTIONS = [
    getattr(JobController, name)
    for name in (
        "rerun_jobs", "retry_jobs", "pause_jobs", "resume_jobs", "stop_jobs", "delete_jobs",
        "set_job_run_properties",
    )
]  # fmt: skip


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.__name__)
def test_actions_take_every_filter(action: Any) -> None:
    chosen = JobFilter(
        causes=["walltime"], error_match="quota", custom_query={"priority": 3}, workers=["a"]
    )
    found = keywords(chosen)
    assert set(found) <= set(inspect.signature(action).parameters)
    assert found["custom_query"] == {
        "priority": 3,
        "$and": [
            {"error_cause": "walltime"},
            {"$or": [{"error": {"$regex": "quota"}}, {"remote.error": {"$regex": "quota"}}]},
        ],
    }


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], {}),
        (["-jid", UUID], {"job_ids": [UUID]}),
        (["-fid", "7"], {"flow_ids": ["7"]}),
        (["-s", "Running"], {"states": [FlowState.RUNNING]}),
    ],
)
def test_flow_options(words: list[str], expected: dict[str, Any]) -> None:
    assert selected(with_flow_filter, *words) == FlowFilter(**expected)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["-s", "completd"], "COMPLETED"),
        (["-jid", UUID], "UUID:INDEX"),
        (["-jid", f"{UUID}:x"], "UUID:INDEX"),
        (["-ds", "1", "-hs", "2"], "--days and --hours"),
        (["-ds", "1", "-sdate", "2026-01-01"], "--start-date and --days"),
        (["-sdate", "yesterday"], "is not a date"),
        (["-sdate", "2026-W05"], "is not a date"),
        (["-sdate", "0001-01-01T00:00:00+10:00"], "is not a date"),
        (["-meta", "tag"], "neither JSON"),
        (["-meta", "a=b=c"], "neither JSON"),
        (["-q", "[1]"], "neither JSON"),
        (["-sdate", "2026-02-01", "-edate", "2026-01-01"], "is after"),
    ],
)
def test_what_cannot_be_meant_is_refused(words: list[str], says: str) -> None:
    with pytest.raises((UsageError, ArgumentError)) as caught:
        selected(with_job_filter, *words)
    error = caught.value
    told = error.format_message() if isinstance(error, UsageError) else str(error)
    assert says in told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31", datetime(2026, 1, 31)),
        ("2026-01-31T06:07", datetime(2026, 1, 31, 6, 7)),
        ("2026-01-31T06:07:08", datetime(2026, 1, 31, 6, 7, 8)),
        ("2026-01-31 06:07", datetime(2026, 1, 31, 6, 7)),
        ("2026-01-31 06:07:08", datetime(2026, 1, 31, 6, 7, 8)),
        ("11:59", datetime(2026, 3, 10, 11, 59)),
        ("12:00:01", datetime(2026, 3, 9, 12, 0, 1)),
        ("2026-01-31T06:07:08.009Z", datetime(2026, 1, 31, 6, 7, 8, 9000, tzinfo=UTC)),
        ("2026-01-31 06:07:08+02:00", datetime(2026, 1, 31, 4, 7, 8, tzinfo=UTC)),
        ("2026-01-31T06:07:08.5", datetime(2026, 1, 31, 6, 7, 8, 500000)),
    ],
)
def test_dates_and_times_of_the_last_day(text: str, expected: datetime) -> None:
    assert parse_date("--start-date", text, NOON) == expected


def test_no_bound_is_no_bound() -> None:
    given = dict.fromkeys(("start_date", "end_date", "days", "hours"))
    assert window(given) == (None, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, None),
        ("{ }", {}),
        ("{}", {}),
        ('{"a": [1, 2]}', {"a": [1, 2]}),
        ("a=1", {"a": "1"}),
        ("a=1, b=x y", {"a": "1", "b": "x y"}),
        ("a=", {"a": ""}),
    ],
)
def test_dictionaries(text: str | None, expected: dict[str, Any] | None) -> None:
    assert dictionary("--query", text) == expected


def test_a_job_is_named_by_uuid_or_db_id() -> None:
    assert job_named(UUID, 3) == {"job_id": UUID, "job_index": 3}
    assert job_named("12", None) == {"db_id": "12"}
