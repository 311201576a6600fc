"""A project with a real local worker, on each engine."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from warm_jf import WarmJf

from controller.config import Project
from controller.hosts import local
from controller.jobcontroller import JobController

_WARM = WarmJf(Path(sys.executable).with_name("jf"))
atexit.register(_WARM.close)


@pytest.fixture(autouse=True)
def warm_jobs(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs are forked from a process that has imported jobflow, but for tests marked ``cold``.

    A forked job is in a session of its own and no child of its script: tests that stop jobs, or
    look at processes, are cold.
    """
    if not (request.node.get_closest_marker("cold") or os.environ.get("JFR_TESTS_COLD")):
        monkeypatch.setenv("PATH", str(_WARM.shim()), prepend=os.pathsep)
        # A runner prefers the programs beside its Python, `jf` among them, to those of the PATH.
        monkeypatch.setattr(local, "_environment", lambda: dict(os.environ))


@pytest.fixture
def forked_jf() -> str:
    """A `jf` that is forked from a process that has imported jobflow."""
    return str(_WARM.shim() / "jf")


@pytest.fixture
def described(
    tmp_path: Path, store_spec: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """A project whose work folder has a space, and whose workers can import the test's jobs."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    folder = tmp_path / "a project"
    outputs = {"type": "EmbeddedStore", "path": str(folder / "outputs.sqlite")}
    return {
        "name": "test",
        "base_dir": str(folder),
        "workers": {
            "local": {
                "type": "local",
                "scheduler_type": "shell",
                "work_dir": str(folder / "work"),
                "max_jobs": 2,
            }
        },
        "queue": {"store": {**store_spec, "collection_name": "jobs"}},
        "jobstore": {"docs_store": {**outputs, "collection_name": "outputs"}},
        "runner": {"delta_retry": [0.1], "max_step_attempts": 2},
    }


@pytest.fixture
def project(described: dict[str, Any]) -> Project:
    return Project.model_validate(described)


@pytest.fixture
def controller(project: Project) -> Iterator[JobController]:
    with JobController.from_project(project) as opened:
        opened.reset()
        yield opened
