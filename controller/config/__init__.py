"""Project files, workers and settings: drop-in for those of jobflow-remote 1.0.1.

``settings``   ~/.jfremote.yaml and JFREMOTE_* variables
``workers``    the machines that run jobs
``models``     a project
``files``      finding and reading project files
``manager``    choosing, making and changing projects
``generate``   projects to start from
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "SETTINGS": "settings",
    "JobflowRemoteSettings": "settings",
    "BatchConfig": "workers",
    "ConnectionData": "workers",
    "LocalWorker": "workers",
    "RemoteWorker": "workers",
    "SeparatedTransferWorker": "workers",
    "WorkerBase": "workers",
    "ExecutionConfig": "models",
    "LogLevel": "models",
    "Project": "models",
    "QueueConfig": "models",
    "RunnerOptions": "models",
    "ProjectData": "files",
    "ConfigManager": "manager",
    "dummy_project": "generate",
    "quickstart_project": "generate",
}

__all__ = [*_HOMES, "ConfigError", "ProjectParsingError", "ProjectUndefinedError"]


def __getattr__(name: str) -> Any:
    # Loaded on demand: settings are needed to complete a word, models are not.
    home = _HOMES.get(name)
    if home is not None:
        value = getattr(importlib.import_module(f"controller.config.{home}"), name)
    elif name in __all__:
        value = getattr(importlib.import_module("controller.errors"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value
