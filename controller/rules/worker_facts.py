"""The facts about a worker, and which of them would break jobs; pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

CLOCK_TOLERANCE = 60.0
"""Seconds by which the clocks of two machines may differ without a warning."""
LITTLE_SPACE = 1_000_000_000
"""Bytes of free space below which there is a warning."""
COMMANDS = {
    "slurm": ("sbatch", "squeue", "scancel"),
    "pbs": ("qsub", "qstat", "qdel"),
    "sge": ("qsub", "qstat", "qdel"),
}
"""Commands that each scheduler needs on the worker."""
PROGRAMS = ("jfr", "jobflow-remote")
"""Packages that provide the program `jf`."""


@dataclass(frozen=True)
class WorkerFacts:
    """The facts about a worker.

    Attributes
    ----------
    host, user
        Host name and user, as the machine reports them.
    program
        Path of the program of the worker's command.
    python
        Version of the Python that it uses, such as 3.11.2; "" if unknown.
    packages
        {name: version} of the packages that matter to jobs.
    clock
        Seconds by which its clock is ahead of this machine's; None if unknown.
    free
        Bytes that are free for ``work_dir``; None if unknown.
    missing_commands
        The missing commands of the scheduler.
    """

    host: str = ""
    user: str = ""
    program: str = ""
    python: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)
    clock: float | None = None
    free: int | None = None
    missing_commands: tuple[str, ...] = ()


@dataclass(frozen=True)
class WorkerProblem:
    """A problem that breaks jobs, or might.

    Attributes
    ----------
    text, hint
        The problem and what to do, in one line each.
    is_fatal
        Whether no job can run.
    """

    text: str
    hint: str
    is_fatal: bool = False


def read_facts(output: str, scheduler: str, *, started: float, ended: float) -> WorkerFacts:
    """Read the output of the script: lines ``jfr:KEY=VALUE``, among other output.

    Parameters
    ----------
    scheduler
        Name of the worker's scheduler.
    started, ended
        Seconds since the epoch on this machine, before the script was sent and after it ended.
    """
    found: dict[str, str] = {}
    commands: dict[str, bool] = {}
    for line in output.splitlines():
        key, separator, value = line.strip().partition("=")
        if separator and key.startswith("jfr:"):
            found[key[4:]] = value.strip()
    for name in COMMANDS.get(scheduler, ()):
        commands[name] = bool(found.get(f"command.{name}"))
    try:
        packages = json.loads(found.get("packages", "{}"))
    except ValueError:
        packages = {}
    free, clock = found.get("free", ""), found.get("clock", "")
    return WorkerFacts(
        host=found.get("host", ""),
        user=found.get("user", ""),
        program=found.get("program", ""),
        python=found.get("python", ""),
        packages=packages,
        clock=_difference(int(clock), started, ended) if clock.isdigit() else None,
        free=int(free) * 1024 if free.isdigit() else None,
        missing_commands=tuple(name for name, there in commands.items() if not there),
    )


def _difference(there: int, started: float, ended: float) -> float:
    """Seconds by which a clock is certainly ahead, if it was read at some time in between."""
    if there + 1 < started:
        return there + 1 - started
    return max(0.0, there - ended)


def problems_of(
    facts: WorkerFacts, here: Mapping[str, str], python: str, *, own_command: bool
) -> Iterator[WorkerProblem]:
    """Return the problems that would break jobs.

    Parameters
    ----------
    here
        {name: version} of the packages that matter on this machine.
    python
        Version of Python on this machine.
    own_command
        Whether the worker has an ``execution_cmd``, which may not be a `jf` at all.
    """
    if facts.missing_commands:
        yield WorkerProblem(
            f"the scheduler's {', '.join(facts.missing_commands)} is not found",
            "load it in a start-up file of the login shell; is scheduler_type right?",
            is_fatal=True,
        )
    if facts.packages and not own_command and not set(PROGRAMS) & set(facts.packages):
        yield WorkerProblem(
            f"the Python of {facts.program} has neither jfr nor jobflow-remote",
            "install one of them there, or load its environment in pre_run",
            is_fatal=True,
        )
    elif facts.packages and "jobflow" not in facts.packages:
        yield WorkerProblem(
            f"the Python of {facts.program} has no jobflow, which every job imports",
            "install jobflow there",
            is_fatal=True,
        )
    yield from _versions(facts, here, python)
    if facts.clock is not None and abs(facts.clock) > CLOCK_TOLERANCE:
        way = "ahead of" if facts.clock > 0 else "behind"
        yield WorkerProblem(
            f"its clock is {duration(abs(facts.clock))} {way} this one",
            "the start and end times of its jobs are wrong by as much; states and retries are not "
            "affected. Its administrator should synchronise it (NTP)",
        )
    if facts.free is not None and facts.free < LITTLE_SPACE:
        yield WorkerProblem(
            f"only {facts.free / 1e9:.2f} GB are free for work_dir",
            "delete files of finished jobs: jf flow clean",
        )


def _versions(facts: WorkerFacts, here: Mapping[str, str], python: str) -> Iterator[WorkerProblem]:
    if facts.python and _minor(facts.python) != _minor(python):
        yield WorkerProblem(
            f"Python is {python} here and {facts.python} there",
            "jobs that use newer syntax or modules than it has fail there with import_failed, and "
            "pickled objects may not be read on the other side; use the same 3.x",
        )
    for name, meaning in _MATTER.items():
        if name in here and name in facts.packages and here[name] != facts.packages[name]:
            yield WorkerProblem(
                f"{name} is {here[name]} here and {facts.packages[name]} on the worker", meaning
            )


_MATTER = {
    "jobflow": "jobs and outputs of one version may not be readable by the other: install the "
    "same version on both sides",
    "jfr": "the format of a job's files may differ: install the same version on both sides",
    "monty": "serialised objects may not be readable on the other side",
    "numpy": "arrays are stored as text, but pickled ones and dtypes of numpy 2 are not readable "
    "by numpy 1",
}


def _minor(version: str) -> list[str]:
    return version.split(".")[:2]


def duration(seconds: float) -> str:
    """Write a duration in the largest unit that fits."""
    for size, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {name}"
    return f"{seconds:.0f} seconds"


def summary(facts: WorkerFacts, scheduler: str) -> str:
    """Describe the facts in one line."""
    jf = next((f"{n} {facts.packages[n]}" for n in PROGRAMS if n in facts.packages), "")
    said = [
        f"{facts.user}@{facts.host}" if facts.user and facts.host else "",
        jf,
        f"Python {facts.python}" if facts.python else "",
        f"jobflow {facts.packages['jobflow']}" if "jobflow" in facts.packages else "",
        scheduler,
        f"{facts.free / 1e9:.1f} GB free" if facts.free is not None else "",
    ]
    return ", ".join(part for part in said if part)
