"""One round of a runner: advance each job that is due by its next step.

Claim READY jobs, upload, submit, poll the queues, complete. All queries select by state, so that
finished jobs cost nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from controller.errors import (
    LockLostError,
    RemoteError,
    StorageUnavailableError,
)
from controller.execution.pool import WarmPool
from controller.leases import GIVEN_UP
from controller.operations.batch_steps import Answers
from controller.operations.claim_turns import claim_turn
from controller.operations.claims import claim_jobs
from controller.operations.pending_cleanup import run_pending
from controller.runner.batches import Batches
from controller.runner.context import RunnerContext
from controller.runner.job_steps import JobSteps, Step
from controller.runner.limits import BUNDLE, CLAIMS_PER_ROUND, Limits
from controller.runner.polling import Polling
from controller.runner.recovery import take_over_expired
from controller.runner.roles import ALL_ROLES, RunnerRoles
from controller.runner.stages.bundles import (
    download_many,
    send_many,
    step_of_many,
    submit_many,
    upload_many,
)
from controller.runner.stages.complete import complete
from controller.runner.stages.download import download, fetch_again
from controller.runner.stages.pool import put_many
from controller.runner.stages.submit import submit
from controller.runner.stages.upload import upload
from controller.runner.timers import Timers
from controller.runner.warm import MOVED, WITHOUT_ARGUMENTS, TakenSteps, WarmSteps
from controller.runner.watch import ProcessWatcher
from controller.states import BATCH_STATES, QUEUED_STATES, JobState
from controller.storage.base import synced_once

logger = logging.getLogger(__name__)

RECOVER_EVERY = 2.0
"""Seconds between two looks for locks of runners that have died: their work is taken over at once
on their own machine, and elsewhere when the lease has not been renewed for its time."""
CLEAN_UP_EVERY = 10.0
ENDS_AT_ONCE = 200
"""Jobs of a pool whose ends are recorded together: that touches no machine."""
_OTHERS_EVERY = 0.25
"""Seconds after which all else has its turn, however much warm processes have to tell; and after
which, while they are at work, it is looked at again if there was nothing to do before."""
Steps = Callable[[RunnerContext, Sequence[dict[str, Any]]], list[dict[str, Any] | Exception]]


class Rounds:
    """The rounds of a runner.

    Parameters
    ----------
    context
        Controller, workers, queues and stores; the jobs of a step are noted in its ``touched``.
    watcher
        Told of the local processes that are to be watched; None where there are none.
    is_stopping
        Asked before each step: whether to end after the present one.
    tell
        Called with the name of a worker for which a job was claimed.

    Attributes
    ----------
    only
        Filter of the jobs to process; {} for all. With a filter, nothing is recovered from other
        runners.
    """

    def __init__(
        self,
        context: RunnerContext,
        watcher: ProcessWatcher | None,
        is_stopping: Callable[[], bool],
        tell: Callable[[str], None] = lambda worker: None,
    ) -> None:
        self._context = context
        self._controller = context.controller
        self._is_stopping, self._tell = is_stopping, tell
        self._steps = JobSteps(context, is_stopping)
        self._limits = Limits(context)
        self._timers = Timers()
        # What is on this machine is served by the thread that can watch it.
        self._warm: WarmSteps | None = None
        told: Callable[[], set[str]] = set
        if watcher is not None:
            steps = self._steps
            taken = TakenSteps(steps.take, steps.claim_and_take, steps.backoff.others)
            self._warm = WarmSteps(context, watcher, taken)
            told = self._warm.pools.recorded_ids
        self._polling = Polling(context, watcher, self._apply, told=told)
        self._batches = Batches(context, self._write_ends)
        self._told: set[str] = set()
        self._others_at = 0.0
        self._had_nothing_else = self._lets_wait = False
        self.only: dict[str, Any] = {}

    def adopt_pools(self, pools: Mapping[str, WarmPool]) -> None:
        """Use pools that were started before, as {name of a worker: its pool}."""
        if self._warm is not None:
            self._warm.pools.adopt(pools)

    def begin(self, roles: RunnerRoles) -> None:
        """Start the warm processes of workers, so that they have imported jobflow when a job comes.

        Parameters
        ----------
        roles
            What this process does.
        """
        if self._warm is not None and roles.queue:
            self._warm.pools.begin(self._context.usable_workers())

    def advance(self, roles: RunnerRoles) -> bool:
        """Do one round; return whether anything changed."""
        moved = False
        workers = self._context.usable_workers()
        if not self.only and (self._timers.due("recover", RECOVER_EVERY) or GIVEN_UP.unseen()):
            moved = take_over_expired(self._controller, self._told) > 0
        if roles.queue and self._warm is not None:  # first: children can be claimed at once
            moved = self._serve_warm(self._warm, workers, roles) or moved
        parts: list[Callable[[], bool]] = []
        if roles.checkout:
            others = [name for name in workers if not self._starts_warm(name, roles)]
            parts.append(partial(self._checkout, others))
        parts += self._parts_of_hosts(roles)
        if roles.complete:
            parts.append(partial(self._complete, workers))
        self._lets_wait = roles == ALL_ROLES and not self.only and self._can_wait()
        return (not self._lets_wait and self._in_turn(parts)) or moved

    def _can_wait(self) -> bool:
        """Whether all but warm processes is left for a while, as there was nothing to do for it.

        Only while those have jobs: they are going to tell of them, and all else follows then.
        """
        is_early = time.monotonic() < self._others_at + _OTHERS_EVERY
        return is_early and self._had_nothing_else and bool(self._warm and self._warm.pools.handed)

    def advance_hosts(self, roles: RunnerRoles) -> bool:
        """Do what touches the machines of workers, as far as they are this thread's to serve."""
        return self._in_turn(self._parts_of_hosts(roles))

    def _parts_of_hosts(self, roles: RunnerRoles) -> list[Callable[[], bool]]:
        workers = self._context.served_workers()
        parts: list[Callable[[], bool]] = [self._clean_up]
        if roles.transfer and roles.queue:
            parts.append(partial(self._send, workers))
        if roles.transfer:
            uploads = JobState.CHECKED_OUT, workers, upload, upload_many
            downloads = JobState.RUN_FINISHED, workers, download, download_many
            parts += [partial(self._transfer, *uploads), partial(self._transfer, *downloads)]
            parts.append(partial(self._fetch_again, workers))
        if roles.queue:
            parts += [partial(self._submit, workers), partial(self.poll, workers)]
            parts.append(partial(self._batches.advance, workers, self.only))
        return parts

    def _in_turn(self, parts: Sequence[Callable[[], bool]]) -> bool:
        """Do one part after the other; returns whether anything moved.

        Where a warm process ends a job meanwhile, its children are waiting: the rest is left to the
        next round, unless it has been for a while.
        """
        moved = False
        for part in parts:
            is_late = time.monotonic() > self._others_at + _OTHERS_EVERY
            if self._warm is not None and not is_late and self._warm.has_ended():
                return True
            moved = part() or moved
        self._others_at, self._had_nothing_else = time.monotonic(), not moved
        return moved

    def _clean_up(self) -> bool:
        if not self.only and self._timers.due("clean up", CLEAN_UP_EVERY):
            with _only("pending clean-up"):
                run_pending(self._controller.queue, self._context.connections)
        return False

    def _transfer(self, state: JobState, workers: list[str], step: Step, many: Steps) -> bool:
        """Advance jobs by one step: one by one on the shell of this machine, else together."""
        near = [n for n in workers if self._context.is_near(n) and not self._is_warm(n)]
        moved = self._steps.one_after_the_other(state, near, step, self.only)
        for name in workers:
            if name not in near:
                # Pilots are asked for, and what they have run is noted, between two bundles.
                most = BUNDLE if self._context.worker(name).is_batch else None
                moved = self._bundles(state, name, many, most) or moved
        return moved

    def _bundles(self, state: JobState, name: str, many: Steps, limit: int | None = None) -> bool:
        """Advance all jobs of a state on one worker by one step, many at a time."""
        context, submits = self._context, many in (send_many, submit_many)
        jobs = {**self.only, "state": state.value, "worker": name}

        def accepted() -> dict[str, Any] | None:
            refused = context.outages.holds(name) or (submits and context.refusals.holds(name))
            return None if refused else jobs

        step = step_of_many(context, many)
        take = self._limits.within(name, step) if submits else step
        return self._steps.all_of(accepted, take, at_once=BUNDLE, limit=limit)

    def _fetch_again(self, workers: list[str]) -> bool:
        if not (missing := self._context.to_fetch):
            return False
        only = {"db_id": {"$in": sorted(missing)}, **self.only}
        return self._steps.one_after_the_other(JobState.DOWNLOADED, workers, fetch_again, only)

    def _checkout(self, workers: list[str]) -> bool:
        claimed = 0
        for name in workers:
            with self._turn(name) as is_ours:
                if is_ours:
                    claimed += self._claim(name, CLAIMS_PER_ROUND - claimed)
        return claimed > 0

    def _serve_warm(self, warm: WarmSteps, workers: list[str], roles: RunnerRoles) -> bool:
        """Record what warm processes tell, and let them go on with what becomes READY by it.

        What is recorded is forced to the disk when they have got their next jobs: if the power
        fails before, those end, too, and the ends of the former ones are read anew.
        """
        moved, end = False, time.monotonic() + _OTHERS_EVERY
        names = [name for name in workers if self._starts_warm(name, roles)]
        while True:
            started = False
            with synced_once(self._controller.queue.jobs):
                recorded = warm.record(completes=roles.complete)
                for name in names:
                    started = self._start_warm(warm, name, look=not recorded) or started
            moved = recorded or started or moved
            if not recorded or self._is_stopping() or time.monotonic() > end:
                return moved

    def _starts_warm(self, name: str, roles: RunnerRoles) -> bool:
        """Whether jobs of a worker are claimed, made ready and handed over in one step."""
        does_all = roles.checkout and roles.transfer and roles.queue
        return does_all and self._is_warm(name) and self._controller.queue.takes_turns

    def _start_warm(self, warm: WarmSteps, name: str, *, look: bool) -> bool:
        """Claim jobs of a warm worker, make their folders, and hand them over.

        Parameters
        ----------
        look
            First look for READY ones and for room, which spares a write where there is neither.
        """
        jobs = self._controller.queue.jobs
        query = {**self.only, "state": JobState.READY.value, "worker": name, "lock_id": None}
        if self._is_stopping() or (look and jobs.find_one(query, ["_id"]) is None):
            return False
        states = (JobState.CHECKED_OUT, JobState.UPLOADED, *QUEUED_STATES)
        room = partial(self._limits.room, name, states)
        if look and room() + warm.pools.ahead(name) <= 0:  # which is counted again, with the claim
            return False
        warm.pools.begin([name])
        return warm.start(name, self.only, room)

    def _claim(self, name: str, most: int) -> int:
        """Claim READY jobs of a worker; returns how many."""
        room = self._limits.room(name, (JobState.CHECKED_OUT, JobState.UPLOADED, *QUEUED_STATES))
        if self._warm is not None and self._warm.serves(name):
            room += self._warm.pools.ahead(name)
        room = min(room, most)
        if room <= 0 or self._is_stopping():
            return 0
        query = {**self.only, "worker": name}
        claimed = len(claim_jobs(self._controller.queue, query, limit=room))
        if claimed:
            self._tell(name)
            if self._warm is not None:
                self._warm.pools.begin([name])
        return claimed

    @contextmanager
    def _turn(self, name: str) -> Iterator[bool]:
        """Take the turn to claim jobs of a worker; gives whether there is anything to claim."""
        query = {**self.only, "state": JobState.READY.value, "worker": name, "lock_id": None}
        if not self._context.worker(name).max_jobs:
            yield True
        elif self._controller.queue.jobs.find_one(query, ["_id"]) is None:
            yield False
        else:
            with claim_turn(self._controller.queue, name) as is_ours:
                yield is_ours

    def _send(self, workers: list[str]) -> bool:
        """Upload and submit jobs with one command, on machines where they travel together."""
        moved = False
        for name in workers:
            worker = self._context.worker(name)
            if self._context.is_near(name) or worker.is_batch:
                continue
            if self._context.refusals.holds(name):
                continue
            room = self._limits.room(name, (JobState.UPLOADED, *QUEUED_STATES))
            if room > 0 and self._bundles(JobState.CHECKED_OUT, name, send_many, room):
                self._polling.hurry(name)
                moved = True
        return moved

    def _submit(self, workers: list[str]) -> bool:
        moved = False
        refusals = self._context.refusals
        for name in workers:
            if self._context.worker(name).is_batch:
                if self._bundles(JobState.UPLOADED, name, put_many, BUNDLE):
                    self._batches.hurry(name)
                    moved = True
                continue
            also: dict[str, Any] = {}
            if self._warm is not None and self._warm.serves(name):
                handed, is_any_left = self._warm.hand_over(name, self.only)
                moved = handed or moved
                if not is_any_left:
                    continue
                also = self._warm.not_handed()
            room = self._limits.room(name, QUEUED_STATES)
            if room > 0 and not refusals.holds(name):
                if self._context.is_near(name):
                    some = self._steps.one_after_the_other(
                        JobState.UPLOADED, [name], submit, {**also, **self.only}, room
                    )
                else:
                    some = self._bundles(JobState.UPLOADED, name, submit_many, room)
                if some:
                    self._polling.hurry(name)
                    moved = True
        return moved

    def _is_warm(self, name: str) -> bool:
        return self._warm is not None and self._warm.serves(name)

    def close(self) -> None:
        """End the warm processes; jobs that run go on to their ends."""
        if self._warm is not None:
            self._warm.close()

    def poll(self, workers: list[str], *, at_once: bool = False) -> bool:
        """Poll the queues about their jobs, and watch local processes; see `Polling.poll`."""
        return self._polling.poll(workers, self.only, at_once=at_once)

    def would_change(self, workers: list[str]) -> list[str]:
        """Poll the queues; return the db_ids of the jobs whose state `poll` would change."""
        return self._polling.would_change(workers, self.only)

    def apply(self, job: dict[str, Any], answer: dict[str, Any] | Exception) -> bool:
        """Record a queue's reply about a job, if it still has the same process."""
        return self._apply([(job, answer)])

    def _apply(self, changed: list[tuple[dict[str, Any], dict[str, Any] | Exception]]) -> bool:
        """Write what a queue answered about jobs that are still the same processes."""
        answers = {(job["uuid"], job["index"]): (job, answer) for job, answer in changed}

        def step(locked: list[dict[str, Any]]) -> dict[tuple[str, int], dict[str, Any] | Exception]:
            found: dict[tuple[str, int], dict[str, Any] | Exception] = {}
            for now in locked:
                asked, answer = answers[now["uuid"], now["index"]]
                # Meanwhile the job may run anew, as another process.
                if _process_of(asked) == _process_of(now) and asked["state"] == now["state"]:
                    found[now["uuid"], now["index"]] = _as_found(answer)
                    self._context.touched.add(now["db_id"])
            return found

        states = [s.value for s in QUEUED_STATES]
        query = {
            "db_id": {"$in": [job["db_id"] for job, _ in changed]},
            "state": states[0] if len(states) == 1 else {"$in": states},
        }
        outcomes = self._steps.take(query, step, len(changed), WITHOUT_ARGUMENTS)
        return any(outcome.result in MOVED for outcome in outcomes)

    def _write_ends(self, fields: Mapping[tuple[str, int], dict[str, Any]]) -> bool:
        """Write what has become of jobs in a pool, of those that are still there."""

        def step(locked: list[dict[str, Any]]) -> dict[tuple[str, int], dict[str, Any] | Exception]:
            self._context.touched.update(job["db_id"] for job in locked)
            keys = [(job["uuid"], job["index"]) for job in locked]
            return {key: fields[key] for key in keys if key in fields}

        moved, every = False, sorted(fields)
        for first in range(0, len(every), ENDS_AT_ONCE):
            uuids = sorted({uuid for uuid, _ in every[first : first + ENDS_AT_ONCE]})
            query = {"uuid": {"$in": uuids}, "state": {"$in": [s.value for s in BATCH_STATES]}}
            outcomes = self._steps.take(
                {**query, **self.only}, step, 2 * ENDS_AT_ONCE, WITHOUT_ARGUMENTS
            )
            moved = any(outcome.result in MOVED for outcome in outcomes) or moved
        return moved

    def _complete(self, workers: list[str]) -> bool:
        # Not all at once, so that children of finished jobs can start first.
        query = {**self.only, "state": JobState.DOWNLOADED.value, "worker": {"$in": workers}}
        return self._steps.all_of(
            lambda: query,
            self._complete_noted,
            at_once=CLAIMS_PER_ROUND,
            limit=CLAIMS_PER_ROUND,
            projection=WITHOUT_ARGUMENTS,
        )

    def _complete_noted(self, jobs: list[dict[str, Any]]) -> Answers:
        self._context.touched.update(job["db_id"] for job in jobs)
        return complete(self._context, jobs)

    def has_news(self) -> bool:
        """Hear what warm processes tell; whether there is more than that jobs have started."""
        return self._warm is not None and self._warm.has_news()

    def seconds_until_due(self) -> list[float]:
        """Return the seconds until queues must be polled, and blocked jobs retried."""
        context = self._context
        due = [*context.refusals.seconds_left(), *context.outages.seconds_left()]
        due += [*self._polling.seconds_left(), *self._batches.seconds_left()]
        if self._warm is not None:
            due += self._warm.pools.seconds_left()
        if self._lets_wait:
            due.append(self._others_at + _OTHERS_EVERY - time.monotonic())
        pause = self._steps.backoff.seconds_left()
        return due if pause is None else [*due, pause]


@contextmanager
def _only(name: str) -> Iterator[None]:
    """Log errors with one thing, so that they do not affect the others."""
    try:
        yield
    except (StorageUnavailableError, LockLostError):
        raise
    except Exception:
        logger.exception("%s: failed, will be retried", name)


def _process_of(job: dict[str, Any]) -> Any:
    return (job.get("remote") or {}).get("process_id")


def _as_found(answer: dict[str, Any] | Exception) -> dict[str, Any] | Exception:
    if not isinstance(answer, Exception):
        return answer
    error = RemoteError(f"the queue cannot be polled about this job: {answer}")
    error.__cause__ = answer
    return error
