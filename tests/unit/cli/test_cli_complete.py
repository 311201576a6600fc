"""What TAB offers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from controller.config import settings
from jfr_cli import app


@pytest.fixture
def tab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The words that bash is offered for an unfinished line."""
    (tmp_path / "one.yaml").write_text("name: one\nworkers: {near: {}, far: {}}\n")
    (tmp_path / "other.yaml").write_text("name: other\nworkers: {cluster: {}}\n")
    (tmp_path / "broken.yaml").write_text("name: [\n")
    values = settings.JobflowRemoteSettings(projects_folder=str(tmp_path))
    monkeypatch.setattr(settings, "SETTINGS", values, raising=False)

    def offered(line: str) -> list[str]:
        words = line.split(" ")
        env = {
            "_JF_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        }
        result = CliRunner().invoke(app.app, [], env=env, prog_name="jf")
        return result.stdout.split()

    return offered


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("jf j", ["job"]),
        ("jf job l", ["list"]),
        ("jf job list --sta", ["--state", "--start-date"]),
        ("jf job list -s remote", ["remote_error"]),
        ("jf job list -s BATCH_R", ["BATCH_RUNNING"]),
        ("jf flow list -s PAU", ["PAUSED"]),
        ("jf -p o", ["one", "other"]),
        ("jf -p one job list -wk ", ["far", "near"]),
        ("jf job list -wk c", ["cluster"]),
    ],
)
def test_tab(tab: Any, line: str, expected: list[str]) -> None:
    assert tab(line) == expected
