"""A project to be moved."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.config import ConfigManager, quickstart_project, settings
from controller.jobcontroller import JobController


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ConfigManager:
    """A folder with one project, which is embedded and set up."""
    values = settings.JobflowRemoteSettings(projects_folder=str(tmp_path / "projects"))
    monkeypatch.setattr(settings, "SETTINGS", values, raising=False)
    manager = ConfigManager(folder=tmp_path / "projects")
    manager.create_project(quickstart_project("p"))
    with JobController.from_project(manager.get_project("p")) as controller:
        controller.reset()
    return manager
