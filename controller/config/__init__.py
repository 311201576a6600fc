"""Project files, workers and settings: drop-in for those of jobflow-remote 1.0.1.

``settings``      ~/.jfremote.yaml and JFREMOTE_* variables
``workers``       the machines that run jobs
``models``        a project
``events``        the limits of the event log; ``notify``: notifications
``stores``        checks of the descriptions of stores
``files``         finding, reading and checking project files; ``problems`` words the messages
``writing``       writing them, completely or not at all
``yamltext``, ``tomltext``   the two formats, with the lines of keys
``manager``       choosing, making and changing projects
``generate``      templates of new projects
``removal``       which files of a project's folder are deleted with it
``conflicts``     resources that projects must not share
``masking``       hiding secrets before a project is shown

Names are loaded at first use: TAB completion needs the settings and the names of projects, but not
pydantic's models.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from controller.config.conflicts import ConflictIssue, find_conflicts
    from controller.config.events import EventOptions
    from controller.config.files import ProjectData, validate_file
    from controller.config.generate import dummy_project, quickstart_project
    from controller.config.manager import ConfigManager
    from controller.config.masking import masked
    from controller.config.models import (
        ExecutionConfig,
        LogLevel,
        Project,
        QueueConfig,
        RemoteJobStore,
        RunnerOptions,
    )
    from controller.config.notify import Notification
    from controller.config.problems import InvalidProjectError, Problem
    from controller.config.settings import (
        SETTINGS,
        JobflowRemoteSettings,
        load_settings,
        unknown_variables,
    )
    from controller.config.workers import (
        BatchConfig,
        ConnectionData,
        LocalWorker,
        RemoteWorker,
        SeparatedTransferWorker,
        SSHWorker,
        WarmConfig,
        WorkerBase,
    )
    from controller.errors import ConfigError, ProjectParsingError, ProjectUndefinedError

_HOMES = {
    "SETTINGS": "settings",
    "JobflowRemoteSettings": "settings",
    "load_settings": "settings",
    "unknown_variables": "settings",
    "BatchConfig": "workers",
    "ConnectionData": "workers",
    "LocalWorker": "workers",
    "RemoteWorker": "workers",
    "SSHWorker": "workers",
    "SeparatedTransferWorker": "workers",
    "WarmConfig": "workers",
    "WorkerBase": "workers",
    "ExecutionConfig": "models",
    "LogLevel": "models",
    "Project": "models",
    "QueueConfig": "models",
    "RemoteJobStore": "models",
    "EventOptions": "events",
    "Notification": "notify",
    "RunnerOptions": "models",
    "ProjectData": "files",
    "validate_file": "files",
    "Problem": "problems",
    "InvalidProjectError": "problems",
    "ConfigManager": "manager",
    "dummy_project": "generate",
    "quickstart_project": "generate",
    "ConflictIssue": "conflicts",
    "find_conflicts": "conflicts",
    "masked": "masking",
}
_ERRORS = ("ConfigError", "ProjectParsingError", "ProjectUndefinedError")

__all__ = [
    "SETTINGS",
    "BatchConfig",
    "ConfigError",
    "ConfigManager",
    "ConflictIssue",
    "ConnectionData",
    "EventOptions",
    "ExecutionConfig",
    "InvalidProjectError",
    "JobflowRemoteSettings",
    "LocalWorker",
    "LogLevel",
    "Notification",
    "Problem",
    "Project",
    "ProjectData",
    "ProjectParsingError",
    "ProjectUndefinedError",
    "QueueConfig",
    "RemoteJobStore",
    "RemoteWorker",
    "RunnerOptions",
    "SSHWorker",
    "SeparatedTransferWorker",
    "WarmConfig",
    "WorkerBase",
    "dummy_project",
    "find_conflicts",
    "load_settings",
    "masked",
    "quickstart_project",
    "unknown_variables",
    "validate_file",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        home = f"controller.config.{_HOMES[name]}"
    elif name in _ERRORS:
        home = "controller.errors"
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
