"""Jobs that take, give, keep and pass on a value that a test chooses."""

from __future__ import annotations

from typing import Any

from jobflow import Response, job

SEEN: dict[str, Any] = {}
"""{name of a job's tag: what it was called with}."""
GIVEN: dict[str, Any] = {}
"""{"value": what the jobs below give}."""


@job
def see(value: Any, tag: str, other: Any = None) -> None:
    """Note the argument."""
    SEEN[tag] = value


@job
def give() -> Any:
    """Give the value as the output."""
    return GIVEN["value"]


@job
def keep() -> Response[Any]:
    """Keep the value in stored_data."""
    return Response(stored_data={"v": GIVEN["value"]})


@job
def pass_on(way: str) -> Response[Any]:
    """Pass the value to a job that the response adds."""
    return Response(**{way: see(GIVEN["value"], way)})
