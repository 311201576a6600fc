"""Check the parts of a project and the environment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from controller.checks.environment import check_environment
from controller.checks.results import CheckResult, result_of
from controller.checks.workers import check_worker
from controller.config.store_limits import jobstore_limits
from controller.errors import ConfigError
from controller.jobcontroller import JobController
from controller.operations.version import refuse_newer
from controller.storage.outputs import check_jobstore

if TYPE_CHECKING:
    from controller.config import Project

__all__ = ["PARTS", "CheckResult", "Progress", "check_environment", "check_project"]

PARTS = ("environment", "worker", "jobstore", "queue")
"""The parts that can be checked, in this order."""

Progress = Callable[[str, int, int], None]
"""Called with (what is checked next, checks done, checks in total)."""

_Check = Callable[[], Sequence[CheckResult]]


def check_project(
    project: Project,
    parts: Sequence[str] = PARTS,
    worker: str | None = None,
    *,
    full: bool = False,
    progress: Progress | None = None,
) -> list[CheckResult]:
    """Check parts of a project.

    Parameters
    ----------
    parts
        Members of `PARTS` to check; see `check_environment` for the environment.
    worker
        Check only this worker; None checks all.
    full
        Compare the versions of all packages of the workers with those here; otherwise only of
        those that matter to every job, on workers on other machines.
    progress
        Called before each check and after the last.

    Raises
    ------
    ConfigError
        The project does not have the worker.
    """
    if worker is not None:
        project.get_worker(worker)
    checks = _checks(project, parts, worker, full=full)
    results: list[CheckResult] = []
    for number, (what, check) in enumerate(checks):
        if progress is not None:
            progress(what, number, len(checks))
        results += check()
    if progress is not None and checks:
        progress(checks[-1][0], len(checks), len(checks))
    return results


def _checks(
    project: Project, parts: Sequence[str], worker: str | None, *, full: bool
) -> list[tuple[str, _Check]]:
    """Return the parts to check, each with its check."""
    found: list[tuple[str, _Check]] = []
    if "environment" in parts:
        found.append(("environment", check_environment))
    if "worker" in parts:
        for name in [worker] if worker else list(project.workers):
            check: _Check = partial(check_worker, name, project.workers[name], full=full)
            found.append((f"worker {name}", check))
    if "jobstore" in parts:
        for other in (None, *(project.optional_jobstores or {})):
            what = "jobstore" if other is None else f"jobstore {other}"
            found.append((what, partial(_jobstore_results, project, other, what)))
    if "queue" in parts:
        found.append(("queue", partial(_queue_results, project)))
    return found


def _jobstore_results(project: Project, name: str | None, what: str) -> list[CheckResult]:
    spec = project.jobstore_spec(name)
    limits = [
        CheckResult(what, f"{'.'.join(limit.place)}: {limit.message}", limit.hint)
        for limit in jobstore_limits(spec)
    ]
    return limits or [result_of(what, partial(check_jobstore, spec))]


def _queue_results(project: Project) -> list[CheckResult]:
    return [result_of("queue", partial(_check_queue, project))]


def _check_queue(project: Project) -> str:
    with JobController.from_project(project) as controller:
        controller.queue.database.ping()
        if not controller.is_set_up():
            raise ConfigError("the queue has not been set up", hint="jf admin reset")
        refuse_newer(controller.queue.auxiliary, "every command that changes it")
        return controller.queue.database.location
