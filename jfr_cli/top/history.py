"""Numbers of the past, as far as `jf top` has seen them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

LENGTH = 120
"""Readings that are kept."""
BARS = "▁▂▃▄▅▆▇█"


class History:
    """The last values of numbers that have names."""

    def __init__(self) -> None:
        self._values: dict[str, deque[int]] = {}

    def add(self, numbers: Iterable[tuple[str, int]]) -> None:
        """Note the present value of each number."""
        for name, value in numbers:
            self._values.setdefault(name, deque(maxlen=LENGTH)).append(value)

    def of(self, name: str) -> Sequence[int]:
        """Return the values of a number, oldest first."""
        return list(self._values.get(name, ()))


def sparkline(values: Sequence[int], width: int, *, top: int | None = None) -> str:
    """Draw the last values, one character each; blanks on the left where there are fewer.

    Parameters
    ----------
    top
        Let the lowest bar mean 0, and the highest at least this. None draws from the smallest
        value to the largest.
    """
    shown = list(values)[-width:] if width > 0 else []
    if not shown:
        return " " * max(width, 0)
    low, high = (min(shown), max(shown)) if top is None else (0, max(*shown, top))
    if high == low:
        return (BARS[0] * len(shown)).rjust(width)
    steps = len(BARS) - 1
    return "".join(BARS[round((v - low) * steps / (high - low))] for v in shown).rjust(width)
