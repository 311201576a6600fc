"""The upgrade of the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jfr_cli.render.data import Row
from jfr_cli.render.schemas import DocumentSchema, array, entry, flag, integer, text
from jfr_cli.render.tables import Column, TableSpec

if TYPE_CHECKING:
    from rich.text import Text

    from controller.rules.upgrades import UpgradePlan


@dataclass(frozen=True)
class UpgradeReport:
    """What ``jf admin upgrade`` shows.

    Attributes
    ----------
    plan
        The plan.
    differences
        Differences between the packages here and those that wrote the database.
    done
        Whether it was done.
    force
        Ignore failed preconditions.
    """

    plan: UpgradePlan
    differences: list[str]
    done: bool
    force: bool


def _row(report: UpgradeReport) -> Row:
    from controller.rules.upgrades import ManualAction

    plan = report.plan
    return {
        "current": str(plan.current),
        "target": str(plan.target),
        "actions": [
            {
                "version": planned.version,
                "description": planned.action.description,
                "count": planned.count,
                "manual": isinstance(planned.action, ManualAction),
            }
            for planned in plan.actions
        ],
        "blocking": [
            {
                "version": failed.version,
                "description": failed.condition.description,
                "count": failed.count,
                "hint": failed.condition.hint,
                "skippable": failed.condition.skippable,
            }
            for failed in plan.blocking(report.force)
        ],
        "differences": report.differences,
        "dry_run": not report.done,
    }


def _an_entry(**properties: Any) -> Any:
    return entry(DocumentSchema("", "One.", properties))


UPGRADE = TableSpec(
    "upgrade",
    "What `jf admin upgrade` does, or would do.",
    {
        "current": text("Version of the database before."),
        "target": text("Version of the database afterwards."),
        "actions": array(
            _an_entry(
                version=text("The upgrade it belongs to."),
                description=text("The action."),
                count=integer("Number of documents or folders concerned."),
                manual=flag("Whether it must be done by you."),
            ),
            "The actions, in order.",
        ),
        "blocking": array(
            _an_entry(
                version=text("The upgrade it belongs to."),
                description=text("The failed condition."),
                count=integer("Documents concerned."),
                hint=text("What to do about it."),
                skippable=flag("Whether --force ignores it."),
            ),
            "Conditions that prevent the upgrade.",
        ),
        "differences": array(
            text("A package."), "Packages that differ from those that wrote the database."
        ),
        "dry_run": flag("Whether nothing was changed."),
    },
    row=_row,
    columns=(
        Column("current", "From", rank=0),
        Column("target", "To", rank=0),
        Column("dry_run", "Dry run"),
    ),
    name_key="target",
)


def upgrade_text(report: UpgradeReport) -> Text:
    """Return the actions, one line each."""
    from rich.text import Text

    row = _row(report)
    if report.plan.is_empty:
        lines = [f"the database already has version {row['current']}"]
    else:
        lines = [f"upgrade the database from {row['current']} to {row['target']}"]
    for action in row["actions"]:
        by_you = " (to be done by you)" if action["manual"] else f" ({action['count']})"
        lines.append(f"  {action['version']}: {action['description']}{by_you}")
    for failed in row["blocking"]:
        lines.append(f"not possible: {failed['description']} ({failed['count']}): {failed['hint']}")
    lines += [f"differs: {line}" for line in row["differences"]]
    return Text("\n".join(lines))
