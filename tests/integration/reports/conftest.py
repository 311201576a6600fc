"""A controller over documents that were written as they are, on each engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.config import Project
from controller.jobcontroller import JobController


@pytest.fixture
def controller(store_spec: dict[str, Any], tmp_path: Path) -> Iterator[JobController]:
    """A project in a fresh database, with one optional JobStore."""
    outputs = {"type": "EmbeddedStore", "path": str(tmp_path / "outputs.db")}
    project = Project.model_validate(
        {
            "name": "report",
            "base_dir": str(tmp_path),
            "queue": {"store": store_spec},
            "jobstore": {"docs_store": {**outputs, "collection_name": "outputs"}},
            "optional_jobstores": {
                "other": {"docs_store": {**outputs, "collection_name": "others"}}
            },
            "workers": {
                "local": {
                    "type": "local",
                    "scheduler_type": "shell",
                    "work_dir": str(tmp_path / "work"),
                }
            },
        }
    )
    with JobController.from_project(project) as opened:
        opened.reset()
        yield opened
