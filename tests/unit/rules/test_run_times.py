"""How long a job runs, also where an earlier run has left its times."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from controller.documents import JobInfo, utc_now
from controller.runner.stages.poll import queue_update, waiting_update
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
            {
                "state": "DOWNLOADED",
                "remote.queue_state": None,
                "remote.queue_reason": None,
                "remote.process_id": "101",
            },
        ),
    ],
)
def test_the_submission_that_runs_is_recorded(
    queued: QueuedJob, expected: dict[str, Any] | None
) -> None:
    assert queue_update(RECORDED, queued, local=True) == expected


def test_what_its_queue_starts_anew_waits_again() -> None:
    """A preempted job that Slurm puts back into the queue, under the same id."""
    update = queue_update(
        RECORDED, QueuedJob("102", "QUEUED", None, "PENDING", "BeginTime"), local=False
    )
    assert update == {
        "state": "SUBMITTED",
        "start_time": None,
        "remote.queue_state": "PENDING",
        "remote.queue_reason": "BeginTime",
    }


def test_the_word_of_the_queue_is_kept_at_the_end() -> None:
    update = queue_update(RECORDED, QueuedJob("102", "FAILED", None, "TIMEOUT"), local=False)
    assert update is not None
    assert (update["state"], update["remote.queue_state"]) == ("RUN_FINISHED", "TIMEOUT")


@pytest.mark.parametrize(
    ("state", "queued", "changes"),
    [
        ("SUBMITTED", QueuedJob("102", "QUEUED", None, "PENDING", "Priority"), True),
        ("SUBMITTED", QueuedJob("102", "QUEUED"), True),
        ("RUNNING", QueuedJob("102", "RUNNING", None, "RUNNING"), False),
        ("SUBMITTED", QueuedJob("102", "UNDETERMINED"), False),
    ],
)
def test_why_a_job_waits_is_stored_once(state: str, queued: QueuedJob, changes: bool) -> None:
    job = {"state": state, "remote": {"process_id": "102"}}
    update = waiting_update(job, queued)
    assert (update is not None) is changes
    if update is not None:
        known = {path.removeprefix("remote."): value for path, value in update.items()}
        assert waiting_update({**job, "remote": {**job["remote"], **known}}, queued) is None
