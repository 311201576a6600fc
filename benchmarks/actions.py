"""Actions on many jobs: pause, resume, stop, set a priority, rerun, delete.

Embedded: the time, with small and with large jobs, and of one job in a large flow. MongoDB's wire
(JFR_TEST_MONGO_URI): the number of commands. All jobs of a large flow: `large_flow`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from measuring import Table, controller, engines, populate, scratch, seconds, usual
from wire import Listener

from controller.jobcontroller import JobController
from controller.states import JobState

JOBS, SECONDS, COMMANDS = 1_000, 1.0, 60
LARGE_FLOW, MILLISECONDS = 10_000, 20.0
DELETED_FLOWS, DELETE_SECONDS = 100, 3.0
BYTES = (1_000, 200_000)


def steps(opened: JobController) -> dict[str, Callable[[], list[str]]]:
    """Actions, each of which finds all jobs in a state that it accepts."""
    return {
        "pause": opened.pause_jobs,
        "resume": opened.resume_jobs,
        "set priority": lambda: opened.set_job_run_properties(priority=7),
        "stop": opened.stop_jobs,
        "rerun with force": lambda: opened.rerun_jobs(force=True),
    }


def many(table: Table, folder: Path) -> None:
    """1,000 jobs in 10 flows."""
    for size in BYTES:
        with controller("embedded", folder) as opened:
            populate(opened, JOBS, size=size, state=JobState.READY)
            yard = seconds(lambda: list(opened.jobs.find({}, ["db_id", "state"])))
            for name, act in steps(opened).items():
                changed: list[str] = []
                taken = seconds(lambda act=act, changed=changed: changed.extend(act()))
                assert len(changed) == JOBS, (name, len(changed))
                what = f"{name} {JOBS} jobs of {size} bytes"
                table.row(what, taken, SECONDS, "s", f"reading them {1000 * yard:.0f} ms")


def commands(table: Table, folder: Path) -> None:
    """The same, in commands on MongoDB's wire."""
    listener = Listener()
    with controller("mongodb", folder, event_listeners=[listener]) as opened:
        populate(opened, JOBS, state=JobState.READY)
        for name, act in steps(opened).items():
            listener.reset()
            assert len(act()) == JOBS
            yard = "jobflow-remote 1.0.1 pauses as many with 7,002"
            table.row(f"{name} {JOBS} jobs, commands", len(listener.names), COMMANDS, "", yard)


def one_of_many(table: Table, folder: Path) -> None:
    """One job of a large flow."""
    with controller("embedded", folder) as small, controller("embedded", folder) as large:
        sizes = {10: small, LARGE_FLOW: large}
        times: dict[int, list[float]] = {size: [] for size in sizes}
        for size, opened in sizes.items():
            populate(opened, size, state=JobState.READY, per_flow=size)
        for number in range(1, 10):
            for size, opened in sizes.items():
                times[size].append(seconds(partial(opened.pause_job, db_id=str(number))))
    yard = f"of a flow of 10: {1000 * usual(times[10]):.1f} ms"
    taken = 1000 * usual(times[LARGE_FLOW])
    table.row(f"pause one job of a flow of {LARGE_FLOW}", taken, MILLISECONDS, "ms", yard)


def deletion(table: Table, folder: Path) -> None:
    """100 flows of 100 jobs."""
    with controller("embedded", folder) as opened:
        count = 100 * DELETED_FLOWS
        load = seconds(lambda: populate(opened, count))
        taken = seconds(lambda: opened.delete_flows(max_limit=0))
        assert opened.count_jobs() == opened.count_flows() == 0
    yard = f"inserting them {load:.1f} s"
    table.row(f"delete {DELETED_FLOWS} flows of 100 jobs", taken, DELETE_SECONDS, "s", yard)


def main() -> int:
    """Measure all rows."""
    table = Table("Actions on many jobs")
    with scratch() as folder:
        many(table, folder)
        one_of_many(table, folder)
        deletion(table, folder)
        if "mongodb" in engines():
            commands(table, folder)
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main())
