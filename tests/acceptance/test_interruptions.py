"""Ctrl-C in a terminal: long work ends with exit 130, says how far it was, and leaves no lock."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect
import pytest
from acceptance_jobs import add
from installed_jf import Project, environment, terminal_jf

from controller.locks import MongoLock

JF = str(Path(sys.executable).with_name("jf"))
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
Start = Callable[..., pexpect.spawn]

STUCK_BACKUP = """
import sys
import time

from controller.storage import dumps
from jfr_cli.main import main

real = dumps.write_dump


def write_dump(collection, folder, name, **more):
    number = real(collection, folder, name, **more)
    if name == "jobs":
        print("jobs are written", flush=True)
        time.sleep(60)
    return number


dumps.write_dump = write_dump
main()
"""


@pytest.fixture
def start(fresh_embedded: Project) -> Iterator[Start]:
    """Start a command in a terminal."""
    children: list[pexpect.spawn] = []

    def spawn(*words: str) -> pexpect.spawn:
        child = pexpect.spawn(
            words[0],
            list(words[1:]),
            env=environment(fresh_embedded.folder, TERM="xterm-256color"),
            timeout=60,
            dimensions=(24, 100),
            encoding="utf-8",
        )
        children.append(child)
        return child

    yield spawn
    for child in children:
        child.close(force=True)


def interrupted(child: pexpect.spawn) -> str:
    """Press Ctrl-C, and return what is said then."""
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    text = ESCAPE.sub("", str(child.before))
    assert child.exitstatus == 130, text
    assert "Traceback" not in text
    assert "\x1b[?1049h" not in child.before, "the usual screen is back"
    return text


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.05)


@pytest.fixture
def two(fresh_embedded: Project) -> Project:
    """Two flows of one job each: 1 and 2."""
    for _ in range(2):
        fresh_embedded.controller.add_flow(add(1, 2), worker="local")
    return fresh_embedded


@contextmanager
def held_flow(project: Project, db_id: str) -> Iterator[None]:
    """Hold the flow of a job, as somebody at work does."""
    with MongoLock(project.controller.flows, {"ids.0.0": db_id}) as lock:
        assert lock.acquired
        yield


def locked(project: Project) -> list[Any]:
    """What is locked."""
    found: list[Any] = []
    for collection in (project.controller.jobs, project.controller.flows):
        found += collection.find({"lock_id": {"$ne": None}}, ["db_id", "uuid"])
    return found


def state(project: Project, db_id: str) -> str | None:
    job = project.controller.jobs.find_one({"db_id": db_id}, ["state"])
    return None if job is None else str(job["state"])


def test_an_action_on_many_jobs(two: Project, start: Start) -> None:
    with held_flow(two, "2"):
        child = start(JF, "job", "pause", "-did", "1", "-did", "2", "--wait", "60")
        until(lambda: state(two, "1") == "PAUSED")
        text = interrupted(child)
    assert "1 of 2 were processed; the same command continues with the rest" in text
    assert (state(two, "1"), state(two, "2")) == ("PAUSED", "READY")
    assert locked(two) == []
    assert two.jf("job", "pause", "-did", "1", "-did", "2").returncode == 0
    assert state(two, "2") == "PAUSED"


def test_the_deletion_of_flows(two: Project, start: Start) -> None:
    with held_flow(two, "2"):
        child = start(
            terminal_jf(), "flow", "delete", "-did", "1", "-did", "2", "--yes", "--wait", "60"
        )
        until(lambda: state(two, "1") is None)
        text = interrupted(child)
    assert "(deleting flows): 1 of 2 were processed" in text
    assert (state(two, "1"), state(two, "2")) == (None, "READY")
    assert locked(two) == []


def test_a_backup(two: Project, start: Start, tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    assert two.jf("backup", "create", str(backups)).returncode == 0
    (whole,) = backups.iterdir()
    before = {path.name: path.read_bytes() for path in whole.iterdir()}
    child = start(sys.executable, "-c", STUCK_BACKUP, "backup", "create", str(backups))
    child.expect("jobs are written")
    text = interrupted(child)
    assert "(backing up jobs): 2 of 2 were processed" in text
    assert "an older backup is unchanged" in text
    assert list(backups.iterdir()) == [whole]
    assert {path.name: path.read_bytes() for path in whole.iterdir()} == before


def test_a_check_of_the_project(two: Project, start: Start, tmp_path: Path) -> None:
    mark = tmp_path / "pid of the shell"
    (file,) = two.folder.glob("*.yaml")
    text = file.read_text()
    slow = f"echo $$ > '{mark}'; sleep 60"
    assert "  local:\n" in text
    file.write_text(text.replace("  local:\n", f'  local:\n    pre_run: "{slow}"\n'))
    child = start(terminal_jf(), "project", "check")
    until(lambda: mark.exists() and mark.read_text().strip())
    said = interrupted(child)
    assert "interrupted (checking worker local): 1 of 4 were processed; nothing was" in said
    shell = mark.read_text().strip()
    until(lambda: subprocess.run(["kill", "-0", shell], stderr=subprocess.DEVNULL).returncode)


def test_an_examination(two: Project, start: Start) -> None:
    with held_flow(two, "2"):
        child = start(terminal_jf(), "admin", "doctor", "--watch-locks")
        child.expect("watching locks")
        text = interrupted(child)
    assert "interrupted (watching locks):" in text
    assert "nothing was changed" in text


@pytest.mark.parametrize("words", [["job", "wait", "1", "2"], ["flow", "wait", "1", "2"]])
def test_waiting(two: Project, start: Start, words: list[str]) -> None:
    child = start(JF, *words)
    child.expect("2 READY")
    text = interrupted(child)
    assert "jf: interrupted while waiting: 2 READY" in text


def test_watching(two: Project, start: Start) -> None:
    child = start(JF, "job", "list", "--watch", "5")
    child.expect("every 5 s")
    assert "interrupted" not in interrupted(child)


def test_before_anything_has_begun(two: Project, start: Start) -> None:
    stuck = "import time\nprint('begun', flush=True)\ntime.sleep(60)\n"
    main = f"from jfr_cli import main\nmain._run = lambda: exec({stuck!r})\nmain.main()"
    child = start(sys.executable, "-c", main)
    child.expect("begun")
    assert interrupted(child).strip().removeprefix("^C") == "jf: interrupted"
