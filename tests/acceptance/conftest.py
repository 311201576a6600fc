"""The installed `jf` as a subprocess, on a project that is prepared once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from installed_jf import Project, Run, environment, runner_of

from controller.config import ConfigManager, quickstart_project
from controller.jobcontroller import JobController


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


@pytest.fixture
def fresh(store_spec: dict[str, Any], tmp_path: Path) -> Iterator[Project]:
    """A project that is set up and empty; the test runs once on each engine."""
    yield from _projects(store_spec, tmp_path)


@pytest.fixture
def fresh_embedded(tmp_path: Path) -> Iterator[Project]:
    """The same on the embedded engine only, where the engine does not matter."""
    path = str(tmp_path / "queue.sqlite")
    spec = {"type": "EmbeddedStore", "path": path, "collection_name": "jobs"}
    yield from _projects(spec, tmp_path)


def _projects(store: dict[str, Any], tmp_path: Path) -> Iterator[Project]:
    content = quickstart_project("mine", tmp_path / "base")
    content["queue"]["store"] = store
    manager = ConfigManager(folder=tmp_path / "projects")
    manager.create_project(content)
    with JobController.from_project(manager.get_project("mine")) as controller:
        controller.reset()
        yield Project(runner_of(manager.folder), manager.folder, controller)
