"""Check the parts of a project and the environment."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import distributions
from typing import TYPE_CHECKING
from uuid import uuid4

from controller import __version__
from controller.config import SETTINGS, unknown_variables
from controller.config.settings import PREFIX, setting_names
from controller.config.suggestions import no_such
from controller.errors import ConfigError, ControllerError, RemoteError
from controller.hosts import open_host
from controller.jobcontroller import JobController
from controller.operations.version import refuse_newer
from controller.operations.worker_facts import (
    as_jobs_run,
    find_out,
    packages_here,
    python_here,
)
from controller.rules.worker_facts import problems_of, summary
from controller.storage.outputs import check_jobstore

if TYPE_CHECKING:
    from controller.config import Project
    from controller.config.workers import WorkerBase
    from controller.hosts import Host


@dataclass(frozen=True)
class CheckResult:
    """What a check found.

    Attributes
    ----------
    what
        What was checked.
    problem
        What is wrong; None when nothing is.
    hint
        How to fix it.
    note
        What was found, if of interest.
    warning
        The problem does not prevent anything from working.
    """

    what: str
    problem: str | None = None
    hint: str | None = None
    note: str | None = None
    warning: bool = False

    @property
    def ok(self) -> bool:
        """Whether it can be used."""
        return self.problem is None or self.warning


PARTS = ("environment", "worker", "jobstore", "queue")
"""What can be checked, in this order."""

Progress = Callable[[str, int, int], None]
"""Called with (what is checked next, checks done, checks in total)."""

_Check = Callable[[], Sequence["CheckResult"]]


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
        Of `PARTS`; see `check_environment` for the environment.
    worker
        Only this one; None checks all.
    full
        Compare the versions of all packages of the workers with those here; otherwise of those
        that matter to every job, and of workers on other machines only.
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
    """Return the things to check, each with its check."""
    found: list[tuple[str, _Check]] = []
    if "environment" in parts:
        found.append(("environment", check_environment))
    if "worker" in parts:
        for name in [worker] if worker else list(project.workers):
            check: _Check = partial(_worker_results, name, project.workers[name], full=full)
            found.append((f"worker {name}", check))
    if "jobstore" in parts:
        for other in (None, *(project.optional_jobstores or {})):
            what = "jobstore" if other is None else f"jobstore {other}"
            found.append((what, partial(_results, what, partial(_check_jobstore, project, other))))
    if "queue" in parts:
        found.append(("queue", partial(_results, "queue", partial(_check_queue, project))))
    return found


def check_environment(environ: Mapping[str, str] | None = None) -> list[CheckResult]:
    """Report which ``jf`` is first on the PATH, and which settings are unknown.

    Parameters
    ----------
    environ
        The environment; None takes that of the process.
    """
    source = os.environ if environ is None else environ
    found = [_check_command(source)]
    known = [PREFIX + name.upper() for name in setting_names()]
    for name in unknown_variables(source):
        hint = no_such(name.upper(), known)
        found.append(
            CheckResult(f"variable {name}", "this variable is not used", hint, warning=True)
        )
    found += [CheckResult("settings", text, warning=True) for text in SETTINGS.warnings]
    return found


def _check_command(environ: Mapping[str, str]) -> CheckResult:
    """Ask the first ``jf`` on the PATH for its version; that of jobflow-remote cannot tell it."""
    path = shutil.which("jf", path=environ.get("PATH"))
    if path is None:
        hint = "activate the environment that jfr is installed in"
        return CheckResult("command jf", "there is no jf on the PATH", hint, warning=True)
    try:
        done = subprocess.run(
            [path, "--version"], env=dict(environ), capture_output=True, text=True, timeout=20
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return CheckResult("command jf", f"{path} cannot be run: {error}", warning=True, note=path)
    if done.stdout.strip() == f"jfr {__version__}":
        return CheckResult("command jf", note=path)
    other = done.stdout.strip() or "another program of this name"
    return CheckResult(
        "command jf",
        f"the first jf on the PATH is {path}: {other}, not jfr {__version__}",
        "workers use the PATH too: put the environment of jfr first, or set execution_cmd",
        note=path,
        warning=True,
    )


def _results(what: str, check: Callable[[], str | None]) -> list[CheckResult]:
    return [_result(what, check)]


def _result(what: str, check: Callable[[], str | None]) -> CheckResult:
    try:
        return CheckResult(what, note=check())
    except ControllerError as error:
        return CheckResult(what, error.message, error.hint)
    except OSError as error:
        return CheckResult(what, str(error))


def _worker_results(name: str, worker: WorkerBase, *, full: bool) -> list[CheckResult]:
    what = f"worker {name}"
    usable = _result(what, lambda: _check_worker(worker))
    if not usable.ok or (worker.is_local and not full):
        return [usable]
    found = [usable, *_found_on_worker(what, worker)]
    if not full:
        return found
    try:
        differences = _different_packages(open_host(worker), worker)
    except (ControllerError, OSError) as error:
        return [*found, CheckResult(f"{what}: packages", str(error), warning=True)]
    known = [result.problem for result in found]
    return [
        *found,
        *(
            CheckResult(f"{what}: packages", text, _PACKAGE_HINT, warning=True)
            for text in differences
            if text not in known
        ),
    ]


def _found_on_worker(what: str, worker: WorkerBase) -> list[CheckResult]:
    """Say what is on a worker, and what of it would break jobs."""
    try:
        facts = find_out(open_host(worker), worker)
    except (ControllerError, OSError) as error:
        return [CheckResult(f"{what}: environment", str(error), warning=True)]
    problems = problems_of(
        facts, packages_here(), python_here(), own_command=bool(worker.execution_cmd)
    )
    return [
        CheckResult(f"{what}: environment", note=summary(facts, worker.scheduler_name)),
        *(
            CheckResult(f"{what}: environment", p.text, p.hint, warning=not p.is_fatal)
            for p in problems
        ),
    ]


_PACKAGE_HINT = "install the same version on both sides"


def _check_worker(worker: WorkerBase) -> str:
    host = open_host(worker)
    probe = worker.work_dir / f".jfr-check-{uuid4().hex}"
    host.mkdir(worker.work_dir)
    host.write_bytes(probe, b"jfr")
    host.remove(probe)
    program = worker.command.split()[0]
    done = host.execute(as_jobs_run(worker, f"command -v {shlex.quote(program)}"))
    if done.returncode:
        raise RemoteError(
            f"the command {program!r} is not found on the worker",
            hint="set pre_run or execution_cmd of the worker",
        )
    return done.stdout.strip().splitlines()[-1]


def _different_packages(host: Host, worker: WorkerBase) -> list[str]:
    """Report the packages of a worker with other versions than here."""
    command = "python -m pip list --format json --disable-pip-version-check"
    done = host.execute(as_jobs_run(worker, command))
    try:
        listed = json.loads(done.stdout.strip().splitlines()[-1])
        there = {_normal(entry["name"]): entry["version"] for entry in listed}
    except (ValueError, LookupError, TypeError):
        raise RemoteError(
            "the packages of the worker cannot be listed", hint="is pip installed there?"
        ) from None
    here = {_normal(d.metadata["Name"]): d.version for d in distributions() if d.metadata["Name"]}
    return [
        f"{name} is {here[name]} here and {there.get(name, 'missing')} on the worker"
        for name in sorted(here)
        if here[name] != there.get(name)
    ]


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _check_jobstore(project: Project, name: str | None = None) -> str | None:
    return check_jobstore(project.jobstore_spec(name))


def _check_queue(project: Project) -> str:
    with JobController.from_project(project) as controller:
        controller.queue.database.ping()
        if not controller.is_set_up():
            raise ConfigError("the queue has not been set up", hint="jf admin reset")
        refuse_newer(controller.queue.auxiliary, "whatever changes it")
        return controller.queue.database.location
