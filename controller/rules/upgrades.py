"""Changes of the documents between versions of jobflow-remote, as data. Pure.

An upgrade consists of conditions that must hold and actions that are idempotent: the next upgrade
completes what an interruption left undone. `compose_plan` determines what a database needs from
counts read elsewhere.
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
"""The assumed version of a database without a version document."""


@dataclass(frozen=True)
class UpgradeCondition:
    """A precondition of an upgrade.

    Attributes
    ----------
    description
        The problem if it does not hold.
    hint
        What to do about it.
    skippable
        Whether ``force`` overrides it.
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
        The collection, and the query that must match nothing in it.
    counts
        Additional test of a document that a query cannot express.
    """

    collection: DbCollection
    query: Mapping[str, Any]
    counts: Callable[[Mapping[str, Any]], bool] = lambda _: True


@dataclass(frozen=True)
class UpgradeAction:
    """One change, with a description for users."""

    description: str


@dataclass(frozen=True)
class UpdateDocuments(UpgradeAction):
    """Change every document that matches."""

    collection: DbCollection
    query: Mapping[str, Any]
    update: Mapping[str, Any]


@dataclass(frozen=True)
class InsertMissing(UpgradeAction):
    """Insert a document unless a matching one exists; an existing one stays unchanged."""

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
    """A step for the user; whether it has been done cannot be checked."""


Actions: TypeAlias = Callable[["Project | None"], Sequence[UpgradeAction]]


@dataclass(frozen=True)
class Upgrade:
    """The upgrade to a version.

    Attributes
    ----------
    version
        The first version that writes documents in this format.
    actions
        Called with the project (or None).
    conditions
        All must hold before any action.
    """

    version: str
    actions: Actions
    conditions: tuple[UpgradeCondition, ...] = ()


@dataclass(frozen=True)
class PlannedAction:
    """An action that is needed.

    Attributes
    ----------
    version
        The upgrade that it belongs to.
    count
        Number of documents or folders affected.
    """

    version: str
    action: UpgradeAction
    count: int


@dataclass(frozen=True)
class FailedCondition:
    """A condition that does not hold, with the number of documents concerned."""

    version: str
    condition: UpgradeCondition
    count: int


@dataclass(frozen=True)
class UpgradePlan:
    """The plan of an upgrade.

    Attributes
    ----------
    current, target
        Version of the database now, and afterwards.
    versions
        The upgrades between them, in order.
    actions
        The actions needed, in order.
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
        """Whether the database already has the version."""
        return self.current == self.target

    def blocking(self, force: bool) -> tuple[FailedCondition, ...]:
        """Return the failed conditions that prevent the upgrade."""
        return tuple(f for f in self.failed if not (force and f.condition.skippable))

    def check(self, force: bool) -> None:
        """Raise if the upgrade must not be done.

        Raises
        ------
        StateError
            A condition does not hold, and cannot be overridden.
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
        It is not a version.
    """
    try:
        return text if isinstance(text, Version) else Version(text)
    except (InvalidVersion, TypeError):
        raise ArgumentError(f"{text!r} is not a version", hint="for example 1.0 or 0.1.5") from None


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
            f"this jfr supports databases of jobflow-remote up to {latest}, not {target}",
            hint="install a newer jfr",
        )
    if current > target:
        raise ArgumentError(
            f"the database has version {current}, which is newer than {target}",
            hint="a database cannot be downgraded: restore a backup, or install a newer jfr",
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
    """Compose a plan from the counts in the database.

    Parameters
    ----------
    conditions, actions
        {version: each condition, or action, with the number of documents or folders concerned}.
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
    """Compare two environments, {package: version}; ignoring different spellings of a name.

    Returns
    -------
    dict
        {package: (stored version, installed version)} of those that differ, with None if a package
        is missing.
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
            "add the list of the runner's pings",
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
                "let the jobflow-remote that started them finish them; "
                "if none of them is left, use force",
                True,
                DbCollection.AUXILIARY,
                {"batch_processes": {"$exists": True}},
                _lists_processes,
            ),
            NoDocumentsIn(
                "batch processes are submitted or running",
                "wait until they have ended, or cancel and delete them",
                False,
                DbCollection.BATCHES,
                {"batch_state": {"$in": [BatchState.SUBMITTED.value, BatchState.RUNNING.value]}},
            ),
        ),
    ),
)
"""All upgrades."""
