"""Batch workers: jobs go through a pool of files to pilots, run by the shell of this machine."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from jobflow import Flow
from runner_jobs import add, fail, many, total, wait_for_file
from running import run, states, wait_for

from controller.config import Project
from controller.jobcontroller import JobController
from controller.runner import Runner
from controller.schedulers.queue import Queue
from controller.schedulers.queued_jobs import QueuedJob
from controller.states import BatchState

only_embedded = pytest.mark.parametrize("engine", ["embedded"], indirect=True)


@pytest.fixture
def pooled(described: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """A project whose worker has pilots; the folders have a space in their names."""
    batch = {
        "jobs_handle_dir": str(tmp_path / "a pool"),
        "work_dir": str(tmp_path / "the pilots"),
        "max_wait": 0.5,
        "sleep_time": 0.2,
        "parallel_jobs": 2,
    }
    described["workers"]["local"].update(max_jobs=1, batch=batch)
    return described


@pytest.mark.usefixtures("warm_jobs")
def test_a_flow_through_a_pilot(pooled: dict[str, Any], tmp_path: Path) -> None:
    project = Project.model_validate(pooled)
    with JobController.from_project(project) as controller:
        controller.reset()
        wide = many(3)
        good = controller.add_flow(Flow([add(1, 2), wide, total(wide.output)]), "local")
        (bad,) = controller.add_flow(fail(), "local")
        summary = run(project)
        assert summary.failed == [bad]
        found = states(controller)
        assert {state for db_id, state in found.items() if db_id != bad} == {"COMPLETED"}
        assert set(good) < set(found)
        (batch,) = controller.get_batches(limit=0)[-1:]
        assert batch.batch_state in (BatchState.RUNNING, BatchState.FINISHED)
        assert controller.count_jobs(locked=True) == 0
    pool = tmp_path / "a pool"
    left = {d.name: [f.name for f in d.iterdir()] for d in pool.iterdir()}
    assert set(left) == {"submitted", "running", "run_finished", "lock"}


@only_embedded
@pytest.mark.usefixtures("warm_jobs")
def test_a_pilot_with_a_job_runs_whatever_the_queue_said_last(
    pooled: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A queue is asked each few seconds; a pilot may have begun since, and claimed a job."""
    poll = Queue.poll

    def poll_late(queue: Queue, jobs: Iterable[tuple[Any, ...]]) -> list[QueuedJob]:
        return [job._replace(state="QUEUED") for job in poll(queue, jobs)]

    project = Project.model_validate(pooled)
    with JobController.from_project(project) as controller:
        controller.reset()
        (waits,) = controller.add_flow(wait_for_file(str(tmp_path / "go")), "local")
        runner = Runner(project=project, log_level="error")
        try:
            with monkeypatch.context() as patch:
                patch.setattr(Queue, "poll", poll_late)
                wait_for(
                    lambda: (runner.advance(), states(controller)[waits] == "BATCH_RUNNING")[1]
                )
            (pilot,) = controller.get_batches()
            assert pilot.batch_state is BatchState.RUNNING
            (tmp_path / "go").touch()
            runner.run_until_idle(60)
        finally:
            runner.cleanup()
        assert states(controller)[waits] == "COMPLETED"
