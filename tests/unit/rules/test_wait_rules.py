"""When waiting is over, as a table."""

from __future__ import annotations

from typing import Any

import pytest

from controller.rules.waiting import Verdict, has_reached, is_about_to_move, wait_verdict
from controller.states import FlowState, JobState

J, F = JobState, FlowState
PENDING, REACHED, FAILED = Verdict.PENDING, Verdict.REACHED, Verdict.FAILED


@pytest.mark.parametrize(
    ("states", "wanted", "any_of", "moves", "expected"),
    [
        ([], None, False, False, REACHED),
        ([J.COMPLETED, J.COMPLETED], None, False, False, REACHED),
        ([J.COMPLETED, J.RUNNING], None, False, True, PENDING),
        ([J.COMPLETED, J.RUNNING], None, True, True, REACHED),
        ([J.FAILED, J.RUNNING], None, False, True, PENDING),
        ([J.FAILED, J.RUNNING], None, True, True, FAILED),
        ([J.FAILED, J.COMPLETED], None, True, False, REACHED),
        ([J.FAILED, J.COMPLETED], None, False, False, FAILED),
        ([J.FAILED], None, False, True, FAILED),
        ([J.REMOTE_ERROR], None, False, False, FAILED),
        ([J.STOPPED, J.USER_STOPPED], None, False, False, FAILED),
        ([J.PAUSED], None, False, True, FAILED),
        ([J.READY], None, False, True, PENDING),
        ([J.BATCH_RUNNING], None, False, True, PENDING),
        ([J.WAITING], None, False, True, PENDING),
        ([J.WAITING], None, False, False, FAILED),
        ([J.WAITING, J.COMPLETED], None, False, False, FAILED),
        ([J.RUNNING], [J.RUNNING], False, True, REACHED),
        ([J.COMPLETED], [J.RUNNING], False, False, REACHED),
        ([J.FAILED], [J.RUNNING], False, True, FAILED),
        ([J.FAILED], [J.FAILED], False, False, REACHED),
        ([J.FAILED], [J.COMPLETED, J.FAILED], False, False, REACHED),
        ([J.FAILED, J.READY], [J.COMPLETED], False, True, FAILED),
        ([J.FAILED, J.READY], [J.COMPLETED], True, True, PENDING),
        ([J.READY], [J.PAUSED], False, True, PENDING),
        ([J.PAUSED], [J.PAUSED], False, False, REACHED),
        ([J.PAUSED], [J.RUNNING], False, True, FAILED),
        ([J.WAITING], [J.COMPLETED], False, False, FAILED),
        ([F.COMPLETED, F.FAILED], None, False, False, FAILED),
        ([F.COMPLETED, F.FAILED], None, False, True, PENDING),
        ([F.FAILED], None, False, True, PENDING),
        ([F.STOPPED], None, False, True, PENDING),
        ([F.STOPPED], None, False, False, FAILED),
        ([F.COMPLETED], None, False, True, REACHED),
        ([F.RUNNING], None, False, True, PENDING),
        ([F.RUNNING], None, False, False, FAILED),
        ([F.PAUSED], None, False, False, FAILED),
        ([F.RUNNING], [F.RUNNING], False, True, REACHED),
        ([F.PAUSED], [F.COMPLETED], False, True, PENDING),
        ([F.FAILED], [F.COMPLETED], False, True, PENDING),
        ([F.STOPPED], [F.COMPLETED], False, False, FAILED),
    ],
)
def test_the_verdict(
    states: Any, wanted: Any, any_of: bool, moves: bool, expected: Verdict
) -> None:
    found = [(state, moves) for state in states]
    assert wait_verdict(found, wanted, any_of=any_of) is expected


def job(on_missing: str | None, *parents: str) -> dict[str, Any]:
    return {"parents": list(parents), "job": {"config": {"on_missing_references": on_missing}}}


@pytest.mark.parametrize(
    ("waiting", "expected"),
    [
        ([], False),
        ([job(None)], True),
        ([job(None, "done")], True),
        ([job(None, "done", "failed")], False),
        ([job("none", "done", "failed")], True),
        ([job(None, "running")], False),
        ([job(None, "deleted")], False),
        ([job(None, "failed"), job(None, "done")], True),
    ],
)
def test_what_is_about_to_move(waiting: Any, expected: bool) -> None:
    parents = {
        "done": {"state": "COMPLETED"},
        "failed": {"state": "FAILED"},
        "running": {"state": "RUNNING"},
    }
    assert is_about_to_move(waiting, parents) is expected


@pytest.mark.parametrize("state", JobState)
def test_completed_lies_after_every_state_of_a_life(state: JobState) -> None:
    beside = {J.FAILED, J.REMOTE_ERROR, J.PAUSED, J.STOPPED, J.USER_STOPPED}
    assert has_reached(J.COMPLETED, [state]) is (state not in beside)
    assert has_reached(state, [state])
