"""What is wrong with one job costs that job, and neither the runner nor any other job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from runner_jobs import add
from running import run, states

from controller.config import Project
from controller.jobcontroller import JobController
from controller.operations import steps
from controller.runner import Runner
from controller.runner.recovery import take_over_expired
from controller.schedulers.queue import Queue
from controller.states import JobState

only_embedded = pytest.mark.parametrize("engine", ["embedded"], indirect=True)


def job_of(controller: JobController, db_id: str) -> Any:
    found = controller.get_job_info(db_id=db_id)
    assert found is not None
    return found


@only_embedded
def test_an_id_that_the_queue_does_not_understand(
    project: Project, controller: JobController, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an edit of scheduler_type; it is the listing of all jobs that fails."""
    good = [controller.add_flow(add(n, 1), "local")[0] for n in range(2)]
    (bad,) = controller.add_flow(add(1, 2), "local")
    controller.jobs.update_one(
        {"db_id": bad},
        {"$set": {"state": "RUNNING", "remote.process_id": "no id", "run_dir": "/none"}},
    )
    real = Queue.poll

    def poll(self: Queue, jobs: Any) -> Any:
        if any("no id" in job for job in jobs):
            raise ValueError("no id of mine")
        return real(self, jobs)

    monkeypatch.setattr(Queue, "poll", poll)
    assert run(project).completed == good
    job = job_of(controller, bad)
    assert (job.state, job.previous_state) == (JobState.REMOTE_ERROR, JobState.RUNNING)
    assert job.remote.error.startswith(
        "Remote error: the queue cannot be polled about this job: no id of mine"
    )


@only_embedded
def test_a_process_id_that_is_none(project: Project, controller: JobController) -> None:
    bad = []
    for process_id in ("no number", str(10**40), "", None):
        bad += controller.add_flow(add(1, 2), "local")
        fields = {"state": "RUNNING", "remote.process_id": process_id, "run_dir": "/no\0where"}
        controller.jobs.update_one({"db_id": bad[-1]}, {"$set": fields})
    (good,) = controller.add_flow(add(1, 2), "local")
    project.workers["local"].max_jobs = 9
    assert run(project).completed == [good]
    assert {states(controller)[db_id] for db_id in bad} <= {"FAILED", "REMOTE_ERROR"}


@only_embedded
def test_an_end_that_cannot_be_recorded(
    project: Project, controller: JobController, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bad,) = controller.add_flow(add(1, 2), "local")
    fields = {"state": "RUNNING", "remote.process_id": "12", "run_dir": "/none"}
    controller.jobs.update_one({"db_id": bad}, {"$set": fields})

    def fail(*args: Any) -> None:
        raise UnicodeEncodeError("utf-8", "\udcff", 0, 1, "surrogates not allowed")

    monkeypatch.setattr(Queue, "poll", fail)
    monkeypatch.setattr(steps, "_failure_fields", fail)
    runner = Runner(project=project, log_level="error")
    try:
        assert not runner.rounds.poll(["local"])
        assert job_of(controller, bad).state is JobState.RUNNING
        # It is not held for ever by a runner that does not work on it.
        assert take_over_expired(runner.controller) == 1
        assert job_of(controller, bad).lock_id is None
    finally:
        runner.cleanup()


@only_embedded
def test_a_clean_up_that_fails_keeps_nothing_from_the_others(
    project: Project, controller: JobController, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = (controller.add_flow(add(n, 1), "local")[0] for n in range(2))
    for number, db_id in enumerate((bad, good)):
        fields = {"state": "RUNNING", "remote.process_id": f"no id {number}", "run_dir": None}
        controller.jobs.update_one({"db_id": db_id}, {"$set": fields})
    asked = []

    def cancel(self: Queue, process_id: str, *args: Any, **kwargs: Any) -> None:
        asked.append(process_id)
        if process_id == "no id 0":
            raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")

    monkeypatch.setattr(Queue, "cancel", cancel)
    monkeypatch.setattr(Queue, "is_alive", lambda *_: False, raising=False)
    assert sorted(controller.stop_jobs(db_ids=[bad, good])) == sorted([bad, good])
    assert asked == ["no id 0", "no id 1"]
    assert set(states(controller).values()) == {"USER_STOPPED"}
    runner = Runner(project=project, log_level="error")
    try:
        runner.advance()
    finally:
        runner.cleanup()
    assert asked == ["no id 0", "no id 1", "no id 0"]


@only_embedded
def test_a_log_is_read_from_its_end(
    project: Project, controller: JobController, tmp_path: Path
) -> None:
    (db_id,) = controller.add_flow(add(1, 2), "local")
    controller.jobs.update_one({"db_id": db_id}, {"$set": {"run_dir": str(tmp_path)}})
    assert controller.read_queue_files(db_id=db_id) == {"queue.out": None, "queue.err": None}
    (tmp_path / "queue.err").write_bytes(b"short \xff\n")
    with (tmp_path / "queue.out").open("wb") as stream:
        stream.truncate(3 * 10**9)  # takes no room on the disk
        stream.seek(0, 2)
        stream.write(b"the end\n")
    found = controller.read_queue_files(db_id=db_id)
    assert found["queue.err"] == "short \ufffd\n"
    assert found["queue.out"] is not None
    first, _, rest = found["queue.out"].partition("\n")
    assert first.startswith("[the first 2990000008 bytes are omitted: see ")
    assert rest.endswith("the end\n")
    assert len(rest) == 10**7
