"""A local worker whose queue is a real Slurm."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clusters import slurm
from runner_jobs import add, fail, killed, many, total, wait_for_file
from running import states, wait_for

from controller.config import Project
from controller.jobcontroller import JobController
from controller.runner import Runner
from controller.states import JobState


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with slurm(tmp_path_factory.mktemp("slurm")) as path:
        yield path


@pytest.fixture
def cluster(configuration: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_CONF", configuration)


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("engine", ["embedded"], indirect=True)
def test_a_flow_on_slurm(described: dict[str, Any], tmp_path: Path) -> None:
    """With `jf`, from READY to the end: dynamic jobs, failures of three kinds, awkward names."""
    from jobflow import Flow

    here = Path(sys.executable).parent
    described["workers"]["local"].update(
        scheduler_type="slurm",
        work_dir=str(tmp_path / "a project" / "work %j"),
        max_jobs=3,
        resources={"ntasks": 1, "partition": "main"},
        pre_run=f"export PATH='{Path(shutil.which('jf') or here).parent}':'{here}':$PATH",
    )
    projects = tmp_path / "projects"
    projects.mkdir()
    (projects / "test.json").write_text(json.dumps(described))
    first = add(1, 2)
    first.name = "a; 'name' with \"quotes\", %j and \u00e5"
    wide = many(2)
    last = total(wide.output)
    with JobController.from_project(Project.model_validate(described)) as controller:
        controller.reset()
        good = controller.add_flow(Flow([first, wide, last]), "local")
        failing = controller.add_flow(fail(), "local") + controller.add_flow(killed(), "local")
        nowhere = {"partition": "nowhere"}
        (refused,) = controller.add_flow(add(0, 1), "local", resources=nowhere)
        done = subprocess.run(
            [str(here / "jf"), "--json", "runner", "run", "--until-idle", "--max-time", "120"],
            env={**os.environ, "JFREMOTE_PROJECTS_FOLDER": str(projects)},
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == 7, done.stderr
        assert "Traceback" not in done.stderr
        jobs = {job.db_id: job for job in controller.get_jobs_info()}
        by_name = {job.name: job for job in jobs.values()}
        assert {jobs[db_id].state for db_id in good} == {JobState.COMPLETED}
        assert controller.get_job_output(db_id=by_name["total"].db_id) == 3
        assert [jobs[db_id].state for db_id in failing] == [JobState.FAILED] * 2
        assert "on purpose" in (jobs[failing[0]].error or "")
        assert "killed" in (jobs[failing[1]].error or "").splitlines()[0]
        assert jobs[refused].state is JobState.REMOTE_ERROR
        assert "nowhere" in (jobs[refused].remote.error or "")
        ids = {job.remote.process_id for job in jobs.values()} - {None}
        assert len(ids) == len(jobs) - 1  # each was submitted once, the refused one never
        assert controller.count_jobs(locked=True) == 0


def _is_back(node: list[str]) -> bool:
    """Resume a node: Slurm refuses while it is going down, and when it has come back by itself."""
    if subprocess.run([*node, "state=resume"], timeout=30, capture_output=True).returncode == 0:
        return True
    listed = ["sinfo", "-h", "-N", "-p", "main", "-o", "%T"]
    return subprocess.run(listed, timeout=30, capture_output=True, text=True).stdout == "idle\n"


@pytest.mark.cold  # what Slurm ends with the node has to end
@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("engine", ["embedded"], indirect=True)
def test_a_job_whose_node_fails_runs_again_elsewhere(
    described: dict[str, Any], tmp_path: Path
) -> None:
    """The queue says why it ended the job; the rule asks for another node, where there is one."""
    described["workers"]["local"].update(
        scheduler_type="slurm",
        resources={"ntasks": 1, "partition": "main", "qverbatim": "#SBATCH --no-requeue"},
        pre_run=f"export PATH='{Path(sys.executable).parent}':$PATH",
        retry={"causes": ["node_failed"], "times": 1, "delay": 0},
    )
    described["runner"]["delay_check_run_status"] = 1
    project = Project.model_validate(described)
    with JobController.from_project(project) as controller:
        controller.reset()
        (db_id,) = controller.add_flow(wait_for_file(str(tmp_path / "go")), "local")
        runner = Runner(project=project, log_level="warn")
        try:

            def is_running() -> bool:
                runner.advance()
                return states(controller)[db_id] == "RUNNING"

            wait_for(is_running)
            node = ["scontrol", "update", "nodename=n1"]
            subprocess.run([*node, "state=down", "reason=test"], check=True, timeout=30)
            wait_for(lambda: _is_back(node))
            (tmp_path / "go").touch()
            runner.run_until_idle(60)
        finally:
            runner.cleanup()
        doc = controller.jobs.find_one({"db_id": db_id}) or {}
        first, last = doc["attempts"]
        assert (first["cause"], first["node"], first["retry"]["number"]) == ("node_failed", "n1", 1)
        assert (last["state"], last["node"]) == ("COMPLETED", "n1")
        assert first["queue_id"] != last["queue_id"]
