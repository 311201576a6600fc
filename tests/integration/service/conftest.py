"""A project with a file of its own, which runners in the background serve."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from service_processes import pids_serving

from controller.config import ConfigManager, Project, settings
from controller.jobcontroller import JobController


@pytest.fixture
def projects_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where the project files lie; runners that a test has left are killed."""
    folder = tmp_path / "projects"
    folder.mkdir()
    monkeypatch.setenv("JFREMOTE_PROJECTS_FOLDER", str(folder))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    monkeypatch.setattr(settings, "SETTINGS", settings.load_settings(), raising=False)
    yield folder
    for pid in pids_serving(folder):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def project_file(projects_folder: Path, tmp_path: Path) -> Path:
    """A valid project file on the embedded engine."""
    folder = tmp_path / "served"

    def store(name: str) -> dict[str, Any]:
        path = str(folder / f"{name}.sqlite")
        return {"type": "EmbeddedStore", "path": path, "collection_name": name}

    content = {
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
        "queue": {"store": store("jobs")},
        "jobstore": {"docs_store": store("outputs")},
    }
    path = projects_folder / "test.yaml"
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


@pytest.fixture
def project(project_file: Path) -> Project:
    return ConfigManager(folder=project_file.parent).get_project("test")


@pytest.fixture
def controller(project: Project) -> Iterator[JobController]:
    with JobController.from_project(project) as opened:
        opened.reset()
        yield opened
