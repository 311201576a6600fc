"""Pilots in the allocations of a real Slurm."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clusters import slurm
from runner_jobs import add, wait_for_file
from running import states, wait_for

from controller.config import Project
from controller.jobcontroller import JobController
from controller.runner import Runner, batches
from controller.states import BatchState


@pytest.fixture
def cluster(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    with slurm(tmp_path_factory.mktemp("slurm")) as configuration:
        monkeypatch.setenv("SLURM_CONF", configuration)
        yield


@pytest.mark.usefixtures("cluster", "warm_jobs")
@pytest.mark.parametrize("engine", ["embedded"], indirect=True)
def test_pilots_in_allocations_with_an_end(
    described: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that the queue ends gives its job back; a job that is too long for all is refused."""
    monkeypatch.setattr(batches, "SETTLE", 0.5)
    described["workers"]["local"].update(
        scheduler_type="slurm",
        max_jobs=1,
        resources={"ntasks": 1, "partition": "main", "time": "00:05:00"},
        pre_run=f"export PATH='{Path(sys.executable).parent}':$PATH",
        batch={
            "jobs_handle_dir": str(tmp_path / "a pool"),
            "work_dir": str(tmp_path / "the pilots"),
            "parallel_jobs": 2,
            "max_wait": 3,
            "sleep_time": 0.2,
            "warm": True,
        },
    )
    project = Project.model_validate(described)
    with JobController.from_project(project) as controller:
        controller.reset()
        (waits,) = controller.add_flow(wait_for_file(str(tmp_path / "go")), "local")
        short = {"time": "00:01:00"}
        (quick,) = controller.add_flow(add(1, 2), "local", resources=short)
        (long,) = controller.add_flow(add(1, 2), "local", resources={"time": "00:10:00"})
        runner = Runner(project=project, log_level="error")
        try:

            def is_at_work() -> bool:
                runner.advance()
                found = states(controller)
                return (found[waits], found[long]) == ("BATCH_RUNNING", "REMOTE_ERROR")

            wait_for(is_at_work)
            (pilot,) = controller.get_batches()
            assert pilot.batch_state is BatchState.RUNNING
            job = controller.get_job_info(db_id=waits)
            assert job is not None
            assert job.remote.process_id == pilot.process_id
            subprocess.run(["scancel", pilot.process_id], check=True, timeout=30)

            def has_another() -> bool:
                runner.advance()
                active = controller.get_batches(batch_state=BatchState.RUNNING)
                return states(controller)[waits] == "BATCH_RUNNING" and bool(active)

            wait_for(lambda: (runner.advance(), states(controller)[waits] != "BATCH_RUNNING")[1])
            wait_for(has_another)
            (tmp_path / "go").touch()
            summary = runner.run_until_idle(60, wait_for_batches=True)
        finally:
            runner.cleanup()
        assert summary.failed == [long]
        assert {quick, waits} <= set(summary.completed)
        refused = controller.get_job_info(db_id=long)
        assert refused is not None
        assert "asks for 600 s, and a pilot of this worker lives for" in (
            refused.remote.error or ""
        )
        doc = controller.jobs.find_one({"db_id": waits}) or {}
        given_back, completed = doc["attempts"]
        assert ("state" not in given_back, completed["state"]) == (True, "COMPLETED")
        assert given_back["batch_uid"] == pilot.batch_uid
        assert {b.batch_state for b in controller.get_batches()} == {BatchState.FINISHED}
        notes = [(b.activity or {}).get("note", "") for b in controller.get_batches()]
        assert any("max_wait" in note for note in notes)
    assert list((tmp_path / "a pool" / "running").iterdir()) == []
