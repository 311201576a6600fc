"""The runner: waits for events, and advances every job that can be advanced.

One round claims READY jobs, uploads, submits, polls the queues and completes, and is repeated at
once while anything changes. In between, the runner sleeps until a local process ends, the database
changes, or a time is reached; the delays of the project file are the longest time it sleeps.
"""

from __future__ import annotations

import logging
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from types import FrameType
from typing import Any
from uuid import uuid4

from controller.config import ConfigManager, LogLevel, Project, RunnerOptions
from controller.config.workers import SSHWorker
from controller.documents import db_id_order, utc_now
from controller.errors import (
    ConfigError,
    ControllerError,
    HostUnavailableError,
    LockLostError,
    StorageUnavailableError,
)
from controller.hosts.pool import log_in, needs_login
from controller.jobcontroller import JobController
from controller.operations import runner_record
from controller.operations.batch_record import ACTIVE
from controller.operations.steps import CLAIM_ORDER
from controller.operations.version import refuse_newer
from controller.runner import registration
from controller.runner.by_hand import StepsByHand
from controller.runner.context import RunnerContext
from controller.runner.control import Control
from controller.runner.idle import AnyChange, Idle, RunnerIdle
from controller.runner.lanes import Lanes
from controller.runner.logs import log_file_of, start_logging, stop_logging
from controller.runner.reloading import read_again
from controller.runner.roles import NO_ROLES, RunnerRoles
from controller.runner.rounds import Rounds
from controller.runner.timers import Timers
from controller.runner.unknown_workers import UnknownWorkers
from controller.runner.upkeep import EventUpkeep
from controller.runner.watch import ProcessWatcher
from controller.states import ERROR_STATES, RESETTABLE_STATES, RUNNING_STATES, JobState

logger = logging.getLogger(__name__)

LOOK_EVERY = 0.25
"""Seconds between two checks for a change if the database reports changes cheaply."""
BLIND_LOOK_EVERY = 0.5
"""The same if only a query can tell."""
UNKNOWN_WORKERS_EVERY = 60.0
"""Seconds between two checks for jobs whose worker does not exist, while others are running."""
MAX_BACKOFF = 30.0
ALL = RunnerRoles()
_ONE_BY_ONE = tuple(
    replace(NO_ROLES, **{role: True}) for role in ("checkout", "transfer", "queue", "complete")
)
"""What a runner does, step by step."""


@dataclass
class RunSummary:
    """The result of a run.

    Attributes
    ----------
    completed, failed
        db_ids of the jobs that this runner worked on and that are now COMPLETED, or FAILED or
        REMOTE_ERROR.
    timed_out
        Whether the time limit was reached before everything was done.
    """

    completed: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    timed_out: bool = False


@dataclass(frozen=True)
class Background:
    """How a background runner was started.

    Attributes
    ----------
    name
        Name of the process among those of `jf runner start`.
    options
        Options of that command, so that `jf runner restart` can use them again.
    on_ready
        Called with the runner's record when it has registered.
    """

    name: str
    options: dict[str, Any]
    on_ready: Callable[[dict[str, Any]], None]


class Runner(StepsByHand):
    """Runs the jobs of a project.

    Parameters
    ----------
    project_name
        None means the default project.
    log_level
        None means the project's level.
    runner_id
        Id in the log and in the database; None creates one.
    connect_interactive
        Log in to the workers that require an interactive login; ``ssh`` prompts on the terminal.
    daemon_id
        Id of the daemon that started this process.
    project
        The project itself, as an alternative to its name.
    background
        For a process without a terminal, which logs only to its file and reloads the project file
        on SIGHUP. None for a runner in the foreground.

    Attributes
    ----------
    metrics_at
        URL at which this process serves metrics, also shown in its record; None if it serves none.
    """

    def __init__(
        self,
        project_name: str | None = None,
        log_level: LogLevel | str | None = None,
        runner_id: str | None = None,
        connect_interactive: bool = False,
        daemon_id: str | None = None,
        *,
        project: Project | None = None,
        background: Background | None = None,
    ) -> None:
        self.project = project or ConfigManager().get_project(project_name)
        if connect_interactive:
            log_in_to(self.project)
        self.runner_id = str(runner_id or uuid4())
        self.daemon_id = daemon_id
        self.log_level = LogLevel(log_level or self.project.log_level)
        self.context = RunnerContext(JobController.from_project(self.project), self.project)
        self.controller = self.context.controller
        self.controller.queue.events.acting_as(runner=self.runner_id)
        self.watcher = ProcessWatcher()
        self._background, self._follows_level = background, log_level is None
        self.metrics_at: str | None = None
        self._stop = self._reload = False
        self._signals = 0
        self._closing = False
        self.control = Control(self.controller.queue, self.project, self.stop, self._ask_for_reload)
        self.lanes = Lanes(self.context, self._is_stopping, self.watcher.wake)
        self.rounds = Rounds(self.context, self.watcher, self._is_stopping, self.lanes.wake)
        self._upkeep = EventUpkeep(self.controller.queue, self.project, self.watcher.wake)
        self._token: object | None = None
        self._timers = Timers()
        self._unknown_workers = UnknownWorkers(self.context)
        self._backoff = 0.0

    @property
    def workers(self) -> dict[str, Any]:
        """The project's workers, {name: worker}."""
        return self.project.workers

    def get_worker(self, worker_name: str) -> Any:
        """Return a worker of the project (EntryNotFoundError if there is none with that name)."""
        return self.project.get_worker(worker_name)

    @property
    def runner_options(self) -> RunnerOptions:
        """The delays and limits of the project; changes take effect at once."""
        return self.project.runner

    @runner_options.setter
    def runner_options(self, options: RunnerOptions) -> None:
        self.project.runner = options

    # ------------------------------------------------------------------ running

    def run(
        self,
        transfer: bool = True,
        complete: bool = True,
        queue: bool = True,
        checkout: bool = True,
        ticks: int | None = None,
        *,
        max_time: float | None = None,
    ) -> None:
        """Run until a signal or `stop`.

        Parameters
        ----------
        transfer, complete, queue, checkout
            What this process does.
        ticks
            Seconds after which to end, since jobflow-remote's runner does one tick per second; at
            least this many rounds are done. None for no limit.
        max_time
            Seconds after which to end; None for no limit.
        """
        roles = RunnerRoles(transfer, complete, queue, checkout)
        idle = RunnerIdle(self.context, roles)
        deadline = _deadline(max_time)
        last_turn = _deadline(ticks)
        rounds = 0

        def is_over() -> bool:
            turns_done = ticks is not None and rounds >= ticks and _is_past(last_turn)
            return self._stop or _is_past(deadline) or turns_done

        with self._serving(roles):
            while not is_over():
                with self.lanes.at_work(roles):
                    while not is_over() and not self._reload:
                        rounds += 1
                        self.context.touched.clear()  # a service has no summary at its end
                        if not self._guarded(lambda: self._round(roles)):
                            self._sleep(_earlier(deadline, last_turn), idle)
                self._reload_if_asked()

    def run_until_idle(
        self,
        max_time: float | None = None,
        *,
        transfer: bool = True,
        complete: bool = True,
        queue: bool = True,
        checkout: bool = True,
        wait_for_batches: bool = False,
    ) -> RunSummary:
        """Run until this process has nothing left to do, including retries.

        Parameters
        ----------
        max_time
            Seconds after which to end in any case; None for no limit.
        transfer, complete, queue, checkout
            The tasks of this process. With all of them, it ends when no job of the project is
            READY or in progress; otherwise, when no job is in a state that its own steps handle.
        wait_for_batches
            Also wait for the batch processes to end.
        """
        roles = RunnerRoles(transfer, complete, queue, checkout)
        deadline = _deadline(max_time)
        timed_out = False
        with self._serving(roles):
            with self.lanes.at_work(roles):
                while not self._stop:
                    moved = self._guarded(lambda: self._round(roles))
                    if (
                        not moved
                        and not self._backoff
                        and self._guarded(lambda: self._is_idle(roles))
                        and not (wait_for_batches and self._guarded(self._has_batches))
                    ):
                        with suppress(StorageUnavailableError):
                            self._unknown_workers.warn()
                        break
                    if _is_past(deadline):
                        timed_out = True
                        break
                    if not moved:
                        self._sleep(deadline)
            return self._summary(timed_out)

    def run_all_jobs(
        self, max_seconds: float | None = None, wait_for_batches: bool = False
    ) -> None:
        """Run until all is done.

        Parameters
        ----------
        max_seconds
            None for no limit.
        wait_for_batches
            Wait for the end of the batch processes as well.

        Raises
        ------
        RuntimeError
            Time was up before, or jobs are left that this runner cannot run: those of a worker
            that the project does not have.
        """
        if self.run_until_idle(max_seconds, wait_for_batches=wait_for_batches).timed_out:
            raise RuntimeError(f"jobs were still under way after {max_seconds} s")
        states = [s.value for s in (JobState.READY, *RUNNING_STATES)]
        left = self.controller.queue.jobs.find_one(
            {"state": {"$in": states}}, ["db_id", "state", "worker"]
        )
        if left is not None and not self._stop:
            raise RuntimeError(
                f"job {left['db_id']} of worker {left['worker']} is left {left['state']}: "
                "the project does not have this worker"
            )

    def run_one_job(
        self,
        db_id: str | None = None,
        job_id: tuple[str, int] | None = None,
        max_seconds: float | None = None,
        raise_at_timeout: bool = True,
        target_state: JobState | None = None,
    ) -> bool:
        """Run until one job has ended or reached a state. No other job is advanced.

        Parameters
        ----------
        db_id, job_id
            The job, by its db_id or its (uuid, index); None means the next job to be claimed.
        target_state
            The state to reach; None means any state in which nothing more happens.

        Returns
        -------
        bool
            Whether it got there in time.

        Raises
        ------
        RuntimeError
            With ``raise_at_timeout``: it did not get there in time. Or it ended in another state.
        """
        query: dict[str, Any] = {"state": JobState.READY.value}
        if db_id is not None:
            query = {"db_id": db_id}
        elif job_id is not None:
            query = {"uuid": job_id[0], "index": job_id[1]}
        job = self.controller.queue.jobs.find_one(
            query, ["uuid", "index", "db_id"], sort=CLAIM_ORDER
        )
        if job is None:
            return False
        deadline = _deadline(max_seconds or None)
        self.rounds.only = {"uuid": job["uuid"], "index": job["index"]}
        try:
            with self._serving():
                reached = self._advance_to(job, target_state, deadline)
        finally:
            self.rounds.only = {}
        if not reached and raise_at_timeout:
            raise RuntimeError(f"job {job['db_id']} was not done after {max_seconds} s")
        return reached

    def _advance_to(
        self, job: dict[str, Any], target: JobState | None, deadline: float | None
    ) -> bool:
        """Advance a job until it is in a state or can go no further; False at the time limit."""
        while not self._stop:
            moved = False
            for roles in _ONE_BY_ONE:  # a full round might go beyond the state
                if self._is_at(job, target):
                    return True
                moved = self._guarded(partial(self.rounds.advance, roles)) or moved
            if _is_past(deadline):
                return self._is_at(job, target)
            if not moved:
                self._sleep(deadline)
        return False

    def _is_at(self, job: dict[str, Any], target: JobState | None) -> bool:
        """Whether a job is in a state; with None, whether it can go no further.

        Raises
        ------
        RuntimeError
            It can go no further, and is in another state.
        """
        found = self.controller.get_job_info(job_id=job["uuid"], job_index=job["index"])
        state = found.state if found else None
        ended = state is None or not _moves(state)
        if target is None or state is target:
            return ended if target is None else True
        if ended:
            now = state.value if state else "deleted"
            raise RuntimeError(f"job {job['db_id']} did not become {target.value}: it is now {now}")
        return False

    def update_status(self, dry_run: bool = False) -> list[str]:
        """Poll the queues once about the jobs in them; nothing is submitted.

        Parameters
        ----------
        dry_run
            Poll, but change nothing.

        Returns
        -------
        list of str
            db_ids of the jobs whose state changed, or would change.

        Raises
        ------
        RunningRunnerError
            A live runner serves the project, and polls the queues anyway.
        """
        if not dry_run:
            runner_record.refuse_beside_runner(self.controller.queue, "update-status")
            refuse_newer(self.controller.queue.auxiliary, "update-status")
        handlers = start_logging(self.project, self.log_level.to_logging(), self.runner_id)
        try:
            workers = self.context.usable_workers()
            if dry_run:
                return sorted(self.rounds.would_change(workers), key=db_id_order)
            self.rounds.poll(workers)
        finally:
            stop_logging(handlers)
        return self._touched()

    def stop(self) -> None:
        """Stop after the current step."""
        self._stop = True
        self.watcher.wake()

    def _is_stopping(self) -> bool:
        """Whether to end after the current step; called between steps, so it reads requests."""
        self.control.tick()
        return self._stop

    def _ask_for_reload(self) -> None:
        self._reload = True
        self.watcher.wake()

    def _reload_if_asked(self) -> None:
        """Reload the project file if that was requested; no lane is working meanwhile."""
        if not self._reload or self._stop:
            return
        self._reload = False
        refused = None
        try:
            project = read_again(self.project)
        except ConfigError as error:
            refused = str(error)
            logger.warning(
                "the project file was not reloaded, the previous one stays in use: %s", refused
            )
        else:
            self.project = project
            self.rounds.close()
            self.context.adopt(project)
            self.control.adopt(project)
            self._upkeep.adopt(project)
            if self._follows_level:
                self.log_level = LogLevel(project.log_level)
                logging.getLogger("controller").setLevel(self.log_level.to_logging())
            logger.info("the project file was reloaded")
        self.control.reloaded(refused)

    def is_idle(
        self,
        transfer: bool = True,
        complete: bool = True,
        queue: bool = True,
        checkout: bool = True,
    ) -> bool:
        """Whether no job that this version can run is in a state that these steps handle."""
        return self._is_idle(RunnerRoles(transfer, complete, queue, checkout))

    def _is_idle(self, roles: RunnerRoles) -> bool:
        query = {
            "state": {"$in": roles.ends},
            "worker": {"$in": self.context.usable_workers()},
        }
        return self.controller.queue.jobs.find_one(query, ["_id"]) is None

    def _has_batches(self) -> bool:
        query = {
            "batch_state": ACTIVE,
            "worker": {"$in": self.context.usable_workers()},
        }
        return self.controller.queue.batches.find_one(query, ["_id"]) is not None

    def advance(
        self,
        transfer: bool = True,
        complete: bool = True,
        queue: bool = True,
        checkout: bool = True,
    ) -> bool:
        """Do one round; return whether anything changed."""
        return self.rounds.advance(RunnerRoles(transfer, complete, queue, checkout))

    def cleanup(self) -> None:
        """Close everything."""
        self.context.close()
        self.watcher.close()

    # ------------------------------------------------------------------ waiting

    def _round(self, roles: RunnerRoles = ALL) -> bool:
        """Do one round and the periodic tasks that are due; return whether anything changed."""
        self.control.tick()
        if self.control.claims_paused:
            roles = replace(roles, checkout=False)
        self._do_what_is_due()
        return self.rounds.advance(roles)

    def _do_what_is_due(self) -> None:
        """Do the periodic tasks of a runner, whether it is busy or idle."""
        if self._timers.due("ping", runner_record.PING_EVERY):
            self._ping()
        if self._timers.due("unknown workers", UNKNOWN_WORKERS_EVERY):
            self._unknown_workers.warn()
        self._upkeep.look()

    def _guarded(self, action: Callable[[], bool]) -> bool:
        """Do something; if the database is unreachable, wait for it without failing any job."""
        try:
            done = action()
        except LockLostError as error:
            logger.warning("%s", error)
            return True
        except StorageUnavailableError as error:
            if not self._backoff:
                logger.warning("%s; waiting until it is back", error)
                self.controller.queue.events.tally.error("database")
            self._backoff = min(max(self._backoff * 2, 1.0), MAX_BACKOFF)
            return False
        if self._backoff:
            logger.warning("the database is reachable again")
            self._backoff = 0.0
        return done

    def _sleep(self, deadline: float | None = None, idle: Idle | None = None) -> None:
        """Wait until something may have happened, or until a time of the monotonic clock.

        Parameters
        ----------
        idle
            Says what of that needs a round; None takes any change for one.
        """
        longest = float("inf") if deadline is None else max(0.0, deadline - time.monotonic())
        if self._backoff:
            self.watcher.wait(min(self._backoff * random.uniform(0.8, 1.2), longest))
            return
        idle = idle or AnyChange()
        with suppress(StorageUnavailableError):  # the next round will notice, and wait for it
            self._sleep_until_a_change(min(self._longest_sleep(idle.longest()), longest), idle)

    def _sleep_until_a_change(self, seconds: float, idle: Idle) -> None:
        end = time.monotonic() + seconds
        while not (self._is_stopping() or self._reload) and (left := end - time.monotonic()) > 0:
            self._do_what_is_due()
            token = self.controller.queue.database.change_token()
            known, self._token = self._token, token
            if token != known and idle.needs_round(changed=True):
                return
            look = LOOK_EVERY if token is not None else BLIND_LOOK_EVERY
            if self.watcher.wait(min(look, left)):
                if not self.watcher.only_heard or self.rounds.has_news():
                    return
                # Jobs have started, which is recorded if they run for a while.
                soon = [seconds for seconds in self.rounds.seconds_until_due() if seconds > 0]
                end = min([end, *(time.monotonic() + seconds for seconds in soon)])
            elif token is None and idle.needs_round(changed=None):
                self.lanes.wake()  # they check less often
                return

    def _longest_sleep(self, longest: float) -> float:
        """Seconds until the next known time, at most the delays of the project."""
        options = self.project.runner
        longest = min(options.delay_checkout, options.delay_advance_status, longest)
        due = self.rounds.seconds_until_due()
        retry = self._next_retry()
        if retry is not None:
            due.append((retry - utc_now()).total_seconds())
        return float(max(0.02, min([longest, *(d for d in due if d > 0)])))

    def _next_retry(self) -> datetime | None:
        query = {
            "state": {"$in": [s.value for s in RESETTABLE_STATES]},
            "remote.retry_time_limit": {"$gt": utc_now()},
        }
        found = self.controller.queue.jobs.find(query, ["remote.retry_time_limit"])
        times = [d["remote"]["retry_time_limit"] for d in found]
        # READY jobs are not searched for waiting ones: there may be a million of them.
        planned = self.context.next_retry()
        return min(times if planned is None else [*times, planned], default=None)

    # ------------------------------------------------------------------ serving

    @contextmanager
    def _serving(self, roles: RunnerRoles = ALL) -> Iterator[None]:
        """Set up logging, registration and signal handlers; undo all of it at the end."""
        handlers = start_logging(
            self.project,
            self.log_level.to_logging(),
            self.runner_id,
            to_stderr=self._background is None,
        )
        record = registration.describe(self.project, self.runner_id, self.daemon_id)
        self._signals, self._closing = 0, False
        previous = self._heed_signals()  # first: a process that sees the record may send one
        try:
            registration.enter(self.controller.queue, record)
            try:
                self._upkeep.note_gone()  # before their records are forgotten
                self._show_itself(record, roles, log_file_of(handlers))
                self._upkeep.begin()
                logger.info("runner started, project %s", self.project.name)
                yield
            finally:
                self._closing = True  # a second signal does not interrupt what follows
                self.rounds.close()
                self.control.end()
                with suppress(StorageUnavailableError):
                    self._upkeep.end()
                    runner_record.deregister(self.controller.queue, record)
                logger.info("runner stopped")
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
            stop_logging(handlers)

    def _show_itself(self, record: dict[str, Any], roles: RunnerRoles, log: str | None) -> None:
        """Store this process's record, and notify the process that started it."""
        background = self._background
        more = {
            "name": background.name if background else None,
            "options": background.options if background else {},
            "roles": roles.named,
            "log_file": log,
            "metrics": self.metrics_at,
        }
        self.control.begin({**record, **more})
        if background is not None:
            background.on_ready({**record, **more})

    def _ping(self) -> None:
        entry = registration.describe(self.project, self.runner_id, self.daemon_id)
        runner_record.keep_registered(self.controller.queue, entry)

    def _heed_signals(self) -> dict[int, Any]:
        def end(number: int, frame: FrameType | None) -> None:
            self._signals += 1
            if self._signals > (2 if self._closing else 1):
                raise KeyboardInterrupt
            self.stop()

        def read_again(number: int, frame: FrameType | None) -> None:
            self._ask_for_reload()

        heeded: dict[int, Any] = {signal.SIGTERM: end, signal.SIGINT: end}
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # `nohup`
            # Who runs in a terminal hears of its end by SIGHUP; a service is asked to reload.
            heeded[signal.SIGHUP] = (
                end if self._background is None and _has_terminal() else read_again
            )
        try:
            return {n: signal.signal(n, handler) for n, handler in heeded.items()}
        except ValueError:  # not the main thread: the caller stops us
            return {}

    def _touched(self) -> list[str]:
        return sorted(self.context.touched, key=db_id_order)

    def _summary(self, timed_out: bool) -> RunSummary:
        touched = self._touched()
        summary = RunSummary(timed_out=timed_out)
        errors = {state.value for state in ERROR_STATES}
        states = {
            doc["db_id"]: doc["state"]
            for doc in self.controller.queue.jobs.find(
                {"db_id": {"$in": touched}}, ["db_id", "state"]
            )
        }
        for db_id in touched:
            if states.get(db_id) in errors:
                summary.failed.append(db_id)
            elif states.get(db_id) == JobState.COMPLETED.value:
                summary.completed.append(db_id)
        return summary


def log_in_to(
    project: Project, asks: Callable[[str], bool] = lambda name: True
) -> dict[str, ControllerError]:
    """Log in to the workers that require an interactive login, unless a user has logged in.

    Parameters
    ----------
    asks
        Called with the name of a worker; returns whether to log in to it.

    Returns
    -------
    dict
        {name of a worker: why the login failed}. Its jobs wait for ``jf worker login``; those of
        other workers run.
    """
    failed: dict[str, ControllerError] = {}
    for name, worker in project.workers.items():
        if isinstance(worker, SSHWorker) and needs_login(worker, name) and asks(name):
            try:
                log_in(worker, name)
            except HostUnavailableError as error:
                failed[name] = error
    return failed


def _has_terminal() -> bool:
    try:
        return os.isatty(0) or os.isatty(2)
    except OSError:
        return False


def _deadline(max_time: float | None) -> float | None:
    """Time of the monotonic clock after a number of seconds; None for no limit."""
    return None if max_time is None else time.monotonic() + max_time


def _earlier(first: float | None, second: float | None) -> float | None:
    return min((d for d in (first, second) if d is not None), default=None)


def _is_past(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() >= deadline


def _moves(state: JobState) -> bool:
    """Whether a job in this state continues by itself even if no other job does."""
    return state in (JobState.READY, *RUNNING_STATES)
