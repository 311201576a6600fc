"""Choosing, making and changing projects."""

from __future__ import annotations

import difflib
import shutil
from pathlib import Path
from typing import Any

from controller.config.files import (
    EXTENSIONS,
    ProjectData,
    parse_project,
    project_files,
    read_mapping,
    write_file,
)
from controller.config.models import ExecutionConfig, Project
from controller.config.settings import SETTINGS
from controller.config.workers import WorkerBase
from controller.errors import ConfigError, ProjectParsingError, ProjectUndefinedError


class ConfigManager:
    """The projects of a folder.

    Parameters
    ----------
    exclude_unset, exclude_none
        Leave such fields out when a project is written.
    warn
        Kept for callers of jobflow-remote; see `unusable` for what could not be read.
    folder
        The folder; None takes the one of the settings.

    Attributes
    ----------
    projects_data
        {name: file and project} of the projects that can be used.
    unusable
        {path: what is wrong} of the files that cannot. They never disturb other projects.
    """

    def __init__(
        self,
        exclude_unset: bool = False,
        exclude_none: bool = False,
        warn: bool = False,
        *,
        folder: Path | None = None,
    ) -> None:
        self.exclude_unset, self.exclude_none, self.warn = exclude_unset, exclude_none, warn
        self.folder = folder or SETTINGS.projects_path
        self.unusable: dict[str, str] = {}
        self._duplicates: dict[str, list[str]] = {}
        self.projects_data = self.load_projects_data()

    @property
    def projects(self) -> dict[str, Project]:
        """{name: project}."""
        return {name: data.project for name, data in self.projects_data.items()}

    def load_projects_data(self) -> dict[str, ProjectData]:
        """Read all project files of the folder."""
        found: dict[str, ProjectData] = {}
        for path in project_files(self.folder):
            try:
                project = parse_project(path)
            except ConfigError as error:
                self.unusable[str(path)] = str(error)
                continue
            if project.name in found or project.name in self._duplicates:
                first = found.pop(project.name, None)
                self._duplicates.setdefault(project.name, [])
                self._duplicates[project.name] += [first.filepath] if first else []
                self._duplicates[project.name].append(str(path))
                continue
            found[project.name] = ProjectData(str(path), project, path.suffix.lstrip("."))
        return found

    def select_project_name(self, project_name: str | None = None) -> str:
        """Return the name meant: the one given, that of the settings, or the only one.

        Raises
        ------
        ProjectUndefinedError
            None is named and there is not exactly one.
        """
        name = project_name or SETTINGS.project
        if name:
            return name
        if len(self.projects_data) == 1:
            return next(iter(self.projects_data))
        if not self.projects_data:
            broken = next(iter(self.unusable.values()), None)
            raise ProjectUndefinedError(
                f"there is no project in {self.folder}" + (f" ({broken})" if broken else ""),
                hint="`jf quickstart` makes one",
            )
        raise ProjectUndefinedError(
            "a project has to be named",
            hint=f"-p NAME or JFREMOTE_PROJECT; known: {', '.join(sorted(self.projects_data))}",
        )

    def get_project_data(self, project_name: str | None = None) -> ProjectData:
        """Return a project and its file; selection as in `select_project_name`.

        Raises
        ------
        ProjectParsingError
            No usable project has the name.
        """
        name = self.select_project_name(project_name)
        if name in self._duplicates:
            raise ProjectParsingError(
                f"several files describe a project {name!r}: {', '.join(self._duplicates[name])}",
                hint="rename one",
            )
        data = self.projects_data.get(name)
        if data is not None:
            return data
        for path, problem in self.unusable.items():
            if Path(path).stem == name or _claims(Path(path), name):
                raise ProjectParsingError(f"project {name!r} cannot be used: {problem}")
        near = difflib.get_close_matches(name, list(self.projects_data), n=1)
        known = ", ".join(sorted(self.projects_data)) or "none"
        raise ProjectParsingError(
            f"there is no project {name!r} in {self.folder}",
            hint=f"did you mean {near[0]}?" if near else f"known: {known}",
        )

    def get_project(self, project_name: str | None = None) -> Project:
        """Return a project; selection as in `select_project_name`."""
        return self.get_project_data(project_name).project

    def dump_project(self, data: ProjectData) -> None:
        """Write a project to its file; comments are lost."""
        plain = data.project.model_dump(
            mode="json",
            exclude_unset=self.exclude_unset,
            exclude_none=self.exclude_none or data.ext == "toml",
        )
        write_file(Path(data.filepath), plain)

    def create_project(self, project: Project | dict[str, Any], ext: str = "yaml") -> Path:
        """Write a new project file and make its folders.

        Raises
        ------
        ConfigError
            The project or the file exists.
        """
        if ext not in EXTENSIONS:
            raise ConfigError(f"a project file is one of {', '.join(EXTENSIONS)}, not {ext!r}")
        if isinstance(project, Project):
            plain = project.model_dump(mode="json", exclude_none=True)
        else:
            plain, project = project, parse_project(Path("new project"), project)
        path = self.folder / f"{project.name}.{ext}"
        if project.name in self.projects_data or path.exists():
            raise ConfigError(
                f"project {project.name!r} exists already", hint="choose another name"
            )
        try:
            for folder in (project.base_dir, project.tmp_dir, project.log_dir):
                Path(folder).mkdir(parents=True, exist_ok=True)
            write_file(path, plain)
        except OSError as error:
            raise ConfigError(f"cannot write {path}: {error.strerror}") from None
        self.projects_data[project.name] = ProjectData(str(path), project, ext)
        return path

    def remove_project(self, project_name: str, remove_folders: bool = True) -> None:
        """Delete a project's file and, with ``remove_folders``, its base folder."""
        data = self.get_project_data(project_name)
        if remove_folders:
            shutil.rmtree(data.project.base_dir, ignore_errors=True)
        Path(data.filepath).unlink()
        del self.projects_data[project_name]

    def update_project(self, config: dict[str, Any], project_name: str | None = None) -> None:
        """Merge keys into a project file; a key that has another value is an error."""
        data = self.get_project_data(project_name)
        merged = _merged(read_mapping(Path(data.filepath)), config, "")
        self._replace(data, merged)

    def project_names_from_files(self, **_: Any) -> tuple[list[str], list[str]]:
        """Return the names of the usable projects, and the files that cannot be used."""
        return sorted(self.projects_data), sorted(self.unusable)

    def backup_project(self, project_name: str | None = None) -> Path:
        """Copy a project file to the first free ``.bak.N`` beside it."""
        path = Path(self.get_project_data(project_name).filepath)
        number = 0
        while (copy := path.with_name(f"{path.name}.bak.{number}")).exists():
            number += 1
        shutil.copy2(path, copy)
        return copy

    def get_worker(self, worker_name: str, project_name: str | None = None) -> WorkerBase:
        """Return a worker of a project."""
        workers = self.get_project(project_name).workers
        if worker_name not in workers:
            raise ConfigError(
                f"there is no worker {worker_name!r}", hint=f"known: {', '.join(workers) or 'none'}"
            )
        return workers[worker_name]

    def set_worker(
        self,
        name: str,
        worker: WorkerBase,
        project_name: str | None = None,
        replace: bool = False,
    ) -> None:
        """Add a worker to a project file, or replace it."""
        self._set_entry("workers", name, worker.model_dump(mode="json"), project_name, replace)

    def remove_worker(self, worker_name: str, project_name: str | None = None) -> None:
        """Remove a worker from a project file."""
        self._remove_entry("workers", worker_name, project_name)

    def get_exec_config(
        self, exec_config_name: str, project_name: str | None = None
    ) -> ExecutionConfig:
        """Return an execution configuration of a project."""
        known = self.get_project(project_name).exec_config
        if exec_config_name not in known:
            raise ConfigError(
                f"there is no exec_config {exec_config_name!r}",
                hint=f"known: {', '.join(known) or 'none'}",
            )
        return known[exec_config_name]

    def set_exec_config(
        self,
        exec_config_name: str,
        exec_config: ExecutionConfig,
        project_name: str | None = None,
        replace: bool = False,
    ) -> None:
        """Add an execution configuration to a project file, or replace it."""
        plain = exec_config.model_dump(mode="json")
        self._set_entry("exec_config", exec_config_name, plain, project_name, replace)

    def remove_exec_config(self, exec_config_name: str, project_name: str | None = None) -> None:
        """Remove an execution configuration from a project file."""
        self._remove_entry("exec_config", exec_config_name, project_name)

    def set_queue_db(self, store: dict[str, Any] | Any, project_name: str | None = None) -> None:
        """Set the store of the queue; the other keys of the queue stay."""
        plain = store.as_dict() if hasattr(store, "as_dict") else dict(store)
        data = self.get_project_data(project_name)
        content = read_mapping(Path(data.filepath))
        content["queue"] = {**(content.get("queue") or {}), "store": plain}
        self._replace(data, content)

    def set_jobstore(self, jobstore: dict[str, Any] | Any, project_name: str | None = None) -> None:
        """Set the default JobStore."""
        plain = jobstore.as_dict() if hasattr(jobstore, "as_dict") else dict(jobstore)
        data = self.get_project_data(project_name)
        self._replace(data, {**read_mapping(Path(data.filepath)), "jobstore": plain})

    def _set_entry(
        self, group: str, name: str, plain: Any, project_name: str | None, replace: bool
    ) -> None:
        data = self.get_project_data(project_name)
        content = read_mapping(Path(data.filepath))
        entries = dict(content.get(group) or {})
        if name in entries and not replace:
            raise ConfigError(f"{group} {name!r} exists already", hint="use replace")
        self._replace(data, {**content, group: {**entries, name: plain}})

    def _remove_entry(self, group: str, name: str, project_name: str | None) -> None:
        data = self.get_project_data(project_name)
        content = read_mapping(Path(data.filepath))
        entries = dict(content.get(group) or {})
        if entries.pop(name, None) is None:
            raise ConfigError(f"there is no entry {name!r} in {group}")
        self._replace(data, {**content, group: entries})

    def _replace(self, data: ProjectData, content: dict[str, Any]) -> None:
        """Check the new content before the file is touched."""
        path = Path(data.filepath)
        project = parse_project(path, content)
        write_file(path, content)
        self.projects_data[project.name] = ProjectData(data.filepath, project, data.ext)


def _claims(path: Path, name: str) -> bool:
    """Whether a broken file says that it is the project of this name."""
    try:
        return read_mapping(path).get("name") == name
    except ConfigError:
        return False


def _merged(old: dict[str, Any], new: dict[str, Any], place: str) -> dict[str, Any]:
    out = dict(old)
    for key, value in new.items():
        known = out.get(key)
        if isinstance(known, dict) and isinstance(value, dict):
            out[key] = _merged(known, value, f"{place}{key}.")
        elif known is not None and known != value:
            raise ConfigError(f"{place}{key} has another value already", hint="change it by hand")
        else:
            out[key] = value
    return out
