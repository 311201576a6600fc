"""The runner as a service: how fast it starts, stops and is taken over, and what it costs idle.

``python benchmarks/service.py [start] [scrape] [day] [--idle SECONDS] [--day SHARE] [--mongo URI]``
prints one line for each number and what it must be. Without a server it uses the embedded engine.
``--day 1`` simulates 10,000 jobs, 100 times the project file read again, 50 lost connections and 20
jumps of the clock; without it a fiftieth of that. Takes about three minutes; nothing else should
run on the machine.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml
from service_day import day, scrapes

ROWS = ["start", "scrape", "day"]
STARTS = 3
JF = str(Path(sys.executable).with_name("jf"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("rows", nargs="*", choices=[*ROWS, []], default=[])
    parser.add_argument("--idle", type=float, default=20.0, metavar="SECONDS")
    parser.add_argument("--day", type=float, default=0.02, metavar="SHARE")
    parser.add_argument("--mongo", metavar="URI")
    given = parser.parse_args()
    rows = given.rows or ROWS
    if "start" in rows:
        measure_service(given.idle, given.mongo)
    if "scrape" in rows:
        for figure in scrapes():
            say(*figure)
    if "day" in rows:
        for figure in day(given.day):
            say(*figure)


def measure_service(idle: float, uri: str | None) -> None:
    """Take the numbers of one service."""
    with tempfile.TemporaryDirectory(prefix="jfr-service-") as folder:
        project = make_project(Path(folder), uri)
        os.environ["JFREMOTE_PROJECTS_FOLDER"] = str(project.parent)
        jf("admin", "reset", "--yes")
        try:
            measure(idle)
        finally:
            subprocess.run([JF, "runner", "kill"], check=False, capture_output=True)


def make_project(folder: Path, uri: str | None) -> Path:
    """Write a project with a local worker and one behind SSH that is never reached."""

    def store(name: str) -> dict[str, Any]:
        if uri is not None:
            return {
                "type": "MongoURIStore",
                "uri": uri,
                "database": f"jfr_service_{uuid4().hex[:8]}",
                "collection_name": name,
            }
        path = str(folder / f"{name}.sqlite")
        return {"type": "EmbeddedStore", "path": path, "collection_name": name}

    local = {"type": "local", "scheduler_type": "shell", "work_dir": str(folder / "work")}
    remote = {
        "type": "remote",
        "host": "127.0.0.1",
        "port": 1,
        "scheduler_type": "slurm",
        "work_dir": "/tmp/work",
    }
    content = {
        "name": "bench",
        "base_dir": str(folder / "base"),
        "workers": {"local": {**local, "max_jobs": 2}, "far": remote},
        "queue": {"store": store("jobs")},
        "jobstore": {"docs_store": store("outputs")},
    }
    path = folder / "projects" / "bench.yaml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def jf(*words: str) -> float:
    """Run a command; returns the seconds it took."""
    begun = time.monotonic()
    subprocess.run([JF, *words], check=True, capture_output=True)
    return time.monotonic() - begun


def measure(idle: float) -> None:
    """Take all numbers and print each."""
    from controller.config import ConfigManager
    from controller.examples import add
    from controller.jobcontroller import JobController

    project = ConfigManager().get_project("bench")
    with JobController.from_project(project) as controller:
        starts = []
        for number in range(STARTS):
            if number:
                jf("runner", "stop", "--wait")
            (db_id,) = controller.add_flow(add(1, 2), "local")
            starts.append(first_claim(controller, db_id))
            wait_for(lambda: state_of(controller, db_id) == "COMPLETED")  # noqa: B023
        say("start until the first claim (median)", statistics.median(starts), "s", 1.5)
        (runner,) = controller.get_runners_overview().runners
        pid = int(runner.record["pid"])
        time.sleep(3)
        before, begun = cpu_seconds(pid), time.monotonic()
        time.sleep(idle)
        share = 100 * (cpu_seconds(pid) - before) / (time.monotonic() - begun)
        say("processor, idle", share, "% of a core", 0.5)
        say("memory (resident), idle", memory(pid), "MB", 130)
        begun = time.monotonic()
        controller_stop(controller)
        say("stop by a request alone, idle", time.monotonic() - begun, "s", 3)
        say("takeover after kill -9, this machine", takeover(controller, signal.SIGKILL), "s", 2)
        say("takeover after SIGSTOP", takeover(controller, signal.SIGSTOP), "s", 30)


def first_claim(controller: Any, db_id: str) -> float:
    """Start a runner; returns after how many seconds a job is claimed."""
    begun = time.monotonic()
    starter = subprocess.Popen([JF, "runner", "start"], stderr=subprocess.DEVNULL)
    wait_for(lambda: state_of(controller, db_id) != "READY")
    taken = time.monotonic() - begun
    starter.wait()
    return taken


def controller_stop(controller: Any) -> None:
    """Stop the runner as another machine would: by a request in the database, no signal."""
    from controller.identity import Liveness, liveness
    from controller.operations.runner_processes import ask_runners, runner_processes
    from controller.rules.runner_requests import RequestAction

    (runner,) = runner_processes(controller.queue)
    ask_runners(controller.queue, [runner.runner_id], RequestAction.STOP)
    # Not until it is gone from /proc: its parent is init, and not each init looks at once.
    wait_for(lambda: liveness(runner.record["process"]) is Liveness.ENDED)


def takeover(controller: Any, number: int) -> float:
    """End or stop a process that has locked a job; returns after how long a runner frees it."""
    from controller.examples import add

    (db_id,) = controller.add_flow(add(1, 2), "local")
    controller.pause_claims()
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, db_id], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    jf("runner", "start")
    controller.resume_claims()
    time.sleep(4)  # it has seen the lock by then
    os.kill(holder.pid, number)
    begun = time.monotonic()
    query = {"db_id": db_id, "lock_id": None}
    wait_for(lambda: controller.queue.jobs.find_one(query, ["_id"]) is not None)
    seconds = time.monotonic() - begun
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    jf("runner", "stop", "--wait")
    return seconds


_HOLD = """
import sys, time
from controller.jobcontroller import JobController
with JobController.from_project_name("bench") as controller:
    with controller.lock_job(filter={"db_id": sys.argv[1]}, get_locked_doc=True):
        print("held", flush=True)
        time.sleep(600)
"""


def state_of(controller: Any, db_id: str) -> str:
    """Return the state of a job."""
    return str(controller.queue.jobs.find_one({"db_id": db_id}, ["state"])["state"])


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("this takes too long")
        time.sleep(0.01)


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> float:
    """Return the resident memory of a process in MB."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def say(what: str, value: float, unit: str, limit: float) -> None:
    """Print a number, and whether it is as it must be."""
    verdict = "ok" if value <= limit else "TOO MUCH"
    print(f"{what:<42}{value:8.2f} {unit:<12} must be <= {limit:g}: {verdict}", flush=True)


if __name__ == "__main__":
    main()
