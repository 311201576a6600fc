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
        Our id, known before the process has one in the queue.
    process_id
        Id in the worker's queue.
    jobs
        (db_id, uuid, index) of the jobs it executed.
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
