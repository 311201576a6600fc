"""The installed `jf` on a terminal: width, colour, pager, watching, signals."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pexpect
import pyte
import pytest
from installed_jf import Run, environment, terminal_jf

JF = str(Path(sys.executable).with_name("jf"))
ESCAPE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@pytest.fixture(scope="session")
def folder(finished: Run) -> Path:
    return Path(json.loads(finished("project", "list", "--json").stdout)[0]["file"]).parent


def on_terminal(folder: Path, *words: str, columns: int = 80, lines: int = 40, **env: str) -> str:
    """Run to the end and return all that was written."""
    given = environment(folder, **{"TERM": "xterm-256color", "JF_PAGER": "", **env})
    for name in ("NO_COLOR", "CLICOLOR_FORCE"):
        if name not in env:
            given.pop(name, None)
    command = shlex.join([terminal_jf(), *words])
    out = pexpect.run(
        shlex.join(["sh", "-c", f"{command} 2>/dev/null"]),
        env=given,
        timeout=60,
        dimensions=(lines, columns),
        encoding="utf-8",
    )
    return str(out).replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [20, 80])
def test_lines_fit_the_terminal(folder: Path, columns: int) -> None:
    for words in (["job", "list"], ["flow", "list", "-v"], ["job", "info", "3"]):
        text = ESCAPE.sub("", on_terminal(folder, *words, columns=columns))
        assert max(len(line) for line in text.splitlines()) <= columns


@pytest.mark.parametrize(
    ("env", "words", "colored"),
    [
        ({}, [], True),
        ({"NO_COLOR": "1"}, [], False),
        ({"NO_COLOR": ""}, [], True),
        ({"TERM": "dumb"}, [], False),
        ({"NO_COLOR": "1"}, ["--color", "always"], True),
        ({}, ["--color", "never"], False),
    ],
)
def test_colour_on_a_terminal(
    folder: Path, env: dict[str, str], words: list[str], colored: bool
) -> None:
    assert ("\x1b[" in on_terminal(folder, *words, "job", "list", **env)) is colored


@pytest.mark.parametrize(
    ("env", "colored"),
    [
        ({}, False),
        ({"CLICOLOR_FORCE": "1"}, True),
        ({"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colour_in_a_pipe(finished: Run, env: dict[str, str], colored: bool) -> None:
    assert ("\x1b[" in finished("job", "list", env=env).stdout) is colored


def test_columns_sets_the_width_of_a_terminal_only(finished: Run, folder: Path) -> None:
    text = ESCAPE.sub("", on_terminal(folder, "job", "list", columns=200, COLUMNS="60"))
    assert max(len(line) for line in text.splitlines()) <= 60
    wide = finished("job", "list").stdout
    assert finished("job", "list", env={"COLUMNS": "20"}).stdout == wide


@pytest.mark.parametrize(
    ("words", "lines", "paged"),
    [
        (["job", "list"], 4, True),
        (["job", "list"], 40, False),
        (["--no-pager", "job", "list"], 4, False),
        (["job", "list", "--json"], 4, False),
    ],
)
def test_the_pager_gets_what_is_longer_than_the_screen(
    folder: Path, tmp_path: Path, words: list[str], lines: int, paged: bool
) -> None:
    pager = tmp_path / "my pager"
    pager.write_text("#!/bin/sh\nsed 's/^/PAGED /'\n")
    pager.chmod(0o755)
    out = on_terminal(folder, *words, lines=lines, JF_PAGER=f"'{pager}' -x")
    assert ("PAGED" in out) is paged
    assert "db_id" in out or "COMPLETED" in out


def test_a_pager_that_is_not_there_is_done_without(folder: Path) -> None:
    assert "COMPLETED" in on_terminal(folder, "job", "list", lines=4, JF_PAGER="no-such-program")


@pytest.mark.parametrize(
    ("columns", "words", "left_out"),
    [
        (100, "job list", ""),
        (80, "job list", ""),
        (50, "job list", "job_id"),
        (24, "job list", "job_id,worker,last_updated"),
        (24, "job list --format wide", ""),
        (24, "job list --columns db_id,job_id,worker", ""),
        (24, "job list --json", ""),
        (24, "job list | cat", ""),
    ],
)
def test_columns_without_room_are_named(
    folder: Path, columns: int, words: str, left_out: str
) -> None:
    out = pexpect.run(
        shlex.join(["sh", "-c", f"{shlex.quote(terminal_jf())} {words}"]),
        env=environment(folder, TERM="xterm-256color", JF_PAGER=""),
        timeout=60,
        dimensions=(40, columns),
        encoding="utf-8",
    )
    said = " ".join(ESCAPE.sub("", str(out)).split())
    assert ("no room for" in said) is bool(left_out)
    if left_out:
        assert f"no room for {left_out}: use --format wide" in said


@pytest.fixture
def spawn(folder: Path) -> Iterator[Callable[..., pexpect.spawn]]:
    children: list[Any] = []

    def start(*words: str) -> pexpect.spawn:
        env = environment(folder, TERM="xterm-256color")
        child = pexpect.spawn(
            JF, list(words), env=env, timeout=60, dimensions=(24, 80), encoding="utf-8"
        )
        children.append(child)
        return child

    yield start
    for child in children:
        child.close(force=True)


def test_watching_updates_in_place(spawn: Callable[..., pexpect.spawn]) -> None:
    child = spawn("job", "list", "--watch=0.2")
    screen = pyte.Screen(80, 24)
    stream = pyte.Stream(screen)
    for _ in range(3):
        child.expect(re.escape("\x1b[?2026l"))
        stream.feed(child.before)
    assert screen.display[0].startswith("jf job list   every 0.2 s   ")
    assert screen.display[1].startswith("DB id")
    assert "FAILED" in "".join(screen.display)
    assert "\x1b[2J" not in child.before  # a screen that is cleared flickers
    child.sendintr()
    child.expect(pexpect.EOF)
    assert "\x1b[?1049l" in child.before
    child.close()
    assert child.exitstatus == 130


@pytest.mark.parametrize(
    "words",
    [["flow", "info", "1"], ["job", "info", "1"], ["flow", "list"], ["job", "report", "days"]],
)
def test_lists_infos_and_reports_can_be_watched(
    spawn: Callable[..., pexpect.spawn], words: list[str]
) -> None:
    child = spawn(*words, "--watch")
    child.expect("every 2 s")
    child.expect("COMPLETED")
    child.kill(signal.SIGTERM)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 143


def test_watching_needs_a_terminal_or_ndjson(finished: Run) -> None:
    for words in (["--watch"], ["-W", "3", "--json"]):
        done = finished("job", "list", *words)
        assert (done.returncode, done.stdout) == (2, "")
        assert "ndjson" in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals_end_in_order(folder: Path, number: int, code: int) -> None:
    child = subprocess.Popen(
        [JF, "job", "list", "--format", "ndjson", "-W", "0.1"],
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    blocks: list[list[Any]] = [[]]
    for line in child.stdout:
        if len(blocks) == 3:
            break
        if line.strip():
            blocks[-1].append(json.loads(line)["db_id"])
        else:
            blocks.append([])
    assert blocks[0] == blocks[1]
    assert sorted(blocks[0]) == ["1", "2", "3"]
    child.send_signal(number)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == code
    assert "Traceback" not in errors


def test_a_reader_that_goes_away_ends_it_in_silence(folder: Path) -> None:
    for words in ("job list", "job list --format ndjson --watch=0.1", "--tree", "job --help"):
        done = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {JF} {words} | head -1"],
            env=environment(folder),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, ""), words
        assert len(done.stdout.splitlines()) == 1


def test_a_full_disk_is_one_line(folder: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [JF, "job", "list"],
            env=environment(folder),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr
