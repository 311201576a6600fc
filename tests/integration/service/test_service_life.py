"""Real runners in the background: start, stop, and what goes wrong with both."""

from __future__ import annotations

import logging
import os
import pty
import random
import signal
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from service_jobs import show_descriptors
from service_processes import pids_serving

from controller.config import ConfigManager, Project
from controller.errors import ConfigError, ControllerError, NotFoundError, RunningRunnerError
from controller.jobcontroller import JobController
from controller.jobs.daemon import DaemonError, DaemonManager, DaemonStatus
from controller.operations.claim_turns import claim_turn
from controller.operations.runner_processes import runner_processes, runners_overview
from controller.rules.runner_requests import ProcessState, RequestAction
from controller.runner import Runner
from controller.service.lockfile import RunnerLock, held_by, holders
from controller.service.logfiles import LogChoice, follow_log, log_files, merged_log
from controller.service.processes import StartOptions
from controller.service.requests import (
    Choice,
    Outcome,
    end_runners,
    end_without_database,
    tell_runners,
)
from controller.service.starting import Started, start_runners

DEADLINE = 60
THOROUGH = bool(os.environ.get("JFR_TESTS_THOROUGH"))
pytestmark = pytest.mark.cold


def wait_for(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + DEADLINE
    while not (found := condition()):
        assert time.monotonic() < end, "time is up"
        time.sleep(0.05)
    return found


def start(project: Project, **options: Any) -> Started:
    return start_runners(project, StartOptions(**options))[0]


def stop(controller: JobController) -> list[Outcome]:
    asked = end_runners(controller.queue, Choice(), max_wait=DEADLINE)
    return [one.outcome for one in asked]


def test_a_life(project: Project, controller: JobController, projects_folder: Path) -> None:
    """Started, seen, started again, paused, reloaded with a good and a bad file, stopped."""
    first = start(project, metrics="0")
    assert pids_serving(projects_folder) == [first.pid]
    assert first.metrics is not None
    with urllib.request.urlopen(first.metrics, timeout=30) as answer:
        assert "jfr_runners 1.0" in answer.read().decode().splitlines()
    with pytest.raises(RunningRunnerError, match=f"process {first.pid}"):
        start(project)
    overview = runners_overview(controller.queue)
    (seen,) = overview.runners
    assert (seen.runner_id, seen.state) == (first.runner_id, ProcessState.ALIVE)
    assert seen.record["metrics"] == first.metrics
    assert seen.record["roles"] == ["checkout", "transfer", "queue", "complete"]
    assert seen.record["project_file"] == str(projects_folder / "test.yaml")
    assert held_by(project, "runner") == holders(project)["runner"]
    elsewhere = Choice(host="elsewhere")
    assert end_without_database(project, elsewhere) == [], "not those of another machine"

    def tell(action: RequestAction) -> tuple[Outcome, str]:
        (one,) = tell_runners(controller.queue, Choice(), action, max_wait=DEADLINE)
        return one.outcome, one.message

    assert tell(RequestAction.PAUSE) == (Outcome.DONE, "")
    wait_for(lambda: runner_processes(controller.queue)[0].record["claims_paused"])
    assert tell(RequestAction.RESUME) == (Outcome.DONE, "")
    file = projects_folder / "test.yaml"
    good = file.read_text()
    file.write_text(good.replace("max_jobs: 2", "max_jobs: 3"))
    assert tell(RequestAction.RELOAD) == (Outcome.DONE, "")
    file.write_text(good.replace("max_jobs: 2", "max_jobs: many"))
    outcome, why = tell(RequestAction.RELOAD)
    assert outcome is Outcome.REFUSED
    assert "max_jobs" in why
    file.write_text(good.replace("jobs.sqlite", "elsewhere.sqlite"))
    outcome, why = tell(RequestAction.RELOAD)
    assert (outcome, "queue changed" in why) == (Outcome.REFUSED, True)
    os.kill(first.pid, signal.SIGHUP)  # the same, refused in the log
    os.kill(first.pid, signal.SIGSTOP)
    assert stop(controller) == [Outcome.DONE], "one that is stopped goes on, to end"
    assert stop(controller) == [], "nothing is left to stop"
    assert pids_serving(projects_folder) == []
    assert (runner_processes(controller.queue), controller.get_running_runner()) == ([], None)
    assert holders(project) == {}


def test_six_starts_at_once_and_kill_9(
    project: Project, controller: JobController, projects_folder: Path
) -> None:
    results: list[Any] = []

    def one() -> None:
        try:
            results.append(start(project).pid)
        except ControllerError as error:
            results.append(type(error))

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    (pid,) = [result for result in results if isinstance(result, int)]
    assert results.count(RunningRunnerError) == 5
    assert pids_serving(projects_folder) == [pid]
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: runner_processes(controller.queue)[0].state is ProcessState.ENDED)
    again = start(project)
    assert [found.runner_id for found in runner_processes(controller.queue)] == [again.runner_id]
    (killed,) = end_runners(controller.queue, Choice(), at_once=True, max_wait=DEADLINE)
    assert killed.outcome is Outcome.DONE
    assert pids_serving(projects_folder) == []
    assert controller.get_running_runner() is None


@pytest.mark.skipif(not THOROUGH, reason="some twenty processes")
def test_twenty_starts_and_ends(
    project: Project, controller: JobController, projects_folder: Path
) -> None:
    """Stopped, killed by a command, by a signal or while they start: each leaves nothing behind."""
    chance = random.Random(13)
    for cycle in range(20):
        way = ("stop", "kill", "SIGTERM", "SIGKILL", "SIGKILL at the start")[cycle % 5]
        if way == "SIGKILL at the start":
            _kill_while_it_starts(project, projects_folder, chance.uniform(0.0, 0.6))
            continue
        pid = start(project).pid
        assert pids_serving(projects_folder) == [pid], way
        if way in ("stop", "kill"):
            at_once = way == "kill"
            (one,) = end_runners(controller.queue, Choice(), at_once=at_once, max_wait=DEADLINE)
            assert one.outcome is Outcome.DONE
        else:
            os.kill(pid, signal.Signals[way])
            wait_for(lambda: not pids_serving(projects_folder))
        wait_for(lambda: not holders(project))  # its threads end one after the other
        alive = [r for r in runner_processes(controller.queue) if r.state is ProcessState.ALIVE]
        assert alive == [], way


def _kill_while_it_starts(project: Project, folder: Path, after: float) -> None:
    """Kill a runner so many seconds after its process began; the starter says so, or was faster."""
    ends: list[str] = []

    def one() -> None:
        try:
            ends.append(f"started {start(project).pid}")
        except ControllerError as error:
            ends.append(str(error))

    starter = threading.Thread(target=one)
    starter.start()
    wait_for(lambda: pids_serving(folder))
    time.sleep(after)  # not waiting for anything: this is when it happens
    for pid in pids_serving(
        folder
    ):  # the first ends by itself, when it has made the one that stays
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    starter.join(DEADLINE)
    (said,) = ends
    assert said.startswith(("started ", "the runner ended before it registered")), said
    assert pids_serving(folder) == []
    wait_for(lambda: not holders(project))


def test_jobs_do_not_inherit_the_lock(
    project: Project, controller: JobController, tmp_path: Path
) -> None:
    """A job that goes on when its runner is killed keeps nobody from starting the next one."""
    (db_id,) = controller.add_flow(show_descriptors(str(tmp_path), 3.0), "local")
    started = start(project)
    report = tmp_path / "descriptors"
    wait_for(report.exists)
    os.kill(started.pid, signal.SIGKILL)
    start(project)
    open_files = wait_for(report.read_text)
    assert ".lock" not in open_files
    wait_for(lambda: controller.get_job_info(db_id=db_id).state.value == "COMPLETED")  # type: ignore[union-attr]
    assert stop(controller) == [Outcome.DONE]


START = "from test_service_life import *; print(start(ConfigManager().get_project('test')).pid)"


def test_a_terminal_that_is_closed(
    project: Project, controller: JobController, projects_folder: Path
) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [sys.executable, "-c", START])
    wait_for(lambda: runner_processes(controller.queue))
    (serving,) = pids_serving(projects_folder)
    os.close(terminal)
    os.waitpid(pid, 0)
    assert os.getsid(serving) != serving, "it leads no session, so it never gets a terminal"
    assert os.getsid(serving) != pid
    os.kill(serving, signal.SIGTERM)
    os.kill(serving, signal.SIGTERM)
    wait_for(lambda: not pids_serving(projects_folder))
    assert wait_for(lambda: controller.get_running_runner() is None)


def test_starts_that_fail_say_why(
    project: Project, controller: JobController, project_file: Path, projects_folder: Path
) -> None:
    good = project_file.read_text()
    log = Path(project.log_dir)
    log.write_text("no folder")
    with pytest.raises(ConfigError, match="cannot write the log"):
        start(project)
    log.unlink()
    project_file.write_text(good + "colour: red\n")
    with pytest.raises(ControllerError, match="colour"):
        start(project)
    project_file.write_text(good)
    Path(project.base_dir, "jobs.sqlite").rename(projects_folder / "away")
    with pytest.raises(ControllerError, match="does not exist"):
        start(project)
    (projects_folder / "away").rename(Path(project.base_dir, "jobs.sqlite"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"cannot be served at 127.0.0.1:{port}: Address al"):
            start(project, metrics=str(port))
    assert pids_serving(projects_folder) == []
    assert holders(project) == {}, "what did not start holds nothing"


def test_a_lock_that_nobody_holds_means_nothing(project: Project) -> None:
    lock = RunnerLock.acquire(project, "runner")
    assert lock is not None
    lock.write({"pid": os.getpid()})
    assert RunnerLock.acquire(project, "runner") is None
    lock.release()
    assert held_by(project, "runner") is None, "whatever the file says"
    again = RunnerLock.acquire(project, "runner")
    assert again is not None
    again.release()


def test_a_runner_in_the_foreground_is_told_too(
    project: Project, controller: JobController
) -> None:
    runner = Runner(project=project, log_level="error")
    told: list[Any] = []

    def tell() -> None:
        wait_for(lambda: runner_processes(controller.queue))
        told.extend(tell_runners(controller.queue, Choice(), RequestAction.RELOAD))
        for choice in (Choice(host="elsewhere"), Choice(runner="no-id")):
            try:
                tell_runners(controller.queue, choice, RequestAction.RELOAD)
            except NotFoundError as error:
                told.append(str(error))
        runner.stop()

    thread = threading.Thread(target=tell)
    thread.start()
    runner.run(max_time=DEADLINE)
    thread.join()
    runner.cleanup()
    assert told[0].outcome is Outcome.DONE
    assert "no runner on elsewhere is active, but 1 other is: " in told[1]
    assert f"whose id begins with no-id is active, but 1 other is: {runner.runner_id}" in told[2]
    assert ConfigManager().get_project("test") == runner.project


def test_logs_of_two_runners_are_merged(project: Project, controller: JobController) -> None:
    from controller.runner.logs import start_logging, stop_logging

    folder = Path(project.log_dir)
    loggers = []
    for runner_id in ("one", "two"):
        handlers = start_logging(project, logging.INFO, runner_id, to_stderr=False)
        loggers.append(handlers[0])
        logging.getLogger("controller").removeHandler(handlers[0])
    assert [path.name for path in log_files(folder)] == [
        f"runner-{socket.gethostname()}-1.log",
        "runner.log",
    ]
    for number in range(4):
        record = logging.LogRecord(
            "c",
            logging.WARNING if number else logging.INFO,
            "",
            0,
            f"n{number}\n  more",
            None,
            None,
        )
        record.created = 1.0e9 + number
        loggers[number % 2].emit(record)
    texts = [entry.text.partition(" c: ")[2].split() for entry in merged_log(folder, LogChoice())]
    assert texts == [[f"n{number}", "more"] for number in range(4)]
    assert len(merged_log(folder, LogChoice(level=logging.WARNING))) == 3
    assert [e.runner_id for e in merged_log(folder, LogChoice(runner="tw"), last=1)] == ["two"]
    follow = follow_log(folder, LogChoice(), is_over=lambda: True)
    assert list(follow) == [], "only what comes from now on"
    stop_logging(loggers)
    handlers = start_logging(project, logging.INFO, "three", to_stderr=False)
    assert Path(handlers[0].baseFilename).name == "runner.log", "a name that is free again"  # type: ignore[attr-defined]
    stop_logging(handlers)


def test_two_runners_share_a_limit(project: Project, controller: JobController) -> None:
    """Nobody claims while another one counts and claims, and none is left out for long."""
    queue = controller.queue
    with claim_turn(queue, "local") as first, claim_turn(queue, "local") as second:
        assert (first, second) == (True, False)
        with claim_turn(queue, "other") as third:
            assert third
    with claim_turn(queue, "local") as again:
        assert again


def test_a_manager_for_scripts(project: Project, controller: JobController) -> None:
    manager = DaemonManager.from_project_name("test")
    assert manager.check_status() is DaemonStatus.SHUT_DOWN
    assert manager.get_processes_info() is None
    assert manager.stop(wait=True), "nothing to stop"
    assert not manager.restart()
    with pytest.raises(DaemonError, match="connect_interactive"):
        manager.start(single=False, connect_interactive=True)
    assert manager.start(num_procs_complete=2, single=False, log_level="error")
    assert not manager.start()
    with pytest.raises(DaemonError, match="already"):
        manager.start(raise_on_error=True)
    assert manager.check_status() is DaemonStatus.RUNNING
    info = manager.get_processes_info() or {}
    assert {name: found["statename"] for name, found in info.items()} == {
        "runner": "RUNNING",
        "complete-2": "RUNNING",
    }
    assert info["complete-2"]["roles"] == ["complete"]
    with pytest.raises(ValueError, match="transfer-9"):
        manager.foreground_process("transfer-9")
    os.kill(info["complete-2"]["pid"], signal.SIGKILL)
    wait_for(lambda: manager.check_status() is DaemonStatus.PARTIALLY_RUNNING)
    assert manager.shut_down(wait=True)
    assert manager.check_status() is DaemonStatus.SHUT_DOWN
    manager.clean_files()
    assert list(Path(project.daemon_dir).glob("*.out")) == []
