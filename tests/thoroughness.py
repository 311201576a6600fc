"""How much is tried: `make test` takes a share of what `.ci/run` (JFR_TESTS_THOROUGH) takes."""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import product
from typing import TypeVar

T = TypeVar("T")
THOROUGH = bool(os.environ.get("JFR_TESTS_THOROUGH"))


def examples(number: int) -> int:
    """Return how many examples a property is tried with: a quarter where there is little time."""
    return number if THOROUGH else number // 4


def share(
    items: Iterable[T], part: int = 3, first: int = 0, *, thorough: bool = THOROUGH
) -> list[T]:
    """Return one of so many, evenly spread, where there is little time; else all of them.

    Parameters
    ----------
    first
        Which ones: it tells tests apart that share the items between them.
    thorough
        Whether there is time for all.
    """
    return list(items) if thorough else list(items)[first % part :: part]


def kills(writes: int, turn: int = 0) -> list[tuple[int, bool]]:
    """Moments at which a process that writes so often is killed, or a share of them.

    Returns
    -------
    list
        (number of the write, from 1; whether it is carried out) pairs.
    """
    return share(product(range(1, writes + 1), (False, True)), first=turn)
