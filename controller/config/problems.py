"""What is wrong with a project file, and what to write instead."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from controller.config.masking import is_secret
from controller.config.suggestions import nearest, no_such
from controller.config.yamltext import KeyPath
from controller.errors import ProjectParsingError

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError


_TOLD = 3
"""Number of problems that an error lists; the others are only counted."""

Location = tuple[str | int, ...]
"""Path from the top level of the data to a value."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a file.

    Attributes
    ----------
    file
        Its path.
    line
        Line number, counted from 1; None if unknown.
    key
        The key concerned, with dots between levels; empty for the whole file.
    message
        What is wrong.
    hint
        What to write instead.
    """

    file: str
    line: int | None
    key: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        separator = ", " if self.line else ": "
        return f"{self.file}{separator}{self.in_file}"

    @property
    def in_file(self) -> str:
        """The problem without the name of the file."""
        line = f"line {self.line}: " if self.line else ""
        key = f"{self.key}: " if self.key else ""
        return f"{line}{key}{self.message}{f' ({self.hint})' if self.hint else ''}"


class InvalidProjectError(ProjectParsingError):
    """A project file that cannot be used.

    Attributes
    ----------
    problems
        All problems of the file, in the order of its lines.
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        told = [str(problems[0]), *(p.in_file for p in problems[1:_TOLD])]
        if len(problems) > _TOLD:
            told.append(f"and {len(problems) - _TOLD} more")
        super().__init__("; ".join(told))
        self.problems = list(problems)


def describe(
    error: ValidationError, data: Any, file: str, lines: Mapping[KeyPath, int]
) -> list[Problem]:
    """Translate pydantic's findings about a project.

    Parameters
    ----------
    data
        The data that was validated.
    lines
        {key: line number}, see `key_lines`.
    """
    found: dict[Location, list[Any]] = {}
    for item in error.errors(include_url=False):
        found.setdefault(_location(item, data), []).append(item)
    problems = []
    for path, items in found.items():
        deeper = any(len(p) > len(path) and p[: len(path)] == path for p in found)
        if deeper and len(items) == 1 and items[0]["type"] in _WRONG_TYPE:
            continue  # the other branch of a union, where the inner problem is what counts
        message, hint = _sentence(items, path, data)
        written = tuple(map(str, path))
        problems.append(Problem(file, line_of(written, lines), ".".join(written), message, hint))
    return sorted(problems, key=lambda p: (p.line or 0, p.key))


def _location(item: Any, data: Any) -> Location:
    """Drop from pydantic's location what is not in the data: names of union branches."""
    path: list[str | int] = []
    here = data
    for part in item["loc"]:
        if _has(here, part):
            path.append(part)
            here = here[part]
    if item["type"] == "missing":
        path.append(item["loc"][-1])
    return tuple(path)


def _has(value: Any, part: str | int) -> bool:
    if isinstance(value, Mapping):
        return part in value
    return isinstance(value, (list, tuple)) and isinstance(part, int) and part < len(value)


def line_of(path: KeyPath, lines: Mapping[KeyPath, int]) -> int | None:
    """Return the line of a key, or of the nearest level above that is in the file."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


_WRONG_TYPE: dict[str, str] = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "list_type": "a list",
    "tuple_type": "a list",
    "path_type": "a path",
}


def _sentence(items: Sequence[Any], path: Location, data: Any) -> tuple[str, str | None]:
    kinds = list(dict.fromkeys(_WRONG_TYPE.get(item["type"], "") for item in items))
    first = items[0]
    if all(kinds):
        hint = "put it in quotes" if "text" in kinds and _is_scalar(first["input"]) else None
        return f"must be {' or '.join(kinds)}{_not(first, path)}", hint
    special = _SENTENCES.get(first["type"])
    if special is not None:
        return special(first, path, data)
    cause = first.get("ctx", {}).get("error")
    message = getattr(cause, "message", None) or str(cause or first["msg"])
    return message, getattr(cause, "hint", None)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (int, float))


def _not(item: Any, path: Location) -> str:
    """The value that was given, unless it is long or secret."""
    value = item["input"]
    if isinstance(value, (Mapping, list, tuple)):
        return f", not a {'mapping' if isinstance(value, Mapping) else 'list'}"
    if any(is_secret(part) for part in path) or len(repr(value)) > 60:
        return ""
    return f", not {value!r}"


def _missing(item: Any, path: Location, data: Any) -> tuple[str, str | None]:
    return "this key is missing", None


def _unknown(item: Any, path: Location, data: Any) -> tuple[str, str | None]:
    key, known = str(path[-1]), _known_keys(path[:-1], data)
    near = nearest(key, known)
    if near is None:
        homes = [place for place, keys in _homes() if key in keys]
        if homes:
            return "unknown key here", f"it belongs to {' or '.join(homes)}"
    return "unknown key", no_such(key, known)


def _no_worker_type(item: Any, path: Location, data: Any) -> tuple[str, str | None]:
    return "needs the key 'type'", "type: local, remote or separated_transfer"


def _wrong_worker_type(item: Any, path: Location, data: Any) -> tuple[str, str | None]:
    given = item["ctx"]["tag"]
    types = ("local", "remote", "separated_transfer")
    near = nearest(str(given), types)
    return (
        f"type must be one of {', '.join(types)}, not {given!r}",
        f"did you mean {near}?" if near else None,
    )


def _not_one_of(item: Any, path: Location, data: Any) -> tuple[str, str | None]:
    return f"must be {item['ctx']['expected'].replace(chr(39), '')}{_not(item, path)}", None


def _out_of_range(words: str, limit: str) -> Callable[..., tuple[str, str | None]]:
    def sentence(item: Any, path: Location, data: Any) -> tuple[str, str | None]:
        return f"must be {words} {item['ctx'][limit]:g}{_not(item, path)}", None

    return sentence


def _empty(item: Any, path: Location, data: Any) -> tuple[str, str | None]:
    return "must not be empty", None


_SENTENCES: dict[str, Callable[[Any, Location, Any], tuple[str, str | None]]] = {
    "missing": _missing,
    "extra_forbidden": _unknown,
    "union_tag_not_found": _no_worker_type,
    "union_tag_invalid": _wrong_worker_type,
    "enum": _not_one_of,
    "literal_error": _not_one_of,
    "greater_than": _out_of_range("more than", "gt"),
    "greater_than_equal": _out_of_range("at least", "ge"),
    "less_than_equal": _out_of_range("at most", "le"),
    "string_too_short": _empty,
    "too_short": _empty,
}


def _known_keys(place: Location, data: Any) -> list[str]:
    """Keys that are accepted at a place of a project file."""
    return list(_model_at(place, data).model_fields)


def _model_at(place: Location, data: Any) -> type[BaseModel]:
    from controller.config import models, workers

    if not place:
        return models.Project
    if place[-1] == "batch":
        return workers.BatchConfig
    if place[-1] in ("gateway", "transfer"):
        return workers.ConnectionData
    if place[0] == "workers":
        return _worker_model(data["workers"][place[1]].get("type"))
    known: dict[str, type[BaseModel]] = {
        "runner": models.RunnerOptions,
        "queue": models.QueueConfig,
        "exec_config": models.ExecutionConfig,
        "remote_jobstore": models.RemoteJobStore,
    }
    return known[str(place[0])]


def _worker_model(kind: Any) -> type[BaseModel]:
    from controller.config import workers

    known: dict[Any, type[BaseModel]] = {
        "local": workers.LocalWorker,
        "remote": workers.RemoteWorker,
        "separated_transfer": workers.SeparatedTransferWorker,
    }
    return known.get(kind, workers.WorkerBase)


def _homes() -> Iterable[tuple[str, Iterable[str]]]:
    """Where a key that is unknown at one place may belong."""
    from controller.config import models, workers

    return (
        ("the top level", models.Project.model_fields),
        ("runner", models.RunnerOptions.model_fields),
        ("queue", models.QueueConfig.model_fields),
        ("exec_config", models.ExecutionConfig.model_fields),
        ("every worker", workers.WorkerBase.model_fields),
        ("workers of type remote", workers.RemoteWorker.model_fields),
        ("the batch of a worker", workers.BatchConfig.model_fields),
    )
