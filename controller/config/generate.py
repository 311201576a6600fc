"""Templates of new projects."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from controller.config.settings import get_settings

QUICKSTART_NAME = "jfr"
"""Default name of the project that ``jf quickstart`` creates."""


def quickstart_project(name: str = QUICKSTART_NAME, base_dir: Path | None = None) -> dict[str, Any]:
    """Describe a project on the embedded database with one local worker.

    Queue and outputs are two files, so that a large output never delays a claim. The
    number of jobs that run at once is the number of processors that this process may use.
    `ConfigManager.create_project` writes the file.

    Parameters
    ----------
    base_dir
        Folder of the project; None means the folder with its name next to the project files.
    """
    base = base_dir.absolute() if base_dir else get_settings().projects_path / name
    outputs = {"type": "EmbeddedStore", "path": str(base / "outputs.sqlite")}
    return {
        "name": name,
        "base_dir": str(base),
        "workers": {
            "local": {
                "type": "local",
                "scheduler_type": "shell",
                "work_dir": str(base / "work"),
                "max_jobs": _processors(),
                # Frameworks of macOS may crash a process that was forked and runs on.
                "warm": sys.platform != "darwin",
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
        Add a local worker and an execution configuration, and write out every field.
    """
    login = {"host": "localhost", "username": "bob", "password": "secret_password"}
    store = {"type": "MongoStore", "database": "db_name", **login}
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
    return _in_full(project) if full else project


def _in_full(project: dict[str, Any]) -> dict[str, Any]:
    from controller.config.models import Project

    project["workers"]["example_local"] = {
        "type": "local",
        "scheduler_type": "shell",
        "work_dir": "/path/to/run/folder",
        "max_jobs": 2,
        "warm": True,
    }
    project["exec_config"]["example_config"] = {
        "modules": ["GCC/12.3.0", "OpenMPI/4.1.5"],
        "export": {"OMP_NUM_THREADS": "1"},
        "pre_run": "conda activate environment_name",
    }
    return Project.model_validate(project).model_dump(mode="json")


def _processors() -> int:
    """Processors that this process may use, at least one."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1
