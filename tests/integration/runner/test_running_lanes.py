"""A machine that hangs holds up neither other workers nor the end of the runner."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from runner_jobs import add, total
from running import run, running, wait_for
from sshd import SSHServer, ssh_server

from controller.config import Project
from controller.jobcontroller import JobController
from controller.states import JobState
from controller.why import why

pytestmark = pytest.mark.parametrize("engine", ["embedded"], indirect=True)


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SSHServer]:
    here = str(Path(__file__).parent)
    with ssh_server(tmp_path_factory.mktemp("sshd") / "server", PYTHONPATH=here) as started:
        yield started


def state_of(controller: JobController, db_id: str) -> JobState:
    job = controller.get_job_info(db_id=db_id)
    assert job is not None
    assert job.remote.step_attempts == 0
    return job.state


def test_a_server_that_stands_still_delays_only_its_own_jobs(
    described: dict[str, Any], server: SSHServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from jobflow import Flow

    monkeypatch.setattr("controller.hosts.limits.LOGIN_INTERVAL", 0.0)
    monkeypatch.setattr("controller.runner.lanes.STOP_GRACE", 0.5)
    described["workers"]["far"] = server.worker(
        work_dir=str(tmp_path / "far"),
        pre_run=f"export PATH='{os.environ['PATH']}'",
        connect_timeout=30,
    )
    project = Project.model_validate(described)
    first = add(1, 2)
    last = total([first.output, 1])
    with JobController.from_project(project) as controller:
        controller.reset()
        (far,) = controller.add_flow(add(1, 2), "far")
        near = controller.add_flow(Flow([first, last]), "local")
        server.pause()
        with running(project):
            wait_for(lambda: {state_of(controller, n) for n in near} == {JobState.COMPLETED})
        assert state_of(controller, far) in (JobState.CHECKED_OUT, JobState.UPLOADED)
        server.resume()
        assert run(project).completed == [far]


HANGING = """#!/bin/bash
[ -e {folder}/tried ] || { touch {folder}/tried; exec sleep 60; }
echo 'sbatch: error: QOSMaxSubmitJobPerUserLimit' >&2; exit 1
"""


def test_what_a_lane_that_hangs_has_locked_is_free_for_the_next_runner(
    described: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("controller.runner.lanes.STOP_GRACE", 0.2)
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in {"sbatch": HANGING, "squeue": "#!/bin/bash\nexit 0\n"}.items():
        (folder / name).write_text(text.replace("{folder}", str(tmp_path)))
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    described["workers"]["slow"] = {
        "type": "local",
        "scheduler_type": "slurm",
        "work_dir": str(tmp_path / "slow"),
        "timeout_execute": 15,
    }
    project = Project.model_validate(described)
    with JobController.from_project(project) as controller:
        controller.reset()
        (slow,) = controller.add_flow(add(1, 2), "slow")
        with running(project):
            wait_for((tmp_path / "tried").exists)
        assert controller.count_jobs(locked=True) == 1
        full = {"remote.queue_reason": {"$ne": None}}
        with running(project):
            wait_for(lambda: controller.queue.jobs.count_documents(full))
        job = controller.get_job_info(db_id=slow)
        assert job is not None
        assert (job.state, job.remote.step_attempts) == (JobState.UPLOADED, 0)
        assert "accepts no more jobs: QOSMax" in why(controller, job)[0].text


def test_other_processes_learn_why_a_worker_cannot_be_used(
    described: dict[str, Any], server: SSHServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("controller.hosts.limits.LOGIN_INTERVAL", 0.0)
    described["workers"]["far"] = server.worker(
        work_dir=str(tmp_path / "far"),
        pre_run=f"export PATH='{os.environ['PATH']}'",
        backend="openssh",
        interactive_login=True,
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    project = Project.model_validate(described)
    with JobController.from_project(project) as controller:
        controller.reset()
        (far,) = controller.add_flow(add(1, 2), "far")
        run(project, max_time=1)
        assert state_of(controller, far) in (JobState.CHECKED_OUT, JobState.UPLOADED)
        job = controller.get_job_info(db_id=far)
        assert job is not None
        reason = why(controller, job)[0]
        assert reason.text.startswith("worker far cannot be used: not logged in to 127.0.0.1")
        assert reason.advice == "log in with: jf worker login far"
        described["workers"]["far"]["interactive_login"] = False
        assert run(Project.model_validate(described)).completed == [far]
        job = controller.get_job_info(db_id=far)
        assert job is not None
        assert [reason.code for reason in why(controller, job)] == ["completed"]
