"""What `submit_flow` refuses: one line that says why, and nothing is in the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jobflow import Flow, job
from submission_jobs import add, stored_elsewhere

from controller import submit_flow
from controller.config import ConfigManager, Project
from controller.errors import (
    ArgumentError,
    ConfigError,
    ControllerError,
    MissingStoreError,
    SubmissionError,
)
from controller.jobcontroller import JobController


@pytest.fixture
def project(store_spec: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    worker = {"type": "local", "scheduler_type": "shell", "work_dir": str(tmp_path / "work")}
    outputs = {"type": "EmbeddedStore", "path": str(tmp_path / "outputs.sqlite")}
    project = Project.model_validate(
        {
            "name": "test",
            "base_dir": str(tmp_path),
            "workers": {"local": worker},
            "exec_config": {"fast": {}},
            "queue": {"store": store_spec},
            "jobstore": {"docs_store": {**outputs, "collection_name": "outputs"}},
        }
    )
    monkeypatch.setattr(ConfigManager, "get_project", lambda *_: project)
    return project


@pytest.fixture
def controller(project: Project) -> Iterator[JobController]:
    with JobController.from_project(project) as opened:
        opened.reset()
        yield opened


def circle() -> Flow:
    first, second = add(1, 2), add(3, 4)
    first.function_args = (second.output, 1)
    second.function_args = (first.output, 1)
    return Flow([first, second])


def one_uuid_twice() -> Flow:
    first, second = add(1, 2), add(3, 4)
    flow = Flow([first, second])
    second.uuid = first.uuid
    return flow


def on(worker: str) -> Any:
    job = add(1, 2)
    job.config.manager_config = {"worker": worker}
    return Flow([add(1, 1), job])


def unserialisable() -> Any:
    job = add(1, 2)
    flow = Flow([job])
    job.function_args = (object(), 2)
    return flow


def told(**manager_config: Any) -> Any:
    job = add(1, 2)
    job.config.manager_config = manager_config
    return Flow([add(1, 1), job])


SETTINGS: list[tuple[dict[str, Any], str]] = [
    ({"exec_config": {"pre_run": "echo \ud800"}}, "pre_run.*lone surrogate"),
    ({"exec_config": {"pre_run": "echo \0"}}, "exec_config contains a null character"),
    ({"exec_config": {"prerun": "echo"}}, "exec_config has no key 'prerun'"),
    ({"exec_config": {"modules": "one"}}, "cannot have 'one' as modules: use a list of names"),
    ({"exec_config": {"export": {"A": 2**64}}}, r"export.*'A'.* integer of 65 bits"),
    ({"resources": {"nodes": 2**64}}, "integer of 65 bits"),
    ({"resources": {"account": "a\0"}}, "resources contains a null character"),
    ({"resources": [1]}, r"resources cannot be \[1\]"),
    ({"priority": "high"}, "priority cannot be 'high'"),
    ({"priority": 2**64}, "the maximum is 63 bits|integer of 65 bits"),
    ({"priority": True}, "priority cannot be True"),
]


@pytest.mark.parametrize(("given", "pattern"), SETTINGS, ids=ascii)
def test_settings_that_cannot_be_stored_or_run(
    controller: JobController, given: dict[str, Any], pattern: str
) -> None:
    for flow, options in ((told(**given), {}), (add(1, 2), given)):
        with pytest.raises(SubmissionError, match=pattern) as error:
            submit_flow(flow, **options)
        assert "\n" not in str(error.value)
    (db_id,) = submit_flow(add(1, 2), exec_config={"pre_run": None, "modules": ("m",)})
    with pytest.raises(ArgumentError, match=pattern):
        controller.set_job_run_properties(db_ids=db_id, **given)
    assert (db_id, controller.count_jobs()) == ("1", 1)


REFUSED: dict[str, tuple[Callable[[], Any], dict[str, Any], type[ControllerError], str]] = {
    "circle": (circle, {}, SubmissionError, "circle|cycl"),
    "one uuid twice": (one_uuid_twice, {}, SubmissionError, "twice"),
    "worker": (lambda: add(1, 2), {"worker": "locall"}, ConfigError, "did you mean local"),
    "worker of one job": (lambda: on("big"), {}, ConfigError, "there is no worker 'big'"),
    "exec_config": (lambda: add(1, 2), {"exec_config": "fst"}, ConfigError, "did you mean fast"),
    "additional store": (stored_elsewhere, {}, MissingStoreError, "additional store data"),
    "jobstore": (lambda: add(1, 2), {"jobstore": "other"}, ControllerError, "other"),
    "no job": (lambda: Flow([]), {}, SubmissionError, "no job"),
    "no flow": (lambda: 3, {}, SubmissionError, "Flow"),
    "value": (unserialisable, {}, SubmissionError, "cannot be serialised"),
    "function": (lambda: job(lambda a: a)(1), {}, SubmissionError, "inside a function.*import it"),
    "reference": (lambda: add(add(1, 2).output, 1), {}, SubmissionError, "add needs"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(controller: JobController, name: str) -> None:
    make, options, kind, pattern = REFUSED[name]
    with pytest.raises(kind, match=pattern) as error:
        submit_flow(make(), **options)
    assert "\n" not in str(error.value)
    assert controller.count_jobs() == 0
    assert controller.count_flows() == 0
    assert submit_flow(add(1, 2)) == ["1"]  # not even a number was used up


def test_a_uuid_that_another_flow_has(controller: JobController) -> None:
    first = add(1, 2)
    submit_flow(Flow([first]))
    again = type(first).from_dict({**first.as_dict(), "hosts": []})
    with pytest.raises(SubmissionError, match="has already been submitted") as error:
        submit_flow(Flow([add(3, 4), again]))
    assert "\n" not in str(error.value)
    assert (controller.count_jobs(), controller.count_flows()) == (1, 1)


def test_names_of_any_kind(controller: JobController) -> None:
    name = 'it\'s; a "name" with $HOME, `ls`, \\ and \u00e5\u4e2d\U0001f600'
    job = add(1, 2)
    job.name = name
    (db_id,) = submit_flow(Flow([job], name=name))
    found = controller.get_job_info(db_id=db_id)
    assert found is not None
    assert found.name == name
    assert [flow.name for flow in controller.get_flows_info()] == [name]
    assert controller.count_jobs(name=name) == 1


def test_a_database_that_was_never_set_up(project: Project) -> None:
    with pytest.raises(ControllerError, match="admin reset") as error:
        submit_flow(add(1, 2))
    assert "\n" not in str(error.value)


FILES = {"type": "FileStore", "path": "/files"}
MONTY = {"type": "MontyStore", "collection_name": "outputs"}
ALIASED = {"@module": "maggma.stores.advanced_stores", "@class": "AliasingStore", "aliases": {}}
UNUSABLE: dict[str, tuple[dict[str, Any], str]] = {
    "package": ({"docs_store": MONTY}, "MontyStore needs the package montydb"),
    "kind": ({"docs_store": {**ALIASED, "store": {"type": "MemoryStore"}}}, "by uuid and index"),
    "unknown": ({"docs_store": {"type": "SomebodysStore"}}, "no Store of type 'SomebodysStore'"),
    "additional": ({"additional_stores": {"far": MONTY}}, "additional_stores.far: a MontyStore"),
    "needed": ({"additional_stores": {"data": FILES}}, "additional_stores.data: a FileStore"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_jobstore_that_cannot_be_used(
    controller: JobController, project: Project, name: str
) -> None:
    good = dict(project.jobstore)
    described, pattern = UNUSABLE[name]
    project.jobstore = {**good, **described}
    with pytest.raises(ConfigError, match=pattern) as error:
        submit_flow(stored_elsewhere() if name == "needed" else add(1, 2))
    assert "\n" not in str(error.value)
    assert (controller.count_jobs(), controller.count_flows()) == (0, 0)
    if name == "needed":
        assert submit_flow(add(1, 2)) == ["1"], "a job that does not need the store"


def test_a_flow_whose_list_of_jobs_is_too_large_for_one_document(
    project: Project, controller: JobController, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a hundred thousand jobs on MongoDB; here the limit is that of a few."""
    monkeypatch.setattr("controller.operations.insertion._SURELY_FIT", 10)
    monkeypatch.setattr(type(controller.queue.database), "largest_document", 5000)
    with pytest.raises(SubmissionError, match="has 40 jobs") as refused:
        controller.add_flow(Flow([add(n, 1) for n in range(40)]), "local")
    assert "submit it as several flows, of " in str(refused.value)
    assert "\n" not in str(refused.value)
    assert controller.count_jobs() == controller.count_flows() == 0
    assert len(controller.add_flow(Flow([add(n, 1) for n in range(20)]), "local")) == 20
