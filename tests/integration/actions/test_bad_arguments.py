"""What cannot be meant is refused by every method alike, says what to do, and changes nothing."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from staged import Stage

from controller.errors import (
    ArgumentError,
    ControllerError,
    FlowLockedError,
    FlowNotFoundError,
    JobLockedError,
    JobNotFoundError,
    LockedDocumentError,
    NotFoundError,
)
from controller.jobcontroller import JobController
from controller.operations import chunks
from controller.states import JobState

NEEDED: dict[str, dict[str, Any]] = {
    "set_job_state": {"state": "FAILED"},
    "set_jobs_state": {"state": "FAILED"},
    "set_job_doc_properties": {"values": {"priority": 3}},
    "set_job_run_properties": {"priority": 3},
}
"""What a method needs beside the jobs."""
ONE = [
    "pause_job",
    "resume_job",
    "play_job",
    "stop_job",
    "rerun_job",
    "retry_job",
    "delete_job",
    "set_job_state",
    "set_job_doc_properties",
    "get_job_output",
    "get_job_history",
    "get_job_info",
    "get_job_doc",
]
MANY = [
    "pause_jobs",
    "resume_jobs",
    "play_jobs",
    "stop_jobs",
    "rerun_jobs",
    "retry_jobs",
    "delete_jobs",
    "set_jobs_state",
    "set_job_run_properties",
    "unlock_jobs",
    "get_jobs_info",
    "get_jobs_doc",
    "count_jobs",
]
READING = {name for name in [*ONE, *MANY] if name.startswith(("get_", "count_"))}
FLOW = ["resume_flow", "set_flow_store"]
UNKNOWN = "00000000-0000-4000-8000-00000000dead"
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
STATES = {"retry": "REMOTE_ERROR", "resume": "PAUSED", "play": "PAUSED", "rerun": "FAILED"}
"""In which state a job must be so that an action accepts it; READY for the others."""


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Flows that no test of this module changes."""
    folder = tmp_path_factory.mktemp("crowd")
    made = Stage({"type": "EmbeddedStore", "path": str(folder / "queue.db")}, folder)
    made.flow(x="READY", y=("WAITING", "x"), z="COMPLETED")
    made.flow(x="PAUSED", y="RUNNING", z=("REMOTE_ERROR", {"previous_state": "UPLOADED"}))
    yield made
    made.controller.close()


def call(stage: Stage, name: str, /, **arguments: Any) -> Any:
    """Call a method with what it needs and what is given."""
    method: Callable[..., Any] = getattr(stage.controller, name)
    return method(**{**NEEDED.get(name, {}), **arguments})


def contents(stage: Stage) -> Any:
    """Everything that an action could have changed, but for locks that were given back."""
    found = [*stage.controller.jobs.find({}), *stage.controller.flows.find({})]
    traces = ("lock_time", "lock_lease")
    return [d if d["lock_id"] else {k: v for k, v in d.items() if k not in traces} for d in found]


def refused(stage: Stage, name: str, kind: type[ControllerError], /, **arguments: Any) -> str:
    """Assert that a call is refused, says what to do, and changes nothing; returns the words."""
    before = contents(stage)
    with pytest.raises(kind) as caught:
        call(stage, name, **arguments)
    assert contents(stage) == before
    assert caught.value.hint, f"{caught.value!s} does not say what to do"
    return str(caught.value)


_OTHERS = ("generate", "lock", "update", "get_events")


def test_every_method_on_jobs_is_tried() -> None:
    takes_one, takes_many = set(), set()
    for name, method in inspect.getmembers(JobController, callable):
        parameters = {} if name.startswith("_") else inspect.signature(method).parameters
        if "job_index" in parameters and not name.startswith(_OTHERS):
            takes_one.add(name)
        if "db_ids" in parameters and "workers" in parameters and name != "get_events":
            takes_many.add(name)
    assert takes_one - {"get_job_info_by_job_uuid"} == set(ONE)
    assert takes_many | {"unlock_jobs"} == set(MANY)


# ------------------------------------------------------------------ one job


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "either db_id or job_id"),
        ({"db_id": "1", "job_id": UNKNOWN}, "either db_id or job_id"),
        ({"db_id": ["1"]}, r"db_id cannot be ['1']"),
        ({"db_id": 1.5}, "db_id cannot be 1.5"),
        ({"db_id": True}, "db_id cannot be True"),
        ({"job_id": 7}, "job_id cannot be 7"),
        ({"job_id": {"$ne": None}}, "job_id cannot be"),
        ({"job_id": UNKNOWN, "job_index": "1"}, "job_index cannot be '1'"),
    ],
)
def test_one_job_that_is_not_named(crowd: Stage, arguments: dict[str, Any], words: str) -> None:
    for name in ONE:
        assert words in refused(crowd, name, ArgumentError, **arguments)


@pytest.mark.parametrize("name", sorted(set(ONE) - {"get_job_info", "get_job_doc"}))
def test_one_job_that_does_not_exist(crowd: Stage, name: str) -> None:
    uuid = crowd.job("1")["uuid"]
    assert "999" in refused(crowd, name, JobNotFoundError, db_id="999")
    assert UNKNOWN in refused(crowd, name, JobNotFoundError, job_id=UNKNOWN)
    words = refused(crowd, name, JobNotFoundError, job_id=uuid, job_index=7)
    assert f"{uuid} with index 7" in words


@pytest.mark.parametrize("name", ["get_job_info", "get_job_doc"])
def test_one_job_that_is_not_found_is_none(crowd: Stage, name: str) -> None:
    assert call(crowd, name, db_id="999") is None
    assert call(crowd, name, job_id=crowd.job("1")["uuid"], job_index=7) is None


# ------------------------------------------------------------------ many jobs


def taken(name: str, arguments: dict[str, Any]) -> bool:
    """Whether a method has these parameters; `unlock_jobs` has no custom query."""
    has = set(arguments) <= set(inspect.signature(getattr(JobController, name)).parameters)
    assert has or (name == "unlock_jobs" and "custom_query" in arguments), name
    return has


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"db_ids": 1.5}, "db_ids must be"),
        ({"db_ids": {"$ne": "1"}}, "db_ids must be"),
        ({"db_ids": [True]}, "db_ids must contain"),
        ({"flow_ids": [None]}, "flow_ids must contain"),
        ({"job_ids": 5}, "job_ids must"),
        ({"job_ids": [UNKNOWN]}, "(uuid, index) pairs"),
        ({"job_ids": [(UNKNOWN, "1")]}, "(uuid, index) pairs"),
        ({"job_ids": [(UNKNOWN, True)]}, "(uuid, index) pairs"),
        ({"job_ids": {UNKNOWN: 1}}, "(uuid, index) pairs"),
        ({"states": "FALED"}, "'FALED' is not a job state"),
        ({"states": ["READY", 3]}, "'3' is not a job state"),
        ({"states": 3}, "states must be JobState members"),
        ({"name": 5}, "name must be a string"),
        ({"workers": [1.5]}, "workers must contain"),
        ({"metadata": ["a"]}, "metadata must be a dictionary"),
        ({"metadata": {"$where": "1"}}, "cannot be a metadata key"),
        ({"metadata": {"a.$b": 1}}, "cannot be a metadata key"),
        ({"metadata": {"a..b": 1}}, "cannot be a metadata key"),
        ({"metadata": {"": 1}}, "cannot be a metadata key"),
        ({"start_date": "2026-01-02"}, "start_date must be a datetime"),
        ({"end_date": 5}, "end_date must be a datetime"),
        ({"start_date": NOON, "end_date": NOON - timedelta(hours=1)}, "is after"),
        ({"start_date": NOON, "end_date": datetime(2025, 12, 1)}, "is after"),
        ({"custom_query": ["state"]}, "must be a dictionary"),
        ({"custom_query": "state"}, "must be a dictionary"),
        ({"custom_query": {"state": "READY"}, "states": "READY"}, "both have a condition on state"),
        ({"custom_query": {"db_id": "1"}, "db_ids": "1"}, "both have a condition on db_id"),
        (
            {"custom_query": {"updated_on": None}, "start_date": NOON},
            "both have a condition on updated_on",
        ),
        ({"custom_query": {"job.name": "x"}, "name": "x"}, "both have a condition on job.name"),
    ],
)
def test_many_jobs_that_cannot_be_meant(
    crowd: Stage, arguments: dict[str, Any], words: str
) -> None:
    for name in MANY:
        given = dict(arguments)
        if name == "count_jobs" and "custom_query" in given:
            given["query"] = given.pop("custom_query")
        if taken(name, given):
            assert words in refused(crowd, name, ArgumentError, **given)


@pytest.mark.parametrize(
    "arguments",
    [
        {"db_ids": []},
        {"job_ids": []},
        {"flow_ids": []},
        {"states": []},
        {"workers": []},
        {"db_ids": "999"},
        {"job_ids": (UNKNOWN, 1)},
        {"flow_ids": [UNKNOWN, "999"]},
        {"name": ""},
        {"metadata": {"a.b": 1}},
        {"metadata": {"a": {"$ne": 1}}},
        {"metadata": {"a": "$state"}},
        {"start_date": datetime(2999, 1, 1)},
        {"end_date": datetime(2000, 1, 1, tzinfo=UTC)},
    ],
)
def test_what_matches_nothing_changes_nothing(crowd: Stage, arguments: dict[str, Any]) -> None:
    before = contents(crowd)
    for name in MANY:
        if taken(name, arguments):
            done = call(crowd, name, **arguments)
            assert done in ([], 0), name
            assert getattr(done, "matched", 0) == 0, name
    assert contents(crowd) == before


@pytest.mark.parametrize("name", sorted(set(MANY) - READING - {"unlock_jobs"}))
def test_naive_times_are_local_and_may_be_mixed_with_aware_ones(crowd: Stage, name: str) -> None:
    stored = crowd.job("1")["updated_on"].replace(tzinfo=UTC)
    local = stored.astimezone().replace(tzinfo=None)
    hour = timedelta(hours=1)
    for start, end in [(local, stored + hour), (stored, local + hour)]:
        window = {"start_date": start, "end_date": end, "dry_run": True, "raise_on_error": False}
        assert call(crowd, name, db_ids="1", **window).matched == 1
    late = {"start_date": local + hour, "dry_run": True}
    assert call(crowd, name, db_ids="1", **late).matched == 0


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("delete_jobs", {"max_limit": 5}, "6 jobs are selected, more than the limit of 5"),
        ("delete_jobs", {"max_limit": -1}, "max_limit cannot be -1"),
        ("delete_jobs", {"max_limit": None}, "max_limit cannot be None"),
        ("delete_flows", {"max_limit": 1}, "2 flows are selected, more than the limit of 1"),
        ("delete_flows", {"max_limit": "x"}, "max_limit cannot be 'x'"),
        ("delete_flows", {"flow_ids": 1.5}, "flow_ids must be"),
        ("set_jobs_state", {"state": "DONE"}, "'DONE' is not a job state"),
        ("set_job_state", {"state": None, "db_id": "1"}, "'None' is not a job state"),
        ("set_job_doc_properties", {"values": {}, "db_id": "1"}, "no fields to set"),
        ("set_job_doc_properties", {"values": ["a"], "db_id": "1"}, "must be a dictionary"),
        ("set_job_doc_properties", {"values": {"$set": 1}, "db_id": "1"}, "is not a field"),
        ("set_job_doc_properties", {"values": {"job..name": 1}, "db_id": "1"}, "is not a field"),
        ("set_job_doc_properties", {"values": {"lock_id": 1}, "db_id": "1"}, "cannot be set"),
        ("set_job_doc_properties", {"values": {"_id": 1}, "db_id": "1"}, "cannot be set"),
        ("set_job_doc_properties", {"values": {"state": "X"}, "db_id": "1"}, "'X' is not a"),
        ("set_job_doc_properties", {"acceptable_states": "X", "db_id": "1"}, "'X' is not a"),
        ("set_job_run_properties", {"priority": None}, "nothing to set"),
        ("set_job_run_properties", {"priority": "5"}, "priority cannot be '5'"),
        ("set_job_doc_properties", {"values": {"job.metadata": {"v": 2**64}}}, "65 bits"),
        ("set_job_doc_properties", {"values": {"error": "\ud800"}}, "lone surrogate"),
        ("set_job_run_properties", {"resources": ["nodes"]}, "resources"),
        ("set_job_run_properties", {"exec_config": 5}, "execution configuration"),
        ("pause_jobs", {"wait": -1}, "wait cannot be -1"),
        ("pause_job", {"wait": "5", "db_id": "1"}, "wait cannot be '5'"),
        ("delete_flows", {"wait": "5", "max_limit": 0}, "wait cannot be '5'"),
    ],
)
def test_arguments_of_single_methods(
    crowd: Stage, name: str, arguments: dict[str, Any], words: str
) -> None:
    assert words in refused(crowd, name, ControllerError, **arguments)


def test_a_pipeline_is_checked_as_plain_values_are(crowd: Stage) -> None:
    for values in ({}, ["a"], {"$set": 1}, {"lock_id": "$db_id"}, {"_id": 1}, {"state": "X"}):
        how = {"values": values, "db_id": "1", "use_pipeline": True}
        refused(crowd, "set_job_doc_properties", ArgumentError, **how)


def test_a_query_of_ones_own_that_no_database_understands(crowd: Stage) -> None:
    query = {"state": {"$nonsense": 1}}
    before = contents(crowd)
    with pytest.raises(ControllerError, match="nonsense"):
        crowd.controller.pause_jobs(custom_query=query)
    assert contents(crowd) == before


# ------------------------------------------------------------------ flows


@pytest.mark.parametrize("name", FLOW)
def test_a_flow_that_is_not_named(crowd: Stage, name: str) -> None:
    more: dict[str, Any] = {"store": None} if name == "set_flow_store" else {}
    exactly = "identified by db_id, job_id or flow_id"
    assert exactly in refused(crowd, name, ArgumentError, **more)
    assert exactly in refused(crowd, name, ArgumentError, db_id="1", flow_id=UNKNOWN, **more)
    for wrong in ({"db_id": 1.5}, {"flow_id": {"$ne": None}}, {"job_id": 3}):
        assert "cannot be" in refused(crowd, name, ArgumentError, **wrong, **more)
    for unknown in ({"db_id": "999"}, {"flow_id": UNKNOWN}, {"job_id": UNKNOWN}):
        assert "there is no flow" in refused(crowd, name, FlowNotFoundError, **unknown, **more)


def test_flows_that_do_not_exist(crowd: Stage) -> None:
    before = contents(crowd)
    assert crowd.controller.delete_flow(UNKNOWN) is False
    assert crowd.controller.delete_flows([]) == []
    assert crowd.controller.delete_flows([UNKNOWN, "999"]) == []
    assert contents(crowd) == before
    how = {"flow_ids": [UNKNOWN], "raise_on_error": True}
    assert UNKNOWN in refused(crowd, "delete_flows", FlowNotFoundError, **how)


# ------------------------------------------------------------------ locks, on each engine


CHANGING = sorted(set(ONE) - READING)


@pytest.mark.parametrize("leased", [True, False], ids=["ours", "of-jobflow-remote"])
def test_a_locked_job_is_refused_at_once_and_after_waiting(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, leased: bool
) -> None:
    now = [0.0]
    clock = SimpleNamespace(
        monotonic=lambda: now[0], sleep=lambda s: now.__setitem__(0, now[0] + max(s, 0.1))
    )
    monkeypatch.setattr(chunks, "time", clock)
    for name in CHANGING:
        state = STATES.get(name.partition("_")[0], "READY")
        flow = stage.flow(x=(state, {"previous_state": "UPLOADED"}), y="READY")
        stage.hold(flow["x"], leased=leased)
        for wait in (None, 2):
            since = now[0]
            words = refused(stage, name, JobLockedError, db_id=flow["x"], wait=wait)
            assert flow["x"] in words
            assert (wait or 0) <= now[0] - since < 4


def test_a_flow_that_is_locked_is_refused(stage: Stage) -> None:
    for name in sorted({*CHANGING} - {"retry_job", "set_job_doc_properties"}):
        state = STATES.get(name.partition("_")[0], "READY")
        flow = stage.flow(x=state, y="READY")
        stage.hold_flow(flow)
        refused(stage, name, FlowLockedError, db_id=flow["x"])


def test_in_bulk_what_is_locked_is_named_and_the_rest_is_done(stage: Stage) -> None:
    for name in sorted(set(MANY) - READING - {"unlock_jobs", "delete_jobs"}):
        state = STATES.get(name.partition("_")[0], "READY")
        flow = stage.flow(**dict.fromkeys("xy", (state, {"previous_state": "UPLOADED"})))
        stage.hold(flow["x"])
        done = call(stage, name, flow_ids=flow["flow"], raise_on_error=False)
        assert done == [flow["y"]], name
        (left,) = done.refused
        assert (left.db_id, isinstance(left.error, LockedDocumentError)) == (flow["x"], True)
        assert stage.state(flow["x"]) == state
        assert JobState(stage.state(flow["y"]))


@pytest.mark.parametrize(("state", "hint"), [("WAITING", "job why"), ("COMPLETED", "was deleted")])
def test_a_missing_output_is_told_with_the_state(crowd: Stage, state: str, hint: str) -> None:
    job = crowd.controller.jobs.find_one({"db_id": {"$in": ["1", "2", "3"]}, "state": state})
    assert job is not None
    _ = crowd.controller.jobstore  # the first to open it creates it
    with pytest.raises(NotFoundError, match=f"job {job['db_id']}, which is {state}") as caught:
        crowd.controller.get_job_output(db_id=job["db_id"])
    assert hint in str(caught.value.hint)
