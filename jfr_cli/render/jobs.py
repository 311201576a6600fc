"""Jobs on a terminal: the columns that users add, and the panel of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from controller.errors import ArgumentError
from controller.states import JobState
from controller.tables.jobs import ATTEMPT, JOBS, attempt_rows, flow_uuid
from jfr_cli.render.formats import Words, cell_text, exact_time, state_text
from jfr_cli.render.tables import Column, TableSpec

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.panel import Panel

    from controller.documents import JobInfo

__all__ = [
    "ATTEMPT",
    "JOBS",
    "attempt_line",
    "attempt_rows",
    "job_lines",
    "job_panel",
    "job_picture",
    "job_table",
]


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
    return Words(job.name, colors[flow_uuid(job)])


def _flow_colors(jobs: Sequence[JobInfo]) -> dict[str, str]:
    palette = ("cyan", "magenta", "yellow", "green", "blue", "bright_black")
    flows = dict.fromkeys(flow_uuid(job) for job in jobs)
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
