"""Finding, reading and writing project files."""

from __future__ import annotations

import difflib
import json
import os
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.errors import ConfigError

if TYPE_CHECKING:
    from controller.config.models import Project

EXTENSIONS = ("json", "yaml", "toml")


@dataclass(frozen=True)
class ProjectData:
    """A project and the file it was read from."""

    filepath: str
    project: Project
    ext: str


def project_files(folder: Path) -> Iterator[Path]:
    """Yield the files of a folder that may be project files, by name."""
    if folder.is_dir():
        for path in sorted(folder.iterdir()):
            if path.suffix.lstrip(".") in EXTENSIONS and path.is_file():
                yield path


def read_mapping(path: Path) -> dict[str, Any]:
    """Read a JSON, YAML or TOML file that holds a dictionary; an empty one is empty.

    Raises
    ------
    ConfigError
        It cannot be read; the message gives file and line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    data = _parse(path, text)
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(f"{path} has to hold keys and values, not a {type(data).__name__}")
    return data


def _parse(path: Path, text: str) -> Any:
    try:
        if path.suffix == ".json":
            return json.loads(text) if text.strip() else None
        if path.suffix == ".toml":
            return tomllib.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}, line {error.lineno}: {error.msg}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: {error}") from None
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        return YAML(typ="safe").load(text)
    except MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(f"{path}{line}: {error.problem or error.context}") from None
    except YAMLError as error:
        raise ConfigError(f"{path}: {error}") from None


def parse_project(path: Path, data: dict[str, Any] | None = None) -> Project:
    """Read and check a project file.

    Raises
    ------
    ConfigError
        The message names the file, every key that is wrong, and the nearest one that is right.
    """
    from pydantic import ValidationError

    from controller.config.models import Project

    given = read_mapping(path) if data is None else data
    try:
        return Project.model_validate(given)
    except ValidationError as error:
        problems = "; ".join(_problem(e, Project) for e in error.errors())
        raise ConfigError(f"{path}: {problems}") from None


def _problem(error: Any, root: Any) -> str:
    place = [str(part) for part in error["loc"]]
    message = error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        known = _known_keys(root, place[:-1])
        near = difflib.get_close_matches(place[-1], known, n=1)
        message = "unknown key" + (f", did you mean {near[0]}?" if near else "")
    if error["type"] == "union_tag_not_found":
        message = "needs the key 'type': local, remote or separated_transfer"
    return f"{'.'.join(place) or 'project'}: {message}"


def _known_keys(model: Any, place: list[str]) -> list[str]:
    from controller.config import models, workers

    homes: dict[str, Any] = {
        "runner": models.RunnerOptions,
        "queue": models.QueueConfig,
        "exec_config": models.ExecutionConfig,
        "workers": workers.RemoteWorker,
        "remote_jobstore": models.RemoteJobStore,
    }
    found = homes.get(place[0], model) if place else model
    return [*found.model_fields]


def write_file(path: Path, data: dict[str, Any]) -> None:
    """Write plain data as JSON, YAML or TOML: the whole file or nothing, for the user alone."""
    text = _dump(path.suffix.lstrip("."), data)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _dump(extension: str, data: dict[str, Any]) -> str:
    if extension == "json":
        return json.dumps(data, indent=2) + "\n"
    if extension == "toml":
        return "\n".join(_toml(data, ())) + "\n"
    from io import StringIO

    from ruamel.yaml import YAML

    yaml, out = YAML(), StringIO()
    yaml.default_flow_style = False
    yaml.dump(data, out)
    return out.getvalue()


def _toml(data: dict[str, Any], prefix: tuple[str, ...]) -> Iterator[str]:
    """Write TOML, which has no null: such keys are left out."""
    tables = {k: v for k, v in data.items() if isinstance(v, dict)}
    if prefix:
        yield f"[{'.'.join(json.dumps(p) for p in prefix)}]"
    for key, value in data.items():
        if value is not None and key not in tables:
            yield f"{json.dumps(key)} = {json.dumps(value)}"
    for key, value in tables.items():
        yield from _toml(value, (*prefix, key))
