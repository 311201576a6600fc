"""Words that a command refuses, and commands that help does not show."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner, Result

from jfr_cli.app import app


def jf(*words: str) -> Result:
    return CliRunner().invoke(app, words)


@pytest.mark.parametrize(
    "words",
    [
        ["runner", "start", "--log-level", "loud"],
        ["runner", "stop", "--max-wait", "soon"],
        ["execution", "run-batch", "/base"],
    ],
)
def test_they_know_wrong_words(words: list[str]) -> None:
    assert jf(*words).exit_code == 2


def test_what_is_hidden_stays_hidden() -> None:
    shown = jf("runner", "--tree").output
    assert "foreground" in shown
    assert "stop-processes" not in shown
