"""Batch processes, which run many jobs in one submission."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import Field, model_validator

from controller.documents.stored import Stored, utc_now
from controller.states import BatchState, stored_state


class BatchDoc(Stored):
    """A batch process.

    Attributes
    ----------
    batch_uid
        jfr's id, known before the process has one in the queue.
    process_id
        Id in the worker's queue.
    jobs
        (db_id, uuid, index) of the jobs it executed.
    activity
        Its last report: ``node``, ``slots``, names of the jobs ``running``
        there (uuid_index), numbers of jobs ``done`` and ``failed``, whether it ``takes_jobs``, a
        ``note`` why not, and the ``seconds_left`` of its allocation. None if it reports nothing;
        jobflow-remote does not know the field.
    """

    batch_uid: str
    process_id: str
    worker: str
    batch_state: BatchState = BatchState.SUBMITTED
    jobs: list[tuple[str, str, int]] = Field(default_factory=list)
    created_on: datetime = Field(default_factory=utc_now)
    updated_on: datetime = Field(default_factory=utc_now)
    start_time: datetime | None = None
    end_time: datetime | None = None
    last_ping_time: datetime | None = None
    activity: dict[str, Any] | None = None

    def as_db_dict(self) -> dict[str, Any]:
        """Return the document as the database stores it, without ``_id``."""
        data = self.model_dump(exclude=None if self.activity else {"activity"})
        data["batch_state"] = self.batch_state.value
        data["jobs"] = [list(triple) for triple in self.jobs]
        return data

    @property
    def what_it_does(self) -> str:
        """What the process is doing, or has done, in a few words."""
        told = self.activity or {}
        if self.batch_state is BatchState.SUBMITTED:
            return "waits in the queue"
        if not told:
            return "has ended" if self.batch_state is BatchState.FINISHED else "runs"
        done = told.get("done") or 0
        failed = f", {told['failed']} of them failed" if told.get("failed") else ""
        ran = f"{done} {'job' if done == 1 else 'jobs'} done{failed}"
        note = f": {told['note']}" if told.get("note") else ""
        if self.batch_state is BatchState.FINISHED:
            return f"has ended, {ran}{note}"
        return f"runs {len(told.get('running') or [])} of {told.get('slots') or 1}, {ran}{note}"

    @model_validator(mode="before")
    @classmethod
    def _known_state(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or "batch_state" not in data:
            return data
        what = f"batch process {data.get('batch_uid')}"
        return {**data, "batch_state": stored_state(BatchState, data["batch_state"], what)}


def new_batch_document(
    *, batch_uid: str, process_id: str, worker: str, now: datetime | None = None
) -> dict[str, Any]:
    """Compose the document of a batch process that was just submitted."""
    created = now or utc_now()
    return {
        "batch_uid": batch_uid,
        "process_id": process_id,
        "batch_state": BatchState.SUBMITTED.value,
        "worker": worker,
        "jobs": [],
        "created_on": created,
        "updated_on": created,
        "start_time": None,
        "end_time": None,
        "last_ping_time": None,
    }
