"""What the tests of the pages share: a project with something of everything."""

from __future__ import annotations

import re
import shutil
import warnings
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from controller.config import Project
from controller.documents import (
    new_batch_document,
    new_flow_document,
    new_job_document,
    utc_now,
)
from controller.jobcontroller import JobController
from controller.states import FlowState, JobState
from controller.storage.opening import open_store
from jfr_web.site import Site

with warnings.catch_warnings():
    # Newer versions of Starlette prefer another package, which older ones do not know.
    warnings.simplefilter("ignore")
    from starlette.testclient import TestClient

__all__ = ["EVIL", "Browser", "Stock", "TestClient", "stocked", "uuid"]

EVIL = "<script>alert('x')</script>"
"""The name of a job, of its error and of much else."""


def uuid(number: int) -> str:
    """Return a uuid that begins with the number."""
    return str(UUID(int=(number << 96) + number))


@dataclass
class Stock:
    """A project, and the folder of its files."""

    project: Project
    folder: Path

    def copied(self, folder: Path) -> Stock:
        """Return a copy in another folder, which does not exist yet."""
        shutil.copytree(self.folder, folder)
        project = described(folder)
        with JobController.from_project(project) as controller:
            run_dir = str(folder / "work" / "1")
            controller.queue.jobs.update_one({"db_id": "1"}, {"$set": {"run_dir": run_dir}})
        return Stock(project, folder)


@dataclass
class Browser:
    """A site, and who looks at it."""

    site: Site
    client: TestClient

    def get(self, path: str, **more: Any) -> Any:
        """Ask for a page."""
        return self.client.get(path, **more)

    def text(self, path: str) -> str:
        """Return the text of a page, without its marks; it has to be there."""
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return " ".join(re.sub(r"<[^>]*>", " ", answer.text).split())

    def token(self, path: str) -> str:
        """Return the token of the forms of a page."""
        found = re.search(r'name="csrf" value="(\w+)"', self.get(path).text)
        assert found
        return found[1]


def described(folder: Path) -> Project:
    """Return a project of the embedded engine."""
    outputs = {"type": "EmbeddedStore", "path": str(folder / "outputs.db")}
    return Project.model_validate(
        {
            "name": "silicon",
            "base_dir": str(folder),
            "queue": {
                "store": {
                    "type": "EmbeddedStore",
                    "path": str(folder / "queue.db"),
                    "collection_name": "jobs",
                }
            },
            "jobstore": {"docs_store": {**outputs, "collection_name": "outputs"}},
            "workers": {
                "laptop": {
                    "type": "local",
                    "scheduler_type": "shell",
                    "work_dir": str(folder / "work"),
                    "max_jobs": 3,
                },
                "pilots": {
                    "type": "local",
                    "scheduler_type": "shell",
                    "work_dir": str(folder / "work"),
                    "batch": {
                        "jobs_handle_dir": str(folder / "pilots" / "handles"),
                        "work_dir": str(folder / "pilots" / "processes"),
                    },
                },
                "cluster": {
                    "type": "remote",
                    "scheduler_type": "slurm",
                    "work_dir": "/scratch",
                    "host": "cluster.example.org",
                    "password": "not for anybody",
                },
            },
        }
    )


STATES = (
    JobState.COMPLETED,
    JobState.FAILED,
    JobState.RUNNING,
    JobState.WAITING,
    JobState.READY,
    JobState.PAUSED,
    JobState.REMOTE_ERROR,
)


def job(number: int, state: JobState, *, flow: int, parents: list[int], name: str) -> Any:
    """Return the document of a job that changed so many minutes ago."""
    now = utc_now() - timedelta(minutes=number)
    body = {
        "@module": "jobflow.core.job",
        "@class": "Job",
        "uuid": uuid(number),
        "index": 1,
        "name": name,
        "metadata": {"element": "Si", "evil": EVIL},
        "hosts": [uuid(flow)],
        "function": {"@module": "math", "@callable": "fsum"},
        "function_args": [[1.5, 2, EVIL], {"deep": {"deeper": list(range(200))}}],
        "function_kwargs": {"encut": 520},
        "config": {},
    }
    document = new_job_document(
        body,
        db_id=str(number),
        parents=[uuid(parent) for parent in parents],
        state=state,
        worker="laptop",
        now=now,
    )
    if state in (JobState.COMPLETED, JobState.FAILED, JobState.RUNNING):
        document["start_time"] = now - timedelta(seconds=90)
    if state in (JobState.COMPLETED, JobState.FAILED):
        document["end_time"] = now
    if state is JobState.FAILED:
        document.update(error=f"Traceback\n{EVIL}\nValueError: no", error_cause="job_error")
    if state is JobState.REMOTE_ERROR:
        document["remote"]["error"] = "no route to host"
        document["previous_state"] = JobState.RUN_FINISHED.value
    return document


def stocked(folder: Path) -> Stock:
    """Make a project with two flows: one of every state, one that is long."""
    project = described(folder)
    with JobController.from_project(project) as controller:
        controller.reset()
        small = [
            job(n, state, flow=1001, parents=[n - 1] if n > 1 else [], name=f"relax Si {n}")
            for n, state in enumerate(STATES, 1)
        ]
        small[1]["job"]["name"] = EVIL
        long = [
            job(n, JobState.COMPLETED, flow=1002, parents=[], name=f"static {n % 4}")
            for n in range(10, 330)
        ]
        run_dir = folder / "work" / "1"
        run_dir.mkdir(parents=True)
        (run_dir / "queue.out").write_text(f"step 1\n{EVIL}\n")
        (run_dir / "data.csv").write_text("a,b\n1,2\n")
        small[0]["run_dir"] = str(run_dir)
        controller.queue.jobs.insert_many([*small, *long])
        for number, jobs, state, name in (
            (1001, small, FlowState.FAILED, EVIL),
            (1002, long, FlowState.COMPLETED, "static of everything"),
        ):
            ids = [(j["db_id"], j["uuid"], 1) for j in jobs]
            controller.queue.flows.insert_one(
                new_flow_document(
                    uuid=uuid(number),
                    name=name,
                    metadata={},
                    ids=ids,
                    parents={j["uuid"]: {"1": j["parents"]} for j in jobs},
                    state=state,
                    now=utc_now() - timedelta(minutes=5),
                )
            )
        controller.queue.batches.insert_one(
            {
                **new_batch_document(batch_uid=uuid(77), process_id="4711", worker="pilots"),
                "batch_state": "RUNNING",
                "jobs": [["1", uuid(1), 1]],
                "activity": {"node": EVIL, "slots": 2, "running": ["x"], "done": 1, "note": EVIL},
            }
        )
    docs = project.jobstore_spec()["docs_store"]
    outputs = open_store(docs)
    outputs.collection.insert_many(
        [
            {
                "uuid": j["uuid"],
                "index": 1,
                "output": {"energy": -1.5 * int(j["db_id"]), "name": EVIL},
                "name": j["job"]["name"],
                "metadata": {},
                "hosts": [],
                "completed_at": "2026-01-01T00:00:00",
            }
            for j in [small[0], *long]
        ]
    )
    outputs.database.close()
    return Stock(project, folder)
