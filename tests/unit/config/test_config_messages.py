"""What is said about a wrong project file: file, line, key, what is wrong, what to write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from config_samples import LOCAL, content, put

from controller.config import InvalidProjectError, validate_file
from controller.config.files import parse_project, read_mapping
from controller.errors import ConfigError

HEAD = """\
name: bad
queue: {store: {type: EmbeddedStore, path: /q.sqlite}}
"""

YAML_PROBLEMS = [
    ("worker: {}", 3, "worker", "unknown key", "did you mean workers?"),
    ("log_level: infos", 3, "log_level", "must be error, warn, info or debug", None),
    ("base_dir: rel", 3, "base_dir", "must be an absolute path, not rel", "a relative path"),
    ("base_dir: 5", 3, "base_dir", "must be text, not 5", "put it in quotes"),
    ("workers: [a]", 3, "workers", "must be a mapping, not a list", None),
    ("workers:\n  w: {}", 4, "workers.w", "needs the key 'type'", "type: local, remote"),
    (
        "workers:\n  w:\n    type: remot",
        4,
        "workers.w",
        "type must be one of local, remote, separated_transfer, not 'remot'",
        "did you mean remote?",
    ),
    (
        "workers:\n  w:\n    type: local\n    work_dir: /w",
        4,
        "workers.w.scheduler_type",
        "this key is missing",
        None,
    ),
    ("runner:\n  delay_checkout: -1", 4, "runner.delay_checkout", "at least 0, not -1", None),
    ("runner:\n  delay_checkout: .nan", 4, "runner.delay_checkout", "a finite number", None),
    ("runner:\n  delta_retry: []", 4, "runner.delta_retry", "must not be empty", None),
    ("runner:\n  delta_retry:\n  - 1\n  - x", 6, "runner.delta_retry.1", "a number, not 'x'", None),
    ("runner:\n  delete_tmp_folder: maybe", 4, "runner.delete_tmp_folder", "true or false", None),
    ("runner:\n  max_step_attempts: 1.5", 4, "runner.max_step_attempts", "a whole number", None),
    ("runner:\n  workers: {}", 4, "runner.workers", "unknown key here", "the top level"),
    ("exec_config:\n  c: {modules: a}", 4, "exec_config.c.modules", "must be a list", None),
    ("exec_config:\n  5: {}", 4, "exec_config.5", "must be text, not 5", "put it in quotes"),
    ("jobstore:\n  type: MongoStore", 3, "jobstore", "needs the key 'docs_store'", "under docs"),
    ("remote_jobstore: {store: jsn}", 3, "remote_jobstore", "store must be one of", None),
    ("name: again", 3, "", "the key name is given twice", None),
    ("a: [1", 3, "", "did not find expected", None),
    ("a: [1\nb: 2", 4, "", "it begins in line 3", None),
    ("a:\n\t- x", 4, "", "cannot start any token", None),
    ("--- 2", 3, "", "expected a single document", None),
]


@pytest.mark.parametrize(("text", "line", "key", "message", "hint"), YAML_PROBLEMS)
def test_yaml(folder: Path, text: str, line: int, key: str, message: str, hint: str | None) -> None:
    path = put(folder, "bad.yaml", HEAD + text + "\n")
    [problem] = validate_file(path)
    assert (problem.file, problem.line, problem.key) == (str(path), line, key)
    assert message in problem.message
    assert (problem.hint is None) if hint is None else (hint in (problem.hint or ""))


WORKER_PROBLEMS: list[tuple[dict[str, Any], str, str, str | None]] = [
    ({"host": "x"}, "host", "unknown key here", "workers of type remote"),
    ({"prerun": "x"}, "prerun", "unknown key", "did you mean pre_run?"),
    ({"work_dir": "rel"}, "work_dir", "an absolute path, not rel", "write it in full"),
    ({"work_dir": "~/x"}, "work_dir", "an absolute path, not ~/x", "neither ~ nor"),
    ({"work_dir": 5}, "work_dir", "must be a path, not 5", None),
    (
        {"scheduler_type": "slrm"},
        "scheduler_type",
        "one of shell, slurm, pbs, sge, hyperqueue",
        None,
    ),
    ({"scheduler_type": {}}, "scheduler_type", "needs the keys '@module' and '@class'", None),
    ({"scheduler_type": 5}, "scheduler_type", "text or a mapping, not 5", "quotes"),
    ({"execution_cmd": "jf"}, "execution_cmd", "must contain {}", None),
    ({"max_jobs": -1}, "max_jobs", "at least 0, not -1", None),
    ({"timeout_execute": 0}, "timeout_execute", "more than 0, not 0", None),
    ({"timeout_execute": None}, "timeout_execute", "a whole number, not None", None),
    ({"resources": [1]}, "resources", "must be a mapping, not a list", None),
    ({"batch": {"work_dir": "/b"}}, "batch.jobs_handle_dir", "this key is missing", None),
    (
        {"batch": {"jobs_handle_dir": "/p", "work_dir": "/b", "maxwait": 1}},
        "batch.maxwait",
        "unknown key",
        "did you mean max_wait?",
    ),
    ({"type": "remote"}, "host", "this key is missing", None),
    ({"type": "remote", "host": ""}, "host", "must not be empty", None),
    ({"type": "remote", "host": "h", "port": 0}, "port", "at least 1, not 0", None),
    ({"type": "remote", "host": "h", "port": 70000}, "port", "at most 65535", None),
    ({"type": "remote", "host": "h", "password": 1234}, "password", "must be text", "quotes"),
    (
        {"type": "remote", "host": "h", "gateway": {"host": "j", "usr": "u"}},
        "gateway.usr",
        "unknown key",
        "did you mean user?",
    ),
    (
        {"type": "separated_transfer", "host": "h"},
        "transfer",
        "this key is missing",
        None,
    ),
]


@pytest.mark.parametrize(("changes", "key", "message", "hint"), WORKER_PROBLEMS)
def test_workers(
    folder: Path, changes: dict[str, Any], key: str, message: str, hint: str | None
) -> None:
    given = content(workers={"w": {**LOCAL, **changes}})
    path = put(folder, "bad.json", json.dumps(given, indent=1))
    [problem] = validate_file(path)
    assert problem.key == f"workers.w.{key}"
    assert message in problem.message
    assert (problem.hint is None) if hint is None else (hint in (problem.hint or ""))
    assert problem.line is not None
    line = path.read_text().splitlines()[problem.line - 1]
    assert f'"{key.split(".")[-1]}"' in line or "missing" in problem.message


def test_secrets_are_not_repeated(folder: Path) -> None:
    worker = {**LOCAL, "type": "remote", "host": "h", "password": 987654, "port": "x"}
    path = put(folder, "bad.json", content(workers={"w": worker}))
    assert "987654" not in "".join(map(str, validate_file(path)))


def test_toml_lines(folder: Path) -> None:
    path = put(
        folder,
        "bad.toml",
        'name = "x"\n\n[queue.store]\ntype = "EmbeddedStore"\npath = "/q"\n\n'
        '[workers."my worker"]\ntype = "local"\nscheduler_type = "shell"\nwork_dir = "x"\n',
    )
    [problem] = validate_file(path)
    assert (problem.line, problem.key) == (10, "workers.my worker.work_dir")


NOT_READABLE = [
    ("x.yaml", b"name: \xff\xfe", 1, "is not UTF-8 text"),
    ("x.yaml", b"- a\n- b\n", None, "must contain keys and values, not a list"),
    ("x.yaml", b"just text", None, "must contain keys and values, not a str"),
    ("x.json", b'{"name": "x",\n "queue" {}}', 2, "Expecting ':' delimiter"),
    ("x.json", b'{"name": "x", "name": "y"}', None, "the key name is given twice"),
    ("x.toml", b'name = "x"\nname = "y"\n', None, "Cannot overwrite a value (at line 2"),
    ("x.yaml", b"a: !!python/object:os.system x", 1, "could not determine a constructor"),
]


@pytest.mark.parametrize(("name", "raw", "line", "message"), NOT_READABLE)
def test_files_that_cannot_be_read(
    folder: Path, name: str, raw: bytes, line: int | None, message: str
) -> None:
    path = folder / name
    path.write_bytes(raw)
    [problem] = validate_file(path)
    assert (problem.line, problem.key) == (line, "")
    assert message in problem.message
    with pytest.raises(ConfigError, match=name):
        read_mapping(path)


def test_a_file_that_is_not_there(folder: Path) -> None:
    [problem] = validate_file(folder / "none.yaml")
    assert problem.message == "cannot be read: No such file or directory"


def test_a_folder_in_the_place_of_a_file(folder: Path) -> None:
    [problem] = validate_file(folder)
    assert problem.message == "cannot be read: Is a directory"


@pytest.mark.parametrize("name", ["x.yaml", "x.json", "x.toml"])
def test_empty_files_lack_their_keys(folder: Path, name: str) -> None:
    problems = validate_file(put(folder, name, "\n"))
    assert [(p.key, p.message) for p in problems] == [
        ("name", "this key is missing"),
        ("queue", "this key is missing"),
    ]


def test_byte_order_mark(folder: Path) -> None:
    for name in ("x.yaml", "x.json"):
        path = folder / name
        path.write_bytes(b"\xef\xbb\xbf" + json.dumps(content()).encode())
        assert validate_file(path) == []


def test_windows_line_ends(folder: Path) -> None:
    path = folder / "x.yaml"
    path.write_bytes((HEAD + "worker: {}\n").replace("\n", "\r\n").encode())
    assert [p.line for p in validate_file(path)] == [3]


def test_the_error_tells_the_first_problems_and_counts_the_others(folder: Path) -> None:
    text = HEAD + "worker: 1\nlog_level: x\nbase_dir: [1]\ntmp_dir: [1]\nmetadata: 2\n"
    path = put(folder, "bad.yaml", text)
    with pytest.raises(InvalidProjectError) as caught:
        parse_project(path)
    assert str(caught.value) == (
        f"{path}, line 3: worker: unknown key (did you mean workers?); "
        "line 4: log_level: must be error, warn, info or debug, not 'x'; "
        "line 5: base_dir: must be text, not a list; and 2 more"
    )
    assert [p.line for p in caught.value.problems] == [3, 4, 5, 6, 7]
