"""Every field of the reference: its default, what it accepts and what it refuses."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from config_samples import BATCH, LOCAL, REMOTE, SEPARATED, content
from pydantic import ValidationError

from controller.config import (
    BatchConfig,
    ConnectionData,
    EventOptions,
    ExecutionConfig,
    LocalWorker,
    LogLevel,
    Project,
    QueueConfig,
    RemoteJobStore,
    RemoteWorker,
    RunnerOptions,
    SeparatedTransferWorker,
    WarmConfig,
)
from controller.errors import ConfigError

COMMON_DEFAULTS: dict[str, Any] = {
    "resources": None,
    "pre_run": None,
    "post_run": None,
    "execution_cmd": None,
    "timeout_execute": 60,
    "max_jobs": None,
    "batch": None,
    "scheduler_username": None,
    "sanitize_command": False,
    "delay_download": None,
    "retry": None,
}
SSH_DEFAULTS: dict[str, Any] = {
    "user": None,
    "port": None,
    "password": None,
    "key_filename": None,
    "passphrase": None,
    "gateway": None,
    "forward_agent": None,
    "connect_timeout": None,
    "connect_kwargs": None,
    "inline_ssh_env": None,
    "keepalive": 60,
    "shell_cmd": "bash",
    "login_shell": True,
    "interactive_login": False,
    "backend": None,
    "ssh_config": None,
}
DEFAULTS: list[tuple[type[Any], dict[str, Any], dict[str, Any]]] = [
    (LocalWorker, LOCAL, {**COMMON_DEFAULTS, "warm": None}),
    (RemoteWorker, REMOTE, {**COMMON_DEFAULTS, **SSH_DEFAULTS}),
    (SeparatedTransferWorker, SEPARATED, {**COMMON_DEFAULTS, **SSH_DEFAULTS}),
    (
        ConnectionData,
        {"host": "h"},
        {
            "user": None,
            "port": None,
            "password": None,
            "key_filename": None,
            "passphrase": None,
            "gateway": None,
            "connect_kwargs": None,
        },
    ),
    (
        BatchConfig,
        BATCH,
        {
            "warm": None,
            "max_jobs_per_batch": None,
            "max_wait": 60,
            "max_time": None,
            "parallel_jobs": None,
            "sleep_time": None,
        },
    ),
    (
        WarmConfig,
        {},
        {
            "processes": None,
            "jobs_per_process": 1000,
            "memory_growth": 200,
            "memory_limit": None,
            "idle_time": 60,
        },
    ),
    (
        RunnerOptions,
        {},
        {
            "delay_checkout": 30,
            "delay_check_run_status": 30,
            "delay_advance_status": 30,
            "delay_refresh_limited": 600,
            "delay_update_batch": 60,
            "delay_ping_db": 3600,
            "lock_timeout": 86400,
            "delete_tmp_folder": True,
            "max_step_attempts": 3,
            "delta_retry": (30, 300, 1200),
        },
    ),
    (EventOptions, {}, {"enabled": True, "max_age_days": 90, "max_number": 500_000}),
    (
        ExecutionConfig,
        {},
        {"modules": None, "export": None, "pre_run": None, "post_run": None, "retry": None},
    ),
    (
        QueueConfig,
        {},
        {
            "store": {},
            "flows_collection": "flows",
            "auxiliary_collection": "jf_auxiliary",
            "batches_collection": "batches",
            "events_collection": None,
            "db_id_prefix": None,
        },
    ),
    (RemoteJobStore, {}, {"store": "maggma_json", "zip": False, "extension": None}),
    (
        Project,
        content(),
        {
            "log_level": LogLevel.INFO,
            "runner": RunnerOptions(),
            "events": EventOptions(),
            "notify": {},
            "workers": {},
            "exec_config": {},
            "jobstore": {"docs_store": {"type": "MemoryStore"}},
            "remote_jobstore": None,
            "datetimes": "date",
            "metadata": None,
            "optional_jobstores": None,
        },
    ),
]


@pytest.mark.parametrize(("model", "given", "defaults"), DEFAULTS, ids=lambda v: str(v)[:40])
def test_defaults(model: type[Any], given: dict[str, Any], defaults: dict[str, Any]) -> None:
    made = model.model_validate(given)
    assert {name: getattr(made, name) for name in defaults} == defaults
    folders = {"base_dir", "tmp_dir", "log_dir", "daemon_dir"}
    assert set(model.model_fields) - set(given) - set(defaults) <= folders


def test_default_folders_lie_in_the_folder_of_the_name(folder: Path) -> None:
    project = Project.model_validate(content(name="abc"))
    base = folder / "abc"
    assert project.folders == {
        "base_dir": base,
        "tmp_dir": base / "tmp",
        "log_dir": base / "log",
        "daemon_dir": base / "daemon",
    }


@pytest.mark.parametrize("empty", [None, ""])
def test_empty_folders_mean_the_default(empty: str | None, folder: Path) -> None:
    project = Project.model_validate(content(base_dir=empty, log_dir=empty))
    assert project.log_dir == str(folder / "small" / "log")


def test_home_is_expanded(tmp_path: Path) -> None:
    project = Project.model_validate(content(base_dir="~/p", tmp_dir="/scratch"))
    assert project.folders == {
        "base_dir": tmp_path / "home/p",
        "tmp_dir": Path("/scratch"),
        "log_dir": tmp_path / "home/p/log",
        "daemon_dir": tmp_path / "home/p/daemon",
    }


ACCEPTED: list[tuple[dict[str, Any], str]] = [
    ({"workers": {"w": {**LOCAL, key: value}}}, f"workers.w.{key}")
    for key, value in [
        ("scheduler_type", "pbs"),
        ("scheduler_type", "sge"),
        ("scheduler_type", {"@module": "m", "@class": "MySlurm"}),
        ("resources", {}),
        ("resources", {"nodes": 1, "time": "01:00:00"}),
        ("resources", {"@module": "qtoolkit.core.data_objects", "@class": "QResources"}),
        ("pre_run", "module purge\nsource env"),
        ("execution_cmd", "srun jf -fe execution run {}"),
        ("timeout_execute", 5),
        ("max_jobs", 0),
        ("batch", BATCH),
        ("batch", {**BATCH, "max_wait": None, "parallel_jobs": 4, "sleep_time": 0.5}),
        ("scheduler_username", "bob"),
        ("sanitize_command", True),
        ("delay_download", 10),
    ]
]
ACCEPTED += [
    ({"workers": {"w": {**REMOTE, key: value}}}, f"workers.w.{key}")
    for key, value in [
        ("user", "bob"),
        ("port", 2222),
        ("password", "p"),
        ("key_filename", "/k"),
        ("key_filename", ["/k", "/l"]),
        ("passphrase", "p"),
        ("gateway", "jump.host"),
        ("gateway", {"host": "jump", "gateway": {"host": "outer", "port": 22}}),
        ("forward_agent", True),
        ("connect_timeout", 10),
        ("connect_kwargs", {"allow_agent": False}),
        ("inline_ssh_env", True),
        ("keepalive", None),
        ("keepalive", 0),
        ("shell_cmd", None),
        ("login_shell", False),
        ("interactive_login", True),
    ]
]
ACCEPTED += [
    ({"workers": {"w": SEPARATED}}, "separated"),
    ({"runner": {"lock_timeout": None, "delta_retry": [1]}}, "runner"),
    ({"runner": {"delay_checkout": 0.5, "max_step_attempts": 0}}, "runner floats"),
    ({"exec_config": {"c": {"export": {"N": 4, "PATH": "/b:$PATH"}}}}, "export"),
    ({"exec_config": {"c": {"modules": [], "pre_run": "a", "post_run": "b"}}}, "exec_config"),
    ({"log_level": "debug", "metadata": {"any": {"thing": 1}}}, "free"),
    ({"remote_jobstore": {"store": "msgpack", "zip": True}}, "msgpack"),
    ({"remote_jobstore": {"store": "orjson"}}, "orjson"),
    ({"remote_jobstore": {"store": "msgspec_json"}}, "msgspec"),
    (
        {
            "remote_jobstore": {
                "store": {"@module": "maggma.stores", "@class": "JSONStore"},
                "extension": "json",
            }
        },
        "described",
    ),
    ({"optional_jobstores": None}, "no optional"),
    ({"optional_jobstores": {"x": {"docs_store": {"type": "MemoryStore"}}}}, "optional"),
    ({"JOB_STORE": {"docs_store": {"type": "MemoryStore"}}}, "alias"),
    ({"runner": None, "workers": None, "exec_config": None, "jobstore": None}, "nulls"),
]


@pytest.mark.parametrize(("changes", "name"), ACCEPTED, ids=[name for _, name in ACCEPTED])
def test_accepted(changes: dict[str, Any], name: str) -> None:
    project = Project.model_validate(content(**changes))
    again = Project.model_validate(project.model_dump(mode="json"))
    assert again == project


def test_unknown_keys_are_refused_at_every_level() -> None:
    everywhere = content(
        unknown=1,
        runner={"unknown": 1},
        workers={"w": {**LOCAL, "unknown": 1, "batch": {**BATCH, "unknown": 1}}},
        exec_config={"c": {"unknown": 1}},
        remote_jobstore={"unknown": 1},
    )
    with pytest.raises(ValidationError) as caught:
        Project.model_validate(everywhere)
    assert {e["type"] for e in caught.value.errors()} == {"extra_forbidden"}
    assert len(caught.value.errors()) == 6


def test_objects_that_describe_themselves_become_descriptions() -> None:
    class Described:
        def as_dict(self) -> dict[str, Any]:
            return {"@module": "m", "@class": "C"}

    worker = LocalWorker(scheduler_type=Described(), work_dir="/w", resources=Described())
    assert worker.scheduler_type == worker.resources == Described().as_dict()
    assert worker.scheduler_name == "C"


WORKER_FACTS = [
    (LOCAL, True, False, "jf -fe execution run {}"),
    ({**LOCAL, "batch": BATCH}, True, True, "jf -fe execution run {}"),
    ({**REMOTE, "execution_cmd": "x {}"}, False, False, "x {}"),
    ({**SEPARATED, "execution_cmd": ""}, False, False, "jf -fe execution run {}"),
]


@pytest.mark.parametrize(("given", "is_local", "is_batch", "command"), WORKER_FACTS)
def test_worker_facts(given: dict[str, Any], is_local: bool, is_batch: bool, command: str) -> None:
    worker = Project.model_validate(content(workers={"w": given})).workers["w"]
    assert (worker.is_local, worker.is_batch, worker.command) == (is_local, is_batch, command)


CLI_INFO = [
    (LOCAL, {"scheduler_type": "shell", "work_dir": "/work"}),
    (
        {**LOCAL, "batch": BATCH},
        {
            "scheduler_type": "shell",
            "work_dir": "/work",
            "batch": {**BATCH, "max_wait": 60.0},
        },
    ),
    (
        {**SEPARATED, "user": "bob", "password": "secret"},
        {
            "host": "cluster",
            "user": "bob",
            "scheduler_type": "slurm",
            "work_dir": "/work",
            "transfer": "data.cluster",
        },
    ),
]


@pytest.mark.parametrize(("given", "info"), CLI_INFO)
def test_cli_info(given: dict[str, Any], info: dict[str, Any]) -> None:
    worker = Project.model_validate(content(workers={"w": given})).workers["w"]
    assert worker.cli_info == info


TRANSFER = [
    ({}, {}, {"host": "d", "user": None, "port": None, "password": None}),
    ({"user": "bob", "port": 22}, {}, {"host": "d", "user": "bob", "port": 22}),
    ({"user": "bob"}, {"user": "ann"}, {"user": "ann"}),
    ({"password": "p"}, {}, {"password": "p"}),
    ({"password": "p", "key_filename": "/k"}, {"key_filename": "/own"}, {"password": None}),
    ({"gateway": "jump"}, {}, {"gateway": None}),
]


@pytest.mark.parametrize(("worker", "transfer", "expected"), TRANSFER)
def test_what_the_transfer_host_takes_over(
    worker: dict[str, Any], transfer: dict[str, Any], expected: dict[str, Any]
) -> None:
    made = SeparatedTransferWorker.model_validate(
        {**SEPARATED, **worker, "transfer": {"host": "d", **transfer}}
    )
    found = made.transfer_connection.model_dump()
    assert {key: found[key] for key in expected} == expected


SHARED_POOLS = [
    ({**LOCAL, "batch": BATCH}, {**LOCAL, "batch": BATCH}, True),
    ({**LOCAL, "batch": BATCH}, {**LOCAL, "batch": {**BATCH, "jobs_handle_dir": "/b"}}, False),
    ({**LOCAL, "batch": BATCH}, {**REMOTE, "batch": BATCH}, False),
    ({**LOCAL, "batch": BATCH}, LOCAL, False),
    ({**REMOTE, "batch": BATCH}, {**REMOTE, "batch": BATCH, "pre_run": "x"}, True),
    ({**REMOTE, "batch": BATCH}, {**REMOTE, "batch": BATCH, "host": "other"}, False),
    ({**REMOTE, "batch": BATCH}, {**REMOTE, "batch": BATCH, "user": "ann"}, False),
    ({**SEPARATED, "batch": BATCH}, {**SEPARATED, "batch": BATCH}, True),
    (
        {**SEPARATED, "batch": BATCH},
        {**SEPARATED, "batch": BATCH, "transfer": {"host": "x"}},
        False,
    ),
]


@pytest.mark.parametrize(("a", "b", "refused"), SHARED_POOLS)
def test_two_batch_workers_do_not_share_a_pool(
    a: dict[str, Any], b: dict[str, Any], refused: bool
) -> None:
    given = content(workers={"a": a, "b": b})
    if refused:
        with pytest.raises(ValidationError, match="a and b share a jobs_handle_dir"):
            Project.model_validate(given)
    else:
        Project.model_validate(given)


def test_first_worker_is_the_default() -> None:
    project = Project.model_validate(content(workers={"z": LOCAL, "a": REMOTE}))
    assert project.get_worker() is project.workers["z"]
    assert project.get_worker("a") is project.workers["a"]


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda p: p.get_worker("locla"), "no worker 'locla' (did you mean local?)"),
        (lambda p: p.get_exec_config("x"), "no exec_config 'x' (known: none)"),
        (lambda p: p.jobstore_spec("x"), "no optional jobstore 'x' (known: none)"),
    ],
)
def test_entries_that_do_not_exist(ask: Any, message: str) -> None:
    project = Project.model_validate(content(workers={"local": LOCAL}))
    with pytest.raises(ConfigError) as caught:
        ask(project)
    assert str(caught.value) == f"project small has {message}"


def test_no_worker_at_all() -> None:
    with pytest.raises(ValueError, match="project small has no worker"):
        Project.model_validate(content()).get_worker()


@pytest.mark.parametrize("worker", [REMOTE, LOCAL])
def test_interactive_workers(worker: dict[str, Any]) -> None:
    assert not Project.model_validate(content(workers={"w": worker})).has_interactive_workers
    asked = {**REMOTE, "interactive_login": True}
    both = Project.model_validate(content(workers={"w": worker, "i": asked}))
    assert both.has_interactive_workers


def test_log_levels_are_those_of_logging() -> None:
    assert [level.to_logging() for level in LogLevel] == [
        logging.ERROR,
        logging.WARNING,
        logging.INFO,
        logging.DEBUG,
    ]


def test_collections_of_a_queue_are_distinct() -> None:
    with pytest.raises(ValidationError, match="'jobs' is used twice"):
        Project.model_validate(
            content(queue={**content()["queue"], "flows_collection": "jobs"}),
        )


WARM: list[tuple[Any, WarmConfig | None]] = [
    (None, None),
    (False, None),
    (True, WarmConfig()),
    ({}, WarmConfig()),
    ({"processes": 2, "memory_limit": "2G"}, WarmConfig(processes=2, memory_limit=2048)),
    ({"memory_growth": 50}, WarmConfig(memory_growth=50)),
]


@pytest.mark.parametrize(("given", "config"), WARM)
def test_warm_has_a_short_form_and_can_be_switched_off(
    given: Any, config: WarmConfig | None
) -> None:
    assert LocalWorker(**LOCAL, warm=given).warm_config == config


NOT_WARM: list[tuple[dict[str, Any], str]] = [
    ({"scheduler_type": "slurm"}, "scheduler_type: shell"),
    ({"batch": BATCH}, "cannot be combined with batch"),
    ({"warm": {"memory_limit": "much"}}, "amount of memory"),
    ({"warm": {"processes": 0}}, "greater than or equal to 1"),
]


@pytest.mark.parametrize(("more", "words"), NOT_WARM)
def test_a_worker_that_cannot_be_warm_says_why(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        LocalWorker(**{**LOCAL, "warm": True, **more})
    if "warm" not in more:
        assert LocalWorker(**{**LOCAL, "warm": False, **more}).warm_config is None


@pytest.mark.parametrize("name", ["pre_run", "post_run", "execution_cmd"])
def test_a_worker_with_lines_of_its_own_for_jobs_is_not_warm(name: str) -> None:
    worker = LocalWorker(**LOCAL, warm=True, **{name: "my {}"})
    assert (worker.warm, worker.warm_config) == (True, None)
