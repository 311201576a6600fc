"""One script under jobflow-remote 1.0.1 and here, with one word of its imports changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from jobflow_remote_program import JobflowRemote
from servers import mongo_client

SCRIPT = """
from jobflow import Flow
from maggma.stores import MongoStore
from pymongo.errors import DuplicateKeyError
from PACKAGE import JobController, set_run_config, submit_flow
from PACKAGE.config.settings import JobflowRemoteSettings
from PACKAGE.jobs.report import JobsReport
from PACKAGE.jobs.state import FlowState, JobState
from PACKAGE.utils.db import MongoLock
from PACKAGE.utils.examples import add

print(JobflowRemoteSettings().project, JobflowRemoteSettings(project="q").project)
jc = JobController.from_project_name("p")
jc.reset(max_limit=0)
first = add(1, 2)
set_run_config(first, exec_config="fast")
flow = Flow([first, add(first.output, 3)])
ids = submit_flow(flow, worker="w", project="p")
print(len(ids), jc.count_jobs(), jc.count_flows())
print(jc.jobs_collection, jc.flows_collection, jc.auxiliary_collection, jc.batches_collection)
print(type(jc.jobs).__module__, type(jc.db).__module__)
print(isinstance(jc.queue_store, MongoStore))
print(jc.queue_store.database == jc.db.name, jc.jobs == jc.db[jc.jobs_collection])
print([d["state"] for d in jc.db.jobs.find({}, {"state": 1, "_id": 0}).sort("state", 1)])
one = jc.get_jobs_info(states=JobState.READY)[0]
print(jc.get_job_doc(db_id=one.db_id).exec_config)
jc.set_job_run_properties(exec_config={"pre_run": "module load x"}, db_ids=one.db_id)
print(type(jc.get_job_doc(db_id=one.db_id).exec_config).__name__)
print(jc.get_job_doc(db_id=one.db_id).exec_config.pre_run)
with MongoLock(jc.jobs, {"db_id": one.db_id}, projection=["state"]) as lock:
    held = jc.jobs.find_one({"db_id": one.db_id})
    print(lock.is_locked, MongoLock.get_lock_id(held) == lock.lock_id)
    print(lock.locked_document["state"], MongoLock.get_lock_time(held) is not None)
    with MongoLock(jc.jobs, {"db_id": one.db_id}) as second:
        print(second.is_locked, second.unavailable_document)
    with MongoLock(jc.jobs, {"db_id": one.db_id}, get_locked_doc=True) as third:
        print(third.is_locked, third.unavailable_document["db_id"] == one.db_id)
    lock.update_on_release = {"$set": {"priority": 3}}
print(jc.get_job_info(db_id=one.db_id).priority)
with MongoLock(jc.jobs, {"db_id": "none"}) as lock:
    print(lock.is_locked, lock.locked_document)
try:
    jc.jobs.insert_one({"db_id": one.db_id, "uuid": one.uuid, "index": 1})
except DuplicateKeyError as error:
    print("duplicate", error.code)
print(jc.db.jobs.update_one({"db_id": one.db_id}, {"$set": {"priority": 5}}).modified_count)
print(jc.pause_job(db_id=one.db_id) == one.db_id, jc.get_flows_info()[0].state.value)
report = JobsReport.generate_report(jc)
print(report.longest_running, report.worker_utilization)
print(jc.stop_jobs(db_ids=ids, raise_on_error=False), jc.count_flows(states=FlowState.PAUSED))
jc.close()
"""


@pytest.mark.mongo
def test_a_script_prints_the_same(
    mongo_uri: str, tmp_path: Path, jobflow_remote: JobflowRemote
) -> None:
    def theirs(code: str, env: dict[str, str]) -> str:
        return jobflow_remote.run(tmp_path, code, env=env)

    printed = {}
    with mongo_client(mongo_uri) as client:
        for package, run in (("jobflow_remote", theirs), ("controller", _ours)):
            name = f"jfr_test_{uuid.uuid4().hex[:12]}"
            projects = tmp_path / package
            projects.mkdir()
            described = project(mongo_uri, name, tmp_path)
            (projects / "p.json").write_text(json.dumps(described))
            environment = {
                "JFREMOTE_PROJECTS_FOLDER": str(projects),
                "JFREMOTE_PROJECT": "p",
                "HOME": str(tmp_path),
            }
            try:
                text = run(SCRIPT.replace("PACKAGE", package), environment)
            finally:
                client.drop_database(name)
            printed[package] = text.splitlines()
    assert printed["controller"] == printed["jobflow_remote"]
    assert len(printed["controller"]) > 20


def project(uri: str, database: str, folder: Path) -> dict[str, Any]:
    store = {"type": "MongoURIStore", "uri": uri, "database": database}
    return {
        "name": "p",
        "base_dir": str(folder / database),
        "workers": {"w": {"type": "local", "scheduler_type": "shell", "work_dir": str(folder)}},
        "queue": {"store": {**store, "collection_name": "jobs"}},
        "jobstore": {"docs_store": {**store, "collection_name": "outputs"}},
        "exec_config": {"fast": {"pre_run": "a"}},
    }


def _ours(code: str, env: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
