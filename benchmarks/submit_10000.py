"""Submit a flow of 10,000 jobs: time against serialising it once, and peak memory.

Usage: python benchmarks/submit_10000.py [NUMBER OF JOBS]
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from jobflow import Flow, job

from controller.jobcontroller import JobController
from controller.storage.embedded import open_database
from controller.storage.opening import OpenedStore

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
CHAIN = 10
"""Jobs in a chain; the flow consists of such chains."""


@job
def add(a: float, b: float) -> float:
    return a + b


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def make_flow() -> Flow:
    jobs = []
    for number in range(COUNT):
        first = number % CHAIN == 0
        jobs.append(add(number, 1 if first else jobs[-1].output))
    return Flow(jobs)


def main() -> None:
    flow = make_flow()
    start = time.perf_counter()
    for each in flow.jobs:
        each.as_dict()
    once = time.perf_counter() - start
    before = peak_mb()
    with tempfile.TemporaryDirectory() as folder:
        opened = OpenedStore(open_database(Path(folder) / "queue.db"), "jobs")
        with JobController(opened) as controller:
            controller.reset()
            start = time.perf_counter()
            controller.add_flow(flow, "worker")
            submit = time.perf_counter() - start
    print(f"{COUNT} jobs: serialising once {once:.2f} s, submitting {submit:.2f} s")
    print(f"ratio {submit / once:.1f} (at most 3), peak memory {before:.0f} -> {peak_mb():.0f} MB")


if __name__ == "__main__":
    main()
