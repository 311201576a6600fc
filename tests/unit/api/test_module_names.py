"""Scripts for jobflow-remote change one line of their imports: these names have to be there."""

from __future__ import annotations

import ast
import importlib
import inspect
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

import controller
from controller import JobController
from controller.config import LocalWorker
from controller.documents import BatchDoc, DbCollection, FlowInfo
from controller.errors import RemoteError
from controller.hosts.base import CommandResult
from controller.states import JobState

EXAMPLES = "add add_distributed add_many add_raise conditional_sum_replace make_list sleep value"
STATE_GROUPS = "DELETABLE_STATES ERROR_STATES PAUSABLE_STATES RESETTABLE_STATES RUNNING_STATES"
LOCK_ERRORS = (
    "FlowLockedError JobLockedError LockedDocumentError MissingDocumentError RunnerLockedError"
)

# (module where scripts look, module that holds it, names)
ALIASES = [
    ("jobs.state", "states", f"BatchState FlowState JobState {STATE_GROUPS}"),
    ("jobs.state", "errors", "DeprecatedStateError"),
    ("jobs.data", "documents", "BatchDoc DbCollection DynamicResponseType FlowDoc FlowInfo"),
    ("jobs.data", "documents", "JobDoc JobInfo RemoteInfo get_reset_job_base_dict"),
    ("jobs.data", "errors", "RemoteError"),
    ("jobs.report", "report", "FlowTrends FlowsReport JobTrends JobsReport"),
    ("jobs.graph", "graphs", "get_graph get_mermaid"),
    ("jobs.runner", "runner", "Runner"),
    ("jobs.jobcontroller", "jobcontroller", "JobController"),
    ("jobs.jobcontroller", "rules", "get_flow_leafs"),
    ("jobs.run", "execution", "CURRENT_JOBDOC"),
    ("jobs.run", "execution.run", "run_remote_job"),
    ("jobs.submit", "submission", "submit_flow"),
    ("jobs.store", "submission", "get_jobstore"),
    ("config.jobconfig", "submission", "set_run_config"),
    ("jobs.upgrade", "operations.upgrade", "DatabaseUpgrader NoDocumentsIn UpgradeAction"),
    ("jobs.upgrade", "operations.upgrade", "UpgradeCondition"),
    ("utils.db", "errors", LOCK_ERRORS),
    ("utils.db", "locks", "MongoLock"),
    ("utils.examples", "examples", EXAMPLES),
    ("config.base", "config", "BatchConfig ConnectionData ExecutionConfig LocalWorker LogLevel"),
    ("config.base", "config", "Project QueueConfig RemoteWorker RunnerOptions"),
    ("config.base", "config", "SeparatedTransferWorker WorkerBase"),
    ("config.base", "errors", "ConfigError ProjectParsingError ProjectUndefinedError"),
    ("config.manager", "config", "ConfigManager ProjectData"),
    ("config.settings", "config", "JobflowRemoteSettings"),
    ("config", "errors", "ConfigError"),
]
RENAMED = [
    ("jobs.data", "IN_FILENAME", "execution.files", "IN_FILE"),
    ("jobs.data", "OUT_FILENAME", "execution.files", "OUT_FILE"),
    ("jobs.data", "projection_job_info", "documents", "JOB_INFO_PROJECTION"),
]
TESTING = (
    "EnumMaker TestEnum add add_big add_big_undefined_store add_sleep always_fails arithmetic "
    "check_env_var create_detour current_jobdoc ignore_input no_resolve onmissing_none "
    "replace_and_stop_children replace_and_stop_jobflow self_replace stop_jobflow write_file"
)
TOP = (
    "BatchState CURRENT_JOBDOC ConfigError ConfigManager ExecutionConfig FlowLockedError FlowState "
    "FlowTrends FlowsReport JobController JobInfo JobLockedError JobState JobTrends "
    "JobflowRemoteSettings JobsReport LocalWorker LockedDocumentError MissingDocumentError "
    "MongoLock Project RemoteWorker Runner RunnerLockedError RunnerOptions SETTINGS __version__ "
    "get_graph get_jobstore get_mermaid set_run_config submit_flow"
)


@pytest.mark.parametrize(("alias", "home", "names"), ALIASES)
def test_names_are_where_scripts_look(alias: str, home: str, names: str) -> None:
    found = importlib.import_module(f"controller.{alias}")
    holder = importlib.import_module(f"controller.{home}")
    for name in names.split():
        assert getattr(found, name) is getattr(holder, name)


@pytest.mark.parametrize(("alias", "name", "home", "new"), RENAMED)
def test_names_that_changed(alias: str, name: str, home: str, new: str) -> None:
    found = getattr(importlib.import_module(f"controller.{alias}"), name)
    assert found is getattr(importlib.import_module(f"controller.{home}"), new)


def test_jobs_to_test_with() -> None:
    testing = importlib.import_module("controller.testing")
    assert all(hasattr(testing, name) for name in TESTING.split())


def test_hosts_have_the_names_of_jobflow_remote(monkeypatch: pytest.MonkeyPatch) -> None:
    host = LocalWorker(scheduler_type="shell", work_dir=Path("/w"), type="local").get_host()
    host.connect()
    assert (host.is_connected, host.test()) == (True, None)
    host.close()
    monkeypatch.setattr(host, "execute", lambda _: CommandResult("Welcome\ntest\n", "", 0))
    assert "Welcome" in (host.test() or "")

    def refuse(_: str) -> CommandResult:
        raise RemoteError("it does not answer")

    monkeypatch.setattr(host, "execute", refuse)
    assert host.test() == "commands cannot be run: it does not answer"


def test_names_of_the_package() -> None:
    assert set(TOP.split()) <= set(controller.__all__) <= set(dir(controller))
    assert all(getattr(controller, name) is not None for name in controller.__all__)
    with pytest.raises(AttributeError, match="no attribute 'plot_dash'"):
        controller.plot_dash  # noqa: B018


def test_the_package_costs_nothing() -> None:
    program = "import sys, controller; print(len([m for m in sys.modules if 'pydantic' in m]))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "0"


@pytest.mark.parametrize(
    "alias", sorted({a for a, *_ in ALIASES if a.startswith(("jobs.", "utils."))})
)
def test_alias_modules_hold_nothing_of_their_own(alias: str) -> None:
    root = Path(controller.__file__).parent
    tree = ast.parse((root / f"{alias.replace('.', '/')}.py").read_text(encoding="utf-8"))
    docstring, *imports, exported = tree.body
    assert isinstance(docstring, ast.Expr)
    assert all(isinstance(node, ast.ImportFrom) for node in imports)
    assert isinstance(exported, ast.Assign)


def test_views_of_flows_and_batches_answer_as_there() -> None:
    now = datetime(2026, 1, 1)
    flow: dict[str, Any] = {"uuid": "f", "name": "n", "state": "READY", "metadata": {}}
    flow |= {"created_on": now, "updated_on": now, "ids": [["1", "a", 1], ["2", "a", 2]]}
    view = FlowInfo.from_query_dict(flow)
    assert view.ids_mapping == {"a": {1: "1", 2: "2"}}
    assert list(view.iter_job_prop())[1] == {"db_id": "2", "uuid": "a", "index": 2}
    job = {"db_id": "1", "uuid": "a", "index": 1, "worker": "w", "state": "READY", "parents": None}
    job |= {"created_on": now, "updated_on": now, "job": {"name": "add", "hosts": ["f"]}}
    (known,) = FlowInfo.from_query_dict({**flow, "jobs_list": [job]}).iter_job_prop()
    assert known == {
        "db_id": "1",
        "uuid": "a",
        "index": 1,
        "name": "add",
        "state": JobState.READY,
        "parents": [],
        "hosts": ["f"],
    }
    batch = BatchDoc(batch_uid="b", process_id="7", worker="w", jobs=[("1", "a", 1)])
    stored = batch.as_db_dict()
    assert (stored["batch_state"], stored["jobs"]) == ("SUBMITTED", [["1", "a", 1]])
    assert "activity" not in stored
    assert DbCollection.AUX is DbCollection("aux") is DbCollection.AUXILIARY


def test_a_backup_is_restored_with_the_arguments_of_there() -> None:
    given = inspect.signature(JobController.backup_restore).bind(None, "dir", "bin", False, True)
    assert given.arguments["python"] is True
