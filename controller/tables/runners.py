"""Runners: their data, and their table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from controller.tables.columns import MORE, Column, TableSpec
from controller.tables.data import Row
from controller.tables.schemas import array, flag, integer, number, text, time

if TYPE_CHECKING:
    from controller.operations.runner_processes import RunnerProcess

_PROCESS_STATES = ("alive", "stopping", "silent", "ended")


def runner_row(runner: RunnerProcess) -> Row:
    """Return the data of a runner: the keys of `RUNNER_PROCESS`."""
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
        "metrics": known.get("metrics"),
        "request": (known.get("request") or {}).get("action"),
    }


def _roles(row: Any) -> str:
    roles = runner_row(row)["roles"]
    return "all" if len(roles) == 4 else ", ".join(roles)


RUNNER_PROCESS = TableSpec(
    "runner-process",
    "A runner of the project: `jf runner list`.",
    {
        "runner_id": text("Its id."),
        "state": text("Whether it is alive.", one_of=_PROCESS_STATES),
        "hostname": text("Name of its machine.", null=True),
        "pid": integer("Id of its process.", null=True),
        "user": text("The user who started it.", null=True),
        "name": text("Which process of `jf runner start`; null in the foreground.", null=True),
        "project_name": text("The project that it serves.", null=True),
        "started_on": time("Start time.", null=True),
        "beat_age": number("Seconds since its last heartbeat.", null=True),
        "version": text("Version of jfr.", null=True),
        "python": text("Version of Python.", null=True),
        "roles": array(text("A role."), "The steps that it does."),
        "project_file": text("The project file that it read.", null=True),
        "project_hash": text("Hash of the content of that file.", null=True),
        "file_changed": flag("Whether the file has changed since, as of its last heartbeat."),
        "claims_paused": flag("Whether it claims no jobs."),
        "jobs": array(text("db_id."), "Jobs it is working on."),
        "last_error": text("The last warning or error of its log.", null=True),
        "last_error_on": time("Time of that message.", null=True),
        "log_file": text("Its log file, on its machine.", null=True),
        "metrics": text("Address at which it serves metrics.", null=True),
        "request": text("The last request made to it.", null=True),
    },
    row=runner_row,
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
        Column("metrics", "Metrics", levels=MORE),
    ),
    name_key="runner_id",
)
