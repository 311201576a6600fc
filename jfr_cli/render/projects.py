"""Projects, their checks, and the results of quickstart and the runner."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from jfr_cli.render.data import Row
from jfr_cli.render.formats import ORANGE, Words, verdict_words
from jfr_cli.render.schemas import DocumentSchema, array, flag, text
from jfr_cli.render.tables import MORE, Column, TableSpec

if TYPE_CHECKING:
    from controller.checks import CheckResult


def _check_row(result: CheckResult) -> Row:
    return {
        "what": result.what,
        "ok": result.ok,
        "warning": result.warning,
        "problem": result.problem,
        "hint": result.hint,
        "note": result.note,
    }


def _verdict(result: CheckResult) -> Words:
    return Words("! warning", ORANGE) if result.warning else verdict_words(result.ok)


def _told(result: CheckResult, *, whole: bool = False) -> str:
    """The problem and its solution, or what was found."""
    if result.problem is None:
        return Words(result.note or "", "dim")
    problem = result.problem if whole else result.problem.splitlines()[0]
    return f"{problem}\n→ {result.hint}" if result.hint else problem


PROJECTS = TableSpec(
    "project",
    "A project: an entry of `jf project list`.",
    {
        "name": text("Name of the project."),
        "file": text("Its file."),
        "selected": flag("Whether commands use it by default."),
    },
    columns=(
        Column("name", "Name", rank=0),
        Column("selected", "Selected", lambda row: "*" if row["selected"] else ""),
        Column("file", "File", wraps=True),
    ),
    name_key="name",
)
CHECKS = TableSpec(
    "check",
    "A check: an entry of `jf project check`.",
    {
        "what": text("What was checked."),
        "ok": flag("Whether it passed."),
        "warning": flag("Whether the problem is only a warning."),
        "problem": text("The problem.", null=True),
        "hint": text("How to fix it.", null=True),
        "note": text("What was found, such as a path.", null=True),
    },
    row=_check_row,
    columns=(
        Column("ok", "Result", _verdict, rank=0),
        Column("what", "What", rank=0),
        Column("problem", "Problem", _told, levels=range(1), wraps=True, rank=0),
        Column("problem", "Problem", partial(_told, whole=True), levels=MORE, wraps=True, rank=0),
    ),
    name_key="what",
)
QUICKSTART = DocumentSchema(
    "quickstart",
    "What `jf quickstart` and `jf project generate` created, or would create.",
    {
        "project": text("Name of the project."),
        "file": text("Its file."),
        "dry_run": flag("Whether nothing was created."),
    },
)
DEMO = DocumentSchema(
    "demo",
    "What `jf demo` submitted, or would submit.",
    {
        "metals": array(text("db_id."), "Jobs of the calculation."),
        "failing": array(text("db_id."), "Jobs that fail on purpose."),
        "flows": array(text("Name."), "The flows."),
        "dry_run": flag("Whether nothing was submitted."),
    },
)
RUN_SUMMARY = DocumentSchema(
    "run-summary",
    "What `jf runner run --until-idle` did.",
    {
        "completed": array(text("db_id."), "Jobs that were completed."),
        "failed": array(text("db_id."), "Jobs that ended FAILED or REMOTE_ERROR."),
        "timed_out": flag("Whether it ended because of the time limit."),
    },
)
