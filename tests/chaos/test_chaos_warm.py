"""Warm jobs under fire: runners, pools and processes are killed, and each job runs once.

A job whose own process was killed fails, and says so; all others complete, whatever dies around.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from jobflow import Flow
from warm_chaos_jobs import marked
from warm_jf import WarmJf

from controller.config import Project
from controller.execution import worker_pools
from controller.execution.pool import WarmPool
from controller.jobcontroller import JobController
from controller.runner import Runner, pools
from controller.states import JobState

JOBS, RUNNERS = 24, 4
DEADLINE = 120


@pytest.fixture(scope="module")
def forked_jf() -> Iterator[str]:
    """A `jf` that is forked from a process that has imported jobflow."""
    server = WarmJf(Path(sys.executable).with_name("jf"))
    yield str(server.shim() / "jf")
    server.close()


@pytest.fixture
def project(tmp_path: Path, forked_jf: str, monkeypatch: pytest.MonkeyPatch) -> Project:
    command = [forked_jf, "execution", "pool"]
    monkeypatch.setattr(worker_pools, "WarmPool", partial(WarmPool, command=command))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    store = {"type": "EmbeddedStore", "path": str(tmp_path / "queue.db"), "collection_name": "jobs"}
    outputs = {**store, "path": str(tmp_path / "outputs.db"), "collection_name": "outputs"}
    local = {"type": "local", "scheduler_type": "shell", "work_dir": str(tmp_path / "work")}
    return Project.model_validate(
        {
            "name": "warm",
            "base_dir": str(tmp_path),
            "queue": {"store": store},
            "jobstore": {"docs_store": outputs},
            "workers": {"local": {**local, "max_jobs": 2, "warm": True}},
        }
    )


def _serve(project: Project, kind: str | None) -> None:
    """Be a runner that does some damage once jobs run."""
    original = pools.WarmPools.look
    left = random.randint(1, 8)

    def look(self: pools.WarmPools) -> Any:
        nonlocal left
        left -= 1
        if left == 0 and kind is not None:
            _damage(kind, self)
        return original(self)

    pools.WarmPools.look = look  # type: ignore[method-assign]
    runner = Runner(project=project, log_level="error")
    runner.run_until_idle(DEADLINE)
    runner.cleanup()


def _children_of(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == parent:
                found.append(int(entry.name))
    return found


def _damage(kind: str, of_runner: pools.WarmPools) -> None:
    """Kill this runner, the program of its pool, or a process of that."""
    if kind == "runner":
        os.kill(os.getpid(), signal.SIGKILL)
    for known in of_runner._workers.values():
        for program in known.pool.pids:
            for pid in [program] if kind == "pool" else _children_of(program)[:1]:
                os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("kind", ["runner", "pool", "process"])
def test_each_job_runs_once_whatever_dies(project: Project, tmp_path: Path, kind: str) -> None:
    random.seed(kind)
    marks = tmp_path / "marks"
    marks.mkdir()
    with JobController.from_project(project) as controller:
        controller.reset()
        jobs = [marked(str(marks), n) for n in range(JOBS)]
        controller.add_flow(Flow(jobs), "local")
        for turn in range(RUNNERS):
            is_last = turn == RUNNERS - 1
            pid = os.fork()
            if pid == 0:
                try:
                    _serve(project, None if is_last else kind)
                    os._exit(0)
                finally:
                    os._exit(1)
            deadline = time.monotonic() + DEADLINE
            while os.waitpid(pid, os.WNOHANG)[0] == 0:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        infos = controller.get_jobs_info()
        failed = [info for info in infos if info.state is JobState.FAILED]
        states = {info.state for info in infos}
        assert states <= {JobState.COMPLETED, JobState.FAILED}
        assert len(failed) <= (RUNNERS - 1 if kind == "process" else 0), [i.run_dir for i in failed]
        for n in range(JOBS):
            runs = (marks / str(n)).read_text() if (marks / str(n)).exists() else ""
            assert runs == "x" or (not runs and failed)
