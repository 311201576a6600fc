"""A project without a runner: jobs run in this process, one step at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controller.config import Project
from controller.documents import utc_now
from controller.execution.files import (
    IN_FILE,
    encode_input,
    job_store_description,
    run_dir_path,
    store_file_names,
)
from controller.execution.references import resolved_job
from controller.execution.run import run_remote_job
from controller.jobcontroller import JobController
from controller.states import JobState


class World:
    """A controller and the work that a runner would do for it.

    Parameters
    ----------
    store
        Description of the queue's store.
    folder
        Where run directories and outputs go.
    """

    def __init__(self, store: dict[str, Any], folder: Path) -> None:
        self.folder = folder
        outputs = {"type": "EmbeddedStore", "path": str(folder / "outputs.db")}
        self.project = Project.model_validate(
            {
                "name": "life",
                "base_dir": str(folder),
                "queue": {"store": store},
                "workers": {
                    "local": {
                        "type": "local",
                        "scheduler_type": "shell",
                        "work_dir": str(folder / "work"),
                    }
                },
                "jobstore": {"docs_store": {**outputs, "collection_name": "outputs"}},
            }
        )
        self.controller = JobController.from_project(self.project)
        self.controller.reset()
        self.store = self.controller.jobstore

    def close(self) -> None:
        """Close everything."""
        self.controller.close()

    def submit(self, flow: Any, **options: Any) -> list[str]:
        """Submit a flow to the worker."""
        return self.controller.add_flow(flow, "local", **options)

    def execute(self) -> str | None:
        """Claim the next job and run it up to DOWNLOADED; returns its db_id."""
        claimed = self.controller.checkout_job()
        if claimed is None:
            return None
        job = self.controller.jobs.find_one({"uuid": claimed[0], "index": claimed[1]})
        assert job is not None
        directory = run_dir_path(self.project.workers["local"].work_dir, *claimed)
        directory.mkdir(parents=True)
        files = store_file_names(set(), "maggma_json", False)
        store = job_store_description(directory, files, self.project.jobstore)
        body = resolved_job(job["job"], lambda: self.store)
        (directory / IN_FILE).write_bytes(encode_input(body, store, job))
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(directory)
            run_remote_job(directory)
        self.controller.jobs.update_one(
            {"_id": job["_id"]},
            {"$set": {"state": JobState.DOWNLOADED.value, "run_dir": str(directory)}},
        )
        return str(job["db_id"])

    def complete(self, db_id: str) -> None:
        """Complete a job as a runner does."""
        query = {"db_id": db_id, "state": JobState.DOWNLOADED.value}
        with self.controller.lock_job_for_update(query, 3, [30]) as lock:
            job = lock.locked_document
            assert job is not None
            self.controller.complete_job(job, job["run_dir"], self.store)

    def run(self, limit: int = 100) -> int:
        """Run until no job is READY; returns how many ran."""
        for count in range(limit):
            db_id = self.execute()
            if db_id is None:
                return count
            self.complete(db_id)
        raise AssertionError(f"still not done after {limit} jobs")

    def states(self) -> dict[str, str]:
        """{db_id: state} of all jobs."""
        return {d["db_id"]: d["state"] for d in self.controller.jobs.find({}, ["db_id", "state"])}

    def output(self, db_id: str) -> Any:
        """Output of the newest index of a job."""
        info = self.controller.get_job_info(db_id=db_id)
        assert info is not None
        return self.store.get_output(info.uuid)

    def check(self) -> None:
        """Assert what has to hold at any time when nobody works."""
        jobs = list(self.controller.jobs.find({}))
        assert not [j["db_id"] for j in jobs if j["lock_id"] is not None]
        keys = [(j["uuid"], j["index"]) for j in jobs]
        assert len(set(keys)) == len(keys)
        assert len({j["db_id"] for j in jobs}) == len(jobs)
        for flow in self.controller.flows.find({}):
            assert flow["lock_id"] is None
            mine = [j for j in jobs if j["job"]["hosts"][-1] == flow["uuid"]]
            assert sorted(map(tuple, flow["ids"])) == sorted(
                (j["db_id"], j["uuid"], j["index"]) for j in mine
            )
            assert sorted(flow["jobs"]) == sorted({j["uuid"] for j in mine})
            for j in mine:
                assert sorted(flow["parents"][j["uuid"]][str(j["index"])]) == sorted(j["parents"])
        now = utc_now()
        assert all(j["updated_on"] <= now for j in jobs)
