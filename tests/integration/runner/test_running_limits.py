"""A runner that ends by the clock, does a part of the work, or loses its database meanwhile."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from jobflow import Flow
from runner_jobs import add
from running import DEADLINE, serve, states, wait_for

from controller.config import Project
from controller.jobcontroller import JobController
from controller.runner import Runner
from controller.states import JobState

STAGES = ("checkout", "transfer", "queue", "complete")
EXPECTED = {
    "checkout": "CHECKED_OUT",
    "transfer": "UPLOADED",
    "queue": "DOWNLOADED",
    "complete": "COMPLETED",
}


def test_one_job_is_advanced_and_no_other(project: Project, controller: JobController) -> None:
    first, second = add(1, 2), add(3, 4)
    child = add(second.output, 5)
    one, two, three = controller.add_flow(Flow([first, second, child]), "local")
    runner = Runner(project=project, log_level="error")
    try:
        assert runner.run_one_job(two, max_seconds=DEADLINE)
        assert states(controller) == {one: "READY", two: "COMPLETED", three: "READY"}
        with pytest.raises(RuntimeError, match="did not become UPLOADED: it is now COMPLETED"):
            runner.run_one_job(two, target_state=JobState.UPLOADED)
        assert runner.run_one_job(job_id=(first.uuid, 1), target_state=JobState.UPLOADED)
        assert states(controller) == {one: "UPLOADED", two: "COMPLETED", three: "READY"}
        assert set(runner.workers) == {"local"}
        assert runner.get_worker("local") is runner.workers["local"]
        runner.runner_options.delay_update_batch = 7
        assert runner.project.runner.delay_update_batch == 7
    finally:
        runner.cleanup()


def test_a_turn_takes_a_second(project: Project, controller: JobController) -> None:
    (db_id,) = controller.add_flow(add(1, 2), "local")
    runner = Runner(project=project, log_level="error")
    begun = time.monotonic()
    try:
        runner.run(ticks=1)
        assert time.monotonic() - begun >= 1
        while states(controller)[db_id] != "COMPLETED":
            assert time.monotonic() - begun < DEADLINE
            runner.run(ticks=2)
    finally:
        runner.cleanup()


def test_parts_of_a_runner_end_when_their_part_is_done(
    project: Project, controller: JobController
) -> None:
    (db_id,) = controller.add_flow(add(1, 2), "local")
    for stage in STAGES:
        runner = Runner(project=project, log_level="error")
        try:
            parts = {name: name == stage for name in STAGES}
            summary = runner.run_until_idle(DEADLINE, **parts)
        finally:
            runner.cleanup()
        assert not summary.timed_out
        assert states(controller)[db_id] == EXPECTED[stage]


@pytest.mark.cold  # a job that does not end in the one round that there is
def test_time_is_up_for_a_runner(project: Project, controller: JobController) -> None:
    (db_id,) = controller.add_flow(add(1, 2), "local")
    runner = Runner(project=project, log_level="error")
    try:
        runner.run(max_time=0.3)  # ends
        assert runner.run_until_idle(0, checkout=False).timed_out is (
            states(controller)[db_id] != "COMPLETED"
        )
        assert runner.run_until_idle(DEADLINE).timed_out is False
    finally:
        runner.cleanup()
    assert states(controller)[db_id] == "COMPLETED"


@pytest.mark.parametrize("engine", ["embedded"], indirect=True)
def test_a_database_that_goes_is_waited_for(
    described: dict[str, Any], store_spec: dict[str, Any], tmp_path: Path
) -> None:
    """As with a disk that is unmounted for a while; nothing is made in its place."""
    disk, away = tmp_path / "disk", tmp_path / "away"
    described["queue"]["store"] = {**store_spec, "path": str(disk / "queue.sqlite")}
    project = Project.model_validate(described)
    with JobController.from_project(project) as controller:
        controller.reset()
    log = Path(project.log_dir) / "runner.log"
    process = serve(project, "info")
    try:
        wait_for(lambda: log.exists() and "runner started" in log.read_text())
        disk.rename(away)
        wait_for(lambda: "does not exist" in log.read_text())
        assert not disk.exists()
        away.rename(disk)
        wait_for(lambda: "reachable again" in log.read_text())
        with JobController.from_project(project) as controller:
            (db_id,) = controller.add_flow(add(1, 2), "local")
            wait_for(lambda: states(controller)[db_id] == "COMPLETED")
    finally:
        os.kill(process.pid, signal.SIGTERM)
        process.communicate()
