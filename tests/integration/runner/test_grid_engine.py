"""Grid Engine behind a real SSH server: a flow, a job over its time, and one that is cancelled."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from clusters import FIXTURE
from runner_jobs import add, total, wait_for_file
from running import running, wait_for
from sshd import ssh_server

from controller.config import Project
from controller.documents import JobInfo
from controller.jobcontroller import JobController
from controller.states import Cause, JobState

GRID_ENGINE = FIXTURE.with_name("sge_fixture.sh")
COMMANDS = ("qsub", "qstat", "qdel", "qacct")
pytestmark = [
    pytest.mark.parametrize("engine", ["embedded"], indirect=True),
    pytest.mark.cold,  # jobs run in other namespaces
    pytest.mark.skipif(
        not os.environ.get("JFR_TESTS_THOROUGH"), reason="it takes ten seconds to start"
    ),
    pytest.mark.skipif(
        not GRID_ENGINE.exists()
        or os.geteuid() != 0
        or not (shutil.which("qacct") and Path("/usr/sbin/sge_qmaster").exists()),
        reason="Grid Engine is not installed, or this is not root",
    ),
]


@pytest.fixture
def project(
    described: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Project]:
    """A worker whose commands reach the namespaces in which Grid Engine runs."""
    monkeypatch.setattr("controller.hosts.limits.LOGIN_INTERVAL", 0.0)
    folder = tmp_path_factory.mktemp("sge")
    for above in (folder, *folder.parents[:2]):  # its daemons are of another user
        above.chmod(above.stat().st_mode | 0o011)
    fixture = ["bash", str(GRID_ENGINE)]
    subprocess.run(
        [*fixture, "start", str(folder / "d"), "4"], check=True, timeout=90, capture_output=True
    )
    programs = folder / "bin"
    programs.mkdir()
    for name in COMMANDS:
        real = shutil.which(name)
        (programs / name).write_text(
            f'#!/bin/sh\nexec bash {GRID_ENGINE} exec {folder / "d"} {real} "$@"\n'
        )
        (programs / name).chmod(0o755)
    path = f"{programs}:{os.environ['PATH']}"
    try:
        with ssh_server(tmp_path_factory.mktemp("sshd") / "server", PATH=path) as server:
            described["workers"]["far"] = server.worker(
                work_dir=str(Path(described["base_dir"]) / "far"),
                scheduler_type="sge",
                login_shell=False,  # which would set another PATH
                pre_run=f"export PATH='{Path(sys.executable).parent}':$PATH "
                f"PYTHONPATH='{Path(__file__).parent}'",
            )
            described["runner"]["delay_check_run_status"] = 1
            yield Project.model_validate(described)
    finally:
        _end(int((folder / "d" / "ns.pid").read_text()))


def _end(holder: int) -> None:
    """End all processes of the namespaces of one, which have nothing to save."""
    theirs = Path(f"/proc/{holder}/ns/net").readlink()
    for entry in Path("/proc").iterdir():
        with suppress(OSError):
            if entry.name.isdigit() and (entry / "ns" / "net").readlink() == theirs:
                os.kill(int(entry.name), signal.SIGKILL)


def test_jobs_of_grid_engine(project: Project, tmp_path: Path) -> None:
    from jobflow import Flow

    with JobController.from_project(project) as controller:
        controller.reset()
        first = add(1, 2)
        last = total([first.output, 1])
        flow = controller.add_flow(Flow([first, last]), "far")
        short = {"qverbatim": "#$ -l h_rt=0:0:3"}
        never = str(tmp_path / "never")
        (late,) = controller.add_flow(wait_for_file(never), "far", resources=short)
        (stopped,) = controller.add_flow(wait_for_file(never), "far")

        def job(db_id: str) -> JobInfo:
            return controller.get_jobs_info(db_ids=db_id)[0]

        with running(project, within=60):
            wait_for(lambda: job(stopped).state is JobState.RUNNING)
            controller.stop_job(db_id=stopped)
            wait_for(lambda: job(late).state is JobState.FAILED)
            wait_for(lambda: {job(n).state for n in flow} == {JobState.COMPLETED})
        assert controller.get_job_output(db_id=flow[1]) == 4
        assert (job(late).error_cause, job(late).remote.queue_state) == (
            Cause.WALLTIME.value,
            "TIMEOUT",
        )
        assert job(stopped).state is JobState.USER_STOPPED
        assert {job(n).remote.step_attempts for n in (*flow, late)} == {0}
