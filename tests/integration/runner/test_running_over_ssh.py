"""Workers on another machine: a real SSH server, with the shell and with a real Slurm behind it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clusters import slurm
from runner_jobs import add, fail, many, total
from running import run, running, states, wait_for
from sshd import SSHServer, ssh_server

from controller.checks import check_project
from controller.config import Project
from controller.jobcontroller import JobController
from controller.operations.worker_outages import outage_of
from controller.states import JobState

pytestmark = pytest.mark.parametrize("engine", ["embedded"], indirect=True)

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("controller.hosts.limits.LOGIN_INTERVAL", 0.0)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SSHServer]:
    with ssh_server(tmp_path_factory.mktemp("sshd") / "server", PYTHONPATH=str(HERE)) as running:
        yield running


def over_ssh(described: dict[str, Any], server: SSHServer, **fields: Any) -> Project:
    """Turn the worker of a project into one behind the server, with awkward folders."""
    there = Path(shutil.which("jf") or sys.executable).parent  # which may be warm
    described["workers"]["far"] = server.worker(
        work_dir=str(Path(described["base_dir"]) / "it's far"),
        pre_run=f"export PATH='{there}':'{Path(sys.executable).parent}':$PATH",
        **fields,
    )
    return Project.model_validate(described)


def test_a_flow_on_a_shell_far_away(described: dict[str, Any], server: SSHServer) -> None:
    from jobflow import Flow

    project = over_ssh(described, server, max_jobs=3)
    first, wide = add(1, 2), many(2)
    last = total(wide.output)
    with JobController.from_project(project) as controller:
        controller.reset()
        good = controller.add_flow(Flow([first, wide, last]), "far")
        (bad,) = controller.add_flow(fail(), "far")
        summary = run(project)
        assert server.logins() == 1
        server.wait_until_free()
        jobs = {job.db_id: job for job in controller.get_jobs_info()}
        assert {jobs[db_id].state for db_id in good} == {JobState.COMPLETED}, summary
        assert jobs[bad].state is JobState.FAILED
        assert "on purpose" in (jobs[bad].error or "")
        by_name = {job.name: job for job in jobs.values()}
        assert controller.get_job_output(db_id=by_name["total"].db_id) == 3
        folder, names = controller.list_job_files(db_id=bad)
        assert "it's far" in folder
        assert "jfremote_out.json" in names
        assert controller.read_job_file("jfr_exit", db_id=bad) == b"0\n"
    assert not list(Path(project.tmp_dir).glob("download/*/*/*/*"))


@pytest.mark.parametrize("kind", ["openssh", "separated_transfer"])
def test_a_job_by_other_ways(described: dict[str, Any], server: SSHServer, kind: str) -> None:
    fields: dict[str, Any] = {"backend": kind}
    if kind == "separated_transfer":
        fields = {"type": kind, "transfer": {"host": "127.0.0.1", "port": server.port}}
    project = over_ssh(described, server, **fields)
    with JobController.from_project(project) as controller:
        controller.reset()
        (good,) = controller.add_flow(add(1, 2), "far")
        run(project)
        assert controller.get_job_output(db_id=good) == 3
    assert server.logins() == 1, "both halves use one connection"
    server.wait_until_free()


def test_a_flow_on_slurm_far_away(
    described: dict[str, Any],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with (
        slurm(tmp_path_factory.mktemp("slurm")) as configuration,
        ssh_server(
            tmp_path_factory.mktemp("sshd") / "server",
            SLURM_CONF=configuration,
            PYTHONPATH=str(HERE),
        ) as server,
    ):
        monkeypatch.delenv("SLURM_CONF", raising=False)
        project = over_ssh(
            described,
            server,
            scheduler_type="slurm",
            resources={"ntasks": 1, "partition": "main"},
        )
        with JobController.from_project(project) as controller:
            controller.reset()
            good = controller.add_flow(add(1, 2), "far")
            (refused,) = controller.add_flow(add(0, 1), "far", resources={"partition": "nowhere"})
            run(project)
            jobs = {job.db_id: job for job in controller.get_jobs_info()}
            assert {jobs[db_id].state for db_id in good} == {JobState.COMPLETED}
            assert controller.get_job_output(db_id=good[0]) == 3
            assert jobs[refused].state is JobState.REMOTE_ERROR
            assert "nowhere" in (jobs[refused].remote.error or "")
        assert server.logins() == 1


def test_a_machine_out_of_reach_pauses_its_jobs(
    described: dict[str, Any], server: SSHServer
) -> None:
    project = over_ssh(described, server)
    with JobController.from_project(project) as controller:
        controller.reset()
        (far,) = controller.add_flow(add(1, 2), "far")
        (near,) = controller.add_flow(add(1, 2), "local")
        server.stop()
        os.environ.pop("SSH_AUTH_SOCK", None)
        with running(project):
            wait_for(lambda: states(controller)[near] == "COMPLETED")
            wait_for(lambda: outage_of(controller.queue, "far") is not None)
        job = controller.get_job_info(db_id=far)
        assert job is not None
        # Of a connection that was there before, it is not known what it has carried.
        assert job.state in (JobState.CHECKED_OUT, JobState.UPLOADED)
        assert job.remote.step_attempts == 0
        server.start()
        run(project)
        assert controller.get_job_info(db_id=far).state is JobState.COMPLETED  # type: ignore[union-attr]


def test_a_check_says_what_is_wrong_with_a_machine(
    described: dict[str, Any], server: SSHServer
) -> None:
    def problems(**fields: Any) -> list[str]:
        described["workers"]["far"] = {**described["workers"]["far"], **fields}
        project = Project.model_validate(described)
        return [r.problem for r in check_project(project, ["worker"], "far") if r.problem]

    project = over_ssh(described, server)
    assert problems() == []
    in_the_way = Path(project.base_dir) / "in the way"
    in_the_way.touch()
    (what,) = problems(work_dir=str(in_the_way))
    assert what.startswith(f"its work_dir {in_the_way} cannot be used: ")
    (what,) = problems(work_dir=str(Path(project.base_dir) / "far"), execution_cmd="no-jf {}")
    assert "'no-jf' is not found" in what
    server.stop()
    (what,) = problems()
    assert what.startswith("cannot connect to 127.0.0.1 port")
