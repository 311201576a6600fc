"""Pictures of jobs and flows whose names look like Rich's markup: each is shown as it stands."""

from __future__ import annotations

import io
from datetime import datetime, timedelta
from typing import Any

import pytest
from rich.console import Console, RenderableType

from controller.doctor import Diagnosis, Examination, Finding, FindingKind, Severity
from controller.documents import FlowInfo, JobInfo, utc_now
from controller.report import JobsReport, JobTrends, WorkerLoad
from controller.rules.why import Reason
from controller.states import JobState
from jfr_cli.render.doctor import SHOWN, examination_text
from jfr_cli.render.flows import flow_tree
from jfr_cli.render.jobs import job_panel
from jfr_cli.render.reports import job_report, one_flow_report
from jfr_cli.render.waiting import why_picture

NAME = "[/bold] a [red]"
"""The first half would be an error, the second one would vanish."""
FLOW = "aaaaaaaa-0000-4000-8000-000000000000"


def job(**fields: Any) -> JobInfo:
    given = {
        "uuid": "0f3c5e0a-3a55-4b8e-9d0c-6f4a1f0c7a11",
        "index": 1,
        "db_id": "1",
        "worker": NAME,
        "state": JobState.RUNNING,
        "created_on": datetime(2026, 1, 2),
        "updated_on": datetime(2026, 1, 2),
        "start_time": utc_now() - timedelta(hours=1),
        "name": NAME,
        "hosts": [FLOW],
        **fields,
    }
    return JobInfo.model_validate(given)


def report() -> RenderableType:
    trends = JobTrends("days", 1, "Europe/Rome", ("2026-01-02",), (1,), (0,), (2,))
    counts = {state: int(state is JobState.RUNNING) for state in JobState}
    return job_report(JobsReport(counts, (job(),), {NAME: WorkerLoad(1, 1)}, trends))


def flow() -> FlowInfo:
    return FlowInfo.model_validate(
        {
            "db_ids": ["1"],
            "job_ids": [job().uuid],
            "job_indexes": [1],
            "job_names": [NAME],
            "parents": [[]],
            "hosts": [[FLOW]],
            "flow_id": FLOW,
            "state": "RUNNING",
            "name": NAME,
            "created_on": datetime(2026, 1, 2),
            "updated_on": datetime(2026, 1, 2),
            "job_states": [JobState.RUNNING],
            "workers": [NAME],
            "jobs_info": [job()],
        }
    )


def reason() -> Reason:
    return Reason("x", f"the worker {NAME} is full", f"jf job why {NAME}")


PICTURES: dict[str, Any] = {
    "report": report,
    "one flow": lambda: one_flow_report(flow(), f"Flow {NAME}"),
    "tree": lambda: flow_tree(flow()),
    "panel": lambda: job_panel(job().model_dump(), show_none=True, verbosity=2),
    "why": lambda: why_picture(job(), [reason()]),
}


@pytest.mark.parametrize("name", PICTURES)
def test_names_are_no_markup(name: str) -> None:
    out = io.StringIO()
    Console(file=out, width=200, no_color=True).print(PICTURES[name]())
    assert NAME in out.getvalue()


def test_trends_can_be_told_apart_without_colours() -> None:
    out = io.StringIO()
    Console(file=out, width=80, no_color=True).print(report())
    headings, line = out.getvalue().rstrip().splitlines()[-2:]
    told = [part.strip() for part in headings.split("  ") if part]
    assert told == ["█ Completed", "▒ Failed", "░ Remote error"]
    assert line.split()[-1] == "██████░░░░░░░░░░░░"


def test_findings_of_one_cause_share_their_remedy() -> None:
    findings = tuple(
        Finding(FindingKind.LOCK_DEAD, Severity.PROBLEM, f"f{n}", f"flow {n} is locked", "free it")
        for n in range(50)
    )
    other = Finding(FindingKind.INDEX, Severity.WARNING, "x", "an index is missing", "build it")
    found = Diagnosis(findings=(*findings, other), jobs=1, flows=50, held=0)
    out = io.StringIO()
    picture = examination_text(Examination(found, (), found), fixed=False)
    Console(file=out, width=200, no_color=True).print(picture)
    lines = out.getvalue().splitlines()
    assert len(lines) == SHOWN + 5
    assert lines[SHOWN].strip() == "and 45 similar ones: see --json"
    assert lines[SHOWN + 1].strip() == "→ free it"
    assert lines[SHOWN + 2].strip() == "! warning an index is missing"
