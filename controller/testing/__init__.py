"""Jobs that go wrong, grow or look around, for tests of workers, projects and plugins.

Workers can import them; `controller.examples` holds friendlier ones.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from jobflow import Flow, Job, JobConfig, Maker, OnMissing, Response, job

_BIG = 5000
"""Numbers in a big output."""


class TestEnum(Enum):
    """An enumeration, which makers and inputs have to carry."""

    __test__ = False  # it is no test

    A = "A"
    B = "B"


@dataclass
class EnumMaker(Maker):
    """Makes a job that fails where its enumeration's member did not arrive as one.

    Attributes
    ----------
    e
        The member.
    name
        The name of the job.
    """

    e: TestEnum = TestEnum.A
    name: str = "enum maker"

    @job
    def make(self) -> None:
        """Look at the member."""
        if not isinstance(self.e, TestEnum):
            raise TypeError(f"{self.e!r} is no TestEnum")


@job
def add(a: float, b: float) -> float:
    """Add two numbers."""
    return a + b


@job
def always_fails() -> None:
    """Fail."""
    raise RuntimeError("This job failed.")


@job
def write_file(n: Any) -> None:
    """Write ``n`` into results.txt in the run directory."""
    Path("results.txt").write_text(str(n), encoding="utf-8")


@job
def arithmetic(a: Any, b: Any, op: Callable[[Any, Any], Any] | None = None) -> Any:
    """Apply a function, which travels with the job, to two values; None without one."""
    return None if op is None else op(a, b)


@job
def check_env_var() -> str:
    """Return the variable TESTING_ENV_VAR of the worker, "unset" without it."""
    return os.environ.get("TESTING_ENV_VAR", "unset")


@job(big_data="data")
def add_big(a: float, b: float) -> Response[Any]:
    """Add two numbers; a large array goes to the additional store "big_data"."""
    return Response({"data": [a + b] * _BIG, "result": a + b})


@job(undefined_store="data")
def add_big_undefined_store(a: float, b: float) -> Response[Any]:
    """Add two numbers; a large array needs an additional store that no project has."""
    return Response({"data": [a + b] * _BIG, "result": a + b})


@job
def add_sleep(a: float, b: float) -> float:
    """Add two numbers, taking ``b`` seconds."""
    time.sleep(b)
    return a + b


@job
def create_detour(detour_job: Job) -> Response[Any]:
    """Put a job between this one and its children."""
    return Response(detour=Flow(detour_job))


@job
def self_replace(n: int) -> Any:
    """Be replaced by this job with one less, until none is left."""
    return Response(replace=self_replace(n - 1)) if n > 0 else n


@job
def ignore_input(a: Any) -> int:
    """Return 1, whatever comes in."""
    return 1


@job
def current_jobdoc() -> Any:
    """Return what the worker knows of this job's document, but for the job itself."""
    from controller.execution import CURRENT_JOBDOC

    document = CURRENT_JOBDOC.job_doc
    return document and document.model_dump(mode="json", exclude={"job_data"})


@job(config=JobConfig(resolve_references=False, on_missing_references=OnMissing.NONE))
def no_resolve(ref: Any) -> Any:
    """Return a reference that was not resolved."""
    return ref


@job(config=JobConfig(on_missing_references=OnMissing.NONE))
def onmissing_none(args: Any) -> Any:
    """Return what came in: None for the output of a job that failed."""
    return args


def _two_additions(a: float, b: float) -> Flow:
    first = add(a, b)
    second = add(first.output, 1)
    return Flow([first, second], output=second.output)


@job
def replace_and_stop_jobflow(a: float = 1, b: float = 1) -> Response[Any]:
    """Be replaced by two additions that nothing shall run any more, nor anything else."""
    return Response(replace=_two_additions(a, b), stop_jobflow=True)


@job
def replace_and_stop_children(a: float = 1, b: float = 1) -> Response[Any]:
    """Be replaced by two additions, and let no child run."""
    return Response(replace=_two_additions(a, b), stop_children=True)


@job
def stop_jobflow(x: Any = None) -> Response[Any]:
    """Let no other job of the flow run."""
    return Response(stop_jobflow=True)
