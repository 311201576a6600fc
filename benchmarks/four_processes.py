"""Four processes claim and complete 2,000 jobs that do nothing; no worker process is started.

They lock, record and release as a runner does, in batches, and as scripts do with `lock_job_flow`,
one by one. No job may be claimed twice, and all flows have to be COMPLETED at the end.
``python benchmarks/four_processes.py [NUMBER OF JOBS]``
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from measuring import PYTHON, Table, controller_of, engines, populate, scratch, store

from controller.states import FlowState, JobState

PROCESSES = 4
LEAST = {"in batches": 200, "one by one": 70}
"""Completions per second, of all processes together. One by one those of a flow wait for each
other."""
BEGIN = """
import json, sys, time
from controller.jobcontroller import JobController
from controller.operations.claims import claim_jobs
from controller.operations.completion import EndedJob, Ending
from controller.operations.endings import record_ends
from controller.operations.batch_steps import take_steps
from controller.operations.steps import RetryPolicy
from controller.runner.limits import CLAIMS_PER_ROUND
from controller.states import JobState
from controller.storage.opening import open_store

done = []
"""
IN_BATCHES = """
retries = RetryPolicy(3, [30])

def step(jobs):
    ended = [EndedJob(job, Ending({})) for job in jobs]
    answers = record_ends(controller.queue, ended, prefix=None)
    return {k: a if isinstance(a, Exception) else {} for k, a in answers.items()}

with JobController(open_store(json.loads(sys.argv[1]))) as controller:
    print("ready", flush=True)
    sys.stdin.readline()
    while True:
        mine = [uuid for uuid, _ in claim_jobs(controller.queue, limit=CLAIMS_PER_ROUND)]
        if not mine and not controller.count_jobs(states=JobState.READY):
            break
        done += mine
        query = {"uuid": {"$in": mine}, "state": "CHECKED_OUT"}
        while outcomes := take_steps(controller.queue, query, step, retries, limit=len(mine)):
            if any(outcome.error for outcome in outcomes):
                time.sleep(0.002)  # another process completes jobs of this flow
print(json.dumps(done))
"""
ONE_BY_ONE = """
wait = {"sleep": 0.002, "max_wait": 60}  # for the flow, while another of its jobs is completed
with JobController(open_store(json.loads(sys.argv[1]))) as controller:
    print("ready", flush=True)
    sys.stdin.readline()
    while claimed := controller.checkout_job():
        uuid, index = claimed
        with controller.lock_job_flow(
            job_id=uuid, job_index=index, flow_lock_kwargs=wait
        ) as (job, flow):
            controller.checkin_job(job.locked_document, flow.locked_document, {})
        done.append(uuid)
print(json.dumps(done))
"""


WORK = {"in batches": BEGIN + IN_BATCHES, "one by one": BEGIN + ONE_BY_ONE}


def measure(table: Table, engine: str, folder: Path, count: int, how: str) -> None:
    with store(engine, folder) as spec, controller_of(spec) as opened:
        populate(opened, count, state=JobState.READY)
        workers = [
            subprocess.Popen(
                [PYTHON, "-c", WORK[how], json.dumps(spec)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(PROCESSES)
        ]
        for worker in workers:
            assert worker.stdout is not None
            worker.stdout.readline()
        start = time.perf_counter()
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        answers = [worker.communicate()[0] for worker in workers]
        if any(worker.returncode for worker in workers):
            raise SystemExit("a process failed")
        done = [json.loads(answer) for answer in answers]
        taken = time.perf_counter() - start
        completed = opened.count_jobs(states=JobState.COMPLETED)
        flows = opened.count_flows(states=FlowState.COMPLETED)
    times = Counter(uuid for each in done for uuid in each)
    table.at_least(
        f"{PROCESSES} processes, {count} jobs, {engine}, {how}",
        completed / taken,
        LEAST[how],
        "/s",
        f"{taken:.1f} s; jobs per process {', '.join(str(len(each)) for each in done)}",
    )
    wrong = sum(n - 1 for n in times.values()) + count - completed + -(-count // 100) - flows
    table.row("claimed twice, or not completed", wrong, 0.5, "", "none may be")


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    table = Table("completions per second by several processes")
    for engine in engines():
        for how in WORK:
            with scratch() as folder:
                measure(table, engine, folder, count, how)
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main())
