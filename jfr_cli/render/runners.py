"""Runners: whether one serves the project, which one, and its pings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from controller.tables.runners import RUNNER_PROCESS, runner_row
from jfr_cli.render.data import Row
from jfr_cli.render.formats import GREEN, ORANGE, VERMILION, duration, exact_time
from jfr_cli.render.schemas import DocumentSchema, array, flag, integer, mapping, number, text, time
from jfr_cli.render.tables import Column, TableSpec

if TYPE_CHECKING:
    from rich.panel import Panel
    from rich.text import Text

    from controller.operations.runner_processes import RunnerProcess, RunnersOverview
    from controller.operations.runner_record import RunnerStatus
    from controller.operations.worker_outages import WorkerOutage

__all__ = [
    "CLAIMS",
    "RUNNER",
    "RUNNERS_STARTED",
    "RUNNERS_TOLD",
    "RUNNER_PROCESS",
    "RUNNER_RESET",
    "RUNNER_STATUS",
    "UPDATED",
    "RunnerInfo",
    "RunnersSeen",
    "runner_panel",
    "status_line",
    "status_lines",
]

_STATES = ("alive", "silent", "none", "no record")
_IDENTITY: dict[str, Any] = {
    "hostname": text("Name of its machine.", null=True),
    "pid": integer("Id of its process.", null=True),
    "user": text("The user who started it.", null=True),
    "start_time": time("Start time.", null=True),
    "last_pinged": time("Time of its last ping.", null=True),
}


@dataclass(frozen=True)
class RunnersSeen:
    """What ``jf runner status`` shows.

    Attributes
    ----------
    status
        Whether a runner serves the project.
    overview
        All runners, and what holds for them together.
    """

    status: RunnerStatus
    overview: RunnersOverview


@dataclass(frozen=True)
class RunnerInfo:
    """What ``jf runner info`` shows.

    Attributes
    ----------
    status
        Status of the runner.
    pings
        Pings, the newest last; None if not requested.
    whole
        Show the single processes of the record.
    """

    status: RunnerStatus
    pings: list[dict[str, Any]] | None
    whole: bool


def _status_row(status: RunnerStatus) -> Row:
    record = status.record or {}
    return {
        "state": status.state,
        "alive": status.alive,
        "silent_for": status.silent_for,
        **{key: record.get(key) for key in _IDENTITY},
    }


def _info_row(found: RunnerInfo) -> Row:
    record = dict(found.status.record) if found.status.record else None
    if record and not found.whole:
        record.pop("processes_info", None)
    row: Row = {**_status_row(found.status), "record": record}
    return row if found.pings is None else {**row, "pings": found.pings}


_STATUS_COLUMNS = (
    Column("state", "State", rank=0),
    Column("hostname", "Host"),
    Column("pid", "Process", number=True),
    Column("user", "User"),
    Column("last_pinged", "Last ping [{zone}]"),
)
_STATUS: dict[str, Any] = {
    "state": text("Whether a runner serves the project.", one_of=_STATES),
    "alive": flag("Whether the runner is alive."),
    "silent_for": number("Seconds since the last ping.", null=True),
    **_IDENTITY,
}


def _outage_row(outage: WorkerOutage) -> Row:
    return {
        "worker": outage.worker,
        "state": "AUTH_REQUIRED" if outage.needs_login else "away",
        "problem": outage.problem,
        "hint": outage.hint,
        "retry_on": outage.retry_on,
    }


def _seen_row(seen: RunnersSeen) -> Row:
    return {
        **_status_row(seen.status),
        "claims_paused": bool(seen.overview.claims.get("paused")),
        "runners": [runner_row(runner) for runner in seen.overview.runners],
        "outages": [_outage_row(outage) for outage in seen.overview.outages],
    }


RUNNER_STATUS = TableSpec(
    "runner-status",
    "Whether a runner serves the project, and all runners: `jf runner status`.",
    {
        **_STATUS,
        "claims_paused": flag("Whether claims are paused for all runners."),
        "runners": array(mapping("As of `jf runner list`."), "All runners that have a record."),
        "outages": array(
            mapping("``worker``, ``state`` (AUTH_REQUIRED or away), ``problem``, ``hint``."),
            "Workers whose machines cannot be used at present.",
        ),
    },
    row=_seen_row,
    columns=_STATUS_COLUMNS,
    name_key="state",
)
RUNNER = TableSpec(
    "runner",
    "The registered runner: `jf runner info`.",
    {
        **_STATUS,
        "record": mapping("The whole record; null if none is registered.", null=True),
        "pings": array(mapping("A ping."), "With --pings: the last pings."),
    },
    optional=frozenset({"pings"}),
    row=_info_row,
    columns=_STATUS_COLUMNS,
    name_key="state",
)
RUNNER_RESET = DocumentSchema(
    "runner-reset",
    "What `jf runner reset` did.",
    {
        "reset": flag("Whether a runner was unregistered."),
        "dry_run": flag("Whether nothing was changed."),
    },
)
RUNNERS_STARTED = DocumentSchema(
    "runners-started",
    "What `jf runner start` or `restart` started.",
    {
        "project": text("The project."),
        "started": array(
            mapping("``name``, ``runner_id``, ``pid``, ``log_file``, ``metrics``."),
            "Its processes.",
        ),
    },
)
RUNNERS_TOLD = DocumentSchema(
    "runners-told",
    "The outcome of a request: `jf runner stop`, `kill`, `reload`, and `pause` of one runner.",
    {
        "runners": array(
            mapping(
                "``runner_id``, ``named`` (process and host), ``message``, and ``outcome``: done, "
                "asked, pending, refused or silent."
            ),
            "The runners that were asked; empty if none is active.",
        )
    },
)
CLAIMS = DocumentSchema(
    "claims",
    "What `jf runner pause` or `resume` did.",
    {
        "claims_paused": flag("Whether claims are paused for all runners."),
        "changed": flag("Whether this changed something."),
    },
)
UPDATED = DocumentSchema(
    "updated-jobs",
    "What `jf runner update-status` changed.",
    {
        "changed": array(text("db_id."), "Jobs whose state changed, or would change."),
        "dry_run": flag("Whether nothing was changed."),
    },
)


def status_line(status: RunnerStatus) -> Text:
    """Describe in one line whether a runner serves the project."""
    from rich.text import Text

    if status.record is None:
        missing = "; the database has no record of it" if status.state == "no record" else ""
        return Text(f"■ no runner is registered{missing}", style=ORANGE)
    who = f"process {status.record.get('pid')} on {status.record.get('hostname')}"
    ago = "never" if status.silent_for is None else f"{duration(status.silent_for)} ago"
    if status.alive:
        return Text(f"▶ alive: {who}, last ping {ago}", style=GREEN)
    ended = ", its process has ended" if status.has_ended else ""
    return Text(f"✘ silent: {who}, last ping {ago}{ended}", style=VERMILION)


def status_lines(seen: RunnersSeen) -> Text:
    """Describe all runners, one line each, and what needs attention."""
    from rich.text import Text

    lines = [status_line(seen.status)]
    lines += [_process_line(runner) for runner in seen.overview.runners]
    claims = seen.overview.claims
    if claims.get("paused"):
        by = claims.get("by") or {}
        who = f"by {by.get('user')} on {by.get('host')}"
        lines.append(
            Text(f"  no jobs are claimed: paused {who} (`jf runner resume`)", style=ORANGE)
        )
    for outage in seen.overview.outages:
        row = _outage_row(outage)
        hint = f" ({outage.hint})" if outage.hint else ""
        line = f"  worker {outage.worker}: {row['state']}: {outage.problem}{hint}"
        lines.append(Text(line, style=ORANGE))
    return Text("\n").join(lines)


_FEW_JOBS = 8
"""Maximum number of jobs of a runner that are listed; ``--json`` has all of them."""


def _process_line(runner: RunnerProcess) -> Text:
    from rich.text import Text

    row, record = runner_row(runner), runner.record
    age = "never" if runner.beat_age is None else f"{duration(runner.beat_age)} ago"
    parts = [
        f"{row['state']}: {runner.named}",
        f"since {_shown(row['started_on'])}",
        f"heartbeat {age}",
        f"jfr {row['version']}, Python {row['python']}",
        "all roles" if len(row["roles"]) == 4 else ", ".join(row["roles"]),
        f"project file {row['project_hash']}" + (" (changed since)" * row["file_changed"]),
    ]
    if runner.jobs:
        few = len(runner.jobs) <= _FEW_JOBS
        parts.append(f"works on {', '.join(runner.jobs) if few else f'{len(runner.jobs)} jobs'}")
    if record.get("claims_paused"):
        parts.append("claims no jobs")
    line = Text("  " + "; ".join(parts), style="" if runner.lives else VERMILION)
    if row["last_error"]:
        line.append(f"\n    last: {row['last_error']}", style=ORANGE)
    return line


def runner_panel(found: RunnerInfo) -> Panel:
    """Return the record of the runner as ``key = value`` lines."""
    from rich.console import Group
    from rich.panel import Panel
    from rich.text import Text

    lines = [status_line(found.status)]
    for key, value in (_info_row(found)["record"] or {}).items():
        lines.append(Text.assemble((f"{key} = ", "bold"), _shown(value)))
    for ping in found.pings or []:
        who = f"process {ping.get('pid')} on {ping.get('hostname')}"
        ended = ": ended" if ping.get("ended") else ""
        line = f"{_shown(ping.get('time'))}  {who}{ended}"
        lines.append(Text.assemble(("ping = ", "bold"), line))
    return Panel(Group(*lines), expand=False)


def _shown(value: Any) -> str:
    return exact_time(value) if isinstance(value, datetime) else str(value)
