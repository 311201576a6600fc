"""Locks removed by force, on each engine."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from stored import FOREIGN_LOCK, Stock

from controller.documents import utc_now
from controller.errors import ArgumentError, FilterError, LockLostError
from controller.jobcontroller import JobController
from controller.locks import MongoLock
from controller.states import FlowState, JobState


def locked_jobs(controller: JobController) -> set[str]:
    return {d["db_id"] for d in controller.jobs.find({"lock_id": {"$ne": None}}, ["db_id"])}


@pytest.fixture
def locked(stock: Stock) -> dict[str, Any]:
    """Two flows, locked, of two locked jobs each, and one that is free."""
    first = stock.flow("READY", "FAILED", name="one", job_fields=FOREIGN_LOCK, **FOREIGN_LOCK)
    second = stock.flow(
        "READY", "READY", name="two", worker="pool", job_fields=FOREIGN_LOCK,
        state=FlowState.STOPPED, **FOREIGN_LOCK,
    )  # fmt: skip
    stock.flow("READY", name="free")
    return {"one": first, "two": second}


SELECTIONS: list[tuple[dict[str, Any], set[str]]] = [
    ({}, {"1", "2", "3", "4"}),
    ({"db_ids": ["1", "4", "5", "77"]}, {"1", "4"}),
    ({"db_ids": []}, set()),
    ({"states": JobState.FAILED}, {"2"}),
    ({"states": ["failed", "READY"], "workers": "pool"}, {"3", "4"}),
    ({"name": "tw*"}, {"3", "4"}),
    ({"metadata": {"number": 1}}, {"2", "4"}),
    ({"flow_ids": "3"}, {"3", "4"}),
    ({"start_date": utc_now().astimezone() + timedelta(days=2)}, set()),
]


def test_unlock_jobs_frees_the_selected_ones_only(controller: JobController, locked: Any) -> None:
    everything = {"1", "2", "3", "4"}
    for given, freed in SELECTIONS:
        controller.jobs.update_many({"db_id": {"$in": sorted(everything)}}, {"$set": FOREIGN_LOCK})
        assert controller.unlock_jobs(**given, dry_run=True) == len(freed), given
        assert locked_jobs(controller) == everything
        assert controller.unlock_jobs(**given) == len(freed), given
        assert locked_jobs(controller) == everything - freed, given
        assert controller.unlock_jobs(**given) == 0
        for job in controller.jobs.find({"db_id": {"$in": sorted(freed)}}):
            assert (job["lock_id"], job["lock_time"], job["lock_lease"]) == (None, None, None)


def test_unlock_jobs_by_uuid_and_index(controller: JobController, locked: Any) -> None:
    job = controller.jobs.find_one({"db_id": "2"})
    assert job is not None
    assert controller.unlock_jobs(job_ids=(job["uuid"], 2)) == 0
    assert controller.unlock_jobs(job_ids=[(job["uuid"], 1)]) == 1
    assert locked_jobs(controller) == {"1", "3", "4"}


@pytest.mark.parametrize("given", [{"states": FlowState.STOPPED}, {"name": "two"}, {"db_ids": "4"}])
def test_unlock_flows_leaves_the_jobs_locked(
    controller: JobController, locked: Any, given: dict[str, Any]
) -> None:
    assert controller.unlock_flows(**given, dry_run=True) == 1
    assert controller.unlock_flows(**given) == 1
    assert {f.name for f in controller.get_flows_info(locked=True)} == {"one"}
    assert len(locked_jobs(controller)) == 4
    assert controller.unlock_flows(flow_ids=locked["one"][0]) == 1
    assert controller.unlock_flows() == 0


def test_unlock_refuses_what_cannot_be_meant(controller: JobController) -> None:
    now = utc_now()
    with pytest.raises(ArgumentError, match="did you mean READY"):
        controller.unlock_jobs(states=["REDY"])  # type: ignore[list-item]
    with pytest.raises(FilterError, match="is after"):
        controller.unlock_flows(start_date=now, end_date=now - timedelta(days=1))
    with pytest.raises(ArgumentError, match="pairs"):
        controller.unlock_jobs(job_ids=["1"])  # type: ignore[list-item]


def test_a_holder_that_was_unlocked_cannot_write(controller: JobController, stock: Stock) -> None:
    stock.flow("READY")
    lock = MongoLock(controller.queue.jobs, {"db_id": "1"})
    assert lock.acquire()
    assert controller.unlock_jobs() == 1
    lock.update_on_release = {"$set": {"state": "PAUSED"}}
    with pytest.raises(LockLostError):
        lock.release()
    job = controller.get_job_info(db_id="1")
    assert job is not None
    assert job.state is JobState.READY


def test_unlock_runner_tells_what_it_found(controller: JobController) -> None:
    assert controller.unlock_runner() == (1, 0)
    query = {"running_runner": {"$exists": True}}
    controller.auxiliary.update_one(query, {"$set": FOREIGN_LOCK})
    assert controller.unlock_runner() == (1, 1)
    assert controller.unlock_runner() == (1, 0)
    controller.auxiliary.delete_many(query)
    assert controller.unlock_runner() == (0, 0)
