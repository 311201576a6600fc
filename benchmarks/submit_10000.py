"""Submit a flow of 10,000 jobs: time against serialising its jobs once, and peak memory.

On a MongoDB-protocol server (JFR_TEST_MONGO_URI) the yardstick is jobflow-remote on the same
server, where JFR_BENCH_JOBFLOW_REMOTE names the Python of an environment that has it:
``python -m venv DIR && DIR/bin/pip install jobflow-remote==1.0.1``.

``python benchmarks/submit_10000.py [NUMBER OF JOBS]``
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from measuring import MONGO, PYTHON, Table, run, scratch, store

OTHER = os.environ.get("JFR_BENCH_JOBFLOW_REMOTE", "")
REPEATS = 3
FLOW = """
import json, resource, sys, time
from jobflow import Flow, job

@job
def add(a, b):
    return a + b

def make_flow(count):  # in chains of ten
    jobs = []
    for number in range(count):
        jobs.append(add(number, jobs[-1].output if number % 10 else 1))
    return Flow(jobs)

def timed(action):
    start = time.perf_counter()
    action()
    return time.perf_counter() - start

def submit(controller, count):
    flow = make_flow(count)
    once = timed(lambda: [each.to_json() for each in flow.jobs])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    taken = timed(lambda: controller.add_flow(flow, "worker"))
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"once": once, "taken": taken, "before": before, "after": after}))

spec = json.loads(sys.argv[1])
"""
OURS = """
from controller.jobcontroller import JobController
from controller.storage.opening import open_store
with JobController(open_store(spec)) as controller:
    controller.reset()
    submit(controller, int(sys.argv[2]))
"""
THEIRS = """
from types import SimpleNamespace
from jobflow import JobStore
from jobflow_remote.jobs.jobcontroller import JobController
from maggma.stores import MemoryStore, MongoURIStore
store = MongoURIStore(spec["uri"], spec["collection_name"], spec["database"])
project = SimpleNamespace(queue=SimpleNamespace(db_id_prefix=None), workers={})
controller = JobController(store, JobStore(MemoryStore()), project=project)
controller.reset()
submit(controller, int(sys.argv[2]))
"""


def submitted(python: str, code: str, spec: Mapping[str, Any], count: int) -> dict[str, float]:
    found: dict[str, float] = json.loads(
        run(python, "-W", "ignore", "-c", FLOW + code, json.dumps(spec), str(count)).splitlines()[
            -1
        ]
    )
    return found


def median_of(turns: list[dict[str, float]], key: str) -> float:
    return statistics.median(turn[key] for turn in turns)


def embedded(table: Table, folder: Path, count: int) -> None:
    turns = []
    for _ in range(REPEATS):
        with store("embedded", folder) as spec:
            turns.append(submitted(PYTHON, OURS, spec, count))
    once = median_of(turns, "once")
    table.row(
        f"{count} jobs, embedded",
        median_of(turns, "taken"),
        3 * once,
        "s",
        f"3 x Job.to_json() of each job ({once:.2f} s)",
    )
    memory(table, turns, "embedded")


def memory(table: Table, turns: list[dict[str, float]], engine: str) -> None:
    before = median_of(turns, "before")
    table.row(
        f"memory of the whole process, {engine}",
        max(turn["after"] for turn in turns),
        500,
        "MB",
        f"{before:.0f} MB with jobflow and the flow made",
    )


def server(table: Table, folder: Path, count: int) -> None:
    if not MONGO:
        table.note("JFR_TEST_MONGO_URI names no MongoDB-protocol server: no rows of one")
        return
    ours, theirs = [], []
    for _ in range(REPEATS):
        with store("mongodb", folder) as spec:
            ours.append(submitted(PYTHON, OURS, spec, count))
        if OTHER:
            with store("mongodb", folder) as spec:
                theirs.append(submitted(OTHER, THEIRS, spec, count))
    if OTHER:
        other = median_of(theirs, "taken")
        table.row(
            f"{count} jobs, MongoDB protocol",
            median_of(ours, "taken"),
            other,
            "s",
            f"jobflow-remote on the same server {other:.1f} s",
        )
    else:
        table.note(
            f"{count} jobs, MongoDB protocol: {median_of(ours, 'taken'):.1f} s; no yardstick, "
            "JFR_BENCH_JOBFLOW_REMOTE names no Python with jobflow-remote"
        )
    memory(table, ours, "MongoDB protocol")


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    table = Table("submission of one flow")
    with scratch() as folder:
        embedded(table, folder, count)
        server(table, folder, count)
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main())
