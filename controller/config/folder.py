"""The project files of a folder.

Every file is read, and only those that are asked for are checked: checking costs more than reading,
and a broken file must not disturb another project. Importing this module, and reading names and raw
contents, does not need pydantic.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.config.files import ProjectData, ProjectFile, project_files
from controller.config.settings import get_settings
from controller.config.suggestions import no_such
from controller.errors import ProjectParsingError, ProjectUndefinedError

if TYPE_CHECKING:
    from controller.config.models import ExecutionConfig, Project
    from controller.config.workers import WorkerBase

logger = logging.getLogger(__name__)


class ProjectFolder:
    """The projects of a folder, read-only; for the parameters see `ConfigManager`."""

    def __init__(
        self,
        exclude_unset: bool = False,
        exclude_none: bool = False,
        warn: bool = False,
        *,
        folder: Path | None = None,
    ) -> None:
        self.exclude_unset, self.exclude_none, self.warn = exclude_unset, exclude_none, warn
        self.folder = folder or get_settings().projects_path
        self._files = [ProjectFile(path) for path in project_files(self.folder)]
        if warn:
            for problem in self.unusable.values():
                logger.warning("%s", problem)

    @property
    def projects(self) -> dict[str, Project]:
        """{name: project} of the projects that can be used."""
        return {name: data.project for name, data in self.projects_data.items()}

    @property
    def projects_data(self) -> dict[str, ProjectData]:
        """{name: file and project} of the projects that can be used, sorted by file name."""
        named = self._usable()
        return {name: files[0].data for name, files in named.items() if len(files) == 1}

    @property
    def unusable(self) -> dict[str, str]:
        """{path: what is wrong} of the files that cannot be used."""
        found = {str(f.path): f.problem for f in self._files if f.problem is not None}
        for name, files in self._usable().items():
            if len(files) > 1:
                found.update({str(f.path): str(_duplicate(name, files)) for f in files})
        return found

    @property
    def warnings(self) -> list[str]:
        """What keeps usable projects from running jobs, such as a store without its package."""
        usable = (file for files in self._usable().values() for file in files)
        return [text for file in usable for text in file.warnings]

    def load_projects_data(self) -> dict[str, ProjectData]:
        """Read the folder again and return `projects_data`."""
        self._files = [ProjectFile(path) for path in project_files(self.folder)]
        return self.projects_data

    def project_names_from_files(
        self, suppress_warnings: bool = False
    ) -> tuple[list[str], list[str]]:
        """Return the names of the usable projects, and the files that cannot be used.

        Parameters
        ----------
        suppress_warnings
            Log nothing about invalid files, even if ``warn`` is set.
        """
        unusable = self.unusable
        if self.warn and not suppress_warnings:
            for problem in unusable.values():
                logger.warning("%s", problem)
        return sorted(self.projects_data), sorted(unusable)

    def select_project_name(self, project_name: str | None = None) -> str:
        """Return a project's name: the given one, else that of the settings, else the only one.

        Raises
        ------
        ProjectUndefinedError
            None is named and there is not exactly one.
        """
        name = project_name or get_settings().project
        if name:
            return name
        usable = self._usable()
        if len(usable) == 1:
            return next(iter(usable))
        if usable:
            raise ProjectUndefinedError(
                f"no project is selected, and there are several: {', '.join(sorted(usable))}",
                hint="select one with `jf -p NAME` or the variable JFREMOTE_PROJECT",
            )
        raise ProjectUndefinedError(
            "; ".join([f"there is no usable project in {self.folder}", *self.unusable.values()]),
            hint=None if self._files else "`jf quickstart` creates one",
        )

    def get_project_data(self, project_name: str | None = None) -> ProjectData:
        """Return a project and its file; selection as in `select_project_name`.

        Raises
        ------
        ProjectUndefinedError
            None is named and there is not exactly one.
        ProjectParsingError
            No project has the name, its file cannot be used, or several files have the name.
        """
        name = self.select_project_name(project_name)
        files = [f for f in self._files if f.name == name]
        usable = [f for f in files if f.problem is None]
        if len(usable) == 1:
            return usable[0].data
        if usable:
            raise _duplicate(name, usable)
        broken = files or [f for f in self._files if f.name is None and f.path.stem == name]
        if broken:
            problem = broken[0].problem
            raise ProjectParsingError(f"project {name!r} cannot be used: {problem}")
        known = [f.name for f in self._files if f.name is not None]
        raise ProjectParsingError(
            f"there is no project {name!r} in {self.folder}", hint=no_such(name, known)
        )

    def get_project(self, project_name: str | None = None) -> Project:
        """Return a project; selection and errors as in `get_project_data`."""
        return self.get_project_data(project_name).project

    def raw_contents(self) -> dict[str, dict[str, Any]]:
        """Return {name: content} of all files that can be read, unchecked.

        For completion: it costs a tenth of `projects_data`. If two files have the same name, the
        first one is used.
        """
        found: dict[str, dict[str, Any]] = {}
        for file in self._files:
            if file.name is not None:
                found.setdefault(file.name, file.content)
        return found

    def raw_paths(self) -> dict[str, Path]:
        """Return {name: file} of all files that can be read, as `raw_contents`."""
        found: dict[str, Path] = {}
        for file in self._files:
            if file.name is not None:
                found.setdefault(file.name, file.path)
        return found

    def get_worker(self, worker_name: str, project_name: str | None = None) -> WorkerBase:
        """Return a worker of a project."""
        return self.get_project(project_name).get_worker(worker_name)

    def get_exec_config(
        self, exec_config_name: str, project_name: str | None = None
    ) -> ExecutionConfig:
        """Return an execution configuration of a project."""
        return self.get_project(project_name).get_exec_config(exec_config_name)

    def _usable(self) -> dict[str, list[ProjectFile]]:
        """{name: the usable files that have it}."""
        found: dict[str, list[ProjectFile]] = {}
        for file in self._files:
            if file.problem is None:
                found.setdefault(str(file.name), []).append(file)
        return found


def _duplicate(name: str, files: list[ProjectFile]) -> ProjectParsingError:
    return ProjectParsingError(
        f"the project name {name!r} is used by {' and '.join(str(f.path) for f in files)}",
        hint="change the key 'name' in one of the files, or move that file away",
    )
