"""What scripts and notebooks do with a project, and the jobs that are there to be tried."""

from __future__ import annotations

import operator
from typing import Any

import pytest
from jobflow import Flow
from world import World

import controller
from controller import examples, testing
from controller.states import JobState


def test_a_script_from_submission_to_report(world: World) -> None:
    listed = examples.make_list(2, length=3)
    added = examples.add_distributed(listed.output)
    total = examples.conditional_sum_replace(added.output, min_n=20)
    flow = Flow([listed, added, total], name="a script's")
    ids = world.submit(flow)
    world.run()
    world.check()
    assert world.output(ids[1]) == [3, 3, 3]
    assert world.output(ids[2]) == 24
    report = controller.JobsReport.generate_report(world.controller)
    assert report.total == report.completed == world.controller.count_jobs()
    assert controller.FlowsReport.generate_report(world.controller).completed == 1
    info = world.controller.get_flows_info(flow_ids=flow.uuid, full=True)[0]
    assert set(controller.get_graph(info).nodes) == set(info.db_ids)
    assert controller.get_mermaid(info).startswith("flowchart TD")


COMPLETE: list[tuple[Any, Any]] = [
    (lambda: examples.add_many(1, 2, 3), 6),
    (lambda: examples.sleep(0), 0),
    (lambda: examples.value("x"), "x"),
    (lambda: testing.arithmetic(2, 3, operator.mul), 6),
    (lambda: testing.arithmetic(2, 3), None),
    (lambda: testing.check_env_var(), "unset"),
    (lambda: testing.add_sleep(1, 0), 1),
    (lambda: testing.write_file(1), None),
    (lambda: testing.ignore_input(5), 1),
    (lambda: testing.self_replace(3), 0),
    (lambda: testing.replace_and_stop_children(1, 2), None),
    (lambda: testing.replace_and_stop_jobflow(1, 2), None),
    (lambda: testing.replace_and_stop_jobflow(), None),
    (lambda: testing.stop_jobflow(), None),
    (lambda: testing.stop_jobflow(x=1), None),
    (lambda: testing.EnumMaker(e=testing.TestEnum.B).make(), None),
]


def test_jobs_that_complete(world: World) -> None:
    db_ids = [world.submit(make())[0] for make, _ in COMPLETE]
    world.run()
    for db_id, (_, output) in zip(db_ids, COMPLETE):
        info = world.controller.get_job_info(db_id=db_id)
        assert info is not None
        assert (info.name, info.state) == (info.name, JobState.COMPLETED)
        assert (info.name, world.store.get_output(info.uuid)) == (info.name, output)


@pytest.mark.filterwarnings("ignore:.*contains an Flow or Job as an input")
def test_a_job_that_brings_another(world: World) -> None:
    world.submit(testing.create_detour(testing.add(1, 2)))
    assert world.run() == 2


def test_jobs_that_fail(world: World) -> None:
    for made, why in (
        (examples.add_raise(1, 2), "on purpose"),
        (testing.always_fails(), "This job failed."),
    ):
        (db_id,) = world.submit(made)
        world.run()
        info = world.controller.get_job_info(db_id=db_id)
        assert info is not None
        assert info.state is JobState.FAILED
        assert why in (info.error or "")


def test_references(world: World) -> None:
    failing = testing.always_fails()
    missing = testing.onmissing_none(failing.output)
    number = examples.value(1)
    unresolved = testing.no_resolve(number.output)
    known = testing.current_jobdoc()
    parts = [failing, missing, number, unresolved, known]
    ids = dict(zip((j.uuid for j in parts), world.submit(Flow(parts))))
    world.run()
    by_uuid = {j.uuid: j for j in world.controller.get_jobs_info()}
    assert by_uuid[missing.uuid].state is JobState.COMPLETED
    output = {j.uuid: world.store.get_output(j.uuid) for j in parts[1:]}
    assert output[missing.uuid] is None
    assert output[unresolved.uuid] == 1, "the reference is the output, and is followed on reading"
    stored = world.store.docs_store.query_one({"uuid": unresolved.uuid})
    assert stored["output"]["@class"] == "OutputReference"
    assert output[known.uuid]["db_id"] == by_uuid[known.uuid].db_id
    assert set(ids.values()) == {j.db_id for j in by_uuid.values()}


def test_helpers_of_projects_and_workers(world: World) -> None:
    project = world.project
    assert not project.has_interactive_workers
    with project.get_job_controller() as opened:
        assert opened.count_jobs() == 0
    store = project.get_queue_store()
    store.connect()
    assert store.query_one() is None
    store.close()
    outputs = project.get_jobstore()
    outputs.connect()
    assert outputs.query_one() is None
    outputs.close()
    worker = project.get_worker("local")
    assert worker.is_local
    assert not worker.is_batch
    assert worker.get_scheduler_io().__class__.__name__ == "ShellIO"
    assert worker.get_host().execute("echo here").stdout.strip() == "here"
    assert worker.cli_info["scheduler_type"] == "shell"
