"""Documents of older and newer versions: understood, or refused in one clear line."""

from __future__ import annotations

from typing import Any

import pytest
from stored import Stock

from controller.checks import check_project
from controller.config import Project
from controller.doctor import examine
from controller.errors import ControllerError, StorageFormatError
from controller.examples import add
from controller.jobcontroller import JobController
from controller.operations.version import VERSION
from controller.runner import Runner
from controller.states import JobState


def test_old_names_of_states_are_understood(controller: JobController, stock: Stock) -> None:
    stock.flow("TERMINATED", "COMPLETED")
    stock.flow("REMOTE_ERROR", job_fields={"previous_state": "TERMINATED"})
    found = {job.db_id: job for job in controller.get_jobs_info()}
    assert found["1"].state is JobState.RUN_FINISHED
    assert found["3"].previous_state is JobState.RUN_FINISHED
    assert len(controller.get_flows_info(full=True)) == 2
    doc = controller.get_job_doc(db_id="1")
    assert doc is not None
    assert doc.state is JobState.RUN_FINISHED
    refused = controller.pause_jobs(db_ids=["1"], raise_on_error=False).refused
    assert "RUN_FINISHED" in str(refused[0].error)


def test_a_state_that_nobody_knows_is_named(controller: JobController, stock: Stock) -> None:
    _, (good, bad) = stock.flow("COMPLETED", "HIBERNATING")
    assert controller.get_job_info(db_id=good) is not None
    for read in (
        controller.get_jobs_info,
        lambda: controller.get_job_info(db_id=bad),
        lambda: controller.get_job_doc(db_id=bad),
        lambda: controller.get_flows_info(full=True),
    ):
        with pytest.raises(StorageFormatError, match=f"job {bad} is in the state 'HIBERNATING'"):
            read()
    (finding,) = [f for f in examine(controller).diagnosis.findings if f.subject == bad]
    assert "HIBERNATING" in finding.what
    controller.flows.update_many({}, {"$set": {"state": "ODD"}})
    with pytest.raises(StorageFormatError, match=r"flow .* is in the state 'ODD'"):
        controller.get_flows_info()
    controller.add_batch_process("7", "b-1", "pool")
    controller.batches.update_many({}, {"$set": {"batch_state": "ODD"}})
    with pytest.raises(StorageFormatError, match="batch process b-1 is in the state 'ODD'"):
        controller.get_batches()


@pytest.fixture
def newer(controller: JobController, stock: Stock) -> JobController:
    """A database of a version that is not written yet, with a job."""
    stock.flow("COMPLETED")
    controller.auxiliary.update_one(VERSION, {"$set": {"jobflow_remote_version": "9.9.9"}})
    return controller


def test_nothing_is_written_into_a_newer_database(newer: JobController, project: Project) -> None:
    def run() -> None:
        runner = Runner(project=project, log_level="error")
        try:
            runner.run_until_idle(5)
        finally:
            runner.cleanup()

    writes: list[Any] = [
        run,
        lambda: newer.add_flow(add(1, 2), "plain"),
        lambda: newer.set_job_state(JobState.READY, db_id="1"),
        lambda: newer.rerun_jobs(db_ids=["1"]),
        lambda: newer.delete_flow("1"),
        lambda: examine(newer, fix=True),
    ]
    for write in writes:
        with pytest.raises(StorageFormatError, match=r"9\.9\.9.*is refused") as caught:
            write()
        assert "or a newer one" in (caught.value.hint or "")
    assert newer.get_running_runner() is None
    assert [job.state for job in newer.get_jobs_info()] == [JobState.COMPLETED]
    assert newer.rerun_jobs(db_ids=["1"], force=True, dry_run=True).matched == 1


def test_check_and_doctor_tell_of_a_newer_database(newer: JobController, project: Project) -> None:
    (checked,) = check_project(project, ["queue"])
    assert not checked.ok
    assert "9.9.9" in (checked.problem or "")
    found = [f for f in examine(newer).diagnosis.findings if "9.9.9" in f.what]
    assert [f.severity.value for f in found] == ["problem"]


@pytest.mark.parametrize("number", ["1.0.1", "1.0", "0.1.3", "no version"])
def test_others_are_worked_on(controller: JobController, number: str) -> None:
    controller.auxiliary.update_one(VERSION, {"$set": {"jobflow_remote_version": number}})
    try:
        assert controller.add_flow(add(1, 2), "plain") == ["1"]
    except ControllerError as error:
        pytest.fail(str(error))
