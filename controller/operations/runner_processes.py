"""A record for each runner process: its identity, its heartbeat, requests to it and its answers.

The records are in the auxiliary collection, ``{"runner_process": {...}}``, beside
``running_runner``, the only record that jobflow-remote knows. A separate document says whether
jobs are claimed at all, ``{"runner_claims": {...}}``; it also applies to runners started later.
"""

from __future__ import annotations

import getpass
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import uuid4

from controller.documents import utc_now
from controller.identity import this_process
from controller.leases import owner_is_dead
from controller.operations.queue import Queue
from controller.operations.worker_outages import WorkerOutage, outages
from controller.rules.runner_requests import ProcessState, RequestAction, process_state

_FIELD = "runner_process"
_CLAIMS = "runner_claims"
_ID = f"{_FIELD}.runner_id"
KEPT_FOR = timedelta(days=1)
"""Time after which the record of a silent runner on another machine is removed."""


@dataclass(frozen=True)
class RunnerProcess:
    """The data about a runner in the database and on this machine.

    Attributes
    ----------
    record
        The record as stored.
    state
        Whether it is alive.
    beat_age
        Seconds since its last heartbeat; None if there was none.
    jobs
        db_ids of the jobs that it has locked: the ones it is working on.
    """

    record: dict[str, Any]
    state: ProcessState
    beat_age: float | None
    jobs: tuple[str, ...] = ()

    @property
    def runner_id(self) -> str:
        """Id of the runner."""
        return str(self.record["runner_id"])

    @property
    def is_here(self) -> bool:
        """Whether it runs on this machine, as far as its name tells."""
        return bool(self.record.get("hostname") == socket.gethostname())

    @property
    def lives(self) -> bool:
        """Whether it is alive, as far as is known."""
        return self.state in (ProcessState.ALIVE, ProcessState.STOPPING)

    @property
    def named(self) -> str:
        """Process and host, as text."""
        return f"process {self.record.get('pid')} on {self.record.get('hostname')}"


@dataclass(frozen=True)
class RunnersOverview:
    """Everything about the runners of a database.

    Attributes
    ----------
    runners
        Alive or not, the oldest first.
    claims
        ``{paused, by, on}``: whether jobs are claimed at all, and who decided that; {} by default.
    outages
        Workers whose machines cannot be used at present.
    """

    runners: list[RunnerProcess]
    claims: dict[str, Any]
    outages: list[WorkerOutage]


def enroll(queue: Queue, record: Mapping[str, Any]) -> None:
    """Store the record of a starting runner; remove those of runners that ended long ago."""
    forget_ended(queue)
    queue.auxiliary.delete_many({_ID: record["runner_id"]})
    queue.auxiliary.insert_one({_FIELD: dict(record)})


def update_process(queue: Queue, runner_id: str, fields: Mapping[str, Any]) -> bool:
    """Change fields of a runner's own record; return whether it exists."""
    changes = {f"{_FIELD}.{name}": value for name, value in fields.items()}
    return queue.auxiliary.update_one({_ID: runner_id}, {"$set": changes}).matched_count > 0


def withdraw_process(queue: Queue, runner_id: str) -> None:
    """Remove the record of a runner that is ending."""
    queue.auxiliary.delete_many({_ID: runner_id})


def forget_ended(queue: Queue, *, silent: bool = False) -> int:
    """Remove the records of runners that have ended for certain, or are silent for a day.

    Parameters
    ----------
    silent
        Remove all that are silent.
    """
    gone = [
        found.runner_id
        for found in runner_processes(queue)
        if found.state is ProcessState.ENDED
        or (found.state is ProcessState.SILENT and (silent or _is_old(found)))
    ]
    if gone:
        queue.auxiliary.delete_many({_ID: {"$in": gone}})
    return len(gone)


def _is_old(found: RunnerProcess) -> bool:
    return found.beat_age is None or found.beat_age > KEPT_FOR.total_seconds()


def runner_processes(queue: Queue) -> list[RunnerProcess]:
    """Return all runners that have a record, the oldest first; `RunnerProcess.jobs` is empty."""
    now = utc_now()
    found = []
    for document in queue.auxiliary.find({_FIELD: {"$exists": True}}):
        record: dict[str, Any] = document[_FIELD]
        beat_on = record.get("beat_on")
        age = None if beat_on is None else (now - beat_on).total_seconds()
        state = process_state(record, now, has_ended=owner_is_dead(record.get("process")))
        found.append(RunnerProcess(record, state, age))
    return sorted(
        found, key=lambda runner: (str(runner.record.get("started_on")), runner.runner_id)
    )


def read_process(queue: Queue, runner_id: str) -> dict[str, Any] | None:
    """Return the record of a runner; None if there is none."""
    found = queue.auxiliary.find_one({_ID: runner_id})
    record: dict[str, Any] | None = found[_FIELD] if found else None
    return record


def read_orders(queue: Queue, runner_id: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the record of a runner, {} if there is none, and `claims_of`, with one query."""
    record: dict[str, Any] = {}
    claims: dict[str, Any] = {}
    for found in queue.auxiliary.find({"$or": [{_ID: runner_id}, {_CLAIMS: {"$exists": True}}]}):
        record, claims = found.get(_FIELD, record), found.get(_CLAIMS, claims)
    return record, claims


def runners_overview(queue: Queue) -> RunnersOverview:
    """Return everything about the runners of a database."""
    held: dict[str, list[str]] = {}
    fields = ["db_id", "lock_lease"]
    for job in queue.jobs.find({"lock_id": {"$ne": None}}, fields):
        owner = (job.get("lock_lease") or {}).get("owner") or {}
        held.setdefault(_key(owner), []).append(job["db_id"])
    runners = [
        RunnerProcess(
            found.record,
            found.state,
            found.beat_age,
            tuple(held.get(_key(found.record.get("process") or {}), ())),
        )
        for found in runner_processes(queue)
    ]
    return RunnersOverview(runners, claims_of(queue), outages(queue))


def _key(process: Mapping[str, Any]) -> str:
    names = ("host", "boot_id", "pid", "start_time")
    return "/".join(str(process.get(name)) for name in names)


# ---------------------------------------------------------------------- requests


def requester() -> dict[str, Any]:
    """Return the author of a request: user, host and process."""
    return {"user": getpass.getuser(), "host": socket.gethostname(), "pid": this_process()["pid"]}


def ask_runners(queue: Queue, runner_ids: Iterable[str], action: RequestAction) -> dict[str, str]:
    """Store a request for each runner, in place of an earlier one.

    Returns
    -------
    dict
        {runner_id: id of the request}, of those that have a record.
    """
    asked = {}
    for runner_id in runner_ids:
        request_id = str(uuid4())
        request = {
            "id": request_id,
            "action": str(action),
            "by": requester(),
            "on": utc_now(),
        }
        if update_process(queue, runner_id, {"request": request}):
            asked[runner_id] = request_id
    return asked


def answer_request(
    queue: Queue, runner_id: str, request: Mapping[str, Any], result: str, message: str = ""
) -> None:
    """Record the outcome of a request: ``done`` or ``refused``, and why."""
    answer = {
        "id": request["id"],
        "action": request["action"],
        "result": result,
        "message": message,
        "on": utc_now(),
    }
    update_process(queue, runner_id, {"answer": answer})


# ---------------------------------------------------------------------- claims


def claims_of(queue: Queue) -> dict[str, Any]:
    """Return ``{paused, by, on}``; {} if nothing has been decided."""
    found = queue.auxiliary.find_one({_CLAIMS: {"$exists": True}})
    claims: dict[str, Any] = found[_CLAIMS] if found else {}
    return claims


def set_claims(queue: Queue, *, paused: bool) -> bool:
    """Set whether the runners of a database claim jobs; return whether that is a change."""
    before = bool(claims_of(queue).get("paused"))
    value = {"paused": paused, "by": requester(), "on": utc_now()}
    change = {f"{_CLAIMS}.{name}": part for name, part in value.items()}
    queue.auxiliary.update_one({_CLAIMS: {"$exists": True}}, {"$set": change}, upsert=True)
    return before != paused
