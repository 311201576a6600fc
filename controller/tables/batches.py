"""Batch processes: their data, and their table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from controller.states import BatchState
from controller.tables.columns import MORE, Column, TableSpec
from controller.tables.data import Row
from controller.tables.formats import cell_text, local_time, state_words
from controller.tables.schemas import DocumentSchema, array, entry, integer, mapping, text, time

if TYPE_CHECKING:
    from controller.documents import BatchDoc

Placed = tuple["BatchDoc", Path | None]
"""A batch process and its folder."""


def _row(placed: Placed) -> Row:
    batch, folder = placed
    return {
        "process_id": batch.process_id,
        "batch_uid": batch.batch_uid,
        "worker": batch.worker,
        "folder": folder and str(folder),
        "state": batch.batch_state,
        "jobs": [{"db_id": job[0], "uuid": job[1], "index": job[2]} for job in batch.jobs],
        "created_on": batch.created_on,
        "updated_on": batch.updated_on,
        "start_time": batch.start_time,
        "end_time": batch.end_time,
        "last_ping_time": batch.last_ping_time,
        "activity": batch.activity,
    }


BATCHES = TableSpec(
    "batch",
    "A batch process: `jf batch info`, and an entry of `jf batch list`.",
    {
        "process_id": text("Its id in the worker's queue."),
        "batch_uid": text("Its id in jfr."),
        "worker": text("Name of the worker."),
        "folder": text("Its folder on the worker, if the project still has the worker.", null=True),
        "state": text("Its state.", one_of=[s.value for s in BatchState]),
        "jobs": array(
            entry(
                DocumentSchema(
                    "",
                    "A job.",
                    {
                        "db_id": text("Its db_id."),
                        "uuid": text("Its uuid."),
                        "index": integer("Its index."),
                    },
                )
            ),
            "The jobs it executed.",
        ),
        "created_on": time("Time of submission."),
        "updated_on": time("Time of the last change."),
        "start_time": time("Start time.", null=True),
        "end_time": time("End time.", null=True),
        "last_ping_time": time("Time of the last heartbeat.", null=True),
        "activity": mapping(
            "Its last report: node, slots, jobs running, numbers of jobs done and failed, whether "
            "it takes_jobs, a note why not, and seconds_left of its allocation.",
            null=True,
        ),
    },
    row=_row,
    columns=(
        Column("process_id", "Process ID", rank=0),
        Column("batch_uid", "Batch UID", short=("Batch", lambda p: p[0].batch_uid[:8])),
        Column("worker", "Worker"),
        Column("activity", "Now", lambda p: p[0].what_it_does, wraps=True, rank=1),
        # A folded path could not be copied: it is shown where it fits, and by `jf batch info`.
        Column("folder", "Process folder", rank=3),
        Column("state", "Status", lambda p: state_words(p[0].batch_state), rank=0),
        Column(
            "jobs",
            "Jobs",
            lambda p: cell_text([job[0] for job in p[0].jobs]),
            levels=MORE,
            wraps=True,
        ),
        Column(
            "updated_on",
            "Last updated [{zone}]",
            lambda p: local_time(p[0].updated_on),
            levels=MORE,
        ),
    ),
    name_key="process_id",
)
