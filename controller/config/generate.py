"""Projects to start from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from controller.config.settings import SETTINGS


def quickstart_project(name: str, base_dir: Path | None = None) -> dict[str, Any]:
    """Describe a project on the embedded database with one local worker.

    Queue and outputs are two files, so that a large output never holds up a claim.
    """
    base = base_dir or SETTINGS.projects_path / name
    outputs = {"type": "EmbeddedStore", "path": str(base / "outputs.sqlite")}
    return {
        "name": name,
        "base_dir": str(base),
        "workers": {
            "local": {
                "type": "local",
                "scheduler_type": "shell",
                "work_dir": str(base / "work"),
                "max_jobs": max(os.cpu_count() or 1, 1),
            }
        },
        "queue": {
            "store": {
                "type": "EmbeddedStore",
                "path": str(base / "queue.sqlite"),
                "collection_name": "jobs",
            }
        },
        "jobstore": {
            "docs_store": {**outputs, "collection_name": "outputs"},
            "additional_stores": {"data": {**outputs, "collection_name": "data"}},
        },
    }


def dummy_project(name: str, *, full: bool = False) -> dict[str, Any]:
    """Describe an example project on MongoDB with a remote worker, to be edited.

    Parameters
    ----------
    full
        Add a local worker, an execution configuration and the runner's options.
    """
    store = {"type": "MongoStore", "host": "localhost", "port": 27017, "database": "db_name"}
    project: dict[str, Any] = {
        "name": name,
        "workers": {
            "example_worker": {
                "type": "remote",
                "scheduler_type": "slurm",
                "work_dir": "/path/to/run/folder",
                "pre_run": "source /path/to/python/environment/activate",
                "timeout_execute": 60,
                "host": "remote.host.net",
                "user": "bob",
            }
        },
        "queue": {"store": {**store, "collection_name": "jobs"}},
        "exec_config": {},
        "jobstore": {
            "docs_store": {**store, "collection_name": "outputs"},
            "additional_stores": {
                "data": {**store, "type": "GridFSStore", "collection_name": "outputs_blobs"}
            },
        },
    }
    if full:
        project["workers"]["example_local"] = {
            "type": "local",
            "scheduler_type": "shell",
            "work_dir": "/path/to/run/folder",
            "max_jobs": 2,
        }
        project["exec_config"]["example_config"] = {
            "modules": ["GCC/12.3.0"],
            "export": {"OMP_NUM_THREADS": "1"},
            "pre_run": "conda activate env",
        }
        from controller.config.models import RunnerOptions

        project["runner"] = RunnerOptions().model_dump(mode="json")
    return project
