"""Flows of every structure, as the database tells of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from controller.documents import FlowInfo, JobInfo
from controller.states import FlowState, JobState

SUBMITTED = datetime(2026, 1, 2, 12)


def job(
    db_id: str,
    *,
    uuid: str | None = None,
    index: int = 1,
    parents: tuple[str, ...] = (),
    hosts: tuple[str, ...] = (),
    name: str | None = None,
    state: JobState = JobState.COMPLETED,
    minute: int = 0,
) -> dict[str, Any]:
    """A job that came in a minute after the submission, and ended in the minute after."""
    created = SUBMITTED + timedelta(minutes=minute)
    done = state in (JobState.COMPLETED, JobState.FAILED)
    return {
        "db_id": db_id,
        "uuid": uuid or f"u{db_id}",
        "index": index,
        "name": f"job {db_id}" if name is None else name,
        "worker": "local",
        "state": state,
        "parents": list(parents),
        "hosts": [*hosts, "flow"],
        "created_on": created,
        "updated_on": created,
        "end_time": created + timedelta(seconds=30) if done else None,
    }


def flow(*jobs: dict[str, Any], name: str = "a flow") -> FlowInfo:
    """The flow of these jobs."""
    infos = [JobInfo.model_validate(j) for j in jobs]
    return FlowInfo(
        db_ids=[i.db_id for i in infos],
        job_ids=[i.uuid for i in infos],
        job_indexes=[i.index for i in infos],
        flow_id="flow",
        state=FlowState.RUNNING,
        name=name,
        created_on=SUBMITTED,
        updated_on=SUBMITTED,
        jobs_info=infos,
    )


def plain() -> FlowInfo:
    """Two jobs, then a third in a flow of its own with a fourth."""
    return flow(
        job("1"),
        job("2", parents=("u1",), state=JobState.RUNNING),
        job("3", parents=("u1", "u2"), hosts=("inner",), state=JobState.WAITING),
        job("4", parents=("u3",), hosts=("inner",), state=JobState.WAITING),
    )


def replaced() -> FlowInfo:
    """Job 1 was replaced by two jobs and one that collects; job 2 waits for that."""
    return flow(
        job("1"),
        job("2", parents=("u1",), state=JobState.WAITING),
        job("3", hosts=("new",), minute=1),
        job("4", hosts=("new",), minute=1),
        job("5", uuid="u1", index=2, parents=("u3", "u4"), hosts=("new",), minute=1),
    )


def replaced_by_flow() -> FlowInfo:
    """Job 1 was replaced by a flow that holds a flow."""
    return flow(
        job("1"),
        job("2", hosts=("deep", "new"), minute=1),
        job("3", hosts=("deep", "new"), minute=1),
        job("4", uuid="u1", index=2, parents=("u2", "u3"), hosts=("new",), minute=1),
    )


def self_replaced(times: int = 3) -> FlowInfo:
    """A job that was replaced by itself again and again."""
    jobs, hosts = [job("1")], ()
    for n in range(2, times + 2):
        hosts = (f"new{n}", *hosts)
        jobs.append(job(str(n), uuid="u1", index=n, hosts=hosts, minute=n))
    return flow(*jobs)


def detoured() -> FlowInfo:
    """Job 1 brought a detour of two jobs before job 2, and an addition of one job."""
    return flow(
        job("1"),
        job("2", parents=("u1", "u4"), state=JobState.WAITING),
        job("3", parents=("u1",), hosts=("way",), minute=1),
        job("4", parents=("u3",), hosts=("way",), minute=1, state=JobState.READY),
        job("5", parents=("u1",), hosts=("more",), minute=1, state=JobState.FAILED),
    )


def chain_of_additions(length: int) -> FlowInfo:
    """Jobs each of which added the next."""
    jobs, hosts = [job("1")], ()
    for n in range(2, length + 1):
        hosts = (f"more{n}", *hosts)
        jobs.append(job(str(n), parents=(f"u{n - 1}",), hosts=hosts, minute=n))
    return flow(*jobs)
