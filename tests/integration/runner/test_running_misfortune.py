"""Bad input and bad luck: a job that says why, a log that says it once, and nothing lost."""

from __future__ import annotations

import itertools
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from crashes import Fuse, Killed, bury, dying
from runner_jobs import (
    add,
    fail_at_length,
    large,
    stored_elsewhere,
    then_on,
    variable,
    wait_for_file,
)
from running import DEADLINE, run, serve, states, wait_for

from controller import documents
from controller.config import Project
from controller.errors import ConfigError, RunningRunnerError
from controller.jobcontroller import JobController
from controller.operations.failures import error_text
from controller.runner import Runner
from controller.runner.logs import start_logging, stop_logging
from controller.states import JobState

only_embedded = pytest.mark.parametrize("engine", ["embedded"], indirect=True)


def info(controller: JobController, db_id: str) -> Any:
    found = controller.get_job_info(db_id=db_id)
    assert found is not None
    return found


# ---------------------------------------------------------------- names that do not exist


def test_a_worker_that_does_not_exist(
    project: Project, controller: JobController, caplog: pytest.LogCaptureFixture
) -> None:
    (unknown,) = controller.add_flow(add(1, 2), "nowhere")
    (running,) = controller.add_flow(add(1, 2), "nowhere")
    controller.jobs.update_one(
        {"db_id": running}, {"$set": {"state": "RUNNING", "remote.process_id": "1"}}
    )
    (parent,) = controller.add_flow(then_on("elsewhere"), "local")
    summary = run(project)
    (child,) = {*states(controller)} - {unknown, running, parent}
    assert (summary.completed, summary.failed) == ([parent], [])
    # Another runner, whose project file has these workers, may be at work on them.
    left = {unknown: "READY", running: "RUNNING", child: "READY"}
    assert {db_id: states(controller)[db_id] for db_id in left} == left
    told = [r.getMessage() for r in caplog.records if "is skipped" in r.getMessage()]
    assert sorted(t.partition("no worker ")[2].partition(";")[0] for t in told) == [
        "'elsewhere'",
        "'nowhere'",
    ]


def test_an_additional_store_that_does_not_exist(
    project: Project, controller: JobController
) -> None:
    (db_id,) = controller.add_flow(stored_elsewhere(), "local")
    assert run(project).failed == [db_id]
    job = info(controller, db_id)
    assert (job.state, job.previous_state) == (JobState.REMOTE_ERROR, JobState.CHECKED_OUT)
    assert job.error is None
    assert "needs the additional store data" in job.remote.error
    assert job.run_dir is None, "it has not run"


def test_execution_configurations(described: dict[str, Any], store_spec: dict[str, Any]) -> None:
    described["exec_config"] = {"set": {"export": {"WHAT": "two words"}}}
    project = Project.model_validate(described)
    with JobController.from_project(project) as controller:
        controller.reset()
        (good,) = controller.add_flow(variable("WHAT"), "local", exec_config="set")
        (bad,) = controller.add_flow(variable("WHAT"), "local", exec_config="sett")
        assert run(project).failed == [bad]
        assert controller.get_job_output(db_id=good) == "two words"
        assert info(controller, bad).remote.error == "the project has no exec_config 'sett'"


# ---------------------------------------------------------------- other people's locks


def foreign_lock(collection: Any, query: dict[str, Any]) -> None:
    """Lock as jobflow-remote 1.0.1 does: without a lease."""
    done = collection.update_one(
        query, {"$set": {"lock_id": "theirs", "lock_time": documents.utc_now()}}
    )
    assert done.matched_count == 1


def stop_when(runner: Runner, is_done: Callable[[], bool]) -> None:
    """Stop a runner that would wait for what is locked, once something is true."""

    def look() -> None:
        deadline = time.monotonic() + DEADLINE
        while not is_done() and time.monotonic() < deadline:
            time.sleep(0.05)
        runner.stop()

    threading.Thread(target=look, daemon=True).start()


def test_a_job_that_jobflow_remote_locked(
    project: Project,
    controller: JobController,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("controller.runner.backoff.TELL_AFTER", 0.4)
    (held,) = controller.add_flow(add(1, 2), "local")
    (free,) = controller.add_flow(add(3, 4), "local")
    foreign_lock(controller.queue.jobs, {"db_id": held})

    def told() -> list[str]:
        return [r.getMessage() for r in caplog.records if "theirs" in r.getMessage()]

    runner = Runner(project=project, log_level="warn")
    stop_when(runner, lambda: bool(told()) and states(controller)[free] == "COMPLETED")
    try:
        summary = runner.run_until_idle(DEADLINE)
    finally:
        runner.cleanup()
    assert summary.completed == [free]
    assert states(controller)[held] == "READY"
    assert len(told()) == 1
    assert f"job {held} is locked" in told()[0]
    assert "unlock" in told()[0]
    controller.jobs.update_one({"db_id": held}, {"$set": {"lock_id": None, "lock_time": None}})
    assert run(project).completed == [held]


def test_a_flow_that_jobflow_remote_locked_holds_up_no_other(
    project: Project, controller: JobController, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    """Held-up jobs are tried now and then, not all the time, and say what they wait for."""
    monkeypatch.setattr("controller.runner.backoff.TELL_AFTER", 0.4)
    (held,) = controller.add_flow(add(1, 2), "local", priority=9)
    (free,) = controller.add_flow(add(3, 4), "local")
    uuid = info(controller, held).uuid
    foreign_lock(controller.queue.flows, {"jobs": uuid})
    tries = []
    runner = Runner(project=project, log_level="warn")
    real = runner.controller.complete_jobs

    def count(jobs: Any, **options: Any) -> Any:
        tries.extend(job.doc["db_id"] for job in jobs)
        return real(jobs, **options)

    monkeypatch.setattr(runner.controller, "complete_jobs", count)
    blocked = "is blocked: flow"
    stop_when(
        runner,
        lambda: (
            tries.count(held) > 1
            and any(blocked in r.getMessage() for r in caplog.records)
            and states(controller)[free] == "COMPLETED"
        ),
    )
    try:
        summary = runner.run_until_idle(DEADLINE)
    finally:
        runner.cleanup()
    assert summary.completed == [free]
    job = info(controller, held)
    assert (job.state, job.remote.step_attempts) == (JobState.DOWNLOADED, 0)
    assert tries.count(held) < 12
    controller.flows.update_many({}, {"$set": {"lock_id": None, "lock_time": None}})
    assert run(project).completed == [held]


def test_a_live_runner_of_jobflow_remote_is_in_the_way(
    project: Project, controller: JobController
) -> None:
    now = documents.utc_now()
    theirs = {
        "hostname": "node17",
        "user": "bob",
        "start_time": now,
        "last_pinged": now,
        "processes_info": {"supervisord": {"pid": 4711}},
    }
    controller.auxiliary.update_one(
        {"running_runner": {"$exists": True}}, {"$set": {"running_runner": theirs}}
    )
    with pytest.raises(RunningRunnerError, match=r"node17.*4711") as error:
        run(project)
    assert "\n" not in str(error.value)
    dead = {**theirs, "last_pinged": now - timedelta(days=1)}
    controller.auxiliary.update_one(
        {"running_runner": {"$exists": True}}, {"$set": {"running_runner": dead}}
    )
    controller.add_flow(add(1, 2), "local")
    assert len(run(project).completed) == 1


# ---------------------------------------------------------------- databases that are away

HOLD = """
import os, signal, sys
from controller.storage.embedded import open_database
with open_database(sys.argv[1]).transaction():
    print("inside", flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
"""


@only_embedded
def test_a_command_stopped_in_the_middle_of_a_write_pauses_the_runner(
    described: dict[str, Any], tmp_path: Path
) -> None:
    described["queue"]["store"]["wait"] = 0.2
    project, path = Project.model_validate(described), described["queue"]["store"]["path"]
    with JobController.from_project(project) as controller:
        controller.reset()
        (db_id,) = controller.add_flow(wait_for_file(str(tmp_path / "go")), "local")
        runner = serve(project, "warn")
        wait_for(lambda: states(controller)[db_id] == "RUNNING")
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLD, path], stdout=subprocess.PIPE, text=True
        )
        assert holder.stdout is not None
        assert holder.stdout.readline() == "inside\n"
        os.waitid(os.P_PID, holder.pid, os.WSTOPPED)
        (tmp_path / "go").touch()
        log = Path(project.log_dir) / "runner.log"
        wait_for(lambda: f"process {holder.pid} on" in log.read_text())
        holder.send_signal(signal.SIGCONT)
        holder.communicate()
        wait_for(lambda: states(controller)[db_id] == "COMPLETED")
        runner.terminate()
        runner.communicate()
        assert info(controller, db_id).remote.step_attempts == 0
    lines = [line for line in log.read_text().splitlines() if "[WARNING]" in line]
    assert len([line for line in lines if "; waiting until it is back" in line]) == 1
    assert "the database is reachable again" in lines[-1]


@only_embedded
def test_outputs_that_cannot_be_stored_now_are_stored_later(described: dict[str, Any]) -> None:
    project = Project.model_validate(described)
    away = {
        "type": "MongoStore",
        "host": "127.0.0.1",
        "port": 9,
        "database": "outputs",
        "collection_name": "outputs",
        "mongoclient_kwargs": {"serverSelectionTimeoutMS": 50},
    }
    without = Project.model_validate({**described, "jobstore": {"docs_store": away}})
    with JobController.from_project(project) as controller:
        controller.reset()
        (db_id,) = controller.add_flow(add(1, 2), "local")
        deadline = time.monotonic() + 60
        assert run(without, max_time=4).timed_out
        while info(controller, db_id).state is not JobState.DOWNLOADED:
            assert time.monotonic() < deadline
            assert run(without, max_time=4).timed_out
        job = info(controller, db_id)
        assert (job.state, job.remote.step_attempts) == (JobState.DOWNLOADED, 0)
        assert run(project).completed == [db_id]
        assert controller.get_job_output(db_id=db_id) == 3


@only_embedded
def test_an_output_of_50_mb(project: Project, controller: JobController) -> None:
    (db_id,) = controller.add_flow(large(50_000_000), "local")
    assert run(project).completed == [db_id]
    assert len(controller.get_job_output(db_id=db_id)) == 50_000_000


# ---------------------------------------------------------------- clocks


def test_a_clock_that_is_set_back_an_hour(
    described: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing waits for the hour to pass again: neither a retry, nor a claim, nor a runner."""
    described["runner"] = {"delta_retry": [0.2, 0.2], "max_step_attempts": 2}
    project = Project.model_validate(described)
    work = Path(project.workers["local"].work_dir)
    work.parent.mkdir(parents=True, exist_ok=True)
    work.write_text("a file where the folder should be")
    with JobController.from_project(project) as controller:
        controller.reset()
        (db_id,) = controller.add_flow(add(1, 2), "local")
        runner = Runner(project=project, log_level="error")
        try:
            runner.advance()
            job = info(controller, db_id)
            assert (job.state, job.remote.step_attempts) == (JobState.CHECKED_OUT, 1)
            work.unlink()
            set_clock_back(monkeypatch, timedelta(hours=1))
            (later,) = controller.add_flow(add(3, 4), "local")
            assert sorted(runner.run_until_idle(60).completed) == sorted([db_id, later])
        finally:
            runner.cleanup()
        assert controller.get_running_runner() is None
        (flow,) = controller.get_flows_info(db_ids=db_id)
        assert flow.state.value == "COMPLETED"


def set_clock_back(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    real = documents.utc_now
    for name, module in list(sys.modules.items()):
        if name.startswith("controller.") and getattr(module, "utc_now", None) is real:
            monkeypatch.setattr(module, "utc_now", lambda: real() - by)


# ---------------------------------------------------------------- the runner's own house


def test_no_more_jobs_than_the_worker_may_have(
    project: Project, controller: JobController, tmp_path: Path
) -> None:
    for _ in range(4):
        controller.add_flow(wait_for_file(str(tmp_path / "go")), "local")
    runner = Runner(project=project, log_level="error")
    try:
        for _ in range(4):
            runner.advance()
            counts = sorted(states(controller).values())
            assert counts.count("READY") == 2
        (tmp_path / "go").touch()
        assert len(runner.run_until_idle(60).completed) == 4
    finally:
        runner.cleanup()


@only_embedded
def test_a_limit_holds_while_another_runner_submits(
    described: dict[str, Any], controller: JobController, tmp_path: Path
) -> None:
    """Two jobs are UPLOADED where one may run, as after a retry: each runner has locked one."""
    described["workers"]["local"]["max_jobs"] = 1
    project = Project.model_validate(described)
    for _ in range(2):
        controller.add_flow(wait_for_file(str(tmp_path / "go")), "local")
    runner = Runner(project=project, log_level="error")
    try:
        for _ in range(2):  # there is no more room for the second
            runner.advance(queue=False)
            uploaded = {"$set": {"state": "CHECKED_OUT"}}
            controller.jobs.update_many({"state": "READY"}, uploaded)
        assert sorted(states(controller).values()) == ["UPLOADED", "UPLOADED"]
        with controller.lock_job(filter={"db_id": "1"}, get_locked_doc=True) as lock:
            assert lock.acquired
            runner.advance()
            assert sorted(states(controller).values()) == ["UPLOADED", "UPLOADED"]
        runner.advance()
        assert sorted(states(controller).values())[1] == "UPLOADED"
        runner.advance()
        assert sorted(states(controller).values())[1] == "UPLOADED"
        (tmp_path / "go").touch()
        assert len(runner.run_until_idle(60).completed) == 2
    finally:
        runner.cleanup()


@only_embedded
def test_the_log_of_a_runner(
    described: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    described["log_level"] = "warn"
    monkeypatch.setattr("controller.runner.logs.FILE_SIZE", 300)
    project = Project.model_validate(described)
    folder = Path(project.log_dir)
    handlers = start_logging(project, project.log_level.to_logging(), "the runner")
    try:
        for number in range(40):
            logging.getLogger("controller.runner").warning("line %s \u00e5", number)
            logging.getLogger("controller.runner").info("not this one")
    finally:
        stop_logging(handlers)
    text = (folder / "runner.log").read_text(encoding="utf-8")
    assert "[WARNING] ID the runner controller.runner: line 39 \u00e5" in text
    assert "not this one" not in text
    assert len(list(folder.glob("runner.log*"))) == 6  # the present one and five before it
    assert "line 39" in capsys.readouterr().err


@only_embedded
def test_a_log_that_cannot_be_written_is_told_in_one_line(described: dict[str, Any]) -> None:
    project = Project.model_validate(described)
    folder = Path(project.log_dir)
    folder.parent.mkdir(parents=True)
    folder.touch()
    with pytest.raises(ConfigError, match="cannot write the log") as error:
        start_logging(project, logging.INFO, "x")
    assert "\n" not in str(error.value)


# ---------------------------------------------------------------- killed at any moment

QUICK = r"""
import json, pathlib, sys
folder = pathlib.Path(sys.argv[1])
uuid, _, index = folder.name.rpartition("_")
with open(sys.argv[2], "a") as ledger:
    ledger.write(uuid + "\n")
response = {"@module": "jobflow.core.job", "@class": "Response", "output": None}
(folder / "jfremote_out.json").write_text(json.dumps({"response": response, "error": None}))
document = {"uuid": uuid, "index": int(index), "output": 3, "metadata": {}, "hosts": []}
(folder / "remote_job_data.json").write_text(json.dumps([document]))
"""
"""What a worker leaves, at once: here only the runner is of interest."""


@only_embedded
def test_a_runner_killed_at_any_write(
    described: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = SimpleNamespace(add=lambda *_: None, remove=lambda *_: None)
    monkeypatch.setattr("controller.leases._RENEWER", silent)  # a killed process renews no lease
    script, ledger = tmp_path / "quick.py", tmp_path / "ledger"
    script.write_text(QUICK)
    words = [sys.executable, "-S", "-E", str(script), "{}", str(ledger)]
    described["workers"]["local"]["execution_cmd"] = " ".join(words)
    project = Project.model_validate(described)
    with JobController.from_project(project) as controller:
        controller.reset()
        writes = life_with(project, controller, Fuse())
        assert writes > 10
        for at, after in moments(writes):
            ledger.unlink()
            controller.jobs.delete_many({})
            controller.flows.delete_many({})
            life_with(project, controller, Fuse(at, after=after))
            (job,) = controller.get_jobs_info()
            where = f"write {at}, {after=}"
            assert job.state is JobState.COMPLETED, where
            assert ledger.read_text().split() == [job.uuid], where
            assert controller.count_jobs(locked=True) == 0, where
            assert controller.get_flows_info()[0].state.value == "COMPLETED", where
            assert controller.get_job_output(db_id=job.db_id) == 3, where
            assert controller.get_running_runner() is None, where


def moments(writes: int) -> list[tuple[int, bool]]:
    """Each write, and whether the kill comes after it; without JFR_TESTS_THOROUGH each fifth."""
    every = list(itertools.product(range(1, writes), (False, True)))
    return every[::2] if os.environ.get("JFR_TESTS_THOROUGH") else every[::5]


def life_with(project: Project, controller: JobController, fuse: Fuse) -> int:
    """Run one job with a runner that may be killed, then another; count the first's writes."""
    controller.add_flow(add(1, 2), "local")
    runner = Runner(project=project, log_level="error")
    runner.controller.queue = dying(runner.controller.queue, fuse, transactions=True)
    try:
        runner.run_until_idle(30)
    except Killed:
        assert fuse.blown
    finally:
        runner.cleanup()
    if fuse.blown:
        bury(controller.queue)
        # The record of the dead runner stays until its ping is old, or another one takes it over.
        controller.auxiliary.update_one(
            {"running_runner.runner_id": runner.runner_id},
            {"$set": {"running_runner.last_pinged": documents.utc_now() - timedelta(minutes=1)}},
        )
        run(project, 30, "error")
    return fuse.writes


@pytest.mark.parametrize(
    "engine", [pytest.param("mongodb", marks=pytest.mark.mongo)], indirect=True
)
@pytest.mark.parametrize("size", [17_000_000, 50_000_000])
def test_an_output_that_mongodb_is_too_small_for(
    described: dict[str, Any], store_spec: dict[str, Any], size: int
) -> None:
    """One line that says so and what helps; the driver's message would quote the output."""
    described["jobstore"] = {"docs_store": {**store_spec, "collection_name": "outputs"}}
    project = Project.model_validate(described)
    with JobController.from_project(project) as controller:
        controller.reset()
        (db_id,) = controller.add_flow(large(size), "local")
        assert run(project).failed == [db_id]
        job = info(controller, db_id)
        assert (job.state, job.previous_state) == (JobState.REMOTE_ERROR, JobState.DOWNLOADED)
        assert "too large" in job.remote.error
        assert "additional store" in job.remote.error
        assert len(job.remote.error.splitlines()) == 1


def test_a_job_that_fails_at_great_length(project: Project, controller: JobController) -> None:
    (db_id,) = controller.add_flow(fail_at_length(20_000_000), "local")
    assert run(project).failed == [db_id]
    job = info(controller, db_id)
    assert job.state is JobState.FAILED
    assert job.error.startswith("ValueError: xxx")
    assert "characters were cut" in job.error
    assert len(job.error) < 25_000


def test_an_error_that_quotes_what_it_was_given_is_cut() -> None:
    text = error_text(ValueError("begin" + "x" * 10_000_000 + "end"))
    assert len(text) < 25_000
    assert "begin" in text
    assert text.rstrip().endswith("end")
    assert "characters were cut" in text
