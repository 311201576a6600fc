"""A project with a queue that is thrown about, and children that do it."""

from __future__ import annotations

import itertools
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import uuid4

from children import Report, Task, run
from cluster import Cluster
from points import Fuse

from controller import leases
from controller.config import Project
from controller.config.models import ExecutionConfig
from controller.doctor import diagnosing
from controller.documents.jobs import RemoteInfo
from controller.jobcontroller import JobController
from controller.operations import pending_cleanup, version
from controller.rules.diagnosis import flows as flow_diagnosis
from controller.runner import Runner, backoff, polling, rounds
from controller.schedulers import listings
from controller.schedulers.building import build_scheduler

Key = tuple[str, int]


@dataclass
class Arena:
    """Everything of one project lies in one folder, so that it can be put back.

    Attributes
    ----------
    folder
        Of the project.
    store
        Description of the queue's store.
    transactions
        Whether the embedded engine keeps its transactions.
    """

    folder: Path
    store: dict[str, Any]
    transactions: bool = True
    cluster: Cluster = field(init=False)
    project: Project = field(init=False)

    def __post_init__(self) -> None:
        self.cluster = Cluster(self.folder / "cluster")
        self.project = Project.model_validate(
            {
                "name": "chaos",
                "base_dir": str(self.folder),
                "queue": {"store": self.store},
                "runner": {"max_step_attempts": 3, "delta_retry": [0]},
                "workers": {
                    "local": {
                        "type": "local",
                        "scheduler_type": "slurm",
                        "work_dir": str(self.folder / "work"),
                    }
                },
                "jobstore": {
                    "docs_store": {
                        "type": "EmbeddedStore",
                        "path": str(self.folder / "outputs.db"),
                        "collection_name": "outputs",
                    }
                },
            }
        )
        os.environ.update(self.cluster.environment())
        _prepare(self.project)

    @classmethod
    def embedded(cls, folder: Path, *, transactions: bool) -> Arena:
        """Make one whose queue is the embedded engine's."""
        world = folder / "world"
        path = str(world / "queue.db")
        store = {"type": "EmbeddedStore", "path": path, "collection_name": "jobs"}
        return cls(world, store, transactions)

    @classmethod
    def on_server(cls, folder: Path, uri: str) -> Arena:
        """Make one whose queue is in a database of its own on a MongoDB-protocol server."""
        store = {
            "type": "MongoURIStore",
            "uri": uri,
            "database": f"jfr_chaos_{uuid4().hex[:12]}",
            "collection_name": "jobs",
        }
        return cls(folder / "world", store, transactions=False)

    def create(self) -> None:
        """Make an empty project."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.cluster.create()
        self.do(lambda: self._set_up())

    def _set_up(self) -> None:
        with self.controller() as controller:
            controller.reset()
            _ = controller.jobstore

    def save(self, place: Path) -> None:
        """Copy everything."""
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(self.folder, place)

    def restore(self, place: Path) -> None:
        """Put everything back."""
        shutil.rmtree(self.folder)
        shutil.copytree(place, self.folder)
        if "uri" in self.store:
            self.do(
                self._set_up
            )  # a server's queue is not in the folder: only the empty one is known

    # ------------------------------------------------------------------ children

    def do(self, work: Callable[[], Any], fuse: Fuse | None = None) -> Report:
        """Do something in a child of its own; an error that is none of ours fails."""
        return self.do_all([Task(work, fuse or Fuse())])[0]

    def do_all(self, tasks: Sequence[Task]) -> list[Report]:
        """Do several things at once, each in a child of its own."""
        reports = run(tasks, transactions=self.transactions)
        for report in reports:
            assert report.error is None, report.error
        return reports

    @contextmanager
    def controller(self) -> Iterator[JobController]:
        """Open the controller, within a child."""
        hurry()
        with JobController.from_project(self.project) as controller:
            yield controller

    @contextmanager
    def runner(self) -> Iterator[Runner]:
        """Open a runner that never waits, within a child."""
        hurry()
        polling.POLL_FASTEST = polling.SECONDS_PER_JOB = 0.0
        rounds.RECOVER_EVERY = rounds.CLEAN_UP_EVERY = 0.0
        listings.GRACE = 0.0  # a job that vanishes has ended
        backoff.FIRST_PAUSE = backoff.LONGEST_PAUSE = 0.0
        runner = Runner(project=self.project)
        try:
            yield runner
        finally:
            runner.cleanup()


def _prepare(project: Project) -> None:
    """Import and build before the forks what each child would otherwise import and build."""
    for module in (
        "controller.execution.filestore",
        "controller.execution.serialising",
        "controller.storage.embedded.store",
        "jobflow.core.schemas",
    ):
        import_module(module)
    build_scheduler("slurm")
    version.installed_jobflow()
    RemoteInfo().model_dump()
    ExecutionConfig()
    for worker in project.workers.values():
        worker.model_dump()


def hurry() -> None:
    """Let nothing be said, and no time pass, in this child."""
    logging.disable(logging.CRITICAL)
    diagnosing.CONFIRM_AFTER = 0.0


def let_time_pass() -> None:
    """A lease that is seen twice has run out, an old entry or submission is given up."""
    ticks = itertools.count(step=1000)
    leases.OBSERVER._clock = lambda: float(next(ticks))
    pending_cleanup.GIVEN_UP_AFTER = flow_diagnosis.SUBMISSION_TIME = timedelta(0)
