"""Runners: whether one serves the project, which, and its signs of life."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from jfr_cli.render.data import Row
from jfr_cli.render.schemas import DocumentSchema, array, flag, integer, mapping, number, text, time
from jfr_cli.render.tables import Column, TableSpec
from jfr_cli.render.words import GREEN, ORANGE, VERMILION, duration, exact_time

if TYPE_CHECKING:
    from rich.panel import Panel
    from rich.text import Text

    from controller.operations.runner_record import RunnerStatus

_STATES = ("alive", "silent", "none", "no record")
_IDENTITY: dict[str, Any] = {
    "hostname": text("Its machine.", null=True),
    "pid": integer("Its process.", null=True),
    "user": text("Who started it.", null=True),
    "start_time": time("When it was started.", null=True),
    "last_pinged": time("Its last sign of life.", null=True),
}


@dataclass(frozen=True)
class RunnerInfo:
    """What ``jf runner info`` shows.

    Attributes
    ----------
    status
        Of the runner.
    pings
        Signs of life, the newest last; None where they were not asked for.
    whole
        Show what the record says of single processes.
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
    Column("last_pinged", "Last sign of life [{zone}]"),
)
_STATUS: dict[str, Any] = {
    "state": text("Whether a runner serves the project.", one_of=_STATES),
    "alive": flag("Whether it does."),
    "silent_for": number("Seconds since the last sign of life.", null=True),
    **_IDENTITY,
}
RUNNER_STATUS = TableSpec(
    "runner-status",
    "Whether a runner serves the project: `jf runner status`.",
    _STATUS,
    row=_status_row,
    columns=_STATUS_COLUMNS,
    name_key="state",
)
RUNNER = TableSpec(
    "runner",
    "The runner that is registered: `jf runner info`.",
    {
        **_STATUS,
        "record": mapping("The whole record; null where none is registered.", null=True),
        "pings": array(mapping("One."), "With --pings: the last signs of life."),
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
        "reset": flag("Whether a runner was forgotten."),
        "dry_run": flag("Whether nothing was to be changed."),
    },
)
UPDATED = DocumentSchema(
    "updated-jobs",
    "What `jf runner update-status` changed.",
    {
        "changed": array(text("db_id."), "Jobs whose state changed, or would change."),
        "dry_run": flag("Whether nothing was to be changed."),
    },
)


def status_line(status: RunnerStatus) -> Text:
    """Say in one line whether a runner serves the project."""
    from rich.text import Text

    if status.record is None:
        missing = "; the database has no record of it" if status.state == "no record" else ""
        return Text(f"■ no runner is registered{missing}", style=ORANGE)
    who = f"process {status.record.get('pid')} on {status.record.get('hostname')}"
    ago = "never" if status.silent_for is None else f"{duration(status.silent_for)} ago"
    if status.alive:
        return Text(f"▶ alive: {who}, last sign of life {ago}", style=GREEN)
    ended = ", its process has ended" if status.has_ended else ""
    return Text(f"✘ silent: {who}, last sign of life {ago}{ended}", style=VERMILION)


def runner_panel(found: RunnerInfo) -> Panel:
    """Return what is known of the runner, ``key = value`` lines."""
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
