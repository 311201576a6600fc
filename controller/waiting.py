"""Wait until jobs or flows have reached a state."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from controller.documents import db_id_order, flow_if_named, flow_of
from controller.errors import ArgumentError, FlowNotFoundError, JobNotFoundError
from controller.reader import QueueReader
from controller.rules.flows import newest_by_uuid
from controller.rules.waiting import MOVING_STATES, Verdict, is_about_to_move, wait_verdict
from controller.states import FlowState, JobState
from controller.storage.base import Collection as Documents

SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
"""Seconds between checks: short after a change, longer the longer nothing changes."""

_JOBS_AT_ONCE = 1000


@dataclass(frozen=True)
class Awaited:
    """A job or a flow that is waited for.

    Attributes
    ----------
    db_id
        db_id of the job, or of the flow's first job.
    uuid
        The uuid of the job or the flow.
    name, state
        Name and state at the last check.
    flow
        Uuid of the submitted flow.
    """

    db_id: str
    uuid: str
    name: str
    state: JobState | FlowState
    flow: str


@dataclass(frozen=True)
class WaitResult:
    """How waiting ended.

    Attributes
    ----------
    verdict
        The outcome; PENDING if the time limit was reached.
    waited
        The jobs or flows waited for, with their final states.
    seconds
        Duration of the wait.
    """

    verdict: Verdict
    waited: list[Awaited]
    seconds: float


Progress = Callable[[list[Awaited]], None]
"""Called after each check that shows a change."""


@dataclass(frozen=True)
class WaitOptions:
    """How to wait.

    Attributes
    ----------
    timeout
        Maximum number of seconds to wait; None for no limit.
    progress
        Called with each change.
    clock, sleep
        Monotonic seconds and a pause; replaced by tests.
    """

    timeout: float | None = None
    progress: Progress | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def wait_for_jobs(
    controller: QueueReader,
    db_ids: Collection[str],
    wanted: Collection[JobState] | None = None,
    *,
    any_of: bool = False,
    options: WaitOptions | None = None,
) -> WaitResult:
    """Wait for jobs. Locks nothing.

    Parameters
    ----------
    db_ids
        The jobs. A job that is replaced in the meantime has ended; its next index is another job.
    wanted, any_of
        See `controller.rules.waiting.wait_verdict`.

    Raises
    ------
    JobNotFoundError
        One of the jobs does not exist, or was deleted in the meantime.
    """

    def look() -> list[Awaited]:
        found = list(
            controller.queue.jobs.find(
                {"db_id": {"$in": list(db_ids)}},
                ["db_id", "uuid", "state", "job.name", "job.hosts"],
            )
        )
        gone = set(db_ids) - {doc["db_id"] for doc in found}
        if gone:
            raise JobNotFoundError(
                f"there is no job {', '.join(sorted(gone))}",
                hint="`jf job list` lists the existing ones",
            )
        waited = [
            Awaited(
                doc["db_id"],
                doc["uuid"],
                doc["job"].get("name") or "",
                JobState(doc["state"]),
                flow_if_named(doc) or "",
            )
            for doc in found
        ]
        return sorted(waited, key=lambda a: db_id_order(a.db_id))

    return _wait(controller, look, wanted, any_of, options or WaitOptions())


def wait_for_flows(
    controller: QueueReader,
    flow_uuids: Collection[str],
    wanted: Collection[FlowState] | None = None,
    *,
    any_of: bool = False,
    options: WaitOptions | None = None,
) -> WaitResult:
    """Wait for flows, including all jobs that are added to them in the meantime. Locks nothing.

    Parameters
    ----------
    flow_uuids
        The flows.
    wanted, any_of
        See `controller.rules.waiting.wait_verdict`.

    Raises
    ------
    FlowNotFoundError
        One of the flows does not exist, or was deleted in the meantime.
    """

    def look() -> list[Awaited]:
        flows = controller.get_flows_info(flow_ids=list(flow_uuids))
        gone = set(flow_uuids) - {flow.flow_id for flow in flows}
        if gone:
            raise FlowNotFoundError(
                f"there is no flow {', '.join(sorted(gone))}",
                hint="`jf flow list` lists the existing ones",
            )
        waited = [Awaited(f.db_id or "", f.flow_id, f.name, f.state, f.flow_id) for f in flows]
        return sorted(waited, key=lambda a: db_id_order(a.db_id))

    return _wait(controller, look, wanted, any_of, options or WaitOptions())


def _wait(
    controller: QueueReader,
    look: Callable[[], list[Awaited]],
    wanted: Collection[Any] | None,
    any_of: bool,
    options: WaitOptions,
) -> WaitResult:
    if options.timeout is not None and options.timeout < 0:
        raise ArgumentError(f"a timeout cannot be {options.timeout:g} seconds")
    begin = options.clock()
    before: list[Awaited] | None = None
    pause = SHORTEST_PAUSE
    while True:
        token = controller.queue.database.change_token()
        waited, verdict = _judged(controller.queue.jobs, look, wanted, any_of)
        if verdict is Verdict.FAILED:
            # Activity was read after the states: a second check sees what changed in between.
            waited, verdict = _judged(controller.queue.jobs, look, wanted, any_of)
        if waited != before:
            before, pause = waited, SHORTEST_PAUSE
            if options.progress is not None:
                options.progress(waited)
        spent = options.clock() - begin
        if verdict is not Verdict.PENDING:
            return WaitResult(verdict, waited, spent)
        if not _wait_for_change(controller, token, pause, begin, options):
            return WaitResult(Verdict.PENDING, waited, options.clock() - begin)
        pause = min(pause * 1.5, LONGEST_PAUSE)


def _wait_for_change(
    controller: QueueReader, token: object, pause: float, begin: float, options: WaitOptions
) -> bool:
    """Pause; shorter when the database reports changes by others. False on timeout."""
    end = options.clock() + pause
    while (now := options.clock()) < end:
        left = end - now
        if options.timeout is not None:
            left = min(left, options.timeout - (now - begin))
            if left <= 0:
                return False
        options.sleep(left if token is None else min(left, SHORTEST_PAUSE))
        if token is not None and controller.queue.database.change_token() != token:
            break
    return True


def _judged(
    jobs: Documents, look: Callable[[], list[Awaited]], wanted: Collection[Any] | None, any_of: bool
) -> tuple[list[Awaited], Verdict]:
    waited = look()
    open_flows = {a.flow for a in waited if a.state.value != JobState.COMPLETED.value}
    moving = _moving_flows(jobs, open_flows)
    found = [(awaited.state, awaited.flow in moving) for awaited in waited]
    return waited, wait_verdict(found, wanted, any_of=any_of)


def _moving_flows(jobs: Documents, flows: set[str]) -> set[str]:
    """Return the flows with a job that is READY or in progress, or is about to be."""
    states = [state.value for state in MOVING_STATES]
    moving: set[str] = set()
    while left := flows - moving:
        # One job per flow is enough: few flows are waited for, and few of their jobs are needed.
        query = {"job.hosts": {"$in": sorted(left)}, "state": {"$in": states}}
        found = list(jobs.find(query, ["job.hosts"], limit=_JOBS_AT_ONCE))
        moving |= {flow_of(job) for job in found} & flows
        if len(found) < _JOBS_AT_ONCE:
            break
    for uuid in sorted(flows - moving):
        held = {"job.hosts": uuid, "state": JobState.WAITING.value}
        waiting = list(jobs.find(held, ["parents", "job.config.on_missing_references"]))
        wanted = sorted({parent for job in waiting for parent in job.get("parents") or ()})
        known = jobs.find({"uuid": {"$in": wanted}}, ["uuid", "index", "state"]) if wanted else ()
        if is_about_to_move(waiting, newest_by_uuid(known)):
            moving.add(uuid)
    return moving
