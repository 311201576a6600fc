"""Upgrade a database written by an older jobflow-remote to the current document version."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from packaging.version import Version

from controller.hosts import open_host
from controller.operations import version
from controller.operations.queue import Queue
from controller.operations.runner_record import refuse_beside_runner
from controller.rules.upgrades import (
    UPGRADES,
    Actions,
    DeleteDocuments,
    InsertMissing,
    ManualAction,
    MoveFiles,
    NoDocumentsIn,
    UpdateDocuments,
    Upgrade,
    UpgradeAction,
    UpgradeCondition,
    UpgradePlan,
    compose_plan,
    parse_version,
    upgrades_between,
)
from controller.storage.base import Session
from controller.storage.indexes import build_queue_indexes

if TYPE_CHECKING:
    from controller.config import Project
    from controller.operations.bulk import Progress

__all__ = ["DatabaseUpgrader", "NoDocumentsIn", "UpgradeAction", "UpgradeCondition"]


class _HasQueue(Protocol):
    """A JobController, or any other object with its collections and project."""

    queue: Queue
    project: Project | None


class DatabaseUpgrader:
    """Upgrades the database of a controller.

    Parameters
    ----------
    controller
        A `JobController`, or any group of its methods.
    """

    def __init__(self, controller: _HasQueue) -> None:
        self.queue: Queue = controller.queue
        self.project: Project | None = controller.project
        self.registry: list[Upgrade] = list(UPGRADES)

    def register_upgrade(
        self, number: str, conditions: Sequence[UpgradeCondition] = ()
    ) -> Callable[[Actions], Actions]:
        """Return a decorator that adds an upgrade: a function of the project that returns actions.

        Parameters
        ----------
        number
            The version it upgrades to.
        conditions
            Preconditions of the upgrade.
        """
        parse_version(number)

        def register(actions: Actions) -> Actions:
            self.registry.append(Upgrade(number, actions, tuple(conditions)))
            return actions

        return register

    def collect_upgrades(
        self, target: str | Version | None = None, *, current: Version | None = None
    ) -> tuple[Upgrade, ...]:
        """Return the upgrades that bring the database to a version, in order.

        Parameters
        ----------
        target
            None for the latest.
        current
            Version to start from; None for the database's.

        Raises
        ------
        ArgumentError
            The target is not a version, older than the database, or newer than this program.
        """
        latest = parse_version(version.SCHEMA_VERSION)
        start = current or version.current_version(self.queue.auxiliary)
        return upgrades_between(start, parse_version(target or latest), latest, self.registry)

    def dry_run(self, target: str | Version | None = None) -> UpgradePlan:
        """Return what `upgrade` would do; parameters and errors as `collect_upgrades`."""
        current = version.current_version(self.queue.auxiliary)
        upgrades = self.collect_upgrades(target, current=current)
        return compose_plan(
            current,
            parse_version(target or version.SCHEMA_VERSION),
            upgrades,
            conditions={
                u.version: [(c, self._documents_against(c)) for c in u.conditions] for u in upgrades
            },
            actions={
                u.version: [(a, self._left_to_do(a)) for a in u.actions(self.project)]
                for u in upgrades
            },
        )

    def upgrade(
        self,
        target: str | Version | None = None,
        force: bool = False,
        progress: Progress | None = None,
    ) -> UpgradePlan:
        """Upgrade the database, one version after the other.

        Each version is one transaction if the engine has them. After an interruption anywhere, the
        next upgrade does what is left. Missing indexes are built at the end.

        Parameters
        ----------
        target
            The version to reach; None for the latest.
        force
            Ignore the conditions.
        progress
            Called with (steps done, steps in total): a step is an action, or all indexes.

        Returns
        -------
        UpgradePlan
            The actions done. A `ManualAction` is left to the user.

        Raises
        ------
        ArgumentError
            As in `collect_upgrades`.
        RunningRunnerError
            A live runner serves the database.
        StateError
            A condition does not hold; nothing was changed.
        """
        refuse_beside_runner(self.queue, "upgrade")
        plan = self.dry_run(target)
        plan.check(force)
        done, total = 0, len(plan.actions) + 1
        for number in plan.versions:
            actions = [p.action for p in plan.actions if p.version == number]
            for action in actions:
                if isinstance(action, MoveFiles):
                    self._move(action)
            with self.queue.database.transaction() as session:
                for action in actions:
                    self._change(action, session)
                version.set_version(self.queue.auxiliary, number, session=session)
            done += len(actions)
            if progress is not None:
                progress(done, total)
        version.write_version(self.queue.auxiliary, version.version_document(str(plan.target)))
        queue = self.queue
        events = queue.events.collection
        build_queue_indexes(queue.jobs, queue.flows, queue.batches, queue.auxiliary, events)
        if progress is not None:
            progress(total, total)
        return plan

    def _documents_against(self, condition: UpgradeCondition) -> int:
        assert isinstance(condition, NoDocumentsIn), "there is no other kind"
        found = self.queue.collection(condition.collection).find(condition.query)
        return sum(1 for document in found if condition.counts(document))

    def _left_to_do(self, action: UpgradeAction) -> int:
        match action:
            case UpdateDocuments() | DeleteDocuments():
                collection = self.queue.collection(action.collection)
                return collection.count_documents(action.query)
            case InsertMissing():
                collection = self.queue.collection(action.collection)
                return int(collection.find_one(action.query, ["_id"]) is None)
            case MoveFiles():
                assert self.project is not None
                return int(open_host(self.project.workers[action.worker]).exists(action.old))
            case _:
                return 1

    def _change(self, action: UpgradeAction, session: Session | None) -> None:
        match action:
            case UpdateDocuments():
                self.queue.collection(action.collection).update_many(
                    action.query, action.update, session=session
                )
            case DeleteDocuments():
                self.queue.collection(action.collection).delete_many(action.query, session=session)
            case InsertMissing():
                self.queue.collection(action.collection).update_one(
                    action.query, {"$setOnInsert": action.document}, upsert=True, session=session
                )
            case MoveFiles() | ManualAction():
                return

    def _move(self, action: MoveFiles) -> None:
        """Move the files one by one: a batch worker may have made the new folder already."""
        assert self.project is not None
        host = open_host(self.project.workers[action.worker])
        host.mkdir(action.new)
        for name in host.listdir(action.old):
            host.write_bytes(action.new / name, host.read_bytes(action.old / name))
            host.remove(action.old / name)
        host.rmtree(action.old)
