"""Jobs and flows as data. Imports monty, and numpy where a job has an array.

jobflow itself converts arrays among a job's arguments to lists, and does not serialise the contents
of a method's object. Here an array stays an array: the worker gets what the job was created with.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobflow.core.flow import Flow
    from jobflow.core.job import Job

_ARGUMENTS = ("function_args", "function_kwargs")


def serialised_job(job: Job) -> dict[str, Any]:
    """Return a job as data.

    Raises
    ------
    AttributeError, TypeError, ValueError
        Something in it cannot be serialised.
    """
    from monty.json import jsanitize

    data: dict[str, Any] = job.as_dict()
    for name in _ARGUMENTS:
        own = getattr(job, name)
        if _holds_array(own):
            kept = _with_arrays(own)
            data[name] = jsanitize(kept, strict=True, enum_values=True, allow_bson=True)
    if data["function"].get("@bound"):
        # jobflow does not serialise the contents of a method's object: enumerations, arrays.
        data["function"] = jsanitize(data["function"], strict=True, allow_bson=True)
    return data


def serialised_flow(flow: Flow | Job) -> dict[str, Any]:
    """Return a flow, or a job, as data."""
    jobs = getattr(flow, "jobs", None)
    if jobs is None:
        return serialised_job(flow)
    data: dict[str, Any] = flow.as_dict()
    if "jobs" in data:  # a subclass may describe itself in its own way
        data["jobs"] = [serialised_flow(each) for each in jobs]
    return data


def _is_array(value: Any) -> bool:
    return type(value).__module__ == "numpy" and type(value).__name__ == "ndarray"


def _is_table(value: Any) -> bool:
    kind = type(value)
    return kind.__module__.partition(".")[0] == "pandas" and kind.__name__ in (
        "DataFrame",
        "Series",
    )


def _holds_array(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_holds_array, value.values()))
    if isinstance(value, (list, tuple)):
        return any(map(_holds_array, value))
    return _is_array(value) or _is_table(value)


def _with_arrays(value: Any) -> Any:
    """Return a value whose arrays are in monty's form.

    Raises
    ------
    TypeError
        It contains a table of pandas, whose numbers monty's form would round.
    """
    from monty.json import MontyEncoder

    if isinstance(value, Mapping):
        return {key: _with_arrays(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_with_arrays(each) for each in value]
    if _is_table(value):
        raise TypeError(
            f"a {type(value).__name__} of pandas among its arguments would be changed in "
            "transfer: pass its to_dict('list'), or arrays"
        )
    return MontyEncoder().default(value) if _is_array(value) else value
