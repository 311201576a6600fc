"""Short jobs through one pilot on a Slurm of this machine, from submission until all are COMPLETED.

``python benchmarks/pilots.py [JOBS]``; the figures include the start of the pilot and of its warm
processes. The yardstick is the same jobs, fewer of them, each in an interpreter of its own.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from measuring import PYTHON, Table, scratch

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "integration" / "runner")]

from clusters import slurm  # noqa: E402
from jobflow import Flow  # noqa: E402
from runner_jobs import add  # noqa: E402

from controller.config import Project  # noqa: E402
from controller.jobcontroller import JobController  # noqa: E402
from controller.runner import Runner  # noqa: E402
from controller.states import JobState  # noqa: E402

JOBS, COLD_JOBS = 1000, 10
WANTED = 40.0
DEADLINE = 400.0


def project(folder: Path, *, warm: bool) -> Project:
    """Describe a project with a batch worker on Slurm, two jobs at once in one pilot."""
    queue = {"type": "EmbeddedStore", "path": str(folder / "queue.sqlite")}
    outputs = {"type": "EmbeddedStore", "path": str(folder / "outputs.sqlite")}
    worker: dict[str, Any] = {
        "type": "local",
        "scheduler_type": "slurm",
        "work_dir": str(folder / "work"),
        "resources": {"ntasks": 1, "partition": "main"},
        "pre_run": f"export PATH='{Path(PYTHON).parent}':$PATH",
        "max_jobs": 1,
        "batch": {
            "jobs_handle_dir": str(folder / "pool"),
            "work_dir": str(folder / "pilots"),
            "parallel_jobs": 2,
            "max_wait": 5,
            "warm": warm,
        },
    }
    return Project.model_validate(
        {
            "name": "bench",
            "base_dir": str(folder),
            "workers": {"pilots": worker},
            "queue": {"store": {**queue, "collection_name": "jobs"}},
            "jobstore": {"docs_store": {**outputs, "collection_name": "outputs"}},
        }
    )


def per_second(folder: Path, jobs: int, *, warm: bool) -> float:
    """Run jobs; returns how many a second."""
    described = project(folder, warm=warm)
    with JobController.from_project(described) as controller:
        controller.reset()
        for first in range(0, jobs, 100):
            flow = Flow([add(n, 1) for n in range(first, min(first + 100, jobs))])
            controller.add_flow(flow, "pilots")
        runner = Runner(project=described, log_level="error")
        begun = time.perf_counter()
        try:
            runner.run_until_idle(DEADLINE)
        finally:
            runner.cleanup()
        taken = time.perf_counter() - begun
        done = controller.count_jobs(states=JobState.COMPLETED)
        if done != jobs:
            raise SystemExit(f"{done} of {jobs} jobs are COMPLETED")
        (batch,) = controller.get_batches()
        activity = batch.activity or {}
        print(f"    {jobs} jobs in {taken:.1f} s: pilot {activity}", flush=True)
    return jobs / taken


def main() -> int:
    """Measure."""
    jobs = int(sys.argv[1]) if len(sys.argv) > 1 else JOBS
    table = Table("Jobs through one pilot, parallel_jobs 2")
    with scratch() as folder, slurm(folder / "slurm") as configuration:
        os.environ["SLURM_CONF"] = configuration
        os.environ["PYTHONPATH"] = str(ROOT / "tests" / "integration" / "runner")
        cold = per_second(folder / "cold", min(COLD_JOBS, jobs), warm=False)
        warm = per_second(folder / "warm", jobs, warm=True)
        table.at_least("jobs per second, warm", warm, WANTED, "/s", f"cold: {cold:.2f} /s")
    return table.end()


if __name__ == "__main__":
    sys.exit(main())
