"""Projects, their checks, and what quickstart and the runner report."""

from __future__ import annotations

from jfr_cli.render.kinds import Column, Kind
from jfr_cli.render.shapes import Shape, array, flag, text
from jfr_cli.render.words import verdict_text

PROJECTS = Kind(
    "project",
    "A project: an entry of `jf project list`.",
    {
        "name": text("Name of the project."),
        "file": text("Its file."),
        "selected": flag("Whether commands use it when no other is named."),
    },
    columns=(
        Column("name", "Name", rank=0),
        Column("selected", "Selected", lambda row: "*" if row["selected"] else ""),
        Column("file", "File", wraps=True),
    ),
    name_key="name",
)
CHECKS = Kind(
    "check",
    "A check: an entry of `jf project check`.",
    {
        "what": text("What was checked."),
        "ok": flag("Whether it can be used."),
        "problem": text("What is wrong.", null=True),
    },
    columns=(
        Column("ok", "Result", lambda row: verdict_text(row["ok"]), rank=0),
        Column("what", "What", rank=0),
        Column("problem", "Problem", wraps=True, rank=0),
    ),
    name_key="what",
)
QUICKSTART = Shape(
    "quickstart",
    "What `jf quickstart` and `jf project generate` made.",
    {"project": text("Name of the project."), "file": text("Its file.")},
)
RUN_SUMMARY = Shape(
    "run-summary",
    "What `jf runner run --until-idle` did.",
    {
        "completed": array(text("db_id."), "Jobs that it completed."),
        "failed": array(text("db_id."), "Jobs that ended FAILED or REMOTE_ERROR."),
        "timed_out": flag("Whether it ended because time was up."),
    },
)
