"""A runner where there is no /proc and where the tools are those of POSIX, as on a Mac."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from thoroughness import share

HIDE = """
set -e
mount --make-rprivate /
mkdir "$1"
mount --bind /proc "$1"
mount -t tmpfs none /proc
export PATH="$2"
shift 2
exec "$@"
"""
"""Hides /proc; what it shows is still to be had elsewhere, for psutil."""
LIFE = """
import json, os, signal, sys, time
described, processes, folder, go = sys.argv[1:]
sys.path.insert(0, folder)
if processes:
    import psutil
    psutil.PROCFS_PATH = processes
from controller.config import Project
from controller.jobcontroller import JobController
from controller.runner import Runner
from controller.schedulers.processes import is_over
from runner_jobs import add, wait_for_file

assert not os.path.exists("/proc/self")
project = Project.model_validate(json.loads(described))
with JobController.from_project(project) as controller:
    controller.reset()
    (good,) = controller.add_flow(add(1, 2), "local")
    runner = Runner(project=project, log_level="warn")
    runner.run_until_idle(60)
    stopped, killed = (controller.add_flow(wait_for_file(go), "local")[0] for _ in range(2))
    deadline, pids = time.monotonic() + 60, {}
    while len(pids) < 2 and time.monotonic() < deadline:
        runner.advance()
        jobs = controller.get_jobs_info(db_ids=[stopped, killed])
        pids = {j.db_id: int(j.remote.process_id) for j in jobs if j.remote.process_id}
        known = [bool((j.remote.process or {}).get("start_time")) for j in jobs]
    controller.stop_job(db_id=stopped)
    if processes:
        os.kill(pids[killed], signal.SIGKILL)
    else:
        open(go, "w").close()  # without /proc the entry of a dead process looks like a live one
    runner.run_until_idle(60)
    runner.cleanup()
    states = {j.db_id: j.state.value for j in controller.get_jobs_info()}
    print(json.dumps({
        "states": [states[i] for i in (good, stopped, killed)],
        "known": known,
        "ended": is_over(str(pids[stopped])),
    }))
"""


def can_hide_proc() -> bool:
    if shutil.which("unshare") is None or shutil.which("busybox") is None:
        return False
    command = ["unshare", "-m", "sh", "-c", "mount -t tmpfs none /mnt"]
    return subprocess.run(command, capture_output=True).returncode == 0


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder with what POSIX has, and no more: neither bash, setsid nor GNU options."""
    folder = tmp_path / "tools"
    folder.mkdir()
    busybox = shutil.which("busybox")
    for name in (
        *("sh", "awk", "cat", "cp", "cut", "date", "echo", "env", "grep", "id", "kill", "ls"),
        *("mkdir", "mv", "ps", "rm", "sed", "sleep", "sort", "tail", "tr", "uname", "wc"),
    ):
        (folder / name).symlink_to(str(busybox))
    return folder


@pytest.mark.skipif(not can_hide_proc(), reason="/proc cannot be hidden here")
@pytest.mark.parametrize("engine", ["embedded"], indirect=True)
@pytest.mark.parametrize(
    "psutil", share([True, False], 2), ids=share(["psutil-tells", "nothing-tells"], 2)
)
def test_the_life_of_jobs_without_proc(
    described: dict[str, Any], tmp_path: Path, tools: Path, psutil: bool
) -> None:
    if psutil:
        pytest.importorskip("psutil")
    elsewhere, go = tmp_path / "processes", tmp_path / "go"
    described["workers"]["local"]["max_jobs"] = 3
    hidden = ["unshare", "-m", "sh", "-c", HIDE, "sh", str(elsewhere), str(tools)]
    words = [json.dumps(described), str(elsewhere) if psutil else "", str(Path(__file__).parent)]
    try:
        done = subprocess.run(
            [*hidden, sys.executable, "-c", LIFE, *words, str(go)],
            capture_output=True,
            text=True,
            timeout=200,
        )
    finally:
        go.touch()  # what was not signalled ends by itself
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    last = "FAILED" if psutil else "COMPLETED"
    assert found["states"] == ["COMPLETED", "USER_STOPPED", last]
    assert found["known"] == [psutil, psutil]
    # Where nobody can tell which process it is, nobody signals it.
    assert found["ended"] or not psutil
