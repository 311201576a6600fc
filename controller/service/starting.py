"""Start runners that outlive the terminal, the session and the process that started them."""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller import errors
from controller.errors import ControllerError, RunningRunnerError
from controller.paths import make_private_folder
from controller.service.lockfile import RunnerLock, held_by
from controller.service.processes import ProcessPlan, StartOptions, plan_processes

if TYPE_CHECKING:
    from controller.config import Project

START_DEADLINE = 60.0
"""Seconds within which a runner must register."""
TOLD_LINES = 10
"""Number of log lines shown if a runner does not start."""


@dataclass(frozen=True)
class Started:
    """A runner that has registered.

    Attributes
    ----------
    name, runner_id, pid, log_file
        The name, runner_id, pid and log file of its process.
    metrics
        URL at which it serves metrics; None if it serves none.
    """

    name: str
    runner_id: str
    pid: int
    log_file: str | None
    metrics: str | None = None


def start_runners(
    project: Project,
    options: StartOptions,
    *,
    deadline: float = START_DEADLINE,
    on_wait: Callable[[], None] = lambda: None,
) -> list[Started]:
    """Start the processes that serve a project from this host; return when they have registered.

    Parameters
    ----------
    deadline
        Seconds within which each must register.
    on_wait
        Called repeatedly while waiting.

    Raises
    ------
    RunningRunnerError
        One of them is already running; nothing was changed.
    ControllerError
        A process could not start; the message says why and shows its last lines. The processes
        that this call has started are told to end.
    """
    plans = plan_processes(options)
    locks: list[RunnerLock] = []
    started: list[Started] = []
    try:
        for plan in plans:
            locks.append(_lock(project, plan))  # noqa: PERF401 (those taken are released)
        for plan, lock in zip(plans, locks):
            started.append(_start(project, plan, options, lock, deadline, on_wait))
    except BaseException:
        for one in started:
            with suppress(ProcessLookupError):
                os.kill(one.pid, 15)
        raise
    finally:
        for lock in locks:
            lock.release()
    return started


def _lock(project: Project, plan: ProcessPlan) -> RunnerLock:
    lock = RunnerLock.acquire(project, plan.name)
    if lock is None:
        facts = held_by(project, plan.name) or {}
        who = f"process {facts['pid']}, user {facts.get('user')}" if "pid" in facts else "starting"
        raise RunningRunnerError(
            f"a runner of project {project.name} is already running on "
            f"{socket.gethostname()} ({who})",
            runner=facts or None,
            hint="see it with `jf runner status`, or restart it with `jf runner restart`",
        )
    return lock


def _start(
    project: Project,
    plan: ProcessPlan,
    options: StartOptions,
    lock: RunnerLock,
    deadline: float,
    on_wait: Callable[[], None],
) -> Started:
    """Start one process, and wait until it has registered."""
    folder = Path(project.daemon_dir)
    output = folder / f"runner-{socket.gethostname()}-{plan.name}.out"
    reading, writing = os.pipe()
    try:
        # -P: modules in the current folder must not replace ours.
        command = [sys.executable, "-P", "-m", "controller.service", project.name]
        command += ["--name", plan.name, "--options", json.dumps(options.as_dict())]
        command += ["--lock", str(lock.descriptor), "--pipe", str(writing)]
        command += ["--roles", *plan.roles] if plan.roles else []
        make_private_folder(folder)
        with output.open("wb") as out:
            output.chmod(0o600)
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                pass_fds=(lock.descriptor, writing),
                start_new_session=True,
                cwd=folder,
                env=_environment(),
            )
        os.close(writing)
        writing = -1
        process.wait()  # the process that remains is its child
        answer = _first_line(reading, deadline, on_wait)
    except OSError as error:
        raise ControllerError(f"cannot start the runner: {error}") from None
    finally:
        os.close(reading)
        if writing >= 0:
            os.close(writing)
    return _understood(answer, plan, project, output, deadline)


def _environment() -> dict[str, str]:
    """Return our environment, with relative paths made absolute."""
    from controller.config import ConfigManager

    environment = {**os.environ, "JFREMOTE_PROJECTS_FOLDER": str(ConfigManager().folder)}
    name = "JFREMOTE_CONFIG_FILE"
    if name in environment:
        environment[name] = str(Path(environment[name]).expanduser().absolute())
    return environment


def _first_line(pipe: int, deadline: float, on_wait: Callable[[], None]) -> dict[str, Any] | None:
    """Read the report of the new process; None at the deadline, {} if it ended without one."""
    end, text = time.monotonic() + deadline, b""
    while (left := end - time.monotonic()) > 0:
        on_wait()
        if not select.select([pipe], [], [], min(left, 0.2))[0]:
            continue
        got = os.read(pipe, 65_536)
        text += got
        if not got or (b'"ready"' in text and text.endswith(b"\n")):  # after an error it ends
            break
    else:
        return None
    return dict(json.loads(text)) if text.endswith(b"\n") else {}


def _understood(
    answer: dict[str, Any] | None,
    plan: ProcessPlan,
    project: Project,
    output: Path,
    deadline: float,
) -> Started:
    if answer is None:
        raise ControllerError(
            f"the runner did not register within {deadline:g} s, and is still trying",
            hint="check with `jf runner status`; `jf runner log` shows what it is doing",
        )
    if ready := answer.get("ready"):
        facts = {key: ready.get(key) for key in ("runner_id", "pid", "log_file", "metrics")}
        return Started(plan.name, **facts)
    if told := answer.get("error"):
        raise _error_of(told)
    lines = _last_lines(output) or _last_lines(Path(project.log_dir) / "runner.log")
    text = "".join(f"\n  {line}" for line in lines)
    raise ControllerError(f"the runner ended before it registered{':' if text else ''}{text}")


def _error_of(told: dict[str, Any]) -> ControllerError:
    kind = getattr(errors, told["kind"], ControllerError)
    message, hint = f"the runner did not start: {told['message']}", told["hint"]
    try:
        return kind(message, hint=hint)
    except TypeError:
        return ControllerError(message, hint=hint)


def _last_lines(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return [line.rstrip() for line in deque(file, TOLD_LINES)]
    except OSError:
        return []
