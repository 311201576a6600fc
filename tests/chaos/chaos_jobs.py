"""Jobs of random flows: each kind of response, failures, and a job that fails once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from jobflow import CURRENT_JOB, Flow, Response, job

_MARKS = "JFR_CHAOS_MARKS"
"""Environment variable: folder where a job leaves what its next run has to know."""


def total(given: tuple[Any, ...]) -> int:
    """Add up inputs; a missing one counts as zero."""
    return sum(value or 0 for value in given)


@job
def plain(*given: Any) -> int:
    """Add up."""
    return total(given) + 1


@job
def fails(*given: Any) -> int:
    """Fail."""
    raise ValueError("on purpose")


@job
def fails_once(*given: Any) -> int:
    """Fail in the first run, not in the second."""
    mark = Path(os.environ[_MARKS]) / CURRENT_JOB.job.uuid
    if not mark.exists():
        mark.touch()
        raise ValueError("on purpose, once")
    return total(given) + 1


@job
def replaced(*given: Any) -> Response[Any]:
    """Become one job."""
    return Response(replace=plain(total(given)))


@job
def replaced_by_flow(*given: Any) -> Response[Any]:
    """Become a flow of which the last job is replaced in turn."""
    first = plain(total(given))
    second = replaced(first.output)
    return Response(replace=Flow([first, second], output=second.output))


@job
def detoured(*given: Any) -> Response[Any]:
    """Put two jobs between this one and its children."""
    first = plain(total(given))
    return Response(output=total(given), detour=Flow([first, plain(first.output)]))


@job
def added(*given: Any) -> Response[Any]:
    """Add two jobs, of which one fails."""
    return Response(output=total(given), addition=Flow([plain(total(given)), fails(1)]))


@job
def everything(*given: Any) -> Response[Any]:
    """Replace, add, detour and keep data, all in one response."""
    n = total(given)
    return Response(replace=plain(n), addition=plain(n), detour=plain(n), stored_data={"n": n})


@job
def stops_children(*given: Any) -> Response[Any]:
    """Stop the children."""
    return Response(output=1, stop_children=True)


@job
def stops_flow(*given: Any) -> Response[Any]:
    """Stop the flow, and add a job that is stopped too."""
    return Response(output=1, stop_jobflow=True, addition=plain(1))


KINDS = {
    function.__name__: function
    for function in (
        plain,
        fails,
        fails_once,
        replaced,
        replaced_by_flow,
        detoured,
        added,
        everything,
        stops_children,
        stops_flow,
    )
}


def build_flow(shape: list[tuple[str, list[int], bool]]) -> Flow:
    """Build a flow.

    Parameters
    ----------
    shape
        For each job: its kind, which of the jobs before it are its parents, and whether it does
        without the outputs of those that failed.
    """
    jobs: list[Any] = []
    for kind, parents, lenient in shape:
        above = [jobs[number] for number in sorted(set(parents)) if number < len(jobs)]
        made = KINDS[kind](*(j.output for j in above)) if above else KINDS[kind](1)
        if lenient:
            made.config.on_missing_references = "none"
        jobs.append(made)
    return Flow(jobs)
