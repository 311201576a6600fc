"""The result of an action on many things: the result line, and the data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from controller.tables.columns import Column, TableSpec
from controller.tables.data import Row, plain
from controller.tables.formats import cell_text, exact_time
from controller.tables.schemas import (
    DocumentSchema,
    Schema,
    anything,
    array,
    entry,
    flag,
    integer,
    text,
)

SHOWN_REFUSALS = 20
"""Maximum number of refusals shown; the rest are counted."""
_SHOWN_IDS = 10


def _after(row: Row) -> str:
    """The new state of a thing, as a cell."""
    return "gone" if row["after"] is None else _shown(row["after"])


class Refusal(Protocol):
    """Why one thing was not changed."""

    @property
    def db_id(self) -> str:
        """The thing's id."""

    @property
    def reason(self) -> str:
        """Why, in one line."""


class Change(Protocol):
    """The change of one thing."""

    @property
    def db_id(self) -> str:
        """The thing's id."""

    @property
    def before(self) -> Any:
        """Before: a state, a value or a mapping."""

    @property
    def after(self) -> Any:
        """After."""


class Outcome(Protocol):
    """The result of an action: a list of the changed db_ids, with these attributes."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Any: ...

    @property
    def matched(self) -> int:
        """How many things were selected."""

    @property
    def unchanged(self) -> Sequence[str]:
        """db_ids of those that needed no change."""

    @property
    def refused(self) -> Sequence[Refusal]:
        """Those that could not be changed."""

    @property
    def changes(self) -> Sequence[Change]:
        """The changes done, or planned."""

    @property
    def dependents(self) -> Sequence[Change]:
        """The changes among these of things that were not selected."""

    @property
    def dry_run(self) -> bool:
        """Whether nothing was written."""


@dataclass(frozen=True)
class Changed:
    """The change of one thing; see `Change`. ``after`` is None if it was deleted."""

    db_id: str
    name: str | None
    before: Any
    after: Any = None


@dataclass(frozen=True)
class LeftAlone:
    """Why one thing was not changed; see `Refusal`."""

    db_id: str
    reason: str


class Tally(list[str]):
    """An `Outcome` assembled from its parts."""

    def __init__(
        self,
        changes: Sequence[Change],
        *,
        unchanged: Sequence[str] = (),
        refused: Sequence[Refusal] = (),
        dry_run: bool = False,
    ) -> None:
        super().__init__(change.db_id for change in changes)
        self.matched = len(changes) + len(unchanged) + len(refused)
        self.unchanged, self.refused, self.changes = unchanged, refused, changes
        self.dependents: Sequence[Change] = ()
        self.dry_run = dry_run


REFUSAL = DocumentSchema(
    "refusal",
    "A thing that was not changed.",
    {"db_id": text("Its id."), "reason": text("Why, in one line.")},
)
CHANGE = TableSpec(
    "change",
    "The change of one thing: an entry of `plan` of a dry run, and of `dependents`.",
    {
        "db_id": text("Its id."),
        "name": text("Its name, if known.", null=True),
        "before": anything("Before: a state, a value or an object."),
        "after": anything("After; null if it is deleted."),
        "dependent": flag("Whether it was not selected, but depends on something selected."),
    },
    columns=(
        Column("db_id", "DB id", number=True, rank=0),
        Column("name", "Name", wraps=True, rank=2),
        Column("before", "Is", lambda row: _shown(row["before"]), wraps=True, rank=0),
        Column("after", "Becomes", _after, wraps=True, rank=0),
    ),
)
OUTCOME = DocumentSchema(
    "outcome",
    "What a command that changes things did; with --dry-run, what it would do.",
    {
        "matched": integer("Number of things selected."),
        "modified": array(text("db_id."), "Selected things that were changed."),
        "unchanged": array(text("db_id."), "Selected things that needed no change."),
        "refused": array(REFUSAL, "Selected things that could not be changed."),
        "dependents": array(
            entry(CHANGE), "Other things that changed because they depend on those."
        ),
        "plan": array(entry(CHANGE), "With --dry-run: the planned changes."),
    },
    optional=frozenset({"plan"}),
)


_RESULTS = ("modified", "planned", "dependent", "unchanged", "refused")
"""`planned` is what a dry run would modify."""


def outcome_schema(name: str, summary: str, **more: Schema) -> DocumentSchema:
    """Declare an `OUTCOME` with further keys."""
    return DocumentSchema(name, summary, {**OUTCOME.properties, **more}, OUTCOME.optional)


RESULT = TableSpec(
    "result",
    "The result for one thing: a row of --format csv of a command that changes things.",
    {
        "db_id": text("Its id."),
        "result": text("The result.", one_of=_RESULTS),
        "reason": text("Why it was refused.", null=True),
        "before": anything("Before, if changed."),
        "after": anything("After; null if it was deleted."),
    },
)


def result_rows(outcome: Outcome) -> list[Row]:
    """Return the result for each thing, as rows of `RESULT`."""
    changed = "planned" if outcome.dry_run else "modified"
    rows = [
        _result(row["db_id"], "dependent" if row["dependent"] else changed, **_ends(row))
        for row in map(plain, plan_rows(outcome))
    ]
    told = {row["db_id"] for row in rows}
    rows += [_result(db_id, changed) for db_id in modified_ids(outcome) if db_id not in told]
    rows += [_result(db_id, "unchanged") for db_id in outcome.unchanged]
    return [*rows, *(_result(r.db_id, "refused", reason=r.reason) for r in outcome.refused)]


def _result(db_id: str, result: str, **known: Any) -> Row:
    return {**dict.fromkeys(RESULT.properties), "db_id": db_id, "result": result, **known}


def _ends(row: Row) -> Row:
    return {"before": row["before"], "after": row["after"]}


def modified_ids(outcome: Outcome) -> list[str]:
    """Ids of the selected things that were changed, or would be in a dry run."""
    others = {change.db_id for change in outcome.dependents}
    return [str(db_id) for db_id in outcome if db_id not in others]


def outcome_row(outcome: Outcome) -> Row:
    """Return the data; a dry run modifies nothing, and lists the planned changes."""
    row: Row = {
        "matched": outcome.matched,
        "modified": [] if outcome.dry_run else modified_ids(outcome),
        "unchanged": list(outcome.unchanged),
        "refused": [{"db_id": r.db_id, "reason": r.reason} for r in outcome.refused],
        "dependents": [],
    }
    plan = [plain(change) for change in plan_rows(outcome)]
    if outcome.dry_run:
        row["plan"] = plan
    else:
        row["dependents"] = [change for change in plan if change["dependent"]]
    return row


def plan_rows(outcome: Outcome) -> list[Row]:
    """Return the changes as rows of `CHANGE`."""
    others = {change.db_id for change in outcome.dependents}
    return [
        {
            "db_id": change.db_id,
            "name": getattr(change, "name", None),
            "before": change.before,
            "after": _becomes(change),
            "dependent": change.db_id in others,
        }
        for change in outcome.changes
    ]


def _becomes(change: Change) -> Any:
    """Describe the new state of a thing; its other fields if the state stays."""
    fields = getattr(change, "fields", None)
    return dict(fields) if fields and change.before == change.after else change.after


def result_line(outcome: Outcome, noun: str, done: str) -> str:
    """Describe the result in one line.

    Parameters
    ----------
    noun
        Noun for the things, in the singular.
    done
        Past participle of the action, such as "paused".
    """
    if not outcome.matched and not len(outcome) and not outcome.refused:
        return f"no {noun} matches: nothing to do"
    number = len(modified_ids(outcome))
    parts = [f"{counted(number, noun)} {'would be ' if outcome.dry_run else ''}{done}"]
    becomes = "would become" if outcome.dry_run else "became"
    further = Counter(plain(_becomes(change)) for change in outcome.dependents)
    parts += [f"{n} more {becomes} {state}" for state, n in further.items()]
    if outcome.unchanged:
        parts.append(f"{len(outcome.unchanged)} unchanged")
    if outcome.refused:
        parts.append(f"{len(outcome.refused)} refused")
    return ", ".join(parts)


def refusal_lines(refused: Sequence[Refusal]) -> list[str]:
    """Describe why things were refused, once per reason."""
    same: dict[str, list[Refusal]] = {}
    for refusal in refused:
        # A reason may begin with its subject: "job 12 is in state ...".
        reason = refusal.reason.replace(f"job {refusal.db_id} ", "each ", 1)
        same.setdefault(reason, []).append(refusal)
    lines = [_told(reason, found) for reason, found in list(same.items())[:SHOWN_REFUSALS]]
    more = len(same) - len(lines)
    return [*lines, *([f"... and {more} more reasons"] if more else [])]


def _told(reason: str, refused: Sequence[Refusal]) -> str:
    if len(refused) == 1:
        return f"{refused[0].db_id}: {refused[0].reason}"
    ids = ", ".join(str(refusal.db_id) for refusal in refused[:_SHOWN_IDS])
    more = len(refused) - _SHOWN_IDS
    return f"{ids}{f' and {more} more' if more > 0 else ''}: {reason}"


def counted(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}{'' if number == 1 else 'es' if noun.endswith('s') else 's'}"


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={_shown(one)}" for key, one in value.items())
    return exact_time(value) if isinstance(value, datetime) else cell_text(value)
