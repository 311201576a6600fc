"""`jf worker test`: one real job, and nothing of it stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controller.config import Project
from controller.errors import ArgumentError, EntryNotFoundError, HostUnavailableError
from controller.runner.trial import try_worker
from controller.states import Cause, JobState
from jfr_cli.render.schemas import entry
from jfr_cli.render.trials import TRIAL, trial_lines, trial_row

pytestmark = pytest.mark.parametrize("engine", ["embedded"], indirect=True)


def left_on(project: Project) -> list[Path]:
    work = Path(project.workers["local"].work_dir)
    return [path for path in work.rglob("*") if path.is_file()]


def test_a_worker_that_works(project: Project) -> None:
    seen: list[str] = []
    trial = try_worker(project, "local", timeout=60, tell=seen.append)
    assert trial.ok, trial.error
    assert trial.state is JobState.COMPLETED
    assert trial.node
    assert seen[-1] == "COMPLETED"
    assert [step.state for step in trial.steps] == seen[:-1]
    assert 0 < sum(step.seconds for step in trial.steps) <= trial.seconds
    assert left_on(project) == []
    assert not (Path(project.base_dir) / "log").exists()
    assert set(trial_row(trial)) == set(entry(TRIAL)["properties"])
    assert "worker local works" in [*trial_lines(trial)][-1]


@pytest.fixture
def pooled(described: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    described["workers"]["local"].update(
        max_jobs=4,
        batch={
            "jobs_handle_dir": str(tmp_path / "a pool"),
            "work_dir": str(tmp_path / "pilots"),
            "sleep_time": 0.2,
        },
    )
    return described


@pytest.mark.usefixtures("warm_jobs")
def test_a_batch_worker_that_works(pooled: dict[str, Any], tmp_path: Path) -> None:
    project = Project.model_validate(pooled)
    seen: list[str] = []
    trial = try_worker(project, "local", timeout=60, tell=seen.append)
    assert trial.ok, (trial.error, trial.log)
    assert trial.queue_id
    assert "BATCH_SUBMITTED" in seen
    assert "begun by a pilot" in " ".join(trial_lines(trial))
    assert left_on(project) == []
    assert [*(tmp_path / "a pool").iterdir()] == [*(tmp_path / "pilots").iterdir()] == []


def test_a_pilot_that_does_not_start(pooled: dict[str, Any], tmp_path: Path) -> None:
    pooled["workers"]["local"]["pre_run"] = "echo no module python >&2; exit 3"
    trial = try_worker(Project.model_validate(pooled), "local", timeout=60)
    assert (trial.ok, trial.state) == (False, JobState.REMOTE_ERROR)
    said = " ".join(trial_lines(trial))
    assert "ended before it began the job" in said
    assert "no module python" in said
    assert [*(tmp_path / "pilots").iterdir()] == []


@pytest.mark.parametrize(
    ("fields", "options", "cause", "said"),
    [
        (
            {"pre_run": "echo no module vasp >&2; exit 3"},
            {},
            Cause.PRE_RUN_FAILED,
            "no module vasp",
        ),
        (
            {"execution_cmd": "no_such_jf run {}"},
            {},
            Cause.NO_OUTPUT,
            "no_such_jf: command not found",
        ),
        (
            {"execution_cmd": "python3 -c 'import no_such_package' {}"},
            {},
            Cause.IMPORT_FAILED,
            "No module named 'no_such_package'",
        ),
        ({}, {"connect": "127.0.0.1:1"}, Cause.PRE_RUN_FAILED, "does not reach 127.0.0.1:1"),
        ({}, {"exec_config": "bad"}, Cause.PRE_RUN_FAILED, "of the exec_config"),
    ],
)
def test_what_only_a_real_job_finds(
    described: dict[str, Any],
    fields: dict[str, Any],
    options: dict[str, Any],
    cause: Cause,
    said: str,
) -> None:
    described["workers"]["local"].update(fields)
    described["exec_config"] = {"bad": {"pre_run": "echo of the exec_config >&2; exit 1"}}
    project = Project.model_validate(described)
    trial = try_worker(project, "local", timeout=60, **options)
    assert not trial.ok
    assert (trial.state, trial.cause) == (JobState.FAILED, cause)
    assert said in trial.log
    lines = [*trial_lines(trial)]
    assert any(line.startswith("worker local does not work") for line in lines)
    assert any(said in line for line in lines)
    assert left_on(project) == []


@pytest.mark.cold
def test_a_job_that_does_not_end_is_cancelled(described: dict[str, Any]) -> None:
    described["workers"]["local"]["execution_cmd"] = "sleep 600; : {}"
    project = Project.model_validate(described)
    trial = try_worker(project, "local", timeout=2)
    assert trial.state is None
    assert trial.waiting in ("SUBMITTED", "RUNNING")
    assert "was cancelled" in " ".join(trial_lines(trial))
    assert left_on(project) == []


def test_what_cannot_be_tested(described: dict[str, Any]) -> None:
    far = {"type": "remote", "scheduler_type": "shell", "work_dir": "/w", "host": "localhost"}
    described["workers"]["far"] = {**far, "port": 1, "connect_timeout": 2}
    project = Project.model_validate(described)
    with pytest.raises(HostUnavailableError):
        try_worker(project, "far")
    with pytest.raises(EntryNotFoundError):
        try_worker(project, "nowhere")
    with pytest.raises(ArgumentError, match="not an address"):
        try_worker(project, "local", connect="nowhere; rm -rf /")
