"""One large flow, embedded: submit, complete one, pause, continue, stop, delete.

Figures are processor time, with limits in seconds for 100,000 jobs, in proportion to the
number of jobs. The yardstick of the same run says how quick the machine is: jobflow's own
serialisation of the jobs, and decoding and encoding the documents of all jobs once.
``python benchmarks/large_flow.py [JOBS]``
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

import bson
from jobflow import Flow, job
from measuring import Table, controller, scratch, usual

from controller.jobcontroller import JobController
from controller.locks import MongoLock
from controller.operations.completion import EndedJob, Ending
from controller.operations.endings import record_ends
from controller.states import JobState

JOBS, WHOLE = 20_000, 100_000
SUBMIT, ACTION, COMPLETE = 15.0, 5.0, 5.0
"""Seconds for ``WHOLE`` jobs; milliseconds more than in a flow of ten."""
TURNS = 9


@job
def add(a: float, b: float) -> float:
    return a + b


def processor(action: Callable[[], object]) -> float:
    """Return the seconds of processor time that an action takes."""
    start = time.process_time()
    action()
    return time.process_time() - start


def make_flow(count: int) -> Flow:
    """Make chains of ten."""
    jobs = []
    for number in range(count):
        jobs.append(add(number, jobs[-1].output if number % 10 else 1))
    return Flow(jobs)


def peak() -> float:
    """Return the largest memory of this process so far, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def submission(table: Table, opened: JobController, count: int) -> None:
    flow, before = make_flow(count), peak()
    once = processor(lambda: [each.to_json() for each in flow.jobs])
    taken = processor(lambda: opened.add_flow(flow, "worker"))
    yard = f"jobflow's own to_json of each job {once:.1f} s"
    table.row(f"submit {count} jobs", taken, SUBMIT * count / WHOLE, "s", yard)
    table.note(f"memory {before:.0f} MB with the flow made, {peak():.0f} MB at most")


def completion(table: Table, opened: JobController, folder: Path, count: int) -> None:
    with controller("embedded", folder) as small:
        small.add_flow(make_flow(10), "worker")
        pairs = [(complete(small), complete(opened)) for _ in range(TURNS)]
    few, many = (usual(list(taken)) for taken in zip(*pairs))
    yard = f"in a flow of 10 {1000 * few:.1f} ms"
    table.row(f"complete one of {count} jobs", 1000 * many, 1000 * few + COMPLETE, "ms", yard)


def complete(opened: JobController) -> float:
    """Complete the next job; return the processor time from its end to its flow's state."""
    claimed = opened.checkout_job()
    assert claimed is not None
    with MongoLock(opened.queue.jobs, {"uuid": claimed[0], "index": claimed[1]}) as lock:
        ended = [EndedJob(lock.locked_document, Ending({}))]
        answers: list[object] = []
        taken = processor(
            lambda: answers.extend(record_ends(opened.queue, ended, prefix=None).values())
        )
    assert answers == [JobState.COMPLETED]
    return taken


def actions(table: Table, opened: JobController, count: int) -> None:
    raws = [bson.encode(document) for document in opened.jobs.find({})]
    yard = processor(lambda: [bson.encode(bson.decode(raw)) for raw in raws])
    flow = opened.flows.find_one({}, ["uuid"])
    assert flow is not None
    uuid = flow["uuid"]
    steps: dict[str, Callable[[], object]] = {
        "pause": lambda: opened.pause_jobs(flow_ids=uuid, raise_on_error=False),
        "continue": lambda: opened.resume_jobs(flow_ids=uuid, raise_on_error=False),
        "stop": lambda: opened.stop_jobs(flow_ids=uuid, raise_on_error=False),
        "delete": lambda: opened.delete_flows(uuid, max_limit=0),
    }
    for name, act in steps.items():
        told = f"decoding and encoding them once {yard:.1f} s"
        table.row(f"{name} {count} jobs", processor(act), ACTION * count / WHOLE, "s", told)
    assert opened.count_jobs() == 0


def main() -> int:
    """Measure all rows."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else JOBS
    table = Table("one large flow, embedded, processor time")
    with scratch() as folder, controller("embedded", folder) as opened:
        submission(table, opened, count)
        completion(table, opened, folder, count)
        actions(table, opened, count)
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main())
