"""The findings and repairs of the doctor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from jfr_cli.render.data import Row
from jfr_cli.render.formats import GREEN, ORANGE, VERMILION
from jfr_cli.render.outcome import counted
from jfr_cli.render.schemas import DocumentSchema, array, entry, flag, integer, text
from jfr_cli.render.tables import Column, TableSpec

if TYPE_CHECKING:
    from rich.console import Group
    from rich.text import Text

    from controller.doctor import Examination, Finding, Mended

T = TypeVar("T")
SHOWN = 5
"""Maximum number of findings shown per kind and remedy; the rest are counted."""
_STYLES = {"problem": (VERMILION, "✘"), "warning": (ORANGE, "!"), "note": ("dim", "·")}


def _finding_row(finding: Finding) -> Row:
    return {
        "kind": finding.kind,
        "severity": finding.severity,
        "subject": finding.subject,
        "what": finding.what,
        "remedy": finding.remedy,
        "consent": finding.consent,
    }


def _mended_row(mended: Mended) -> Row:
    return {"text": mended.text, "outcome": mended.outcome, "reason": mended.reason}


def _row(found: Examination) -> Row:
    return {
        "ok": found.ok,
        "jobs": found.diagnosis.jobs,
        "flows": found.diagnosis.flows,
        "held": found.diagnosis.held,
        "findings": [_finding_row(finding) for finding in found.diagnosis.findings],
        "mended": [_mended_row(mended) for mended in found.mended],
        "remaining": [_finding_row(finding) for finding in found.remaining.findings],
    }


FINDING = TableSpec(
    "finding",
    "A finding: a row of `jf admin doctor` as csv.",
    {
        "kind": text("Kind of finding."),
        "severity": text("Severity.", one_of=("problem", "warning", "note")),
        "subject": text("db_id of a job, uuid of a flow, or name of another subject."),
        "what": text("The problem."),
        "remedy": text("What the repair does, or what you have to do."),
        "consent": text("The flag required for the repair, without dashes.", null=True),
    },
    row=_finding_row,
    name_key="subject",
)
MENDED = DocumentSchema(
    "mended",
    "A repair of findings.",
    {
        "text": text("What was or would be done."),
        "outcome": text("The outcome.", one_of=("planned", "done", "skipped")),
        "reason": text("Why it was skipped.", null=True),
    },
)
EXAMINATION = TableSpec(
    "examination",
    "The result of `jf admin doctor`.",
    {
        "ok": flag("Whether no problem is left."),
        "jobs": integer("Jobs that were examined."),
        "flows": integer("Flows that were examined."),
        "held": integer("Locks with a live holder; what they cover was not judged."),
        "findings": array(FINDING, "Findings of the first examination."),
        "mended": array(entry(MENDED), "The repairs; without --fix, those that would be done."),
        "remaining": array(FINDING, "Findings that are left."),
    },
    row=_row,
    columns=(
        Column("ok", "Healthy", rank=0),
        Column("jobs", "Jobs", number=True),
        Column("flows", "Flows", number=True),
        Column("findings", "Findings", lambda found: str(len(found.diagnosis.findings))),
        Column("remaining", "Left", lambda found: str(len(found.remaining.findings))),
    ),
)


def examination_text(found: Examination, *, fixed: bool) -> Group:
    """Return the text output: findings, repairs, and a final line."""
    from rich.console import Group
    from rich.text import Text

    parts: list[Any] = _finding_texts(found.diagnosis.findings)
    if fixed:
        parts += _mended_texts(found.mended)
        changed = found.remaining != found.diagnosis
        if changed and found.remaining.findings:
            parts += [Text("left:", style="bold"), *_finding_texts(found.remaining.findings)]
    elif found.mended:
        parts.append(Text(f"--fix repairs {len(found.mended)} of these", style="dim"))
    jobs, flows = found.diagnosis.jobs, found.diagnosis.flows
    examined = f"{counted(jobs, 'job')} and {counted(flows, 'flow')}"
    verdict = "no problem" if found.ok else "there are problems"
    style = GREEN if found.ok else VERMILION
    return Group(*parts, Text.assemble((verdict, style), f" in {examined}"))


def _finding_texts(findings: Iterable[Finding]) -> list[Text]:
    """Return the findings, grouped by cause and remedy."""
    alike = _alike(findings, lambda f: (f.kind, f.severity, f.remedy, f.consent))
    return [_finding_text(same) for same in alike]


def _finding_text(same: Sequence[Finding]) -> Text:
    from rich.text import Text

    first = same[0]
    style, glyph = _STYLES[first.severity]
    flag = f" (with --{first.consent.replace('_', '-')})" if first.consent else ""
    text = Text()
    for finding in same[:SHOWN]:
        text.append(f"{glyph} {first.severity} ", style=style).append(f"{finding.what}\n")
    if len(same) > SHOWN:
        text.append(f"  and {len(same) - SHOWN} similar ones: see --json\n", style="dim")
    return text.append(f"  → {first.remedy}{flag}", style="dim")


def _mended_texts(mended: Iterable[Mended]) -> list[Text]:
    from rich.text import Text

    lines = []
    for same in _alike(mended, lambda one: (one.outcome, one.reason)):
        outcome, reason = same[0].outcome, same[0].reason
        told = f": {reason}" if reason else ""
        lines += [f"{outcome}: {one.text}{told}" for one in same[:SHOWN]]
        if len(same) > SHOWN:
            lines.append(f"{outcome}: {len(same) - SHOWN} similar ones")
    return [Text(line) for line in lines]


def _alike(things: Iterable[T], cause: Callable[[T], Any]) -> list[list[T]]:
    """Group by cause, in order of first appearance."""
    found: dict[Any, list[T]] = {}
    for thing in things:
        found.setdefault(cause(thing), []).append(thing)
    return list(found.values())
