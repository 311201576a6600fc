"""Jobs and flows go, and what is left is whole, on each engine."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from staged import Stage

from controller.documents import utc_now
from controller.errors import ArgumentError, FlowLockedError, StateError
from controller.execution.files import IN_FILE
from controller.identity import described
from controller.operations import pending_cleanup
from controller.operations.connections import Connections
from controller.operations.pending_cleanup import Decision
from controller.schedulers.processes import is_over
from controller.storage.outputs import save_outputs


def run_dir_of(folder: Path, *, ours: bool = True) -> str:
    folder.mkdir(parents=True)
    (folder / (IN_FILE if ours else "thesis.tex")).write_text("{}")
    return str(folder)


def test_children_lose_a_deleted_parent(stage: Stage) -> None:
    a = stage.flow(
        x="COMPLETED",
        y="FAILED",
        both=("WAITING", "x", "y"),
        done=("WAITING", "x"),
        tolerant=("WAITING", "y", {"on_missing": "none"}),
    )
    assert stage.controller.delete_job(db_id=a["x"]) == a["x"]
    stage.check()
    assert stage.states(a) == {
        "x": "gone",
        "y": "FAILED",
        "both": "WAITING",
        "done": "READY",
        "tolerant": "WAITING",
    }
    assert stage.controller.delete_jobs(db_ids=a["y"])[-1] == a["y"]
    stage.check()
    states = stage.states(a)
    assert (states["both"], states["tolerant"]) == ("STOPPED", "READY")
    stage.controller.resume_job(db_id=a["both"])
    assert stage.state(a["both"]) == "READY"


def test_an_index_goes_and_the_job_stays(stage: Stage) -> None:
    a = stage.flow(x="COMPLETED", x_2="FAILED", y=("WAITING", "x"))
    stage.controller.delete_job(db_id=a["x_2"])
    stage.check()
    assert stage.job(a["y"])["parents"] == [stage.job(a["x"])["uuid"]]
    assert stage.state(a["y"]) == "READY"


def test_what_cannot_be_deleted(stage: Stage) -> None:
    a = stage.flow(x="COMPLETED", y="BATCH_RUNNING")
    b = stage.flow(x="COMPLETED")
    with pytest.raises(StateError, match="jf flow delete"):
        stage.controller.delete_job(db_id=b["x"])
    with pytest.raises(StateError, match="BATCH_RUNNING"):
        stage.controller.delete_job(db_id=a["y"])
    with pytest.raises(StateError):
        stage.controller.delete_jobs(flow_ids=b["flow"])
    for _ in range(3):
        stage.flow(x="READY", y="READY", z="READY", w="READY")
    with pytest.raises(ArgumentError, match="12"):
        stage.controller.delete_jobs(states="READY")
    done = stage.controller.delete_jobs(states="READY", max_limit=0, raise_on_error=False)
    assert done == []
    assert len(done.refused) == 12
    stage.check()


def test_files_and_outputs_go_with_the_job(stage: Stage, tmp_path: Path) -> None:
    ours, foreign = run_dir_of(tmp_path / "a b"), run_dir_of(tmp_path / "c", ours=False)
    a = stage.flow(
        x=("COMPLETED", {"run_dir": ours}), y=("FAILED", {"run_dir": foreign}), z="READY"
    )
    uuid, store = stage.job(a["x"])["uuid"], stage.controller.jobstore
    save_outputs(store, {"uuid": uuid, "index": 1, "output": 5, "metadata": {}}, {})
    done = stage.controller.delete_jobs(
        db_ids=[a["x"], a["y"]], delete_files=True, delete_output=True
    )
    assert sorted(done) == sorted([a["x"], a["y"]])
    assert not Path(ours).exists()
    assert Path(foreign, "thesis.tex").exists()
    assert store.query_one({"uuid": uuid}) is None
    assert stage.controller.auxiliary.count_documents({"aftermath": {"$exists": True}}) == 0
    stage.check()


def remote_of(process: subprocess.Popen[bytes], **more: Any) -> dict[str, Any]:
    return {"process_id": str(process.pid), "process": described(process.pid), **more}


def running_process(tmp_path: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["sleep", "600"], cwd=tmp_path, start_new_session=True)


@pytest.mark.parametrize("how", ["stop", "rerun", "delete", "flow", "set_state"])
def test_what_runs_is_ended(stage: Stage, tmp_path: Path, how: str) -> None:
    process = running_process(tmp_path)
    try:
        remote = remote_of(process, step_attempts=0)
        a = stage.flow(x=("RUNNING", {"remote": remote}), y="READY")
        act = {
            "stop": lambda: stage.controller.stop_job(db_id=a["x"]),
            "rerun": lambda: stage.controller.rerun_job(db_id=a["x"]),
            "delete": lambda: stage.controller.delete_job(db_id=a["x"]),
            "flow": lambda: stage.controller.delete_flow(a["flow"]),
            "set_state": lambda: stage.controller.set_job_state("FAILED", db_id=a["x"]),
        }[how]
        act()
        assert is_over(str(process.pid))
        stage.check()
    finally:
        process.kill()
        process.wait()


def test_a_retry_ends_nothing(stage: Stage, tmp_path: Path) -> None:
    process = running_process(tmp_path)
    try:
        remote = remote_of(process, step_attempts=2)
        a = stage.flow(x=("RUNNING", {"remote": remote}))
        stage.controller.retry_job(db_id=a["x"])
        assert not is_over(str(process.pid))
    finally:
        process.kill()
        process.wait()


def test_a_pending_cleanup_waits_for_a_worker_that_is_out_of_reach(stage: Stage) -> None:
    remote = {"process_id": "1234567", "step_attempts": 0}
    a = stage.flow(x=("RUNNING", {"remote": remote, "worker": "away"}), y="READY")
    done = stage.controller.stop_jobs(db_ids=a["x"])
    assert done.postponed == [a["x"]]
    entries = list(stage.controller.auxiliary.find({"aftermath.db_id": a["x"]}))
    assert [w["aftermath"]["worker"] for w in entries] == ["away"]
    stage.controller.auxiliary.update_many(
        {"aftermath.db_id": a["x"]}, {"$set": {"aftermath.worker": "local"}}
    )
    assert (
        pending_cleanup.run_pending(stage.controller.queue, Connections(stage.project)).left == []
    )


@pytest.mark.parametrize(
    ("entry", "state", "minutes", "expected"),
    [
        ({"cancel": True}, "USER_STOPPED", 0, Decision.RUN),
        ({"cancel": True}, "CHECKED_OUT", 0, Decision.RUN),
        ({"cancel": True}, None, 0, Decision.RUN),
        ({"cancel": True}, "RUNNING", 0, Decision.WAIT),
        ({"cancel": True}, "RUNNING", 11, Decision.DROP),
        ({"cancel": True, "deleted": True}, "USER_STOPPED", 0, Decision.WAIT),
        ({"deleted": True, "delete_files": True}, "COMPLETED", 11, Decision.DROP),
        ({"deleted": True, "delete_files": True}, None, 11, Decision.RUN),
    ],
)
def test_a_pending_cleanup_is_for_a_job_that_changed(
    entry: dict[str, Any], state: str | None, minutes: int, expected: Decision
) -> None:
    now = utc_now()
    made = pending_cleanup.PendingCleanup(
        "1", "u", 1, "w", None, None, now - timedelta(minutes=minutes), **entry
    )
    assert pending_cleanup.decide(made, state, now) is expected


def test_flows_go_as_a_whole(stage: Stage, tmp_path: Path) -> None:
    folder = run_dir_of(tmp_path / "run")
    a = stage.flow(x=("COMPLETED", {"run_dir": folder}), y="READY")
    b, c = stage.flow(x="READY"), stage.flow(x="READY")
    stage.hold_flow(c)
    done = stage.controller.delete_flows(None, delete_files=True)
    assert sorted(done) == sorted([a["flow"], b["flow"]])
    assert [r.flow_id for r in done.refused] == [c["flow"]]
    assert done.jobs == 3
    assert not Path(folder).exists()
    assert stage.controller.count_jobs() == 1
    with pytest.raises(FlowLockedError):
        stage.controller.delete_flow(c["flow"])
    assert stage.controller.delete_flow(c["x"], break_lock=True)
    assert not stage.controller.delete_flow(c["flow"])
    assert not stage.controller.delete_flow("77")
    assert stage.controller.count_flows() == 0


def test_flows_are_counted_first(stage: Stage) -> None:
    flows = [stage.flow(x="READY") for _ in range(3)]
    with pytest.raises(ArgumentError, match="3 flows"):
        stage.controller.delete_flows(max_limit=2)
    uuids = [f["flow"] for f in flows]
    with pytest.raises(ArgumentError, match="3 flows"):
        stage.controller.delete_flows(uuids, max_limit=2, dry_run=True)
    done = stage.controller.delete_flows(uuids, max_limit=3, dry_run=True)
    assert (len(done), done.jobs) == (3, 3)
    assert stage.controller.count_flows() == 3
    assert stage.controller.delete_flows([]) == []
    assert len(stage.controller.delete_flows(max_limit=3)) == 3


def test_files_alone(stage: Stage, tmp_path: Path) -> None:
    ours, foreign = run_dir_of(tmp_path / "a"), run_dir_of(tmp_path / "b", ours=False)
    a = stage.flow(
        x=("COMPLETED", {"run_dir": ours}), y=("COMPLETED", {"run_dir": foreign}), z="READY"
    )
    done = stage.controller.safe_delete_files(stage.controller.get_jobs_info())
    assert [job.db_id for job in done] == [a["x"]]
    assert Path(foreign).exists()
