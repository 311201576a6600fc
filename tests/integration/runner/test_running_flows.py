"""Real jobs, a real local worker, on each engine."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from runner_jobs import add, fail, killed, many, noted, total
from running import DEADLINE, run, serve, states, wait_for

from controller.config import Project
from controller.jobcontroller import JobController
from controller.operations import runner_record
from controller.runner import Runner
from controller.states import FlowState, JobState


def test_a_life_of_many_kinds(project: Project, controller: JobController) -> None:
    from jobflow import Flow

    first = add(1, 2)
    first.name = "a; name 'with' \"quotes\" and \u00e5"
    wide = many(2)
    last = total(wide.output)
    ids = controller.add_flow(Flow([first, wide, last]), "local")
    bad = controller.add_flow(fail(), "local") + controller.add_flow(killed(), "local")
    summary = run(project)
    assert sorted(summary.failed) == sorted(bad)
    assert not summary.timed_out
    found = states(controller)
    assert {found[i] for i in ids} == {"COMPLETED"}
    assert {found[i] for i in bad} == {"FAILED"}
    assert controller.get_job_output(db_id=ids[0]) == 3
    by_name = {job.name: job for job in controller.get_jobs_info()}
    assert controller.get_job_output(db_id=by_name["total"].db_id) == 3
    errors = [controller.get_job_info(db_id=i) for i in bad]
    assert "on purpose" in (errors[0].error or "")  # type: ignore[union-attr]
    assert "killed" in (errors[1].error or "")  # type: ignore[union-attr]
    assert controller.count_jobs(locked=True) == 0
    assert controller.count_flows(states=FlowState.COMPLETED) == 1
    assert controller.count_flows(states=FlowState.FAILED) == 2
    assert controller.get_running_runner() is None


def test_a_step_that_fails_for_good_is_a_remote_error(
    project: Project, controller: JobController
) -> None:
    work = Path(project.workers["local"].work_dir)
    work.parent.mkdir(parents=True, exist_ok=True)
    work.write_text("a file where the folder should be")
    (db_id,) = controller.add_flow(add(1, 2), "local")
    assert run(project).failed == [db_id]
    job = controller.get_job_info(db_id=db_id)
    assert job is not None
    assert job.state is JobState.REMOTE_ERROR
    assert job.previous_state is JobState.CHECKED_OUT
    assert job.remote.error


def test_a_locked_flow_holds_a_job_up_and_fails_nothing(
    project: Project, controller: JobController
) -> None:
    (db_id,) = controller.add_flow(add(1, 2), "local")
    runner = Runner(project=project, log_level="error")
    try:
        with controller.lock_flow(filter={}) as lock:
            assert lock.acquired
            assert runner.run_one_job(db_id, max_seconds=DEADLINE, target_state=JobState.DOWNLOADED)
            runner.advance()
            job = controller.get_job_info(db_id=db_id)
            assert job is not None
            assert (job.state, job.remote.step_attempts) == (JobState.DOWNLOADED, 0)
        assert runner.run_until_idle(DEADLINE).completed == [db_id]
    finally:
        runner.cleanup()


@pytest.mark.parametrize("state", ["UPLOADED", "RUNNING", "DOWNLOADED"])
def test_a_runner_killed_anywhere_loses_and_doubles_nothing(
    project: Project, controller: JobController, tmp_path: Path, state: str
) -> None:
    from jobflow import Flow

    ledger = tmp_path / "ledger"
    first = noted(str(ledger), "first")
    ids = controller.add_flow(Flow([first, noted(str(ledger), "second", first.output)]), "local")
    seen = {"UPLOADED", "SUBMITTED", "RUNNING", "DOWNLOADED", "COMPLETED"}
    wanted = seen - ({"UPLOADED", "SUBMITTED"} if state != "UPLOADED" else set())
    wanted -= {"RUNNING"} if state == "DOWNLOADED" else set()
    process = serve(project)
    wait_for(lambda: states(controller)[ids[0]] in wanted)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert run(project).failed == []
    assert set(states(controller).values()) == {"COMPLETED"}
    assert sorted(ledger.read_text().split()) == ["first", "second"]
    assert controller.count_jobs(locked=True) == 0
    assert controller.count_flows(states=FlowState.COMPLETED) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_no_lock_and_no_record(
    project: Project, controller: JobController, number: signal.Signals
) -> None:
    controller.add_flow(add(1, 2), "local")
    process = serve(project)
    wait_for(lambda: isinstance(controller.get_running_runner(), dict))
    process.send_signal(number)
    process.communicate(timeout=DEADLINE)
    assert process.returncode == 0
    assert controller.count_jobs(locked=True) == 0
    assert controller.get_running_runner() is None


def test_a_second_signal_does_not_interrupt_the_closing(
    project: Project, controller: JobController, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached_others: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: reached_others.append(number))
    deregister = runner_record.deregister

    def interrupted(*args: Any) -> None:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGTERM)
        deregister(*args)

    monkeypatch.setattr(runner_record, "deregister", interrupted)
    run(project)
    assert controller.get_running_runner() is None
    assert reached_others == []


def test_two_runners_share_and_double_nothing(
    project: Project, controller: JobController, tmp_path: Path
) -> None:
    ledger = tmp_path / "ledger"
    ids = [controller.add_flow(noted(str(ledger), str(n)), "local")[0] for n in range(4)]
    other = serve(project)
    assert run(project).failed == []
    wait_for(lambda: set(states(controller).values()) == {"COMPLETED"})
    other.terminate()
    other.communicate(timeout=DEADLINE)
    assert sorted(ledger.read_text().split()) == sorted(str(n) for n in range(len(ids)))
