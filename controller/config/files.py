"""Finding, reading and checking project files."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.config.problems import InvalidProjectError, Problem, describe, line_of
from controller.config.tomltext import toml_lines
from controller.config.yamltext import KeyPath, YAMLTextError, load_yaml, yaml_lines
from controller.errors import ConfigError

if TYPE_CHECKING:
    from controller.config.models import Project

EXTENSIONS = ("json", "yaml", "toml")
"""File extensions of project files."""


@dataclass(frozen=True)
class ProjectData:
    """A project and the file it was read from.

    Attributes
    ----------
    filepath
        Path of the file.
    project
        The project.
    ext
        File extension: json, yaml or toml.
    """

    filepath: str
    project: Project
    ext: str


class UnreadableFileError(ConfigError):
    """A file that cannot be read, or whose content does not match its extension.

    Attributes
    ----------
    problem
        File, line and what is wrong.
    """

    def __init__(self, path: Path, message: str, line: int | None = None) -> None:
        self.problem = Problem(str(path), line, "", message)
        super().__init__(str(self.problem))


class ProjectFile:
    """A file of the folder; its content is checked on first use."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.content: dict[str, Any] = {}
        self._unreadable: str | None = None
        try:
            self.content = read_mapping(path)
        except ConfigError as error:
            self._unreadable = str(error)

    @property
    def name(self) -> str | None:
        """The project's name; None if the file does not contain one."""
        name = self.content.get("name")
        return name if isinstance(name, str) and name else None

    @cached_property
    def _checked(self) -> tuple[Project | None, str | None]:
        if self._unreadable is not None:
            return None, self._unreadable
        try:
            return parse_project(self.path, self.content), None
        except ConfigError as error:
            return None, str(error)

    @property
    def problem(self) -> str | None:
        """What is wrong with the file; None if it is valid."""
        return self._checked[1]

    @property
    def warnings(self) -> list[str]:
        """Problems that keep a valid project from running jobs."""
        project = self._checked[0]
        return [] if project is None else [str(p) for p in _store_problems(project, self.path)]

    @property
    def data(self) -> ProjectData:
        """The project and its file; only for a file without a problem."""
        project = self._checked[0]
        assert project is not None
        return ProjectData(str(self.path), project, self.path.suffix.lstrip("."))


def project_files(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder that may be project files, sorted by name.

    Raises
    ------
    ConfigError
        The folder exists but cannot be listed.
    """
    try:
        entries = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        raise ConfigError(f"cannot read the projects folder {folder}: {error.strerror}") from error
    for path in entries:
        if path.suffix.lstrip(".") in EXTENSIONS and path.is_file():
            yield path


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a JSON, YAML or TOML file that holds a mapping; an empty one is empty.

    Raises
    ------
    UnreadableFileError
        A `ConfigError`; the message gives file and line.
    """
    return _mapping(path, read_text(path))


def _mapping(path: Path, text: str) -> dict[str, Any]:
    data = _parse(path, text)
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise UnreadableFileError(
            path, f"must contain keys and values, not a {type(data).__name__}"
        )
    return data


def parse_project(
    path: Path, data: Mapping[str, Any] | None = None, *, text: str | None = None
) -> Project:
    """Read and check a project file.

    Parameters
    ----------
    path
        The file.
    data
        Its content, if it is already known or about to be written.
    text
        The same as text; problems are then reported with the line numbers of this text.

    Raises
    ------
    ConfigError
        An `UnreadableFileError`, or an `InvalidProjectError` with all that is wrong.
    """
    from pydantic import ValidationError

    from controller.config.models import Project

    if data is None:
        data = read_mapping(path) if text is None else _mapping(path, text)
    try:
        return Project.model_validate(dict(data))
    except ValidationError as error:
        lines = key_lines(path) if text is None else _lines(path, text)
        raise InvalidProjectError(describe(error, data, str(path), lines)) from None


def validate_file(path: Path, text: str | None = None) -> list[Problem]:
    """Check a project file.

    Parameters
    ----------
    text
        The text that is about to be written to it; None checks the present content.

    Returns
    -------
    list of Problem
        All problems of the file; empty if it is valid.
    """
    try:
        project = parse_project(path, text=text)
    except UnreadableFileError as error:
        return [error.problem]
    except InvalidProjectError as error:
        return error.problems
    return _store_problems(project, path, text)


def _store_problems(project: Project, path: Path, text: str | None = None) -> list[Problem]:
    """Return the reasons why stores of a project cannot be used."""
    from controller.config.store_limits import project_limits

    limits = project_limits(project)
    lines = key_lines(path) if text is None else _lines(path, text)
    return [
        Problem(
            str(path), line_of(limit.place, lines), ".".join(limit.place), limit.message, limit.hint
        )
        for limit in limits
    ]


def key_lines(path: Path) -> dict[KeyPath, int]:
    """Find the lines of the keys of a file; empty if the file cannot be read."""
    try:
        text = read_text(path)
    except UnreadableFileError:
        return {}
    return _lines(path, text)


def _lines(path: Path, text: str) -> dict[KeyPath, int]:
    return toml_lines(text) if path.suffix == ".toml" else yaml_lines(text)


def read_text(path: Path) -> str:
    """Read a file as text.

    Raises
    ------
    UnreadableFileError
        It cannot be read, or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")  # without a byte-order mark
    except OSError as error:
        raise UnreadableFileError(path, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UnreadableFileError(path, "is not UTF-8 text", line) from None


def _parse(path: Path, text: str) -> Any:
    try:
        if path.suffix == ".json":
            return json.loads(text, object_pairs_hook=_unique) if text.strip() else None
        if path.suffix == ".toml":
            return tomllib.loads(text)
        return load_yaml(text)
    except json.JSONDecodeError as error:
        raise UnreadableFileError(path, error.msg, error.lineno) from None
    except YAMLTextError as error:
        raise UnreadableFileError(path, error.message, error.line) from None
    except ValueError as error:  # from tomllib, which names the line itself, or from `_unique`
        raise UnreadableFileError(path, str(error)) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"the key {key} is given twice")
    return dict(pairs)
