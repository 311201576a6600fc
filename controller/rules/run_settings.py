"""Run settings of jobs: which values can be stored and put into a script. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_EXEC_CONFIG: dict[str, tuple[tuple[type, ...], str]] = {
    "modules": ((list, tuple), "a list of names"),
    "export": ((Mapping,), "a dictionary of variables"),
    "pre_run": ((str,), "lines of a shell"),
    "post_run": ((str,), "lines of a shell"),
}
"""{key: (types of its values, the same in words)}, as in a project file."""
_LARGEST = 2**63 - 1


def run_settings_problem(settings: Mapping[str, Any]) -> str | None:
    """Describe what is wrong with run settings, as the rest of a sentence; None if nothing is.

    Parameters
    ----------
    settings
        As plain data, any of ``worker``, ``exec_config`` (a name, or its keys), ``resources``
        (keywords, or a serialised QResources) and ``priority``; None counts as not given.
        Other keys are not checked.
    """
    for name, check in _CHECKS.items():
        value = settings.get(name)
        if value is not None and (reason := check(value)):
            return f"{name} {reason}"
    return None


def _worker(value: Any) -> str | None:
    return None if isinstance(value, str) else f"cannot be {value!r}: use the name of a worker"


def _priority(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return f"cannot be {value!r}: use an integer"
    return None if abs(value) <= _LARGEST else f"cannot be {value}: the maximum is 63 bits"


def _resources(value: Any) -> str | None:
    if not isinstance(value, Mapping):
        return f"cannot be {value!r}: use a dictionary or a QResources"
    return next(_unwritable(value), None)


def _exec_config(value: Any) -> str | None:
    if isinstance(value, str):
        return None
    if not isinstance(value, Mapping):
        return f"cannot be {value!r}: use the name of one, an ExecutionConfig or a dictionary"
    for key, held in value.items():
        if str(key).startswith("@") or key == "retry":  # rules, which are checked elsewhere
            continue
        if key not in _EXEC_CONFIG:
            return f"has no key {key!r}: known are {', '.join(_EXEC_CONFIG)}"
        kinds, words = _EXEC_CONFIG[key]
        if held is not None and not isinstance(held, kinds):
            return f"cannot have {held!r} as {key}: use {words}"
    return next(_unwritable(value), None)


_CHECKS = {
    "worker": _worker,
    "exec_config": _exec_config,
    "resources": _resources,
    "priority": _priority,
}


def _unwritable(value: Any) -> Iterator[str]:
    """Find text that a script cannot contain."""
    if isinstance(value, str):
        if "\0" in value:
            yield f"contains a null character, in {value!r}: a script cannot contain one"
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from _unwritable(key)
            yield from _unwritable(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _unwritable(each)
