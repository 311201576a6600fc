"""The runner: waits for events, and advances every job that can be advanced.

One round claims READY jobs, uploads, submits, polls the queues and completes, and is repeated at
once while anything changes. In between, the runner sleeps until a local process ends, the database
changes, or a time is reached; the delays of the project file are the longest time it sleeps.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from controller.config import ConfigManager, LogLevel, Project, RunnerOptions
from controller.documents import db_id_order
from controller.errors import ConfigError, StorageUnavailableError
from controller.execution.pool import WarmPool
from controller.jobcontroller import JobController
from controller.operations import runner_record
from controller.operations.batch_record import ACTIVE
from controller.operations.version import refuse_newer
from controller.runner import registration
from controller.runner.by_hand import StepsByHand
from controller.runner.context import RunnerContext
from controller.runner.control import Control
from controller.runner.database_outage import DatabaseOutage
from controller.runner.deadlines import deadline_after, earlier, is_past
from controller.runner.idle import RunnerIdle
from controller.runner.lanes import Lanes
from controller.runner.login import log_in_to
from controller.runner.logs import log_file_of, start_logging, stop_logging
from controller.runner.one_job import OneJob, find_job
from controller.runner.reloading import read_again
from controller.runner.roles import ALL_ROLES, RunnerRoles
from controller.runner.rounds import Rounds
from controller.runner.signals import SignalHandlers
from controller.runner.sleeper import Sleeper
from controller.runner.summary import RunSummary, summarise
from controller.runner.timers import Timers
from controller.runner.unknown_workers import UnknownWorkers
from controller.runner.upkeep import EventUpkeep
from controller.runner.watch import ProcessWatcher
from controller.states import RUNNING_STATES, JobState

logger = logging.getLogger(__name__)

UNKNOWN_WORKERS_EVERY = 60.0
"""Seconds between two checks for jobs whose worker does not exist, while others are running."""


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
        Called with the runner's record once it has registered.
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
    pools
        {name of a worker: its pool} of the pools that were started for this runner.

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
        pools: Mapping[str, WarmPool] | None = None,
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
        self.control = Control(self.controller.queue, self.project, self.stop, self._ask_for_reload)
        self.lanes = Lanes(self.context, self._is_stopping, self.watcher.wake)
        self.rounds = Rounds(self.context, self.watcher, self._is_stopping, self.lanes.wake)
        self.rounds.adopt_pools(pools or {})
        self._upkeep = EventUpkeep(self.controller.queue, self.project, self.watcher.wake)
        self._timers = Timers()
        self._unknown_workers = UnknownWorkers(self.context)
        self._outage = DatabaseOutage(self.controller.queue)
        self._sleeper = Sleeper(
            self.context,
            self.watcher,
            self.rounds,
            self._outage,
            is_over=lambda: self._is_stopping() or self._reload,
            do_what_is_due=self._do_what_is_due,
            tidy=self._upkeep.tidy,
            wake_lanes=self.lanes.wake,
        )

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
            The steps that this process does.
        ticks
            Seconds after which to end, since jobflow-remote's runner does one tick per second; at
            least this many rounds are done. None for no limit.
        max_time
            Seconds after which to end; None for no limit.
        """
        roles = RunnerRoles(transfer, complete, queue, checkout)
        idle = RunnerIdle(self.context, roles)
        deadline = deadline_after(max_time)
        last_turn = deadline_after(ticks)
        rounds = 0

        def is_over() -> bool:
            turns_done = ticks is not None and rounds >= ticks and is_past(last_turn)
            return self._stop or is_past(deadline) or turns_done

        with self._serving(roles):
            while not is_over():
                self.rounds.begin(roles)
                with self.lanes.at_work(roles):
                    while not is_over() and not self._reload:
                        rounds += 1
                        self.context.touched.clear()  # a service has no summary at its end
                        if not self._outage.attempt(lambda: self._round(roles)):
                            self._sleeper.sleep(earlier(deadline, last_turn), idle)
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
        deadline = deadline_after(max_time)
        timed_out = False
        with self._serving(roles):
            with self.lanes.at_work(roles):
                while not self._stop:
                    moved = self._outage.attempt(lambda: self._round(roles))
                    if (
                        not moved
                        and not self._outage.is_present
                        and self._outage.attempt(lambda: self._is_idle(roles))
                        and not (wait_for_batches and self._outage.attempt(self._has_batches))
                    ):
                        with suppress(StorageUnavailableError):
                            self._unknown_workers.warn()
                        break
                    if is_past(deadline):
                        timed_out = True
                        break
                    if not moved:
                        self._sleeper.sleep(deadline)
            return summarise(self.controller.queue, self._touched(), timed_out=timed_out)

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
        job = find_job(self.controller, db_id, job_id)
        if job is None:
            return False
        deadline = deadline_after(max_seconds or None)
        one = OneJob(
            job, self.controller, self.rounds, self._outage, self._sleeper, lambda: self._stop
        )
        with one.alone(), self._serving():
            reached = one.advance_to(target_state, deadline)
        if not reached and raise_at_timeout:
            raise RuntimeError(f"job {job['db_id']} was not done after {max_seconds} s")
        return reached

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
        self.rounds.close()
        self.context.close()
        self.watcher.close()

    # ------------------------------------------------------------------ waiting

    def _round(self, roles: RunnerRoles = ALL_ROLES) -> bool:
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

    # ------------------------------------------------------------------ serving

    @contextmanager
    def _serving(self, roles: RunnerRoles = ALL_ROLES) -> Iterator[None]:
        """Set up logging, registration and signal handlers; undo all of it at the end."""
        handlers = start_logging(
            self.project,
            self.log_level.to_logging(),
            self.runner_id,
            to_stderr=self._background is None,
        )
        record = registration.describe(self.project, self.runner_id, self.daemon_id)
        signals = SignalHandlers(
            self.stop, self._ask_for_reload, in_foreground=self._background is None
        )
        signals.install()  # first: a process that sees the record may send one
        try:
            registration.enter(self.controller.queue, record)
            try:
                self._upkeep.note_gone()  # before their records are forgotten
                self._show_itself(record, roles, log_file_of(handlers))
                self._upkeep.begin()
                logger.info("runner started, project %s", self.project.name)
                yield
            finally:
                signals.closing = True  # a second signal does not interrupt what follows
                self.rounds.close()
                self.control.end()
                with suppress(StorageUnavailableError):
                    self._upkeep.end()
                    runner_record.deregister(self.controller.queue, record)
                logger.info("runner stopped")
        finally:
            signals.restore()
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

    def _touched(self) -> list[str]:
        return sorted(self.context.touched, key=db_id_order)
