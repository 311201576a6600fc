"""Commands that come with the next version take their options, change nothing and say so."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner, Result

from controller.errors import ControllerError
from jfr_cli.app import app
from jfr_cli.errors import exit_code


def jf(*words: str) -> Result:
    return CliRunner().invoke(app, words)


@pytest.mark.parametrize(
    "words",
    [
        ["gui", "-p", "5002"],
        ["gui"],
    ],
)
def test_they_say_so(words: list[str]) -> None:
    done = jf(*words)
    error = done.exception
    assert isinstance(error, ControllerError)
    assert (exit_code(error), done.output) == (1, "")
    assert f"`jf {' '.join(words[: 1 if words[0] == 'gui' else 2])}` comes with" in error.message
    assert (error.hint or "").startswith("until then: ")


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
