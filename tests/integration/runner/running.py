"""Running a runner, in this process and in another."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from controller.config import Project
from controller.jobcontroller import JobController
from controller.runner import Runner

DEADLINE = 120

SERVE = """
import json, sys
from controller.config import Project
from controller.runner import Runner
runner = Runner(project=Project.model_validate(json.loads(sys.argv[1])), log_level=sys.argv[2])
print("up", flush=True)
runner.run()
runner.cleanup()
"""


def run(project: Project, max_time: float = DEADLINE, log_level: str = "warn") -> Any:
    """Run until idle; returns the summary."""
    runner = Runner(project=project, log_level=log_level)
    try:
        return runner.run_until_idle(max_time)
    finally:
        runner.cleanup()


@contextmanager
def running(project: Project, within: float = 20) -> Iterator[None]:
    """Let a runner work in a thread meanwhile; its end must not wait for a machine.

    ``within`` so many seconds it has to end.
    """
    runner = Runner(project=project, log_level="error")
    thread = threading.Thread(target=runner.run)
    thread.start()
    try:
        yield
    finally:
        runner.stop()
        thread.join(within)
        assert not thread.is_alive()
        runner.cleanup()


def states(controller: JobController) -> dict[str, str]:
    return {job.db_id: job.state.value for job in controller.get_jobs_info()}


def serve(project: Project, log_level: str = "error") -> subprocess.Popen[str]:
    """Start a runner in another process."""
    plain = project.model_dump(mode="json", exclude_none=True)
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, json.dumps(plain), log_level],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


def wait_for(condition: Any) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
