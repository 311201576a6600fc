"""Workers on another machine: an SSH server and a Slurm of this one, as the tests start them.

Each figure stands beside a yardstick of the same run. ``python benchmarks/remote.py [ROW ...]``
takes the rows to measure: chain, commands, beside, listings, fetch.
"""

from __future__ import annotations

import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from measuring import PYTHON, Table, run, scratch, seconds

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "integration" / "runner")]

from clusters import slurm  # noqa: E402
from sshd import SSHServer, ssh_server  # noqa: E402
from warm_jf import WarmJf  # noqa: E402

from controller.config import Project  # noqa: E402
from controller.hosts.shell import ShellHost  # noqa: E402
from controller.jobcontroller import JobController  # noqa: E402
from controller.runner import Runner  # noqa: E402
from controller.runner.context import RunnerContext  # noqa: E402
from controller.runner.polling import Polling  # noqa: E402
from controller.states import JobState  # noqa: E402

JOBS = 100
QUEUED = 50
GIGABYTE = 1 << 30
DEADLINE = 500.0


class Commands:
    """Counts what a host is asked to do, listings apart."""

    def __init__(self) -> None:
        self.others = self.listings = 0
        self._converse = ShellHost.converse

    def __enter__(self) -> Commands:
        def counted(host: ShellHost, body: str, *args: Any, **kwargs: Any) -> Any:
            if "squeue" in body:
                self.listings += 1
            else:
                self.others += 1
            return self._converse(host, body, *args, **kwargs)

        ShellHost.converse = counted  # type: ignore[method-assign]
        return self

    def __exit__(self, *error: object) -> None:
        ShellHost.converse = self._converse  # type: ignore[method-assign]


def described(folder: Path, **workers: dict[str, Any]) -> Project:
    """Describe a project with a local worker, and others."""
    work = str(folder / "work")
    near = {"type": "local", "scheduler_type": "shell", "work_dir": work, "max_jobs": 2}
    queue = {"type": "EmbeddedStore", "path": str(folder / "queue.sqlite")}
    outputs = {"type": "EmbeddedStore", "path": str(folder / "outputs.sqlite")}
    return Project.model_validate(
        {
            "name": "bench",
            "base_dir": str(folder),
            "workers": {"near": near, **workers},
            "queue": {"store": {**queue, "collection_name": "jobs"}},
            "jobstore": {"docs_store": {**outputs, "collection_name": "outputs"}},
        }
    )


@contextmanager
def cluster(folder: Path, path: str | None = None) -> Iterator[tuple[SSHServer, dict[str, Any]]]:
    """Start a server with a Slurm behind it; gives it and the description of a worker there."""
    jobs = str(ROOT / "tests" / "integration" / "runner")
    with (
        slurm(folder / "slurm") as configuration,
        ssh_server(folder / "sshd", SLURM_CONF=configuration, PYTHONPATH=jobs) as server,
    ):
        there = path or str(Path(PYTHON).parent)
        yield (
            server,
            server.worker(
                work_dir=str(folder / "far"),
                scheduler_type="slurm",
                resources={"ntasks": 1, "partition": "main"},
                pre_run=f"export PATH='{there}':'{Path(PYTHON).parent}':$PATH",
            ),
        )


def until_done(project: Project) -> None:
    """Run until nothing is left to do."""
    runner = Runner(project=project, log_level="error")
    try:
        if runner.run_until_idle(DEADLINE).timed_out:
            raise SystemExit("jobs were not done in time")
    finally:
        runner.cleanup()


def completed(controller: JobController) -> int:
    """Count the jobs that are COMPLETED."""
    return controller.count_jobs(states=[JobState.COMPLETED])


def slurm_start(folder: Path, configuration: str) -> float:
    """Return the seconds from `sbatch` until a script runs."""
    script, mark = folder / "start.sh", folder / "mark"
    script.write_text(f"#!/bin/sh\ntouch '{mark}'\n")
    begin = time.perf_counter()
    run("sbatch", "-o", "/dev/null", "-p", "main", str(script), env={"SLURM_CONF": configuration})
    while not mark.exists():
        time.sleep(0.005)
    mark.unlink()
    return time.perf_counter() - begin


def chain(table: Table) -> None:
    """Three jobs, one after the other, from submission until COMPLETED."""
    from jobflow import Flow
    from runner_jobs import add, total

    with scratch() as folder, cluster(folder) as (_, far):
        project = described(folder, far=far)
        configuration = str(folder / "slurm" / "slurm.conf")
        turns = []
        with JobController.from_project(project) as controller:
            controller.reset()
            for turn in range(3):
                start = slurm_start(folder, configuration)
                imported = seconds(lambda: run(PYTHON, "-c", "import jobflow"))
                jobs = [add(1, 1)]
                for _ in range(2):
                    jobs.append(total([jobs[-1].output, 1]))
                begin = time.perf_counter()
                controller.add_flow(Flow(jobs), "far")
                until_done(project)
                turns.append((start, imported, time.perf_counter() - begin))
                if completed(controller) != 3 * (turn + 1):
                    raise SystemExit("the chain did not complete")
        start, imported, took = (statistics.median(each) for each in zip(*turns))
        table.row(
            "chain of 3 over SSH and Slurm, default settings",
            took,
            3 * (start + imported) + 3,
            "s",
            f"3 x (start of a job {start:.2f} s + import of jobflow {imported:.2f} s) + 3 s",
        )


def commands(table: Table) -> None:
    """What 100 jobs cost a machine, from upload until COMPLETED."""
    from runner_jobs import add

    warm = WarmJf(Path(PYTHON).with_name("jf"))
    try:
        with scratch() as folder, cluster(folder, str(warm.shim())) as (server, far):
            project = described(folder, far=far)
            with JobController.from_project(project) as controller:
                controller.reset()
                for _ in range(JOBS):
                    controller.add_flow(add(1, 1), "far")
                with Commands() as counted:
                    took = seconds(lambda: until_done(project))
                if completed(controller) != JOBS:
                    raise SystemExit(f"{completed(controller)} jobs completed")
            table.row(
                f"host commands for {JOBS} jobs, upload to complete",
                counted.others,
                60,
                "",
                f"without {counted.listings} listings; {server.logins()} login, {took:.0f} s",
            )
    finally:
        warm.close()


def beside(table: Table) -> None:
    """A local chain beside a worker whose server stands still."""
    from jobflow import Flow
    from runner_jobs import add, total

    with scratch() as folder, ssh_server(folder / "sshd") as server:
        far = server.worker(work_dir=str(folder / "far"))
        project = described(folder, far=far)
        os.environ["PYTHONPATH"] = str(ROOT / "tests" / "integration" / "runner")
        with JobController.from_project(project) as controller:
            controller.reset()
            done = 0

            def one_chain() -> float:
                nonlocal done
                jobs = [add(1, 1)]
                for _ in range(2):
                    jobs.append(total([jobs[-1].output, 1]))
                runner = Runner(project=project, log_level="error")
                thread = threading.Thread(target=runner.run)
                thread.start()
                time.sleep(1)
                begin = time.perf_counter()
                controller.add_flow(Flow(jobs), "near")
                done += 3
                while completed(controller) < done:
                    time.sleep(0.02)
                took = time.perf_counter() - begin
                runner.stop()
                thread.join()
                runner.cleanup()
                return took

            one_chain()
            turns: dict[bool, list[float]] = {False: [], True: []}
            (waiting,) = controller.add_flow(add(1, 1), "far")
            for _ in range(3):
                for stopped in turns:
                    controller.set_job_state(
                        JobState.READY if stopped else JobState.PAUSED, db_id=waiting
                    )
                    if stopped:
                        server.pause()
                    turns[stopped].append(one_chain())
                    server.resume()
        alone, both = (statistics.median(turns[stopped]) for stopped in (False, True))
        table.row(
            "local chain of 3 beside a worker whose sshd is stopped",
            both,
            1.2 * alone,
            "s",
            f"1.2 x the same alone ({alone:.2f} s)",
        )


def listings(table: Table) -> None:
    """Listings of a queue whose jobs do not change; minutes pass on a clock of ours."""
    from runner_jobs import add

    with scratch() as folder, cluster(folder) as (_, far):
        project = described(folder, far=far)
        environment = {"SLURM_CONF": str(folder / "slurm" / "slurm.conf")}
        run("scontrol", "update", "partitionname=main", "state=down", env=environment)
        with JobController.from_project(project) as controller:
            controller.reset()
            for _ in range(QUEUED):
                controller.add_flow(add(1, 1), "far")
            runner = Runner(project=project, log_level="error")
            deadline = time.monotonic() + 60
            while controller.count_jobs(states=[JobState.SUBMITTED]) < QUEUED:
                runner.advance()
                if time.monotonic() > deadline:
                    raise SystemExit("the jobs were not submitted")
            now = [0.0]
            context: RunnerContext = runner.context
            polling = Polling(context, None, lambda job, answer: True, clock=lambda: now[0])
            minutes: list[int] = []
            with Commands() as counted:
                for minute in range(10):
                    before = counted.listings
                    while now[0] < 60 * (minute + 1):
                        polling.poll(["far"], {})
                        now[0] += max(0.05, *polling.seconds_left())
                    minutes.append(counted.listings - before)
            runner.cleanup()
        table.row(
            f"listings of {QUEUED} jobs that do not change, per minute",
            max(minutes[5:]),
            3,
            "",
            f"minute by minute: {', '.join(map(str, minutes))}",
        )


FETCH = """
import resource, sys
from pathlib import Path
sys.path[:0] = sys.argv[3:]
from controller.config.workers import Worker
from controller.hosts import open_host
from pydantic import TypeAdapter
import json, time
worker = TypeAdapter(Worker).validate_python(json.loads(sys.argv[1]))
host = open_host(worker)
host.execute("true")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
source, target = map(Path, sys.argv[2].split(":"))
begin = time.perf_counter()
host.fetch({source: target})
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(time.perf_counter() - begin, (after - before) / 1024)
"""


def fetch(table: Table) -> None:
    """One file of a gigabyte, against `scp`."""
    import json

    with scratch() as folder, ssh_server(folder / "sshd") as server:
        source = folder / "large"
        with source.open("wb") as stream:
            block = os.urandom(1 << 20)
            for _ in range(GIGABYTE >> 20):
                stream.write(block)
        turns = []
        for turn in range(3):
            copied, fetched = folder / f"copied{turn}", folder / f"fetched{turn}"
            # The test's server has no sftp subsystem, which scp would use without -O.
            words = ["scp", "-O", "-q", "-F", str(server.config), f"fix:{source}", str(copied)]
            scp = seconds(lambda words=words: run(*words))  # type: ignore[misc]
            said = run(PYTHON, "-c", FETCH, json.dumps(server.worker()), f"{source}:{fetched}")
            took, memory = map(float, said.split())
            turns.append((scp, took, memory))
            if fetched.stat().st_size != GIGABYTE:
                raise SystemExit("the file did not arrive")
            copied.unlink()
            fetched.unlink()
        scp, took, memory = (statistics.median(each) for each in zip(*turns))
        table.row("fetch one file of 1 GB", took, 2 * scp, "s", f"2 x scp ({scp:.2f} s)")
        table.row("memory for that beside what SSH takes", memory, 50, "MB", "an absolute limit")


ROWS: dict[str, Callable[[Table], None]] = {
    "chain": chain,
    "commands": commands,
    "beside": beside,
    "listings": listings,
    "fetch": fetch,
}


def main(names: list[str]) -> int:
    table = Table("workers on another machine")
    for name in names or ROWS:
        ROWS[name](table)
    return table.end()


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
