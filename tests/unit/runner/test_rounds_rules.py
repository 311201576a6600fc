"""When a round leaves all but warm processes for a while."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from controller.runner.rounds import Rounds


@pytest.mark.parametrize(
    ("ago", "had_nothing_else", "handed", "can_wait"),
    [
        (0.0, True, ["a job"], True),
        (0.0, False, ["a job"], False),
        (0.0, True, [], False),
        (1.0, True, ["a job"], False),
    ],
)
def test_all_else_is_left_while_warm_processes_are_at_work_and_had_nothing_to_do(
    ago: float, had_nothing_else: bool, handed: list[str], can_wait: bool
) -> None:
    rounds: Any = object.__new__(Rounds)
    rounds._others_at = time.monotonic() - ago
    rounds._had_nothing_else = had_nothing_else
    rounds._warm = SimpleNamespace(pools=SimpleNamespace(handed=handed))
    assert rounds._can_wait() is can_wait
