"""`DaemonManager`, which scripts written for jobflow-remote use to start and stop runners.

There is no supervisor: a stopped runner leaves no process behind. So `DaemonManager.stop` and
`shut_down` do the same, and the status STOPPED (a supervisor without a runner) does not occur.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.config import ConfigManager
from controller.errors import ControllerError
from controller.jobcontroller import JobController
from controller.operations.runner_processes import RunnerProcess, runner_processes
from controller.rules.runner_requests import ProcessState
from controller.service.lockfile import holders
from controller.service.logfiles import LogChoice, follow_log
from controller.service.processes import MAIN, StartOptions, plan_processes
from controller.service.requests import ANSWER_WITHIN, Choice, Outcome, end_runners
from controller.service.starting import start_runners

if TYPE_CHECKING:
    from controller.config import Project

logger = logging.getLogger(__name__)


class DaemonError(ControllerError):
    """A runner in the background could not be started or stopped."""


class DaemonStatus(Enum):
    """States of the runners of a project on this machine.

    STOPPED and SHUTTING_DOWN exist for scripts that compare with them, but do not occur.
    """

    SHUT_DOWN = "SHUT_DOWN"
    SHUTTING_DOWN = "SHUTTING_DOWN"
    STOPPED = "STOPPED"
    STOPPING = "STOPPING"
    PARTIALLY_RUNNING = "PARTIALLY_RUNNING"
    STARTING = "STARTING"
    RUNNING = "RUNNING"


class DaemonManager:
    """Starts and stops the runners of a project on this machine.

    Parameters
    ----------
    daemon_dir, log_dir
        Ignored in favour of the folders of ``project``.
    project
        The project to serve.
    job_controller
        Controller of the project; None opens one.
    """

    def __init__(
        self,
        daemon_dir: str | Path,
        log_dir: str | Path,
        project: Project,
        job_controller: JobController | None = None,
    ) -> None:
        self.project = project
        self.daemon_dir = Path(daemon_dir).absolute()
        self.log_dir = Path(log_dir).absolute()
        self._job_controller = job_controller

    @classmethod
    def from_project(cls, project: Project) -> DaemonManager:
        """Return the manager of a project."""
        return cls(project.daemon_dir, project.log_dir, project)

    @classmethod
    def from_project_name(cls, project_name: str | None = None) -> DaemonManager:
        """Return the manager of a project given by name; None means the default project."""
        return cls.from_project(ConfigManager().get_project(project_name))

    @property
    def job_controller(self) -> JobController:
        """The controller of the project, opened on first use."""
        if self._job_controller is None:
            self._job_controller = JobController.from_project(self.project)
        return self._job_controller

    def check_status(self, raise_on_shutdown: bool = True) -> DaemonStatus:
        """Return whether runners serve the project on this machine.

        Parameters
        ----------
        raise_on_shutdown
            Has no effect: a runner that is ending is STOPPING.
        """
        del raise_on_shutdown
        held = holders(self.project)
        if not held:
            return DaemonStatus.SHUT_DOWN
        runners = self._runners()
        if any(runner.state is ProcessState.STOPPING for runner in runners):
            return DaemonStatus.STOPPING
        if not all(facts.get("runner_id") for facts in held.values()):
            return DaemonStatus.STARTING
        options = StartOptions.stored((held.get(MAIN) or {}).get("options") or {})
        planned = {plan.name for plan in plan_processes(options)}
        return DaemonStatus.RUNNING if planned <= set(held) else DaemonStatus.PARTIALLY_RUNNING

    def get_processes_info(self) -> dict[str, dict[str, Any]] | None:
        """Return {name: details} of the processes on this machine; None if there are none.

        Keys are ``pid``, ``statename`` (RUNNING, STOPPING or FATAL), ``state`` (the number that
        supervisor uses for it), ``name``, ``group``, and the fields of the runner's record.
        """
        found = {}
        for runner in self._runners():
            name, number = _SUPERVISOR.get(runner.state, ("FATAL", 200))
            found[str(runner.record["name"])] = {
                **runner.record,
                "group": "runner",
                "statename": name,
                "state": number,
            }
        return found or None

    def start(
        self,
        num_procs_transfer: int = 1,
        num_procs_complete: int = 1,
        single: bool = True,
        log_level: str = "info",
        raise_on_error: bool = False,
        connect_interactive: bool = False,
    ) -> bool:
        """Start a runner in the background, and return when it has registered.

        Parameters
        ----------
        num_procs_transfer, num_procs_complete
            Number of processes that transfer files, and that complete jobs; not with ``single``.
        single
            Start one process only.
        log_level
            error, warn, info or debug.
        raise_on_error
            Raise an error instead of logging why it did not start.
        connect_interactive
            First log in to the workers that require an interactive login; ``ssh`` prompts on the
            terminal. If a login fails, the jobs of that worker wait. Only with ``single``.

        Returns
        -------
        bool
            Whether it has started.

        Raises
        ------
        DaemonError
            With ``raise_on_error``: the runner did not start; or ``connect_interactive`` was given
            without ``single``.
        """
        if connect_interactive and not single:
            raise DaemonError("connect_interactive means one process", hint="leave single as it is")
        if connect_interactive:
            from controller.runner import log_in_to

            for name, error in log_in_to(self.project).items():
                logger.warning("worker %s: %s", name, error)
        numbers = (1, 1) if single else (num_procs_transfer, num_procs_complete)
        options = StartOptions(*numbers, log_level, connect_interactive)
        return self._done(lambda: bool(start_runners(self.project, options)), raise_on_error)

    def start_processes(self) -> str | None:
        """Start a runner with default options; return why it did not start, None if it did."""
        try:
            start_runners(self.project, StartOptions())
        except ControllerError as error:
            return str(error)
        return None

    def wait_start(self, timeout: int = 30) -> None:
        """Return at once, since `start` has already waited.

        Raises
        ------
        DaemonError
            No runner is running on this machine.
        """
        del timeout
        if self.check_status() is not DaemonStatus.RUNNING:
            raise DaemonError(
                "no runner is running on this machine", hint="call start() to start one"
            )

    def stop(self, wait: bool = False, raise_on_error: bool = False) -> bool:
        """Stop the runners of this machine after their current step.

        Parameters
        ----------
        wait
            Return when they have ended, not as soon as they have been told.
        raise_on_error
            Raise an error instead of logging why they did not stop.

        Returns
        -------
        bool
            Whether they have ended or, without ``wait``, were told to; True if none is running.

        Raises
        ------
        DaemonError
            With ``raise_on_error``: they could not be stopped.
        """
        return self._done(lambda: self._end(wait=wait), raise_on_error)

    def shut_down(self, raise_on_error: bool = False, wait: bool = False) -> bool:
        """Do the same as `stop`."""
        return self.stop(wait=wait, raise_on_error=raise_on_error)

    def kill(self, raise_on_error: bool = False, wait: bool = False) -> bool:
        """End the runners of this machine at once; the next runner recovers unfinished steps."""
        del wait  # a process that is killed ends at once
        return self._done(lambda: self._end(wait=True, at_once=True), raise_on_error)

    def restart(self, raise_on_error: bool = False) -> bool:
        """Stop the runners of this machine, and start them again with the same options.

        Returns
        -------
        bool
            Whether they are running again; False if none was running.
        """
        facts = holders(self.project).get(MAIN)
        if facts is None:
            logger.warning("no runner is running on this machine: there is nothing to restart")
            return False
        options = StartOptions.stored(facts.get("options") or {})
        return self.stop(wait=True, raise_on_error=raise_on_error) and self._done(
            lambda: bool(start_runners(self.project, options)), raise_on_error
        )

    def foreground_processes(
        self,
        processes_names: list[str] | None = None,
        print_function: Callable[[str], Any] | None = None,
    ) -> None:
        """Follow the logs of the runners until none is running on this machine.

        Parameters
        ----------
        processes_names
            Only checked: the logs of all processes are followed.
        print_function
            Called with each message; None logs it.

        Raises
        ------
        ValueError
            No process of this machine has one of these names.
        """
        unknown = set(processes_names or ()) - set(holders(self.project))
        if unknown:
            raise ValueError(f"no process of this machine has the name {', '.join(unknown)}")
        tell = print_function or logger.info
        for entry in follow_log(self.log_dir, LogChoice(), lambda: not holders(self.project)):
            tell(entry.text)

    def foreground_process(
        self, name: str, print_function: Callable[[str], Any] | None = None
    ) -> None:
        """Do the same as `foreground_processes`, for one process."""
        self.foreground_processes([name], print_function)

    def check_matching_runner(self, raise_on_error: bool = False) -> str | None:
        """Return None, since runners on several machines may serve one project."""
        del raise_on_error
        return None

    def clean_files(self) -> None:
        """Delete lock files that are not held, and the printed output of ended processes."""
        held = holders(self.project)
        for path in self.daemon_dir.glob("runner-*.out"):
            if not any(path.stem.endswith(f"-{name}") for name in held):
                with suppress(OSError):
                    path.unlink()

    def _runners(self) -> list[RunnerProcess]:
        choice = Choice(here=True)
        return [r for r in runner_processes(self.job_controller.queue) if choice.takes(r)]

    def _end(self, *, wait: bool, at_once: bool = False) -> bool:
        queue, choice = self.job_controller.queue, Choice(here=True)
        limit = ANSWER_WITHIN if at_once else None
        asked = end_runners(queue, choice, at_once=at_once, wait=wait, max_wait=limit)
        left = [one for one in asked if one.outcome not in (Outcome.DONE, Outcome.ASKED)]
        if left:
            raise DaemonError("; ".join(f"{one.named}: {one.message}" for one in left))
        return True

    def _done(self, action: Callable[[], bool], raise_on_error: bool) -> bool:
        try:
            return action()
        except ControllerError as error:
            if raise_on_error:
                raise DaemonError(error.message, hint=error.hint) from error
            logger.error("%s", error)  # noqa: TRY400 (expected: no traceback)
            return False


_SUPERVISOR = {
    ProcessState.ALIVE: ("RUNNING", 20),
    ProcessState.SILENT: ("RUNNING", 20),
    ProcessState.STOPPING: ("STOPPING", 40),
}
"""Supervisor's names and numbers for the states of a process."""
