"""What a project is on disk: removing it, and its files before they are edited."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from controller.config.files import project_files
from controller.projects.serving import refuse_while_served

if TYPE_CHECKING:
    from controller.config import ConfigManager


def remove_project(
    manager: ConfigManager, name: str | None, *, keep_folders: bool, dry_run: bool
) -> list[Path]:
    """Remove a project: its file, and its folder unless that is kept.

    Returns
    -------
    list of Path
        What is deleted, or would be with ``dry_run``.

    Raises
    ------
    RunningRunnerError
        A live runner serves the project.
    ConfigError
        No such project, or its folder holds what is not its own.
    """
    data = manager.get_project_data(name)
    base = Path(data.project.base_dir)
    doomed = [Path(data.filepath), *([base] if base.exists() and not keep_folders else [])]
    refuse_while_served(data.project, "removing the project", unreachable_is_fine=True)
    if not dry_run:
        manager.remove_project(data.project.name, remove_folders=not keep_folders)
    return doomed


def files_to_edit(project_name: str | None, *, everywhere: bool) -> list[Path]:
    """Return the file of a project, or all project files, usable or not.

    Raises
    ------
    RunningRunnerError
        A live runner serves the one project: it has read the file and would not learn of the
        change.
    """
    from controller.config import ConfigManager

    manager = ConfigManager()
    if everywhere:
        return list(project_files(manager.folder))
    data = manager.get_project_data(project_name)
    refuse_while_served(data.project, "editing the project file", unreachable_is_fine=True)
    return [Path(data.filepath)]
