"""The steps of jobs in warm processes: hand jobs over together, and record their ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from controller.errors import LockLostError
from controller.operations.batch_steps import Answers, BatchStep, changed
from controller.operations.steps import (
    CLAIM_ORDER,
    RetryPolicy,
    StepOutcome,
    StepResult,
    eligible_query,
)
from controller.runner.context import RunnerContext
from controller.runner.limits import BUNDLE
from controller.runner.pools import HandedJob, WarmPools, remote_part
from controller.runner.stages.bundles import step_of_many, upload_many
from controller.runner.stages.complete import complete
from controller.runner.stages.submit import attempt_token
from controller.runner.watch import ProcessWatcher
from controller.states import QUEUED_STATES, JobState
from controller.storage.base import Projection

_FIELDS_HANDED = [
    *("uuid", "index", "db_id", "state", "worker", "run_dir", "exec_config", "resources"),
    "remote.submission_token",
]
_TOP_LEVEL_HANDED = ["_id", *_FIELDS_HANDED[:-1], "remote"]
_FIELDS_RECORDED = ["uuid", "index", "db_id", "state", "worker", "remote"]
"""What is known of a job when it is handed to warm processes, and read when it is recorded to
run."""
WITHOUT_ARGUMENTS = {"job.function_args": 0, "job.function_kwargs": 0}
"""Projection that omits the large fields of a job, which only its upload needs."""
MOVED = (StepResult.ADVANCED, StepResult.FAILED, StepResult.LOST)
"""Outcomes after which there may be more to do; a failed step is progress as well."""


@dataclass(frozen=True)
class TakenSteps:
    """How jobs take steps here.

    Attributes
    ----------
    take
        Does one step of the jobs of a query that have the given ``_id``; see `take_steps`.
    claim
        Claims the READY jobs of a query and does their first step; see `claim_and_step`.
    others
        Leaves out of a query the jobs that have to wait.
    """

    take: Callable[[dict[str, Any], BatchStep, int, Projection, Sequence[Any]], list[StepOutcome]]
    claim: Callable[[dict[str, Any], BatchStep, Callable[[Any], int]], list[StepOutcome]]
    others: Callable[[dict[str, Any], list[str]], dict[str, Any]]


class WarmSteps:
    """Hands jobs of warm workers to their pools, and records the results.

    Parameters
    ----------
    context
        The context of the thread that serves this machine.
    watcher
        Told which files pools write messages to.
    steps
        How jobs take them.
    """

    def __init__(self, context: RunnerContext, watcher: ProcessWatcher, steps: TakenSteps) -> None:
        self._context, self._watcher, self._steps = context, watcher, steps
        self._upload = step_of_many(context, upload_many)
        self._jobs = context.controller.queue.jobs
        self.pools = WarmPools(context)

    def serves(self, name: str) -> bool:
        """Whether jobs of a worker can currently run in warm processes."""
        return self.pools.serves(name)

    def not_handed(self) -> dict[str, Any]:
        """Return the query for jobs that are in no pool."""
        handed = self.pools.handed
        return {"_id": {"$nin": handed}} if handed else {}

    def hand_over(self, name: str, only: dict[str, Any]) -> tuple[bool, bool]:
        """Let the pool of a worker run its uploaded jobs.

        Returns
        -------
        bool, bool
            Whether it got one, and whether others are left, which run as scripts.
        """
        query = {**only, "state": JobState.UPLOADED.value, "worker": name, "lock_id": None}
        retries = RetryPolicy.for_project(self._context.project)
        eligible = eligible_query(self._steps.others({**query, **self.not_handed()}, []), retries)
        found = list(self._jobs.find(eligible, _FIELDS_HANDED, sort=CLAIM_ORDER))
        is_given, number = self._give(name, found)
        return is_given, number < len(found)

    def start(self, name: str, only: dict[str, Any], room: Callable[[Any], int]) -> bool:
        """Claim jobs of a worker, make their folders, and let its pool run them.

        Parameters
        ----------
        room
            Given the session of the claim, how many it may have beside those under way.

        Returns
        -------
        bool
            Whether there was one.
        """
        places, ahead = 0, self.pools.ahead(name)

        def most(session: Any) -> int:
            nonlocal places
            places = room(session)
            return min(places + ahead, BUNDLE)

        outcomes = self._steps.claim({**only, "worker": name}, self._upload, most)
        advanced = [each for each in outcomes if each.result is StepResult.ADVANCED]
        ready = [changed(each.job, each.fields) for each in advanced]
        given = [{key: job.get(key) for key in _TOP_LEVEL_HANDED} for job in ready]
        self._give(name, given, is_alone=places == self._context.worker(name).max_jobs)
        return bool(outcomes)

    def has_ended(self) -> bool:
        """Whether a job has ended that has yet to be recorded."""
        return any(job.has_ended for job in self.pools.look())

    def _give(
        self, name: str, jobs: Sequence[dict[str, Any]], *, is_alone: bool = False
    ) -> tuple[bool, int]:
        """Give jobs to the pool of a worker; return whether it got one, and how many suit it.

        Parameters
        ----------
        is_alone
            Whether no other job of the worker is under way: none has to be counted.
        """
        warm = [job for job in jobs if self.pools.takes(job)]
        limits = {}
        if warm and (limit := self._context.worker(name).max_jobs):
            queued = {"worker": name, "state": {"$in": [s.value for s in QUEUED_STATES]}}
            others = {**queued, "db_id": {"$nin": sorted(self.pools.recorded_ids())}}
            limits[name] = limit - (0 if is_alone else self._jobs.count_documents(others))
        return self.pools.hand_over(warm, limits), len(warm)

    def record(self, *, completes: bool) -> bool:
        """Record the results of jobs; those that have ended are completed at once.

        Parameters
        ----------
        completes
            Whether this process completes jobs.

        Returns
        -------
        bool
            Whether anything moved.
        """
        due = {job.doc["_id"]: job for job in self.pools.look()}
        self._watcher.listen(self.pools.files())
        ended = {key: job for key, job in due.items() if job.has_ended and completes}
        others = {key: job for key, job in due.items() if key not in ended}
        moved = self._settle(others, _noted, _FIELDS_RECORDED)
        return self._settle(ended, self._completed, WITHOUT_ARGUMENTS) or moved

    def has_news(self) -> bool:
        """Hear what pools tell; whether there is something to record, or a job was given back."""
        before = len(self.pools.handed)
        due = self.pools.look()
        self._watcher.listen(self.pools.files())
        return bool(due) or len(self.pools.handed) != before

    def close(self) -> None:
        """End the processes; running jobs continue until they end."""
        self.pools.close()
        self._watcher.listen([])

    def _settle(
        self,
        due: dict[Any, HandedJob],
        step: Callable[[dict[Any, HandedJob], list[dict[str, Any]]], Answers],
        projection: Projection,
    ) -> bool:
        """Do a step of the jobs that have not changed since they were handed over."""
        if not due:
            return False
        states = [s.value for s in (JobState.UPLOADED, *QUEUED_STATES)]
        query = {"_id": {"$in": list(due)}, "state": {"$in": states}}
        left, moved = dict(due), False

        def step_of_ours(locked: list[dict[str, Any]]) -> Answers:
            ours = [now for now in locked if attempt_token(now) == due[now["_id"]].token]
            return step(due, ours)

        for outcome in self._steps.take(query, step_of_ours, len(due), projection, [*due]):
            job = left.pop(outcome.job["_id"])
            moved = outcome.result in MOVED or moved
            if outcome.result is StepResult.ADVANCED:
                self.pools.note_recorded(job)
            else:
                self.pools.note_refused(job)
        for job in left.values():
            self.pools.note_refused(job)
        if left:
            self._leave_to_others(left, query)
        return moved

    def _leave_to_others(self, jobs: dict[Any, HandedJob], query: dict[str, Any]) -> None:
        """Forget jobs that now have another attempt or state; locked jobs are kept."""
        found = self._jobs.find({**query, "_id": {"$in": list(jobs)}}, ["remote.submission_token"])
        now = {document["_id"]: attempt_token(document) for document in found}
        for key, job in jobs.items():
            if now.get(key) != job.token:
                self.pools.forget(job)

    def _completed(self, due: dict[Any, HandedJob], jobs: list[dict[str, Any]]) -> Answers:
        """Complete jobs as if DOWNLOADED; those that cannot be completed now become DOWNLOADED."""
        states = {now["_id"]: now["state"] for now in jobs}
        also: dict[tuple[str, int], dict[str, Any]] = {}
        for now in jobs:
            fields = due[now["_id"]].fields()
            now["state"] = fields["state"]
            now["remote"] = {**(now.get("remote") or {}), **remote_part(fields)}
            also[now["uuid"], now["index"]] = {k: v for k, v in fields.items() if k != "state"}
        answers = complete(self._context, jobs, also)
        for now in jobs:
            key = now["uuid"], now["index"]
            answer = answers.get(key)
            if isinstance(answer, Exception) and not isinstance(answer, LockLostError):
                now["state"], answers[key] = states[now["_id"]], due[now["_id"]].fields()
        return answers


def _noted(due: dict[Any, HandedJob], jobs: list[dict[str, Any]]) -> Answers:
    return {(now["uuid"], now["index"]): due[now["_id"]].fields() for now in jobs}
