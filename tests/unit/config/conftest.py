from __future__ import annotations

import os
from pathlib import Path

import pytest

from controller.config import settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A projects folder of its own, settings that point to it, and a home without files."""
    for name in [n for n in os.environ if n.upper().startswith(settings.PREFIX)]:
        monkeypatch.delenv(name)
    home, projects = tmp_path / "home", tmp_path / "projects"
    home.mkdir()
    projects.mkdir()
    monkeypatch.setenv("HOME", str(home))
    values = settings.JobflowRemoteSettings(projects_folder=str(projects))
    monkeypatch.setattr(settings, "SETTINGS", values, raising=False)
    return projects
