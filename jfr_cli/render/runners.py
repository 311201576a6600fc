"""Runners: whether one serves the project, which one, and its pings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jfr_cli.render.data import Row
from jfr_cli.render.schemas import DocumentSchema, array, flag, integer, mapping, number, text, time
from jfr_cli.render.tables import MORE, Column, TableSpec
from jfr_cli.render.words import GREEN, ORANGE, VERMILION, duration, exact_time

if TYPE_CHECKING:
    from rich.panel import Panel
    from rich.text import Text

    from controller.operations.runner_processes import RunnerProcess, RunnersOverview
    from controller.operations.runner_record import RunnerStatus
    from controller.operations.worker_outages import WorkerOutage

_STATES = ("alive", "silent", "none", "no record")
_IDENTITY: dict[str, Any] = {
    "hostname": text("Its machine.", null=True),
    "pid": integer("Its process.", null=True),
    "user": text("Who started it.", null=True),
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
_PROCESS_STATES = ("alive", "stopping", "silent", "ended")


def _process_row(runner: RunnerProcess) -> Row:
    known = runner.record
    last = known.get("last_error") or {}
    return {
        "runner_id": runner.runner_id,
        "state": str(runner.state),
        **{key: known.get(key) for key in ("hostname", "pid", "user", "name", "project_name")},
        "started_on": known.get("started_on"),
        "beat_age": None if runner.beat_age is None else round(runner.beat_age, 1),
        "version": known.get("version"),
        "python": known.get("python"),
        "roles": list(known.get("roles") or ()),
        "project_file": known.get("project_file"),
        "project_hash": known.get("project_hash"),
        "file_changed": bool(known.get("file_changed")),
        "claims_paused": bool(known.get("claims_paused")),
        "jobs": list(runner.jobs),
        "last_error": last.get("text"),
        "last_error_on": last.get("on"),
        "log_file": known.get("log_file"),
        "request": (known.get("request") or {}).get("action"),
    }


def _roles(row: Any) -> str:
    roles = _process_row(row)["roles"]
    return "all" if len(roles) == 4 else ", ".join(roles)


RUNNER_PROCESS = TableSpec(
    "runner-process",
    "A runner of the project: `jf runner list`.",
    {
        "runner_id": text("Its id."),
        "state": text("Whether it lives.", one_of=_PROCESS_STATES),
        "hostname": text("Its machine.", null=True),
        "pid": integer("Its process.", null=True),
        "user": text("Who started it.", null=True),
        "name": text("Which process of `jf runner start`; null in the foreground.", null=True),
        "project_name": text("The project that it serves.", null=True),
        "started_on": time("When it was started.", null=True),
        "beat_age": number("Seconds since its last heartbeat.", null=True),
        "version": text("Of jfr.", null=True),
        "python": text("Version of Python.", null=True),
        "roles": array(text("One."), "What it does."),
        "project_file": text("The project file that it has read.", null=True),
        "project_hash": text("What changes with the content of that file.", null=True),
        "file_changed": flag("Whether the file has changed since, as of its last heartbeat."),
        "claims_paused": flag("Whether it claims no jobs."),
        "jobs": array(text("db_id."), "Jobs on which it works right now."),
        "last_error": text("The last warning or error of its log.", null=True),
        "last_error_on": time("When that was.", null=True),
        "log_file": text("Its log, on its machine.", null=True),
        "request": text("What was asked of it last.", null=True),
    },
    row=_process_row,
    columns=(
        Column("state", "State", rank=0),
        Column("hostname", "Host", rank=0),
        Column("pid", "Process", number=True, rank=0),
        Column("user", "User", rank=3),
        Column("started_on", "Started [{zone}]", rank=2),
        Column("beat_age", "Heartbeat [s]", number=True),
        Column("version", "Version", rank=4),
        Column("python", "Python", rank=5),
        Column("roles", "Roles", cell=_roles, rank=3),
        Column("file_changed", "File changed", rank=3),
        Column("jobs", "Jobs", cell=lambda runner: ", ".join(runner.jobs), wraps=True),
        Column("last_error", "Last error", wraps=True, rank=6),
        Column("runner_id", "Id", levels=MORE),
        Column("project_hash", "Hash", levels=MORE),
        Column("project_file", "Project file", levels=MORE),
        Column("log_file", "Log", levels=MORE),
    ),
    name_key="runner_id",
)


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
        "runners": [_process_row(runner) for runner in seen.overview.runners],
        "outages": [_outage_row(outage) for outage in seen.overview.outages],
    }


RUNNER_STATUS = TableSpec(
    "runner-status",
    "Whether a runner serves the project, and all runners: `jf runner status`.",
    {
        **_STATUS,
        "claims_paused": flag("Whether no runner is to claim jobs."),
        "runners": array(mapping("As of `jf runner list`."), "All that have a record."),
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
            mapping("``name``, ``runner_id``, ``pid``, ``log_file``."), "Its processes."
        ),
    },
)
RUNNERS_TOLD = DocumentSchema(
    "runners-told",
    "What became of a request: `jf runner stop`, `kill`, `reload`, and `pause` of one runner.",
    {
        "runners": array(
            mapping(
                "``runner_id``, ``named`` (process and host), ``message``, and ``outcome``: done, "
                "asked, pending, refused or silent."
            ),
            "Those that were asked; empty where none is active.",
        )
    },
)
CLAIMS = DocumentSchema(
    "claims",
    "What `jf runner pause` or `resume` did.",
    {
        "claims_paused": flag("Whether no runner is to claim jobs."),
        "changed": flag("Whether that is new."),
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
    """Say what is known of all runners, one line for each, and what needs attention."""
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


def _process_line(runner: RunnerProcess) -> Text:
    from rich.text import Text

    row, record = _process_row(runner), runner.record
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
        parts.append(f"works on {', '.join(runner.jobs)}")
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
