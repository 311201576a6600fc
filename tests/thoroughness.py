"""How much is tried: `make test` takes a share of what `.ci/run` (JFR_TESTS_THOROUGH) takes."""

from __future__ import annotations

import os

THOROUGH = bool(os.environ.get("JFR_TESTS_THOROUGH"))


def examples(number: int) -> int:
    """Return how many examples a property is tried with: a quarter where there is little time."""
    return number if THOROUGH else number // 4
