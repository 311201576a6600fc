"""What befalls a worker while jobs are on it: one clear line, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
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


SQUEUE = """#!/bin/sh
[ ! -e {folder}/held ] || echo "77|PENDING|Priority|job|"
"""
SBATCH = """#!/bin/sh
touch {folder}/held; pwd > {folder}/where; echo "Submitted batch job 77"
"""
SCANCEL = """#!/bin/sh
rm -f {folder}/held; echo "$@" >> {folder}/cancelled
"""


@pytest.fixture
def with_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Slurm that holds one job at most, 77, as long as the file `held` is there."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    for name, text in {"squeue": SQUEUE, "sbatch": SBATCH, "scancel": SCANCEL}.items():
        (folder / name).write_text(text.replace("{folder}", str(folder)))
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    # A job that a listing lacks has ended at once, unless the listing is that of another queue.
    monkeypatch.setattr("controller.schedulers.listings.GRACE", 0.0)
    return folder


def _with(described: dict[str, Any], scheduler: str) -> Project:
    worker = {**described["workers"]["local"], "scheduler_type": scheduler}
    return Project.model_validate({**described, "workers": {"local": worker}})


def _advance(project: Project, controller: JobController, db_id: str, state: str) -> None:
    runner = Runner(project=project, log_level="warn")
    try:
        wait_for(lambda: runner.advance() and states(controller)[db_id] == state)
    finally:
        runner.cleanup()


def _rounds(project: Project, controller: JobController) -> dict[str, str]:
    runner = Runner(project=project, log_level="warn")
    try:
        for _ in range(4):
            runner.advance()
    finally:
        runner.cleanup()
    return states(controller)


def test_the_shell_is_exchanged_for_slurm_under_a_job(
    described: dict[str, Any], tmp_path: Path, with_slurm: Path
) -> None:
    """Slurm lists nothing: the job is a process all the same, and is looked at as one."""
    before, after = _with(described, "shell"), _with(described, "slurm")
    with JobController.from_project(before) as controller:
        controller.reset()
        (db_id,) = controller.add_flow(wait_for_file(str(tmp_path / "go")), "local")
        _advance(before, controller, db_id, "RUNNING")
        assert _rounds(after, controller) == {db_id: "RUNNING"}
        (tmp_path / "go").touch()
        assert run(after).completed == [db_id]
        (ended,) = controller.add_flow(wait_for_file(str(tmp_path / "never")), "local")
        _advance(before, controller, ended, "RUNNING")
        with JobController.from_project(after) as here:
            assert here.stop_jobs(db_ids=[ended]) == [ended]
        info = controller.get_job_info(db_id=ended)
        assert info is not None
        assert info.remote.process is not None
        pid = int(info.remote.process["pid"])
        wait_for(lambda: not Path(f"/proc/{pid}").exists())
    assert not (with_slurm / "cancelled").exists()


def test_slurm_is_exchanged_for_the_shell_under_a_job(
    described: dict[str, Any], with_slurm: Path
) -> None:
    """No process has the number of the job in Slurm: it waits there all the same."""
    before, after = _with(described, "slurm"), _with(described, "shell")
    with JobController.from_project(before) as controller:
        controller.reset()
        (db_id,) = controller.add_flow(add(1, 1), "local")
        _advance(before, controller, db_id, "SUBMITTED")
        assert _rounds(after, controller) == {db_id: "SUBMITTED"}
        folder = (with_slurm / "where").read_text().strip()
        environment = {**os.environ, "SLURM_JOB_ID": "77"}
        subprocess.run(["bash", "submit.sh"], cwd=folder, env=environment, check=True)
        (with_slurm / "held").unlink()
        assert run(after).completed == [db_id]
        (stopped,) = controller.add_flow(add(1, 1), "local")
        _advance(before, controller, stopped, "SUBMITTED")
        with JobController.from_project(after) as here:
            assert here.stop_jobs(db_ids=[stopped]) == [stopped]
    assert (with_slurm / "cancelled").read_text().split()[-1] == "77"


def test_the_scheduler_is_exchanged_before_a_submission_was_recorded(
    described: dict[str, Any], tmp_path: Path, with_slurm: Path
) -> None:
    """The runner died in between: what it submitted is found, and nothing is doubled."""
    before, after = _with(described, "shell"), _with(described, "slurm")
    go = tmp_path / "go"
    with JobController.from_project(before) as controller:
        controller.reset()
        (db_id,) = controller.add_flow(wait_for_file(str(go)), "local")
        _advance(before, controller, db_id, "RUNNING")
        lost = {"state": "UPLOADED", "remote.process_id": None, "remote.process": None}
        controller.queue.jobs.update_one({"db_id": db_id}, {"$set": lost})
        assert _rounds(after, controller)[db_id] in ("SUBMITTED", "RUNNING")
        go.touch()
        assert run(after).completed == [db_id]
    assert not (with_slurm / "where").exists()
