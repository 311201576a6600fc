"""Register this runner in the database, unless a foreign runner is active."""

from __future__ import annotations

import getpass
import os
import socket
import uuid
from typing import TYPE_CHECKING, Any

from controller.errors import RunningRunnerError
from controller.leases import this_owner
from controller.operations import runner_record
from controller.operations.queue import Queue
from controller.operations.version import refuse_newer

if TYPE_CHECKING:
    from controller.config import Project

LOCK_WAIT = 25.0
"""Seconds to wait while another runner starts or stops; the lease of a dead one expires by then."""


def describe(project: Project, runner_id: str, daemon_id: str | None) -> dict[str, Any]:
    """Return the record of this runner."""
    return {
        "runner_id": runner_id,
        "daemon_id": daemon_id,
        "pid": os.getpid(),
        "process": this_owner(),
        "hostname": socket.gethostname(),
        "mac_address": f"{uuid.getnode():012x}",
        "user": getpass.getuser(),
        "daemon_dir": project.daemon_dir,
        "project_name": project.name,
        "processes_info": {},
        "runner_options": {},
    }


def enter(queue: Queue, record: dict[str, Any]) -> None:
    """Register, or join a jfr runner that is already registered.

    Raises
    ------
    RunningRunnerError
        A live runner of jobflow-remote serves the database: it does not support leases.
    RunnerLockedError
        Another process is starting or stopping a runner.
    MissingDocumentError
        The database is not set up, or was written by jobflow-remote before 0.1.5.
    StorageFormatError
        The database has a newer version.
    """
    refuse_newer(queue.auxiliary, "a runner")
    foreign = None
    with runner_record.lock_runner(queue.auxiliary, wait=LOCK_WAIT) as lock:
        assert lock.locked_document is not None
        known = lock.locked_document["running_runner"]
        if not runner_record.is_live(known):
            runner_record.register(lock, record)
        elif runner_record.is_foreign(known):
            foreign = known
    if foreign is not None:
        raise RunningRunnerError(
            f"a runner of jobflow-remote is active on {foreign.get('hostname')} "
            f"({_processes(foreign)}started {foreign.get('start_time')}, "
            f"user {foreign.get('user')})",
            runner=foreign,
            hint="stop it there with its own `jf runner stop`, then start this one",
        )


def _processes(record: dict[str, Any]) -> str:
    """Describe the processes whose pids are in a record of jobflow-remote."""
    known = (record.get("processes_info") or {}).values()
    pids = sorted({str(info["pid"]) for info in known if (info or {}).get("pid")})
    return f"process {', '.join(pids)}, " if pids else ""
