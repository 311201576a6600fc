"""The rules as tables."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest

from controller.errors import (
    ArgumentError,
    DeprecatedStateError,
    FlowLockedError,
    RemoteError,
    StateError,
    StorageUnavailableError,
)
from controller.graphs.style import job_label
from controller.rules import (
    ACTIONS,
    acceptable_parent_states,
    check_action,
    flow_state,
    get_flow_leafs,
    initial_job_state,
    is_satisfied,
    resumed_state,
)
from controller.rules.step_retry import (
    failed_step_update,
    is_busy,
    is_final,
    succeeded_step_update,
)
from controller.states import BatchState, FlowState, JobState

S = JobState
BY_SHORT = {state.short_value: state for state in JobState}


def states(text: str) -> list[JobState]:
    return [BY_SHORT[short] for short in text.split()]


@pytest.mark.parametrize(
    ("jobs", "leaves", "expected"),
    [
        ("", "", "WAITING"),
        ("W W", "W", "WAITING"),
        ("R W", "W", "READY"),
        ("R", "R", "READY"),
        ("C W", "W", "RUNNING"),
        ("C R", "R", "RUNNING"),
        ("C C", "C", "COMPLETED"),
        ("F C", "C", "COMPLETED"),
        ("F W", "W", "FAILED"),
        ("RERR W", "W", "RUNNING"),
        ("P W", "W", "PAUSED"),
        ("U ST P", "P", "STOPPED"),
        ("CA W", "W", "STOPPED"),
        ("F ST P", "P", "FAILED"),
        ("RU", "RU", "RUNNING"),
    ],
)
def test_flow_state(jobs: str, leaves: str, expected: str) -> None:
    assert flow_state(states(jobs), states(leaves)) is FlowState(expected)


def job(uuid: str, index: int = 1, *parents: str) -> dict[str, object]:
    return {"uuid": uuid, "index": index, "parents": list(parents)}


@pytest.mark.parametrize(
    ("docs", "expected"),
    [
        ([job("a")], [("a", 1)]),
        ([job("a"), job("b", 1, "a")], [("b", 1)]),
        ([job("a"), job("a", 2), job("b", 1, "a")], [("b", 1)]),
        ([job("a"), job("b", 1, "a"), job("b", 2, "a")], [("b", 2)]),
        ([job("a"), job("b")], [("a", 1), ("b", 1)]),
        ([], []),
    ],
)
def test_leaves(docs: list[dict[str, object]], expected: list[tuple[str, int]]) -> None:
    assert [(d["uuid"], d["index"]) for d in get_flow_leafs(docs)] == expected


@pytest.mark.parametrize("state", list(JobState))
@pytest.mark.parametrize("on_missing", [None, "error", "none", "pass"])
def test_which_parents_release_a_child(on_missing: str | None, state: JobState) -> None:
    tolerant = on_missing in ("none", "pass")
    expected = state is S.COMPLETED or (tolerant and state in (S.FAILED, S.USER_STOPPED))
    assert is_satisfied(on_missing, [state]) is expected
    assert (state in acceptable_parent_states(on_missing)) is expected
    assert resumed_state(on_missing, [state]) is (S.READY if expected else S.WAITING)


def test_a_job_without_parents_waits_for_nothing() -> None:
    assert is_satisfied("error", [])


@pytest.mark.parametrize(
    ("has_parents", "stopped", "expected"),
    [
        (False, False, S.READY),
        (True, False, S.WAITING),
        (False, True, S.STOPPED),
        (True, True, S.STOPPED),
    ],
)
def test_initial_state(has_parents: bool, stopped: bool, expected: JobState) -> None:
    assert initial_job_state(has_parents, stopped=stopped) is expected


ACCEPTED = {
    "rerun": "CE U SU RU RF D F RERR",
    "retry": "CE U SU RU RF D BS BR RERR",
    "pause": "R W",
    "resume": "P ST CA",
    "stop": "R CE U SU RU RF D BS BR",
    "delete": "W R CE U SU RU RF D RERR C F P ST CA",
    "set_run_properties": "R W C F P RERR ST CA",
    "stop_by_job": "W R",
}
FORCED = {"rerun": "C P ST CA BS BR"}


@pytest.mark.parametrize("action", sorted(ACCEPTED))
@pytest.mark.parametrize("state", list(JobState))
@pytest.mark.parametrize("force", [False, True])
def test_accepted_states(action: str, state: JobState, force: bool) -> None:
    allowed = set(states(ACCEPTED[action]))
    if force:
        allowed |= set(states(FORCED.get(action, "")))
    if state in allowed:
        check_action(action, "7", state, force=force)
        return
    with pytest.raises(StateError) as refused:
        check_action(action, "7", state, force=force)
    assert refused.value.db_id == "7"
    assert refused.value.state is state
    assert set(refused.value.allowed) == allowed
    assert state.value in str(refused.value)


def test_a_refusal_says_that_force_would_help() -> None:
    with pytest.raises(StateError, match="force"):
        check_action("rerun", "1", S.COMPLETED)
    with pytest.raises(StateError, match="is in state RUNNING: setting worker, resources"):
        check_action("set_run_properties", "1", S.RUNNING)


def test_every_action_has_a_row_in_this_table() -> None:
    assert set(ACTIONS) - set(ACCEPTED) == {"set_priority", "set_state"}


def test_a_renamed_state_explains_itself() -> None:
    with pytest.raises(DeprecatedStateError, match="RUN_FINISHED"):
        JobState("TERMINATED")


NOW = datetime(2026, 1, 1)


@pytest.mark.parametrize(
    ("attempts", "final", "expected"),
    [
        (0, False, {"remote.step_attempts": 1, "delay": 30}),
        (1, False, {"remote.step_attempts": 2, "delay": 300}),
        (2, False, {"remote.step_attempts": 3, "delay": 1200}),
        (3, False, {"state": "REMOTE_ERROR", "previous_state": "UPLOADED"}),
        (0, True, {"state": "REMOTE_ERROR", "previous_state": "UPLOADED"}),
    ],
)
def test_a_failed_step(attempts: int, final: bool, expected: dict[str, object]) -> None:
    update = failed_step_update(
        state=S.UPLOADED,
        attempts=attempts,
        max_attempts=3,
        delays=(30, 300, 1200),
        final=final,
        text="no",
        now=NOW,
    )
    delay = expected.pop("delay", None)
    if delay is not None:
        expected["remote.retry_time_limit"] = NOW + timedelta(seconds=float(str(delay)))
    assert update == {"remote.error": "no", "updated_on": NOW, **expected}


def test_the_last_delay_repeats() -> None:
    update = failed_step_update(
        state=S.UPLOADED,
        attempts=5,
        max_attempts=9,
        delays=(30, 300),
        final=False,
        text="no",
        now=NOW,
    )
    assert update["remote.retry_time_limit"] == NOW + timedelta(seconds=300)


def test_a_step_that_succeeds_forgets_its_failures() -> None:
    update = succeeded_step_update(NOW, 5)
    assert update["remote.step_attempts"] == 0
    assert update["remote.error"] is None
    assert update["remote.retry_time_limit"] == NOW + timedelta(seconds=5)


@pytest.mark.parametrize(
    ("error", "busy", "final"),
    [
        (FlowLockedError("held"), True, False),
        (StorageUnavailableError("away"), True, False),
        (RemoteError("once more"), False, False),
        (RemoteError("never", no_retry=True), False, True),
        (ArgumentError("wrong"), False, True),
        (RuntimeError("surprise"), False, False),
    ],
)
def test_busy_is_not_failed(error: Exception, busy: bool, final: bool) -> None:
    assert is_busy(error) is busy
    assert is_final(error) is final


@pytest.mark.parametrize("kind", [JobState, FlowState, BatchState])
def test_str_of_a_state_is_that_of_jobflow_remote(kind: type[JobState]) -> None:
    for state in kind:
        assert str(state) == f"{kind.__name__}.{state.name}"
        # Tables, messages, JSON and queries say the value.
        assert f"{state}" == f"{state:s}" == json.loads(json.dumps(state)) == state.value
        assert f"{state:<20}|" == f"{state.value:<20}|"
        assert "".join([state]) == state.value
        assert kind(state.value) is kind(state) is state


def test_the_label_of_a_picture_says_the_value_of_a_state() -> None:
    node = SimpleNamespace(db_id="1", state=JobState.COMPLETED)
    assert job_label(node, "state") == "COMPLETED"  # type: ignore[arg-type]
