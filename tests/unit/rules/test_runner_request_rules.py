"""What a runner does about a request, and what its record says of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from controller.rules.runner_requests import ProcessState, new_request, process_state

NOW = datetime(2026, 3, 1, 12)
STOP = {"id": "1", "action": "stop"}


@pytest.mark.parametrize(
    ("record", "is_new"),
    [
        ({}, False),
        ({"request": None, "answer": None}, False),
        ({"request": STOP}, True),
        ({"request": STOP, "answer": None}, True),
        ({"request": STOP, "answer": {"id": "1"}}, False),
        ({"request": STOP, "answer": {"id": "0"}}, True),
        ({"request": "stop"}, False),
    ],
)
def test_a_request_is_new_until_it_is_answered(record: dict[str, Any], is_new: bool) -> None:
    assert (new_request(record) is not None) is is_new


@pytest.mark.parametrize(
    ("seconds", "action", "has_ended", "state"),
    [
        (0, None, False, ProcessState.ALIVE),
        (30, None, False, ProcessState.ALIVE),
        (31, None, False, ProcessState.SILENT),
        (None, None, False, ProcessState.SILENT),
        (-5, None, False, ProcessState.ALIVE),  # a clock that is ahead
        (0, None, True, ProcessState.ENDED),
        (0, "stop", False, ProcessState.STOPPING),
        (0, "kill", False, ProcessState.STOPPING),
        (0, "reload", False, ProcessState.ALIVE),
        (31, "stop", False, ProcessState.SILENT),
        (0, "stop", True, ProcessState.ENDED),
    ],
)
def test_states_of_a_process(
    seconds: float | None, action: str | None, has_ended: bool, state: ProcessState
) -> None:
    record: dict[str, Any] = {
        "beat_every": 10.0,
        "request": action and {"id": "1", "action": action},
    }
    if seconds is not None:
        record["beat_on"] = NOW - timedelta(seconds=seconds)
    assert process_state(record, NOW, has_ended=has_ended) is state
