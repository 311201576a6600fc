"""Choose, create and change projects.

Every file of the folder is read, and only those that are asked for are checked: checking
costs more than reading, and a broken file must not disturb another project. Importing this
module, and reading names and raw contents, does not need pydantic.
"""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.config.files import (
    EXTENSIONS,
    ProjectData,
    ProjectFile,
    parse_project,
    project_files,
    read_mapping,
)
from controller.config.removal import Removal, plan_removal
from controller.config.settings import get_settings
from controller.config.suggestions import no_such
from controller.config.tomltext import dump_toml
from controller.config.writing import (
    back_up,
    changed_fields,
    description,
    merged,
    plain,
    project_content,
    write_file,
)
from controller.errors import ArgumentError, ConfigError, ProjectParsingError, ProjectUndefinedError
from controller.paths import inside, make_private_folder, name_problem

if TYPE_CHECKING:
    from controller.config.models import ExecutionConfig, Project
    from controller.config.workers import WorkerBase

logger = logging.getLogger(__name__)


class ConfigManager:
    """The projects of a folder.

    Parameters
    ----------
    exclude_unset, exclude_none
        Leave such fields out when `dump_project` writes a project.
    warn
        Log a warning for every file that cannot be used.
    folder
        The folder; None takes the one of the settings.
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
        """{name: file and project} of the projects that can be used, by the name of the file."""
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
            Log nothing about the invalid ones, whatever ``warn`` is.
        """
        unusable = self.unusable
        if self.warn and not suppress_warnings:
            for problem in unusable.values():
                logger.warning("%s", problem)
        return sorted(self.projects_data), sorted(unusable)

    def select_project_name(self, project_name: str | None = None) -> str:
        """Return the name meant: the one given, that of the settings, or the only one.

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
                f"a project name should be defined, known projects: {sorted(usable)}",
                hint="jf -p NAME, or the variable JFREMOTE_PROJECT",
            )
        raise ProjectUndefinedError(
            "; ".join([f"there is no usable project in {self.folder}", *self.unusable.values()]),
            hint=None if self._files else "`jf quickstart` makes one",
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

    def dump_project(self, data: ProjectData) -> None:
        """Write a project to its file.

        Fields that are not in the file get there with their defaults, unless ``exclude_unset``
        or ``exclude_none`` was set. Comments survive in YAML files only.
        """
        content = project_content(
            data.project, exclude_unset=self.exclude_unset, exclude_none=self.exclude_none
        )
        self._write(Path(data.filepath), content)

    def create_project(
        self, project: Project | Mapping[str, Any], ext: str = "yaml", *, dry_run: bool = False
    ) -> Path:
        """Write a new project file and make the project's folders.

        Parameters
        ----------
        project
            The project, or the content of its file.
        ext
            yaml, json or toml.
        dry_run
            Check everything, create nothing.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        ConfigError
            The content is wrong, the project or the file exists, or cannot be written.
        ArgumentError
            No file can have the project's name.
        """
        if ext not in EXTENSIONS:
            raise ConfigError(f"a project file is one of {', '.join(EXTENSIONS)}, not {ext!r}")
        if isinstance(project, Mapping):
            content = plain(project)
        else:
            content = project_content(project, exclude_unset=True)
        name = content.get("name")
        problem = name_problem(f"{name}.{ext}") or name_problem(str(name))
        if isinstance(name, str) and problem is not None:
            raise ArgumentError(
                f"invalid project name {name!r}: {problem}", hint="its file gets this name"
            )
        checked = parse_project(Path("the new project"), content)
        path = inside(self.folder, f"{checked.name}.{ext}")
        if path.exists() or any(f.name == checked.name for f in self._files):
            raise ConfigError(
                f"project {checked.name!r} already exists", hint="choose another name"
            )
        if dry_run:
            return path
        try:
            for folder in (checked.base_dir, checked.tmp_dir, checked.log_dir):
                make_private_folder(Path(folder))
        except OSError as error:
            raise ConfigError(f"cannot make {error.filename}: {error.strerror}") from error
        self._write(path, content)
        return path

    def remove_project(
        self, project_name: str, remove_folders: bool = True, *, dry_run: bool = False
    ) -> Removal:
        """Delete a project's file and, with ``remove_folders``, what jfr made in its base folder.

        Everything else in that folder stays, and the folder with it.

        Parameters
        ----------
        dry_run
            Delete nothing.

        Returns
        -------
        Removal
            What is deleted of the base folder, and what stays.

        Raises
        ------
        ConfigError
            No such project, none was named, or its base folder holds what belongs to another one:
            nothing is deleted.
        """
        if not project_name:
            raise ProjectUndefinedError("no project was named: nothing was deleted")
        data = self.get_project_data(project_name)
        plan = Removal()
        try:
            if remove_folders and Path(data.project.base_dir).exists():
                self._refuse_foreign(Path(data.project.base_dir), data.project)
                plan = plan_removal(data.project)
            if dry_run:
                return plan
            plan.carry_out()
            Path(data.filepath).unlink()
        except OSError as error:
            raise ConfigError(f"cannot delete {error.filename}: {error.strerror}") from error
        self._files = [f for f in self._files if str(f.path) != data.filepath]
        return plan

    def update_project(self, config: Mapping[str, Any], project_name: str | None = None) -> None:
        """Merge keys into a project file.

        Raises
        ------
        ConfigError
            A key has another value already: nothing is written.
        """
        data = self.get_project_data(project_name)
        self._write(Path(data.filepath), merged(_read(data), plain(config)))

    def backup_project(self, project_name: str | None = None) -> Path:
        """Copy a project file to the first free ``.bak.N`` beside it, and return the copy."""
        return back_up(Path(self.get_project_data(project_name).filepath))

    def get_worker(self, worker_name: str, project_name: str | None = None) -> WorkerBase:
        """Return a worker of a project."""
        return self.get_project(project_name).get_worker(worker_name)

    def set_worker(
        self,
        name: str,
        worker: WorkerBase,
        project_name: str | None = None,
        replace: bool = False,
    ) -> None:
        """Add a worker to a project file, or replace it."""
        content = {"type": worker.type, **changed_fields(worker)}
        self._set_entry("workers", name, content, project_name, replace)

    def remove_worker(self, worker_name: str, project_name: str | None = None) -> None:
        """Remove a worker from a project file."""
        self._remove_entry("workers", worker_name, project_name)

    def get_exec_config(
        self, exec_config_name: str, project_name: str | None = None
    ) -> ExecutionConfig:
        """Return an execution configuration of a project."""
        return self.get_project(project_name).get_exec_config(exec_config_name)

    def set_exec_config(
        self,
        exec_config_name: str,
        exec_config: ExecutionConfig,
        project_name: str | None = None,
        replace: bool = False,
    ) -> None:
        """Add an execution configuration to a project file, or replace it."""
        content = changed_fields(exec_config)
        self._set_entry("exec_config", exec_config_name, content, project_name, replace)

    def remove_exec_config(self, exec_config_name: str, project_name: str | None = None) -> None:
        """Remove an execution configuration from a project file."""
        self._remove_entry("exec_config", exec_config_name, project_name)

    def set_queue_db(self, store: Mapping[str, Any] | Any, project_name: str | None = None) -> None:
        """Set the store of the queue, given as description or as maggma Store.

        The other keys of the queue stay.
        """
        data = self.get_project_data(project_name)
        content = _read(data)
        queue = {**(content.get("queue") or {}), "store": description(store)}
        self._write(Path(data.filepath), {**content, "queue": queue})

    def set_jobstore(
        self, jobstore: Mapping[str, Any] | Any, project_name: str | None = None
    ) -> None:
        """Set the default JobStore, given as description or as JobStore."""
        data = self.get_project_data(project_name)
        content = {k: v for k, v in _read(data).items() if k != "JOB_STORE"}
        self._write(Path(data.filepath), {**content, "jobstore": description(jobstore)})

    def set_stores(
        self,
        queue_store: Mapping[str, Any],
        jobstores: Mapping[str | None, Mapping[str, Any]],
        project_name: str | None = None,
    ) -> None:
        """Set the store of the queue and JobStores in one write.

        Parameters
        ----------
        jobstores
            {name: description} of those that change; None is the name of the default one.
        """
        data = self.get_project_data(project_name)
        content = _read(data)
        content["queue"] = {**(content.get("queue") or {}), "store": plain(queue_store)}
        for name, described in jobstores.items():
            if name is None:
                content.pop("JOB_STORE", None)
                content["jobstore"] = plain(described)
            else:
                content["optional_jobstores"] = {
                    **(content.get("optional_jobstores") or {}),
                    name: plain(described),
                }
        self._write(Path(data.filepath), content)

    def _usable(self) -> dict[str, list[ProjectFile]]:
        """{name: the usable files that have it}."""
        found: dict[str, list[ProjectFile]] = {}
        for file in self._files:
            if file.problem is None:
                found.setdefault(str(file.name), []).append(file)
        return found

    def _set_entry(
        self, group: str, name: str, content: Any, project_name: str | None, replace: bool
    ) -> None:
        data = self.get_project_data(project_name)
        old = _read(data)
        entries = dict(old.get(group) or {})
        if name in entries and not replace:
            raise ConfigError(
                f"project {data.project.name} has a {group} entry {name!r} already",
                hint="replace=True replaces it",
            )
        self._write(Path(data.filepath), {**old, group: {**entries, name: content}})

    def _remove_entry(self, group: str, name: str, project_name: str | None) -> None:
        data = self.get_project_data(project_name)
        old = _read(data)
        entries = dict(old.get(group) or {})
        if name not in entries:
            raise ConfigError(
                f"project {data.project.name} has no {group} entry {name!r}",
                hint=no_such(name, entries),
            )
        del entries[name]
        self._write(Path(data.filepath), {**old, group: entries})

    def _write(self, path: Path, content: Mapping[str, Any]) -> None:
        """Check the content, write it, and use it from now on."""
        project = parse_project(path, content)
        if path.suffix == ".toml":
            written = parse_project(path, tomllib.loads(dump_toml(content)))
            if written != project:
                raise ConfigError(
                    "TOML has no null, which this project needs", hint="use YAML or JSON"
                )
        write_file(path, content)
        file = ProjectFile(path)
        others = [f for f in self._files if f.path != path]
        self._files = sorted([*others, file], key=lambda f: f.path)

    def _refuse_foreign(self, base: Path, project: Project) -> None:
        """Refuse to delete a folder with files of other projects."""
        base = base.resolve()
        foreign = [self.folder.resolve(), Path.home().resolve()]
        for other in self.projects.values():
            if other.name != project.name:
                foreign += [folder.resolve() for folder in other.folders.values()]
        for name, content in self.raw_contents().items():
            if name != project.name:  # stores and work folders too, whatever kind they are of
                foreign += [path.resolve() for path in _paths_in(content)]
        for path in foreign:
            if path == base or base in path.parents:
                raise ConfigError(
                    f"{base} is not deleted: it holds {path} too",
                    hint="keep the folders, and delete what is not needed by hand",
                )


def _paths_in(content: Any) -> list[Path]:
    """Return every absolute path that the content of a project file names."""
    if isinstance(content, Mapping):
        return [path for value in content.values() for path in _paths_in(value)]
    if isinstance(content, (list, tuple)):
        return [path for value in content for path in _paths_in(value)]
    is_path = isinstance(content, str) and content.startswith(("/", "~/")) and "\0" not in content
    return [Path(content).expanduser()] if is_path else []


def _duplicate(name: str, files: list[ProjectFile]) -> ProjectParsingError:
    return ProjectParsingError(
        f"the project name {name!r} is used by {' and '.join(str(f.path) for f in files)}",
        hint="change the key 'name' in one of them, or move it away",
    )


def _read(data: ProjectData) -> dict[str, Any]:
    """The content of a project's file as it is now."""
    return read_mapping(Path(data.filepath))
