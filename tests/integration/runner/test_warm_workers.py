"""Workers whose jobs run in warm processes: the same ends, and what happens when something dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from jobflow import Flow
from runner_jobs import add, fail, killed, many, stored_elsewhere, total, variable, waiting
from running import DEADLINE, run, running

from controller.config import Project
from controller.execution import worker_pools
from controller.execution.pool import WarmPool
from controller.jobcontroller import JobController
from controller.runner import Runner
from controller.schedulers.processes import is_over
from controller.states import JobState

SERVE = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import json
from controller.config import Project
from controller.runner import Runner
Runner(project=Project.model_validate(json.loads(sys.argv[2])), log_level="error").run()
"""


@pytest.fixture
def described(described: dict[str, Any]) -> dict[str, Any]:
    """The worker is warm."""
    described["workers"]["local"]["warm"] = {"idle_time": 5}
    described["jobstore"]["additional_stores"] = {
        "data": {**described["jobstore"]["docs_store"], "collection_name": "data"}
    }
    return described


@pytest.fixture(autouse=True)
def _forked_pools(forked_jf: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program of a pool is forked from one that has imported jobflow."""
    command = [forked_jf, "execution", "pool"]
    monkeypatch.setattr(worker_pools, "WarmPool", partial(WarmPool, command=command))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "place"
    folder.mkdir()
    return folder


def until(is_so: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + DEADLINE
    while not (found := is_so()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def runs(place: Path) -> list[str]:
    return sorted((place / "runs").read_text().split())


def test_flows_end_as_they_do_on_a_cold_worker(project: Project, controller: JobController) -> None:
    first = add(1, 2)
    grown = many(3)
    failing, dying = fail(), killed()
    after = add(failing.output, 1)
    stored = stored_elsewhere()
    second, third = add(first.output, 3), total(grown.output)
    controller.add_flow(Flow([first, second, grown, third, stored]), "local")
    failed_id, child_id = controller.add_flow(Flow([failing, after]), "local")
    (killed_id,) = controller.add_flow(dying, "local")
    (cold_id,) = controller.add_flow(
        variable("JFR_COLD"), "local", exec_config={"export": {"JFR_COLD": "yes"}}
    )
    summary = run(project)
    assert sorted(summary.failed) == sorted([failed_id, killed_id])
    assert controller.get_job_output(job_id=second.uuid) == 6
    assert controller.get_job_output(job_id=third.uuid) == 6
    assert controller.get_job_output(job_id=stored.uuid, load=True) == {"data": [1, 2, 3]}
    assert controller.get_job_output(db_id=cold_id) == "yes"
    docs = {doc.db_id: doc for doc in controller.get_jobs_doc()}
    assert docs[child_id].state is JobState.WAITING
    assert docs[failed_id].error.startswith("RuntimeError: on purpose")
    assert "Starting job - fail" in docs[failed_id].remote.queue_out
    assert "killed by SIGKILL" in docs[killed_id].error
    raw = {d["db_id"]: d for d in controller.queue.jobs.find({})}
    (done,) = (d for d in raw.values() if d["uuid"] == second.uuid)
    assert raw[killed_id]["error_cause"] == "no_output"
    assert raw[failed_id]["error_cause"] == "job_error"
    warm, cold = done["remote"], raw[cold_id]["remote"]
    assert warm["process"]["warm"] == warm["submission_token"]
    assert warm["process_id"] == warm["process"]["pid"]
    assert "warm" not in cold["process"]
    attempt = done["attempts"][-1]
    assert (attempt["state"], bool(attempt["node"])) == ("COMPLETED", True)
    assert done["start_time"] <= done["end_time"]


def test_a_job_is_stopped_and_no_other(
    project: Project, controller: JobController, place: Path
) -> None:
    stopped, other = (
        controller.add_flow(waiting(str(place), name), "local")[0] for name in ("one", "two")
    )
    with running(project):
        states = partial(controller.get_jobs_info, db_ids=[stopped, other])
        until(lambda: all(info.state is JobState.RUNNING for info in states()))
        controller.stop_jobs(db_ids=[stopped])
        (place / "two.go").touch()
        until(lambda: controller.get_job_info(db_id=other).state is JobState.COMPLETED)
        # What was stopped begins anew in the same folder, as another attempt.
        (place / "one.go").touch()
        controller.rerun_jobs(db_ids=[stopped], force=True)
        until(lambda: controller.get_job_info(db_id=stopped).state is JobState.COMPLETED)
    assert runs(place) == ["one", "one", "two"]


def _serve(project: Project) -> subprocess.Popen[bytes]:
    """Start a runner that can be killed; its pool is forked by the program itself."""
    words = [sys.executable, "-c", SERVE, str(Path(__file__).parent), project.model_dump_json()]
    return subprocess.Popen(words, stderr=subprocess.DEVNULL)


@pytest.fixture
def killable(project: Project) -> Iterator[subprocess.Popen[bytes]]:
    process = _serve(project)
    yield process
    process.kill()
    process.wait()


def test_a_killed_runner_leaves_its_jobs_to_the_next(
    project: Project,
    controller: JobController,
    place: Path,
    killable: subprocess.Popen[bytes],
) -> None:
    ids = [controller.add_flow(waiting(str(place), name), "local")[0] for name in "abc"]
    until(lambda: len(list(place.glob("*.runs"))) == 2)
    pids = {
        int((Path(info.run_dir) / "jfr_started").read_text().split()[0])
        for info in controller.get_jobs_info()
        if info.run_dir and (Path(info.run_dir) / "jfr_started").exists()
    }
    killable.kill()
    killable.wait()
    assert len(pids) == 2
    for name in "abc":
        (place / f"{name}.go").touch()
    run(project)
    assert {controller.get_job_info(db_id=each).state for each in ids} == {JobState.COMPLETED}
    assert runs(place) == ["a", "b", "c"]
    outputs = {controller.get_job_output(db_id=each) for each in ids}
    assert pids < outputs
    until(lambda: all(is_over(str(pid)) for pid in outputs))


def test_a_pool_starts_with_the_runner_or_before_it(
    project: Project, controller: JobController, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[WarmPool] = []
    monkeypatch.setattr(WarmPool, "start", lambda self: started.append(self))
    runner = Runner(project=project, pools=worker_pools.start_pools(project))
    assert len(started) == 1
    for number in (2, 3):  # the first one has the pool that was started before
        runner.run(max_time=0.2)
        assert len(started) == number
    runner.cleanup()


def test_the_program_of_a_pool_may_die(
    project: Project,
    controller: JobController,
    place: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ids = [controller.add_flow(waiting(str(place), name), "local")[0] for name in "abc"]
    made: list[WarmPool] = []
    original = worker_pools.WarmPool

    def make(*args: Any) -> WarmPool:
        made.append(original(*args))
        return made[-1]

    monkeypatch.setattr(worker_pools, "WarmPool", make)
    with running(project):
        until(lambda: len(list(place.glob("*.runs"))) == 2)
        os.kill(made[0].pids[0], signal.SIGKILL)
        for name in "abc":
            (place / f"{name}.go").touch()
        until(lambda: controller.count_jobs(states=JobState.COMPLETED) == len(ids))
    assert runs(place) == ["a", "b", "c"]
