"""A day of a runner, simulated: `benchmarks/service.py day` and `scrape` print what comes of it."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from measuring import populate_file, scratch

ROOT = Path(__file__).parents[1]
JOBS, RELOADS, RECONNECTS, JUMPS = 10_000, 100, 50, 20
SCRAPES = 15

STAND_IN = """#!/bin/sh
# Leaves the results of a job as another one has left them.
cd "$1" || exit 1
name=${PWD##*/}; uuid=${name%_*}
for f in remote_job_data.json jfremote_out.json; do
  sed "s/@UUID@/$uuid/g" "@FOLDER@/$f" > "$f"
done
"""
DAY = r"""
import json, os, resource, sys, threading, time
from datetime import datetime, timedelta
from pathlib import Path
from controller.documents import stored

real, offset = datetime, timedelta(0)

class Shifted(datetime):
    @classmethod
    def now(cls, tz=None):
        return real.now(tz) + offset

stored.datetime = Shifted
sys.path[:0] = json.loads(sys.argv[1])
share, sshd = float(sys.argv[2]), sys.argv[3]
from benchmarks_day import JOBS, JUMPS, RECONNECTS, RELOADS, submit, cut
from controller.operations.runner_processes import ask_runners
from controller.rules.runner_requests import RequestAction
from controller.runner import Runner

UNDER_WAY = "READY CHECKED_OUT UPLOADED SUBMITTED RUNNING RUN_FINISHED DOWNLOADED".split()

def measured():
    memory = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
    return memory, len(os.listdir("/proc/self/fd")), threading.active_count()

def wait_until_left(most):
    deadline = time.monotonic() + 300
    while runner.controller.count_jobs(states=UNDER_WAY) > most:
        if time.monotonic() > deadline:
            left = runner.controller.get_jobs_info(states=UNDER_WAY, limit=5)
            said = [(job.db_id, job.worker, str(job.state)) for job in left]
            raise TimeoutError(f"jobs are stuck: {said}")
        time.sleep(0.1)

def drive():
    global offset
    jobs = max(200, int(JOBS * share))
    chunk = 50
    rounds = jobs // chunk
    every = {name: max(1, round(rounds / max(1, round(n * share))))
             for name, n in (("reload", RELOADS), ("cut", RECONNECTS), ("jump", JUMPS))}
    try:
        for number in range(rounds):
            submit(runner.controller, chunk)
            # Jobs are always under way, but when it is measured.
            is_measured = number == rounds - 1 or number % max(1, rounds // 10) == 0
            wait_until_left(0 if is_measured else chunk)
            if is_measured:
                time.sleep(2)  # the runner lets go of the processes that have ended
                figures["end"] = measured()
                print(chunk * (number + 1), *figures["end"], file=sys.stderr, flush=True)
                if number >= rounds // 5:
                    figures.setdefault("start", figures["end"])
            if number % every["reload"] == 0:
                ask_runners(runner.controller.queue, [runner.runner_id], RequestAction.RELOAD)
            if number % every["cut"] == 0:
                cut(sshd)
            if number % every["jump"] == 0:
                offset = timedelta(hours=1) if offset <= timedelta(0) else timedelta(hours=-1)
        figures["done"] = runner.controller.count_jobs(states="COMPLETED")
        figures["jobs"] = rounds * chunk
    finally:
        runner.stop()

figures = {}
runner = Runner(log_level="error")
driver = threading.Thread(target=drive)
driver.start()
runner.run()
driver.join()
runner.cleanup()
print(json.dumps(figures))
"""


def submit(controller: Any, number: int) -> None:
    """Submit a flow of independent jobs, most on this machine, one behind SSH."""
    from jobflow import Flow

    from controller.examples import add

    controller.add_flow(Flow([add(1, 2) for _ in range(number - 1)]), "local")
    controller.add_flow(add(1, 2), "far")


def cut(folder: str) -> None:
    """Cut the connections of the server whose files lie in a folder."""
    from sshd import SSHServer

    made = SSHServer(Path(folder), 0)
    pid = int((Path(folder) / "sshd.pid").read_text())
    made.process = subprocess.Popen(["true"])
    made.process.wait()
    made.process.pid = pid
    made.cut()


def day(share: float) -> list[tuple[str, float, str, float]]:
    """Simulate a share of a day; returns (what, value, unit, limit) of each figure."""
    sys.path[:0] = [str(ROOT / "tests")]
    from sshd import ssh_server

    with scratch() as folder, ssh_server(folder / "sshd") as server:
        project = _project(folder, server.worker(work_dir=str(folder / "far")))
        environment = {**os.environ, "JFREMOTE_PROJECTS_FOLDER": str(project.parent)}
        jf = [str(Path(sys.executable).with_name("jf"))]
        subprocess.run([*jf, "admin", "reset", "--yes"], env=environment, check=True)
        _make_template(folder, environment, jf)
        paths = [str(ROOT / "benchmarks"), str(ROOT / "tests")]
        (folder / "benchmarks_day.py").write_text("from service_day import *\n")
        given = [json.dumps([*paths, str(folder)]), str(share), str(server.folder)]
        done = subprocess.run(
            [sys.executable, "-c", DAY, *given],
            env=environment,
            check=True,
            stdout=subprocess.PIPE,  # what goes wrong is told on standard error
            text=True,
        )
        found = json.loads(done.stdout.splitlines()[-1])
    if found.get("done", 0) < found.get("jobs", 1):
        raise SystemExit(f"not all jobs are COMPLETED: {found}")
    grown = [after - before for before, after in zip(found["start"], found["end"])]
    what = f"a day with {found['jobs']} jobs: growth of"
    return [
        (f"{what} memory", grown[0], "MB", 10),
        (f"{what} descriptors", grown[1], "", 0),
        (f"{what} threads", grown[2], "", 0),
    ]


def _project(folder: Path, far: dict[str, Any]) -> Path:
    """Write the project's file."""
    import yaml

    stand_in = folder / "stand-in.sh"
    stand_in.write_text(STAND_IN.replace("@FOLDER@", str(folder)))
    stand_in.chmod(0o755)
    command = {"execution_cmd": f"{stand_in} {{}}"}
    local = {"type": "local", "scheduler_type": "shell", "work_dir": str(folder / "work")}
    stores = {
        name: {
            "type": "EmbeddedStore",
            "path": str(folder / f"{name}.sqlite"),
            "collection_name": name,
        }
        for name in ("jobs", "outputs")
    }
    content = {
        "name": "day",
        "base_dir": str(folder / "base"),
        "workers": {
            "local": {**local, **command, "max_jobs": 8},
            "far": {**far, **command},
            "real": local,
        },
        "queue": {"store": stores["jobs"]},
        "jobstore": {"docs_store": stores["outputs"]},
    }
    path = folder / "projects" / "day.yaml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def _make_template(folder: Path, environment: dict[str, str], jf: list[str]) -> None:
    """Run one job for real, and keep what it leaves."""
    from controller.config import ConfigManager
    from controller.examples import add
    from controller.jobcontroller import JobController

    os.environ["JFREMOTE_PROJECTS_FOLDER"] = environment["JFREMOTE_PROJECTS_FOLDER"]
    with JobController.from_project(ConfigManager().get_project("day")) as controller:
        controller.add_flow(add(1, 2), "real")
        subprocess.run(
            [*jf, "runner", "run", "--until-idle"], env=environment, check=True, capture_output=True
        )
        (job,) = controller.get_jobs_info()
        for name in ("remote_job_data.json", "jfremote_out.json"):
            text = (Path(str(job.run_dir)) / name).read_text()
            (folder / name).write_text(text.replace(job.uuid, "@UUID@"))


def scrapes() -> list[tuple[str, float, str, float]]:
    """Return what a scrape takes beside few and many jobs."""
    from controller.config import Project
    from controller.jobcontroller import JobController
    from controller.metrics import serving_metrics
    from controller.operations.job_counts import fresh_counts

    found = []
    for number in (100, 100_000):
        with scratch() as folder:
            store = {"type": "EmbeddedStore", "path": str(folder / "queue.sqlite")}
            outputs = {**store, "path": str(folder / "outputs.sqlite"), "collection_name": "o"}
            described = {
                "name": "scraped",
                "base_dir": str(folder),
                "workers": {},
                "queue": {"store": {**store, "collection_name": "jobs"}},
                "jobstore": {"docs_store": outputs},
            }
            with JobController.from_project(Project.model_validate(described)) as controller:
                controller.reset()
                populate_file(controller, number, live=100)
                fresh_counts(controller.queue)
                with serving_metrics(controller, "0") as url:
                    assert url is not None
                    times = []
                    for _ in range(SCRAPES):
                        begun = time.perf_counter()
                        with urllib.request.urlopen(url, timeout=60) as answer:
                            answer.read()
                        times.append(1000 * (time.perf_counter() - begun))
            found.append(
                (f"scrape beside {number} jobs (median)", statistics.median(times), "ms", 50.0)
            )
    return found
