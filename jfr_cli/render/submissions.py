"""What `jf flow submit` has submitted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jfr_cli.render.data import Row
from jfr_cli.render.outcome import counted
from jfr_cli.render.schemas import DocumentSchema, array, entry, flag, integer, text
from jfr_cli.render.tables import Column, TableSpec
from jfr_cli.render.waiting import WAIT, wait_row

if TYPE_CHECKING:
    from controller.submission import PreparedFlow
    from controller.waiting import WaitResult

SUBMITTED_JOB = TableSpec(
    "submitted-job",
    "A job of a submitted flow: an entry of `jobs`.",
    {
        "db_id": text("Its db_id; null in a dry run.", null=True),
        "uuid": text("Its uuid."),
        "index": integer("Its index."),
        "name": text("Its name."),
        "worker": text("Name of its worker."),
    },
    columns=(
        Column("db_id", "DB id", number=True, rank=0),
        Column("name", "Name", wraps=True, rank=0),
        Column("worker", "Worker", rank=1),
        Column("uuid", "Job id", rank=2),
    ),
)
SUBMISSION = DocumentSchema(
    "submission",
    "The result of `jf flow submit`.",
    {
        "flow_id": text("Uuid of the flow."),
        "name": text("Its name."),
        "project": text("The project."),
        "db_ids": array(text("db_id."), "db_ids of its jobs, parents before children."),
        "jobs": array(entry(SUBMITTED_JOB), "Its jobs, in the same order."),
        "dry_run": flag("Whether nothing was submitted."),
        "wait": {**entry(WAIT, "With --wait: how it ended."), "type": ["object", "null"]},
    },
)


def job_rows(prepared: PreparedFlow, db_ids: Sequence[str]) -> list[Row]:
    """Return its jobs.

    Parameters
    ----------
    db_ids
        db_ids of the jobs; none in a dry run.
    """
    ids: Sequence[str | None] = db_ids or [None] * len(prepared.flow.jobs)
    return [
        {
            "db_id": db_id,
            "uuid": job.uuid,
            "index": job.data["index"],
            "name": job.data["name"],
            "worker": _worker(job.data, prepared),
        }
        for db_id, job in zip(ids, prepared.flow.jobs)
    ]


def _worker(data: Row, prepared: PreparedFlow) -> Any:
    return prepared.settings.of_job(data["config"].get("manager_config") or {}).worker


def submission_row(prepared: PreparedFlow, db_ids: Sequence[str], waited: WaitResult | None) -> Row:
    """Return the data of a submission."""
    return {
        "flow_id": prepared.flow.uuid,
        "name": prepared.flow.name,
        "project": prepared.project.name,
        "db_ids": list(db_ids),
        "jobs": job_rows(prepared, db_ids),
        "dry_run": not db_ids,
        "wait": None if waited is None else wait_row(waited),
    }


def submission_line(prepared: PreparedFlow, db_ids: Sequence[str]) -> str:
    """Describe a submission in one line."""
    jobs = counted(len(prepared.flow.jobs), "job")
    if not db_ids:
        return f"would submit {prepared.flow.name}: {jobs}"
    ids = db_ids[0] if len(db_ids) == 1 else f"{db_ids[0]} to {db_ids[-1]}"
    return f"submitted {prepared.flow.name} ({prepared.flow.uuid}): {jobs}, {ids}"
