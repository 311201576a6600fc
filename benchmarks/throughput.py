"""Short jobs in warm processes: jobs per second, delays, use of two cores, memory.

All of it on a project as `jf quickstart` makes it, in whole processes. The limits are those for a
machine that imports jobflow in a second; on a busy or slower one they are scaled by the time that
this takes in the same run. ``python benchmarks/throughput.py [JOBS]``
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from measuring import JF, PYTHON, Project, Table, engines, project, run, scratch, seconds

JOBS = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
MODULE = """
import time
from jobflow import job
@job
def nothing(a):
    return a
@job
def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
"""
SUBMIT = """
import sys
from jobflow import Flow
from controller import submit_flow
from throughput_jobs import burn, nothing
count, what = int(sys.argv[1]), sys.argv[2]
if what == "chain":
    jobs = [nothing(1)]
    while len(jobs) < count:
        jobs.append(nothing(jobs[-1].output))
    submit_flow(Flow(jobs))
else:
    for start in range(0, count, 50):
        some = range(min(50, count - start))
        submit_flow(Flow([burn(0.05) if what == "burn" else nothing(n) for n in some]))
"""
PER_SECOND = {"embedded": 100, "mongodb": 40}
BURNT = 200
CHAIN = 40


def memory_of(pid: int) -> float:
    """Resident memory of a process in MB; 0 where the system does not tell."""
    try:
        return (
            int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6
        )
    except (OSError, ValueError, IndexError):
        return 0.0


def ran(made: Project) -> tuple[float, float]:
    """Run until idle; seconds of the whole process, and its largest memory in MB."""
    begun, peak = time.perf_counter(), 0.0
    with subprocess.Popen(
        [JF, "runner", "run", "--until-idle"],
        env={**os.environ, **made.env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        while process.poll() is None:
            peak = max(peak, memory_of(process.pid))
            time.sleep(0.02)
    if process.returncode:
        raise SystemExit(f"the runner ended with {process.returncode}")
    return time.perf_counter() - begun, peak


def completed(made: Project) -> list[dict[str, Any]]:
    words = ["--format", "json", "job", "list", "--max-results", "0", "-s", "COMPLETED", "-v"]
    return json.loads(made.jf(*words))  # type: ignore[no-any-return]


def measure(table: Table, engine: str) -> None:
    with scratch() as folder, project(engine, folder, {"throughput_jobs": MODULE}) as made:
        yard = statistics.median(
            seconds(lambda: run(PYTHON, "-c", "import jobflow")) for _ in "123"
        )
        made.python(SUBMIT, str(JOBS), "nothing")
        took, memory = ran(made)
        if (count := len(completed(made))) != JOBS:
            raise SystemExit(f"{count} jobs of {JOBS} are COMPLETED")
        scale = f"{PER_SECOND[engine]} at 1 s for the import of jobflow, which took {yard:.2f} s"
        least = PER_SECOND[engine] / max(yard, 1.0)
        table.at_least(f"{JOBS} no-op jobs, {engine}", JOBS / took, least, "/s", scale)
        table.row(f"memory of the runner, {engine}", memory, 130, "MB", "fixed")

        submit = seconds(lambda: made.python(SUBMIT, "5", "chain"))
        took, _ = ran(made)
        what = "import of jobflow, for the submission and for the runner, + 1 s"
        table.row(f"chain of 5, {engine}", submit + took, 2 * yard + 1, "s", what)

        made.python(SUBMIT, str(CHAIN), "chain")
        took, _ = ran(made)
        delays = sorted(delays_between(completed(made)[:CHAIN]))
        median, late = delays[len(delays) // 2], delays[len(delays) * 99 // 100]
        table.row(
            f"end of a job to start of its child, {engine}",
            1000 * median,
            15 * max(yard, 1),
            "ms",
            scale,
        )
        table.row(f"the same, 99 %, {engine}", 1000 * late, 60 * max(yard, 1), "ms", scale)

        if engine == "embedded":
            made.python(SUBMIT, str(BURNT), "burn")
            took, _ = ran(made)
            cores = min(2, os.cpu_count() or 1)
            use = BURNT * 0.05 / cores / max(took - yard, 0.001)
            table.at_least(
                "jobs of 50 ms of processor: use of the cores",
                100 * use,
                80,
                "%",
                "without the start",
            )


def delays_between(jobs: list[dict[str, Any]]) -> list[float]:
    """Seconds between the end of each job of a chain and the start of the next."""
    times = sorted(
        (datetime.fromisoformat(job["start_time"]), datetime.fromisoformat(job["end_time"]))
        for job in jobs
    )
    return [(after[0] - before[1]).total_seconds() for before, after in pairwise(times)]


def main() -> int:
    table = Table("short jobs in warm processes")
    for engine in engines():
        measure(table, engine)
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main())
