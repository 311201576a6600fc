"""Which runner serves the database, and its heartbeats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.api.base import ControllerGroup
from controller.locks import MongoLock
from controller.operations import runner_processes, runner_record


class RunnerRecords(ControllerGroup):
    """Methods on the documents ``running_runner`` and ``runner_pings``."""

    def get_running_runner(self) -> dict[str, Any] | str | None:
        """Return the record of the running runner.

        Returns
        -------
        dict, str or None
            None when no runner is registered, "NO_DOCUMENT" when the database has no record.
        """
        return runner_record.get_running_runner(self.queue.auxiliary)

    def get_runner_status(self) -> runner_record.RunnerStatus:
        """Return whether a runner serves the database, and which."""
        return runner_record.runner_status(self.queue.auxiliary)

    def get_runners_overview(self) -> runner_processes.RunnersOverview:
        """Return all runners of the database, whether jobs are claimed, and unreachable hosts."""
        return runner_processes.runners_overview(self.queue)

    def pause_claims(self) -> bool:
        """Keep the runners of the database from claiming jobs, including those started later.

        Jobs in progress continue.

        Returns
        -------
        bool
            Whether jobs were claimed before.
        """
        return runner_processes.set_claims(self.queue, paused=True)

    def resume_claims(self) -> bool:
        """Let the runners of the database claim jobs again; return whether that was paused."""
        return runner_processes.set_claims(self.queue, paused=False)

    def clean_running_runner(self, break_lock: bool = False) -> None:
        """Clear the record of the registered runner, and those of runners that are silent.

        The record is locked for the change. A runner that is still alive registers again with
        its next heartbeat.

        Parameters
        ----------
        break_lock
            Take the lock even if another process holds it.

        Raises
        ------
        RunnerLockedError
            Another process has locked the record.
        MissingDocumentError
            The database has no record.
        """
        runner_record.clean(self.queue.auxiliary, break_lock=break_lock)
        runner_processes.forget_ended(self.queue, silent=True)
        self.queue.events.admin("clean running runner")

    def ping_running_runner(self, data: Mapping[str, Any]) -> tuple[bool, list[dict[str, Any]]]:
        """Record a heartbeat.

        Parameters
        ----------
        data
            Data about the sender; the current time is added as ``time``. With the key
            ``runner_id`` only that runner's record is changed.

        Returns
        -------
        tuple
            Whether a runner is registered (the one of ``runner_id``, if given), whose
            ``last_pinged`` is now the current time; and the kept heartbeats (50), the
            newest last.
        """
        return runner_record.ping(self.queue.auxiliary, data)

    def get_runner_pings(self) -> list[dict[str, Any]]:
        """Return the kept heartbeats, the newest last."""
        return runner_record.get_pings(self.queue.auxiliary)

    def clean_runner_pings(self) -> int:
        """Delete all heartbeats; return their number."""
        return runner_record.clean_pings(self.queue.auxiliary)

    def lock_auxiliary(self, **lock_kwargs: Any) -> MongoLock:
        """Return a lock on an auxiliary document, to be used in a ``with`` statement.

        Keywords as for `MongoLock`, without the collection.
        """
        return MongoLock(collection=self.queue.auxiliary, **lock_kwargs)
