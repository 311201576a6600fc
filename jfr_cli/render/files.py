"""The files of runs: listed, fetched and deleted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

from jfr_cli.render.data import Row
from jfr_cli.render.outcome import REFUSAL, Changed, LeftAlone, Tally, outcome_schema, refusal_lines
from jfr_cli.render.schemas import DocumentSchema, array, flag, integer, text
from jfr_cli.render.tables import Column, TableSpec

if TYPE_CHECKING:
    from controller.documents import JobInfo


class Cleaned(Protocol):
    """See `controller.api.job_files.CleanedFiles`."""

    deleted: list[str]
    skipped: dict[str, str]
    failed: dict[str, str]


FILE = TableSpec(
    "file",
    "A file of a job's run: a line of `jf job files ls` as csv.",
    {"name": text("Its name in the folder.")},
    columns=(Column("name", "Name", rank=0),),
    name_key="name",
)
FOLDER = DocumentSchema(
    "job-files",
    "The files in the run directory of a job: `jf job files ls`.",
    {"run_dir": text("The folder on the worker."), "files": array(text("A name."), "Its files.")},
)
RUN_FOLDER = TableSpec(
    "run-folder",
    "Where a job runs or ran: `jf job cd`.",
    {
        "db_id": text("The job."),
        "host": text("[user@]host, as ssh takes it; null for this machine.", null=True),
        "run_dir": text("The folder there."),
    },
    columns=(Column("run_dir", "Run directory", rank=0), Column("host", "Host", rank=0)),
    name_key="run_dir",
)
FETCHED = DocumentSchema(
    "fetched-files",
    "What `jf job files get` wrote.",
    {"files": array(text("A path."), "The files on this machine.")},
)
QUEUE_FILES = DocumentSchema(
    "queue-files",
    "The output files of the queue for a job: `jf job queue-out`.",
    {
        name: text("The content of this file; null if there is none.", null=True)
        for name in ("queue.out", "queue.err")
    },
)
DUMPED = DocumentSchema(
    "dumped-jobs",
    "What `jf job dump` wrote.",
    {"jobs": integer("Number of jobs."), "file": text("Path of the file.")},
)
CLEANED = outcome_schema(
    "cleaned",
    "Run folders that `jf flow clean` and `jf job files delete` deleted, or would delete.",
    deleted=array(text("db_id."), "Jobs whose folder was deleted."),
    would_delete=array(text("db_id."), "With --dry-run: jobs whose folder would be deleted."),
    skipped=array(REFUSAL, "Jobs left out because of their state, or without a folder."),
    failed=array(REFUSAL, "Jobs whose folder could not be deleted."),
    dry_run=flag("Whether nothing was deleted."),
)


def cleaning(done: Cleaned, jobs: Iterable[JobInfo], *, dry_run: bool = False) -> Tally:
    """Return the result of deleting folders of jobs."""
    known = {job.db_id: job for job in jobs}
    return Tally(
        [Changed(i, known[i].name, known[i].run_dir) for i in done.deleted],
        refused=_left(done.failed),
        dry_run=dry_run,
    )


def cleaning_facts(done: Cleaned, *, dry_run: bool = False) -> Row:
    """Return the additional keys of the data."""
    facts: dict[str, Any] = {
        "deleted": [] if dry_run else done.deleted,
        "would_delete": done.deleted if dry_run else [],
        "skipped": [{"db_id": i, "reason": why} for i, why in done.skipped.items()],
        "failed": [{"db_id": i, "reason": why} for i, why in done.failed.items()],
        "dry_run": dry_run,
    }
    return facts


def skipped_lines(done: Cleaned) -> list[str]:
    """Describe which folders were kept, and why."""
    return refusal_lines(_left(done.skipped))


def _left(reasons: dict[str, str]) -> list[LeftAlone]:
    return [LeftAlone(db_id, why) for db_id, why in reasons.items()]
