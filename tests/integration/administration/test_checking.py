"""Checks of a project, and how far they are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from qtoolkit.io.slurm import SlurmIO

from controller.checks import CheckResult, check_project
from controller.config import Project
from controller.errors import NotFoundError
from controller.jobcontroller import JobController


def test_each_check_is_told_before_it_begins(controller: JobController, project: Project) -> None:
    told: list[tuple[str, int, int]] = []
    results = check_project(project, progress=lambda *words: told.append(words))
    parts = ["environment", "worker plain", "worker pool", "worker far", "jobstore", "queue"]
    assert [what for what, _, _ in told] == [*parts, "queue"]
    assert [(done, total) for _, done, total in told] == [(n, 6) for n in range(7)]
    assert [r.what for r in results if not r.ok] == ["worker far"]


def test_one_part_is_one_check(controller: JobController, project: Project) -> None:
    told: list[tuple[str, int, int]] = []
    check_project(project, ["worker"], "plain", progress=lambda *words: told.append(words))
    assert told == [("worker plain", 0, 1), ("worker plain", 1, 1)]
    with pytest.raises(NotFoundError, match="nowhere"):
        check_project(project, ["worker"], "nowhere")


@pytest.fixture
def bin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of stand-ins that comes first on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    for name in ("sbatch", "squeue", "qsub", "qstat"):
        install(folder, name, "exit 0")
    return folder


def install(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)


def checked(tmp_path: Path, *, full: bool = False, **worker: Any) -> list[CheckResult]:
    project = Project.model_validate(
        {
            "name": "checked",
            "base_dir": str(tmp_path),
            "workers": {
                "w": {
                    "type": "local",
                    "work_dir": str(tmp_path / "work"),
                    "execution_cmd": "true {}",
                    **worker,
                }
            },
            "queue": {"store": {"type": "EmbeddedStore", "path": str(tmp_path / "q.sqlite")}},
        }
    )
    return check_project(project, ["worker"], "w", full=full)


BATCH = {"jobs_handle_dir": "/pool", "work_dir": "/batches"}
Q = {"@module": "qtoolkit.core.data_objects", "@class": "QResources", "process_placement": None}
WRONG_WORKERS: dict[str, tuple[dict[str, Any], str]] = {
    "keyword": (
        {"scheduler_type": "slurm", "resources": {"processes_per_nod": 1, "time": "00:01:00"}},
        "its resources cannot be used: .*processes_per_nod",
    ),
    "shell takes no keyword": (
        {"scheduler_type": "shell", "resources": {"nodes": 1}},
        "its resources cannot be used: .*nodes",
    ),
    "shell takes no QResources": (
        {"scheduler_type": "shell", "resources": {**Q, "nodes": 1, "processes_per_node": 1}},
        "its resources cannot be used: Keys not supported: .*nodes",
    ),
    "no QResources": (
        {"scheduler_type": "slurm", "resources": {**Q, "nods": 1}},
        "nods",
    ),
    "scheduler of a missing module": (
        {"scheduler_type": {"@module": "no_such_module", "@class": "IO"}},
        "no_such_module.IO cannot be found",
    ),
    "pre_run": (
        {"scheduler_type": "shell", "pre_run": "exit 7"},
        "its pre_run ended with status 7",
    ),
    "program": (
        {"scheduler_type": "shell", "execution_cmd": "no-such-program {}"},
        "'no-such-program' is not found",
    ),
}


@pytest.mark.parametrize("name", WRONG_WORKERS)
def test_a_worker_that_no_job_can_run_on(bin_folder: Path, tmp_path: Path, name: str) -> None:
    described, pattern = WRONG_WORKERS[name]
    (result,) = checked(tmp_path, **described)
    assert result.what == "worker w"
    assert not result.ok
    assert result.problem is not None
    with pytest.raises(AssertionError, match=pattern):
        raise AssertionError(result.problem)


@pytest.mark.parametrize(
    ("scheduler", "command", "said"),
    [
        ("slurm", "squeue", "slurm_load_jobs error: Unable to contact slurm controller"),
        ("sge", "qstat", "error: unable to send message to qmaster"),
    ],
)
def test_a_queue_that_cannot_be_listed(
    bin_folder: Path, tmp_path: Path, scheduler: str, command: str, said: str
) -> None:
    assert [r.problem for r in checked(tmp_path, scheduler_type=scheduler)] == [None]
    install(bin_folder, command, f"echo '{said}' >&2; exit 1")
    for more in ({}, {"scheduler_username": "me"}):
        (result,) = checked(tmp_path, scheduler_type=scheduler, **more)
        assert not result.ok
        assert said in (result.problem or "")


def test_a_queue_without_its_command(
    bin_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SlurmIO, "SUBMIT_CMD", "SOME=thing no-such-sbatch")
    (result,) = checked(tmp_path, scheduler_type="slurm")
    assert "the command 'no-such-sbatch' of the queue is not found" in (result.problem or "")


def test_other_versions_of_packages_are_no_failure(bin_folder: Path, tmp_path: Path) -> None:
    listed = '[{"name": "jobflow", "version": "0.0.1"}, {"name": "JFR", "version": "0.0.1"}]'
    install(bin_folder, "python", f"echo '{listed}'")
    results = checked(
        tmp_path, full=True, scheduler_type="shell", pre_run=f"PATH={bin_folder}:$PATH"
    )
    assert "jobflow is" in " ".join(str(result.problem) for result in results)
    assert all(result.ok for result in results)
