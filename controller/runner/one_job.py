"""Running one job to its end, or to a state, while all others stay where they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from controller.jobcontroller import JobController
from controller.operations.steps import CLAIM_ORDER
from controller.runner.database_outage import DatabaseOutage
from controller.runner.deadlines import is_past
from controller.runner.roles import NO_ROLES
from controller.runner.rounds import Rounds
from controller.runner.sleeper import Sleeper
from controller.states import RUNNING_STATES, JobState

_ONE_BY_ONE = tuple(
    replace(NO_ROLES, **{role: True}) for role in ("checkout", "transfer", "queue", "complete")
)
"""What a runner does, step by step."""


def find_job(
    controller: JobController, db_id: str | None, job_id: tuple[str, int] | None
) -> dict[str, Any] | None:
    """Return ``uuid``, ``index`` and ``db_id`` of a job, or of the next job to be claimed.

    Parameters
    ----------
    db_id, job_id
        The job, by its db_id or its (uuid, index); if both are None, the next one to be claimed.
    """
    query: dict[str, Any] = {"state": JobState.READY.value}
    if db_id is not None:
        query = {"db_id": db_id}
    elif job_id is not None:
        query = {"uuid": job_id[0], "index": job_id[1]}
    return controller.queue.jobs.find_one(query, ["uuid", "index", "db_id"], sort=CLAIM_ORDER)


@dataclass(frozen=True)
class OneJob:
    """One job that a runner advances alone.

    Attributes
    ----------
    job
        Its ``uuid``, ``index`` and ``db_id``.
    controller, rounds, outage, sleeper
        The parts of the runner.
    is_stopping
        Whether the runner has been asked to stop.
    """

    job: dict[str, Any]
    controller: JobController
    rounds: Rounds
    outage: DatabaseOutage
    sleeper: Sleeper
    is_stopping: Callable[[], bool]

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Let rounds advance this job and no other."""
        self.rounds.only = {"uuid": self.job["uuid"], "index": self.job["index"]}
        try:
            yield
        finally:
            self.rounds.only = {}

    def advance_to(self, target: JobState | None, deadline: float | None) -> bool:
        """Advance the job until it is in a state or can go no further; False at the deadline.

        Raises
        ------
        RuntimeError
            It can go no further, and is in another state.
        """
        while not self.is_stopping():
            moved = False
            for roles in _ONE_BY_ONE:  # a full round might go beyond the state
                if self._is_at(target):
                    return True
                moved = self.outage.attempt(partial(self.rounds.advance, roles)) or moved
            if is_past(deadline):
                return self._is_at(target)
            if not moved:
                self.sleeper.sleep(deadline)
        return False

    def _is_at(self, target: JobState | None) -> bool:
        """Whether the job is in a state; with None, whether it can go no further."""
        job = self.job
        found = self.controller.get_job_info(job_id=job["uuid"], job_index=job["index"])
        state = found.state if found else None
        ended = state is None or not _moves(state)
        if target is None or state is target:
            return ended if target is None else True
        if ended:
            now = state.value if state else "deleted"
            raise RuntimeError(f"job {job['db_id']} did not become {target.value}: it is now {now}")
        return False


def _moves(state: JobState) -> bool:
    """Whether a job in this state continues by itself even if no other job does."""
    return state in (JobState.READY, *RUNNING_STATES)
