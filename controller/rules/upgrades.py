"""What changed in the documents between versions of jobflow-remote, as data. Pure.

An upgrade is conditions that have to hold and actions that each can be done again: what an
interruption left undone is done by the next upgrade. Which of them a database needs is composed
by `compose_plan` from counts that are read elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from controller.documents import DbCollection
from controller.errors import ArgumentError, StateError
from controller.states import BatchState

if TYPE_CHECKING:
    from controller.config import Project

FIRST_VERSION = "0.1.0"
"""What a database without a version document was written by, or something near it."""


@dataclass(frozen=True)
class UpgradeCondition:
    """What has to hold before an upgrade.

    Attributes
    ----------
    description
        What is wrong when it does not hold.
    hint
        What to do then.
    skippable
        Whether force passes it by.
    """

    description: str
    hint: str
    skippable: bool


@dataclass(frozen=True)
class NoDocumentsIn(UpgradeCondition):
    """Holds when no document of a collection matches.

    Attributes
    ----------
    collection, query
        Where, and which.
    counts
        Further test of a document, for what a query cannot ask.
    """

    collection: DbCollection
    query: Mapping[str, Any]
    counts: Callable[[Mapping[str, Any]], bool] = lambda _: True


@dataclass(frozen=True)
class UpgradeAction:
    """One change, described for people."""

    description: str


@dataclass(frozen=True)
class UpdateDocuments(UpgradeAction):
    """Change every document that matches."""

    collection: DbCollection
    query: Mapping[str, Any]
    update: Mapping[str, Any]


@dataclass(frozen=True)
class InsertMissing(UpgradeAction):
    """Insert a document unless one that matches is there; one that is there stays as it is."""

    collection: DbCollection
    query: Mapping[str, Any]
    document: Mapping[str, Any]


@dataclass(frozen=True)
class DeleteDocuments(UpgradeAction):
    """Delete every document that matches."""

    collection: DbCollection
    query: Mapping[str, Any]


@dataclass(frozen=True)
class MoveFiles(UpgradeAction):
    """Move all files of a folder on a worker into another, and remove the folder."""

    worker: str
    old: Path
    new: Path


@dataclass(frozen=True)
class ManualAction(UpgradeAction):
    """What the user has to do; whether it is done cannot be told."""


Actions: TypeAlias = Callable[["Project | None"], Sequence[UpgradeAction]]


@dataclass(frozen=True)
class Upgrade:
    """What leads to a version.

    Attributes
    ----------
    version
        The first version that writes documents so.
    actions
        Called with the project (None without one).
    conditions
        All have to hold before any action.
    """

    version: str
    actions: Actions
    conditions: tuple[UpgradeCondition, ...] = ()


@dataclass(frozen=True)
class PlannedAction:
    """An action that has something to do.

    Attributes
    ----------
    version
        The upgrade that it belongs to.
    count
        Documents or folders concerned.
    """

    version: str
    action: UpgradeAction
    count: int


@dataclass(frozen=True)
class FailedCondition:
    """A condition that does not hold, with the number of documents that it speaks of."""

    version: str
    condition: UpgradeCondition
    count: int


@dataclass(frozen=True)
class UpgradePlan:
    """What an upgrade would do.

    Attributes
    ----------
    current, target
        Version of the database now, and afterwards.
    versions
        The upgrades between them, in order.
    actions
        What there is to do, in order.
    failed
        Conditions that do not hold.
    """

    current: Version
    target: Version
    versions: tuple[str, ...]
    actions: tuple[PlannedAction, ...]
    failed: tuple[FailedCondition, ...]

    @property
    def is_empty(self) -> bool:
        """Whether the database has the version already."""
        return self.current == self.target

    def blocking(self, force: bool) -> tuple[FailedCondition, ...]:
        """Return the failed conditions that forbid the upgrade."""
        return tuple(f for f in self.failed if not (force and f.condition.skippable))

    def check(self, force: bool) -> None:
        """Refuse an upgrade that must not be done.

        Raises
        ------
        StateError
            A condition does not hold, and may not be passed by.
        """
        blocking = self.blocking(force)
        if blocking:
            problems = "; ".join(f"{f.condition.description} ({f.count})" for f in blocking)
            hints = dict.fromkeys(f.condition.hint for f in blocking)
            raise StateError(
                f"the database cannot be upgraded to {self.target}: {problems}",
                action="upgrade",
                hint="; ".join(hints),
            )


def parse_version(text: str | Version) -> Version:
    """Read a version.

    Raises
    ------
    ArgumentError
        It is none.
    """
    try:
        return text if isinstance(text, Version) else Version(text)
    except (InvalidVersion, TypeError):
        raise ArgumentError(
            f"{text!r} is not a version", hint="one looks like 1.0 or 0.1.5"
        ) from None


def upgrades_between(
    current: Version, target: Version, latest: Version, registry: Iterable[Upgrade]
) -> tuple[Upgrade, ...]:
    """Return the upgrades that lead from one version to another, in order.

    Parameters
    ----------
    latest
        The version whose documents this program writes.

    Raises
    ------
    ArgumentError
        The target is older than the database, or newer than this program.
    """
    if target > latest:
        raise ArgumentError(
            f"this program knows the documents of jobflow-remote up to {latest}, not {target}",
            hint="install a newer jfr",
        )
    if current > target:
        raise ArgumentError(
            f"the database has version {current}, which is newer than {target}",
            hint="there is no way back but a backup; install a newer jfr if this one is too old",
        )
    found = [u for u in registry if current < parse_version(u.version) <= target]
    return tuple(sorted(found, key=lambda upgrade: parse_version(upgrade.version)))


def compose_plan(
    current: Version,
    target: Version,
    upgrades: Sequence[Upgrade],
    *,
    conditions: Mapping[str, Sequence[tuple[UpgradeCondition, int]]],
    actions: Mapping[str, Sequence[tuple[UpgradeAction, int]]],
) -> UpgradePlan:
    """Compose a plan from what was found in the database.

    Parameters
    ----------
    conditions, actions
        {version: each condition, or action, with how many documents or folders it concerns}.
    """
    versions = tuple(upgrade.version for upgrade in upgrades)
    return UpgradePlan(
        current,
        target,
        versions,
        tuple(PlannedAction(v, a, count) for v in versions for a, count in actions[v] if count),
        tuple(FailedCondition(v, c, n) for v in versions for c, n in conditions[v] if n),
    )


def environment_differences(
    stored: Mapping[str, str], installed: Mapping[str, str]
) -> dict[str, tuple[str | None, str | None]]:
    """Compare two environments, {package: version}; spellings of one name are one.

    Returns
    -------
    dict
        {package: (version stored, version installed)} of those that differ, None where one has
        no such package.
    """
    before = {canonicalize_name(name): v for name, v in stored.items()}
    after = {canonicalize_name(name): v for name, v in installed.items()}
    names = sorted(set(before) | set(after))
    return {
        name: (before.get(name), after.get(name))
        for name in names
        if before.get(name) != after.get(name)
    }


def _to_0_1_5(_: Project | None) -> Sequence[UpgradeAction]:
    return [
        InsertMissing(
            "add the record of the running runner",
            DbCollection.AUXILIARY,
            {"running_runner": {"$exists": True}},
            {"running_runner": None},
        )
    ]


def _to_1_0(project: Project | None) -> Sequence[UpgradeAction]:
    renamed = [
        UpdateDocuments(
            f"rename {field} TERMINATED of jobs to RUN_FINISHED",
            DbCollection.JOBS,
            {field: "TERMINATED"},
            {"$set": {field: "RUN_FINISHED"}},
        )
        for field in ("state", "previous_state")
    ]
    return [
        *renamed,
        DeleteDocuments(
            "delete the old list of batch processes",
            DbCollection.AUXILIARY,
            {"batch_processes": {"$exists": True}},
        ),
        InsertMissing(
            "add the list of the runner's signs of life",
            DbCollection.AUXILIARY,
            {"runner_pings": {"$exists": True}},
            {"runner_pings": []},
        ),
        *_renamed_folders(project),
    ]


def _renamed_folders(project: Project | None) -> Iterable[UpgradeAction]:
    for name, worker in (project.workers if project else {}).items():
        if worker.batch is None:
            continue
        pool = worker.batch.jobs_handle_dir
        old, new = pool / "terminated", pool / "run_finished"
        if worker.is_local:
            yield MoveFiles(f"rename {old} to {new.name}", name, old, new)
        else:
            yield ManualAction(f"on the machine of worker {name}, rename {old} to {new.name}")


def _lists_processes(document: Mapping[str, Any]) -> bool:
    return any((document.get("batch_processes") or {}).values())


UPGRADES: tuple[Upgrade, ...] = (
    Upgrade("0.1.5", _to_0_1_5),
    Upgrade(
        "1.0",
        _to_1_0,
        (
            NoDocumentsIn(
                "batch processes of jobflow-remote 0.1 are listed as running",
                "let them end with the jobflow-remote that started them, "
                "or use force if there are none any more",
                True,
                DbCollection.AUXILIARY,
                {"batch_processes": {"$exists": True}},
                _lists_processes,
            ),
            NoDocumentsIn(
                "batch processes are submitted or running",
                "let them end first, or cancel and delete them",
                False,
                DbCollection.BATCHES,
                {"batch_state": {"$in": [BatchState.SUBMITTED.value, BatchState.RUNNING.value]}},
            ),
        ),
    ),
)
"""Every upgrade there is."""
