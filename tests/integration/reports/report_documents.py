"""Jobs and flows as they lie in the database, without a run."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from controller.documents import new_flow_document, new_job_document, utc_now
from controller.jobcontroller import JobController
from controller.states import FlowState, JobState


def put_job(
    controller: JobController,
    db_id: str,
    state: JobState,
    *,
    worker: str = "local",
    updated_on: datetime | None = None,
    running_for: timedelta | None = None,
    flow: str = "flow",
) -> None:
    """Insert a job."""
    body = {"uuid": f"job-{db_id}", "index": 1, "name": f"job {db_id}", "hosts": [flow]}
    doc: dict[str, Any] = new_job_document(
        body, db_id=db_id, parents=[], state=state, worker=worker
    )
    doc["updated_on"] = updated_on or utc_now()
    doc["start_time"] = running_for and utc_now() - running_for
    controller.jobs.insert_one(doc)


def put_flow(
    controller: JobController,
    uuid: str,
    state: FlowState,
    *,
    updated_on: datetime | None = None,
    jobs: tuple[str, ...] = (),
) -> None:
    """Insert a flow that holds the jobs with these db_ids."""
    ids = [(db_id, f"job-{db_id}", 1) for db_id in jobs]
    doc = new_flow_document(uuid=uuid, name=uuid, metadata=None, ids=ids, parents={}, state=state)
    controller.flows.insert_one({**doc, "updated_on": updated_on or utc_now()})
