"""Jobs: their data, and their table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from controller.states import JobState
from controller.tables.columns import MORE, MOST, Column, TableSpec
from controller.tables.data import Row
from controller.tables.formats import (
    SHORT_TIME,
    Words,
    cell_text,
    duration,
    local_time,
    state_words,
)
from controller.tables.schemas import (
    DocumentSchema,
    anything,
    array,
    entry,
    flag,
    integer,
    mapping,
    number,
    text,
    time,
)

if TYPE_CHECKING:
    from controller.documents import JobInfo

_REMOTE = DocumentSchema(
    "remote",
    "The current step of a job.",
    {
        "step_attempts": integer("Failed attempts of the current step."),
        "queue_state": text("Last state seen in the worker's queue.", null=True),
        "queue_reason": text(
            "Why the queue does not run or accept the job, in its own words.", null=True
        ),
        "process_id": text("Id in the worker's queue.", null=True),
        "retry_time_limit": time("Earliest time of the next attempt of the step.", null=True),
        "error": text("The runner's last error.", null=True),
        "prerun_cleanup": flag("The run directory is removed before the next upload."),
        "queue_out": text("Start of the job's standard output, if it failed.", null=True),
        "queue_err": text("Start of the job's standard error, if it failed.", null=True),
    },
)


_PLANNED = DocumentSchema(
    "planned-retry",
    "The retry planned by the runner after this attempt.",
    {
        "number": integer("Number of the retry under its rule."),
        "limit": integer("Maximum number of retries under the rule."),
        "at": time("Earliest start time."),
        "rule": text("The causes and the expression of the rule."),
        "changes": array(text("Such as `time 01:00:00 -> 02:00:00`."), "Changed settings."),
    },
)

ATTEMPT = DocumentSchema(
    "attempt",
    "An attempt at a job that ended: an entry of `attempts` in `jf job info -v`.",
    {
        "number": integer("1 for the first attempt."),
        "state": text("State at the end; null if a user reset the job before it ended.", null=True),
        "step": text("The state whose step failed, for a REMOTE_ERROR.", null=True),
        "cause": text("Cause of the failure, as a keyword.", null=True),
        "error": text("The most informative line of the error.", null=True),
        "worker": text("Name of its worker.", null=True),
        "node": text("Node on which it ran.", null=True),
        "queue_id": text("Id in the worker's queue.", null=True),
        "submission_token": text("Token of the attempt in the queue.", null=True),
        "start_time": time("Start time of the job's function.", null=True),
        "end_time": time("End time of the job's function.", null=True),
        "ended_on": time("Time at which the end was recorded.", null=True),
        "retry": {**entry(_PLANNED), "type": ["object", "null"]},
    },
)


def attempt_rows(attempts: Sequence[Mapping[str, Any]] | None) -> list[Row]:
    """Return attempts with all keys of `ATTEMPT`, the oldest first."""
    return [{key: attempt.get(key) for key in ATTEMPT.properties} for attempt in attempts or ()]


def _row(job: JobInfo) -> Row:
    return {
        "db_id": job.db_id,
        "uuid": job.uuid,
        "index": job.index,
        "name": job.name,
        "state": job.state,
        "worker": job.worker,
        "flow_uuid": flow_uuid(job) or None,
        "hosts": job.hosts,
        "parents": job.parents,
        "created_on": job.created_on,
        "updated_on": job.updated_on,
        "start_time": job.start_time,
        "end_time": job.end_time,
        "run_time": job.run_time,
        "priority": job.priority,
        "metadata": job.metadata,
        "stored_data": job.stored_data,
        "error": job.error,
        "error_cause": job.error_cause,
        "previous_state": job.previous_state,
        "run_dir": job.run_dir,
        "locked": job.is_locked,
        "lock_id": job.lock_id,
        "lock_time": job.lock_time,
        "remote": job.remote.model_dump(),
    }


def flow_uuid(job: JobInfo) -> str:
    """Uuid of the submitted flow of a job."""
    return job.hosts[-1] if job.hosts else ""


def _state(job: JobInfo, *, short: bool = False) -> Words:
    return state_words(job.state, retrying=job.remote.retry_time_limit is not None, short=short)


def _run_time(job: JobInfo) -> str:
    if job.state is JobState.RUNNING:
        return f"~{duration(job.estimated_run_time)}"
    return duration(job.run_time)


def _retry_time(job: JobInfo) -> str:
    return local_time(job.remote.retry_time_limit)


JOBS = TableSpec(
    "job",
    "A job: an entry of `jf job list`, of `jobs` in `jf flow info`, or what `jf job info` prints.",
    {
        "db_id": text("Short id in this database."),
        "uuid": text("Id of the job, shared by all its indices."),
        "index": integer("1, increased by one each time the job is replaced."),
        "name": text("Name of the job."),
        "state": text("State of the job.", one_of=JobState),
        "worker": text("Name of its worker."),
        "flow_uuid": text("Uuid of the submitted flow.", null=True),
        "hosts": array(text("Uuid."), "Flows around the job, the innermost first."),
        "parents": array(text("Uuid."), "Jobs it depends on.", null=True),
        "created_on": time("Time of submission."),
        "updated_on": time("Time of the last change."),
        "start_time": time("Start time of its function.", null=True),
        "end_time": time("End time of its function.", null=True),
        "run_time": number("Run time in seconds.", null=True),
        "priority": integer("Jobs with a higher priority start first."),
        "metadata": mapping("The job's metadata."),
        "stored_data": mapping("Data stored by the job in addition to its output.", null=True),
        "error": text("Error of the job's function.", null=True),
        "error_cause": text(
            "Cause of FAILED or REMOTE_ERROR: a keyword such as walltime or out_of_memory.",
            null=True,
        ),
        "previous_state": text(
            "State in which a REMOTE_ERROR occurred.", one_of=JobState, null=True
        ),
        "run_dir": text("Directory on the worker.", null=True),
        "locked": flag("Whether the job is locked."),
        "lock_id": text("Id of the lock.", null=True),
        "lock_time": time("Time at which it was locked.", null=True),
        "remote": entry(_REMOTE),
        "resources": mapping(
            "With `jf job info -v`: resources requested from the scheduler.", null=True
        ),
        "exec_config": anything("With `jf job info -v`: execution settings, or their name."),
        "retry": array(
            mapping("See docs/retries.md."),
            "With `jf job info -v`: its own retry rules.",
            null=True,
        ),
        "attempts": array(
            ATTEMPT, "With `jf job info -v`: the attempts that ended, the oldest first."
        ),
        "job": mapping("With `jf job info -vv`: the serialised job."),
    },
    optional=frozenset({"resources", "exec_config", "retry", "attempts", "job"}),
    row=_row,
    columns=(
        Column("db_id", "DB id", lambda j: j.db_id, number=True, short=("Id", None), rank=0),
        Column("name", "Name", lambda j: cell_text(j.name), wraps=True, rank=0),
        Column("state", "State", _state, tiny=partial(_state, short=True), rank=0),
        Column(
            "job_id",
            "Job id (Index)",
            lambda j: f"{j.uuid} ({j.index})",
            path="uuid",
            short=("Job id", lambda j: f"{j.uuid[:8]} ({j.index})"),
            rank=4,
        ),
        Column("worker", "Worker", rank=2),
        Column(
            "last_updated",
            "Last updated [{zone}]",
            lambda j: local_time(j.updated_on),
            path="updated_on",
            short=("Updated", lambda j: local_time(j.updated_on, SHORT_TIME)),
            rank=3,
        ),
        Column("queue_id", "Queue id", path="remote.process_id", levels=MORE, rank=6),
        Column(
            "run_time",
            "Run time [h:mm:ss]",
            _run_time,
            short=("Run time", None),
            number=True,
            levels=MORE,
            rank=5,
        ),
        Column(
            "retry_time",
            "Retry time [{zone}]",
            _retry_time,
            path="remote.retry_time_limit",
            short=("Retry", lambda j: local_time(j.remote.retry_time_limit, SHORT_TIME)),
            levels=MORE,
            rank=6,
        ),
        Column(
            "prev_state",
            "Prev state",
            lambda j: state_words(j.previous_state) if j.previous_state else "",
            path="previous_state",
            levels=MORE,
            rank=7,
        ),
        Column(
            "locked", "Locked", lambda j: "*" if j.is_locked else "", levels=range(1, 2), rank=6
        ),
        Column("cause", "Cause", path="error_cause", levels=range(0), rank=7),
        Column("lock_id", "Lock id", levels=MOST, rank=9),
        Column(
            "lock_time",
            "Lock time [{zone}]",
            short=("Lock time", lambda j: local_time(j.lock_time, SHORT_TIME)),
            levels=MOST,
            rank=8,
        ),
        Column("metadata", "Metadata", levels=MOST, wraps=True, rank=7),
    ),
)
"""Jobs, and the columns of their table."""
