"""Projects to start from."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from controller.config import ConfigManager, Project, dummy_project, quickstart_project
from controller.config.conflicts import find_conflicts
from controller.config.files import read_mapping


@pytest.mark.parametrize("extension", ["yaml", "json", "toml"])
@pytest.mark.parametrize("full", [False, True])
def test_dummy(folder: Path, full: bool, extension: str) -> None:
    path = ConfigManager().create_project(dummy_project("std", full=full), ext=extension)
    project = ConfigManager().get_project("std")
    expected = ["example_worker", "example_local"] if full else ["example_worker"]
    assert list(project.workers) == expected
    assert list(project.exec_config) == (["example_config"] if full else [])
    assert project.jobstore["additional_stores"]["data"]["collection_name"] == "outputs_blobs"
    written = read_mapping(path)
    if full and extension != "toml":
        assert set(written) == set(Project.model_fields)
        assert set(written["workers"]["example_worker"]) > {"gateway", "keepalive", "batch"}


def test_quickstart(folder: Path) -> None:
    ConfigManager().create_project(quickstart_project())
    project = ConfigManager().get_project()
    base = folder / "jfr"
    assert project.name == "jfr"
    worker = project.get_worker("local")
    assert (worker.is_local, worker.scheduler_type) == (True, "shell")
    assert worker.work_dir == base / "work"
    assert 1 <= (worker.max_jobs or 0) <= (os.cpu_count() or 1)
    assert project.queue.store["path"] == str(base / "queue.sqlite")
    stores = [project.jobstore["docs_store"], project.jobstore["additional_stores"]["data"]]
    assert {s["path"] for s in stores} == {str(base / "outputs.sqlite")}
    assert {s["type"] for s in [project.queue.store, *stores]} == {"EmbeddedStore"}
    assert find_conflicts([project]) == []


def test_quickstart_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    project = Project.model_validate(quickstart_project("x", Path("here")))
    assert project.base_dir == str(tmp_path / "here")
