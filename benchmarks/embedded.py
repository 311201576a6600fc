"""The embedded engine: claims, locks, lists and counts, as ratios between sizes in one run."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from controller.storage.embedded import EmbeddedDatabase, open_database
from controller.storage.indexes import FLOW_INDEXES, JOB_INDEXES, build_indexes

START = datetime(2026, 1, 1)
LIST = ["db_id", "uuid", "index", "state", "job.name", "job.hosts", "job.metadata"]
BIG = """
import sys
from controller.storage.embedded import open_database
outputs = open_database(sys.argv[1]).collection("outputs")
print("go", flush=True)
for n in range(3):
    outputs.insert_one({"uuid": str(n), "output": "x" * 50_000_000})
"""


def job(n: int, size: int = 1000, flow: str | None = None) -> dict[str, Any]:
    return {
        "uuid": f"u{n}",
        "index": 1,
        "db_id": str(n),
        "state": ("READY", "WAITING", "COMPLETED", "COMPLETED", "FAILED")[n % 5],
        "lock_id": None,
        "created_on": START + timedelta(seconds=n),
        "updated_on": START + timedelta(seconds=n * 7919 % 1_000_003),
        "priority": n % 3,
        "worker": "local",
        "parents": [f"u{n - 1}"] if n % 3 else [],
        "remote": {"process_id": str(n), "retry_time_limit": None},
        "job": {
            "name": f"job {n}",
            "hosts": [flow or f"f{n // 100}"],
            "metadata": {},
            "function_args": ["x" * size],
        },
    }


def milliseconds(action: Callable[[], object], times: int = 9) -> float:
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        action()
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken)


def claim(jobs: Any) -> object:
    return jobs.find_one_and_update(
        {"state": "READY", "lock_id": None},
        {"$set": {"state": "CHECKED_OUT"}},
        ["uuid"],
        sort=[("priority", -1), ("created_on", 1)],
    )


def many(database: EmbeddedDatabase) -> None:
    jobs = database.collection("jobs")
    build_indexes(jobs, JOB_INDEXES)
    for first in range(0, 100_000, 2000):
        jobs.insert_many([job(n) for n in range(first, first + 2000)])
    print(f"claim the next of 100,000: {milliseconds(lambda: claim(jobs)):.2f} ms")
    newest = milliseconds(lambda: list(jobs.find({}, LIST, sort=[("updated_on", -1)], limit=100)))
    print(f"newest 100 of 100,000: {newest:.1f} ms")
    count = milliseconds(lambda: jobs.count_documents({"state": "READY"}))
    print(f"count one state of 100,000: {count:.1f} ms")


def flows(database: EmbeddedDatabase) -> None:
    collection = database.collection("flows")
    build_indexes(collection, FLOW_INDEXES)
    taken = {}
    for size in (10, 1000, 10_000):
        uuid = f"flow {size}"
        collection.insert_one(
            {
                "uuid": uuid,
                "name": uuid,
                "state": "READY",
                "lock_id": None,
                "jobs": [f"u{n}" for n in range(size)],
                "ids": [[str(n), f"u{n}", 1] for n in range(size)],
                "parents": {f"u{n}": {"1": [f"u{n - 1}"]} for n in range(size)},
            }
        )

        def lock_and_release(uuid: str = uuid) -> None:
            collection.find_one_and_update(
                {"uuid": uuid, "lock_id": None}, {"$set": {"lock_id": "x"}}, ["state", "name"]
            )
            collection.update_one({"uuid": uuid, "lock_id": "x"}, {"$set": {"lock_id": None}})

        taken[size] = milliseconds(lock_and_release, 21)
    each = ", ".join(f"{size}: {ms:.2f} ms" for size, ms in taken.items())
    print(f"lock, read, release a flow of {each}; last / first {taken[10_000] / taken[10]:.1f}")


def actions_on(jobs: Any) -> dict[str, Callable[[], object]]:
    group = [{"$group": {"_id": "$state", "n": {"$sum": 1}}}]
    return {
        "claim": lambda: claim(jobs),
        "list 100": lambda: list(jobs.find({}, LIST, sort=[("updated_on", -1)], limit=100)),
        "count by state": lambda: list(jobs.aggregate(group)),
    }


def sizes(database: EmbeddedDatabase) -> None:
    taken: dict[str, list[float]] = {}
    for size in (1000, 200_000):
        jobs = database.collection(f"jobs{size}")
        build_indexes(jobs, JOB_INDEXES)
        jobs.insert_many([job(n, size, "f") for n in range(1000)])
        for name, action in actions_on(jobs).items():
            taken.setdefault(name, []).append(milliseconds(action))
    for name, (small, large) in taken.items():
        print(
            f"{name}, 1,000 jobs of 1 kB {small:.2f} ms, of 200 kB {large:.2f} ms: "
            f"{large / small:.1f} x"
        )


def beside_big_output(folder: Path) -> None:
    queue = open_database(folder / "queue.sqlite").collection("jobs")
    build_indexes(queue, JOB_INDEXES)
    queue.insert_many([job(n) for n in range(5000)])
    alone = milliseconds(lambda: claim(queue), 21)
    storing = subprocess.Popen(
        [sys.executable, "-c", BIG, str(folder / "outputs.sqlite")], stdout=subprocess.PIPE
    )
    assert storing.stdout is not None
    storing.stdout.readline()
    longest = 0.0
    while storing.poll() is None:
        longest = max(longest, milliseconds(lambda: claim(queue), 1))
        time.sleep(0.005)
    print(f"claim while 50 MB outputs are stored: longest {longest:.0f} ms (alone {alone:.1f} ms)")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        many(open_database(folder / "many.sqlite"))
        flows(open_database(folder / "flows.sqlite"))
        sizes(open_database(folder / "sizes.sqlite"))
        beside_big_output(folder)
