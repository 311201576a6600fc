"""What jobflow-remote got wrong in reading and in describing jobs."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from staged import Stage

from controller.config import Project
from controller.documents import utc_now
from controller.submission import set_run_config


def test_db_ids_are_ordered_as_numbers(stage: Stage) -> None:
    ids = [stage.flow(x="READY")["x"] for _ in range(11)]
    found = [job.db_id for job in stage.controller.get_jobs_info(sort=[("db_id", 1)])]
    assert found == ids
    first = stage.controller.get_jobs_info(sort=[("db_id", -1)], limit=2)
    assert [job.db_id for job in first] == ["11", "10"]


@pytest.mark.parametrize("with_jobs", [False, True])
def test_flows_can_be_skipped_with_and_without_their_jobs(stage: Stage, with_jobs: bool) -> None:
    flows = [stage.flow(x="READY", y=("WAITING", "x"))["flow"] for _ in range(4)]
    for days, uuid in enumerate(flows):
        when = datetime(2026, 1, 1) + timedelta(days=days)
        stage.controller.flows.update_one({"uuid": uuid}, {"$set": {"created_on": when}})
    order = {"sort": [("created_on", 1)], "with_jobs_info": with_jobs}
    found = stage.controller.get_flows_info(skip=1, limit=2, **order)
    assert [flow.flow_id for flow in found] == flows[1:3]


def test_a_ping_reaches_the_flow(stage: Stage) -> None:
    flow = stage.flow(x="READY")["flow"]
    long_ago = {"$set": {"updated_on": datetime(2026, 1, 1)}}
    stage.controller.flows.update_one({"uuid": flow}, long_ago)
    since = utc_now() - timedelta(seconds=1)
    stage.controller.ping_flow_doc(flow)
    found = stage.controller.flows.find_one({"uuid": flow})
    assert found is not None
    assert found["updated_on"] >= since


def test_a_locked_job_is_not_claimed(stage: Stage) -> None:
    flow = stage.flow(x="READY", y="READY")
    stage.hold(flow["x"], leased=False)
    assert stage.controller.checkout_job() == (stage.job(flow["y"])["uuid"], 1)
    assert stage.controller.checkout_job() is None
    assert stage.state(flow["x"]) == "READY"


def test_resources_that_are_said_to_be_none() -> None:
    from jobflow import Job

    job = Job(max, function_args=(1, 2))
    set_run_config(job, resources={})
    assert "resources" in (job.config.manager_config or {})


def test_a_jobstore_is_read_in_its_own_format(stage: Stage, tmp_path: Path) -> None:
    described = stage.project.model_dump(mode="json", exclude_none=True)
    memory = {"@module": "maggma.stores.mongolike", "@class": "MemoryStore", "@version": "1"}
    as_object = {"@module": "jobflow.core.store", "@class": "JobStore", "docs_store": memory}
    described["optional_jobstores"] = {"other": as_object}
    project = Project.model_validate(described)
    assert type(project.get_jobstore("other").docs_store).__name__ == "MemoryStore"
    assert type(project.get_jobstore().docs_store).__name__ == "EmbeddedStore"
    described["jobstore"] = as_object
    described["optional_jobstores"] = {"other": stage.project.jobstore}
    project = Project.model_validate(described)
    assert type(project.get_jobstore("other").docs_store).__name__ == "EmbeddedStore"
