"""Jobs whose responses change their flow."""

from __future__ import annotations

from typing import Any

from jobflow import Flow, Response, job
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
