"""Complete one job in flows of 10, 1,000 and 10,000 jobs, on the embedded engine.

Usage: python benchmarks/complete_in_flow.py
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from jobflow import Flow, job

from controller.jobcontroller import JobController
from controller.operations.completion import Ending, finish
from controller.operations.progress import FLOW_FIELDS
from controller.storage.embedded import open_database
from controller.storage.opening import OpenedStore

SIZES = (10, 1_000, 10_000)
SHAPES = ("chain", "fan-in", "independent")
REPEATS = 9


@job
def add(a: float, b: float) -> float:
    return a + b


@job
def gather(values: list[float]) -> float:
    return sum(values)


def make_flow(size: int, shape: str) -> Flow:
    if shape == "chain":
        jobs = [add(1, 1)]
        while len(jobs) < size:
            jobs.append(add(1, jobs[-1].output))
        return Flow(jobs)
    jobs = [add(n, 1) for n in range(size - 1)]
    if shape == "fan-in":
        jobs.append(gather([each.output for each in jobs]))
    return Flow(jobs)


def complete_next(controller: JobController) -> float:
    claimed = controller.checkout_job()
    assert claimed is not None
    query = {"uuid": claimed[0], "index": claimed[1]}
    with controller.lock_job(filter=query) as lock:
        start = time.perf_counter()
        with controller.lock_flow(filter={"jobs": claimed[0]}, projection=FLOW_FIELDS) as flow_lock:
            assert lock.locked_document is not None
            finish(controller.queue, lock.locked_document, Ending({}), flow_lock=flow_lock)
        return time.perf_counter() - start


def measure(size: int, shape: str, folder: Path) -> float:
    opened = OpenedStore(open_database(folder / f"{shape}{size}.db"), "jobs")
    with JobController(opened) as controller:
        controller.reset()
        controller.add_flow(make_flow(size, shape), "worker")
        return statistics.median(complete_next(controller) for _ in range(min(REPEATS, size - 1)))


def main() -> None:
    for shape in SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            times = [measure(size, shape, Path(folder)) for size in SIZES]
        text = ", ".join(f"{size}: {1000 * t:.1f} ms" for size, t in zip(SIZES, times))
        print(f"{shape}: {text}; ratio {times[-1] / times[0]:.1f} (at most 3)")


if __name__ == "__main__":
    main()
