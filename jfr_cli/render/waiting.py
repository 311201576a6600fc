"""The results of waiting, and why a job does not run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from controller.rules.waiting import Verdict
from controller.rules.why import Reason
from controller.states import JobState
from jfr_cli.render.data import Row
from jfr_cli.render.formats import state_text, state_words
from jfr_cli.render.schemas import DocumentSchema, array, entry, number, text
from jfr_cli.render.tables import Column, TableSpec

if TYPE_CHECKING:
    from rich.console import Group

    from controller.documents import JobInfo
    from controller.waiting import Awaited, WaitResult

AWAITED = TableSpec(
    "awaited",
    "A job or flow that was waited for: an entry of `waited`.",
    {
        "db_id": text("db_id of the job, or of the flow's first job."),
        "uuid": text("Uuid of the job or flow."),
        "name": text("Its name."),
        "state": text("Its state at the end."),
        "flow": text("Uuid of its submitted flow."),
    },
    row=asdict,
    columns=(
        Column("db_id", "DB id", number=True, rank=0),
        Column("name", "Name", wraps=True, rank=0),
        Column("state", "State", lambda a: state_words(a.state), rank=0),
    ),
)
WAIT = DocumentSchema(
    "wait",
    "The result of `jf job wait` and `jf flow wait`.",
    {
        "verdict": text(
            "`pending` if the time limit was reached.", one_of=[v.value for v in Verdict]
        ),
        "seconds": number("Duration of the wait."),
        "waited": array(entry(AWAITED), "The jobs or flows waited for."),
    },
)
REASON = TableSpec(
    "reason",
    "A reason: an entry of `reasons` of `jf job why`.",
    {
        "code": text("A keyword for scripts."),
        "text": text("What blocks the job, in one line."),
        "advice": text("What to do next, often a command.", null=True),
    },
    row=asdict,
    columns=(
        Column("text", "Reason", wraps=True, rank=0),
        Column("advice", "What to do", wraps=True, rank=0),
    ),
    name_key="code",
)
WHY = DocumentSchema(
    "why",
    "The result of `jf job why`.",
    {
        "db_id": text("The job."),
        "name": text("Its name."),
        "state": text("Its state.", one_of=JobState),
        "reasons": array(entry(REASON), "Why it does not run, the most important reason first."),
        "error": text("The end of its error.", null=True),
    },
)
_NEEDS_ACTION = {"PAUSED", "WAITING", "READY", "RUNNING"}
"""States of jobs and flows that have not ended, some of which need a user to continue."""
_SHOWN = 5
_TAIL = 12
"""Maximum number of lines shown of an error."""


def wait_row(result: WaitResult) -> Row:
    """Return the data of a wait."""
    return {
        "verdict": result.verdict,
        "seconds": round(result.seconds, 3),
        "waited": [AWAITED.data(awaited) for awaited in result.waited],
    }


def standing(waited: Sequence[Awaited]) -> str:
    """Return the current states in one line."""
    counts = Counter(awaited.state.value for awaited in waited)
    return ", ".join(f"{count} {state}" for state, count in counts.most_common())


def at_rest(waited: Sequence[Awaited]) -> str | None:
    """Describe why the wait ended although not everything has; None if everything has."""
    held = [a for a in waited if a.state.value in _NEEDS_ACTION]
    if not held:
        return None
    which = ", ".join(f"{a.db_id} {a.state.value}" for a in held[:_SHOWN])
    more = f" and {len(held) - _SHOWN} more" if len(held) > _SHOWN else ""
    return f"nothing will change without user action: {which}{more}"


def why_row(job: JobInfo, reasons: Sequence[Reason]) -> Row:
    """Return the data of why a job does not run."""
    return {
        "db_id": job.db_id,
        "name": job.name,
        "state": job.state,
        "reasons": [asdict(reason) for reason in reasons],
        "error": error_tail(job),
    }


def error_tail(job: JobInfo) -> str | None:
    """Return the end of a job's error, None if there is none."""
    whole = job.error if job.state is JobState.FAILED else job.remote.error
    if job.state not in (JobState.FAILED, JobState.REMOTE_ERROR) or not whole:
        return None
    return "\n".join(whole.rstrip().splitlines()[-_TAIL:])


def why_picture(job: JobInfo, reasons: Sequence[Reason]) -> Group:
    """Return the reasons, one below the other, and the end of the error."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    retrying = job.remote.retry_time_limit is not None
    head = Text.assemble(
        (f"{job.db_id} ", "bold"), job.name, "  ", state_text(job.state, retrying=retrying)
    )
    lines = Table.grid(padding=(0, 1, 0, 0))
    for reason in reasons:
        lines.add_row(Text("•", style="bold"), Text(reason.text))
        if reason.advice:
            lines.add_row("", Text(f"→ {reason.advice}", style="color(74)"))
    parts: list[Any] = [head, Text(), lines]
    if tail := error_tail(job):
        parts += [Text(), Padding(Text(tail, style="dim"), (0, 0, 0, 2))]
    return Group(*parts)
