"""Short jobs in warm processes: jobs per second, delays, use of two cores, memory.

All of it on a project as `jf quickstart` makes it, in whole processes. The limits are those for a
machine that imports jobflow in a second; on a busy or slower one they are scaled by the time that
this takes in the same run.

The chain of five jobs is run in two ways: as in daily use, where a runner is running, and a script
submits the chain and waits for it; and with a runner that is started when the script has ended, so
that jobflow is imported twice, one after the other. ``python benchmarks/throughput.py [JOBS]``
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

import psutil
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
WAIT = """
from jobflow import Flow
from controller import submit_flow
from throughput_jobs import nothing
jobs = [nothing(1)]
while len(jobs) < 5:
    jobs.append(nothing(jobs[-1].output))
ids = submit_flow(Flow(jobs))
from controller.config import ConfigManager
from controller.jobcontroller import JobController
from controller.waiting import WaitOptions, wait_for_jobs
controller = JobController.from_project(ConfigManager().get_project())
found = wait_for_jobs(controller, ids, options=WaitOptions(timeout=60))
if {each.state.value for each in found.waited} != {"COMPLETED"}:
    raise SystemExit(f"the jobs are {found.waited}")
"""
PER_SECOND = {"embedded": 100, "mongodb": 40}
BURNT = 200
CHAIN = 40


@dataclass
class Memory:
    """Memory of a runner and of its warm processes, in MB.

    Attributes
    ----------
    runner
        The largest that the runner had.
    growth
        What a warm process has grown at most since it was first seen.
    """

    runner: float = 0.0
    growth: float = 0.0
    _first: dict[int, float] = field(default_factory=dict)

    def look(self, runner: int) -> None:
        """Read what the processes have at present."""
        with suppress(psutil.Error):
            process = psutil.Process(runner)
            self.runner = max(self.runner, process.memory_info().rss / 1e6)
            for program in process.children():
                for warm in program.children():
                    now = warm.memory_info().rss / 1e6
                    self.growth = max(self.growth, now - self._first.setdefault(warm.pid, now))


def ran(made: Project) -> tuple[float, Memory]:
    """Run until idle; seconds of the whole process, and what memory it took."""
    begun, memory = time.perf_counter(), Memory()
    with subprocess.Popen(
        [JF, "runner", "run", "--until-idle"],
        env={**os.environ, **made.env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        while process.poll() is None:
            memory.look(process.pid)
            time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"the runner ended with {process.returncode}")
    return time.perf_counter() - begun, memory


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
        table.row(f"memory of the runner, {engine}", memory.runner, 130, "MB", "fixed")
        what = "at most, since it was first seen"
        table.row(f"growth of a warm process, {engine}", memory.growth, 20, "MB", what)

        measure_chain(table, made, engine, yard)

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
            ran(made)
            burnt = [job for job in completed(made) if job["name"] == "burn"]
            begun = min(datetime.fromisoformat(job["start_time"]) for job in burnt)
            ended = max(datetime.fromisoformat(job["end_time"]) for job in burnt)
            cores = min(2, os.cpu_count() or 1)
            use = BURNT * 0.05 / cores / (ended - begun).total_seconds()
            what = "from the start of the first to the end of the last"
            table.at_least("jobs of 50 ms of processor: use of the cores", 100 * use, 80, "%", what)


def measure_chain(table: Table, made: Project, engine: str, yard: float) -> None:
    """A chain of five jobs, from the start of a script until all are COMPLETED."""
    made.jf("runner", "start")
    try:
        time.sleep(5 * yard)  # a service has been running for longer
        took = statistics.median(seconds(lambda: made.python(WAIT)) for _ in "123")
    finally:
        made.jf("runner", "stop", "--wait")
    what = "import of jobflow + 1 s, scaled"
    table.row(f"chain of 5, a runner is running, {engine}", took, yard + max(yard, 1), "s", what)
    submit = seconds(lambda: made.python(SUBMIT, "5", "chain"))
    took, _ = ran(made)
    what = "twice the import of jobflow + 1 s, scaled"
    limit = 2 * yard + max(yard, 1)
    table.row(f"chain of 5, then a runner, {engine}", submit + took, limit, "s", what)
    table.note(f"the script that submits takes {submit:.2f} s of it, the runner {took:.2f} s")


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
