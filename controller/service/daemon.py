"""`DaemonManager`, with which scripts for jobflow-remote start and stop runners.

There is no supervisor: a runner that is stopped leaves no process. So `DaemonManager.stop` and
`shut_down` are the same, and a status of STOPPED, with a supervisor but no runner, does not occur.
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
from controller.service.asking import ANSWER_WITHIN, Choice, Outcome, end_runners
from controller.service.lockfile import holders
from controller.service.logfiles import LogChoice, follow_log
from controller.service.processes import MAIN, StartOptions, plan_processes
from controller.service.starting import start_runners

if TYPE_CHECKING:
    from controller.config import Project

logger = logging.getLogger(__name__)


class DaemonError(ControllerError):
    """A runner in the background could not be started or stopped."""


class DaemonStatus(Enum):
    """States of the runners of a project on this machine.

    STOPPED and SHUTTING_DOWN are kept for scripts that compare with them, and do not occur.
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
        Folders of the project; those of ``project`` count.
    project
        Which is served.
    job_controller
        Of the project; None opens one.
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
        """Return one for a project."""
        return cls(project.daemon_dir, project.log_dir, project)

    @classmethod
    def from_project_name(cls, project_name: str | None = None) -> DaemonManager:
        """Return one for the project of a name; None takes the default project."""
        return cls.from_project(ConfigManager().get_project(project_name))

    @property
    def job_controller(self) -> JobController:
        """The controller of the project, opened when it is first needed."""
        if self._job_controller is None:
            self._job_controller = JobController.from_project(self.project)
        return self._job_controller

    def check_status(self, raise_on_shutdown: bool = True) -> DaemonStatus:
        """Return whether runners serve the project on this machine.

        Parameters
        ----------
        raise_on_shutdown
            Without meaning here: a runner that ends is STOPPING.
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
        """Return {name: what is known} of the processes on this machine; None without any.

        Keys are ``pid``, ``statename`` (RUNNING, STOPPING or FATAL), ``state`` (the number that
        supervisor has for it), ``name``, ``group``, and what the record of the runner holds.
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
        """Start a runner in the background; returns when it has registered.

        Parameters
        ----------
        num_procs_transfer, num_procs_complete
            Processes that move files, and that complete jobs; not with ``single``.
        single
            One process only.
        log_level
            error, warn, info or debug.
        raise_on_error
            Raise instead of logging why it did not start.
        connect_interactive
            First log in to the workers that need a user for it; ``ssh`` asks on the terminal. The
            jobs of one that could not be logged in to wait. Only with ``single``.

        Returns
        -------
        bool
            Whether it has started.

        Raises
        ------
        DaemonError
            With ``raise_on_error``: it did not start; or ``connect_interactive`` without
            ``single``.
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
        """Start a runner with default options; returns why it did not start, None if it did."""
        try:
            start_runners(self.project, StartOptions())
        except ControllerError as error:
            return str(error)
        return None

    def wait_start(self, timeout: int = 30) -> None:
        """Return at once: `start` has waited.

        Raises
        ------
        DaemonError
            No runner of this machine runs.
        """
        del timeout
        if self.check_status() is not DaemonStatus.RUNNING:
            raise DaemonError("no runner is running on this machine", hint="start() starts one")

    def stop(self, wait: bool = False, raise_on_error: bool = False) -> bool:
        """Stop the runners of this machine after their present step.

        Parameters
        ----------
        wait
            Return when they have ended, not when they have been told.
        raise_on_error
            Raise instead of logging why they did not.

        Returns
        -------
        bool
            Whether they have ended, or have been told to; also where none runs.

        Raises
        ------
        DaemonError
            With ``raise_on_error``: it could not be done.
        """
        return self._done(lambda: self._end(wait=wait), raise_on_error)

    def shut_down(self, raise_on_error: bool = False, wait: bool = False) -> bool:
        """Do what `stop` does."""
        return self.stop(wait=wait, raise_on_error=raise_on_error)

    def kill(self, raise_on_error: bool = False, wait: bool = False) -> bool:
        """End the runners of this machine at once; the next one recovers what they had begun."""
        del wait  # a process that is killed ends at once
        return self._done(lambda: self._end(wait=True, at_once=True), raise_on_error)

    def restart(self, raise_on_error: bool = False) -> bool:
        """Stop the runners of this machine and start them with the options that they had.

        Returns
        -------
        bool
            Whether they run again; False where none ran.
        """
        facts = holders(self.project).get(MAIN)
        if facts is None:
            logger.warning("no runner runs on this machine: nothing to restart")
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
        """Pass on what the runners write to their logs, until none of this machine runs.

        Parameters
        ----------
        processes_names
            Without meaning here: the logs of all are followed.
        print_function
            Called with each message; None logs it.

        Raises
        ------
        ValueError
            A name is none of a process of this machine.
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
        """Do what `foreground_processes` does, for one process."""
        self.foreground_processes([name], print_function)

    def check_matching_runner(self, raise_on_error: bool = False) -> str | None:
        """Return None: runners on several machines may serve one project."""
        del raise_on_error
        return None

    def clean_files(self) -> None:
        """Delete the files of locks that are not held, and what ended processes have printed."""
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
            logger.error("%s", error)  # noqa: TRY400 (what happened is no defect)
            return False


_SUPERVISOR = {
    ProcessState.ALIVE: ("RUNNING", 20),
    ProcessState.SILENT: ("RUNNING", 20),
    ProcessState.STOPPING: ("STOPPING", 40),
}
"""Names and numbers of supervisor for the states of a process."""
