"""Says in the database that this runner lives, and keeps out of a foreign runner's way."""

from __future__ import annotations

import getpass
import os
import socket
import uuid
from typing import TYPE_CHECKING, Any

from controller.documents import utc_now
from controller.errors import RunningRunnerError
from controller.operations import runner_record
from controller.operations.queue import Queue

if TYPE_CHECKING:
    from controller.config import Project


def describe(project: Project, runner_id: str, daemon_id: str | None) -> dict[str, Any]:
    """Return the record of this runner."""
    return {
        "runner_id": runner_id,
        "daemon_id": daemon_id,
        "pid": os.getpid(),
        "hostname": socket.gethostname(),
        "mac_address": f"{uuid.getnode():012x}",
        "user": getpass.getuser(),
        "daemon_dir": project.daemon_dir,
        "project_name": project.name,
        "processes_info": {},
        "runner_options": {},
    }


def enter(queue: Queue, record: dict[str, Any]) -> None:
    """Register, or join a runner of ours that is registered already.

    Raises
    ------
    RunningRunnerError
        A live runner of jobflow-remote serves the database: it does not know leases.
    """
    now = utc_now()
    known = runner_record.get_running_runner(queue.auxiliary)
    if runner_record.is_foreign(known) and runner_record.is_live(known, now):
        assert isinstance(known, dict)
        raise RunningRunnerError(
            f"a runner of jobflow-remote is active on {known.get('hostname')} "
            f"(started {known.get('start_time')}, user {known.get('user')})",
            runner=known,
            hint="stop it there with its own `jf runner stop`, then start this one",
        )
    if not runner_record.is_live(known, now):
        runner_record.register(queue, {**record, "start_time": now, "last_pinged": now})
