"""What is to happen outside the database, when several carry it out or something is in the way."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from staged import Stage, lock

from controller.doctor import FindingKind, Severity, diagnose
from controller.errors import StillRunningError, WriteConflictError
from controller.execution.files import IN_FILE, run_dir_path
from controller.identity import described
from controller.operations import acting, pending_cleanup, writing
from controller.operations.connections import Connections
from controller.runner.context import RunnerContext
from controller.runner.runner import Runner
from controller.runner.stages.upload import upload
from controller.schedulers import Queue, QueuedJob
from controller.schedulers.processes import is_over

AWAY = {"remote": {"process_id": "1234567", "step_attempts": 0}, "worker": "away"}


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs as that of a job would."""
    made = subprocess.Popen(["sleep", "600"], cwd=tmp_path, start_new_session=True)
    yield made
    made.kill()
    made.wait()


def remote_of(process: subprocess.Popen[bytes], **more: Any) -> dict[str, Any]:
    return {"process_id": str(process.pid), "process": described(process.pid), **more}


def entries(stage: Stage) -> list[dict[str, Any]]:
    return list(stage.controller.auxiliary.find({"aftermath": {"$exists": True}}))


def pending_cleanup_of(stage: Stage, **more: Any) -> None:
    """Leave a entry of a job that was deleted."""
    entry = pending_cleanup.PendingCleanup(
        "77", "u", 1, "local", None, None, pending_cleanup.utc_now(), deleted=True
    )
    pending_cleanup.request(stage.controller.queue, [replace(entry, **more)])


def test_a_pending_cleanup_is_run_by_one_process_at_a_time(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    pending_cleanup_of(stage, delete_files=True, run_dir=str(tmp_path / "none"))
    original, seen = pending_cleanup._clean_up, []

    def slow(*args: Any) -> bool:
        seen.append(
            pending_cleanup.run_pending(queue, Connections(stage.project)).left
            if not seen
            else None
        )
        return original(*args)

    queue = stage.controller.queue
    monkeypatch.setattr(pending_cleanup, "_clean_up", slow)
    assert pending_cleanup.run_pending(queue, Connections(stage.project)).left == []
    assert seen == [["77"]]
    assert entries(stage) == []


def test_a_pending_cleanup_is_taken_over_from_a_dead_process(stage: Stage, tmp_path: Path) -> None:
    pending_cleanup_of(stage, delete_files=True, run_dir=str(tmp_path / "none"))
    owner = {"host": socket.gethostname(), "boot_id": "an earlier one", "pid": 1}
    lease = {"id": "dead", "owner": owner, "seq": 3}
    stage.controller.auxiliary.update_many(
        {"aftermath": {"$exists": True}}, {"$set": {"lock_id": "dead", "lock_lease": lease}}
    )
    assert (
        pending_cleanup.run_pending(stage.controller.queue, Connections(stage.project)).left == []
    )
    assert entries(stage) == []


def test_a_pending_cleanup_that_is_left_is_given_back(stage: Stage) -> None:
    pending_cleanup_of(stage, cancel=True, worker="away", process_id="5")
    for _ in range(2):
        assert pending_cleanup.run_pending(
            stage.controller.queue, Connections(stage.project)
        ).left == ["77"]
    assert [w["lock_id"] for w in entries(stage)] == [None]


def test_a_jobstore_that_is_gone_stops_nobody(stage: Stage, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / IN_FILE).write_text("{}")
    pending_cleanup_of(stage, delete_output=True, jobstore="gone")
    pending_cleanup_of(stage, delete_files=True, run_dir=str(folder))
    assert pending_cleanup.run_pending(stage.controller.queue, Connections(stage.project)).left == [
        "77"
    ]
    assert not folder.exists()
    assert [w["aftermath"]["jobstore"] for w in entries(stage)] == ["gone"]


def asked_ago(stage: Stage, **age: float) -> None:
    asked = pending_cleanup.utc_now() - timedelta(**age)
    stage.controller.auxiliary.update_many(
        {"aftermath": {"$exists": True}}, {"$set": {"aftermath.requested_on": asked}}
    )


def test_a_pending_cleanup_for_a_worker_that_left_the_project_ends(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    a = stage.flow(x=("RUNNING", {**AWAY, "run_dir": "/far/away"}), y="READY")
    stage.controller.delete_jobs(db_ids=a["x"], delete_files=True)
    asked_ago(stage, hours=23)
    assert pending_cleanup.run_pending(stage.controller.queue, Connections(stage.project)).left == [
        a["x"]
    ]
    assert caplog.messages == []
    asked_ago(stage, hours=25)
    assert (
        pending_cleanup.run_pending(stage.controller.queue, Connections(stage.project)).left == []
    )
    (said,) = caplog.messages
    for words in (f"job {a['x']}", "no worker 'away'", "end process 1234567", "delete /far/away"):
        assert words in said
    assert entries(stage) == []


@pytest.mark.parametrize("same_folder", [False, True])
def test_a_job_runs_elsewhere_although_its_worker_has_left(
    stage: Stage, tmp_path: Path, same_folder: bool
) -> None:
    a = stage.flow(x="CHECKED_OUT")
    job = stage.job(a["x"])
    new = run_dir_path(tmp_path / "work", job["uuid"], 1)
    old = str(new if same_folder else tmp_path / "old")
    entry = pending_cleanup.PendingCleanup.for_job(
        {**job, "worker": "away", "run_dir": old}, cancel=True
    )
    pending_cleanup.request(stage.controller.queue, [entry])
    context = RunnerContext(stage.controller, stage.project)
    if same_folder:
        with pytest.raises(StillRunningError, match="'away'"):
            upload(context, job)
    else:
        assert upload(context, job)["state"] == "UPLOADED"
    assert len(entries(stage)) == 1


def test_an_output_goes_although_the_worker_has_left(stage: Stage) -> None:
    pending_cleanup_of(stage, worker="away", delete_output=True, delete_files=True)
    assert (
        pending_cleanup.run_pending(stage.controller.queue, Connections(stage.project)).left == []
    )
    assert entries(stage) == []


def test_the_doctor_reports_cleanup_that_no_process_can_run(stage: Stage) -> None:
    pending_cleanup_of(stage, worker="away", cancel=True, process_id="55")
    pending_cleanup_of(
        stage, db_id="78", cancel=True, requested_on=pending_cleanup.utc_now() - timedelta(hours=2)
    )
    pending_cleanup_of(stage, db_id="79", cancel=True)
    found = [
        f for f in diagnose(stage.controller).findings if f.kind is FindingKind.PENDING_CLEANUP
    ]
    assert [(f.severity, f.subject) for f in found] == [
        (Severity.WARNING, "away"),
        (Severity.NOTE, "entries"),
    ]
    assert "77 (end process 55)" in found[0].what
    assert "1 job stopped, rerun or deleted: 78" in found[1].what


def test_a_pending_cleanup_that_a_dead_process_holds_is_called_what_it_is(stage: Stage) -> None:
    pending_cleanup_of(stage, cancel=True)
    stage.controller.auxiliary.update_one(
        {"aftermath": {"$exists": True}}, {"$set": lock("somebody", leased=False)}
    )
    found = diagnose(stage.controller).findings
    assert [(f.kind, f.subject) for f in found] == [(FindingKind.LOCK_FOREIGN, "77")]
    assert "the entry for job 77" in found[0].what


@pytest.mark.indexes
def test_a_look_at_the_cleanup_of_a_job_does_not_read_all_of_it(stage: Stage) -> None:
    known = {tuple(e["key"]) for e in stage.controller.auxiliary.index_information().values()}
    assert {(("aftermath.uuid", 1),), (("lock_id", 1),)} <= known


def test_only_ones_own_jobs_are_called_postponed(stage: Stage) -> None:
    a = stage.flow(x=("RUNNING", AWAY), y=("RUNNING", AWAY), z="READY")
    assert stage.controller.stop_jobs(db_ids=a["x"]).postponed == [a["x"]]
    assert stage.controller.stop_jobs(db_ids=a["y"]).postponed == [a["y"]]
    b = stage.flow(x=("RUNNING", AWAY), y="COMPLETED")
    assert stage.controller.delete_flows([b["flow"]]).postponed == [b["x"]]


def test_a_pending_cleanup_is_dropped_where_another_process_was_faster(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    a = stage.flow(x="READY", y="READY")
    original = writing.write_plans

    def claimed_first(*args: Any, **kwargs: Any) -> Any:
        stage.controller.jobs.update_one({"db_id": a["x"]}, {"$set": {"state": "CHECKED_OUT"}})
        return original(*args, **{**kwargs, "accept_loss": True})

    monkeypatch.setattr(acting, "write_plans", claimed_first)
    done = stage.controller.delete_jobs(db_ids=a["x"], delete_output=True, raise_on_error=False)
    assert done == []
    assert entries(stage) == []


def test_a_conflict_of_two_writers_is_tried_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not stage.controller.queue.database.supports_transactions:
        pytest.skip("conflicts abort transactions")
    a = stage.flow(x="READY")
    original, tried = writing._Writer.write, []

    def conflicting(self: Any, plans: Any) -> Any:
        found = original(self, plans)
        tried.append(1)
        if len(tried) == 1:
            raise WriteConflictError("somebody else")
        return found

    monkeypatch.setattr(writing._Writer, "write", conflicting)
    assert stage.controller.pause_jobs() == [a["x"]]
    assert len(tried) == 2
    stage.check()


@pytest.mark.parametrize("how", ["rerun", "delete", "flow"])
def test_a_submission_whose_answer_was_lost_is_ended(
    stage: Stage, process: subprocess.Popen[bytes], how: str
) -> None:
    remote = remote_of(process, step_attempts=3)
    failed = ("REMOTE_ERROR", {"remote": remote, "previous_state": "UPLOADED"})
    a = stage.flow(x=failed, y="READY")
    if how == "rerun":
        stage.controller.rerun_job(db_id=a["x"])
    elif how == "delete":
        stage.controller.delete_job(db_id=a["x"])
    else:
        stage.controller.delete_flow(a["flow"])
    assert is_over(str(process.pid))


@pytest.mark.parametrize("minutes", [0, 11])
def test_a_process_out_of_sight_is_waited_for_but_not_for_ever(
    stage: Stage,
    process: subprocess.Popen[bytes],
    caplog: pytest.LogCaptureFixture,
    minutes: int,
) -> None:
    """Of another container, say: it is neither signalled nor taken for ended."""
    elsewhere = {**described(process.pid), "pid_namespace": "pid:[1]"}
    asked = pending_cleanup.utc_now() - timedelta(minutes=minutes)
    known = {"process_id": str(process.pid), "process": elsewhere}
    pending_cleanup_of(stage, cancel=True, requested_on=asked, **known)
    pending_cleanup.run_pending(stage.controller.queue, Connections(stage.project))
    assert len(entries(stage)) == (minutes == 0)
    assert ("This runner cannot end it" in caplog.text) == (minutes > 0)
    assert not is_over(str(process.pid))


def test_both_submissions_of_a_job_are_cancelled(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An answer of the queue was lost: 102 is recorded, 101 runs."""
    cancelled: list[str] = []
    described_as = {"earlier_submissions": lambda *_: ["101"], "find_by_token": lambda *_: []}
    for name, method in described_as.items():
        monkeypatch.setattr(Queue, name, method)
    monkeypatch.setattr(Queue, "cancel", lambda self, number, *_: cancelled.append(number))
    monkeypatch.setattr(Queue, "poll", lambda self, jobs: [QueuedJob(j[0], None) for j in jobs])
    pending_cleanup_of(stage, cancel=True, process_id="102", run_dir=str(tmp_path))
    pending_cleanup.run_pending(stage.controller.queue, Connections(stage.project))
    assert cancelled == ["101", "102"]
    assert entries(stage) == []


def test_a_job_that_goes_on_is_not_ended(stage: Stage, process: subprocess.Popen[bytes]) -> None:
    remote = remote_of(process, step_attempts=3)
    failed = ("REMOTE_ERROR", {"remote": remote, "previous_state": "SUBMITTED"})
    a = stage.flow(x=failed, y=("RUNNING", {"remote": remote}))
    stage.controller.retry_job(db_id=a["x"])
    stage.controller.set_job_state("SUBMITTED", db_id=a["y"])
    assert entries(stage) == []
    assert not is_over(str(process.pid))


def test_an_answer_about_an_earlier_process_changes_nothing(stage: Stage) -> None:
    a = stage.flow(x=("RUNNING", {"remote": {"process_id": "2", "step_attempts": 0}}))
    runner = Runner(project=stage.project, log_level="error")
    try:
        earlier = {**stage.job(a["x"]), "remote": {"process_id": "1"}}
        assert not runner.rounds.apply(earlier, {"state": "DOWNLOADED"})
        assert stage.state(a["x"]) == "RUNNING"
        assert runner.rounds.apply(stage.job(a["x"]), {"state": "DOWNLOADED"})
    finally:
        runner.cleanup()
    assert stage.state(a["x"]) == "DOWNLOADED"


def test_files_of_a_job_that_runs_again_stay(stage: Stage, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / IN_FILE).write_text("{}")
    a = stage.flow(x=("COMPLETED", {"run_dir": str(folder)}))
    listed = stage.controller.get_jobs_info()
    stage.controller.jobs.update_one({"db_id": a["x"]}, {"$set": {"state": "RUNNING"}})
    done = stage.controller.clean_job_files(listed)
    assert (done.deleted, done.skipped) == ([], {a["x"]: "it is RUNNING"})
    assert folder.exists()
