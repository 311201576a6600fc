"""Check a worker: whether it can be reached, and jobs can be prepared, submitted and polled."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import cache
from typing import TYPE_CHECKING, TypeVar
from uuid import uuid4

from controller.checks.results import CheckResult, result_of
from controller.errors import ConfigError, ControllerError, HostUnavailableError, RemoteError
from controller.hosts import open_host
from controller.operations.version import installed_packages
from controller.operations.worker_facts import (
    as_jobs_run,
    find_out,
    packages_here,
    python_here,
)
from controller.rules.worker_facts import problems_of, summary
from controller.schedulers import Queue, ScriptSpec, render_script
from controller.schedulers.resources import stored_resources

if TYPE_CHECKING:
    from controller.config.workers import WorkerBase
    from controller.hosts import Host

_Answer = TypeVar("_Answer")


def check_worker(name: str, worker: WorkerBase, *, full: bool = False) -> list[CheckResult]:
    """Check a worker.

    Parameters
    ----------
    full
        Compare the versions of all packages with those here; otherwise only of those that matter
        to every job, on other machines.

    Returns
    -------
    list
        All problems; one result without a problem if there are none.
    """
    what = f"worker {name}"
    with ExitStack() as stack:
        # One connection for all checks: only one login.
        opened = cache(lambda: stack.enter_context(closing(open_host(worker))))
        return _check_worker(what, worker, opened, full=full)


def _check_worker(
    what: str, worker: WorkerBase, opened: Callable[[], Host], *, full: bool
) -> list[CheckResult]:
    scheduler = result_of(what, lambda: _check_scheduler(worker))
    usable = result_of(what, lambda: _check_host(opened(), worker))
    found = [scheduler, usable]
    if scheduler.ok:
        found.append(result_of(what, lambda: _check_resources(worker)))
    if scheduler.ok and usable.ok:
        found.append(result_of(what, lambda: _check_queue(opened(), worker)))
    problems = [result for result in found if result.problem is not None]
    said = problems or [usable]
    if not usable.ok or (worker.is_local and not full):
        return said
    said += _found_on_worker(what, worker, opened)
    if not full:
        return said
    known = [result.problem for result in said]
    return said + [r for r in _package_results(what, worker, opened) if r.problem not in known]


def _check_scheduler(worker: WorkerBase) -> None:
    worker.get_scheduler_io()


def _check_resources(worker: WorkerBase) -> None:
    """Write a submission script like that of a job without resources of its own."""
    spec = ScriptSpec(
        run_dir=str(worker.work_dir),
        command="true",
        name="check",
        resources=stored_resources(worker.resources or {}),
        worker_pre_run=worker.pre_run,
        worker_post_run=worker.post_run,
    )
    try:
        render_script(worker.get_scheduler_io(), spec)
    except ConfigError as error:
        text = error.message.removeprefix("invalid resources of job 'check': ")
        hint = "correct `resources` of the worker"
        if worker.scheduler_name == "shell":
            hint = (
                "processes in a shell cannot request resources: remove `resources` from the worker"
            )
        raise ConfigError(f"its resources cannot be used: {text}", hint=hint) from error


_READY = "jfr-check-ready"
"""Printed after the worker's pre_run."""


def _check_host(host: Host, worker: WorkerBase) -> str:
    """Write into its folder, and look for the program that runs jobs."""
    _check_folders(host, worker)
    program = shlex.split(worker.command)[0]
    done = host.execute(as_jobs_run(worker, f"echo {_READY}\ncommand -v {shlex.quote(program)}"))
    lines = done.stdout.strip().splitlines()
    if worker.pre_run and _READY not in lines:
        said = done.stderr.strip().splitlines()
        raise RemoteError(
            f"its pre_run ended with status {done.returncode}" + (f": {said[-1]}" if said else ""),
            hint="correct `pre_run` of the worker: until then, no job starts",
        )
    if done.returncode:
        raise RemoteError(
            f"the command {program!r} is not found on the worker",
            hint="set pre_run or execution_cmd of the worker",
        )
    return lines[-1]


def _check_folders(host: Host, worker: WorkerBase) -> None:
    """Create its folders, and write into that of the jobs."""
    probe = worker.work_dir / f".jfr-check-{uuid4().hex}"
    try:
        host.mkdir(worker.work_dir)
        if worker.batch is not None:
            host.mkdir(worker.batch.jobs_handle_dir, worker.batch.work_dir)
        host.write_bytes(probe, b"jfr")
        host.remove(probe)
    except HostUnavailableError:
        raise
    except (RemoteError, OSError) as error:
        said = error.message if isinstance(error, RemoteError) else f"{error.strerror}"
        raise RemoteError(
            f"its work_dir {worker.work_dir} cannot be used: {said.removeprefix('mkdir: ')}",
            hint="set work_dir to a folder that can be created and written to on the worker",
        ) from error


def _check_queue(host: Host, worker: WorkerBase) -> None:
    queue = Queue(worker.scheduler_type, host, worker.scheduler_username)
    try:
        queue.check()
    except RemoteError as error:
        raise RemoteError(
            error.message, hint=error.hint or "its commands have to work in a login shell there"
        ) from error


def _found_on_worker(
    what: str, worker: WorkerBase, opened: Callable[[], Host]
) -> list[CheckResult]:
    """Describe a worker's environment, and the problems that would break jobs."""
    what = f"{what}: environment"
    facts = _asked(what, worker, opened, find_out)
    if isinstance(facts, CheckResult):
        return [facts]
    problems = problems_of(
        facts, packages_here(), python_here(), own_command=bool(worker.execution_cmd)
    )
    return [
        CheckResult(what, note=summary(facts, worker.scheduler_name)),
        *(CheckResult(what, p.text, p.hint, warning=not p.is_fatal) for p in problems),
    ]


def _package_results(
    what: str, worker: WorkerBase, opened: Callable[[], Host]
) -> list[CheckResult]:
    what = f"{what}: packages"
    differences = _asked(what, worker, opened, _different_packages)
    if isinstance(differences, CheckResult):
        return [differences]
    return [CheckResult(what, text, _PACKAGE_HINT, warning=True) for text in differences]


def _asked(
    what: str,
    worker: WorkerBase,
    opened: Callable[[], Host],
    ask: Callable[[Host, WorkerBase], _Answer],
) -> _Answer | CheckResult:
    """Return the answer of a worker, or a warning if there is none."""
    try:
        return ask(opened(), worker)
    except (ControllerError, OSError) as error:
        return CheckResult(what, str(error), warning=True)


_PACKAGE_HINT = "install the same version on both sides"


def _different_packages(host: Host, worker: WorkerBase) -> list[str]:
    """Report the packages of a worker whose versions differ from those here."""
    command = "python -m pip list --format json --disable-pip-version-check"
    done = host.execute(as_jobs_run(worker, command))
    try:
        listed = json.loads(done.stdout.strip().splitlines()[-1])
        there = {_normal(entry["name"]): entry["version"] for entry in listed}
    except (ValueError, LookupError, TypeError):
        raise RemoteError(
            "the packages of the worker cannot be listed", hint="is pip installed there?"
        ) from None
    here = {_normal(name): number for name, number in installed_packages().items()}
    return [
        f"{name} is {here[name]} here and {there.get(name, 'missing')} on the worker"
        for name in sorted(here)
        if here[name] != there.get(name)
    ]


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")
