"""What goes on, as `jf top` reads it: counts, lists, errors, minutes, and when nothing is read."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from report_documents import put_job

from controller.activity import LISTS, ActivityReader, Look
from controller.documents import utc_now
from controller.jobcontroller import JobController
from controller.states import JobState


@pytest.fixture
def filled(controller: JobController) -> JobController:
    now = utc_now()
    put_job(controller, "1", JobState.RUNNING, running_for=timedelta(minutes=5))
    put_job(controller, "2", JobState.SUBMITTED, worker="far")
    put_job(controller, "3", JobState.READY)
    put_job(controller, "4", JobState.COMPLETED, updated_on=now - timedelta(minutes=3))
    put_job(controller, "5", JobState.COMPLETED, updated_on=now - timedelta(hours=3))
    put_job(controller, "6", JobState.FAILED, updated_on=now - timedelta(minutes=3))
    put_job(controller, "7", JobState.REMOTE_ERROR, updated_on=now - timedelta(minutes=1))
    controller.jobs.update_one(
        {"db_id": "6"},
        {"$set": {"error": "Traceback\n  x\nValueError: no\n", "error_cause": "job_error"}},
    )
    return controller


def test_what_is_read(filled: JobController) -> None:
    found = ActivityReader(filled).read(Look(), whole=True)
    assert {job.db_id for job in found.jobs} == {"1", "2"}
    assert found.number((JobState.COMPLETED,)) == 2
    assert found.number(LISTS["under way"] or (), "far") == 1
    assert found.workers == ["local", "far"]
    assert [(f.db_id, f.cause, f.line) for f in found.failures] == [
        ("7", "", ""),
        ("6", "job_error", "ValueError: no"),
    ]
    assert len(found.minutes) == 60
    assert sum(minute.completed for minute in found.minutes) == 1
    assert sum(minute.failed for minute in found.minutes) == 2
    running = next(job for job in found.jobs if job.db_id == "1")
    assert round(running.run_time(found.on) or 0) in range(298, 320)
    assert (found.claims_paused, found.runners, found.limits) == (False, [], {"local": None})


@pytest.mark.parametrize(
    ("look", "ids"),
    [
        (Look("next"), "3"),
        (Look("errors"), "76"),
        (Look("all", name="job 4"), "4"),
        (Look("all", name="*5"), "5"),
        (Look("all", "far"), "2"),
        (Look("all", name="nothing"), ""),
    ],
)
def test_lists(filled: JobController, look: Look, ids: str) -> None:
    assert [job.db_id for job in ActivityReader(filled).read(look).jobs] == list(ids)


def test_the_hour_is_counted_bit_by_bit(filled: JobController) -> None:
    reader = ActivityReader(filled)
    lengths = [len(reader.read(Look()).minutes) for _ in range(5)]
    assert lengths == sorted(lengths)
    assert lengths[0] < 60
    assert lengths[-1] == 60


def test_where_nothing_changed_nothing_is_read(
    filled: JobController, monkeypatch: pytest.MonkeyPatch
) -> None:
    if filled.queue.database.change_token() is None:
        pytest.skip("this engine cannot tell")
    reader = ActivityReader(filled)
    first = reader.read(Look(), whole=True)
    read: list[Any] = []
    monkeypatch.setattr(reader, "_read", lambda *given: read.append(given) or first)
    again = reader.read(Look())
    assert (read, again.jobs, again.counts.numbers) == ([], first.jobs, first.counts.numbers)
    assert again.on > first.on
    reader.read(Look("errors"))
    assert len(read) == 1
