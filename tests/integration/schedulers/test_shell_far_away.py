"""Jobs of a shell on another machine: its commands, run by the shell of this one."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from controller.errors import RemoteError
from controller.hosts import CommandResult, LocalHost
from controller.schedulers import Queue, ScriptSpec, Submission, render_script

DEADLINE = 15.0


class Away(LocalHost):
    """A machine of which only commands can be asked."""

    name = "away"
    is_local = False

    def __init__(self) -> None:
        super().__init__(30)
        self.commands = 0

    def execute(self, *args: Any, **kwargs: Any) -> CommandResult:
        self.commands += 1
        return super().execute(*args, **kwargs)


@pytest.fixture
def host() -> Away:
    return Away()


@pytest.fixture
def queue(host: Away) -> Queue:
    return Queue("shell", host)


@pytest.fixture
def run_dir(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "it's a run"
    path.mkdir()
    yield path
    for file in path.glob("*.pid"):
        with suppress(ProcessLookupError, ValueError):
            os.kill(int(file.read_text()), signal.SIGKILL)


def submit(queue: Queue, run_dir: Path, command: str) -> str:
    spec = ScriptSpec(str(run_dir), command, "job", {})
    return queue.submit(run_dir, render_script(queue.scheduler, spec))


def state(queue: Queue, process_id: str, run_dir: Path | None) -> str | None:
    return queue.poll([Submission(process_id, run_dir)])[0].state


def wait_for(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_job_is_seen_until_it_ends(queue: Queue, run_dir: Path) -> None:
    process_id = submit(queue, run_dir, "until [ -e go ]; do sleep 0.02; done")
    assert not queue.is_watched
    assert state(queue, process_id, run_dir) == "RUNNING"
    known = queue.identify(run_dir)
    assert known is not None
    assert (known["pid"], known["host"]) == (process_id, "away")
    job = Submission(process_id, run_dir, process=known)
    assert queue.poll([job])[0].state == "RUNNING"
    (run_dir / "go").touch()
    wait_for(lambda: queue.poll([job])[0].state is None)


def test_all_jobs_are_asked_about_in_one_command(queue: Queue, host: Away, tmp_path: Path) -> None:
    jobs = [Submission(str(n), tmp_path / f"{n}") for n in (os.getpid(), 1, 4_000_001)]
    before = host.commands
    states = [job.state for job in queue.poll([*jobs, Submission("no number", None)])]
    assert states == ["RUNNING", "RUNNING", None, None]
    assert host.commands == before + 1


def test_a_number_that_another_process_has_now(queue: Queue, run_dir: Path) -> None:
    with subprocess.Popen(["sleep", "60"], start_new_session=True) as bystander:
        pid = str(bystander.pid)
        (run_dir / "jfr_started").write_text(f"{pid} 12345\n")
        other = Submission(pid, run_dir, process={"pid": pid, "start_time": "54321"})
        assert [job.state for job in queue.poll([Submission(pid, run_dir), other])] == [None, None]
        queue.cancel(pid, run_dir)
        assert bystander.poll() is None
        bystander.kill()


TREE = """
bash -c 'trap "" TERM; echo $$ > stubborn.pid; sleep 60' &
setsid bash -c 'echo $$ > escaped.pid; sleep 60' &
sleep 60
"""


def test_cancelling_ends_everything_that_the_job_started(
    queue: Queue, run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.schedulers.remote_processes.END_GRACE", 1)
    process_id = submit(queue, run_dir, TREE)
    names = ("stubborn", "escaped")
    wait_for(lambda: all((run_dir / f"{n}.pid").exists() for n in names))
    wait_for(lambda: all((run_dir / f"{n}.pid").read_text().strip() for n in names))
    queue.cancel(process_id, run_dir)
    assert state(queue, process_id, run_dir) is None
    for name in names:
        wait_for(lambda name=name: not is_running(int((run_dir / f"{name}.pid").read_text())))
    queue.cancel(process_id, run_dir)


def test_a_machine_that_does_not_tell_says_nothing_of_any_job(
    host: Away, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Away, "execute", lambda *_, **__: CommandResult("alive\n", "cut", 1))
    with pytest.raises(RemoteError, match="cut"):
        Queue("shell", host).poll([Submission("1", None), Submission("2", None)])
