"""When waiting is over, as a table."""

from __future__ import annotations

from typing import Any

import pytest

from controller.rules.waiting import Verdict, has_reached, wait_verdict
from controller.states import FlowState, JobState

J, F = JobState, FlowState
PENDING, REACHED, FAILED = Verdict.PENDING, Verdict.REACHED, Verdict.FAILED


@pytest.mark.parametrize(
    ("states", "wanted", "any_of", "stuck", "expected"),
    [
        ([], None, False, False, REACHED),
        ([J.COMPLETED, J.COMPLETED], None, False, False, REACHED),
        ([J.COMPLETED, J.RUNNING], None, False, False, PENDING),
        ([J.COMPLETED, J.RUNNING], None, True, False, REACHED),
        ([J.FAILED, J.RUNNING], None, False, False, PENDING),
        ([J.FAILED, J.RUNNING], None, True, False, FAILED),
        ([J.FAILED, J.COMPLETED], None, True, False, REACHED),
        ([J.FAILED, J.COMPLETED], None, False, False, FAILED),
        ([J.REMOTE_ERROR], None, False, False, FAILED),
        ([J.STOPPED, J.USER_STOPPED], None, False, False, FAILED),
        ([J.PAUSED], None, False, False, PENDING),
        ([J.WAITING], None, False, True, FAILED),
        ([J.WAITING, J.COMPLETED], None, False, True, FAILED),
        ([J.RUNNING], [J.RUNNING], False, False, REACHED),
        ([J.COMPLETED], [J.RUNNING], False, False, REACHED),
        ([J.FAILED], [J.RUNNING], False, False, FAILED),
        ([J.FAILED], [J.FAILED], False, False, REACHED),
        ([J.FAILED], [J.COMPLETED, J.FAILED], False, False, REACHED),
        ([J.FAILED, J.READY], [J.COMPLETED], False, False, FAILED),
        ([J.FAILED, J.READY], [J.COMPLETED], True, False, PENDING),
        ([J.READY], [J.PAUSED], False, False, PENDING),
        ([J.WAITING], [J.COMPLETED], False, True, FAILED),
        ([F.COMPLETED, F.FAILED], None, False, False, FAILED),
        ([F.RUNNING], None, False, False, PENDING),
        ([F.RUNNING], None, False, True, FAILED),
        ([F.RUNNING], [F.RUNNING], False, False, REACHED),
        ([F.PAUSED], [F.COMPLETED], False, False, PENDING),
        ([F.STOPPED], [F.COMPLETED], False, False, FAILED),
    ],
)
def test_the_verdict(
    states: Any, wanted: Any, any_of: bool, stuck: bool, expected: Verdict
) -> None:
    assert wait_verdict(states, wanted, any_of=any_of, stuck=stuck) is expected


@pytest.mark.parametrize("state", JobState)
def test_completed_lies_after_every_state_of_a_life(state: JobState) -> None:
    beside = {J.FAILED, J.REMOTE_ERROR, J.PAUSED, J.STOPPED, J.USER_STOPPED}
    assert has_reached(J.COMPLETED, [state]) is (state not in beside)
    assert has_reached(state, [state])
