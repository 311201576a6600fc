"""Values for TAB that lie in files. Nothing is checked and no database is opened: TAB is fast."""

from __future__ import annotations

from typing import Any

import typer

from controller.errors import ControllerError


def project_names(incomplete: str) -> list[str]:
    """Names of the projects that begin so."""
    return _beginning(_projects(), incomplete)


def worker_names(context: typer.Context, incomplete: str) -> list[str]:
    """Names of the workers of the selected project, or of all projects where none is selected."""
    projects = _projects()
    chosen = context.find_root().params.get("project")
    if chosen in projects:
        projects = {chosen: projects[chosen]}
    workers = (content.get("workers") for content in projects.values())
    names = {str(name) for found in workers if isinstance(found, dict) for name in found}
    return _beginning(names, incomplete)


def _projects() -> dict[str, dict[str, Any]]:
    from controller.config import ConfigManager

    try:
        return ConfigManager().raw_contents()
    except ControllerError:
        return {}  # TAB has no place for a message


def _beginning(names: Any, incomplete: str) -> list[str]:
    return sorted(name for name in names if name.startswith(incomplete))
