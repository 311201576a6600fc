"""How long a job runs, also where an earlier run has left its times."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from controller.documents import JobInfo, utc_now
from controller.runner.stages.poll import queue_update
from controller.schedulers import QueuedJob

NOW = utc_now()


def job(**times: Any) -> JobInfo:
    content = {"uuid": "u", "index": 1, "db_id": "1", "worker": "w", "state": "RUNNING"}
    return JobInfo.model_validate({**content, "name": "n", **times})


def test_no_run_takes_less_than_no_time() -> None:
    later = NOW + timedelta(hours=1)
    assert job(start_time=NOW, end_time=later).run_time == 3600
    assert job(start_time=later, end_time=NOW).run_time is None
    assert job(start_time=later).estimated_run_time == 0


def test_a_run_that_begins_has_not_ended() -> None:
    update = queue_update({"state": "SUBMITTED"}, QueuedJob("1", "RUNNING"), local=True)
    assert update is not None
    assert update["end_time"] is None


RECORDED = {"state": "RUNNING", "remote": {"process_id": "102", "process": None}}


@pytest.mark.parametrize(
    ("queued", "expected"),
    [
        (QueuedJob("102", "RUNNING"), None),
        (QueuedJob("102", "UNDETERMINED"), None),
        (QueuedJob("101", "RUNNING"), {"remote.process_id": "101"}),
        (QueuedJob("101", "QUEUED"), {"remote.process_id": "101"}),
        (QueuedJob("102", "RUNNING", {"pid": 102}), {"remote.process": {"pid": 102}}),
        (
            QueuedJob("101", None),
            {"state": "DOWNLOADED", "remote.queue_state": None, "remote.process_id": "101"},
        ),
    ],
)
def test_the_submission_that_runs_is_recorded(
    queued: QueuedJob, expected: dict[str, Any] | None
) -> None:
    assert queue_update(RECORDED, queued, local=True) == expected
