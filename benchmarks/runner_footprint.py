"""What a runner costs after it has run jobs and while it has nothing to do: memory and load.

The jobs are real: each starts a process that imports jobflow, so that 1,000 of them take six
minutes and more. ``python benchmarks/runner_footprint.py [NUMBER OF JOBS]``
"""

from __future__ import annotations

import json
import sys

from measuring import Table, project, scratch

GROWTH_MB, TOTAL_MB, LOAD = 30, 130, 1.0
SUBMIT = """
import sys
from jobflow import Flow
from controller import JobController
from footprint_jobs import add, big
with JobController.from_project_name() as controller:
    controller.add_flow(Flow([add(n, 1) for n in range(int(sys.argv[1]))]), "local")
    controller.add_flow(big(), "local")
"""
SCRIPT = """
import json, resource, time
from controller import JobController
from controller.runner import Runner

def megabytes():
    with open("/proc/self/statm") as stream:
        return int(stream.read().split()[1]) * resource.getpagesize() / 1e6

with JobController.from_project_name() as controller:
    import jobflow, maggma.stores, qtoolkit.io
    runner = Runner(log_level="error")
    runner.context.project.get_jobstore()
    start = megabytes()
    runner.run_until_idle()
    after = megabytes()
    before, began = time.process_time(), time.monotonic()
    while time.monotonic() - began < 10:
        if not runner._outage.attempt(runner._round):
            runner._sleeper.sleep()
    load = 100 * (time.process_time() - before) / (time.monotonic() - began)
    done = controller.count_jobs(states="COMPLETED")
    print(json.dumps({"start": start, "after": after, "load": load, "done": done}))
"""
JOBS = """
from jobflow import job
@job
def add(a, b):
    return a + b
@job
def big():
    return "x" * 50_000_000
"""


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    table = Table("the runner")
    with scratch() as folder, project("embedded", folder, {"footprint_jobs": JOBS}) as made:
        made.python(SUBMIT, str(count))
        found = json.loads(made.python(SCRIPT).splitlines()[-1])
    if found["done"] != count + 1:
        raise SystemExit(f"{found['done']} of {count + 1} jobs are COMPLETED")
    grown = found["after"] - found["start"]
    what = f"after {count} jobs and an output of 50 MB"
    table.row(f"memory, {what}", found["after"], TOTAL_MB, "MB", "of the process, shared pages too")
    table.row("growth of memory", grown, GROWTH_MB, "MB", f"after imports {found['start']:.0f} MB")
    table.row("idle load", found["load"], LOAD, "%", "of a core, over 10 s")
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main())
