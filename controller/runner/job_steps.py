"""Steps of jobs as a runner takes them: lock, do, record, and remember what holds a job up."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from controller.errors import HostUnavailableError, NotYetError, QueueBusyError
from controller.operations.batch_steps import BatchStep, one_by_one, take_steps
from controller.operations.claims import claim_and_step
from controller.operations.steps import RetryPolicy, StepOutcome, StepResult
from controller.runner.backoff import JobBackoff
from controller.runner.context import RunnerContext
from controller.runner.limits import Limits
from controller.runner.stages.submit import withdraw
from controller.runner.warm import MOVED
from controller.states import JobState
from controller.storage.base import Projection

logger = logging.getLogger(__name__)

STEPS_AT_ONCE = 8
"""Jobs whose files are handled under one lock: their documents may be large."""
RECORDED = (StepResult.ADVANCED, StepResult.FAILED)
Step = Callable[[RunnerContext, dict[str, Any]], dict[str, Any]]


class JobSteps:
    """Takes steps of the jobs of a thread.

    Parameters
    ----------
    context
        The context of the thread; the jobs of a step are noted in its ``touched``.
    is_stopping
        Asked before each step: whether to end after the present one.

    Attributes
    ----------
    backoff
        Jobs that are left alone for a while.
    """

    def __init__(self, context: RunnerContext, is_stopping: Callable[[], bool]) -> None:
        self._context, self._is_stopping = context, is_stopping
        self._limits = Limits(context)
        self.backoff = JobBackoff()

    def one_after_the_other(
        self,
        state: JobState,
        workers: list[str],
        step: Step,
        only: Mapping[str, Any],
        limit: int | None = None,
    ) -> bool:
        """Advance all jobs in a state by one step, one after the other; return whether any moved.

        Parameters
        ----------
        only
            Further conditions on the jobs.
        limit
            Maximum number of jobs; None for no limit.
        """
        outages = self._context.outages

        def within_reach() -> dict[str, Any] | None:
            names = [name for name in workers if not outages.holds(name)]
            return {**only, "state": state.value, "worker": {"$in": names}} if names else None

        each = one_by_one(
            partial(self._noted, step),
            lambda job: not (self._is_stopping() or outages.holds(job["worker"])),
        )
        if state is JobState.UPLOADED:  # of one worker
            each = self._limits.within(workers[0], each)
        return self.all_of(within_reach, each, at_once=STEPS_AT_ONCE, limit=limit)

    def all_of(
        self,
        query: Callable[[], dict[str, Any] | None],
        step: BatchStep,
        *,
        at_once: int,
        limit: int | None = None,
        projection: Projection = None,
    ) -> bool:
        """Take a step of all jobs that a query finds, so many at once; return whether any moved.

        A job that did not move is left alone until the next call, so that others get their turn.

        Parameters
        ----------
        query
            Asked before each batch: which jobs; None ends it early.
        at_once
            Number of jobs under one lock and in one transaction.
        limit
            Maximum number of jobs that move; None for no limit.
        """
        done = 0
        left_alone: list[str] = []
        while not self._is_stopping() and (limit is None or done < limit):
            if (wanted := query()) is None:
                break
            most = at_once if limit is None else min(limit - done, at_once)
            eligible = self.backoff.others(wanted, left_alone)
            outcomes = self.take(eligible, step, most, projection)
            done += sum(each.result in MOVED for each in outcomes)
            left_alone += [o.job["db_id"] for o in outcomes if o.result not in RECORDED]
            # What has come since gets its turn in the next round. But where a worker got out of
            # reach, jobs of the others are left.
            if len(outcomes) < most and query() == wanted:
                break
        return done > 0

    def _noted(self, step: Step, job: dict[str, Any]) -> dict[str, Any]:
        self._context.touched.add(job["db_id"])
        return step(self._context, job)

    def take(
        self,
        query: dict[str, Any],
        step: BatchStep,
        limit: int,
        projection: Projection = None,
        ids: Sequence[Any] | None = None,
    ) -> list[StepOutcome]:
        """Do one step of the first jobs; nothing came of it when there were none."""
        retries = RetryPolicy.for_project(self._context.project)
        queue = self._context.controller.queue
        outcomes = take_steps(
            queue, query, step, retries, limit=limit, projection=projection, ids=ids
        )
        for outcome in outcomes:
            self._settle(outcome)
        return outcomes

    def claim_and_take(
        self, query: dict[str, Any], step: BatchStep, room: Callable[[Any], int]
    ) -> list[StepOutcome]:
        """Claim the first READY jobs, and do their first step."""
        retries = RetryPolicy.for_project(self._context.project)
        outcomes = claim_and_step(self._context.controller.queue, query, step, retries, room=room)
        for outcome in outcomes:
            self._settle(outcome)
        return outcomes

    def _settle(self, outcome: StepOutcome) -> None:
        """Remember what holds a job up, and withdraw what a lost job had submitted."""
        match outcome.result:
            case StepResult.ADVANCED:
                self.backoff.forget(outcome.job)
                if outcome.job["state"] != JobState.DOWNLOADED.value:  # no machine is needed there
                    self._context.outages.end(outcome.job["worker"])
            case StepResult.HELD_UP | StepResult.NOT_RECORDED:
                assert outcome.error is not None
                if isinstance(outcome.error, HostUnavailableError):
                    self._context.outages.note(outcome.job["worker"], outcome.error)
                elif not _waits_for_queue(outcome):
                    self.backoff.hold_back(outcome.job, outcome.error)
            case StepResult.LOST:
                logger.warning("%s", outcome.error)
                if process_id := outcome.fields.get("remote.process_id"):
                    withdraw(self._context, outcome.job, process_id)


def _waits_for_queue(outcome: StepOutcome) -> bool:
    """Whether a job waits for its queue to take jobs: all those of the worker wait, then."""
    is_uploaded = outcome.job["state"] == JobState.UPLOADED.value
    return isinstance(outcome.error, QueueBusyError | NotYetError) and is_uploaded
