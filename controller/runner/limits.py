"""How many jobs a worker may have at once: ``max_jobs``, held over all runners together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.operations.batch_steps import Answer, BatchStep
from controller.runner.context import RunnerContext
from controller.states import QUEUED_STATES, JobState

CLAIMS_PER_ROUND = 64
BUNDLE = 50
"""Jobs that travel together at most."""
MOST_IN_POOL = 2000
"""Jobs that wait in the pool of a batch worker at most: what comes later may be more urgent."""


class Limits:
    """Counts the jobs of workers.

    Parameters
    ----------
    context
        The context of the thread.
    """

    def __init__(self, context: RunnerContext) -> None:
        self._context = context

    def room(self, worker: str, states: tuple[JobState, ...], session: Any = None) -> int:
        """Return how many more jobs a worker may have in these states.

        Parameters
        ----------
        session
            The session of the transaction in which to count.
        """
        limit, of_worker = self._context.worker(worker).max_jobs, states
        if self._context.worker(worker).is_batch:
            # Its max_jobs counts pilots.
            limit = MOST_IN_POOL
            of_worker = (JobState.CHECKED_OUT, JobState.UPLOADED, JobState.BATCH_SUBMITTED)
        if not limit:
            return CLAIMS_PER_ROUND if self._context.is_near(worker) else 4 * BUNDLE
        query = {"worker": worker, "state": {"$in": [s.value for s in of_worker]}}
        return limit - self._context.controller.queue.jobs.count_documents(query, session=session)

    def within(self, name: str, step: BatchStep) -> BatchStep:
        """Let a step submit no more jobs than a worker may have, also beside other runners."""
        worker = self._context.worker(name)
        limit = worker.max_jobs
        if not limit or worker.is_batch:  # there it counts pilots
            return step
        count = self._context.controller.queue.jobs.count_documents

        def limited(
            jobs: list[dict[str, Any]],
        ) -> Mapping[tuple[str, int], Answer]:
            # Each runner counts when its own jobs are locked, so one of two sees those of the
            # other; and the locked ones first, so that none is missed that is recorded meanwhile.
            states = [JobState.CHECKED_OUT.value, JobState.UPLOADED.value]
            locked = {"state": {"$in": states}, "lock_id": {"$ne": None}}
            others = count({"worker": name, **locked}) - len(jobs)
            queued = count({"worker": name, "state": {"$in": [s.value for s in QUEUED_STATES]}})
            places = limit - queued - others
            return step(jobs[:places]) if places > 0 else {}

        return limited
