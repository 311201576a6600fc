"""What befalls a worker while jobs are on it: one clear line, and nothing is lost."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from runner_jobs import add, noted, wait_for_file
from running import run, states, wait_for

from controller.config import Project
from controller.jobcontroller import JobController
from controller.runner import Runner

pytestmark = pytest.mark.parametrize("engine", ["embedded"], indirect=True)


def test_a_folder_that_was_deleted_under_a_job(
    project: Project, controller: JobController, tmp_path: Path
) -> None:
    (db_id,) = controller.add_flow(wait_for_file(str(tmp_path / "go")), "local")
    runner = Runner(project=project, log_level="warn")
    try:
        wait_for(lambda: runner.advance() and states(controller)[db_id] == "RUNNING")
    finally:
        runner.cleanup()
    info = controller.get_job_info(db_id=db_id)
    assert info is not None
    shutil.rmtree(str(info.run_dir))
    (tmp_path / "go").touch()
    (other,) = controller.add_flow(add(1, 1), "local")
    summary = run(project)
    assert (summary.completed, summary.failed) == ([other], [db_id])
    after = controller.get_job_info(db_id=db_id)
    assert after is not None
    said = (after.error or after.remote.error or "").splitlines()[0]
    assert said
    assert after.error_cause is not None
    controller.rerun_job(db_id=db_id)
    assert run(project).completed == [db_id]


def test_two_projects_on_one_worker(described: dict[str, Any], tmp_path: Path) -> None:
    """The same host and work_dir: each has its own jobs."""
    ledger = str(tmp_path / "ledger")
    projects = []
    for name in ("one", "two"):
        queue = {"type": "EmbeddedStore", "path": str(tmp_path / f"{name}.sqlite")}
        own = {"name": name, "queue": {"store": queue}}
        projects.append(Project.model_validate({**described, **own}))
    ids = []
    for project in projects:
        with JobController.from_project(project) as controller:
            controller.reset()
            ids.append(controller.add_flow(noted(ledger, project.name), "local"))
    for project, mine in zip(projects, ids):
        assert run(project).completed == mine
    assert sorted(Path(ledger).read_text().split()) == ["one", "two"]


def test_a_scheduler_that_was_exchanged_under_a_job(
    described: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its queue does not know the job: nothing is told of it until the file is mended."""
    project = Project.model_validate(described)
    with JobController.from_project(project) as controller:
        controller.reset()
        (db_id,) = controller.add_flow(wait_for_file(str(tmp_path / "go")), "local")
        runner = Runner(project=project, log_level="warn")
        try:
            wait_for(lambda: runner.advance() and states(controller)[db_id] == "RUNNING")
        finally:
            runner.cleanup()
        described["workers"]["local"]["scheduler_type"] = "slurm"
        (tmp_path / "bin").mkdir()
        squeue = tmp_path / "bin" / "squeue"
        squeue.write_text("#!/bin/sh\necho 'squeue: error: Invalid job id specified' >&2; exit 1\n")
        squeue.chmod(0o755)
        monkeypatch.setenv("PATH", str(squeue.parent), prepend=os.pathsep)
        exchanged = Runner(project=Project.model_validate(described), log_level="warn")
        try:
            for _ in range(3):
                exchanged.advance()
        finally:
            exchanged.cleanup()
        assert states(controller) == {db_id: "RUNNING"}
        (tmp_path / "go").touch()
        assert run(project).completed == [db_id]
