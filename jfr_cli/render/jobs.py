"""Jobs: their data, their table, and the panel of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from controller.errors import ArgumentError
from controller.states import JobState
from jfr_cli.render.data import Row
from jfr_cli.render.schemas import (
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
from jfr_cli.render.tables import MORE, MOST, Column, TableSpec
from jfr_cli.render.words import (
    SHORT_TIME,
    Words,
    cell_text,
    duration,
    exact_time,
    local_time,
    state_text,
    state_words,
)

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.panel import Panel

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
        "flow_uuid": _flow_of(job) or None,
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


def _flow_of(job: JobInfo) -> str:
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


def job_table(stored_data: Sequence[str] = (), by_flow: Sequence[JobInfo] = ()) -> TableSpec:
    """Return `JOBS` with further columns.

    Parameters
    ----------
    stored_data
        Keys of the jobs' stored data to show as columns.
    by_flow
        The jobs to show: their names get one colour per flow.

    Raises
    ------
    ArgumentError
        A key is the name of a column.
    """
    if clash := {column.key for column in JOBS.columns} & set(stored_data):
        raise ArgumentError(f"--stored-data-key: {min(clash)} is the name of another column")
    more = tuple(
        Column(key, key, partial(_stored, key), path=f"stored_data.{key}", wraps=True)
        for key in stored_data
    )
    columns = (*JOBS.columns, *more)
    if by_flow:
        colors = _flow_colors(by_flow)
        columns = tuple(
            replace(c, cell=lambda j: _colored(j, colors)) if c.key == "name" else c
            for c in columns
        )
    return replace(JOBS, columns=columns)


def _stored(key: str, job: JobInfo) -> Any:
    return cell_text((job.stored_data or {}).get(key))


def _colored(job: JobInfo, colors: dict[str, str]) -> Words:
    return Words(job.name, colors[_flow_of(job)])


def _flow_colors(jobs: Sequence[JobInfo]) -> dict[str, str]:
    palette = ("cyan", "magenta", "yellow", "green", "blue", "bright_black")
    flows = dict.fromkeys(_flow_of(job) for job in jobs)
    return {flow: palette[i % len(palette)] for i, flow in enumerate(flows)}


_INFO_ORDER = (
    *("db_id", "uuid", "index", "name", "state", "error_cause", "error"),
    *("attempts", "remote", "previous_state", "job"),
    *("created_on", "updated_on", "start_time", "end_time", "metadata", "run_dir", "parents"),
    *(
        "priority",
        "worker",
        "resources",
        "exec_config",
        "retry",
        "lock_id",
        "lock_time",
        "stored_data",
    ),
    "hosts",
)
_LONG = ("queue_out", "queue_err")


def job_picture(
    values: dict[str, Any], *, show_none: bool, verbosity: int, plain: bool
) -> RenderableType:
    """Return the details of one job: `job_panel`, or `job_lines` for plain text."""
    from rich.text import Text

    if plain:
        return Text(job_lines(values, show_none=show_none, verbosity=verbosity))
    return job_panel(values, show_none=show_none, verbosity=verbosity)


def job_panel(values: dict[str, Any], *, show_none: bool, verbosity: int) -> Panel:
    """Return the panel of one job: ``key = value`` lines in a fixed order."""
    from rich.panel import Panel
    from rich.text import Text

    shown = Text()
    for key in _INFO_ORDER:
        if key not in values or (values[key] in (None, [], {}) and not show_none):
            continue
        shown.append(f"{key} = ", style="bold")
        shown.append(_shown(key, values[key], verbosity, show_none))
        shown.append("\n")
    shown.rstrip()
    return Panel(shown, expand=False, border_style="dim")


def job_lines(values: dict[str, Any], *, show_none: bool, verbosity: int) -> str:
    """Return the content of `job_panel` for pipes: ``key = value``, texts in quotes.

    Programs written for jobflow-remote read these lines. As there, errors and output of a job are
    not quoted.
    """
    shown = []
    for key in _INFO_ORDER:
        if key not in values or (values[key] in (None, [], {}) and not show_none):
            continue
        value = values[key]
        if key == "remote" and isinstance(value, dict):
            kept = _kept_of_remote(value, verbosity, show_none)
            inner = (f"{k!r}: {_quoted(k, v)}" for k, v in kept.items())
            shown.append(f"remote = {{{', '.join(inner)}}}")
        elif key == "attempts":
            shown += [f"attempt = {attempt_line(attempt)!r}" for attempt in value]
        else:
            shown.append(f"{key} = {_quoted(key, value)}")
    return "\n".join(shown)


def _quoted(key: str, value: Any) -> str:
    if isinstance(value, datetime):
        return repr(exact_time(value))
    if key in ("error", *_LONG) and isinstance(value, str):
        return value.rstrip()
    return repr(getattr(value, "value", value))


def _kept_of_remote(remote: dict[str, Any], verbosity: int, show_none: bool) -> dict[str, Any]:
    return {
        k: v
        for k, v in remote.items()
        if (v not in (None, False) or show_none) and (verbosity or k not in _LONG)
    }


def _shown(key: str, value: Any, verbosity: int, show_none: bool) -> Any:
    if isinstance(value, JobState):
        return state_text(value)
    if isinstance(value, datetime):
        return exact_time(value)
    if key == "remote" and isinstance(value, dict):
        kept = {
            k: exact_time(v) if isinstance(v, datetime) else v
            for k, v in _kept_of_remote(value, verbosity, show_none).items()
        }
        return "".join(f"\n    {k} = {_indented(f'{v}')}" for k, v in kept.items())
    if key == "attempts":
        return "".join(f"\n    {attempt_line(attempt)}" for attempt in value)
    if key in ("parents", "hosts") and isinstance(value, list) and len(value) > 5 and verbosity < 2:
        return f"{value[:2]} ... {value[-2:]}"
    if key == "error" and isinstance(value, str):
        return "\n" + value.rstrip()
    if key in ("hosts", "parents") and isinstance(value, list):
        return ", ".join(value)
    return f"{value}"


def attempt_line(attempt: Mapping[str, Any]) -> str:
    """Describe an attempt, and its retry, in one line."""
    state = attempt.get("state") or "reset before it ended"
    cause = f" ({attempt['cause']})" if attempt.get("cause") else ""
    where = [attempt.get("worker"), attempt.get("node")]
    place = f" on {', '.join(part for part in where if part)}" if any(where) else ""
    queue_id = f" as {attempt['queue_id']}" if attempt.get("queue_id") else ""
    ended = attempt.get("end_time") or attempt.get("ended_on")
    time = f", {exact_time(ended)}" if ended else ""
    said = f": {attempt['error']}" if attempt.get("error") else ""
    retry = attempt.get("retry") or {}
    more = f", with {', '.join(retry['changes'])}" if retry.get("changes") else ""
    then = f" -> retry {retry['number']} of {retry['limit']}{more}" if retry else ""
    return f"{attempt.get('number')}. {state}{cause}{place}{queue_id}{time}{said}{then}"


def _indented(text: str) -> str:
    """Return a text of several lines as a block below its key."""
    lines = text.rstrip().splitlines()
    return text if len(lines) < 2 else "".join(f"\n        {line}" for line in lines)
