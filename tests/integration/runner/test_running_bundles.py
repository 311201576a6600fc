"""Jobs that wait for the same machine travel together, and one that is bad costs only itself."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from runner_jobs import add

from controller.config import Project
from controller.documents import JobInfo
from controller.errors import HostUnavailableError, RemoteError
from controller.hosts import LocalHost
from controller.jobcontroller import JobController
from controller.runner import Runner
from controller.schedulers.queue import Queue
from controller.states import JobState

pytestmark = pytest.mark.parametrize("engine", ["embedded"], indirect=True)

SEND = Queue.send_many
SBATCH = """#!/bin/bash
if grep -q 'partition=nowhere' "$1"; then
  echo 'sbatch: error: invalid partition specified' >&2; exit 1
fi
n=1; while ! (set -C; : > {folder}/$n.id) 2>/dev/null; do n=$((n + 1)); done
echo "Submitted batch job $n"
"""
SQUEUE = """#!/bin/bash
for f in {folder}/*.id; do
  [ ! -e "$f" ] || { n=${f##*/}; echo "${n%.id}|PENDING|Priority|(null)|(null)"; }
done
"""
SCANCEL = """#!/bin/bash
rm -f {folder}/${!#}.id
"""


@pytest.fixture
def project(described: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A queue of stand-ins that takes what it gets."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in {"sbatch": SBATCH, "squeue": SQUEUE, "scancel": SCANCEL}.items():
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
            assert asked["commands"] <= 2, "one for all, one for those behind the refused one"
            runner.advance()
            assert asked["listings"] <= 2
        finally:
            runner.cleanup()
        folders = [Path(str(job.run_dir)) for job in controller.get_jobs_info(db_ids=good)]
        asked.clear()
        controller.stop_jobs(db_ids=good)
        assert list(tmp_path.glob("*.id")) == []
        assert asked == {"commands": 1, "listings": 1}
        (owner,) = folders[0].glob("jfr_owner.*")
        owner.rename(owner.with_suffix("." + "0" * 32))  # not as it is recorded
        asked.clear()
        controller.delete_flows(flow_ids=good, delete_files=True, max_limit=0)
        assert controller.count_jobs(db_ids=good) == 0
        assert [folder for folder in folders if folder.exists()] == []
        assert asked["commands"] <= 4, "one for all, and some for the one that is not as recorded"


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


def _before(queue: Queue, jobs: Any) -> Any:
    raise Interrupted


def _after(queue: Queue, jobs: Any) -> Any:
    SEND(queue, jobs)
    raise Interrupted


def _lost(queue: Queue, jobs: Any) -> Any:
    SEND(queue, jobs)
    raise HostUnavailableError("the connection was lost", sent=True)


def _half(queue: Queue, jobs: Any) -> Any:
    """The input is there under its temporary name, and the folder belongs to the attempt."""
    (run_dir, token, put, _, _) = jobs[0]
    run_dir.mkdir(parents=True)
    (run_dir / f"jfr_owner.{token}").touch()
    (run_dir / "jfr_attempt").write_text(f"{token}\n")
    for name, content in put.items():
        (run_dir / f".{name}.{token}").write_bytes(content)
    raise Interrupted


def _refused(queue: Queue, jobs: Any) -> Any:
    raise RemoteError("no space left on device")


class Interrupted(BaseException):
    """The end of a process, as far as the others are concerned."""


@pytest.mark.parametrize("interrupted", [_before, _after, _lost, _half, _refused])
def test_a_command_that_is_interrupted_submits_nothing_twice(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interrupted: Any
) -> None:
    """The job is UPLOADED before the command: what the next one finds in the folder decides."""
    with JobController.from_project(project) as controller:
        controller.reset()
        (db_id,) = controller.add_flow(add(1, 1), "cluster")

        def job() -> JobInfo:
            return controller.get_jobs_info(db_ids=db_id)[0]

        with monkeypatch.context() as patch:
            patch.setattr(Queue, "send_many", interrupted)
            runner = Runner(project=project, log_level="error")
            try:
                with suppress(Interrupted):
                    runner.advance()
            finally:
                runner.cleanup()
        if interrupted is not _refused:
            assert job().state is JobState.UPLOADED
        runner = Runner(project=project, log_level="error")
        try:
            for _ in range(3):
                runner.advance()
        finally:
            runner.cleanup()
        assert (job().state, job().remote.process_id) == (JobState.SUBMITTED, "1")
        assert job().remote.step_attempts == 0
        folder = Path(str(job().run_dir))
        token = job().remote.submission_token
        assert (folder / "jfr_attempt").read_text() == f"{token}\n"
        assert f"jfr:{token}" in (folder / "submit.sh").read_text()
        assert (folder / "jfremote_in.json").exists()
        assert not (controller.jobs.find_one({"db_id": db_id}) or {}).get("attempts")
    assert [path.name for path in tmp_path.glob("*.id")] == ["1.id"]


@pytest.mark.parametrize("meanwhile", ["stopped", "deleted", "passed on"])
def test_a_runner_that_stands_still_before_the_command_submits_nothing(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, meanwhile: str
) -> None:
    """Its lock has expired, and the job was stopped, deleted, or submitted by another runner."""
    with JobController.from_project(project) as controller:
        controller.reset()
        (db_id,) = controller.add_flow(add(1, 1), "cluster")

        def still(queue: Queue, jobs: Any) -> Any:
            monkeypatch.setattr(Queue, "send_many", SEND)
            controller.jobs.update_one({"db_id": db_id}, {"$set": {"lock_id": None}})
            if meanwhile != "passed on":
                controller.stop_job(db_id=db_id)
                if meanwhile == "deleted":
                    controller.delete_flows(flow_ids=db_id)
            else:
                other = Runner(project=project, log_level="error")
                for _ in range(3):
                    other.advance()
                other.cleanup()
            return SEND(queue, jobs)

        monkeypatch.setattr(Queue, "send_many", still)
        runner = Runner(project=project, log_level="error")
        try:
            runner.advance()
        finally:
            runner.cleanup()
        states = [job.state for job in controller.get_jobs_info()]
        expected = {"stopped": [JobState.USER_STOPPED], "deleted": []}
        assert states == expected.get(meanwhile, [JobState.SUBMITTED])
    ids = [path.name for path in tmp_path.glob("*.id")]
    assert ids == (["1.id"] if meanwhile == "passed on" else [])


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
