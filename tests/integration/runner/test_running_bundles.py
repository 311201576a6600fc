"""Jobs that wait for the same machine travel together, and one that is bad costs only itself."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from runner_jobs import add

from controller.config import Project
from controller.hosts import LocalHost
from controller.jobcontroller import JobController
from controller.runner import Runner
from controller.states import JobState

pytestmark = pytest.mark.parametrize("engine", ["embedded"], indirect=True)

SBATCH = """#!/bin/bash
if grep -q 'partition=nowhere' "$1"; then
  echo 'sbatch: error: invalid partition specified' >&2; exit 1
fi
n=1; while ! (set -C; : > {folder}/$n.id) 2>/dev/null; do n=$((n + 1)); done
echo "Submitted batch job $n"
"""
SQUEUE = """#!/bin/bash
for f in {folder}/*.id; do n=${f##*/}; echo "${n%.id}|PENDING|Priority|(null)|(null)"; done
"""


@pytest.fixture
def project(described: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A queue of stand-ins that takes what it gets."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in {"sbatch": SBATCH, "squeue": SQUEUE}.items():
        (folder / name).write_text(text.replace("{folder}", str(tmp_path)))
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    described["workers"]["cluster"] = {
        "type": "local",
        "scheduler_type": "slurm",
        "work_dir": str(tmp_path / "it's far"),
        "resources": {"partition": "main"},
    }
    described["runner"]["delta_retry"] = [60]
    return Project.model_validate(described)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often a host was asked for what."""
    counted: Counter[str] = Counter()
    real = LocalHost.execute

    def execute(self: LocalHost, command: str, *args: Any, **kwargs: Any) -> Any:
        counted["listings" if "squeue" in command else "commands"] += 1
        return real(self, command, *args, **kwargs)

    monkeypatch.setattr(LocalHost, "execute", execute)
    return counted


def test_many_jobs_cost_few_commands_and_a_bad_one_costs_itself(
    project: Project, asked: Counter[str], tmp_path: Path
) -> None:
    with JobController.from_project(project) as controller:
        controller.reset()
        good = [controller.add_flow(add(n, 1), "cluster")[0] for n in range(20)]
        nowhere = {"partition": "nowhere"}
        (refused,) = controller.add_flow(add(0, 0), "cluster", resources=nowhere, priority=1)
        runner = Runner(project=project, log_level="error")
        try:
            runner.advance()
            states = {job.db_id: job.state for job in controller.get_jobs_info()}
            assert {states[db_id] for db_id in good} == {JobState.SUBMITTED}
            assert states[refused] is JobState.UPLOADED
            job = controller.get_job_info(db_id=refused)
            assert job is not None
            assert job.remote.step_attempts == 1
            assert "invalid partition" in (job.remote.error or "")
            ids = {job.remote.process_id for job in controller.get_jobs_info()} - {None}
            assert ids == {str(n) for n in range(1, 21)}, "each was submitted once"
            assert asked["commands"] <= 5
            runner.advance()
            assert asked["listings"] <= 2
        finally:
            runner.cleanup()


def test_a_folder_that_cannot_be_made_costs_its_job_only(project: Project, tmp_path: Path) -> None:
    with JobController.from_project(project) as controller:
        controller.reset()
        good = [controller.add_flow(add(n, 1), "cluster")[0] for n in range(3)]
        (bad,) = controller.add_flow(add(0, 0), "cluster")
        uuid = controller.get_job_info(db_id=bad).uuid  # type: ignore[union-attr]
        in_the_way = tmp_path / "it's far" / uuid[:2] / uuid[2:4] / uuid[4:6] / f"{uuid}_1"
        in_the_way.parent.mkdir(parents=True)
        in_the_way.touch()
        runner = Runner(project=project, log_level="error")
        try:
            runner.advance()
            states = {job.db_id: job.state for job in controller.get_jobs_info()}
            assert {states[db_id] for db_id in good} == {JobState.SUBMITTED}
            assert states[bad] is JobState.CHECKED_OUT
        finally:
            runner.cleanup()


def test_why_a_job_waits_is_written_down_and_costs_no_quick_listing(
    project: Project, asked: Counter[str]
) -> None:
    from controller.why import why

    with JobController.from_project(project) as controller:
        controller.reset()
        (db_id,) = controller.add_flow(add(1, 1), "cluster")
        runner = Runner(project=project, log_level="error")
        try:
            for _ in range(4):
                runner.advance()
            assert asked["listings"] == 1, "nothing has changed"
            job = controller.get_job_info(db_id=db_id)
            assert job is not None
            texts = [reason.text for reason in why(controller, job)]
            assert "no runner is alive" in texts
            assert job.remote.queue_state == "PENDING"
            assert job.remote.queue_reason == "Priority"
        finally:
            runner.cleanup()
