"""Actions on many jobs: pause, resume, stop, set a priority, rerun, delete.

Embedded: the time, with small and with large jobs, and of one job in a large flow. MongoDB's wire
(JFR_TEST_MONGO_URI): the number of commands. ``python benchmarks/actions.py``
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from measuring import Table, controller, engines, populate, scratch, seconds
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)

from controller.documents import new_flow_document, new_job_document
from controller.jobcontroller import JobController
from controller.states import JobState

JOBS, SECONDS, COMMANDS = 1_000, 1.0, 60
LARGE_FLOW, MILLISECONDS = 10_000, 20.0
DELETED_FLOWS, DELETE_SECONDS = 100, 3.0
BYTES = (1_000, 200_000)


class Counter(CommandListener):
    """Counts commands."""

    def __init__(self) -> None:
        self.count = 0

    def started(self, event: CommandStartedEvent) -> None:
        """Count what is work."""
        self.count += event.command_name not in ("hello", "ping", "endSessions")

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Do nothing."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Do nothing."""


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
    counter = Counter()
    with controller("mongodb", folder, event_listeners=[counter]) as opened:
        populate(opened, JOBS, state=JobState.READY)
        for name, act in steps(opened).items():
            counter.count = 0
            assert len(act()) == JOBS
            yard = "jobflow-remote 1.0.1 pauses as many with 7,002"
            table.row(f"{name} {JOBS} jobs, commands", counter.count, COMMANDS, "", yard)


def one_of_many(table: Table, folder: Path) -> None:
    """One job of a large flow."""
    with controller("embedded", folder) as opened:
        add_flow(opened, "small", 10)
        add_flow(opened, "large", LARGE_FLOW)
        times: dict[str, list[float]] = {"small": [], "large": []}
        for number in range(9):
            for flow, taken in times.items():
                taken.append(seconds(lambda f=flow, n=number: opened.pause_job(db_id=f"{f}{n}")))
    small, large = (1000 * sorted(taken)[len(taken) // 4] for taken in times.values())
    yard = f"of a flow of 10: {small:.1f} ms"
    table.row(f"pause one job of a flow of {LARGE_FLOW}", large, MILLISECONDS, "ms", yard)


def add_flow(opened: JobController, name: str, size: int) -> None:
    """Add a flow of independent jobs whose db_ids begin with its name."""

    def body(number: int) -> dict[str, Any]:
        return {
            "uuid": f"{name} {number}",
            "index": 1,
            "name": name,
            "hosts": [name],
            "metadata": {},
            "config": {},
        }

    opened.jobs.insert_many(
        [
            new_job_document(
                body(n), db_id=f"{name}{n}", parents=[], state=JobState.READY, worker="w"
            )
            for n in range(size)
        ]
    )
    ids = [(f"{name}{n}", f"{name} {n}", 1) for n in range(size)]
    parents: dict[str, dict[str, list[str]]] = {uuid: {"1": []} for _, uuid, _ in ids}
    opened.flows.insert_one(
        new_flow_document(uuid=name, name=name, metadata={}, ids=ids, parents=parents)
    )


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
