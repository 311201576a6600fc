"""Choose, create and change projects; pydantic is not imported until a project is checked."""

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
    read_mapping,
)
from controller.config.folder import ProjectFolder
from controller.config.removal import Removal, plan_removal
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
from controller.errors import ArgumentError, ConfigError, ProjectUndefinedError
from controller.paths import inside, make_private_folder, name_problem

if TYPE_CHECKING:
    from controller.config.models import ExecutionConfig, Project
    from controller.config.workers import WorkerBase

logger = logging.getLogger(__name__)


class ConfigManager(ProjectFolder):
    """The projects of a folder.

    Parameters
    ----------
    exclude_unset, exclude_none
        Leave out fields that were not set, or are None, when `dump_project` writes a project.
    warn
        Log a warning for every file that cannot be used.
    folder
        The folder; None means the one in the settings.
    """

    def dump_project(self, data: ProjectData) -> None:
        """Write a project to its file.

        Fields that the file lacks are written with their defaults, unless ``exclude_unset``
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
            Check everything, but create nothing.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        ConfigError
            The content is invalid, the project or its file already exists, or it cannot be written.
        ArgumentError
            The project's name cannot be the name of a file.
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
                f"invalid project name {name!r}: {problem}", hint="the project file gets this name"
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
            raise ConfigError(f"cannot create {error.filename}: {error.strerror}") from error
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
            There is no such project, none was named, or its base folder contains files of another
            project. Nothing is deleted.
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
            A key already has another value; nothing is written.
        """
        data = self.get_project_data(project_name)
        self._write(Path(data.filepath), merged(_read(data), plain(config)))

    def backup_project(self, project_name: str | None = None) -> Path:
        """Copy a project file to the first free ``.bak.N`` beside it, and return the copy."""
        return back_up(Path(self.get_project_data(project_name).filepath))

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
        """Set the store of the queue, given as a description or as a maggma Store.

        The other keys of the queue are kept.
        """
        data = self.get_project_data(project_name)
        content = _read(data)
        queue = {**(content.get("queue") or {}), "store": description(store)}
        self._write(Path(data.filepath), {**content, "queue": queue})

    def set_jobstore(
        self, jobstore: Mapping[str, Any] | Any, project_name: str | None = None
    ) -> None:
        """Set the default JobStore, given as a description or as a JobStore."""
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

    def _set_entry(
        self, group: str, name: str, content: Any, project_name: str | None, replace: bool
    ) -> None:
        data = self.get_project_data(project_name)
        old = _read(data)
        entries = dict(old.get(group) or {})
        if name in entries and not replace:
            raise ConfigError(
                f"project {data.project.name} has a {group} entry {name!r} already",
                hint="pass replace=True to replace it",
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
                    f"{base} is not deleted: it also contains {path}",
                    hint="keep the folders, and delete by hand what you do not need",
                )


def _paths_in(content: Any) -> list[Path]:
    """Return every absolute path that the content of a project file names."""
    if isinstance(content, Mapping):
        return [path for value in content.values() for path in _paths_in(value)]
    if isinstance(content, (list, tuple)):
        return [path for value in content for path in _paths_in(value)]
    is_path = isinstance(content, str) and content.startswith(("/", "~/")) and "\0" not in content
    return [Path(content).expanduser()] if is_path else []


def _read(data: ProjectData) -> dict[str, Any]:
    """The content of a project's file as it is now."""
    return read_mapping(Path(data.filepath))
