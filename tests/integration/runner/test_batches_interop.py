"""Pools shared with jobflow-remote 1.0.1: our runner with its pilots, its runner with ours."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jobflow import Flow
from jobflow_remote_program import MISSING, PYTHON, JobflowRemote
from runner_jobs import add, fail
from running import run, states

from controller.config import Project
from controller.jobcontroller import JobController
from controller.rules.pool_files import BatchInfo
from controller.states import BatchState

pytestmark = pytest.mark.skipif(PYTHON is None, reason=MISSING)

THEIR_RUNNER = """
import json, sys
from pathlib import Path
base, action = sys.argv[1:3]
import runner_jobs
from jobflow import JobStore
from jobflow_remote.jobs.batch import RemoteBatchManager
from jobflow_remote.jobs.data import get_initial_job_doc_dict
from jobflow_remote.remote.data import get_job_path, get_remote_in_file, get_remote_store
from jobflow_remote.remote.host import LocalHost
from jobflow_remote.remote.queue import QueueManager, set_name_out
from maggma.stores import MemoryStore
from qtoolkit.io.shell import ShellIO
host = LocalHost()
manager = RemoteBatchManager(host, base + "/pool")
if action == "submit":
    for number in range(3):
        job = runner_jobs.add(number, 1) if number else runner_jobs.fail()
        run_dir = Path(get_job_path(job.uuid, 1, base + "/work"))
        run_dir.mkdir(parents=True)
        store = get_remote_store(JobStore(MemoryStore()), run_dir, {"store": "maggma_json"})
        document = get_initial_job_doc_dict(job, None, str(number), "w", None, None, 0)
        document.pop("job")
        content = get_remote_in_file(job.as_dict(), store, document).read()
        data = content if isinstance(content, bytes) else content.encode()
        (run_dir / "jfremote_in.json").write_bytes(data)
        resources = {}
        set_name_out(
            resources, job.name, out_fpath=run_dir / "queue.out", err_fpath=run_dir / "queue.err"
        )
        QueueManager(ShellIO(), host).write_submission_script(
            commands=["jf -fe execution run " + str(run_dir)],
            options=resources, work_dir=run_dir, create_submit_dir=False,
        )
        manager.submit_job(job.uuid, 1)
    print(json.dumps(manager.get_submitted()))
else:
    finished = manager.get_run_finished()
    info = manager.get_batch_info(base)
    manager.delete_run_finished(finished)
    print(json.dumps([finished, manager.get_running(), manager.get_run_finished(),
                      sorted(info), str(info["end_time"] - info["start_time"])]))
"""


@pytest.mark.cold
@pytest.mark.parametrize("engine", ["embedded"], indirect=True)
def test_our_runner_with_their_pilots(described: dict[str, Any], tmp_path: Path) -> None:
    assert PYTHON is not None
    described["workers"]["local"].update(
        max_jobs=1,
        pre_run=f"export PATH={shlex.quote(str(Path(PYTHON).parent))}:$PATH",
        batch={
            "jobs_handle_dir": str(tmp_path / "pool"),
            "work_dir": str(tmp_path / "pilots"),
            "max_wait": 4,
            "sleep_time": 0.5,
            "max_jobs_per_batch": 3,
        },
    )
    described["runner"]["delta_retry"] = [0.1]
    project = Project.model_validate(described)
    with JobController.from_project(project) as controller:
        controller.reset()
        first = add(1, 2)
        good = controller.add_flow(Flow([first, add(first.output, 1)]), "local")
        (bad,) = controller.add_flow(fail(), "local")
        summary = run(project)
        assert summary.failed == [bad], states(controller)
        assert {states(controller)[db_id] for db_id in good} == {"COMPLETED"}
        jobs = {job.db_id: job for job in controller.get_jobs_info()}
        assert "on purpose" in (jobs[bad].error or "")
        (batch,) = controller.get_batches()
        assert {job[0] for job in batch.jobs} == {*good, bad}
        assert batch.batch_state in (BatchState.RUNNING, BatchState.FINISHED)
        assert batch.activity is None, "it says nothing"
        assert {jobs[db_id].remote.process_id for db_id in good} == {batch.process_id}
    assert [p.name for p in (tmp_path / "pool" / "run_finished").iterdir()] == []


@pytest.mark.usefixtures("warm_jobs")
def test_their_runner_with_our_pilots(tmp_path: Path, jobflow_remote: JobflowRemote) -> None:
    jobs = str(Path(__file__).parent)
    environment = {"PYTHONPATH": jobs}

    def theirs(action: str) -> Any:
        printed = jobflow_remote.run(tmp_path, THEIR_RUNNER, tmp_path, action, env=environment)
        return json.loads(printed)

    submitted = theirs("submit")
    assert len(submitted) == 3
    jf = Path(sys.executable).with_name("jf")
    words = ["-fe", "execution", "run-batch", str(tmp_path / "work"), str(tmp_path / "pool"), "b-1"]
    flags = ["-mj", "3", "-mt", "300", "-mw", "5", "-pj", "2", "-st", "0.2"]
    done = subprocess.run(
        [str(jf), *words, *flags],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": jobs},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    finished, running, left, times, _ = theirs("look")
    assert sorted(f"{uuid}_{index}" for uuid, index, _ in finished) == sorted(submitted)
    assert {uid for _, _, uid in finished} == {"b-1"}
    assert running == left == []
    assert {"start_time", "last_ping_time", "end_time"} <= set(times)
    info = BatchInfo.decode((tmp_path / "batch_info.json").read_text())
    assert info.report is not None
    assert (info.report.done, info.report.failed) == (3, 1)
    outputs = [json.loads(p.read_text()) for p in (tmp_path / "work").rglob("jfremote_out.json")]
    assert sorted(bool(out["error"]) for out in outputs) == [False, False, True]
