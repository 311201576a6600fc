"""Lists, filters, counts, claims and reports of a queue of many jobs, nearly all of them finished.

What is asked through the controller is asked of a database of ``JOBS`` and of one of a hundredth of
it, in turns; so are whole commands. The limits are those of a million jobs.
``python benchmarks/scale.py [JOBS [FOLDER]]``: databases in FOLDER are kept, and used again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from measuring import (
    START,
    Project,
    Table,
    controller_of,
    flow_uuid,
    in_turn,
    job_uuid,
    populate_file,
    project,
    scratch,
)

from controller.jobcontroller import JobController
from controller.operations.claims import claim_jobs
from controller.report import FlowsReport, JobsReport
from controller.states import FlowState, JobState
from controller.storage.opening import open_store

JOBS = 20_000
LIVE = 1000
"""Jobs that are not finished; as many in the small database."""
NEWEST = {"sort": [("updated_on", -1)], "limit": 100}
LIST, FILTER, CLAIM, COUNT, REPORT = 0.2, 0.4, 0.005, 0.4, 0.7
"""Seconds at most: what whole commands may take, less 0.3 s for their start."""


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
        "100 of a pattern by db_id": (
            FILTER,
            lambda: jobs(name="*b 7", sort=[("db_id", 1)], limit=100),
        ),
        "100 of a state until a date by created_on": (
            FILTER,
            lambda: jobs(
                states=JobState.COMPLETED, end_date=when, sort=[("created_on", -1)], limit=100
            ),
        ),
        "100 of a state": (FILTER, lambda: jobs(states=JobState.COMPLETED, **NEWEST)),
        "100 of a rare state": (FILTER, lambda: jobs(states=JobState.FAILED, **NEWEST)),
        "100 of a name": (FILTER, lambda: jobs(name="job 7", **NEWEST)),
        "100 of a pattern of names": (FILTER, lambda: jobs(name="*b 7", **NEWEST)),
        "100 of a name that none has": (FILTER, lambda: jobs(name="no such*", **NEWEST)),
        "100 of a pattern that starts": (FILTER, lambda: jobs(name="job 7*", **NEWEST)),
        "100 of two conditions that never meet": (
            FILTER,
            lambda: jobs(name="*7", metadata={"n": 8}, workers="local", **NEWEST),
        ),
        "100 of a state, worker and name": (
            FILTER,
            lambda: jobs(states=[JobState.COMPLETED], workers="local", name="*no*", **NEWEST),
        ),
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
        "count of a pattern of names": (COUNT, lambda: opened.count_jobs(name="*b 7")),
        "count of a state and a worker that most jobs have": (
            4 * COUNT,
            lambda: opened.count_jobs(states=JobState.COMPLETED, workers="local"),
        ),
        "newest 100 flows": (LIST, lambda: opened.get_flows_info(**NEWEST)),
        "100 flows of a name that none has": (
            FILTER,
            lambda: opened.get_flows_info(name="no*", **NEWEST),
        ),
        "100 flows of metadata that none has": (
            FILTER,
            lambda: opened.get_flows_info(metadata={"no": 7}, **NEWEST),
        ),
        "count of flows by state": (COUNT, lambda: opened.count_flows_states(list(FlowState))),
        "report": (REPORT, lambda: JobsReport.generate_report(opened)),
        "report of flows": (REPORT, lambda: FlowsReport.generate_report(opened)),
        "claim of one": (CLAIM, lambda: claim_jobs(opened.queue, limit=1)),
        "claim of 32": (4 * CLAIM, lambda: claim_jobs(opened.queue, limit=32)),
    }


COMMANDS = {
    "jf job list": (0.2, ("job", "list")),
    "jf job list -s FAILED": (0.4, ("job", "list", "-s", "FAILED")),
    "jf job list --name 'no*'": (0.4, ("job", "list", "--name", "no*")),
    "jf job list -meta no=7": (0.4, ("job", "list", "--metadata", "no=7")),
    "jf job list --sort db_id": (0.2, ("job", "list", "--sort", "db_id")),
    "jf job list --count": (0.4, ("job", "list", "--count")),
    "jf flow list": (0.2, ("flow", "list")),
    "jf job report": (0.7, ("job", "report")),
}
"""{what: (seconds at most more than in the small database, words)}."""


@contextmanager
def database(folder: Path, count: int) -> Iterator[tuple[JobController, Project]]:
    """Give a project whose queue holds so many jobs: one in the folder, or a new one."""
    with project("embedded", folder) as made:
        path = made.file.with_suffix("") / "queue.sqlite"
        kept = folder / f"queue-{count}.sqlite"
        if not kept.exists():
            spec = {"type": "EmbeddedStore", "path": str(path), "collection_name": "jobs"}
            with controller_of(spec) as opened:
                populate_file(opened, count, live=LIVE)
            path.rename(kept)
        for end in ("", "-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)
        path.hardlink_to(kept)
        spec = {"type": "EmbeddedStore", "path": str(path), "collection_name": "jobs"}
        with JobController(open_store(spec)) as opened:
            yield opened, made


def of_controller(table: Table, folder: Path, count: int) -> None:
    small = max(2 * LIVE, count // 100)
    with ExitStack() as stack:
        asked = {}
        for size in (small, count):
            where = folder / str(size)
            where.mkdir(exist_ok=True)
            begin = datetime.now()
            opened, _ = stack.enter_context(database(where, size))
            table.note(f"{size} jobs made in {(datetime.now() - begin).total_seconds():.0f} s")
            asked[size] = questions(opened, size)
        for what, (limit, ask) in asked[count].items():
            taken = in_turn({"large": ask, "small": asked[small][what][1]}, 3)
            by = f"of {small} jobs {1000 * taken['small']:.2f} ms"
            table.row(f"{what}, of {count}", 1000 * taken["large"], 1000 * limit, "ms", by)


def of_commands(table: Table, folder: Path, count: int) -> None:
    """Compare whole processes with those in the small database."""
    small = max(2 * LIVE, count // 100)
    with ExitStack() as stack:
        made = {
            size: stack.enter_context(database(folder / str(size), size))[1]
            for size in (small, count)
        }
        for what, (more, words) in COMMANDS.items():
            taken = in_turn({str(n): lambda p=p, w=words: p.jf(*w) for n, p in made.items()}, 3)
            by = f"{more} s more than of {small} jobs, {taken[str(small)]:.3f} s"
            table.row(f"{what}, of {count}", taken[str(count)], taken[str(small)] + more, "s", by)


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else JOBS
    table = Table("a queue of many jobs, embedded")
    with scratch() as temporary:
        folder = Path(sys.argv[2]) if len(sys.argv) > 2 else temporary
        of_controller(table, folder, count)
        of_commands(table, folder, count)
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main())
