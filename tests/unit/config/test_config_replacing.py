"""Replacing a text in project files."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.config.editing import apply_edit, plan_replacement
from controller.config.writing import back_up
from controller.errors import ArgumentError

TEXT = """\
# kept
name: p
queue:
  store: {type: EmbeddedStore, path: /old/q.sqlite}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "p.yaml"
    path.write_text(TEXT)
    path.chmod(0o640)
    return path


def test_the_text_changes_and_nothing_else(file: Path) -> None:
    (edit,) = plan_replacement([file], "/old/", "/new/")
    assert (edit.count, edit.problems) == (1, ())
    copy = apply_edit(edit)
    assert file.read_text() == TEXT.replace("/old/", "/new/")
    assert copy is not None
    assert copy.read_text() == TEXT
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_file_without_the_text_is_left_out(file: Path) -> None:
    assert plan_replacement([file], "nowhere", "there") == []


@pytest.mark.parametrize(("old", "new"), [("", "x"), ("x", "x")])
def test_a_replacement_that_cannot_be_meant(file: Path, old: str, new: str) -> None:
    with pytest.raises(ArgumentError):
        plan_replacement([file], old, new)


def test_what_would_be_wrong_is_told_by_the_lines_of_the_new_text(file: Path) -> None:
    (edit,) = plan_replacement([file], "name: p\n", "name: p\n\nworker: {}\n")
    assert [(p.line, p.key) for p in edit.problems] == [(4, "worker")]
    (edit,) = plan_replacement([file], "name: p", "name: [")
    assert edit.problems
    assert file.read_text() == TEXT


def test_what_spoils_a_file_is_told_apart_from_what_does_not_mend_it(file: Path) -> None:
    (edit,) = plan_replacement([file], "name: p", "nome: p")
    assert edit.spoils
    file.write_text(TEXT.replace("name: p", "nome: p"))
    (edit,) = plan_replacement([file], "/old/", "/new/")
    assert edit.problems
    assert not edit.spoils


def test_a_file_that_somebody_else_changed_is_left_alone(file: Path) -> None:
    (edit,) = plan_replacement([file], "/old/", "/new/")
    file.write_text("name: q\n")
    with pytest.raises(ArgumentError, match="another process"):
        apply_edit(edit)
    assert file.read_text() == "name: q\n"


@pytest.mark.parametrize(
    "line",
    [
        "password: hunter2 host1",
        '"password": "hunter2 host1",',
        "password = 'hunter2 host1'",
        "uri: mongodb://me:hunter2@host1/db",
        "  - {password: hunter2, host: host1}",
    ],
)
def test_a_diff_tells_no_secret(tmp_path: Path, line: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(f"name: p\n{line}\n")
    (edit,) = plan_replacement([path], "host1", "host2")
    assert "hunter2" not in edit.diff
    assert "hunter2" in edit.after


def test_backups_get_free_names(file: Path) -> None:
    assert [back_up(file).name for _ in range(2)] == ["p.yaml.bak.0", "p.yaml.bak.1"]
