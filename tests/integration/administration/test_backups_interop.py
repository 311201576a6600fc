"""Backups that travel between jfr and jobflow-remote 1.0.1 on a server, in both directions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jobflow_remote_program import JobflowRemote
from servers import fresh_store, mongo_client
from stored import Stock

from controller.jobcontroller import JobController
from controller.storage.opening import open_store

THEIRS = """
import sys
from jobflow import JobStore
from jobflow_remote.jobs.jobcontroller import JobController
from maggma.stores import MemoryStore, MongoURIStore
uri, database, action, folder = sys.argv[1:]
queue = MongoURIStore(uri=uri, database=database, collection_name="jobs")
controller = JobController(queue, JobStore(MemoryStore()), "flows", "jf_auxiliary", "batches")
controller.reset(max_limit=0) if action == "reset" else None
controller.backup_dump(folder, python=True, compress=True) if action == "dump" else None
controller.backup_restore(folder, python=True) if action == "restore" else None
"""


def documents(controller: JobController) -> list[list[bytes]]:
    queue = controller.queue
    many = (queue.jobs, queue.flows, queue.auxiliary, queue.batches)
    return [sorted(c.raw_documents()) for c in many]


@pytest.mark.mongo
def test_backups_travel(tmp_path: Path, mongo_uri: str, jobflow_remote: JobflowRemote) -> None:
    def theirs(spec: dict[str, Any], action: str, folder: Path) -> None:
        jobflow_remote.run(tmp_path, THEIRS, spec["uri"], spec["database"], action, folder)

    with (
        mongo_client(mongo_uri) as client,
        fresh_store("mongodb", tmp_path, client) as server,
        fresh_store("embedded", tmp_path, client) as file,
        JobController(open_store(file)) as ours,
    ):
        ours.reset()
        stock = Stock(ours)
        stock.flow("READY", "FAILED", job_fields={"stored_data": {"big": "x" * 100_000}})
        ours.add_batch_process("1", "uid", "pool")
        before = documents(ours)
        ours.backup_dump(tmp_path / "ours")
        theirs(server, "reset", tmp_path)
        theirs(server, "restore", tmp_path / "ours" / ours.queue.database.name)
        theirs(server, "dump", tmp_path / "theirs")
        ours.reset(max_limit=0)
        ours.backup_restore(tmp_path / "theirs" / server["database"])
        assert documents(ours) == before
