"""One round of a runner: advance each job that is due by its next step.

Claim READY jobs, upload, submit, poll the queues, complete. All queries select by state, so that
finished jobs cost nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from controller.errors import (
    HostUnavailableError,
    LockLostError,
    NotYetError,
    QueueBusyError,
    RemoteError,
    StorageUnavailableError,
)
from controller.leases import GIVEN_UP
from controller.operations.batch_steps import Answer, Answers, BatchStep, one_by_one, take_steps
from controller.operations.claim_turns import claim_turn
from controller.operations.claims import claim_and_step, claim_jobs
from controller.operations.pending_cleanup import run_pending
from controller.operations.steps import RetryPolicy, StepOutcome, StepResult
from controller.runner.backoff import JobBackoff
from controller.runner.batches import Batches
from controller.runner.context import RunnerContext
from controller.runner.polling import Polling
from controller.runner.recovery import take_over_expired
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
from controller.runner.stages.submit import submit, withdraw
from controller.runner.stages.upload import upload
from controller.runner.warm import MOVED, WITHOUT_ARGUMENTS, TakenSteps, WarmSteps
from controller.runner.watch import ProcessWatcher
from controller.states import BATCH_STATES, QUEUED_STATES, RESETTABLE_STATES, JobState
from controller.storage.base import Projection

logger = logging.getLogger(__name__)

RECOVER_EVERY = 2.0
"""Seconds between two looks for locks of runners that have died: their work is taken over at once
on their own machine, and elsewhere when the lease has not been renewed for its time."""
CLEAN_UP_EVERY = 10.0
CLAIMS_PER_ROUND = 64
STEPS_AT_ONCE = 8
"""Jobs whose files are handled under one lock: their documents may be large."""
BUNDLE = 50
"""Jobs that travel together at most."""
ENDS_AT_ONCE = 200
"""Jobs of a pool whose ends are recorded together: that touches no machine."""
MOST_IN_POOL = 2000
"""Jobs that wait in the pool of a batch worker at most: what comes later may be more urgent."""
NO_LIMIT = 1_000_000_000
_OTHERS_EVERY = 0.25
"""Seconds after which all else has its turn, however much warm processes have to tell."""
Steps = Callable[[RunnerContext, Sequence[dict[str, Any]]], list[dict[str, Any] | Exception]]
Step = Callable[[RunnerContext, dict[str, Any]], dict[str, Any]]
_RECORDED = (StepResult.ADVANCED, StepResult.FAILED)


@dataclass(frozen=True)
class RunnerRoles:
    """The tasks of a runner process; all of them, unless several processes share them.

    Attributes
    ----------
    transfer, complete, queue, checkout
        Transfer files, complete jobs, submit and poll the queues, claim READY jobs.
    """

    transfer: bool = True
    complete: bool = True
    queue: bool = True
    checkout: bool = True

    @property
    def named(self) -> list[str]:
        """Names of the parts that it does, in the order of a job's life."""
        return [n for n in ("checkout", "transfer", "queue", "complete") if getattr(self, n)]

    @property
    def on_hosts(self) -> RunnerRoles:
        """Those of them that touch the machines of workers."""
        return replace(self, checkout=False, complete=False)

    @property
    def ends(self) -> list[str]:
        """Values of the states handled by these roles."""
        ended: dict[str, tuple[JobState, ...]] = {
            "checkout": (JobState.READY,),
            "transfer": (JobState.CHECKED_OUT, JobState.RUN_FINISHED),
            "queue": (JobState.UPLOADED, *QUEUED_STATES, *BATCH_STATES),
            "complete": (JobState.DOWNLOADED,),
        }
        return [s.value for part, states in ended.items() if getattr(self, part) for s in states]


class Timers:
    """When periodic tasks are due, by the monotonic clock."""

    def __init__(self) -> None:
        self._next: dict[str, float] = {}

    def due(self, name: str, every: float) -> bool:
        """Whether a periodic task is due; the next time is counted from now."""
        now = time.monotonic()
        if now < self._next.get(name, 0.0):
            return False
        self._next[name] = now + every
        return True


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
        self._backoff = JobBackoff()
        self._timers = Timers()
        # What is on this machine is served by the thread that can watch it.
        self._warm: WarmSteps | None = None
        told: Callable[[], set[str]] = set
        if watcher is not None:
            steps = TakenSteps(self._take, self._claim_and_take, self._backoff.others)
            self._warm = WarmSteps(context, watcher, steps)
            told = self._warm.pools.recorded_ids
        self._polling = Polling(context, watcher, self._apply, told=told)
        self._batches = Batches(context, self._write_ends)
        self._told: set[str] = set()
        self._unknown_workers: set[str] = set()
        self._others_at = 0.0
        self.only: dict[str, Any] = {}

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
        return self._in_turn(parts) or moved

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
        self._others_at = time.monotonic()
        return moved

    def _clean_up(self) -> bool:
        if not self.only and self._timers.due("clean up", CLEAN_UP_EVERY):
            with _only("pending clean-up"):
                run_pending(self._controller.queue, self._context.connections)
        return False

    def _transfer(self, state: JobState, workers: list[str], step: Step, many: Steps) -> bool:
        """Advance jobs by one step: one by one on the shell of this machine, else together."""
        near = [n for n in workers if self._context.is_near(n) and not self._is_warm(n)]
        moved = self._steps(state, near, step)
        for name in workers:
            if name not in near:
                # Pilots are asked for, and what they have run is noted, between two bundles.
                most = BUNDLE if self._context.worker(name).is_batch else NO_LIMIT
                moved = self._bundles(state, name, many, most) or moved
        return moved

    def _bundles(self, state: JobState, name: str, many: Steps, limit: int = NO_LIMIT) -> bool:
        """Advance all jobs of a state on one worker by one step, many at a time."""
        done, left_alone = 0, list[str]()
        query = {**self.only, "state": state.value, "worker": name}
        context, step = self._context, step_of_many(self._context, many)
        submits = many in (send_many, submit_many)
        take = self._within_limit(name, step) if submits else step
        while not (self._is_stopping() or context.outages.holds(name)) and done < limit:
            if submits and context.refusals.holds(name):
                break
            eligible, most = self._backoff.others(query, left_alone), min(BUNDLE, limit - done)
            outcomes = self._take(eligible, take, most)
            done += sum(each.result in MOVED for each in outcomes)
            left_alone += [o.job["db_id"] for o in outcomes if o.result not in _RECORDED]
            if len(outcomes) < most:  # what has come since has its turn in the next round
                break
        return done > 0

    def _fetch_again(self, workers: list[str]) -> bool:
        if not (missing := self._context.to_fetch):
            return False
        only = {"db_id": {"$in": sorted(missing)}}
        return self._steps(JobState.DOWNLOADED, workers, fetch_again, also=only)

    def _checkout(self, workers: list[str]) -> bool:
        claimed = 0
        for name in workers:
            with self._turn(name) as is_ours:
                if is_ours:
                    claimed += self._claim(name, CLAIMS_PER_ROUND - claimed)
        return claimed > 0

    def _serve_warm(self, warm: WarmSteps, workers: list[str], roles: RunnerRoles) -> bool:
        """Record what warm processes tell, and let them go on with what becomes READY by it."""
        moved, end = False, time.monotonic() + _OTHERS_EVERY
        names = [name for name in workers if self._starts_warm(name, roles)]
        while True:
            recorded = warm.record(completes=roles.complete)
            started = False
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
        ahead = warm.pools.ahead(name)

        def room(session: Any) -> int:
            return min(self._room(name, states, session) + ahead, BUNDLE)

        if look and room(None) <= 0:  # which is counted again, with the claim
            return False
        warm.pools.begin([name])
        return warm.start(name, self.only, room)

    def _claim(self, name: str, most: int) -> int:
        """Claim READY jobs of a worker; returns how many."""
        room = self._room(name, (JobState.CHECKED_OUT, JobState.UPLOADED, *QUEUED_STATES))
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

    def _room(self, worker: str, states: tuple[JobState, ...], session: Any = None) -> int:
        """How many more jobs a worker may have in these states."""
        limit, of_worker = self._context.worker(worker).max_jobs, states
        if self._context.worker(worker).is_batch:
            # Its max_jobs counts pilots.
            limit = MOST_IN_POOL
            of_worker = (JobState.CHECKED_OUT, JobState.UPLOADED, JobState.BATCH_SUBMITTED)
        if not limit:
            return CLAIMS_PER_ROUND if self._context.is_near(worker) else 4 * BUNDLE
        query = {"worker": worker, "state": {"$in": [s.value for s in of_worker]}}
        return limit - self._controller.queue.jobs.count_documents(query, session=session)

    def _within_limit(self, name: str, step: BatchStep) -> BatchStep:
        """Let a step submit no more jobs than a worker may have, also beside other runners."""
        worker = self._context.worker(name)
        limit = worker.max_jobs
        if not limit or worker.is_batch:  # there it counts pilots
            return step
        count = self._controller.queue.jobs.count_documents

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

    def _send(self, workers: list[str]) -> bool:
        """Upload and submit jobs with one command, on machines where they travel together."""
        moved = False
        for name in workers:
            worker = self._context.worker(name)
            if self._context.is_near(name) or worker.is_batch:
                continue
            if self._context.refusals.holds(name):
                continue
            room = self._room(name, (JobState.UPLOADED, *QUEUED_STATES))
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
            room = self._room(name, QUEUED_STATES)
            if room > 0 and not refusals.holds(name):
                if self._context.is_near(name):
                    some = self._steps(JobState.UPLOADED, [name], submit, room, also=also)
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

    def _steps(
        self,
        state: JobState,
        workers: list[str],
        step: Step,
        limit: int | None = None,
        *,
        also: dict[str, Any] | None = None,
    ) -> bool:
        """Advance all jobs in a state by one step, one after the other."""
        done = 0
        left_alone: list[str] = []
        outages = self._context.outages
        while not self._is_stopping() and (limit is None or done < limit):
            within_reach = [name for name in workers if not outages.holds(name)]
            if not within_reach:
                break
            query = {**(also or {}), **self.only}
            query.update(state=state.value, worker={"$in": within_reach})
            each = one_by_one(
                partial(self._noted, step),
                lambda job: not (self._is_stopping() or outages.holds(job["worker"])),
            )
            if state is JobState.UPLOADED:  # of one worker
                each = self._within_limit(workers[0], each)
            outcomes = self._take(
                self._backoff.others(query, left_alone),
                each,
                STEPS_AT_ONCE if limit is None else min(limit - done, STEPS_AT_ONCE),
            )
            if not outcomes:
                break
            done += sum(each.result in MOVED for each in outcomes)
            # For this round: others get their turn.
            left_alone += [o.job["db_id"] for o in outcomes if o.result not in _RECORDED]
        return done > 0

    def _noted(self, step: Step, job: dict[str, Any]) -> dict[str, Any]:
        self._context.touched.add(job["db_id"])
        return step(self._context, job)

    def _take(
        self,
        query: dict[str, Any],
        step: BatchStep,
        limit: int,
        projection: Projection = None,
        ids: Sequence[Any] | None = None,
    ) -> list[StepOutcome]:
        """Do one step of the first jobs; nothing came of it when there were none."""
        retries = RetryPolicy.for_project(self._context.project)
        queue = self._controller.queue
        outcomes = take_steps(
            queue, query, step, retries, limit=limit, projection=projection, ids=ids
        )
        for outcome in outcomes:
            self._settle(outcome)
        return outcomes

    def _claim_and_take(
        self, query: dict[str, Any], step: BatchStep, room: Callable[[Any], int]
    ) -> list[StepOutcome]:
        """Claim the first READY jobs, and do their first step."""
        retries = RetryPolicy.for_project(self._context.project)
        outcomes = claim_and_step(self._controller.queue, query, step, retries, room=room)
        for outcome in outcomes:
            self._settle(outcome)
        return outcomes

    def _settle(self, outcome: StepOutcome) -> None:
        """Remember what holds a job up, and withdraw what a lost job had submitted."""
        match outcome.result:
            case StepResult.ADVANCED:
                self._backoff.forget(outcome.job)
                if outcome.job["state"] != JobState.DOWNLOADED.value:  # no machine is needed there
                    self._context.outages.end(outcome.job["worker"])
            case StepResult.HELD_UP | StepResult.NOT_RECORDED:
                assert outcome.error is not None
                if isinstance(outcome.error, HostUnavailableError):
                    self._context.outages.note(outcome.job["worker"], outcome.error)
                elif not _waits_for_queue(outcome):
                    self._backoff.hold_back(outcome.job, outcome.error)
            case StepResult.LOST:
                logger.warning("%s", outcome.error)
                if process_id := outcome.fields.get("remote.process_id"):
                    withdraw(self._context, outcome.job, process_id)

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
        outcomes = self._take(query, step, len(changed), WITHOUT_ARGUMENTS)
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
            outcomes = self._take({**query, **self.only}, step, 2 * ENDS_AT_ONCE, WITHOUT_ARGUMENTS)
            moved = any(outcome.result in MOVED for outcome in outcomes) or moved
        return moved

    def _complete(self, workers: list[str]) -> bool:
        # Not all at once, so that children of finished jobs can start first.
        done = 0
        left_alone: list[str] = []
        query = {**self.only, "state": JobState.DOWNLOADED.value, "worker": {"$in": workers}}
        while not self._is_stopping() and done < CLAIMS_PER_ROUND:
            outcomes = self._take(
                self._backoff.others(query, left_alone),
                self._complete_noted,
                CLAIMS_PER_ROUND - done,
                WITHOUT_ARGUMENTS,
            )
            if not outcomes:
                break
            done += sum(each.result in MOVED for each in outcomes)
            left_alone += [o.job["db_id"] for o in outcomes if o.result not in _RECORDED]
        return done > 0

    def _complete_noted(self, jobs: list[dict[str, Any]]) -> Answers:
        self._context.touched.update(job["db_id"] for job in jobs)
        return complete(self._context, jobs)

    def tell_of_unknown_workers(self) -> None:
        """Warn about jobs whose worker is not in the project, once per worker.

        They are not changed: a runner with another copy of the project file may run them.
        """
        known = self._context.project.workers
        query = {
            "state": {"$in": [s.value for s in (JobState.READY, *RESETTABLE_STATES)]},
            "worker": {"$nin": [*known, *self._unknown_workers]},
        }
        while (job := self._controller.queue.jobs.find_one(query, ["db_id", "worker"])) is not None:
            self._unknown_workers.add(job["worker"])
            query["worker"] = {"$nin": [*known, *self._unknown_workers]}
            logger.warning(
                "job %s is skipped: the project file, when this runner read it, had no worker "
                "%r; if it has been added since, restart the runner, or assign another "
                "worker: jf job set worker NAME -did %s",
                job["db_id"],
                job["worker"],
                job["db_id"],
            )

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
        pause = self._backoff.seconds_left()
        return due if pause is None else [*due, pause]


def _waits_for_queue(outcome: StepOutcome) -> bool:
    """Whether a job waits for its queue to take jobs: all those of the worker wait, then."""
    is_uploaded = outcome.job["state"] == JobState.UPLOADED.value
    return isinstance(outcome.error, QueueBusyError | NotYetError) and is_uploaded


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
