"""Trends and reports, on each engine."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from report_documents import put_flow, put_job

from controller.documents import utc_now
from controller.errors import ArgumentError
from controller.jobcontroller import JobController
from controller.report import FlowsReport, JobsReport, WorkerLoad
from controller.states import FlowState, JobState

C, F, E = JobState.COMPLETED, JobState.FAILED, JobState.REMOTE_ERROR


@pytest.fixture
def at_noon(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """Let trends be asked for at a noon in UTC."""
    noon = datetime(2024, 3, 31, 12)
    monkeypatch.setattr("controller.operations.trends.utc_now", lambda: noon)
    return noon


def test_every_interval_and_state_is_there(controller: JobController, at_noon: datetime) -> None:
    put_job(controller, "1", C, updated_on=at_noon)
    put_job(controller, "2", C, updated_on=at_noon - timedelta(hours=12))
    put_job(controller, "3", F, updated_on=at_noon - timedelta(hours=12, milliseconds=1))
    put_job(controller, "4", JobState.READY, updated_on=at_noon)
    put_job(controller, "5", C, updated_on=at_noon - timedelta(days=40))
    put_job(controller, "6", C, updated_on=at_noon + timedelta(hours=1))  # another clock
    assert controller.get_trends([C, F], "days", 3) == {
        "2024-03-29": {C: 0, F: 0},
        "2024-03-30": {C: 0, F: 1},
        "2024-03-31": {C: 3, F: 0},
    }


def test_days_begin_where_the_time_zone_says(controller: JobController, at_noon: datetime) -> None:
    rome = ZoneInfo("Europe/Rome")
    for db_id, hour, minute in (("1", 1, 59), ("2", 3, 0), ("3", 23, 59)):
        local = datetime(2024, 3, 31, hour, minute, tzinfo=rome)
        put_job(controller, db_id, C, updated_on=local.astimezone(ZoneInfo("UTC")))
    put_job(controller, "4", C, updated_on=datetime(2024, 3, 30, 22, 59))
    counted = controller.get_trends([C], "days", 2, "Europe/Rome")
    assert counted == {"2024-03-30": {C: 1}, "2024-03-31": {C: 3}}
    by_hour = controller.get_trends([C], "hours", 13, "Europe/Rome")
    assert "2024-03-31 02" not in by_hour
    assert by_hour["2024-03-31 03"] == {C: 1}
    assert by_hour["2024-03-31 01"] == {C: 1}


def test_states_of_flows_count_flows(controller: JobController, at_noon: datetime) -> None:
    put_flow(controller, "one", FlowState.COMPLETED, updated_on=at_noon)
    put_job(controller, "1", C, updated_on=at_noon)
    put_job(controller, "2", C, updated_on=at_noon)
    found = controller.get_trends([FlowState.COMPLETED, FlowState.FAILED], "years", 1)
    assert found == {"2024": {FlowState.COMPLETED: 1, FlowState.FAILED: 0}}
    assert controller.get_trends(["completed"], "weeks", 1) == {"2024-13": {C: 2}}  # type: ignore[list-item]
    with pytest.raises(ArgumentError, match="not for both"):
        controller.get_trends([C, FlowState.COMPLETED])  # type: ignore[list-item]
    assert controller.get_trends([], "years", 1) == {"2024": {}}


def test_report_of_jobs(controller: JobController) -> None:
    for number in range(7):
        put_job(
            controller, str(number), JobState.RUNNING, running_for=timedelta(minutes=number + 1)
        )
    put_job(controller, "7", JobState.RUNNING)  # the start is not known
    put_job(controller, "8", JobState.BATCH_RUNNING, running_for=timedelta(hours=1), worker="b")
    put_job(controller, "9", C, worker="b")
    put_job(controller, "10", E)
    put_job(controller, "11", F)
    put_job(controller, "12", JobState.UPLOADED)
    report = JobsReport.generate_report(controller, "days", 2, timezone="Europe/Rome")
    assert (report.total, report.completed, report.error) == (13, 1, 2)
    assert (report.running, report.active) == (9, 10)
    assert isinstance(report.longest_running, list)
    assert report.worker_utilization == {n: w.jobs for n, w in report.workers.items()}
    assert list(report.worker_utilization.values()) == sorted(
        report.worker_utilization.values(), reverse=True
    )
    assert [job.db_id for job in report.longest_running] == ["8", "6", "5", "4", "3"]
    assert report.workers == {"b": WorkerLoad(2, 1), "local": WorkerLoad(11, 9)}
    assert set(report.state_counts) == set(JobState)
    assert sum(report.trends.completed) == sum(report.trends.remote_error) == 1
    assert len(report.trends.dates) == len(report.trends.failed) == report.trends.num_intervals
    plain = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert plain["summary"] == {"total": 13, "completed": 1, "running": 9, "error": 2, "active": 10}
    assert plain["longest_running"][0]["db_id"] == "8"
    assert plain["longest_running"][0]["run_time"] >= 3600
    assert plain["workers"]["b"] == {"jobs": 2, "active": 1}
    assert plain["trends"]["timezone"] == "Europe/Rome"


def test_report_of_flows(controller: JobController) -> None:
    put_flow(controller, "one", FlowState.COMPLETED)
    put_flow(controller, "two", FlowState.FAILED, updated_on=utc_now() - timedelta(days=400))
    put_flow(controller, "three", FlowState.RUNNING)
    put_flow(controller, "four", FlowState.READY)
    report = FlowsReport.generate_report(controller, "months")
    assert (report.total, report.completed, report.running) == (4, 1, 1)
    assert (report.error, report.active) == (1, 2)
    assert sum(report.trends.completed) == 1
    assert sum(report.trends.failed) == 0
    assert not hasattr(report.trends, "remote_error")
    assert json.loads(json.dumps(report.as_dict()))["states"]["FAILED"] == 1


def test_reports_of_an_empty_database(controller: JobController) -> None:
    jobs, flows = JobsReport.generate_report(controller), FlowsReport.generate_report(controller)
    assert jobs.total == flows.total == jobs.active == 0
    assert jobs.workers == {}
    assert jobs.longest_running == []
    assert jobs.trends.completed == flows.trends.failed == (0,) * 7


def test_report_refuses_what_trends_refuse(controller: JobController) -> None:
    with pytest.raises(ArgumentError, match="time zone"):
        JobsReport.generate_report(controller, timezone="Mars/Base")
