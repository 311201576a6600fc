"""A queue that does not answer says nothing about its jobs."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
from runner_jobs import add
from running import DEADLINE

from controller.config import Project
from controller.errors import RemoteError
from controller.jobcontroller import JobController
from controller.runner import Runner
from controller.schedulers import Queue, QueuedJob
from controller.states import JobState
from controller.why import why


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


SBATCH = """#!/bin/bash
held=$(cat {folder}/held 2>/dev/null | wc -l)
[ "$held" -lt {limit} ] || { echo 'sbatch: error: QOSMaxSubmitJobPerUserLimit' >&2; exit 1; }
n=$((100 + $(cat {folder}/all 2>/dev/null | wc -l)))
echo $n >> {folder}/all; echo $n >> {folder}/held
echo "Submitted batch job $n"
"""


def test_a_full_queue_costs_no_attempt_and_takes_the_rest_later(
    described: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of three jobs has a place: the others stay UPLOADED, and only one is tried meanwhile."""
    monkeypatch.setattr("controller.runner.backoff.FIRST_REFUSAL", 0.02)
    monkeypatch.setattr(
        Queue, "poll", lambda self, jobs: [QueuedJob(job[0], "QUEUED") for job in jobs]
    )
    folder = tmp_path / "bin"
    folder.mkdir()
    sbatch = folder / "sbatch"
    sbatch.write_text(SBATCH.replace("{folder}", str(tmp_path)).replace("{limit}", "1"))
    sbatch.chmod(0o755)
    (folder / "squeue").write_text("#!/bin/bash\nexit 0\n")
    (folder / "squeue").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    described["workers"]["local"].update(scheduler_type="slurm", max_jobs=None)
    project = Project.model_validate(described)
    with JobController.from_project(project) as controller:
        controller.reset()
        for _ in range(3):
            controller.add_flow(add(1, 2), "local")
        runner = Runner(project=project, log_level="error")
        try:
            for _ in range(5):
                runner.advance()
            jobs = controller.get_jobs_info()
            assert sorted(job.state.value for job in jobs) == ["SUBMITTED", "UPLOADED", "UPLOADED"]
            assert {job.remote.step_attempts for job in jobs} == {0}
            assert {job.remote.queue_reason for job in jobs} == {
                None,
                "QOSMaxSubmitJobPerUserLimit",
            }
            for job in jobs:
                if job.state is JobState.UPLOADED:
                    reasons = why(controller, job)
                    assert "accepts no more jobs: QOSMaxSubmitJobPerUserLimit" in reasons[0].text
            (folder / "squeue").write_text("#!/bin/bash\nexit 1\n")
            (tmp_path / "held").unlink()
            for _ in range(3):  # what it holds has to be known before anything is submitted again
                runner.advance()
            assert {job.remote.step_attempts for job in controller.get_jobs_info()} == {0}
            (folder / "squeue").write_text("#!/bin/bash\nexit 0\n")
            deadline = time.monotonic() + DEADLINE
            while controller.count_jobs(states=[JobState.SUBMITTED]) < 2:
                runner.advance()
                assert time.monotonic() < deadline
            (waiting,) = controller.get_jobs_info(states=[JobState.UPLOADED])
            assert waiting.remote.step_attempts == 0
            submitted = controller.get_jobs_info(states=[JobState.SUBMITTED])
            assert {job.remote.queue_reason for job in submitted} == {None}
        finally:
            runner.cleanup()
