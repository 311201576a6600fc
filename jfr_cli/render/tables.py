"""Tables and panels for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from controller.errors import ArgumentError
from controller.states import FlowState, JobState

if TYPE_CHECKING:
    from controller.documents import FlowInfo, JobInfo

# A glyph beside every colour: the states can be told apart without seeing colours.
_STYLES: dict[str, tuple[str, str]] = {
    "WAITING": ("dim", "·"),
    "READY": ("cyan", "○"),
    "CHECKED_OUT": ("blue", "◔"),
    "UPLOADED": ("blue", "◔"),
    "SUBMITTED": ("blue", "◑"),
    "RUNNING": ("bold blue", "▶"),
    "RUN_FINISHED": ("blue", "◕"),
    "DOWNLOADED": ("blue", "◕"),
    "BATCH_SUBMITTED": ("blue", "◑"),
    "BATCH_RUNNING": ("bold blue", "▶"),
    "COMPLETED": ("green", "✔"),
    "FAILED": ("bold red", "✘"),
    "REMOTE_ERROR": ("bold red", "!"),
    "PAUSED": ("yellow", "‖"),
    "STOPPED": ("magenta", "■"),
    "USER_STOPPED": ("magenta", "■"),
}
_TITLE = "bold"
_SHORT_TIME = "%m-%d %H:%M"


def state_text(state: JobState | FlowState, *, retrying: bool = False) -> Text:
    """Return a state with its glyph and colour; orange while a step waits to be tried again."""
    style, glyph = _STYLES[state.value]
    return Text(f"{glyph} {state.value}", style="bold dark_orange" if retrying else style)


def local_time(time: datetime | None, form: str = "%Y-%m-%d %H:%M") -> str:
    """Return a stored time in the time zone of this machine."""
    return "" if time is None else time.replace(tzinfo=UTC).astimezone().strftime(form)


def zone() -> str:
    """Name of the time zone of this machine."""
    return datetime.now().astimezone().tzname() or "local"


def duration(seconds: float | None) -> str:
    """Return a duration as h:mm:ss."""
    if seconds is None:
        return ""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


def _run_time(job: JobInfo) -> str:
    if job.state is JobState.RUNNING:
        return f"~{duration(job.estimated_run_time)}"
    return duration(job.run_time)


Cell = Callable[["JobInfo"], Any]

JOB_COLUMNS: dict[str, tuple[str, Cell]] = {
    "db_id": ("DB id", lambda j: j.db_id),
    "name": ("Name", lambda j: Text(j.name)),
    "state": (
        "State",
        lambda j: state_text(j.state, retrying=j.remote.retry_time_limit is not None),
    ),
    "job_id": ("Job id (Index)", lambda j: f"{j.uuid} ({j.index})"),
    "worker": ("Worker", lambda j: j.worker),
    "last_updated": ("Last updated [{zone}]", lambda j: local_time(j.updated_on)),
    "queue_id": ("Queue id", lambda j: j.remote.process_id or ""),
    "run_time": ("Run time [h:mm:ss]", _run_time),
    "retry_time": ("Retry time [{zone}]", lambda j: local_time(j.remote.retry_time_limit)),
    "prev_state": ("Prev state", lambda j: j.previous_state.value if j.previous_state else ""),
    "locked": ("Locked", lambda j: "*" if j.is_locked else ""),
    "lock_id": ("Lock id", lambda j: j.lock_id or ""),
    "lock_time": ("Lock time [{zone}]", lambda j: local_time(j.lock_time)),
    "metadata": ("Metadata", lambda j: Text(str(j.metadata)) if j.metadata else ""),
}
"""Columns of the jobs' table: {key of --output: (header, cell)}."""

_NARROW: dict[str, tuple[str, Cell]] = {
    "job_id": ("Job id", lambda j: f"{j.uuid[:8]} ({j.index})"),
    "last_updated": ("Updated", lambda j: local_time(j.updated_on, _SHORT_TIME)),
    "queue_id": ("Queue", lambda j: j.remote.process_id or ""),
    "run_time": ("Run time", _run_time),
    "retry_time": ("Retry", lambda j: local_time(j.remote.retry_time_limit, _SHORT_TIME)),
    "prev_state": ("Previous", lambda j: j.previous_state.value if j.previous_state else ""),
    "lock_time": ("Lock time", lambda j: local_time(j.lock_time, _SHORT_TIME)),
}
"""The columns that a narrow terminal shows in another way."""

_ALWAYS = ("db_id", "name", "state", "job_id", "worker", "last_updated")
_MORE = ("queue_id", "run_time", "retry_time", "prev_state")
_MOST = ("lock_id", "lock_time", "metadata")


def job_columns(
    verbosity: int, chosen: Sequence[str] | None, defaults: Sequence[str] | None
) -> list[str]:
    """Return the keys of the columns to show.

    Raises
    ------
    ArgumentError
        A key that does not exist.
    """
    if chosen:
        unknown = [key for key in chosen if key not in JOB_COLUMNS]
        if unknown:
            raise ArgumentError(
                f"there is no column {', '.join(unknown)}", hint=f"one of {', '.join(JOB_COLUMNS)}"
            )
        return list(chosen)
    if verbosity == 0:
        return list(defaults or _ALWAYS)
    return [*_ALWAYS, *_MORE, *(("locked",) if verbosity == 1 else _MOST)]


def jobs_table(
    jobs: Sequence[JobInfo],
    columns: Sequence[str],
    *,
    title: str = "Jobs info",
    stored_data: Sequence[str] = (),
    by_flow: bool = False,
    narrow: bool = False,
) -> Table:
    """Return the table of jobs.

    Parameters
    ----------
    stored_data
        Keys of the jobs' stored data to show as further columns.
    by_flow
        Colour the names, one colour per flow.
    narrow
        For a terminal that the whole table does not fit into: ids and times are short, and of
        the columns that ``-v`` adds those that are empty are left out.
    """
    if narrow:
        columns = [k for k in columns if k in _ALWAYS or any(_cell(k, j, True) for j in jobs)]
    table = _table(title, narrow)
    for key in columns:
        source = _NARROW if narrow and key in _NARROW else JOB_COLUMNS
        _add_column(table, source[key][0].format(zone=zone()), wraps=key in ("name", "metadata"))
    for key in stored_data:
        _add_column(table, key, wraps=True)
    colors = _flow_colors(jobs) if by_flow else {}
    for job in jobs:
        cells = [_cell(key, job, narrow) for key in columns]
        if colors and "name" in columns:
            cells[columns.index("name")] = Text(job.name, style=colors[_flow_of(job)])
        cells += [Text(str((job.stored_data or {}).get(key, ""))) for key in stored_data]
        table.add_row(*cells)
    return table


def _cell(key: str, job: JobInfo, narrow: bool) -> Any:
    source = _NARROW if narrow and key in _NARROW else JOB_COLUMNS
    return source[key][1](job)


def _flow_of(job: JobInfo) -> str:
    return job.hosts[-1] if job.hosts else ""


def _flow_colors(jobs: Sequence[JobInfo]) -> dict[str, str]:
    palette = ("cyan", "magenta", "yellow", "green", "blue", "bright_black")
    flows = dict.fromkeys(_flow_of(job) for job in jobs)
    return {flow: palette[i % len(palette)] for i, flow in enumerate(flows)}


def _table(title: str, narrow: bool) -> Table:
    if narrow:
        return Table(
            title=Text(title),
            title_style=_TITLE,
            box=SIMPLE_HEAD,
            padding=(0, 1, 0, 0),
            show_edge=False,
        )
    return Table(title=Text(title), title_style=_TITLE)


def _add_column(table: Table, header: str, *, wraps: bool) -> None:
    table.add_column(header, overflow="fold", no_wrap=not wraps, min_width=6 if wraps else None)


def flows_table(flows: Sequence[FlowInfo], verbosity: int, *, narrow: bool = False) -> Table:
    """Return the table of flows.

    Parameters
    ----------
    narrow
        As in `jobs_table`; the jobs' states are counted instead of listed.
    """
    table = _table("Flows info", narrow)
    updated = "Updated" if narrow else f"Last updated [{zone()}]"
    headers = ["DB id", "Name", "State", "Flow id", "Jobs" if narrow else "Num Jobs", updated]
    headers += ["Workers", "Job states"] if verbosity else []
    headers += ["Flow metadata"] if verbosity > 1 else []
    for header in headers:
        _add_column(table, header, wraps=header in ("Name", "Job states", "Flow metadata"))
    for flow in flows:
        cells: list[Any] = [
            flow.db_id or "",
            Text(flow.name),
            state_text(flow.state),
            flow.flow_id[:8] if narrow else flow.flow_id,
            str(len(flow.db_ids)),
            local_time(flow.updated_on, _SHORT_TIME) if narrow else local_time(flow.updated_on),
        ]
        if verbosity:
            cells.append(", ".join(sorted(set(flow.workers))))
            cells.append(_job_states(flow, narrow))
        if verbosity > 1:
            cells.append(Text(str(flow.flow_metadata)))
        table.add_row(*cells)
    return table


def _job_states(flow: FlowInfo, narrow: bool) -> str:
    codes = [state.short_value for state in flow.job_states]
    if not narrow:
        return "-".join(codes)
    return " ".join(f"{number}{code}" for code, number in Counter(codes).items())


def flow_tree(flow: FlowInfo) -> Tree:
    """Return the structure of a flow: each job below the last of its parents."""
    root = Tree(Text.assemble((f"Flow {flow.name} ", _TITLE), state_text(flow.state)))
    nodes: dict[str, Tree] = {}
    for job in flow.jobs_info or []:
        label = Text.assemble((f"{job.db_id} ", "bold"), Text(job.name), " ", state_text(job.state))
        if job.index > 1:
            label.append(f"  (replaces index {job.index - 1})", style="dim")
        parents = [p for p in job.parents or [] if p in nodes]
        last = nodes[parents[-1]] if parents else root
        branch = nodes.get(job.uuid) or last
        nodes[job.uuid] = branch.add(label)
    return root


_INFO_ORDER = (
    *("db_id", "uuid", "index", "name", "state", "error", "remote", "previous_state", "job"),
    *("created_on", "updated_on", "start_time", "end_time", "metadata", "run_dir", "parents"),
    *("priority", "worker", "resources", "exec_config", "lock_id", "lock_time", "stored_data"),
    "hosts",
)
_LONG = ("queue_out", "queue_err")


def job_panel(values: dict[str, Any], *, show_none: bool, verbosity: int) -> Panel:
    """Return the panel of one job: ``key = value`` lines in a fixed order."""
    text = Text()
    for key in _INFO_ORDER:
        if key not in values or (values[key] is None and not show_none):
            continue
        text.append(f"{key} = ", style="bold")
        text.append(_shown(key, values[key], verbosity, show_none))
        text.append("\n")
    text.rstrip()
    return Panel(text, expand=False)


def _shown(key: str, value: Any, verbosity: int, show_none: bool) -> Any:
    if key == "state":
        return state_text(value)
    if isinstance(value, datetime):
        return f"{local_time(value, '%Y-%m-%d %H:%M:%S')} {zone()}"
    if key == "remote" and isinstance(value, dict):
        kept = {
            k: local_time(v, "%Y-%m-%d %H:%M:%S") if isinstance(v, datetime) else v
            for k, v in value.items()
            if (v is not None or show_none) and (verbosity or k not in _LONG)
        }
        return "".join(f"\n    {k} = {v}" for k, v in kept.items())
    if key in ("parents", "hosts") and isinstance(value, list) and len(value) > 5 and verbosity < 2:
        return f"{value[:2]} ... {value[-2:]}"
    if key == "error" and isinstance(value, str):
        return "\n" + value.rstrip()
    return str(value)
