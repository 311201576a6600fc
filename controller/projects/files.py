"""What a project is on disk: removing it, and its files before they are edited."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from controller.config.files import project_files
from controller.projects.serving import refuse_while_served
from controller.saved_filters import filters_path

if TYPE_CHECKING:
    from controller.config import ConfigManager


@dataclass(frozen=True)
class RemovedProject:
    """What the removal of a project deletes, or would.

    Attributes
    ----------
    paths
        Files and folders that are deleted, the project's file first.
    left
        Files and folders of the base folder that stay, because jfr did not make them.
    """

    paths: list[Path]
    left: list[Path]


def remove_project(
    manager: ConfigManager, name: str | None, *, keep_folders: bool, dry_run: bool
) -> RemovedProject:
    """Remove a project: its file, and what jfr made in its base folder unless that is kept.

    Raises
    ------
    RunningRunnerError
        A live runner serves the project.
    ConfigError
        No such project, or its base folder holds what belongs to another one.
    """
    data = manager.get_project_data(name)
    refuse_while_served(data.project, "removing the project", unreachable_is_fine=True)
    plan = manager.remove_project(
        data.project.name, remove_folders=not keep_folders, dry_run=dry_run
    )
    filters = filters_path(Path(data.filepath))
    beside = [filters] if filters.exists() else []
    if not dry_run:
        filters.unlink(missing_ok=True)
    return RemovedProject([Path(data.filepath), *beside, *plan.shown], plan.left)


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
