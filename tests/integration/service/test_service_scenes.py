"""Runners on two hosts, of two users, of several projects; a full disk, a project that changes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from service_processes import pids_serving
from test_service_life import DEADLINE, start, stop, wait_for

from controller.config import Project
from controller.errors import ConfigError
from controller.examples import add
from controller.jobcontroller import JobController
from controller.operations.runner_processes import runner_processes
from controller.rules.runner_requests import ProcessState, RequestAction
from controller.runner.signals import SignalHandlers
from controller.service.lockfile import holders
from controller.service.processes import StartOptions
from controller.service.requests import Choice, Outcome, end_runners, tell_runners
from controller.service.starting import start_runners

pytestmark = pytest.mark.cold
JF = str(Path(sys.executable).with_name("jf"))
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
START = "from test_service_life import *; print(start(ConfigManager().get_project('test')).pid)"


@AS_ROOT
@pytest.mark.skipif(shutil.which("unshare") is None, reason="unshare is not installed")
def test_a_second_host(project: Project, controller: JobController, projects_folder: Path) -> None:
    """It has a name of its own, so another lock: seen, paused and stopped from here."""
    other = f'hostname elsewhere && exec "{sys.executable}" -c "{START}"'
    done = subprocess.run(
        ["unshare", "--uts", "sh", "-c", other], capture_output=True, text=True, timeout=DEADLINE
    )
    if "Operation not permitted" in done.stderr:
        pytest.skip("no other host name can be had here")
    assert done.returncode == 0, done.stderr
    here = start(project)
    hosts = {str(r.record["hostname"]): r for r in runner_processes(controller.queue)}
    assert hosts["elsewhere"].state is ProcessState.ALIVE
    assert len(hosts) == 2
    assert set(holders(project)) == {"runner"}, "the lock of this host"
    there = Choice(host="elsewhere")
    (told,) = tell_runners(controller.queue, there, RequestAction.PAUSE, max_wait=DEADLINE)
    assert told.outcome is Outcome.DONE
    (ended,) = end_runners(controller.queue, there, wait=True, max_wait=DEADLINE)
    assert ended.outcome is Outcome.DONE
    assert pids_serving(projects_folder) == [here.pid]
    assert stop(controller) == [Outcome.DONE]


@AS_ROOT
def test_another_user(project: Project, controller: JobController) -> None:
    """Who may not write in the project's folders is told so in one line, and starts nothing."""
    Path(project.daemon_dir).mkdir(parents=True, exist_ok=True, mode=0o700)
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setuid(65534)
        try:
            start_runners(project, StartOptions())
            said = "started"
        except ConfigError as error:
            said = str(error)
        except BaseException as error:
            said = repr(error)
        os.write(writing, said.encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as stream:
        said = stream.read()
    os.waitpid(pid, 0)
    assert "cannot create the lock file" in said
    assert "Permission denied" in said
    assert "set daemon_dir in the project file" in said
    assert len(said.splitlines()) <= 2
    assert runner_processes(controller.queue) == []


def test_a_full_disk_for_logs_and_a_project_that_is_renamed(
    project: Project, controller: JobController, project_file: Path
) -> None:
    """Nothing can be logged, and the file has another project now: jobs run all the same."""
    folder = Path(project.log_dir)
    folder.mkdir(parents=True)
    (folder / "runner.log").symlink_to("/dev/full")
    started = start(project)
    good = project_file.read_text()
    project_file.write_text(good.replace("name: test", "name: other"))
    (told,) = tell_runners(controller.queue, Choice(), RequestAction.RELOAD, max_wait=DEADLINE)
    assert told.outcome is Outcome.REFUSED
    assert "'test'" in told.message
    project_file.unlink()
    os.kill(started.pid, signal.SIGHUP)
    (db_id,) = controller.add_flow(add(1, 2), "local")
    wait_for(lambda: controller.get_jobs_info(db_ids=db_id)[0].state.value == "COMPLETED")
    assert stop(controller) == [Outcome.DONE]


@pytest.mark.skipif(not os.environ.get("JFR_TESTS_THOROUGH"), reason="four commands and a runner")
def test_all_projects(project_file: Path, controller: JobController) -> None:
    """The database of one is missing: the other is served, and both are told."""
    content = yaml.safe_load(project_file.read_text())
    gone = {"type": "EmbeddedStore", "path": str(project_file.parent / "gone.sqlite")}
    queue = {"store": {**gone, "collection_name": "jobs"}}
    broken = project_file.with_name("broken.yaml")
    base = str(project_file.parent / "broken")
    broken.write_text(
        yaml.safe_dump({**content, "name": "broken", "base_dir": base, "queue": queue})
    )

    def jf(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [JF, *words], capture_output=True, text=True, timeout=DEADLINE, check=False
        )

    done = jf("runner", "start", "--all-projects")
    assert done.returncode == 5, done.stderr
    assert "project test: started" in done.stderr
    assert "project broken: " in done.stderr
    assert "does not exist" in done.stderr
    assert [r.state for r in runner_processes(controller.queue)] == [ProcessState.ALIVE]
    names = project_file.with_name("names.json")
    ended = jf("runner", "stop", "-a", "-w", "-j", str(names), "-m", "60")
    assert ended.returncode == 5, ended.stderr
    assert json.loads(names.read_text()) == ["test"]
    assert runner_processes(controller.queue) == []


@pytest.mark.parametrize(
    ("terminal", "ignored", "ends", "reads"),
    [
        (True, False, True, False),  # the terminal is closed
        (False, False, False, True),  # systemd asks to reload
        (True, True, False, False),  # `nohup jf runner run &`
    ],
)
def test_sighup_of_a_runner_in_the_foreground(
    monkeypatch: pytest.MonkeyPatch,
    terminal: bool,
    ignored: bool,
    ends: bool,
    reads: bool,
) -> None:
    monkeypatch.setattr("controller.runner.signals._has_terminal", lambda: terminal)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
    asked: list[str] = []
    handlers = SignalHandlers(
        lambda: asked.append("stop"), lambda: asked.append("reload"), in_foreground=True
    )
    try:
        handlers.install()
        os.kill(os.getpid(), signal.SIGHUP)
        handlers.restore()
    finally:
        signal.signal(signal.SIGHUP, before)
    assert asked == ["stop"] * ends + ["reload"] * reads
