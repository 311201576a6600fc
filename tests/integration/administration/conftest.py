"""A controller of a project with batch workers, on each engine, and documents for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from stored import Stock

from controller.config import Project
from controller.jobcontroller import JobController


@pytest.fixture
def project(store_spec: dict[str, Any], tmp_path: Path) -> Project:
    """A project with a local and a remote batch worker; its folders have a space."""
    folder = tmp_path / "a project"
    here = {"type": "local", "scheduler_type": "shell", "work_dir": str(folder / "work")}
    there = {"type": "remote", "scheduler_type": "slurm", "host": "far", "work_dir": "/scratch"}
    return Project.model_validate(
        {
            "name": "admin",
            "base_dir": str(folder),
            "queue": {"store": store_spec},
            "workers": {
                "plain": here,
                "pool": {
                    **here,
                    "batch": {
                        "jobs_handle_dir": str(folder / "pool dir"),
                        "work_dir": str(folder / "batches"),
                    },
                },
                "far": {
                    **there,
                    "batch": {"jobs_handle_dir": "/scratch/pool", "work_dir": "/scratch/b"},
                },
            },
            "jobstore": {"docs_store": {"type": "EmbeddedStore", "path": str(folder / "o.db")}},
        }
    )


@pytest.fixture
def controller(project: Project) -> Iterator[JobController]:
    """The controller of the project, set up."""
    with JobController.from_project(project) as opened:
        opened.reset()
        yield opened


@pytest.fixture
def stock(controller: JobController) -> Stock:
    """Puts documents into the database."""
    return Stock(controller)
