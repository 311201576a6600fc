"""Documents put into the database directly: no jobflow, any state, any lock."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from controller.documents import new_flow_document, new_job_document, utc_now
from controller.jobcontroller import JobController
from controller.states import FlowState, JobState

FOREIGN_LOCK = {"lock_id": "somebody", "lock_time": utc_now()}
"""A lock without a lease, as jobflow-remote sets it."""


class Stock:
    """Puts flows of jobs into a controller's database."""

    def __init__(self, controller: JobController) -> None:
        self.controller, self._next = controller, 1

    def flow(
        self,
        *states: str,
        name: str = "flow",
        state: FlowState = FlowState.READY,
        worker: str = "plain",
        job_fields: dict[str, Any] | None = None,
        **flow_fields: Any,
    ) -> tuple[str, list[str]]:
        """Insert a flow with a job per state; returns its uuid and the jobs' db_ids."""
        uuid, jobs = str(uuid4()), []
        for number, job_state in enumerate(states):
            body = {
                "uuid": str(uuid4()),
                "index": 1,
                "name": f"{name} {number}",
                "metadata": {"number": number},
                "hosts": [uuid],
            }
            document = new_job_document(
                body, db_id=str(self._next), parents=[], state=JobState.READY, worker=worker
            )
            jobs.append({**document, "state": job_state, **(job_fields or {})})
            self._next += 1
        document = new_flow_document(
            uuid=uuid,
            name=name,
            metadata={},
            ids=[(j["db_id"], j["uuid"], 1) for j in jobs],
            parents={j["uuid"]: {"1": []} for j in jobs},
            state=state,
        )
        self.controller.flows.insert_one({**document, **flow_fields})
        self.controller.jobs.insert_many(jobs)
        self.controller.auxiliary.update_one(
            {"next_id": {"$exists": True}}, {"$set": {"next_id": self._next}}
        )
        return uuid, [j["db_id"] for j in jobs]
