"""Calling the installed `jf`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pexpect

from controller.jobcontroller import JobController

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@dataclass(frozen=True)
class Project:
    """A fresh project on one engine: the command, and the database behind its back."""

    jf: Run
    folder: Path
    controller: JobController


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


def runner_of(folder: Path) -> Run:
    def run(*words: str, env: dict[str, str] | None = None, **kwargs: Any) -> Any:
        return subprocess.run(
            [str(Path(sys.executable).with_name("jf")), *words],
            env=environment(folder, **(env or {})),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            **kwargs,
        )

    return run


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
        str(Path(sys.executable).with_name("jf")),
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
