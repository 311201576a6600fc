"""What the event log costs: the database's part of jobs, with it and without it.

A batch of jobs is claimed, uploaded and completed, as a runner does it for warm workers, but
without files and processes. The same with ``events.enabled: false``, in turns. What a real runner
needs for a job (``jf runner run`` with trivial jobs) is the yardstick: the cost of the events has
to be at most 5 % of it. ``python benchmarks/events.py``
"""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from jobflow import Flow, job
from measuring import Table, controller, engines, in_turn, project, scratch, seconds

from controller.jobcontroller import JobController
from controller.operations.batch_steps import BatchStep, take_steps
from controller.operations.claims import claim_jobs
from controller.operations.completion import EndedJob, Ending
from controller.operations.endings import record_ends
from controller.operations.queue import Queue
from controller.operations.recording import RecordedCollection
from controller.operations.steps import RetryPolicy

SHARE = 0.05
REPEATS = 15
BATCH = 40
JOBS = 300
RETRIES = RetryPolicy(3, (30,))
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


def one_batch(opened: JobController) -> None:
    """Claim jobs, record that they are uploaded, and complete them."""
    queue = opened.queue
    assert len(claim_jobs(queue, limit=BATCH)) == BATCH
    found = []
    for state, step in (("CHECKED_OUT", uploaded), ("UPLOADED", completed(queue))):
        found = take_steps(queue, {"state": state}, step, RETRIES, limit=BATCH)
        assert len(found) == BATCH


def uploaded(jobs: list[dict[str, Any]]) -> dict[tuple[str, int], dict[str, Any] | Exception]:
    return {
        (job["uuid"], job["index"]): {"state": "UPLOADED", "run_dir": f"/x/{job['uuid']}"}
        for job in jobs
    }


def completed(queue: Queue) -> BatchStep:
    def step(jobs: list[dict[str, Any]]) -> dict[tuple[str, int], dict[str, Any] | Exception]:
        ends = record_ends(queue, [EndedJob(job, Ending({})) for job in jobs], prefix=None)
        for each in jobs:
            each["state"] = "COMPLETED"
        return {key: end if isinstance(end, Exception) else {} for key, end in ends.items()}

    return step


def cost(table: Table, engine: str) -> None:
    with scratch() as folder, ExitStack() as stack:
        made = {}
        for name in ("with", "without"):
            opened = stack.enter_context(controller(engine, Path(folder)))
            for _ in range(REPEATS + 2):
                opened.add_flow(Flow([add(n, 1) for n in range(BATCH)]), "worker")
            made[name] = opened
        made["without"].queue = without_events(made["without"].queue)
        taken = in_turn({n: lambda c=c: one_batch(c) for n, c in made.items()}, repeats=REPEATS)
    with scratch() as folder, project(engine, folder, {"events_jobs": CODE}) as whole:
        whole.python(SUBMIT)
        per_job = seconds(lambda: whole.jf("runner", "run", "--until-idle")) / JOBS
    taken = {name: each / BATCH for name, each in taken.items()}
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
