"""Remove locks by force."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from controller.api.base import ControllerGroup
from controller.filters import FlowFilter, JobFilter
from controller.operations.runner_record import RUNNER
from controller.operations.unlocking import HeldLock, find_locks, unlock, unlock_held, unlock_one
from controller.states import FlowState, JobState


class Unlocking(ControllerGroup):
    """Methods that remove locks, whichever process holds them.

    A lease whose holder died is taken over without them; they are for locks without a lease,
    as set by jobflow-remote. If the holder is still alive, its next write is refused.
    """

    def unlock_jobs(
        self,
        job_ids: tuple[str, int] | list[tuple[str, int]] | None = None,
        db_ids: str | list[str] | None = None,
        flow_ids: str | list[str] | None = None,
        states: JobState | list[JobState] | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        name: str | None = None,
        metadata: dict[str, Any] | None = None,
        workers: str | list[str] | None = None,
        *,
        dry_run: bool = False,
    ) -> int:
        """Remove the locks of the selected jobs, in one update.

        Parameters
        ----------
        job_ids, db_ids, flow_ids, states, start_date, end_date, name, metadata, workers
            See `controller.filters.JobFilter`; nothing given selects all.
        dry_run
            Change nothing.

        Returns
        -------
        int
            Number of jobs that were unlocked, or would be.
        """
        selection = JobFilter(
            job_ids=job_ids,
            db_ids=db_ids,
            flow_ids=flow_ids,
            states=states,
            start_date=start_date,
            end_date=end_date,
            name=name,
            metadata=metadata,
            workers=workers,
            locked=True,
        )
        done = unlock(self.queue, self.queue.jobs, selection, dry_run=dry_run)
        self._note("unlock jobs", 0 if dry_run else done)
        return done

    def unlock_flows(
        self,
        job_ids: str | list[str] | None = None,
        db_ids: str | list[str] | None = None,
        flow_ids: str | list[str] | None = None,
        states: FlowState | list[FlowState] | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        name: str | None = None,
        *,
        dry_run: bool = False,
    ) -> int:
        """Remove the locks of the selected flows, in one update; their jobs' locks stay.

        Parameters
        ----------
        job_ids, db_ids, flow_ids, states, start_date, end_date, name
            See `controller.filters.FlowFilter`; nothing given selects all.
        dry_run
            Change nothing.

        Returns
        -------
        int
            Number of flows that were unlocked, or would be.
        """
        selection = FlowFilter(
            job_ids=job_ids,
            db_ids=db_ids,
            flow_ids=flow_ids,
            states=states,
            start_date=start_date,
            end_date=end_date,
            name=name,
            locked=True,
        )
        done = unlock(self.queue, self.queue.flows, selection, dry_run=dry_run)
        self._note("unlock flows", 0 if dry_run else done)
        return done

    def locked_jobs(self, selection: JobFilter) -> list[HeldLock]:
        """Return the locks of the selected jobs."""
        return find_locks(self.queue, self.queue.jobs, replace(selection, locked=True))

    def locked_flows(self, selection: FlowFilter) -> list[HeldLock]:
        """Return the locks of the selected flows."""
        return find_locks(self.queue, self.queue.flows, replace(selection, locked=True))

    def unlock_held_jobs(self, held: Sequence[HeldLock]) -> int:
        """Remove locks that `locked_jobs` found; return the number of those that still existed."""
        done = unlock_held(self.queue.jobs, "db_id", held)
        self._note("unlock jobs", done)
        return done

    def unlock_held_flows(self, held: Sequence[HeldLock]) -> int:
        """Remove locks that `locked_flows` found; return the number of those that still existed."""
        done = unlock_held(self.queue.flows, "uuid", held)
        self._note("unlock flows", done)
        return done

    def unlock_runner(self, *, dry_run: bool = False) -> tuple[int, int]:
        """Remove the lock of the running runner's document.

        Parameters
        ----------
        dry_run
            Change nothing.

        Returns
        -------
        tuple
            (documents found, documents that were locked): (1, 0) when it was free, (0, 0) when
            the database has none.
        """
        found, done = unlock_one(self.queue.auxiliary, RUNNER, dry_run=dry_run)
        self._note("unlock runner", 0 if dry_run else done)
        return found, done

    def _note(self, name: str, number: int) -> None:
        """Record an unlocking that changed something in the event log."""
        if number:
            self.queue.events.admin(name, f"{number} unlocked")
