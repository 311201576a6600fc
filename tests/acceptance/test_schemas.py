"""What the installed `jf` prints is what docs/schemas promises."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from installed_jf import Run
from jsonschema import Draft202012Validator

from jfr_cli.render.schemas import declared_schemas

FOLDER = Path(__file__).parents[2] / "docs" / "schemas"

COMMANDS = [
    ("job", ["job", "list"]),
    ("job", ["job", "info", "1"]),
    ("job", ["job", "info", "3", "-vv"]),
    ("flow", ["flow", "list"]),
    ("flow", ["flow", "list", "-v"]),
    ("flow", ["flow", "info", "1"]),
    ("project", ["project", "list"]),
    ("check", ["project", "check"]),
    ("quickstart", ["quickstart"]),
    ("run-summary", ["runner", "run", "--until-idle"]),
    ("version", ["--version"]),
    ("wait", ["job", "wait", "1"]),
    ("wait", ["flow", "wait", "1"]),
    ("why", ["job", "why", "3"]),
    ("run-folder", ["job", "cd", "3"]),
    ("saved-filter", ["job", "filter", "list"]),
    ("worker", ["project", "worker", "list"]),
    ("exec-config", ["project", "exec_config", "list"]),
    ("conflict", ["project", "check-conflicts"]),
    ("file-edit", ["project", "edit", "replace", "local", "other", "--dry-run"]),
    ("removed-project", ["project", "remove", "jfr", "--dry-run"]),
    ("migrated-collection", ["project", "migrate", "--to", "/nowhere", "--dry-run"]),
    ("plugin", ["plugin", "list"]),
    ("event", ["events"]),
    ("event", ["admin", "log"]),
    ("history", ["job", "history", "1"]),
    ("notification", ["notify", "list"]),
    ("reset", ["admin", "reset", "--dry-run"]),
    ("unlocked", ["admin", "unlock"]),
    ("unlocked", ["admin", "unlock-flow", "--dry-run"]),
    ("unlocked-runner", ["admin", "unlock-runner", "--dry-run"]),
    ("cleaned", ["flow", "clean", "--dry-run"]),
    ("cleaned", ["job", "files", "delete", "3", "--dry-run"]),
    ("flow-graph", ["flow", "graph", "1"]),
    ("drawing", ["flow", "graph", "1", "--as", "dot"]),
    ("report", ["job", "report"]),
    ("report", ["flow", "report"]),
    ("job-files", ["job", "files", "ls", "1"]),
    ("queue-files", ["job", "queue-out", "1"]),
    ("demo", ["demo", "--dry-run"]),
    ("quickstart", ["quickstart", "another", "--dry-run"]),
    ("outcome", ["job", "delete", "2", "--dry-run"]),
    ("outcome", ["flow", "delete", "--max", "0", "--dry-run"]),
    ("rebuilt-indexes", ["admin", "index", "rebuild", "--dry-run"]),
    ("created-index", ["admin", "index", "create", "x", "--dry-run"]),
    ("batch", ["batch", "list"]),
    ("deleted-batches", ["batch", "delete"]),
    ("changed-batches", ["batch", "fix-batch-doc-jobs-dict"]),
    ("runner", ["runner", "info", "--pings"]),
    ("upgrade", ["admin", "upgrade"]),
    ("examination", ["admin", "doctor"]),
    ("backup", ["backup", "create", "/nowhere", "--dry-run"]),
    ("runner-reset", ["runner", "reset"]),
    ("updated-jobs", ["runner", "update-status"]),
]


def check(name: str, value: Any) -> None:
    """The schema holds, and no key is undeclared."""
    schema = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    strict = {**schema, "additionalProperties": False}
    Draft202012Validator(strict).validate(value)


@pytest.mark.parametrize(("name", "words"), COMMANDS)
def test_the_output_is_as_documented(finished: Run, name: str, words: list[str]) -> None:
    done = finished("--json", *words)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for value in found if isinstance(found, list) else [found]:
        check(name, value)


def test_a_generated_project_is_as_documented(jf: Run) -> None:
    check("quickstart", json.loads(jf("--json", "project", "generate", "generated").stdout))


def test_the_errors_are_as_documented(finished: Run) -> None:
    for words in (["job", "info", "99"], ["job", "list", "--nonsense"], ["nonsense"]):
        check("error", json.loads(finished("--json", *words).stderr))
        check("error", json.loads(finished(*words, "--json").stderr))


@pytest.mark.parametrize("words", [["job", "list"], ["flow", "list"], ["project", "check"]])
def test_every_list_has_every_format(finished: Run, words: list[str]) -> None:
    rows = json.loads(finished(*words, "--json").stdout)
    lines = finished(*words, "--format", "ndjson").stdout.splitlines()
    assert [json.loads(line) for line in lines] == rows
    table = list(csv.DictReader(finished(*words, "--format", "csv").stdout.splitlines()))
    assert len(table) == len(rows)
    assert list(table[0]) == list(rows[0])
    assert finished(*words, "--format", "count").stdout == f"{len(rows)}\n"
    assert len(finished(*words, "--format", "name").stdout.splitlines()) == len(rows)


@pytest.mark.parametrize("words", [["job", "list", "-s", "PAUSED"], ["flow", "list", "-n", "x"]])
def test_an_empty_result(finished: Run, words: list[str]) -> None:
    expected = {"json": "[]\n", "ndjson": "", "yaml": "[]\n", "name": "", "count": "0\n"}
    for form, text in expected.items():
        done = finished(*words, "--format", form)
        assert (done.returncode, done.stdout, done.stderr) == (0, text, "")
    header = finished(*words, "--format", "csv").stdout
    shape = declared_schemas()[words[0]]
    assert header == ",".join(k for k in shape.properties if k not in shape.optional) + "\n"


def test_columns(finished: Run) -> None:
    done = finished("job", "list", "-did", "1", "--columns", "db_id,remote.process_id,state")
    assert done.stdout.split()[:4] == ["DB", "id", "remote.process_id", "State"]
    found = json.loads(finished("job", "list", "-did", "1", "-o", "state,job_id", "--json").stdout)
    assert list(found[0]) == ["state", "job_id"]
    wrong = finished("flow", "list", "--columns", "nme")
    assert wrong.returncode == 2
    assert "did you mean name?" in wrong.stderr
