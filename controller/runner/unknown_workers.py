"""Jobs of workers that the project file of a runner does not name."""

from __future__ import annotations

import logging
from typing import Any

from controller.runner.context import RunnerContext
from controller.states import RESETTABLE_STATES, JobState

logger = logging.getLogger(__name__)


class UnknownWorkers:
    """Warns about such jobs.

    Parameters
    ----------
    context
        The context of the runner.
    """

    def __init__(self, context: RunnerContext) -> None:
        self._context = context
        self._told: set[str] = set()

    def warn(self) -> None:
        """Warn about jobs whose worker is not in the project, once per worker.

        They are not changed: a runner with another copy of the project file may run them.
        """
        known = self._context.project.workers
        query: dict[str, Any] = {
            "state": {"$in": [s.value for s in (JobState.READY, *RESETTABLE_STATES)]},
            "worker": {"$nin": [*known, *self._told]},
        }
        while (
            job := self._context.controller.queue.jobs.find_one(query, ["db_id", "worker"])
        ) is not None:
            self._told.add(job["worker"])
            query["worker"] = {"$nin": [*known, *self._told]}
            logger.warning(
                "job %s is skipped: the project file, when this runner read it, had no worker "
                "%r; if it has been added since, restart the runner, or assign another "
                "worker: jf job set worker NAME -did %s",
                job["db_id"],
                job["worker"],
                job["db_id"],
            )
