"""Which runner serves the database, and its signs of life."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.api.base import ControllerGroup
from controller.locks import MongoLock
from controller.operations import runner_record


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

    def clean_running_runner(self, break_lock: bool = False) -> None:
        """Say that no runner is registered, whatever the record says.

        The record is locked meanwhile. A runner that is alive after all registers again with
        its next sign of life.

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

    def ping_running_runner(self, data: Mapping[str, Any]) -> tuple[bool, list[dict[str, Any]]]:
        """Give a sign of life.

        Parameters
        ----------
        data
            What to remember of who gave it; the present time is added as ``time``. With the key
            ``runner_id`` it is that runner's sign, and no other one's record changes.

        Returns
        -------
        tuple
            Whether a runner is registered (the one of ``runner_id``, if given), whose
            ``last_pinged`` is now the present; and the signs of life that are kept (50), the
            newest last.
        """
        return runner_record.ping(self.queue.auxiliary, data)

    def get_runner_pings(self) -> list[dict[str, Any]]:
        """Return the signs of life that are kept, the newest last."""
        return runner_record.get_pings(self.queue.auxiliary)

    def clean_runner_pings(self) -> int:
        """Forget all signs of life; returns how many there were."""
        return runner_record.clean_pings(self.queue.auxiliary)

    def lock_auxiliary(self, **lock_kwargs: Any) -> MongoLock:
        """Return a lock on an auxiliary document, to be used in a ``with`` statement.

        Keywords as for `MongoLock`, without the collection.
        """
        return MongoLock(collection=self.queue.auxiliary, **lock_kwargs)
