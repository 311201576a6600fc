"""What befalls jobs in a real Slurm: they are preempted, run out of memory or time, or it hangs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from clusters import MEMORY_IS_ENFORCED, can_enforce_memory, slurm
from runner_jobs import add, noted, wait_for_file
from running import wait_for
from thoroughness import THOROUGH

from controller.config import Project
from controller.documents import JobInfo
from controller.jobcontroller import JobController
from controller.runner import Runner
from controller.states import Cause, JobState

pytestmark = [
    pytest.mark.parametrize("engine", ["embedded"], indirect=True),
    pytest.mark.cold,  # a warm process would not be in the control group of its job
]
PREEMPTION = (
    "=>PreemptType=preempt/partition_prio",
    "=>PreemptMode=REQUEUE",
    "=>MessageTimeout=2",
    "=>PartitionName=low Nodes=ALL PriorityTier=1 PreemptMode=REQUEUE",
    "=>PartitionName=gone Nodes=ALL PriorityTier=1 PreemptMode=CANCEL",
    "=>PartitionName=high Nodes=ALL PriorityTier=10 PreemptMode=OFF",
)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a cluster with a partition that preempts jobs of two others."""
    folder = tmp_path_factory.mktemp("slurm")
    memory = MEMORY_IS_ENFORCED if can_enforce_memory() else ()
    with slurm(folder, *PREEMPTION, *memory):
        yield folder


@pytest.fixture
def project(
    described: dict[str, Any], cluster: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Project]:
    monkeypatch.setenv("SLURM_CONF", str(cluster / "slurm.conf"))
    monkeypatch.setattr("controller.runner.backoff.FIRST_REFUSAL", 0.2)
    described["workers"]["local"].update(
        scheduler_type="slurm",
        max_jobs=None,
        resources=partition("main"),
        pre_run=f"export PATH='{Path(sys.executable).parent}':$PATH",
    )
    described["runner"]["delay_check_run_status"] = 1
    yield Project.model_validate(described)
    command("scancel", "-u", str(os.getuid()))


def partition(name: str, memory: int = 300) -> dict[str, Any]:
    return {"ntasks": 1, "partition": name, "qverbatim": f"#SBATCH --mem={memory}"}


def command(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, timeout=60)


def test_jobs_that_are_preempted_or_too_large(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is put back into the queue, which is left to Slurm; one is ended, and is retried."""
    go = tmp_path / "go"
    with JobController.from_project(project) as controller:
        controller.reset()
        (requeued,) = controller.add_flow(
            wait_for_file(str(go)), "local", resources=partition("low")
        )
        (ended,) = controller.add_flow(wait_for_file(str(go)), "local", resources=partition("gone"))
        large = None
        if can_enforce_memory():  # Python alone needs more
            (large,) = controller.add_flow(add(1, 1), "local", resources=partition("main", 6))

        def job(db_id: str) -> JobInfo:
            return controller.get_jobs_info(db_ids=db_id)[0]

        runner = Runner(project=project, log_level="error")

        def advanced(*states: JobState) -> bool:
            runner.advance()
            return tuple(job(db_id).state for db_id in (requeued, ended)) == states

        try:
            wait_for(lambda: advanced(JobState.RUNNING, JobState.RUNNING))
            first = job(requeued).remote.process_id
            if large is not None:
                wait_for(lambda: runner.advance() or job(large).state is JobState.FAILED)
                assert job(large).error_cause == Cause.OUT_OF_MEMORY.value
            command("sbatch", "-p", "high", "-n", "4", "-o", "/dev/null", "--wrap", "sleep 0.2")
            wait_for(lambda: advanced(JobState.SUBMITTED, JobState.READY))
            assert job(requeued).remote.process_id == first
            (attempt,) = (controller.jobs.find_one({"db_id": ended}) or {})["attempts"]
            assert (attempt["cause"], attempt["retry"]["limit"]) == (Cause.PREEMPTED.value, 3)
            go.touch()
            command("scontrol", "update", f"jobid={first}", "starttime=now")
            controller.retry_job(db_id=ended)
            runner.run_until_idle(60)
            for db_id in (requeued, ended):
                assert job(db_id).state is JobState.COMPLETED
                assert job(db_id).remote.step_attempts == 0
            assert job(requeued).remote.process_id == first
        finally:
            runner.cleanup()


@pytest.mark.skipif(not THOROUGH, reason="Slurm looks at the time of jobs every half a minute")
def test_a_controller_that_stands_still_and_a_job_whose_time_is_up(
    project: Project, cluster: Path, tmp_path: Path
) -> None:
    """What runs is not taken for ended, and what is submitted late is not submitted twice."""
    lines = (cluster / "pids").read_text().splitlines()
    pid = next(int(line.split()[1]) for line in lines if line.startswith("slurmctld "))
    go, ledger = tmp_path / "go", tmp_path / "ledger"
    with JobController.from_project(project) as controller:
        controller.reset()
        (running,) = controller.add_flow(wait_for_file(str(go)), "local")
        (timed,) = controller.add_flow(wait_for_file(str(tmp_path / "never")), "local")

        def job(db_id: str) -> JobInfo:
            return controller.get_jobs_info(db_ids=db_id)[0]

        def both_run() -> bool:
            runner.advance()
            return {job(db_id).state for db_id in (running, timed)} == {JobState.RUNNING}

        runner = Runner(project=project, log_level="error")
        try:
            wait_for(both_run)
            command("scontrol", "update", f"jobid={job(timed).remote.process_id}", "endtime=now")
            os.kill(pid, signal.SIGSTOP)
            try:
                (late,) = controller.add_flow(noted(str(ledger), "once"), "local")
                wait_for(lambda: runner.advance() or job(late).remote.queue_reason)
                assert "timed out" in (job(late).remote.queue_reason or "")
                go.touch()
                runner.advance()
                assert job(running).state is JobState.RUNNING
                assert job(late).state is JobState.UPLOADED
                assert {job(db_id).remote.step_attempts for db_id in (running, late)} == {0}
            finally:
                os.kill(pid, signal.SIGCONT)
            assert sorted(runner.run_until_idle(90).completed) == sorted([running, late])
        finally:
            runner.cleanup()
        assert job(timed).state is JobState.FAILED
        assert job(timed).error_cause == Cause.WALLTIME.value
    assert ledger.read_text() == "once\n"
