"""A real Slurm behind a real SSH server in trouble: no job fails, none runs twice."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from clusters import slurm
from runner_jobs import noted, wait_for_file
from running import running, wait_for
from sshd import ssh_server

from controller.config import Project
from controller.documents import JobInfo
from controller.jobcontroller import JobController
from controller.states import JobState
from controller.why import why

pytestmark = pytest.mark.parametrize("engine", ["embedded"], indirect=True)


@dataclass
class Cluster:
    """A Slurm, and a project with a worker there."""

    folder: Path
    project: Project
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def command(self, *words: str) -> str:
        environment = {**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf")}
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60)
        return done.stdout

    @property
    def controllers_pid(self) -> int:
        lines = (self.folder / "pids").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("slurmctld "))

    def start_controller(self) -> None:
        conf = str(self.folder / "slurm.conf")
        process = subprocess.Popen(
            ["/usr/sbin/slurmctld", "-D", "-f", conf],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.started.append(process)

    def stop(self) -> None:
        for process in self.started:
            process.kill()
            process.wait()


@pytest.fixture
def cluster(
    described: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Cluster]:
    monkeypatch.setattr("controller.hosts.limits.LOGIN_INTERVAL", 0.0)
    monkeypatch.delenv("SLURM_CONF", raising=False)
    folder = tmp_path_factory.mktemp("slurm")
    environment = {"PYTHONPATH": str(Path(__file__).parent)}
    with (
        slurm(folder) as configuration,
        ssh_server(
            tmp_path_factory.mktemp("sshd") / "server", SLURM_CONF=configuration, **environment
        ) as server,
    ):
        there = Path(shutil.which("jf") or sys.executable).parent  # which may be warm
        described["workers"]["far"] = server.worker(
            work_dir=str(Path(described["base_dir"]) / "far"),
            scheduler_type="slurm",
            resources={"ntasks": 1, "partition": "main"},
            pre_run=f"export PATH='{there}':'{Path(sys.executable).parent}':$PATH",
        )
        described["runner"]["delay_check_run_status"] = 1
        made = Cluster(folder, Project.model_validate(described))
        yield made
        made.stop()


def test_a_node_that_goes_down_leaves_its_job_to_the_queue(
    cluster: Cluster, tmp_path: Path
) -> None:
    """Slurm puts the job back under the same id, and starts it anew: we follow."""
    mark = tmp_path / "mark"
    with JobController.from_project(cluster.project) as controller:
        controller.reset()
        (db_id,) = controller.add_flow(wait_for_file(str(mark)), "far")

        def job() -> JobInfo:
            found = controller.get_job_info(db_id=db_id)
            assert found is not None
            return found

        with running(cluster.project, within=60):
            wait_for(lambda: job().state is JobState.RUNNING)
            process_id = job().remote.process_id
            cluster.command("scontrol", "update", "nodename=n1", "state=down", "reason=on purpose")
            wait_for(lambda: job().state is JobState.SUBMITTED)
            wait_for(lambda: job().remote.queue_reason is not None)
            (reason,) = why(controller, job())
            assert reason.text.startswith("PENDING in the queue of far: ")
            mark.touch()
            cluster.command("scontrol", "update", "nodename=n1", "state=resume")
            cluster.command("scontrol", "update", f"jobid={process_id}", "starttime=now")
            wait_for(lambda: job().state is JobState.COMPLETED)
        assert job().remote.process_id == process_id
        assert job().remote.step_attempts == 0


def test_a_controller_that_is_killed_holds_up_what_is_to_be_submitted(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.runner.backoff.FIRST_REFUSAL", 0.2)
    ledger = tmp_path / "ledger"
    with JobController.from_project(cluster.project) as controller:
        controller.reset()
        os.kill(cluster.controllers_pid, signal.SIGKILL)
        (db_id,) = controller.add_flow(noted(str(ledger), "once"), "far")

        def job() -> JobInfo:
            found = controller.get_job_info(db_id=db_id)
            assert found is not None
            return found

        with running(cluster.project, within=60):
            wait_for(lambda: job().remote.queue_reason is not None)
            assert job().state is JobState.UPLOADED
            assert job().remote.step_attempts == 0
            texts = [reason.text for reason in why(controller, job())]
            assert any("Unable to contact slurm controller" in text for text in texts)
            cluster.start_controller()
            wait_for(lambda: job().state is JobState.COMPLETED)
        assert ledger.read_text() == "once\n"
        assert job().remote.step_attempts == 0
