"""Writing project files: completely or not at all, and keeping comments where possible."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from enum import Enum
from io import StringIO
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from controller.config.tomltext import dump_toml
from controller.config.yamltext import YAMLTextError, load_yaml
from controller.errors import ConfigError
from controller.paths import PRIVATE_FILE, make_private_folder, open_private

if TYPE_CHECKING:
    from controller.config.models import Project


def write_file(path: Path, data: Mapping[str, Any]) -> None:
    """Write plain data to a JSON, YAML or TOML file, atomically.

    Comments of an existing YAML file survive beside the keys that stay. An existing file keeps
    its mode, a new one is for the user alone. A symbolic link stays one.

    Raises
    ------
    ConfigError
        The file cannot be written; it is left unchanged.
    """
    try:
        text = file_text(path.resolve(), data)
    except OSError as error:
        raise _cannot_write(path, error) from error
    write_text(path, text)


def write_text(path: Path, text: str) -> None:
    """Write a text, which may contain comments, to a file as `write_file` does.

    Raises
    ------
    ConfigError
        The file cannot be written; it is left unchanged.
    """
    target = path.resolve()
    try:
        make_private_folder(target.parent)
        mode = target.stat().st_mode & 0o777 if target.exists() else PRIVATE_FILE
        _replace(target, text, mode)
    except OSError as error:
        raise _cannot_write(path, error) from error


def back_up(path: Path) -> Path:
    """Copy a file to the first free ``.bak.N`` beside it, and return the copy.

    Raises
    ------
    ConfigError
        The copy cannot be written.
    """
    number = 0
    while (copy := path.with_name(f"{path.name}.bak.{number}")).exists():
        number += 1
    try:
        with path.open("rb") as old, open_private(copy, "xb") as new:
            shutil.copyfileobj(old, new)
        shutil.copystat(path, copy)
    except OSError as error:
        raise _cannot_write(copy, error) from error
    return copy


def _cannot_write(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"cannot write {path}: {error.strerror or error}", hint="is the disk full or read-only?"
    )


def plain(value: Any) -> Any:
    """Turn paths, enumerations and tuples into what every format can write."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(v) for v in value]
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, PurePath) else value


def _replace(target: Path, text: str, mode: int) -> None:
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # otherwise a loss of power may restore the old file
    finally:
        os.close(folder)


def file_text(path: Path, data: Mapping[str, Any]) -> str:
    """Return what `write_file` writes."""
    data = plain(data)
    if path.suffix == ".json":
        return json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n"
    if path.suffix == ".toml":
        return dump_toml(data)
    if path.exists():
        text = _updated_yaml(path.read_text(encoding="utf-8-sig"), data)
        if _same_yaml(text, data):
            return text
    return _dump_yaml(dict(data))


def _same_yaml(text: str, data: Mapping[str, Any]) -> bool:
    try:
        return bool(load_yaml(text) == data)
    except YAMLTextError:
        return False


def _updated_yaml(old: str, data: Mapping[str, Any]) -> str:
    """Change an existing document key by key, so that what stays keeps its comments.

    Merge keys and anchors can make the result differ from ``data``; the caller checks that.
    """
    from ruamel.yaml.error import YAMLError

    try:
        document = _round_trip().load(old)
    except YAMLError:
        return ""
    if not isinstance(document, dict):
        return ""
    _update(document, data)
    return _dump_yaml(document)


def _update(document: Any, data: Mapping[str, Any]) -> None:
    for key in [k for k in document if k not in data]:
        del document[key]
    for key, value in data.items():
        old = document.get(key)
        if isinstance(old, dict) and old and isinstance(value, Mapping) and value:
            _update(old, value)
        elif key not in document or old != value:
            document[key] = value


def _dump_yaml(document: Any) -> str:
    out = StringIO()
    _round_trip().dump(document, out)
    return out.getvalue()


def _round_trip() -> Any:
    from ruamel.yaml import YAML

    yaml = YAML()
    yaml.default_flow_style = False
    yaml.preserve_quotes = True
    yaml.width = 4096  # long commands stay on one line
    return yaml


def description(store: Any) -> dict[str, Any]:
    """Return the description of a store, which may be given as a maggma Store."""
    described = store.as_dict() if hasattr(store, "as_dict") else store
    return dict(plain(described))


def changed_fields(model: Any) -> dict[str, Any]:
    """Return the fields that differ from their defaults; they describe the model completely."""
    return dict(model.model_dump(mode="json", exclude_defaults=True))


def project_content(project: Project, **how: bool) -> dict[str, Any]:
    """Return what to write for a project; the type of a worker is never left out."""
    content = project.model_dump(mode="json", **how)  # type: ignore[arg-type]
    for name, worker in project.workers.items():
        content["workers"][name] = {"type": worker.type, **content["workers"][name]}
    return content


def merged(old: Mapping[str, Any], new: Mapping[str, Any], place: str = "") -> dict[str, Any]:
    """Add keys to the content of a file, as deep as both have mappings.

    Raises
    ------
    ConfigError
        A key already has another value.
    """
    out = dict(old)
    for key, value in new.items():
        known = out.get(key)
        if isinstance(known, Mapping) and isinstance(value, Mapping):
            out[key] = merged(known, value, f"{place}{key}.")
        elif known is not None and known != value:
            raise ConfigError(
                f"{place}{key} already has another value", hint="change it in the file"
            )
        else:
            out[key] = value
    return out
