"""Threads and processes on one database: each claim is given out once, no update is lost."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pytest

from controller.errors import DuplicateKeyError, StorageBusyError
from controller.storage.base import Collection, Database, Document
from controller.storage.opening import open_store

JOBS = 60
CLAIMERS = 4


def prepare(jobs: Collection) -> None:
    jobs.create_index([("state", 1), ("priority", -1)])
    jobs.insert_many([{"_id": n, "state": "READY", "priority": n % 3} for n in range(JOBS)])
    jobs.insert_one({"_id": "counter", "n": 0})


def claim_all(jobs: Collection) -> list[int]:
    """Claim jobs until none is left, counting each."""
    claimed = []
    while found := jobs.find_one_and_update(
        {"state": "READY"}, {"$set": {"state": "TAKEN"}}, ["_id"], sort=[("priority", -1)]
    ):
        claimed.append(found["_id"])
        jobs.update_one({"_id": "counter"}, {"$inc": {"n": 1}})
    return claimed


def claim_in_process(spec: dict[str, Any]) -> list[int]:
    opened = open_store(spec)
    try:
        return claim_all(opened.collection)
    finally:
        opened.database.close()


def check(jobs: Collection, claims: list[list[int]]) -> None:
    counts = Counter(n for many in claims for n in many)
    assert counts == Counter(range(JOBS))
    counter = jobs.find_one({"_id": "counter"})
    assert counter is not None
    assert counter["n"] == JOBS


def test_threads_claim_each_job_once(queue_database: Database) -> None:
    jobs = queue_database.collection("jobs")
    prepare(jobs)
    with ThreadPoolExecutor(CLAIMERS) as pool:
        claims = list(pool.map(claim_all, [jobs] * CLAIMERS))
    check(jobs, claims)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_processes_claim_each_job_once(
    store_spec: dict[str, Any], queue_database: Database
) -> None:
    jobs = queue_database.collection("jobs")
    prepare(jobs)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(2, mp_context=spawn) as pool:
        claims = list(pool.map(claim_in_process, [store_spec] * 2))
    check(jobs, claims)


def test_threads_make_a_document_once(queue_database: Database) -> None:
    counters = queue_database.collection("counters")
    counters.create_index("name", unique=True)

    def count_up(_: int) -> int:
        for _ in range(20):
            try:
                found = counters.find_one_and_update(
                    {"name": "db_id"},
                    {"$inc": {"next_id": 1}},
                    sort=[("name", 1)],
                    upsert=True,
                    return_document="after",
                )
            except (DuplicateKeyError, StorageBusyError):
                continue  # two made it at once: one of them is told to try again
            assert found is not None
            return int(found["next_id"])
        raise AssertionError("never got a number")

    with ThreadPoolExecutor(CLAIMERS) as pool:
        numbers = list(pool.map(count_up, range(20)))
    assert sorted(numbers) == list(range(1, 21))
    assert counters.count_documents({}) == 1


def test_threads_append_without_loss(queue_database: Database) -> None:
    flows = queue_database.collection("flows")
    flows.insert_one({"_id": 1, "ids": [], "jobs": []})

    def append(n: int) -> None:
        flows.update_one(
            {"_id": 1}, {"$push": {"ids": [str(n), "u", n]}, "$addToSet": {"jobs": n % 5}}
        )

    with ThreadPoolExecutor(CLAIMERS) as pool:
        list(pool.map(append, range(40)))
    found: Document | None = flows.find_one()
    assert found is not None
    assert sorted(n for _, _, n in found["ids"]) == list(range(40))
    assert sorted(found["jobs"]) == list(range(5))


def test_a_lock_has_one_holder(queue_database: Database) -> None:
    jobs = queue_database.collection("jobs")
    jobs.insert_one({"_id": 1, "lock_id": None, "inside": 0})

    def try_lock(n: int) -> int:
        if jobs.find_one_and_update({"_id": 1, "lock_id": None}, {"$set": {"lock_id": n}}) is None:
            return 0
        inside = jobs.find_one_and_update(
            {"_id": 1, "lock_id": n}, {"$inc": {"inside": 1}}, return_document="after"
        )
        assert inside is not None
        assert inside["inside"] == 1
        jobs.update_one({"_id": 1, "lock_id": n}, {"$inc": {"inside": -1}})
        done = jobs.update_one({"_id": 1, "lock_id": n}, {"$set": {"lock_id": None}})
        return done.matched_count

    with ThreadPoolExecutor(CLAIMERS) as pool:
        held = list(pool.map(try_lock, range(40)))
    assert 0 < sum(held) <= 40
    assert jobs.find_one() == {"_id": 1, "lock_id": None, "inside": 0}
