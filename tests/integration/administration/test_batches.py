"""Batch processes, on each engine."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from controller.errors import (
    ArgumentError,
    BatchNotFoundError,
    DuplicateKeyError,
    FilterError,
    MissingDocumentError,
)
from controller.jobcontroller import JobController
from controller.states import BatchState


def uids(found: list[Any]) -> set[str]:
    return {batch.batch_uid for batch in found}


@pytest.fixture
def three(controller: JobController) -> JobController:
    """Three processes, two of which have one id, on different workers."""
    controller.add_batch_process("11", "a", "pool")
    controller.add_batch_process(process_id="12", batch_uid="b", worker="pool")
    controller.add_batch_process("11", "c", "far")
    controller.update_job_in_batch("u1", 1, "a", "1")
    controller.update_job_in_batch("u2", 2, "b", "2")
    controller.set_finished_batch_process("b")
    return controller


def test_the_added_document_answers_as_a_result_too(controller: JobController) -> None:
    added = controller.add_batch_process("11", "a", "pool")
    assert added["batch_uid"] == "a"
    assert added["batch_state"] == "SUBMITTED"
    assert added.acknowledged
    stored = controller.batches.find_one({"_id": added.inserted_id})
    assert stored == added
    with pytest.raises(DuplicateKeyError):
        controller.add_batch_process("13", "a", "pool")


INCOMPLETE: list[dict[str, Any]] = [
    {"process_id": "1", "worker": "pool"},
    {"process_id": "1", "process_uuid": "a"},
    {"process_id": "1", "process_uuid": "a", "batch_uid": "b", "worker": "pool"},
    {"process_id": "", "process_uuid": "a", "worker": "pool"},
]


def test_a_process_needs_all_three(controller: JobController) -> None:
    for given in INCOMPLETE:
        with pytest.raises(ArgumentError, match="give all of them"):
            controller.add_batch_process(**given)
    assert controller.count_batches() == 0


SELECTIONS: list[tuple[dict[str, Any], set[str]]] = [
    ({}, {"a", "b", "c"}),
    ({"process_id": "11"}, {"a", "c"}),
    ({"process_id": "11", "worker": "far"}, {"c"}),
    ({"batch_uid": ["a", "b", "x"]}, {"a", "b"}),
    ({"batch_state": [BatchState.SUBMITTED, "running"]}, {"a", "c"}),
    ({"db_ids": "2"}, {"b"}),
    ({"db_ids": ["1", "2"]}, {"a", "b"}),
    ({"job_ids": ("u2", 2)}, {"b"}),
    ({"job_ids": [("u2", 1)]}, set()),
    ({"job_ids": []}, set()),
    ({"db_ids": []}, set()),
    ({"worker": []}, set()),
]


def test_batches_are_selected_counted_and_deleted_alike(three: JobController) -> None:
    everything = list(three.batches.find({}))
    for given, expected in SELECTIONS:
        assert uids(three.get_batches(**given)) == expected, given
        assert three.count_batches(**given) == len(expected), given
        assert three.delete_batches(**given) == len(expected), given
        assert uids(three.get_batches()) == {"a", "b", "c"} - expected, given
        three.batches.delete_many({})
        three.batches.insert_many(everything)


def test_batches_come_newest_first_and_limited(three: JobController) -> None:
    assert [b.batch_uid for b in three.get_batches(sort=[("batch_uid", -1)], limit=2)] == ["c", "b"]
    three.batches.update_one({"batch_uid": "c"}, {"$set": {"updated_on": datetime(2050, 1, 1)}})
    assert three.get_batches(limit=1)[0].batch_uid == "c"


def test_weakness_26_deletion_is_by_uid_and_unlimited(controller: JobController) -> None:
    """jobflow-remote deletes by process_id, and 20 at most."""
    for number in range(25):
        controller.add_batch_process("1", f"b{number}", "pool")
    assert controller.delete_batches(batch_uid="b3") == 1
    assert controller.count_batches(process_id="1") == 24
    assert controller.delete_batches(batch_state=BatchState.SUBMITTED) == 24


def test_bad_selections(controller: JobController) -> None:
    with pytest.raises(FilterError, match="give only one of them"):
        controller.get_batches(db_ids="1", job_ids=("u", 1))
    with pytest.raises(ArgumentError, match="did you mean FINISHED"):
        controller.delete_batches(batch_state="FINISHD")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="process_id"):
        controller.count_batches(process_id={"$ne": 1})  # type: ignore[arg-type]


def test_the_names_of_the_listing(three: JobController) -> None:
    assert three.get_batch_processes("pool") == {"11": "a"}
    document = three.remove_batch_process("11", "pool")
    assert (document["batch_uid"], document["batch_state"]) == ("a", "FINISHED")
    assert three.get_batch_processes("pool") == {}
    assert three.get_batch_processes("far") == {"11": "c"}, "another worker's has the same id"
    with pytest.raises(BatchNotFoundError, match="worker pool has no batch process 11"):
        three.remove_batch_process("11", "pool")


def test_the_process_of_a_batch(three: JobController) -> None:
    assert three.get_batch_process_id("c") == ("11", "far")
    with pytest.raises(MissingDocumentError, match="jf batch list"):
        three.get_batch_process_id("x")


def test_a_job_is_noted_once(three: JobController) -> None:
    three.update_job_in_batch("u1", 1, "a", "1")
    three.update_job_in_batch("u9", 1, "a", "9")
    assert three.get_batches(batch_uid="a")[0].jobs == [("1", "u1", 1), ("9", "u9", 1)]
    assert three.update_job_in_batch("u1", 1, "x", "1").matched_count == 0


def test_the_life_of_a_process(three: JobController) -> None:
    start = datetime(2024, 5, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert three.set_running_batch_process("a", start).matched_count == 1
    assert three.set_running_batch_process("a").matched_count == 1
    batch = three.get_batches(batch_uid="a")[0]
    assert (batch.batch_state, batch.start_time) == (BatchState.RUNNING, datetime(2024, 5, 1, 10))
    end = datetime(2024, 5, 1, 11, tzinfo=UTC)
    assert three.set_finished_batch_process("a", end).matched_count == 1
    assert three.set_running_batch_process("a").matched_count == 0, "it does not come back"
    batch = three.get_batches(batch_uid="a")[0]
    assert (batch.batch_state, batch.end_time) == (BatchState.FINISHED, datetime(2024, 5, 1, 11))
    assert three.set_finished_batch_process("x").matched_count == 0


def test_dictionaries_of_development_versions_are_mended(three: JobController) -> None:
    three.batches.update_one({"batch_uid": "c"}, {"$set": {"jobs": {"u": 1}}})
    assert three.fix_batch_doc_jobs() == 1
    assert three.fix_batch_doc_jobs() == 0
    assert three.get_batches(batch_uid="c")[0].jobs == []
    assert three.get_batches(batch_uid="a")[0].jobs == [("1", "u1", 1)]
