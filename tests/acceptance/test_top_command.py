"""`jf top` on a real terminal, started by a shell: keys, size, Ctrl-Z, signals; and without one."""

from __future__ import annotations

import json
import re
import signal
import sys
import time
from pathlib import Path

import pexpect
import pyte
from installed_jf import Project, Run, environment
from test_schemas import check

from controller.documents import new_job_document, utc_now
from controller.states import JobState

JF = str(Path(sys.executable).with_name("jf"))
DEADLINE = 30.0


class Shell:
    """A shell in a terminal of 80 columns and 24 lines, and what is on its screen."""

    def __init__(self, folder: Path) -> None:
        env = environment(folder, TERM="xterm-256color", PS1="ready> ", LC_ALL="C.UTF-8")
        words = ["--norc", "--noprofile", "-i"]
        self.child = pexpect.spawn("bash", words, env=env, dimensions=(24, 80), encoding="utf-8")
        self.screen = pyte.Screen(80, 24)
        self.stream = pyte.Stream(self.screen)
        self.written = ""

    def until(self, pattern: str) -> str:
        """Read until a pattern is on the screen, and return the screen."""
        end = time.monotonic() + DEADLINE
        while True:
            shown = "\n".join(self.screen.display)
            if re.search(pattern, shown):
                return shown
            assert time.monotonic() < end, shown
            try:
                text = self.child.read_nonblocking(65536, timeout=0.1)
            except pexpect.TIMEOUT:
                continue
            self.written += text
            # pyte has no second screen: one that is left is cleared instead.
            text = re.sub(r"\x1b\[\?2026[hl]", "", text)
            self.stream.feed(text.replace("\x1b[?1049l", "\x1b[?1049l\x1b[2J\x1b[H"))

    def prompt(self) -> None:
        """Wait for the shell, whose terminal has to be as it was."""
        self.written = ""
        self.child.send("stty -a | tr ';' '\\n' | grep -c -- '-echo \\|-icanon'; echo is=$?\n")
        self.until(r"(?m)^is=1")  # grep finds neither: both are on

    def size(self, lines: int, columns: int) -> None:
        """Change the size of the terminal."""
        self.screen.resize(lines, columns)
        self.child.setwinsize(lines, columns)


def test_a_session_at_a_terminal(finished: Run) -> None:
    shell = Shell(finished.folder)
    try:
        shell.until("ready>")
        shell.child.send(f"{JF} top -d 0.5\n")
        first = shell.until(r"1 +static|Newest errors")
        assert first.startswith(" jf top  jfr")
        assert "\x1b[?1049h" in shell.written
        shell.until(r"COMPLETED +2")
        shell.child.send("\t\t")
        shell.until(r"In error \(1\)")
        shell.child.send("\r")
        shell.until(r"─ Job 3 [\s\S]*there is no such thing")
        shell.child.send("l")
        shell.until(r"─ Log of job 3 [\s\S]*queue.out")
        shell.child.send("q/add\r")
        shell.until(r"In error \(0\) sorted by time, name add")
        shell.size(12, 60)
        shell.until(r"(?m)^ q quit.* sort *$")
        assert len(shell.screen.display) == 12
        assert "\x1b[2J" in shell.written
        shell.size(24, 80)
        shell.child.send("\x1b")
        shell.until(r"In error \(1\)")
        shell.child.send("\x1a")
        shell.until("Stopped")
        shell.prompt()
        shell.child.send("fg\n")
        shell.until(r"In error \(1\)")
        shell.child.send("\x03")
        shell.until("ready>")
        shell.child.send("echo code=$?\n")
        shell.until("code=130")
        shell.prompt()
        shell.child.send(f"{JF} top; echo code=$?\n")
        shell.until(r"COMPLETED +2")
        shell.child.send("\x1c")  # Ctrl-\\
        shell.until("code=131")
        shell.prompt()
        for number, code in ((signal.SIGTERM, 143), (signal.SIGHUP, 129)):
            shell.child.send(f"{JF} top; echo code=$?\n")
            shell.until(r"COMPLETED +2")
            assert pexpect.run(f"pkill -{int(number)} -t {_tty(shell)} -f 'jf top'") == b""
            shell.until(f"code={code}")
            shell.prompt()
    finally:
        shell.child.close(force=True)


def _tty(shell: Shell) -> str:
    """Return the name of the terminal of a shell, as ps and pkill take it."""
    return str(Path(f"/proc/{shell.child.pid}/fd/0").readlink()).removeprefix("/dev/")


def test_claims_are_paused_and_resumed(fresh_embedded: Project) -> None:
    shell = Shell(fresh_embedded.folder)
    try:
        shell.until("ready>")
        shell.child.send(f"{JF} top -d 0.5\n")
        shell.until("no runner is registered")
        shell.child.send("p")
        shell.until("y or n")
        shell.child.send("y")
        shell.until("claims paused")
        assert fresh_embedded.controller.get_runners_overview().claims["paused"]
        shell.child.send("py")
        shell.until("runners claim jobs again")
        assert not fresh_embedded.controller.get_runners_overview().claims["paused"]
        shell.child.send("q")
        shell.until("ready>")
    finally:
        shell.child.close(force=True)


def test_without_a_terminal_it_is_printed_once(finished: Run) -> None:
    text = finished("top")
    assert text.returncode == 0, text.stderr
    assert "\x1b" not in text.stdout
    assert re.search(r"COMPLETED +2", text.stdout)
    assert "RuntimeError: there is no such thing" in text.stdout
    data = json.loads(finished("top", "--json").stdout)
    check("activity", data)
    assert (data["states"]["COMPLETED"], data["errors"][0]["db_id"]) == (2, "3")
    assert sum(minute["completed"] for minute in data["minutes"]) <= 2


def test_on_every_engine(fresh: Project) -> None:
    """What is shown is read from any database."""
    body = {"uuid": "u1", "index": 1, "name": "relax", "metadata": {}, "hosts": ["f1"]}
    failed = new_job_document(
        body, db_id="1", parents=[], state=JobState.FAILED, worker="local", now=utc_now()
    )
    fresh.controller.jobs.insert_one({**failed, "error": "E\nValueError: no"})
    shell = Shell(fresh.folder)
    try:
        shell.until("ready>")
        shell.child.send(f"{JF} top\n")
        shell.until(r"FAILED +1[\s\S]*ValueError: no")
        shell.child.send("q")
        shell.until("ready>")
        shell.prompt()
    finally:
        shell.child.close(force=True)
