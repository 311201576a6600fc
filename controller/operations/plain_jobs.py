"""Serialise ordinary jobs quickly: a large flow has thousands that differ only in their arguments.

jobflow and monty walk through a job three times to describe it, and the checks of a submission
three times more; that is most of what the submission of a large flow costs. Here one walk does it
for a job whose arguments are numbers, texts, lists, dictionaries and outputs of other jobs. All
other jobs, and the first one of each function, take the full way.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import FunctionType
from typing import TYPE_CHECKING, Any

from controller.execution.values import LARGEST_INTEGER

if TYPE_CHECKING:
    from jobflow.core.job import Job

_JOB = ("jobflow.core.job", "Job")
_CONFIG = ("jobflow.core.job", "JobConfig")
_REFERENCE = ("jobflow.core.reference", "OutputReference")
_ARGUMENTS = ("function_args", "function_kwargs")
_DEEPEST = 50
"""Maximum depth of arguments: deeper ones are left to the exact checks."""


class PlainJobs:
    """The known jobs of one flow.

    A job's description is made only if each part of it is of a kind for which all checks of
    `controller.operations.flow_serialization` are known to find nothing.
    """

    def __init__(self) -> None:
        self._fields: tuple[str, ...] = ()
        self._head: dict[str, Any] = {}
        self._functions: dict[Any, dict[str, Any]] = {}
        self._configs: dict[tuple[Any, ...], tuple[dict[str, Any], list[str]]] = {}
        self._references: dict[str, list[str]] = {}
        self._is_off = False

    def described(self, job: Any) -> dict[str, Any] | None:
        """Return a job as data, equal to `serialised_job`; None if that is uncertain."""
        if self._is_off or not self._fields or not _is_of(job, _JOB):
            return None
        function = self._functions.get(job.function) if _is_function(job.function) else None
        config = self._configs.get(_config_key(job.config) or ())
        if function is None or config is None or getattr(job, "_kwargs", None):
            return None
        data, named, elsewhere = dict(self._head), list[str](), list[str]()
        try:
            for name in self._fields:
                if name == "function":
                    data[name] = dict(function)
                elif name == "config":
                    data[name] = dict(config[0])
                    for empty in config[1]:
                        data[name][empty] = {}
                else:
                    found = named if name in _ARGUMENTS else elsewhere
                    data[name] = _plain(getattr(job, name), 0, found)
        except _NotPlain:
            return None
        self._references[data["uuid"]] = named
        return data

    def references(self, uuid: str) -> list[str] | None:
        """Return the uuids that a described job's arguments refer to, in order.

        Returns None if it was not described here.
        """
        return self._references.get(uuid)

    def learn(self, job: Job, data: Mapping[str, Any]) -> None:
        """Note how a job was described that has passed all checks."""
        if self._is_off or not _is_of(job, _JOB) or not _is_function(job.function):
            return
        key, function = _config_key(job.config), data.get("function")
        if key is None or not isinstance(function, dict) or function.get("@bound"):
            return
        self._head = {name: value for name, value in data.items() if name.startswith("@")}
        self._fields = tuple(name for name in data if not name.startswith("@"))
        self._functions[job.function] = function
        config = dict(data["config"])
        self._configs[key] = config, [name for name, value in config.items() if value == {}]
        again = self.described(job)
        # Another version of jobflow may describe a job in another way.
        self._is_off = again is not None and again != data


class _NotPlain(Exception):
    """A value takes the full way."""


def _is_of(value: Any, named: tuple[str, str]) -> bool:
    kind = type(value)
    return (kind.__module__, kind.__qualname__) == named


def _is_function(value: Any) -> bool:
    return type(value) is FunctionType


def _config_key(config: Any) -> tuple[Any, ...] | None:
    """Return what a job's settings are known by; None if they hold anything of their own."""
    if not _is_of(config, _CONFIG):
        return None
    key: list[Any] = []
    for name, value in vars(config).items():
        kind = type(value)
        if kind is dict and not value:
            value = None
        elif not (kind is bool or kind is str or hasattr(value, "value")):
            return None
        key += (name, kind, value)
    return tuple(key)


def _plain(value: Any, depth: int, named: list[str]) -> Any:
    kind = type(value)
    if kind is str:
        if not value.isascii():
            raise _NotPlain
        return value
    if value is None or kind is float or kind is bool:
        return value
    if kind is int:
        if not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
            raise _NotPlain
        return value
    if depth > _DEEPEST:
        raise _NotPlain
    if kind is list or kind is tuple:
        return [_plain(each, depth + 1, named) for each in value]
    if kind is dict:
        return _plain_dictionary(value, depth, named)
    if _is_of(value, _REFERENCE) and value.output_schema is None:
        uuid = _plain(value.uuid, depth + 1, named)
        named.append(uuid)
        return {
            "@module": _REFERENCE[0],
            "@class": _REFERENCE[1],
            "@version": None,
            "uuid": uuid,
            "attributes": _plain(value.attributes, depth + 1, named),
            "output_schema": None,
        }
    raise _NotPlain


def _plain_dictionary(value: dict[Any, Any], depth: int, named: list[str]) -> dict[str, Any]:
    for key in value:
        # Keys with @ name objects, which are checked elsewhere.
        if type(key) is not str or not key.isascii() or "\0" in key or key.startswith("@"):
            raise _NotPlain
    return {key: _plain(each, depth + 1, named) for key, each in value.items()}
