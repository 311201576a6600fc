"""A soak: two runners, an operator, random flows, kills, stops and a full disk.

``python tests/chaos/soak.py SECONDS [SEED]``, or ``make soak SOAK=3600``. One runner is left alone,
and its memory, descriptors and threads are measured: a slope that is not flat is a leak. The other
one is killed, stopped and restarted all the time. Once, the disk is full for a minute (where this
process may mount a small file system).

What must hold at the end: every job is at rest, no run directory was ever used by two jobs at a
time, the doctor finds nothing, and the undisturbed runner lived. The exit status says whether.
"""

from __future__ import annotations

import os
import random
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from chaos_jobs import KINDS, build_flow

from controller.config import ConfigManager, quickstart_project
from controller.doctor import Severity, examine
from controller.errors import ControllerError
from controller.jobcontroller import JobController
from controller.states import JobState

UNDER_WAY = 24
"""Jobs that are kept waiting or running."""
SETTLE_WITHIN = 600.0
DISK = 400 * 2**20
AT_REST = {
    state.value
    for state in (
        JobState.COMPLETED,
        JobState.FAILED,
        JobState.STOPPED,
        JobState.USER_STOPPED,
        JobState.PAUSED,
        JobState.REMOTE_ERROR,
        JobState.WAITING,
    )
}
OPERATIONS = ("pause", "resume", "stop", "rerun", "retry", "priority", "delete", "delete flow")


@dataclass
class Soak:
    """Everything of one run.

    Attributes
    ----------
    samples
        (seconds since the start, resident MB, descriptors, threads) of the undisturbed runner.
    done
        How often each thing was done.
    """

    folder: Path
    seed: int
    done: Counter[str] = field(default_factory=Counter)
    samples: list[tuple[float, float, int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.marks, self.ledger = self.folder / "marks", self.folder / "ledger"
        self.env = {
            **os.environ,
            "JFREMOTE_PROJECTS_FOLDER": str(self.folder / "projects"),
            "JFREMOTE_CONFIG_FILE": str(self.folder / "settings.yaml"),
            "JFR_CHAOS_MARKS": str(self.marks),
            "PYTHONPATH": str(Path(__file__).parent),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }

    def set_up(self) -> None:
        """Make a project whose jobs notice when their run directory is used twice at a time."""
        for place in (self.marks, self.ledger):
            place.mkdir()
        (self.folder / "settings.yaml").touch()
        content = quickstart_project("soak", self.folder / "base")
        lock = f'{shlex.quote(str(self.ledger))}/"$(basename "$PWD")"'
        content["workers"]["local"]["pre_run"] = (
            f'exec 8>>{lock}; flock -n 8 || echo "$PWD" >> {shlex.quote(str(self.ledger))}/doubled'
        )
        content["workers"]["local"]["max_jobs"] = 4
        content["runner"] = {"delta_retry": [1, 5], "max_step_attempts": 8}
        os.environ.update(self.env)
        ConfigManager(folder=self.folder / "projects").create_project(content)
        with self.controller() as controller:
            controller.reset()

    @contextmanager
    def controller(self) -> Iterator[JobController]:
        """Open the controller."""
        project = ConfigManager(folder=self.folder / "projects").get_project("soak")
        with JobController.from_project(project) as controller:
            yield controller

    def runner(self, name: str) -> subprocess.Popen[bytes]:
        """Start a runner."""
        self.done[f"start of {name}"] += 1
        log = (self.folder / f"{name}.log").open("ab")
        with log:
            return subprocess.Popen(
                ["jf", "-p", "soak", "runner", "run"], env=self.env, stdout=log, stderr=log
            )

    def measure(self, process: psutil.Process, since: float) -> None:
        """Take a sample of the undisturbed runner."""
        with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            memory = process.memory_info().rss / 2**20
            self.samples.append(
                (time.monotonic() - since, memory, process.num_fds(), process.num_threads())
            )

    # ------------------------------------------------------------------ what happens

    def submit(self) -> None:
        """Add a random flow, unless enough is under way."""
        with self.controller() as controller:
            waiting = controller.count_jobs(states=[JobState.READY, JobState.WAITING])
            if waiting > UNDER_WAY:
                return
            size = self.random.randint(1, 5)
            shape = [
                (
                    self.random.choice(list(KINDS)),
                    [self.random.randrange(n) for _ in range(self.random.randint(0, 2))]
                    if n
                    else [],
                    self.random.random() < 0.3,
                )
                for n in range(size)
            ]
            controller.add_flow(build_flow(shape), "local")
            self.done["flow"] += 1

    def operate(self) -> None:
        """Do something to some jobs."""
        what = self.random.choice(OPERATIONS)
        with self.controller() as controller:
            newest = [
                d["db_id"]
                for d in controller.jobs.find({}, ["db_id"], sort={"db_id": -1}, limit=40)
            ]
            ids = self.random.sample(newest, min(len(newest), self.random.randint(1, 4)))
            if not ids:
                return
            how: dict[str, Any] = {"db_ids": ids, "raise_on_error": False}
            match what:
                case "priority":
                    controller.set_job_run_properties(priority=self.random.randint(0, 9), **how)
                case "delete":
                    controller.delete_jobs(delete_files=True, delete_output=True, **how)
                case "delete flow":
                    job = controller.get_job_doc(db_id=ids[0])
                    if job is not None and self.random.random() < 0.2:
                        uuids = [job.job.hosts[-1]]
                        controller.delete_flows(uuids, delete_files=True, delete_output=True)
                case _:
                    getattr(controller, f"{what}_jobs")(**how)
        self.done[what] += 1

    def disturb(self, victim: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        """Kill, end or stop the other runner; returns the one that works afterwards."""
        if victim.poll() is not None:
            return self.runner("disturbed")
        what = self.random.choice(("kill", "kill", "end", "stop", "leave"))
        self.done[f"runner: {what}"] += 1
        if what == "stop":
            victim.send_signal(signal.SIGSTOP)
            time.sleep(self.random.uniform(1, 30))
            victim.send_signal(signal.SIGCONT)
        elif what != "leave":
            victim.send_signal(signal.SIGKILL if what == "kill" else signal.SIGTERM)
            victim.wait(60)
            return self.runner("disturbed")
        return victim

    def fill_the_disk(self) -> None:
        """Leave no room for a minute."""
        ballast = self.folder / "ballast"
        with suppress(OSError), ballast.open("wb", buffering=0) as stream:
            while True:
                stream.write(bytes(2**20))
        self.done["full disk"] += 1
        time.sleep(60)
        ballast.unlink()

    # ------------------------------------------------------------------ the end

    def settle(self) -> list[str]:
        """Let everything come to rest; returns what is wrong."""
        deadline = time.monotonic() + SETTLE_WITHIN
        moving: list[str] = []
        while time.monotonic() < deadline:
            with self.controller() as controller:
                moving = [
                    f"job {d['db_id']} is {d['state']}"
                    for d in controller.jobs.find({}, ["db_id", "state", "lock_id"])
                    if d["state"] not in AT_REST or d.get("lock_id")
                ]
            if not moving:
                break
            time.sleep(2)
        wrong = moving[:20]
        doubled = self.ledger / "doubled"
        if doubled.exists():
            wrong += [
                f"used by two jobs at once: {d}" for d in doubled.read_text().split("\n") if d
            ]
        with self.controller() as controller:
            found = examine(controller).diagnosis.findings
            wrong += [str(f) for f in found if f.severity is Severity.PROBLEM]
            self.done["jobs"] = controller.count_jobs()
        return wrong

    def slopes(self) -> str:
        """Say how the undisturbed runner grew, from its second fifth on."""
        kept = self.samples[len(self.samples) // 5 :]
        if len(kept) < 3:
            return "too few samples"
        times = [s[0] for s in kept]
        middle = sum(times) / len(times)
        spread = sum((t - middle) ** 2 for t in times)
        words = []
        for number, unit in ((1, "MB"), (2, "descriptors"), (3, "threads")):
            values = [float(s[number]) for s in kept]
            slope = sum((t - middle) * v for t, v in zip(times, values)) / spread
            words.append(
                f"{values[0]:.0f} -> {values[-1]:.0f} {unit} ({slope * 3600:+.2f} per hour)"
            )
        return ", ".join(words)


@contextmanager
def small_disk() -> Iterator[tuple[Path, bool]]:
    """A folder, and whether it lies on a file system of its own that can be filled."""
    with tempfile.TemporaryDirectory(prefix="jfr-soak-") as name:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", name], capture_output=True
        )
        try:
            yield Path(name), mounted.returncode == 0
        finally:
            if mounted.returncode == 0:
                subprocess.run(["umount", "-l", name], check=False)


def main(seconds: float, seed: int) -> int:
    """Run a soak; returns the exit status."""
    with small_disk() as (folder, can_be_filled):
        soak = Soak(folder, seed)
        soak.set_up()
        begin = time.monotonic()
        steady, disturbed = soak.runner("steady"), soak.runner("disturbed")
        process, filled = psutil.Process(steady.pid), not can_be_filled
        try:
            while (spent := time.monotonic() - begin) < seconds:
                try:
                    soak.submit()
                    if soak.random.random() < 0.4:
                        soak.operate()
                except ControllerError as error:
                    soak.done[f"refused: {type(error).__name__}"] += 1
                if soak.random.random() < 0.15:
                    disturbed = soak.disturb(disturbed)
                if not filled and spent > seconds / 2:
                    soak.fill_the_disk()
                    filled = True
                soak.measure(process, begin)
                time.sleep(soak.random.uniform(0.2, 3))
            if disturbed.poll() is not None:
                disturbed = soak.runner("disturbed")
            wrong = soak.settle()
            if steady.poll() is not None:
                wrong.append(f"the undisturbed runner ended with {steady.returncode}")
        finally:
            for runner in (steady, disturbed):
                runner.send_signal(signal.SIGTERM)
                with suppress(subprocess.TimeoutExpired):
                    runner.wait(30)
                runner.kill()
        print(f"seed {seed}, {time.monotonic() - begin:.0f} s:", dict(sorted(soak.done.items())))
        print("undisturbed runner:", soak.slopes())
        if not can_be_filled:
            print("the disk was not filled: no file system could be mounted")
        for line in wrong:
            print("WRONG:", line)
        if wrong:
            print((folder / "steady.log").read_text(errors="replace")[-3000:])
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(
        main(float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else time.time_ns() % 10**6)
    )
