"""Jobs whose responses change their flow."""

from __future__ import annotations

from typing import Any

from jobflow import Flow, Response, flow, job
from monty.json import MontyDecoder


@job
def add(a: Any, b: Any = 1) -> Any:
    """Add two numbers; None counts as zero."""
    return (a or 0) + (b or 0)


@job
def fail(a: Any = None) -> Any:
    """Fail."""
    raise ValueError("on purpose")


@job
def replaced(a: Any) -> Response[Any]:
    """Become a flow of two jobs that is replaced in turn."""
    first = add(a, 10)
    second = replaced_once(first.output)
    return Response(replace=Flow([first, second], output=second.output))


@job
def replaced_once(a: Any) -> Response[Any]:
    """Become a single job."""
    return Response(replace=add(a, 100))


@job
def detoured(a: Any) -> Response[Any]:
    """Put two jobs between this one and its children."""
    first = add(a, 1)
    return Response(output=a, detour=Flow([first, add(first.output, 1)]))


@job
def everything(a: Any) -> Response[Any]:
    """Replace, add, detour and keep data, all in one response."""
    return Response(replace=add(a, 1), addition=add(a, 2), detour=add(a, 3), stored_data={"n": 1})


@job
def stopping(a: Any, children: bool = False, flow: bool = False) -> Response[Any]:
    """Stop others."""
    return Response(output=a, stop_children=children, stop_jobflow=flow, addition=add(a, 5))


@job
def adds(what: str) -> Response[Any]:
    """Add jobs that are given as JSON."""
    return Response(output=1, addition=MontyDecoder().decode(what))


@job
def several(kind: str) -> Any:
    """Give jobs in a dictionary, a tuple or a list, which replace this one; or an empty list."""
    one, two = add(1, 10), add(2, 20)
    kinds = {"dict": {"x": one, "y": two}, "tuple": (one, two), "list": [one, two]}
    return kinds.get(kind, [])


@job
def one_response_of_many() -> Any:
    """Give a Response beside other outputs."""
    return {"a": Response(output=1), "b": 2}


@job
def look(value: Any) -> Any:
    """Tell the type of an argument, and what it stands for."""
    shown = getattr(value, "value", value)
    return {
        "type": type(value).__name__,
        "value": getattr(shown, "uuid", shown),
        "uuid": getattr(value, "uuid", None),
    }


@flow
def composed(a: Any) -> Any:
    """Give jobs themselves as arguments and as parts of the output."""
    first = add(a, 1)
    return {"sum": add(first, first), "first": [first]}
