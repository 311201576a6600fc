"""A project with a real local worker, on each engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.config import Project
from controller.jobcontroller import JobController


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
