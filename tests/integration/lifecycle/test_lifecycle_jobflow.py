"""What changed in jobflow 0.4.0, the oldest version that jfr allows, does here what it does there.

Its list: responses that are dictionaries and tuples of jobs, ``resolve_references: both``, jobs as
arguments and outputs within ``@flow``, and a copy of the settings of ``@job`` for every job.
"""

from __future__ import annotations

from typing import Any

import pytest
from jobflow import Flow, JobConfig, OnMissing, job
from lifecycle_jobs import add, composed, fail, look, one_response_of_many, several
from world import World


@pytest.mark.parametrize(
    ("kind", "output"),
    [("dict", {"x": 11, "y": 22}), ("tuple", [11, 22]), ("list", [11, 22]), ("none", [])],
)
def test_jobs_in_a_collection_replace_the_job(world: World, kind: str, output: Any) -> None:
    start = several(kind)
    child = look(start.output)
    ids = world.submit(Flow([start, child]))
    world.run()
    assert set(world.states().values()) == {"COMPLETED"}
    assert world.output(ids[1])["value"] == output
    assert len(world.states()) == (2 if kind == "none" else 5)
    world.check()


def test_a_response_beside_other_outputs_fails_the_job(world: World) -> None:
    (db_id,) = world.submit(one_response_of_many())
    world.run()
    assert world.states() == {db_id: "FAILED"}
    info = world.controller.get_job_info(db_id=db_id)
    assert info is not None
    assert "Response cannot be returned in combination" in str(info.error)


@pytest.mark.parametrize("on_missing", [OnMissing.NONE, OnMissing.PASS])
def test_a_wrapped_reference_whose_output_is_missing(world: World, on_missing: OnMissing) -> None:
    """It is wrapped as one that is there: what there is instead of a value is jobflow's choice."""
    parent = fail()
    child = look(parent.output)
    child.config = JobConfig(resolve_references="both", on_missing_references=on_missing)
    (_, child_id) = world.submit(Flow([parent, child]))
    world.run()
    assert world.states()[child_id] == "COMPLETED"
    expected = None if on_missing is OnMissing.NONE else parent.uuid
    assert world.output(child_id) == {
        "type": "ResolvedReference",
        "value": expected,
        "uuid": parent.uuid,
    }


def test_jobs_as_arguments_and_outputs_of_a_flow(world: World) -> None:
    made = composed(2)
    last = look(made.output)
    ids = world.submit(Flow([made, last]))
    world.run()
    assert world.output(ids[-1])["value"] == {"sum": 6, "first": [3]}


def test_settings_of_a_decorator_are_not_shared_between_jobs(world: World) -> None:
    @job(config=JobConfig(manager_config={"worker": "local"}))
    def settled() -> None:
        """Do nothing."""

    first, second = settled(), settled()
    first.config.manager_config["priority"] = 5
    assert second.config.manager_config == {"worker": "local"}


def test_settings_that_jobflow_refuses_are_refused_in_its_words() -> None:
    with pytest.raises(ValueError, match="resolve_references must be a bool"):
        JobConfig(resolve_references="some")
    assert add(1, 2).config.resolve_references is True
