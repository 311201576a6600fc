"""Jobs to try things out with; workers can import them.

>>> from jobflow import Flow
>>> from controller import submit_flow
>>> first = add(1, 2)
>>> submit_flow(Flow([first, add(first.output, 3)]))  # doctest: +SKIP
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from typing import Any

from jobflow import Flow, Response, job


@job
def add(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


@job
def add_many(*to_add: float) -> float:
    """Add any number of numbers."""
    return sum(to_add)


@job
def sleep(s: float) -> float:
    """Wait for ``s`` seconds, which are the output too."""
    time.sleep(s)
    return s


@job
def add_raise(a: float, b: float) -> float:
    """Fail instead of adding two numbers."""
    raise RuntimeError(f"{a} and {b} are not added: this job fails on purpose")


@job
def make_list(a: Any, length: int | None = None) -> list[Any]:
    """Repeat ``a``, between two and five times when it is not said how often."""
    return [a] * (random.randint(2, 5) if length is None else length)


@job
def add_distributed(list_a: Sequence[float]) -> Response[Any]:
    """Add 1 to each number of a list, in a job of its own for each."""
    jobs = [add(number, 1) for number in list_a]
    return Response(replace=Flow(jobs, output=[j.output for j in jobs]))


@job
def value(n: Any) -> Any:
    """Return the input."""
    return n


@job
def conditional_sum_replace(numbers: Sequence[float], min_n: float = 10) -> Any:
    """Add numbers, and 5 again and again by further jobs, until ``min_n`` is reached."""
    total = sum(numbers)
    if total >= min_n:
        return total
    parts = [value(total), value(5)]
    rest = conditional_sum_replace([part.output for part in parts], min_n=min_n)
    return Response(replace=Flow([*parts, rest], output=rest.output))
