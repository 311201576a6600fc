"""Calling the installed `jf`.

`runner_of` forks it from a process that has imported everything (tests/warm_jf.py), unless a test
passes on something that only a real start-up has, or JFR_TESTS_COLD is set.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pexpect
from warm_jf import WarmJf

from controller.jobcontroller import JobController

JF = Path(sys.executable).with_name("jf")
_WARM = WarmJf(JF)
atexit.register(_WARM.close)
_ENCODING = {"LANG", "LC_ALL", "PYTHONIOENCODING", "PYTHONUTF8", "PYTHONCOERCECLOCALE"}
"""Variables that an interpreter reads when it starts."""


def environment(folder: Path, **more: str) -> dict[str, str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("JFREMOTE_")}
    for name in ("COLUMNS", "LINES"):  # pytest-xdist sets them
        env.pop(name, None)
    settings = folder.with_name("settings.yaml")
    settings.touch()
    path = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    return {
        **env,
        "PATH": path,
        "JFREMOTE_PROJECTS_FOLDER": str(folder),
        "JFREMOTE_CONFIG_FILE": str(settings),
        **more,
    }


def with_warm_jf(env: dict[str, str]) -> dict[str, str]:
    """Return variables with a PATH on which the first `jf` is a forked one, for scripts."""
    return {**env, "PATH": f"{_WARM.shim()}{os.pathsep}{env['PATH']}"}


def terminal_jf() -> str:
    """Return a program for pseudo-terminals: a forked `jf`, unless JFR_TESTS_COLD is set.

    It is in a session of its own, as no `jf` of a shell is; Ctrl-C and SIGTERM are passed on to it.
    """
    return str(JF if os.environ.get("JFR_TESTS_COLD") else _WARM.shim() / "jf")


@contextmanager
def forked_jobs(folder: Path) -> Iterator[None]:
    """The jobs of the worker `local` of the only project are forked, too, as long as this lasts."""
    (file,) = folder.glob("*.yaml")
    text = file.read_text(encoding="utf-8")
    assert "  local:\n" in text
    line = f"    pre_run: export PATH='{Path(terminal_jf()).parent}':\"$PATH\"\n"
    file.write_text(text.replace("  local:\n", f"  local:\n{line}"), encoding="utf-8")
    yield
    file.write_text(text, encoding="utf-8")


class Run:
    """`jf` with one projects folder.

    Parameters
    ----------
    folder
        The projects folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *words: str, env: dict[str, str] | None = None, **kwargs: Any) -> Any:
        """Run a command, with more variables and what `subprocess.run` takes."""
        variables = environment(self.folder, **(env or {}))
        if not (
            os.environ.get("JFR_TESTS_COLD") or set(kwargs) - {"cwd"} or _ENCODING & {*(env or {})}
        ):
            return _WARM.run(words, variables, kwargs.get("cwd"), 120)
        return subprocess.run(
            [str(JF), *words],
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            **kwargs,
        )


@dataclass(frozen=True)
class Project:
    """A fresh project on one engine: the command, and the database behind its back."""

    jf: Run
    folder: Path
    controller: JobController


def runner_of(folder: Path) -> Run:
    """Return `jf` with a projects folder."""
    return Run(folder)


def answering(
    folder: Path, words: list[str], answers: list[tuple[str, str]], **more: str
) -> tuple[str, int]:
    """Run `jf` in a pseudo-terminal and answer its questions.

    Parameters
    ----------
    answers
        (what to wait for, what to type) pairs.

    Returns
    -------
    tuple
        What was on the screen, and the exit status.
    """
    child = pexpect.spawn(
        terminal_jf(),
        words,
        env=environment(folder, TERM="xterm", **more),
        timeout=60,
        dimensions=(40, 100),
        encoding="utf-8",
    )
    screen = ""
    for question, answer in answers:
        child.expect(question)
        screen += f"{child.before}{child.after}"
        child.sendline(answer)
    child.expect(pexpect.EOF)
    child.close()
    return screen + str(child.before), int(child.exitstatus)
