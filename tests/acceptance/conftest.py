"""The installed `jf` as a subprocess, on a project that is prepared once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from acceptance_jobs import add, fail
from installed_jf import Project, Run, forked_jobs, runner_of
from jobflow import Flow

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
    first = add(1, 2)
    second = add(first.output, 3)
    first.name = 'a name; with "quotes" and \u00e5'
    project = ConfigManager(folder=folder).get_project("jfr")
    with JobController.from_project(project) as controller:
        submitted = controller.add_flow(Flow([first, second], name="sums"), worker="local")
        submitted += controller.add_flow(fail(), worker="local")
    assert submitted == ["1", "2", "3"]
    here = str(Path(__file__).parent)
    with forked_jobs(folder):
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
