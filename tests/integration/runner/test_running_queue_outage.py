"""A queue that does not answer says nothing about its jobs."""

from __future__ import annotations

from typing import Any

import pytest
from runner_jobs import add
from running import DEADLINE

from controller.config import Project
from controller.errors import RemoteError
from controller.jobcontroller import JobController
from controller.runner import Runner
from controller.schedulers.queue import Queue
from controller.states import JobState


def test_a_queue_outage_fails_no_job(
    project: Project,
    controller: JobController,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (db_id,) = controller.add_flow(add(1, 2), "local")
    runner = Runner(project=project, log_level="warn")
    real, failures = Queue.poll, 3 * project.runner.max_step_attempts
    asked = []

    def poll(self: Queue, jobs: Any) -> Any:
        asked.append(list(jobs))
        if len(asked) <= failures:
            raise RemoteError("squeue: the controller is in maintenance")
        return real(self, asked[-1])

    monkeypatch.setattr(Queue, "poll", poll)
    try:
        runner.run_one_job(db_id, max_seconds=DEADLINE, target_state=JobState.SUBMITTED)
        while len(asked) < failures:
            runner.advance()
            job = controller.get_job_info(db_id=db_id)
            assert job is not None
            assert job.state in (JobState.SUBMITTED, JobState.RUNNING)
            assert (job.remote.step_attempts, job.remote.error) == (0, None)
        assert runner.run_until_idle(DEADLINE).completed == [db_id]
    finally:
        runner.cleanup()
    assert [r for r in caplog.records if "in maintenance" in r.getMessage()]
