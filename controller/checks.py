"""Whether the parts of a project can be used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from controller.errors import ConfigError, ControllerError, RemoteError
from controller.hosts import open_host
from controller.jobcontroller import JobController

if TYPE_CHECKING:
    from controller.config import Project


@dataclass(frozen=True)
class CheckResult:
    """What a check found.

    Attributes
    ----------
    what
        What was checked.
    problem
        What is wrong and how to mend it; None when nothing is.
    """

    what: str
    problem: str | None

    @property
    def ok(self) -> bool:
        """Whether it can be used."""
        return self.problem is None


def check_project(
    project: Project, parts: Sequence[str], worker: str | None = None
) -> list[CheckResult]:
    """Check parts of a project.

    Parameters
    ----------
    parts
        Of "queue", "jobstore" and "worker".
    worker
        Only this one; None checks all.

    Raises
    ------
    ConfigError
        The project does not have the worker.
    """
    if worker is not None and worker not in project.workers:
        raise ConfigError(
            f"there is no worker {worker!r}", hint=f"known: {', '.join(project.workers) or 'none'}"
        )
    results = []
    if "worker" in parts:
        names = [worker] if worker else list(project.workers)
        results += [
            _result(f"worker {name}", lambda name=name: _check_worker(project, name))  # type: ignore[misc]
            for name in names
        ]
    if "jobstore" in parts:
        results.append(_result("jobstore", lambda: _check_jobstore(project)))
    if "queue" in parts:
        results.append(_result("queue", lambda: _check_queue(project)))
    return results


def _result(what: str, check: Callable[[], None]) -> CheckResult:
    try:
        check()
    except (ControllerError, OSError) as error:
        return CheckResult(what, str(error))
    return CheckResult(what, None)


def _check_worker(project: Project, name: str) -> None:
    worker = project.workers[name]
    host = open_host(worker)
    probe = worker.work_dir / f".jfr-check-{uuid4().hex}"
    host.mkdir(worker.work_dir)
    host.write_bytes(probe, b"jfr")
    host.remove(probe)
    program = worker.command.split()[0]
    done = host.execute(f"command -v {program}")
    if done.returncode:
        raise RemoteError(
            f"the command {program!r} is not found on the worker",
            hint="set pre_run or execution_cmd of the worker",
        )


def _check_jobstore(project: Project) -> None:
    store = project.get_jobstore()
    store.connect()
    store.count()
    store.close()


def _check_queue(project: Project) -> None:
    with JobController.from_project(project) as controller:
        controller.queue.database.ping()
        if not controller.is_set_up():
            raise ConfigError("the queue has not been set up", hint="jf admin reset")
