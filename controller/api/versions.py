"""The version of the documents in the database, and upgrades to the current one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.api.base import ControllerGroup
from controller.operations import version

if TYPE_CHECKING:
    from packaging.version import Version

    from controller.operations.bulk import Progress
    from controller.rules.upgrades import UpgradePlan


class Versions(ControllerGroup):
    """Methods on the version document, and upgrades. None of them locks.

    Versions are those of jobflow-remote, whose documents these are.
    """

    def get_current_db_version(self) -> Version:
        """Return the version of the documents; 0.1.0 if the database does not record it.

        Raises
        ------
        ArgumentError
            The stored value is not a version.
        """
        return version.current_version(self.queue.auxiliary)

    def update_version_information(self, v: str | Version | None = None) -> None:
        """Record the version of the documents and the packages of this environment.

        Parameters
        ----------
        v
            The version; None for the one that this program writes.

        Raises
        ------
        ArgumentError
            It is not a version.
        """
        from controller.rules.upgrades import parse_version

        number = str(parse_version(v)) if v is not None else version.SCHEMA_VERSION
        version.write_version(self.queue.auxiliary, version.version_document(number))

    def upgrade_check_jobflow(self) -> str:
        """Compare the jobflow that wrote the database with the one that is installed.

        Returns
        -------
        str
            The difference in one line; "" if there is none, or the database does not record it.
        """
        stored = (version.read_version(self.queue.auxiliary) or {}).get("jobflow_version")
        installed = version.installed_jobflow()
        if stored in (None, installed):
            return ""
        return f"jobflow: the database was written with {stored}, {installed} is installed"

    def upgrade_full_check(self) -> str:
        """Compare all packages that were installed when the database was written with those now.

        Returns
        -------
        str
            One line per package that differs; "" if none does, or none are recorded.
        """
        from controller.rules.upgrades import environment_differences

        stored = version.environment_of(version.read_version(self.queue.auxiliary))
        if not stored:
            return ""
        found = environment_differences(stored, version.installed_packages())
        lines = (
            f"{n}: {old or 'not installed'} -> {new or 'not installed'}"
            for n, (old, new) in found.items()
        )
        return "\n".join(lines)

    def upgrade_plan(self, target: str | Version | None = None) -> UpgradePlan:
        """Return what `upgrade` would do, without doing it.

        Parameters
        ----------
        target
            The version to reach; None for the latest.

        Raises
        ------
        ArgumentError
            The target is not a version, is older than the database, or newer than this program.
        """
        from controller.operations.upgrade import DatabaseUpgrader

        return DatabaseUpgrader(self).dry_run(target)

    def upgrade(
        self,
        target: str | Version | None = None,
        force: bool = False,
        dry_run: bool = True,
        progress: Progress | None = None,
    ) -> UpgradePlan:
        """Upgrade a database that jobflow-remote 0.1.x or 1.0.x wrote.

        Upgrading again is safe: completed steps are skipped.

        Parameters
        ----------
        target
            The version to reach; None for the latest.
        force
            Ignore failed preconditions.
        dry_run
            Only report what would be done.
        progress
            Called with (steps done, steps in total).

        Returns
        -------
        UpgradePlan
            The actions done, or planned; `ManualAction` members are left to the user.

        Raises
        ------
        ArgumentError
            As in `upgrade_plan`.
        RunningRunnerError
            A live runner serves the database.
        StateError
            A precondition is not met; nothing was changed.
        """
        from controller.operations.upgrade import DatabaseUpgrader

        if dry_run:
            return DatabaseUpgrader(self).dry_run(target)
        plan = DatabaseUpgrader(self).upgrade(target, force, progress)
        self.queue.events.admin("upgrade", f"to {plan.target}")
        return plan
