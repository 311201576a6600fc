"""Files that cannot be used, as a user of `jf` meets them: one line, what to do, an exit code."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from acceptance_jobs import add
from installed_jf import Run, environment, forked_jobs

from controller.config import ConfigManager
from controller.jobcontroller import JobController

JF = str(Path(sys.executable).with_name("jf"))
COMMANDS = [["job", "list"], ["flow", "list"], ["job", "info", "1"], ["admin", "reset", "-y"]]


@pytest.fixture
def folder(jf: Run, tmp_path: Path) -> Path:
    """The projects folder of a fresh project on the embedded database."""
    assert jf("quickstart").returncode == 0
    return tmp_path / "projects"


@pytest.fixture
def queue(folder: Path) -> Path:
    (found,) = folder.glob("*/queue.sqlite")
    return found


def told(done: subprocess.CompletedProcess[str], code: int) -> str:
    """What was said in one line and its hint; nothing was printed, no traceback shown."""
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    lines = done.stderr.splitlines()
    assert 1 <= len(lines) <= 2, done.stderr
    assert lines[0].startswith("jf: ")
    return done.stderr


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_corrupt_file(jf: Run, queue: Path, words: list[str]) -> None:
    queue.write_bytes(b"This is no database at all. " * 1000)
    text = told(jf(*words), 1)
    assert "damaged or not a database" in text
    assert str(queue) in text
    assert "backup" in text


def test_a_file_of_a_newer_version(jf: Run, queue: Path) -> None:
    with sqlite3.connect(queue) as raw:
        raw.execute("UPDATE meta SET format = 99")
    raw.close()
    text = told(jf("job", "list"), 1)
    assert "newer version" in text
    assert "update jfr" in text


def without_privileges() -> list[str]:
    """What to put before a command so that permissions count, for root too."""
    if os.geteuid():
        return []
    if shutil.which("setpriv") is None:
        pytest.skip("root without setpriv: permissions do not count")
    return ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]


def run_with(before: list[str], folder: Path, *words: str, **env: str) -> Any:
    return subprocess.run(
        [*before, JF, *words],
        env=environment(folder, **env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("mode", "words"),
    [(0o000, COMMANDS[0]), (0o000, COMMANDS[1]), (0o000, COMMANDS[3]), (0o400, COMMANDS[3])],
    ids=str,
)
def test_permissions(folder: Path, queue: Path, mode: int, words: list[str]) -> None:
    before = without_privileges()
    queue.chmod(mode)
    text = told(run_with(before, folder, *words), 4)
    assert str(queue) in text
    assert "permissions" in text
    if mode:  # what can be read can be listed
        assert run_with(before, folder, "job", "list", "--count").stdout == "0\n"


def test_a_full_disk(jf: Run, folder: Path, queue: Path) -> None:
    """The file may grow no further: a write says so, a read goes on."""
    script = (
        "import os, resource, sys\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({queue.stat().st_size // 2},) * 2)\n"
        "os.execv(sys.argv[1], sys.argv[1:])\n"
    )
    text = told(run_with([sys.executable, "-c", script], folder, "admin", "reset", "-y"), 4)
    assert "full" in text or "no space" in text
    assert jf("job", "list", "--count").stdout == "0\n"


@contextmanager
def stopped_writer(queue: Path) -> Iterator[int]:
    """A process of ours that was stopped (Ctrl-Z) in the middle of a write."""
    script = (
        "import os, signal, sys\n"
        "from controller.storage.embedded import open_database\n"
        "with open_database(sys.argv[1]).transaction():\n"
        "    print('inside', flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGSTOP)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(queue)], stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "inside\n"
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        try:
            yield process.pid
        finally:
            process.send_signal(signal.SIGCONT)
    assert process.returncode == 0


def test_somebody_stopped_in_the_middle_of_a_write(jf: Run, folder: Path, queue: Path) -> None:
    (project,) = folder.glob("*.yaml")
    text = project.read_text()
    project.write_text(re.sub(r"( *)path: .*queue.sqlite", r"\g<0>\n\1wait: 0.3", text))
    assert jf("job", "list", "--count").stdout == "0\n"
    with stopped_writer(queue) as pid:
        text = told(jf("admin", "reset", "-y"), 4)
        assert f"process {pid}" in text
        assert "Ctrl-Z" in text
    assert jf("admin", "reset", "-y").returncode == 0


def test_another_host_on_a_network_file_system(jf: Run, folder: Path, queue: Path) -> None:
    env = {"JFR_EMBEDDED_NETWORK": "1"}
    assert jf("job", "list", "--count", env=env).stdout == "0\n"
    record = {"host": "node17", "boot_id": "x", "since": "then"}
    queue.with_name(queue.name + ".host").write_text(json.dumps(record))
    text = told(jf("job", "list", env=env), 4)
    assert "node17" in text


def test_a_runner_without_a_place_for_its_log(jf: Run, folder: Path) -> None:
    (log,) = folder.glob("*/log")
    log.rmdir()
    log.touch()
    text = told(jf("runner", "run", "--until-idle"), 1)
    assert "log_dir" in text


def test_jobs_that_are_not_done_in_time(jf: Run, folder: Path) -> None:
    project = ConfigManager(folder=folder).get_project("jfr")
    with JobController.from_project(project) as controller:
        controller.add_flow(add(1, 2), worker="local")
    env = {"PYTHONPATH": str(Path(__file__).parent)}
    with forked_jobs(folder):
        done = jf("--json", "runner", "run", "--until-idle", "--max-time", "0.01", env=env)
        assert done.returncode == 8, done.stderr
        assert json.loads(done.stdout)["timed_out"] is True
        done = jf("runner", "run", "--until-idle", env=env)
        assert done.returncode == 0, done.stderr


def test_a_projects_folder_that_is_closed_to_us(jf: Run, folder: Path) -> None:
    before = without_privileges()
    folder.chmod(0o000)
    try:
        done = run_with(before, folder, "job", "list")
    finally:
        folder.chmod(0o700)
    text = told(done, 3 if done.returncode == 3 else 1)
    assert str(folder) in text


def in_shell(folder: Path, line: str, **env: str) -> tuple[int, str, str]:
    """Exit status, output and messages of a line in which $JF is the command."""
    done = subprocess.run(
        ["bash", "-c", line],
        env=environment(folder, JF=JF, **env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("words", ["project list --json", "--version", "--help"])
def test_output_that_cannot_be_written(folder: Path, words: str) -> None:
    told = in_shell(folder, f"$JF {words} >/dev/full")
    assert told == (1, "", "jf: No space left on device\n") or (
        told[:2] == (1, "") and '"No space left on device"' in told[2]
    )


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("$JF job list --count <&-", (0, "0\n")),
        ("$JF job list --count 2>&-", (0, "0\n")),
        ("$JF job list --count >&-", (0, "")),
        ("$JF job list --json <&- >&- 2>&-", (0, "")),
        ("$JF --version >&-", (0, "")),
        ("$JF --help >&-", (0, "")),
        ("$JF job info 99 2>&-", (3, "")),
        ("$JF job info 99 2>/dev/full", (3, "")),
        ("$JF nonsense >&- 2>&-", (2, "")),
        ("$JF admin reset --output <&-", (2, "")),  # nobody can be asked
        ("$JF admin reset --yes <&- >&- 2>&-; $JF job list --count", (0, "0\n")),
    ],
)
def test_streams_that_are_closed(folder: Path, line: str, expected: tuple[int, str]) -> None:
    code, out, err = in_shell(folder, line)
    assert (code, out) == expected, err
    assert "Error:" not in err, "a defect of ours"


@pytest.mark.parametrize("before", ["env -u HOME", "env HOME=", "env TERM=dumb", "env -u TERM"])
def test_environments_that_lack_something(folder: Path, before: str) -> None:
    assert in_shell(folder, f"{before} $JF job list --count") == (0, "0\n", "")
