"""Lists, filters, counts, claims and trends of a queue of many jobs, nearly all of them finished.

Everything is asked of a database of ``JOBS`` and of one of a hundredth of it, in turns: what a
person waits for must not grow with what is finished. Counts and trends look at an index entry of
each job that they count. ``python benchmarks/scale.py [JOBS]``; a million takes minutes to make.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

from measuring import START, Table, controller, flow_uuid, in_turn, job_uuid, populate, scratch

from controller.jobcontroller import JobController
from controller.operations.claims import claim_jobs
from controller.report import JobsReport
from controller.states import FlowState, JobState

JOBS = 100_000
LIVE = 1000
"""Jobs that are not finished; as many in the small database."""
NEWEST = {"sort": [("updated_on", -1)], "limit": 100}
LIST, FILTER, CLAIM, COUNT, REPORT = 0.3, 0.5, 0.005, 0.5, 1.0
"""Seconds at most: what the commands may take as whole processes, without the start of Python."""


def fill(opened: JobController, count: int) -> None:
    """Make jobs that are finished, but for the last ones."""
    populate(opened, count - LIVE, state=JobState.COMPLETED)
    populate(opened, LIVE, state=JobState.READY, first=count - LIVE)


def questions(opened: JobController, count: int) -> dict[str, tuple[float, Callable[[], object]]]:
    """{what: (seconds at most, how it is asked)}."""
    middle = count // 2
    when = START + timedelta(seconds=500_000)
    jobs = opened.get_jobs_info
    every = list(JobState)
    return {
        "newest 100 jobs": (LIST, lambda: jobs(**NEWEST)),
        "100 by created_on": (LIST, lambda: jobs(sort=[("created_on", -1)], limit=100)),
        "100 by db_id": (LIST, lambda: jobs(sort=[("db_id", -1)], limit=100)),
        "100 of a state": (FILTER, lambda: jobs(states=JobState.COMPLETED, **NEWEST)),
        "100 of a rare state": (FILTER, lambda: jobs(states=JobState.FAILED, **NEWEST)),
        "100 of a name": (FILTER, lambda: jobs(name="job 7", **NEWEST)),
        "100 of a pattern of names": (FILTER, lambda: jobs(name="*b 7", **NEWEST)),
        "100 of a name that none has": (FILTER, lambda: jobs(name="no such*", **NEWEST)),
        "100 of metadata": (FILTER, lambda: jobs(metadata={"n": 7}, **NEWEST)),
        "100 of metadata that none has": (FILTER, lambda: jobs(metadata={"no": 7}, **NEWEST)),
        "100 of a worker": (FILTER, lambda: jobs(workers="local", **NEWEST)),
        "100 of a worker that none has": (FILTER, lambda: jobs(workers="other", **NEWEST)),
        "100 since a date": (FILTER, lambda: jobs(start_date=when, **NEWEST)),
        "100 until a date": (FILTER, lambda: jobs(end_date=when, **NEWEST)),
        "jobs of a flow": (FILTER, lambda: jobs(flow_ids=flow_uuid(middle // 100), **NEWEST)),
        "a job by its db_id": (FILTER, lambda: jobs(db_ids=str(middle))),
        "a job by its uuid": (FILTER, lambda: opened.get_job_info(job_id=job_uuid(middle))),
        "count of each state": (COUNT, lambda: opened.count_jobs_states(every)),
        "count of two states": (COUNT, lambda: opened.count_jobs(states=every[:2])),
        "count of all": (COUNT, opened.count_jobs),
        "newest 100 flows": (LIST, lambda: opened.get_flows_info(**NEWEST)),
        "count of flows by state": (COUNT, lambda: opened.count_flows_states(list(FlowState))),
        "report": (REPORT, lambda: JobsReport.generate_report(opened)),
        "claim of one": (CLAIM, lambda: claim_jobs(opened.queue, limit=1)),
        "claim of 32": (4 * CLAIM, lambda: claim_jobs(opened.queue, limit=32)),
    }


def measure(table: Table, folder: Path, count: int) -> None:
    small = max(2 * LIVE, count // 100)
    with ExitStack() as stack:
        asked = {}
        for size in (small, count):
            opened = stack.enter_context(controller("embedded", folder))
            begin = datetime.now()
            fill(opened, size)
            table.note(f"{size} jobs made in {(datetime.now() - begin).total_seconds():.0f} s")
            asked[size] = questions(opened, size)
        for what, (limit, ask) in asked[count].items():
            taken = in_turn({"large": ask, "small": asked[small][what][1]}, 3)
            by = f"of {small} jobs {1000 * taken['small']:.2f} ms"
            table.row(f"{what}, of {count}", 1000 * taken["large"], 1000 * limit, "ms", by)


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else JOBS
    table = Table("a queue of many jobs, embedded")
    with scratch() as folder:
        measure(table, folder, count)
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main())
