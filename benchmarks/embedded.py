"""The embedded engine: claims, locks, lists and counts through the JobController.

``python benchmarks/embedded.py [NUMBER OF JOBS]``
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

from measuring import PYTHON, Table, controller, in_turn, job_uuid, populate, scratch, seconds

from controller.documents import new_flow_document
from controller.jobcontroller import JobController
from controller.locks import MongoLock
from controller.states import JobState

FLOW_SIZES = (10, 1_000, 10_000)
BYTES = (1_000, 200_000)
WAIT_LIMIT = 0.1
STORE_BIG = """
import sys
from controller.storage.embedded import open_database
outputs = open_database(sys.argv[1]).collection("outputs")
print("go", flush=True)
for n in range(3):
    outputs.insert_one({"uuid": str(n), "output": "x" * 50_000_000})
"""
LISTED = {"sort": [("updated_on", -1)], "limit": 100}


def many(table: Table, folder: Path, count: int) -> None:
    with controller("embedded", folder) as opened:
        load = seconds(lambda: populate(opened, count))
        states = [JobState.READY, JobState.FAILED]
        one = {"uuid": job_uuid(7), "index": 1}
        taken = in_turn(
            {
                "claim": opened.checkout_job,
                "newest": lambda: opened.get_jobs_info(**LISTED),
                "newest of a state": lambda: opened.get_jobs_info(states=states[1], **LISTED),
                "count": lambda: opened.count_jobs(states=states),
                "count states": lambda: opened.count_jobs_states(list(JobState)),
                "yardstick": lambda: opened.jobs.find_one(one),
            }
        )
    yard = (
        f"one job by its uuid {1000 * taken['yardstick']:.2f} ms; {count} jobs made in {load:.0f} s"
    )
    rows = {
        "claim": ("claim the next", 5),
        "newest": ("get_jobs_info(limit=100), newest", 20),
        "newest of a state": ("the same, of one state", 20),
        "count": ("count_jobs(states=two)", 30),
        "count states": ("count_jobs_states(all)", 30),
    }
    for name, (what, limit) in rows.items():
        table.row(f"{what} of {count}", 1000 * taken[name], limit, "ms", yard)


def add_flow_document(opened: JobController, size: int) -> str:
    uuid = f"flow of {size}"
    jobs = [f"{n:036}" for n in range(size)]
    opened.flows.insert_one(
        new_flow_document(
            uuid=uuid,
            name=uuid,
            metadata={},
            ids=[(str(n), job, 1) for n, job in enumerate(jobs)],
            parents={job: {"1": jobs[max(0, n - 1) : n]} for n, job in enumerate(jobs)},
            now=datetime(2026, 1, 1),
        )
    )
    return uuid


def flows(table: Table, folder: Path) -> None:
    """Lock, read the scalar fields of, and release a flow."""

    def turn(opened: JobController, uuid: str) -> Callable[[], None]:
        def lock_and_release() -> None:
            with MongoLock(opened.flows, {"uuid": uuid}, projection=["state", "name"]) as lock:
                assert lock.locked_document is not None

        return lock_and_release

    with controller("embedded", folder) as opened:
        turns = {str(size): turn(opened, add_flow_document(opened, size)) for size in FLOW_SIZES}
        taken = {size: 1000 * each for size, each in in_turn(turns, 41).items()}
    smallest, middle, largest = (taken[str(size)] for size in FLOW_SIZES)
    table.row(
        f"lock, read, release a flow of {FLOW_SIZES[-1]} jobs",
        largest,
        2 * smallest,
        "ms",
        f"2 x a flow of {FLOW_SIZES[0]} ({smallest:.2f} ms); of {FLOW_SIZES[1]} {middle:.2f} ms",
    )


def sizes(table: Table, folder: Path) -> None:
    """Let the size of the jobs' arguments grow."""

    def turns(opened: JobController, size: int) -> dict[str, Callable[[], object]]:
        def lock_and_release() -> None:
            query, fields = {"uuid": job_uuid(500)}, ["state"]
            with MongoLock(opened.jobs, query, projection=fields) as lock:
                assert lock.locked_document is not None

        actions: dict[str, Callable[[], object]] = {
            "claim": opened.checkout_job,
            "lock and release": lock_and_release,
            "list newest 100": lambda: opened.get_jobs_info(**LISTED),
            "count by state": lambda: opened.count_jobs_states(list(JobState)),
        }
        return {f"{name} {size}": action for name, action in actions.items()}

    with ExitStack() as stack:
        together: dict[str, Callable[[], object]] = {}
        for size in BYTES:
            opened = stack.enter_context(controller("embedded", folder))
            populate(opened, 1000, size=size)
            together |= turns(opened, size)
        taken = in_turn(together, 21)
    for name in ("claim", "lock and release", "list newest 100", "count by state"):
        small, large = (1000 * taken[f"{name} {size}"] for size in BYTES)
        table.row(
            f"{name}, 1,000 jobs of 200 kB", large, 2 * small, "ms", f"2 x of 1 kB ({small:.2f} ms)"
        )


def beside_big_output(table: Table, folder: Path) -> None:
    """Claim jobs while another process stores outputs of 50 MB."""
    with controller("embedded", folder) as opened:
        populate(opened, 20_000, state=JobState.READY)
        alone = in_turn({"claim": opened.checkout_job}, 21)["claim"]
        storing = subprocess.Popen(
            [PYTHON, "-c", STORE_BIG, str(folder / "outputs.sqlite")], stdout=subprocess.PIPE
        )
        assert storing.stdout is not None
        storing.stdout.readline()
        longest, claims = 0.0, 0
        while storing.poll() is None:
            longest, claims = max(longest, seconds(opened.checkout_job)), claims + 1
            time.sleep(0.005)
        storing.stdout.close()
    table.row(
        "longest claim while 50 MB outputs are stored",
        1000 * longest,
        1000 * WAIT_LIMIT,
        "ms",
        f"alone {1000 * alone:.1f} ms; {claims} claims, three outputs",
    )


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    table = Table("the embedded engine")
    with scratch() as folder:
        many(table, folder, count)
        flows(table, folder)
        sizes(table, folder)
        beside_big_output(table, folder)
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main())
