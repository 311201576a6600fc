"""What the event log costs: the database's part of a job, with it and without it.

One job is claimed, taken through its states under locks and completed, as a runner does it but
without its hosts, queues and processes. The same with ``events.enabled: false``, in turns. What a
real runner needs for a job (``jf runner run`` with trivial jobs) is the yardstick: the cost of the
events has to be at most 5 % of it. ``python benchmarks/events.py``
"""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack
from pathlib import Path

from jobflow import Flow, job
from measuring import Table, controller, engines, in_turn, project, scratch, seconds

from controller.jobcontroller import JobController
from controller.locks import MongoLock
from controller.operations.completion import Ending, finish
from controller.operations.progress import FLOW_FIELDS
from controller.operations.queue import Queue
from controller.operations.recording import RecordedCollection

SHARE = 0.05
REPEATS = 40
JOBS = 24
STEPS = ("UPLOADED", "SUBMITTED", "RUNNING", "DOWNLOADED")
SUBMIT = f"""
from jobflow import Flow
from controller import submit_flow
from events_jobs import add
submit_flow(Flow([add(n, 1) for n in range({JOBS})]))
"""
CODE = "from jobflow import job\n@job\ndef add(a, b):\n    return a + b\n"


@job
def add(a: float, b: float) -> float:
    return a + b


def without_events(queue: Queue) -> Queue:
    """Return a queue that writes no events."""
    jobs, flows = (c._inner for c in (queue.jobs, queue.flows) if isinstance(c, RecordedCollection))
    silent = dataclasses.replace(queue.events, enabled=False)
    return dataclasses.replace(queue, jobs=jobs, flows=flows, events=silent)


def one_job(opened: JobController) -> None:
    """Claim a job, take it through its states and complete it."""
    claimed = opened.checkout_job()
    assert claimed is not None
    query = {"uuid": claimed[0], "index": claimed[1]}
    for state in STEPS:
        with MongoLock(opened.queue.jobs, query) as lock:
            lock.update_on_release = {"$set": {"state": state}}
    with MongoLock(opened.queue.jobs, query) as lock:
        document = lock.locked_document
        assert document is not None
        flow = {"jobs": document["uuid"]}
        with opened.lock_flow(filter=flow, projection=FLOW_FIELDS) as flow_lock:
            finish(opened.queue, document, Ending({}), flow_lock=flow_lock)


def cost(table: Table, engine: str) -> None:
    with scratch() as folder, ExitStack() as stack:
        made = {}
        for name in ("with", "without"):
            opened = stack.enter_context(controller(engine, Path(folder)))
            opened.add_flow(Flow([add(n, 1) for n in range(REPEATS + 5)]), "worker")
            made[name] = opened
        made["without"].queue = without_events(made["without"].queue)
        taken = in_turn({n: lambda c=c: one_job(c) for n, c in made.items()}, repeats=REPEATS)
    with scratch() as folder, project(engine, folder, {"events_jobs": CODE}) as whole:
        whole.python(SUBMIT)
        per_job = seconds(lambda: whole.jf("runner", "run", "--until-idle")) / JOBS
    extra = taken["with"] - taken["without"]
    table.row(
        f"events of one job, {engine}",
        1000 * extra,
        1000 * SHARE * per_job,
        "ms",
        f"{SHARE:.0%} of a job of a runner ({1000 * per_job:.0f} ms); its database's part "
        f"{1000 * taken['without']:.1f} ms without, {1000 * taken['with']:.1f} ms with events",
    )


def main() -> int:
    table = Table("the event log")
    for engine in engines():
        cost(table, engine)
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main())
