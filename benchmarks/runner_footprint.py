"""What a runner costs while it has nothing to do, and after it has run jobs: memory and load."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

SCRIPT = """
import json, os, resource, sys, time
from jobflow import Flow
from controller import JobController
from controller.runner import Runner
from footprint_jobs import add, big

def megabytes():
    with open("/proc/self/statm") as stream:
        return int(stream.read().split()[1]) * resource.getpagesize() / 1e6

with JobController.from_project_name() as controller:
    import jobflow, maggma.stores, qtoolkit.io
    runner = Runner(log_level="error")
    runner.context.project.get_jobstore()
    start = megabytes()
    controller.add_flow(Flow([add(n, 1) for n in range(int(sys.argv[1]))]), "local")
    controller.add_flow(big(), "local")
    runner.run_until_idle()
    after = megabytes()
    before, began = time.process_time(), time.monotonic()
    while time.monotonic() - began < 10:
        if not runner._guarded_round():
            runner._sleep()
    load = (time.process_time() - before) / (time.monotonic() - began)
    print(json.dumps({"start": start, "after": after, "load": load}))
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


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "footprint_jobs.py").write_text(JOBS)
        (folder / "settings.yaml").touch()
        env = {
            **os.environ,
            "JFREMOTE_PROJECTS_FOLDER": str(folder / "projects"),
            "JFREMOTE_CONFIG_FILE": str(folder / "settings.yaml"),
            "PYTHONPATH": os.pathsep.join([name, os.environ.get("PYTHONPATH", "")]),
        }
        jf = str(Path(sys.executable).with_name("jf"))
        subprocess.run([jf, "quickstart"], env=env, check=True, capture_output=True)
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(count)], env=env, check=True, capture_output=True
        )
        found = json.loads(done.stdout.splitlines()[-1])
        print(
            f"memory after imports {found['start']:.0f} MB, after {count} jobs and a 50 MB output "
            f"{found['after']:.0f} MB; idle load {100 * found['load']:.2f} % of a core "
            f"(page size {resource.getpagesize()})"
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
