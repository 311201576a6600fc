"""Why a job does not run, as a table."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from controller.rules.why import JobFacts, ParentFacts, error_line, why_not_running
from controller.states import JobState

J = JobState
NOW = datetime(2026, 1, 2)
READY = JobFacts(db_id="7", state=J.READY, now=NOW, worker="local")
PARENT = ParentFacts("u1", "3", "relax", J.RUNNING)


@pytest.mark.parametrize(
    ("facts", "codes"),
    [
        ({}, ["soon"]),
        ({"state": J.COMPLETED, "runner_is_live": False}, ["completed"]),
        ({"state": J.FAILED, "lock_id": "x"}, ["failed", "lock"]),
        ({"state": J.REMOTE_ERROR}, ["remote-error"]),
        ({"state": J.PAUSED}, ["paused"]),
        ({"state": J.STOPPED}, ["stopped"]),
        ({"state": J.USER_STOPPED}, ["stopped"]),
        ({"state": J.WAITING}, ["readiness"]),
        ({"state": J.WAITING, "parents": (PARENT,)}, ["parent"]),
        ({"state": J.WAITING, "parents": (replace(PARENT, state=J.COMPLETED),)}, ["readiness"]),
        ({"state": J.WAITING, "parents": (replace(PARENT, state=J.FAILED),)}, ["parent"]),
        (
            {
                "state": J.WAITING,
                "parents": (replace(PARENT, state=J.FAILED),),
                "on_missing": "none",
            },
            ["readiness"],
        ),
        ({"state": J.WAITING, "parents": (ParentFacts("u1"), PARENT)}, ["parent", "parent"]),
        ({"runner_is_live": False}, ["runner"]),
        ({"worker_problem": "there is no such worker"}, ["worker"]),
        ({"max_jobs": 2, "present": 2}, ["limit"]),
        ({"max_jobs": 2, "present": 1}, ["soon"]),
        ({"max_jobs": 0, "present": 100}, ["soon"]),
        ({"ahead": 5}, ["order"]),
        ({"lock_id": "x"}, ["lock"]),
        ({"retry_on": NOW + timedelta(seconds=30), "attempts": 1}, ["retry"]),
        ({"retry_on": NOW - timedelta(seconds=30), "attempts": 1}, ["soon"]),
        ({"state": J.SUBMITTED, "process_id": "4711"}, ["queue"]),
        ({"state": J.SUBMITTED, "runner_is_live": False}, ["runner"]),
        ({"state": J.UPLOADED, "queue_reason": "QOSMaxSubmit"}, ["queue-full"]),
        (
            {
                "state": J.UPLOADED,
                "queue_reason": "QOSMaxSubmit",
                "retry_on": NOW + timedelta(seconds=30),
            },
            ["queue-full"],
        ),
        ({"state": J.RUNNING}, ["running"]),
        ({"state": J.RUNNING, "runner_is_live": False}, ["running", "runner"]),
        ({"state": J.BATCH_SUBMITTED}, ["batch"]),
        ({"state": J.UPLOADED, "max_jobs": 1, "present": 1}, ["limit"]),
        (
            {
                "worker_problem": "gone",
                "lock_id": "x",
                "retry_on": NOW + timedelta(seconds=1),
                "runner_is_live": False,
                "ahead": 1,
            },
            ["worker", "lock", "retry", "runner"],
        ),
    ],
)
def test_the_reasons(facts: dict[str, Any], codes: list[str]) -> None:
    assert [reason.code for reason in why_not_running(replace(READY, **facts))] == codes


@pytest.mark.parametrize("state", JobState)
def test_every_state_has_a_reason(state: JobState) -> None:
    reasons = why_not_running(replace(READY, state=state))
    assert reasons
    assert all(reason.text and "\n" not in reason.text for reason in reasons)


@pytest.mark.parametrize(
    ("lock", "said", "advised"),
    [
        ({"lock_owner": "process 12 on here"}, "process 12 on here is working on it", None),
        ({"lock_owner": "process 12 on here", "owner_is_dead": True}, "has ended", None),
        ({}, "other software", "jf admin unlock -did 7"),
    ],
)
def test_the_holder_of_a_lock_is_named(
    lock: dict[str, Any], said: str, advised: str | None
) -> None:
    (reason,) = why_not_running(replace(READY, lock_id="x", **lock))
    assert said in reason.text
    assert (advised is None) is (reason.advice is None)
    assert advised is None or advised in (reason.advice or "")


def test_a_waiting_parent_leads_to_the_next_question() -> None:
    facts = replace(READY, state=J.WAITING, parents=(replace(PARENT, state=J.FAILED),))
    (reason,) = why_not_running(facts)
    assert reason.text == "its parent 3 (relax) is FAILED"
    assert reason.advice == "jf job why 3"


@pytest.mark.parametrize("state", [J.FAILED, J.REMOTE_ERROR, J.COMPLETED, J.PAUSED, J.STOPPED])
def test_a_lock_on_a_job_at_rest_is_told_too(state: JobState) -> None:
    """It would refuse the very action that is advised."""
    found = why_not_running(replace(READY, state=state, lock_id="x"))
    assert [reason.code for reason in found][1:] == ["lock"]
    assert "jf admin unlock -did 7" in (found[1].advice or "")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (None, "no message was recorded"),
        ("queue.err is empty\n", "queue.err is empty"),
        (
            'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    g()\n    ^^^\n'
            "ValueError: two lines\nthe second: one\n\n  indented\n",
            "ValueError: two lines",
        ),
        (
            'Traceback (most recent call last):\n  File "a.py", line 1, in f\nKeyError: 1\n\n'
            "During handling of the above exception, another exception occurred:\n\n"
            'Traceback (most recent call last):\n  File "b.py", line 2, in g\n    raise\n'
            "pkg.errors.Bad: no\nmore",
            "pkg.errors.Bad: no",
        ),
        (
            'Traceback (most recent call last):\n  File "a.py", line 1\nAssertionError\n',
            "AssertionError",
        ),
        (
            "pre_run ended with status 7 before the job started\nqueue.err:\nmodule: not found\n",
            "pre_run ended with status 7 before the job started",
        ),
        (
            "killed: out of its time limit\nthe job was terminated (SIGTERM): cancelled, or out of "
            'its time\nTraceback (most recent call last):\n  File "a.py", line 1, in f\n    g()\n'
            "controller.execution.run._TerminatedError\n",
            "the job was terminated (SIGTERM): cancelled, or out of its time",
        ),
    ],
)
def test_what_of_an_error_is_told(error: str | None, said: str) -> None:
    assert error_line(error) == said


def test_errors_are_told_by_their_last_line() -> None:
    error = "Traceback\n  somewhere\nValueError: no such metal\n"
    (reason,) = why_not_running(replace(READY, state=J.FAILED, error=error))
    assert reason.text.endswith("ValueError: no such metal")
    assert "jf job rerun 7" in (reason.advice or "")


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        (
            {"state": J.SUBMITTED, "queue_state": "PENDING", "queue_reason": "Priority"},
            "PENDING in the queue of local: Priority (its id there is 4711)",
        ),
        ({"state": J.SUBMITTED}, "it is in the queue of local (its id there is 4711)"),
        (
            {
                "state": J.UPLOADED,
                "queue_reason": "QOSMaxSubmitJobPerUserLimit",
                "retry_on": NOW + timedelta(seconds=30),
            },
            "the queue of local accepts no more jobs: QOSMaxSubmitJobPerUserLimit; retry in 30 s",
        ),
    ],
)
def test_what_a_queue_says_is_said(facts: dict[str, Any], text: str) -> None:
    assert why_not_running(replace(READY, process_id="4711", **facts))[0].text == text
