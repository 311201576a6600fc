"""Jobs of the runner's tests; a worker process imports them."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from jobflow import Flow, Response, job


@job
def add(a: float, b: float) -> float:
    return a + b


@job
def noted(ledger: str, name: str, a: float = 0) -> float:
    """Write a line for every run, so that a second one shows."""
    with Path(ledger).open("a") as stream:
        stream.write(f"{name}\n")
    return a + 1


@job
def fail() -> None:
    raise RuntimeError("on purpose")


@job
def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@job
def many(count: int) -> Response:
    jobs = [add(n, 1) for n in range(count)]
    return Response(replace=Flow(jobs, output=[j.output for j in jobs]))


@job
def total(values: list[float]) -> float:
    return sum(values)


@job
def variable(name: str) -> str | None:
    return os.environ.get(name)


@job(data="data")
def stored_elsewhere() -> dict[str, list[int]]:
    return {"data": [1, 2, 3]}


@job
def large(size: int) -> str:
    return "x" * size


@job
def then_on(worker: str) -> Response:
    """Go on with a job on another worker."""
    child = add(1, 1)
    child.config.manager_config = {"worker": worker}
    return Response(addition=Flow([child]))


@job
def wait_for_file(path: str) -> str:
    deadline = time.monotonic() + 60
    while not Path(path).exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return "it came"


@job
def fail_at_length(size: int) -> None:
    raise ValueError("x" * size)


@job
def fail_times(ledger: str, times: int) -> int:
    """Fail so many times, then return the number of runs."""
    path = Path(ledger)
    runs = len(path.read_text().splitlines()) + 1 if path.exists() else 1
    with path.open("a") as stream:
        stream.write(f"{Path.cwd()}\n")
    if runs <= times:
        raise RuntimeError(f"failure {runs}, on purpose")
    return runs


@job
def waiting(folder: str, name: str) -> int:
    """Say that it runs, then wait until it may go on; every run leaves a line."""
    place = Path(folder)
    with (place / "runs").open("a") as stream:
        stream.write(f"{name}\n")
    (place / f"{name}.runs").touch()
    while not (place / f"{name}.go").exists():
        time.sleep(0.01)
    return os.getpid()
