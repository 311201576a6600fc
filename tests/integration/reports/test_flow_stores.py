"""Which JobStore a flow uses, on each engine."""

from __future__ import annotations

import pytest
from report_documents import put_flow, put_job

from controller.errors import (
    ArgumentError,
    ConfigError,
    FlowLockedError,
    FlowNotFoundError,
    StateError,
)
from controller.jobcontroller import JobController
from controller.states import FlowState, JobState


@pytest.fixture
def flow(controller: JobController) -> str:
    """A READY flow of two jobs."""
    put_flow(controller, "flow", FlowState.READY, jobs=("1", "2"))
    put_job(controller, "1", JobState.READY)
    put_job(controller, "2", JobState.WAITING)
    return "flow"


@pytest.mark.parametrize("which", [{"flow_id": "flow"}, {"db_id": "2"}, {"job_id": "job-1"}])
def test_set_and_get(controller: JobController, flow: str, which: dict[str, str]) -> None:
    assert controller.get_flow_store(flow) is None
    controller.set_flow_store("other", **which)
    assert controller.get_flow_store(flow) == "other"
    document = controller.flows.find_one({"uuid": flow})
    assert document is not None
    assert document["lock_id"] is None
    controller.set_flow_store("", **which)
    assert controller.get_flow_store(flow) is None


def test_names_that_the_project_does_not_have(controller: JobController, flow: str) -> None:
    with pytest.raises(ConfigError, match="did you mean other"):
        controller.set_flow_store("othre", flow_id=flow)
    assert controller.get_flow_store(flow) is None


@pytest.mark.parametrize("state", [s for s in FlowState if s is not FlowState.READY])
def test_only_ready_flows(controller: JobController, flow: str, state: FlowState) -> None:
    controller.flows.update_one({"uuid": flow}, {"$set": {"state": state.value}})
    with pytest.raises(StateError, match=f"it is {state.value}") as caught:
        controller.set_flow_store("other", flow_id=flow)
    assert caught.value.allowed == (FlowState.READY,)
    assert controller.get_flow_store(flow) is None
    assert controller.flows.count_documents({"lock_id": {"$ne": None}}) == 0


def test_a_job_that_was_just_checked_out(controller: JobController, flow: str) -> None:
    controller.jobs.update_one({"db_id": "1"}, {"$set": {"state": "CHECKED_OUT"}})
    with pytest.raises(StateError, match="job 1 is CHECKED_OUT"):
        controller.set_flow_store("other", flow_id=flow)


def test_a_flow_that_somebody_holds(controller: JobController, flow: str) -> None:
    with controller.lock_flow(filter={"uuid": flow}), pytest.raises(FlowLockedError, match=flow):
        controller.set_flow_store("other", flow_id=flow)
    assert controller.get_flow_store(flow) is None


def test_flows_that_do_not_exist(controller: JobController, flow: str) -> None:
    for which in ({"flow_id": "x"}, {"db_id": "99"}, {"job_id": "x"}):
        with pytest.raises(FlowNotFoundError):
            controller.set_flow_store("other", **which)
    with pytest.raises(FlowNotFoundError):
        controller.get_flow_store("x")
    for wrong in ({}, {"flow_id": flow, "db_id": "1"}):
        with pytest.raises(ArgumentError, match="exactly one"):
            controller.set_flow_store("other", **wrong)
