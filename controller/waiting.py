"""Wait until jobs or flows have come to a state."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from controller.documents import db_id_order
from controller.errors import ArgumentError, FlowNotFoundError, JobNotFoundError
from controller.reader import QueueReader
from controller.rules.waiting import MOVING_STATES, Verdict, wait_verdict
from controller.states import FlowState, JobState
from controller.storage.base import Collection as Documents

SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
"""Seconds between two looks: short after something changed, longer the longer nothing does."""

S = TypeVar("S", JobState, FlowState)


@dataclass(frozen=True)
class Awaited:
    """A job or a flow that is waited for.

    Attributes
    ----------
    db_id
        Of the job, or of the flow's first job.
    uuid
        Of the job or the flow.
    name, state
        As they were at the last look.
    """

    db_id: str
    uuid: str
    name: str
    state: JobState | FlowState


@dataclass(frozen=True)
class WaitResult:
    """How waiting ended.

    Attributes
    ----------
    verdict
        PENDING when time was up.
    waited
        What was waited for, as it was at the end.
    seconds
        How long it took.
    """

    verdict: Verdict
    waited: list[Awaited]
    seconds: float


Progress = Callable[[list[Awaited]], None]
"""Called after each look that shows a change."""


@dataclass(frozen=True)
class Patience:
    """How to wait.

    Attributes
    ----------
    timeout
        Seconds to wait at most; None waits for ever.
    progress
        Told of each change.
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
    patience: Patience | None = None,
) -> WaitResult:
    """Wait for jobs. Locks nothing.

    Parameters
    ----------
    db_ids
        The jobs. A job that is replaced meanwhile has ended; its next index is another job.
    wanted, any_of
        See `controller.rules.waiting.wait_verdict`.

    Raises
    ------
    JobNotFoundError
        One of the jobs does not exist, or was deleted meanwhile.
    """

    def look() -> tuple[list[Awaited], list[str]]:
        found = list(
            controller.jobs.find(
                {"db_id": {"$in": list(db_ids)}},
                ["db_id", "uuid", "state", "job.name", "job.hosts"],
            )
        )
        gone = set(db_ids) - {doc["db_id"] for doc in found}
        if gone:
            raise JobNotFoundError(
                f"there is no job {', '.join(sorted(gone))}",
                hint="`jf job list` shows those there are",
            )
        waited = [
            Awaited(doc["db_id"], doc["uuid"], doc["job"].get("name") or "", JobState(doc["state"]))
            for doc in found
        ]
        flows = {doc["job"]["hosts"][-1] for doc in found if doc["job"].get("hosts")}
        return sorted(waited, key=lambda a: db_id_order(a.db_id)), sorted(flows)

    return _wait(controller, look, wanted, any_of, patience or Patience())


def wait_for_flows(
    controller: QueueReader,
    flow_uuids: Collection[str],
    wanted: Collection[FlowState] | None = None,
    *,
    any_of: bool = False,
    patience: Patience | None = None,
) -> WaitResult:
    """Wait for flows, with all jobs that join them meanwhile. Locks nothing.

    Parameters
    ----------
    flow_uuids
        The flows.
    wanted, any_of
        See `controller.rules.waiting.wait_verdict`.

    Raises
    ------
    FlowNotFoundError
        One of the flows does not exist, or was deleted meanwhile.
    """

    def look() -> tuple[list[Awaited], list[str]]:
        flows = controller.get_flows_info(flow_ids=list(flow_uuids))
        gone = set(flow_uuids) - {flow.flow_id for flow in flows}
        if gone:
            raise FlowNotFoundError(
                f"there is no flow {', '.join(sorted(gone))}",
                hint="`jf flow list` shows those there are",
            )
        waited = [Awaited(f.db_id or "", f.flow_id, f.name, f.state) for f in flows]
        return sorted(waited, key=lambda a: db_id_order(a.db_id)), sorted(flow_uuids)

    return _wait(controller, look, wanted, any_of, patience or Patience())


def _wait(
    controller: QueueReader,
    look: Callable[[], tuple[list[Awaited], list[str]]],
    wanted: Collection[Any] | None,
    any_of: bool,
    patience: Patience,
) -> WaitResult:
    if patience.timeout is not None and patience.timeout < 0:
        raise ArgumentError(f"a timeout cannot be {patience.timeout:g} seconds")
    begin = patience.clock()
    before: list[Awaited] | None = None
    pause = SHORTEST_PAUSE
    while True:
        token = controller.queue.database.change_token()
        waited, flows = look()
        states = [awaited.state for awaited in waited]
        verdict = wait_verdict(states, wanted, any_of=any_of)
        if verdict is Verdict.PENDING and not _something_moves(controller.jobs, flows):
            # Looked at after the states: what moved between the two is seen by a second look.
            waited, flows = look()
            states = [awaited.state for awaited in waited]
            stuck = not _something_moves(controller.jobs, flows)
            verdict = wait_verdict(states, wanted, any_of=any_of, stuck=stuck)
        if waited != before:
            before, pause = waited, SHORTEST_PAUSE
            if patience.progress is not None:
                patience.progress(waited)
        spent = patience.clock() - begin
        if verdict is not Verdict.PENDING:
            return WaitResult(verdict, waited, spent)
        if not _wait_for_change(controller, token, pause, begin, patience):
            return WaitResult(Verdict.PENDING, waited, patience.clock() - begin)
        pause = min(pause * 1.5, LONGEST_PAUSE)


def _wait_for_change(
    controller: QueueReader, token: object, pause: float, begin: float, patience: Patience
) -> bool:
    """Pause; less where the database tells that others changed it. False when time is up."""
    end = patience.clock() + pause
    while (now := patience.clock()) < end:
        left = end - now
        if patience.timeout is not None:
            left = min(left, patience.timeout - (now - begin))
            if left <= 0:
                return False
        patience.sleep(left if token is None else min(left, SHORTEST_PAUSE))
        if token is not None and controller.queue.database.change_token() != token:
            break
    return True


def _something_moves(jobs: Documents, flows: list[str]) -> bool:
    """Whether a job of these flows can end without a change of another job."""
    query: Mapping[str, Any] = {
        "job.hosts": {"$in": flows},
        "state": {"$in": [state.value for state in MOVING_STATES]},
    }
    return jobs.find_one(query, ["db_id"]) is not None
