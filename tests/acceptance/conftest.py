"""The installed `jf` as a subprocess, on a project that is prepared once."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from installed_jf import Run, environment, runner_of


@pytest.fixture
def jf(tmp_path: Path) -> Run:
    """`jf` in an empty projects folder."""
    return runner_of(tmp_path / "projects")


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """`jf` on a project whose runner has completed two jobs and failed one."""
    folder = tmp_path_factory.mktemp("finished with spaces")
    run = runner_of(folder)
    assert run("quickstart").returncode == 0
    script = (
        "from jobflow import Flow\n"
        "from jobflow.core.job import job\n"
        "from acceptance_jobs import add, fail\n"
        "from controller import submit_flow\n"
        "first = add(1, 2)\n"
        "second = add(first.output, 3)\n"
        "first.name = 'a name; with \"quotes\" and \\u00e5'\n"
        "print(*submit_flow(Flow([first, second], name='sums')), *submit_flow(fail()))\n"
    )
    here = str(Path(__file__).parent)
    env = environment(folder, PYTHONPATH=here)
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.split() == ["1", "2", "3"], done.stderr
    ended = run("--json", "runner", "run", "--until-idle", env={"PYTHONPATH": here})
    assert ended.returncode == 7, ended.stderr
    assert json.loads(ended.stdout) == {
        "completed": ["1", "2"],
        "failed": ["3"],
        "timed_out": False,
    }
    return run
