"""The shell as a queue: jobs run once, are seen while they run, and end with all they started."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.hosts import LocalHost
from controller.identity import described
from controller.schedulers import Queue, ScriptSpec, render_script

DEADLINE = 15.0


@pytest.fixture
def run_dir(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "run"
    path.mkdir()
    yield path
    for file in (*path.glob("*.pid"), path / "jfr_started"):
        for word in file.read_text().split()[:1] if file.exists() else []:
            for kill in (os.kill, os.killpg):
                try:
                    kill(int(word), signal.SIGKILL)
                except (ProcessLookupError, PermissionError):
                    continue


@pytest.fixture(autouse=True)
def short_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes that ignore SIGTERM are killed soon."""
    monkeypatch.setattr("controller.schedulers.processes.GRACE", 0.3)


@pytest.fixture
def queue() -> Queue:
    return Queue("shell", LocalHost(30))


def script(queue: Queue, run_dir: Path, command: str) -> str:
    return render_script(queue.scheduler, ScriptSpec(str(run_dir), command, "job", {}))


def submit(queue: Queue, run_dir: Path, command: str) -> str:
    return queue.submit(run_dir, script(queue, run_dir, command))


def state(queue: Queue, process_id: str, run_dir: Path | None) -> str | None:
    return queue.poll([(process_id, run_dir)])[0].state


def wait_for(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.01)
    raise AssertionError(f"{what} within {DEADLINE} s")


def wait_for_end(queue: Queue, process_id: str, run_dir: Path) -> None:
    wait_for(lambda: state(queue, process_id, run_dir) is None, "the job did not end")


def wait_for_pid(run_dir: Path, name: str) -> int:
    path = run_dir / f"{name}.pid"
    wait_for(lambda: path.exists() and path.read_text().strip(), f"{name} did not start")
    return int(path.read_text())


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_job_runs_and_is_seen(queue, run_dir):
    process_id = submit(
        queue, run_dir, "echo out; echo err >&2; until [ -e go ]; do sleep 0.02; done"
    )
    assert process_id.isdigit()
    assert state(queue, process_id, run_dir) == "RUNNING"
    (run_dir / "go").touch()
    wait_for_end(queue, process_id, run_dir)
    assert "out\n" in (run_dir / "queue.out").read_text()
    assert (run_dir / "queue.err").read_text() == "err\n"


def test_submitting_twice_runs_once(queue, run_dir):
    first = submit(queue, run_dir, "echo run >> ledger; until [ -e go ]; do sleep 0.02; done")
    assert submit(queue, run_dir, "echo run >> ledger") == first
    (run_dir / "go").touch()
    wait_for_end(queue, first, run_dir)
    assert submit(queue, run_dir, "echo run >> ledger") == first
    assert (run_dir / "ledger").read_text() == "run\n"


def test_a_forgotten_submission_may_be_repeated(queue, run_dir):
    for _ in range(2):
        wait_for_end(queue, submit(queue, run_dir, "echo run >> ledger"), run_dir)
        queue.begin_attempt(run_dir, "again")
    assert (run_dir / "ledger").read_text() == "run\nrun\n"


class DyingHost(LocalHost):
    """Kills its own process at the n-th moment around a host action."""

    def __init__(self, moments: int) -> None:
        super().__init__(30)
        self.left = moments

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if name.startswith("_") or not callable(value) or name in ("moment", "left"):
            return value

        def acting(*args: Any, **kwargs: Any) -> Any:
            self.moment()
            try:
                return value(*args, **kwargs)
            finally:
                self.moment()

        return acting

    def moment(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def test_a_runner_killed_around_any_action_submits_once(queue, tmp_path):
    moment, killed = 0, True
    while killed:
        moment += 1
        run_dir = tmp_path / f"run{moment}"
        run_dir.mkdir()
        command = "echo $$ >> ledger; sleep 0.05"
        pid = os.fork()
        if pid == 0:
            try:
                submit(Queue("shell", DyingHost(moment)), run_dir, command)
            finally:
                os._exit(0)
        killed = os.WIFSIGNALED(os.waitpid(pid, 0)[1])
        process_id = submit(queue, run_dir, command)
        wait_for_end(queue, process_id, run_dir)
        time.sleep(0.1)  # a second start, if there is one, has its chance
        assert (run_dir / "ledger").read_text() == f"{process_id}\n"
        assert moment < 60
    assert moment > 4


def test_a_start_that_was_cut_off_is_no_submission_for_ever(queue, run_dir):
    (run_dir / "jfr_started").touch()  # killed between creating the file and writing to it
    process_id = submit(queue, run_dir, "echo run >> ledger")
    wait_for_end(queue, process_id, run_dir)
    assert (run_dir / "ledger").read_text() == "run\n"


TREE = """
bash -c 'trap "" TERM; echo $$ > stubborn.pid; sleep 60' &
setsid bash -c 'echo $$ > escaped.pid; sleep 60' &
python3 -c 'import os, time; open("inner.pid", "w").write(str(os.getpid())); time.sleep(60)'
"""


def test_cancelling_ends_everything_that_the_job_started(queue, run_dir):
    process_id = submit(queue, run_dir, TREE)
    pids = {name: wait_for_pid(run_dir, name) for name in ("stubborn", "inner", "escaped")}
    queue.cancel(process_id, run_dir)
    wait_for_end(queue, process_id, run_dir)
    for name, pid in pids.items():
        wait_for(lambda pid=pid: not is_running(pid), f"{name} still runs")


def test_a_job_has_time_to_end_by_itself(queue, run_dir, monkeypatch):
    monkeypatch.setattr("controller.schedulers.processes.GRACE", DEADLINE)
    command = (
        "exec python3 -c '\n"
        "import os, signal, sys, time\n"
        "def end(*_):\n"
        "    time.sleep(0.3)\n"
        '    open("saved", "w").write("yes")\n'
        "    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        'open("ready.pid", "w").write(str(os.getpid()))\n'
        "time.sleep(60)'"
    )
    for words in (command, command.removeprefix("exec ")):
        queue.begin_attempt(run_dir, "again")
        for name in ("saved", "ready.pid"):
            (run_dir / name).unlink(missing_ok=True)
        process_id = submit(queue, run_dir, words)
        wait_for_pid(run_dir, "ready")
        queue.cancel(process_id, run_dir)
        assert (run_dir / "saved").exists(), words.split()[0]


def test_cancelling_what_has_ended(queue, run_dir):
    process_id = submit(queue, run_dir, "true")
    wait_for_end(queue, process_id, run_dir)
    queue.cancel(process_id, run_dir)


@pytest.fixture
def bystander() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_a_process_that_took_over_the_number_is_left_alone(queue, run_dir, bystander):
    (run_dir / "jfr_started").write_text(f"{bystander.pid} 12345\n")
    assert state(queue, str(bystander.pid), run_dir) is None
    queue.cancel(str(bystander.pid), run_dir)
    assert bystander.poll() is None


@pytest.mark.parametrize("work", ["is there", "is gone"])
def test_a_number_alone_is_no_process_of_ours(queue, run_dir, tmp_path, bystander, work):
    """The run directory lost its start file, or was lost: a cleared scratch, say."""
    place = run_dir if work == "is there" else tmp_path / "gone"
    pid = str(bystander.pid)
    assert state(queue, pid, place) is None
    queue.cancel(pid, place)
    assert bystander.poll() is None


def test_a_process_that_cannot_be_seen_is_neither_ended_nor_signalled(queue, run_dir, bystander):
    pid = str(bystander.pid)
    elsewhere = {**described(bystander.pid), "pid_namespace": "pid:[1]"}
    assert queue.poll([(pid, run_dir, None, elsewhere)])[0].state == "UNDETERMINED"
    queue.cancel(pid, run_dir, elsewhere)
    assert bystander.poll() is None
    (run_dir / "jfr_exit").write_text("0\n")
    assert queue.poll([(pid, run_dir, None, elsewhere)])[0].state is None


def test_a_job_has_ended_with_the_boot_that_it_ran_in(queue, run_dir, bystander):
    pid = str(bystander.pid)
    before = {**described(bystander.pid), "boot_id": "of yesterday"}
    assert queue.poll([(pid, run_dir, None, before)])[0].state is None
    queue.cancel(pid, run_dir, before)
    assert bystander.poll() is None


def test_what_is_stored_of_a_process_outlives_its_folder(queue, run_dir):
    process_id = submit(queue, run_dir, "sleep 60")
    known = queue.identify(run_dir)
    assert known["start_time"]
    assert known["boot_id"]
    assert known["pid_namespace"]
    shutil.rmtree(run_dir)
    job = (process_id, run_dir, None, known)
    assert queue.poll([job])[0].state == "RUNNING"
    queue.cancel(process_id, run_dir, known)
    wait_for(lambda: queue.poll([job])[0].state is None, "the job did not end")


def test_a_start_file_of_an_earlier_version_is_read(queue, run_dir):
    process_id = submit(queue, run_dir, "sleep 60")
    start = (run_dir / "jfr_started").read_text().split()
    (run_dir / "jfr_started").write_text(f"{process_id} {start[1]}\n")
    queued = queue.poll([(process_id, run_dir)])[0]
    assert queued.state == "RUNNING"
    assert queued.process == queue.identify(run_dir)
    assert queued.process["boot_id"] == start[4], "which is stored from now on"
    queue.cancel(process_id, run_dir)
    wait_for_end(queue, process_id, run_dir)


def test_what_still_runs_in_a_folder_is_ended_before_it_is_used_again(queue, run_dir):
    process_id = submit(queue, run_dir, "sleep 60")
    assert queue.end_leftover(run_dir, lambda: None)
    assert state(queue, process_id, run_dir) is None
    assert queue.end_leftover(run_dir, lambda: None)
    assert queue.end_leftover(run_dir / "not there", lambda: None)


def test_without_setsid_a_job_still_has_a_session_of_its_own(queue, run_dir, tmp_path, monkeypatch):
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("bash", "sleep", "readlink", "mv"):
        (tools / name).symlink_to(shutil.which(name))
    (tools / "python3").symlink_to(Path(sys.executable).resolve())
    monkeypatch.setattr("controller.hosts.local._environment", lambda: {"PATH": str(tools)})
    process_id = submit(queue, run_dir, "sleep 60 & sleep 60")
    assert os.getsid(int(process_id)) == int(process_id)
    queue.cancel(process_id, run_dir)
    wait_for_end(queue, process_id, run_dir)


REUSED = """
import json, os, shutil, signal, sys
from pathlib import Path
from controller.hosts import LocalHost
from controller.schedulers import Queue, ScriptSpec, render_script
run_dir, queue = Path(sys.argv[1]), Queue("shell", LocalHost(30))
script = render_script(queue.scheduler, ScriptSpec(str(run_dir), "sleep 60", "job", {}, token="t"))
process_id = queue.submit(run_dir, script, "t")
known = queue.identify(run_dir)
os.killpg(int(process_id), signal.SIGKILL)
try:
    while os.wait():  # this process is the init of its namespace: all that ended is its own
        pass
except ChildProcessError:
    pass
if sys.argv[2] == "gone":
    shutil.rmtree(run_dir)
Path("/proc/sys/kernel/ns_last_pid").write_text(str(int(process_id) - 1))
other = os.fork()
if other == 0:
    os.setsid()
    os.execvp("sleep", ["sleep", "60"])
stored = known if sys.argv[3] == "stored" else None
states = [queue.poll([(process_id, run_dir, "t", stored)])[0].state]
queue.cancel(process_id, run_dir, stored)
lives = os.waitpid(other, os.WNOHANG) == (0, 0)
print(json.dumps([other == int(process_id), states, lives]))
os.kill(other, signal.SIGKILL)
"""


@pytest.mark.parametrize("stored", ["stored", "not stored"])
@pytest.mark.parametrize("folder", ["there", "gone"])
def test_a_number_that_was_given_out_again(run_dir, folder, stored):
    """The real thing: in a PID namespace of its own, where the next number can be chosen."""
    unshare = ["unshare", "-p", "-f", "--mount-proc"]
    writable = [*unshare, "test", "-w", "/proc/sys/kernel/ns_last_pid"]
    if shutil.which("unshare") is None or subprocess.run(writable, capture_output=True).returncode:
        pytest.skip("numbers of processes cannot be chosen here")
    done = subprocess.run(
        [*unshare, sys.executable, "-c", REUSED, str(run_dir), folder, stored],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [True, [None], True]


def test_jobs_that_had_one_number_are_told_apart(queue, run_dir, tmp_path):
    """A number is given out again; neither job may hide the other."""
    process_id = submit(queue, run_dir, "sleep 60")
    before = tmp_path / "before"
    before.mkdir()
    (before / "jfr_started").write_text(f"{process_id} 12345\n")
    pairs = [(process_id, run_dir), (process_id, before)]
    assert [job.state for job in queue.poll(pairs)] == ["RUNNING", None]
    assert [job.state for job in queue.poll(reversed(pairs))] == [None, "RUNNING"]
    queue.cancel(process_id, run_dir)


def test_a_job_that_jobflow_remote_started_is_seen_and_cancelled(queue, run_dir):
    (run_dir / "submit.sh").write_text("echo $$ > script.pid; sleep 60 & echo $! > child.pid; wait")
    command = "nohup bash submit.sh > stdout 2> stderr & echo $!"
    process_id = LocalHost(30).execute(command, run_dir).stdout.strip()
    child = wait_for_pid(run_dir, "child")
    assert state(queue, process_id, run_dir) == "RUNNING"
    queue.cancel(process_id, run_dir)
    wait_for(lambda: not is_running(int(process_id)), "the script still runs")
    wait_for(lambda: not is_running(child), "its child still runs")


def test_a_suspended_job_has_not_ended(queue, run_dir, bystander):
    bystander.send_signal(signal.SIGSTOP)
    pid = str(bystander.pid)
    wait_for(
        lambda: Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T",
        "no stop",
    )
    known = described(bystander.pid)
    assert queue.poll([(pid, run_dir, None, known)])[0].state in ("SUSPENDED", "RUNNING")


def test_a_zombie_has_ended(queue, run_dir):
    process = subprocess.Popen(["true"])
    pid = str(process.pid)
    wait_for(lambda: not is_running(process.pid), "no zombie")
    assert state(queue, pid, run_dir) is None
    process.wait()


@pytest.mark.parametrize("process_id", ["1", "2"])
def test_processes_in_any_state_can_be_listed(queue, process_id):
    if Path(f"/proc/{process_id}").exists():
        assert state(queue, process_id, None) is not None


@pytest.mark.parametrize("process_id", ["", "abc", "-1", "99999999999"])
def test_what_is_no_process_has_ended(queue, process_id):
    assert state(queue, process_id, None) is None
    queue.cancel(process_id, None)


@pytest.mark.parametrize("folder", ["two words", "it's; $HOME", "a`date`b"])
def test_a_run_directory_of_any_name(queue, tmp_path, folder):
    run_dir = tmp_path / folder
    run_dir.mkdir()
    wait_for_end(queue, submit(queue, run_dir, "pwd; touch here"), run_dir)
    assert (run_dir / "here").exists()
    assert str(run_dir) in (run_dir / "queue.out").read_text()
